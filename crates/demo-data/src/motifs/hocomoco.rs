//! HOCOMOCO's own count format: `>NAME`, then one line of four counts a position.
//!
//! (HOCOMOCO also gives its counts in JASPAR's format, which the JASPAR reader reads.)

use super::MotifCollection;
use super::counts::{CountMotifs, CountRecord, split_header};
use super::format::MotifReading;
use super::rows::{Lines, four};
use crate::Result;
use crate::text::shown;

pub(super) fn parse(lines: &mut Lines<'_>, reading: &MotifReading) -> Result<MotifCollection> {
    let mut found = CountMotifs::default();
    let mut open: Option<CountRecord> = None;
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.to_owned();
        if line.starts_with('>') {
            let (id, name) = split_header(&line);
            if id.is_empty() {
                return Err(lines.error(number, "a header without identifier", "> and an identifier"));
            }
            let next = CountRecord { id, name, line: number, rows: Vec::new(), row_lines: Vec::new() };
            if let Some(done) = open.replace(next) {
                found.push(lines, done, reading)?;
            }
        } else {
            let row = four(lines, number, &line)?;
            let Some(record) = &mut open else {
                return Err(lines.error(number, shown(line.as_bytes()), "a header: > and an identifier"));
            };
            record.rows.push(row);
            record.row_lines.push(number);
        }
    }
    let Some(last) = open else { return Err(lines.empty()) };
    found.push(lines, last, reading)?;
    Ok(MotifCollection::of(found.motifs, None, found.warnings))
}
