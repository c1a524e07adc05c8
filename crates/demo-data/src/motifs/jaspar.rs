//! JASPAR: counts, one line a base.
//!
//! `>MA0004.1 Arnt` is followed by four lines, `A [ 4 19 0 ]` in any order of the letters, or bare
//! numbers in the order A, C, G, T. One bare matrix without a header is named after its file.

use super::MotifCollection;
use super::counts::{CountMotifs, CountRecord, split_header};
use super::format::MotifReading;
use super::rows::{Lines, numbers};
use crate::text::shown;
use crate::{Place, Result};

const BASES: [&str; 4] = ["A", "C", "G", "T"];

pub(super) fn parse(lines: &mut Lines<'_>, reading: &MotifReading) -> Result<MotifCollection> {
    let mut found = CountMotifs::default();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (line_number, header) = (number, line.to_owned());
        let (id, name) = if header.starts_with('>') {
            split_header(&header)
        } else if found.motifs.is_empty() && is_row(&header) {
            lines.step_back();
            (stem(&lines.place(line_number)), None)
        } else {
            return Err(lines.error(line_number, shown(header.as_bytes()), "a header: > and an identifier"));
        };
        if id.is_empty() {
            return Err(lines.error(line_number, "a header without identifier", "> and an identifier"));
        }
        let (rows, row_lines) = read_matrix(lines, &id, line_number)?;
        let record = CountRecord { id, name, line: line_number, rows, row_lines };
        found.push(lines, record, reading)?;
    }
    if found.motifs.is_empty() {
        return Err(lines.empty());
    }
    Ok(MotifCollection::of(found.motifs, None, found.warnings))
}

/// Whether a line is a row of such a matrix.
pub(super) fn is_row(line: &str) -> bool {
    parse_row(line).is_some_and(|(_, numbers)| !numbers.is_empty())
}

/// The letter, where there is one, and the numbers.
fn parse_row(line: &str) -> Option<(Option<usize>, Vec<f64>)> {
    let first = line.chars().next()?;
    let base = BASES.iter().position(|base| base.starts_with(first.to_ascii_uppercase()));
    let rest = if base.is_some() { &line[1..] } else { line };
    let rest = rest.trim_start_matches([' ', '\t', '|', ':', '[']).trim_end_matches([' ', '\t', ']']);
    Some((base, numbers(rest)?))
}

/// The four rows under a header, turned to position by base.
fn read_matrix(lines: &mut Lines<'_>, id: &str, header: usize) -> Result<(Vec<[f64; 4]>, Vec<usize>)> {
    let mut of_base: [Option<(usize, Vec<f64>)>; 4] = Default::default();
    for (order, expected) in BASES.iter().enumerate() {
        let (number, line) = next_row(lines, id, header, order)?;
        let Some((letter, values)) = parse_row(&line) else {
            let wanted = format!("the counts of {expected} over the positions of {id}");
            return Err(lines.error(number, shown(line.as_bytes()), wanted));
        };
        let base = letter.unwrap_or(order);
        if of_base[base].is_some() {
            let found = format!("a second row for {}", BASES[base]);
            return Err(lines.error(number, found, "one row for each of A, C, G and T"));
        }
        of_base[base] = Some((number, values));
    }
    let rows: Vec<(usize, Vec<f64>)> = of_base.into_iter().flatten().collect();
    let width = rows[0].1.len();
    if let Some((number, values)) = rows.iter().find(|(_, values)| values.len() != width) {
        let wanted = format!("{width}, as many as for {} ({id}, line {})", BASES[0], rows[0].0);
        return Err(lines.error(*number, format!("{} counts", values.len()), wanted));
    }
    // A bad position lies in four lines; the first of them is named.
    let row_lines = vec![rows[0].0; width];
    Ok(((0..width).map(|position| std::array::from_fn(|base| rows[base].1[position])).collect(), row_lines))
}

fn next_row(lines: &mut Lines<'_>, id: &str, header: usize, order: usize) -> Result<(usize, String)> {
    while let Some((number, line)) = lines.next() {
        if line.starts_with('>') {
            let found = format!("the next motif after {order} rows of {id}");
            return Err(lines.error(number, found, "four rows, for A, C, G and T"));
        }
        if !line.is_empty() && !line.starts_with('#') {
            return Ok((number, line.to_owned()));
        }
    }
    let found = format!("the end of the file after {order} rows of {id} (line {header})");
    Err(lines.error(lines.last_line(), found, "four rows, for A, C, G and T"))
}

fn stem(place: &Place) -> String {
    place.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
