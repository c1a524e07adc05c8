//! TRANSFAC: counts, one line a position, in records that end with `//`.
//!
//! The identifier is `AC`, else `ID`, else `NA`; the name is `NA`, else an `ID` that is not the
//! identifier. The letters behind `P0` or `PO` give the order of the columns; a consensus letter at the
//! end of a row is passed over. Rows are numbered from 0 or 1. Records without a matrix are passed over
//! with a warning. A matrix needs the `//`: without it, two records would be taken for one, and a file
//! that was cut off for a whole one.

use super::MotifCollection;
use super::counts::{CountMotifs, CountRecord};
use super::format::MotifReading;
use super::rows::{Lines, numbers};
use crate::text::shown;
use crate::{Error, Result, Warning};

#[derive(Default)]
struct Record {
    line: Option<usize>,
    accession: Option<String>,
    id: Option<String>,
    name: Option<String>,
    matrix: Option<Matrix>,
}

struct Matrix {
    line: usize,
    /// Which base each column holds.
    order: [usize; 4],
    rows: Vec<[f64; 4]>,
    row_lines: Vec<usize>,
    /// The number of the last row.
    last: Option<usize>,
}

pub(super) fn parse(lines: &mut Lines<'_>, reading: &MotifReading) -> Result<MotifCollection> {
    let mut found = CountMotifs::default();
    let mut record = Record::default();
    while let Some((number, line)) = lines.next() {
        let line = line.to_owned();
        if line == "//" {
            close(lines, std::mem::take(&mut record), &mut found, reading)?;
            continue;
        }
        let (code, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let text = || Some(rest.trim().to_owned()).filter(|text| !text.is_empty());
        let header = record.line.is_some() || matches!(code, "AC" | "ID" | "NA" | "P0" | "PO");
        if header {
            record.line.get_or_insert(number);
        }
        match code {
            "AC" if record.accession.is_some() => return Err(second(lines, number, "AC", &record)),
            "P0" | "PO" if record.matrix.is_some() => return Err(second(lines, number, "matrix", &record)),
            "AC" => record.accession = text(),
            "ID" => record.id = text(),
            "NA" => record.name = text(),
            "P0" | "PO" => record.matrix = Some(open_matrix(lines, number, rest)?),
            _ if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit()) => {
                let Some(matrix) = &mut record.matrix else {
                    let wanted = "a row P0 with the letters of the columns before the counts";
                    return Err(lines.error(number, shown(line.as_bytes()), wanted));
                };
                matrix.last = Some(read_number(lines, number, code, matrix.last)?);
                matrix.rows.push(read_row(lines, number, rest, matrix.order)?);
                matrix.row_lines.push(number);
            }
            _ => {}
        }
    }
    if let Some(matrix) = &record.matrix {
        let found =
            format!("the end of the file after {} rows (matrix of line {})", matrix.rows.len(), matrix.line);
        return Err(lines.error(lines.last_line(), found, "a line // behind the matrix"));
    }
    close(lines, record, &mut found, reading)?;
    if found.motifs.is_empty() {
        return Err(lines.empty());
    }
    Ok(MotifCollection::of(found.motifs, None, found.warnings))
}

fn second(lines: &Lines<'_>, number: usize, what: &str, record: &Record) -> Error {
    let found = format!("a second {what} in the record of line {}", record.line.unwrap_or(number));
    lines.error(number, found, "a line // between two records")
}

fn open_matrix(lines: &Lines<'_>, line: usize, rest: &str) -> Result<Matrix> {
    let letters: Vec<&str> = rest.split_whitespace().collect();
    let order: Vec<usize> = letters
        .iter()
        .filter_map(|letter| ["A", "C", "G", "T"].iter().position(|base| base.eq_ignore_ascii_case(letter)))
        .collect();
    let mut seen = order.clone();
    seen.sort_unstable();
    match <[usize; 4]>::try_from(order) {
        Ok(order) if seen == [0, 1, 2, 3] && letters.len() == 4 => {
            Ok(Matrix { line, order, rows: Vec::new(), row_lines: Vec::new(), last: None })
        }
        _ => Err(lines.error(line, format!("columns {}", shown(rest.trim().as_bytes())), "A, C, G and T")),
    }
}

/// The number before a row, which goes on from the one before.
fn read_number(lines: &Lines<'_>, number: usize, code: &str, last: Option<usize>) -> Result<usize> {
    let (right, wanted) = match last {
        None => (0..=1, "row 0 or 1".to_owned()),
        Some(last) => (last + 1..=last + 1, format!("row {}", last + 1)),
    };
    let found = code.parse().ok().filter(|found| right.contains(found));
    found.ok_or_else(|| lines.error(number, format!("row {}", shown(code.as_bytes())), wanted))
}

fn read_row(lines: &Lines<'_>, number: usize, rest: &str, order: [usize; 4]) -> Result<[f64; 4]> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let is_consensus =
        |word: &str| word.len() == 1 && word.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let counts = match words.as_slice() {
        [counts @ .., consensus] if counts.len() == 4 && is_consensus(consensus) => counts,
        all => all,
    };
    let Some(counts) = numbers(&counts.join(" ")).and_then(|row| <[f64; 4]>::try_from(row).ok()) else {
        return Err(lines.error(number, shown(rest.trim().as_bytes()), "four counts"));
    };
    let mut row = [0.0; 4];
    for (column, base) in order.into_iter().enumerate() {
        row[base] = counts[column];
    }
    Ok(row)
}

fn close(lines: &Lines<'_>, record: Record, found: &mut CountMotifs, reading: &MotifReading) -> Result<()> {
    let Some(line) = record.line else { return Ok(()) };
    let Some(matrix) = record.matrix else {
        if record.accession.is_some() || record.id.is_some() {
            let message = "this record has no matrix and is passed over";
            found.warnings.push(Warning::new(lines.place(line), message));
        }
        return Ok(());
    };
    let Some(id) = record.accession.clone().or(record.id.clone()).or(record.name.clone()) else {
        return Err(lines.error(matrix.line, "a matrix without identifier", "a line AC, ID or NA before it"));
    };
    let name = record.name.or(record.id).filter(|name| *name != id);
    let Matrix { rows, row_lines, .. } = matrix;
    found.push(lines, CountRecord { id, name, line, rows, row_lines }, reading)
}
