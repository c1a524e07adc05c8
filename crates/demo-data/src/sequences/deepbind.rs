//! DeepBind's ENCODE tables: `<set>_AC.seq.gz` to train on, `<set>_B.seq.gz` to test on.
//!
//! Tab separated, `FoldID EventID seq Bound` (Alipanahi et al., Nature Biotechnology 33:831, 2015).
//! `_AC` holds positives only; `_B` holds 500 peaks and, under the same event number, a shuffle of each:
//! `seq_00002_peak` and `seq_00002_shuf`. The event number is the rank of the peak. Cost: one pass.

use std::path::Path;

use demo_core::DnaSequence;

use super::record::{Record, parse_letters};
use crate::text::{LineReader, shown, write_whole};
use crate::{Error, Example, Place, Result};

/// The columns of the table.
pub(crate) const DEEPBIND_COLUMNS: [&str; 4] = ["FoldID", "EventID", "seq", "Bound"];

/// What an empty file should have been.
pub(super) const DEEPBIND_TABLE: &str = "DeepBind's table: FoldID, EventID, seq, Bound";

/// Reads one of DeepBind's tables, plain or gzip, in the order of the file.
///
/// A peak and its shuffle share a pair number, their event's.
///
/// # Errors
/// Where the file cannot be read or is empty, a line does not have the four columns, or a letter is no DNA code.
pub fn read_deepbind(path: &Path) -> Result<Vec<Example>> {
    Ok(deepbind_records(path)?.into_iter().map(|record| record.example).collect())
}

/// Writes examples as DeepBind does; gzip where the name ends so.
///
/// Event numbers are pair numbers where known, else ranks; an example with neither gets a line number
/// and no `_peak` or `_shuf`, so that reading makes no pair of it.
///
/// # Errors
/// [`Error::Write`].
pub fn write_deepbind(path: &Path, examples: &[Example]) -> Result<()> {
    write_whole(path, |out| {
        writeln!(out, "{}", DEEPBIND_COLUMNS.join("\t"))?;
        for (number, example) in (1..).zip(examples) {
            let (kind, label) = if example.bound { ("_peak", 1) } else { ("_shuf", 0) };
            let (event, kind) = match example.pair.or(example.rank) {
                Some(event) => (event, kind),
                None => (number, ""),
            };
            writeln!(out, "A\tseq_{event:05}{kind}\t{}\t{label}", example.sequence)?;
        }
        Ok(())
    })
}

pub(super) fn deepbind_records(path: &Path) -> Result<Vec<Record>> {
    let mut reader = LineReader::open(path)?;
    if !reader.advance()? {
        return Err(Error::Empty { path: path.to_owned(), wanted: DEEPBIND_TABLE });
    }
    check_header(&reader)?;
    let mut records = Vec::new();
    let mut events = Vec::new();
    while reader.advance()? {
        if reader.line().trim_ascii().is_empty() {
            continue;
        }
        let (record, event) = record_of(parse_row(&reader)?, reader.place());
        records.push(record);
        events.push(event);
    }
    if records.is_empty() {
        return Err(Error::Empty { path: path.to_owned(), wanted: DEEPBIND_TABLE });
    }
    pair_events(&mut records, &events);
    Ok(records)
}

/// Refuses a first line that is not the table's header.
pub(super) fn check_header(reader: &LineReader<'_>) -> Result<()> {
    let header = reader.line();
    let columns = header.split(|&byte| byte == b'\t').map(<[u8]>::trim_ascii);
    if columns.eq(DEEPBIND_COLUMNS.map(str::as_bytes)) {
        return Ok(());
    }
    let wanted = format!("the header {}", shown(DEEPBIND_COLUMNS.join("\t").as_bytes()));
    Err(Error::Line { place: reader.place(), found: shown(header), wanted })
}

/// A row of the table.
pub(super) struct Row {
    pub(super) event: String,
    pub(super) sequence: DnaSequence,
    bound: bool,
}

/// Reads the current line as a row.
pub(super) fn parse_row(reader: &LineReader<'_>) -> Result<Row> {
    let place = || reader.place();
    let wrong =
        |found: String, wanted: &str| Error::Line { place: place(), found, wanted: wanted.to_owned() };
    let columns: Vec<&[u8]> = reader.line().split(|&byte| byte == b'\t').map(<[u8]>::trim_ascii).collect();
    let &[_fold, event, letters, label] = columns.as_slice() else {
        let found = format!("{} tab-separated columns", columns.len());
        return Err(wrong(found, "4: FoldID, EventID, seq, Bound"));
    };
    if letters.is_empty() {
        return Err(wrong("no bases".into(), "at least one base"));
    }
    let bound = match label {
        b"1" => true,
        b"0" => false,
        _ => return Err(wrong(shown(label), "Bound to be 1 or 0")),
    };
    let sequence = parse_letters(letters, place)?;
    Ok(Row { event: String::from_utf8_lossy(event).into_owned(), sequence, bound })
}

fn record_of(row: Row, place: Place) -> (Record, Option<u32>) {
    let event = event_number(&row.event);
    let rank = event.filter(|_| row.bound);
    (Record { place, example: Example { rank, ..Example::new(row.sequence, row.bound) } }, event)
}

/// The number in `seq_00002_peak`.
fn event_number(event: &str) -> Option<u32> {
    let mut parts = event.split('_');
    let number = parts.nth(1)?.parse().ok()?;
    matches!(parts.next(), Some("peak" | "shuf")).then_some(number)
}

/// Gives a pair number to events that have exactly one positive and one negative.
fn pair_events(records: &mut [Record], events: &[Option<u32>]) {
    let mut order: Vec<(u32, bool, usize)> = (0..records.len())
        .filter_map(|index| events[index].map(|event| (event, records[index].example.bound, index)))
        .collect();
    order.sort_unstable();
    for same in order.chunk_by(|a, b| a.0 == b.0) {
        if let [(event, false, negative), (_, true, positive)] = *same {
            records[negative].example.pair = Some(event);
            records[positive].example.pair = Some(event);
        }
    }
}
