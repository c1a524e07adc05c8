//! MEME text: the minimal format of any version, and the matrices of MEME's full output.
//!
//! Understood are `ALPHABET`, `Background letter frequencies`, `MOTIF` and `letter-probability matrix`
//! with `alength`, `w`, `nsites` and `E`; the rest is passed over. Probabilities are kept as printed:
//! Tomtom, too, divides a row by its sum only where that is off by more than 1e-5, so doing it always
//! would change its scores. A row off by up to 1 % is divided with a warning, a worse one is an error.

use demo_core::{Background, Motif, ProbabilityMatrix};

use super::MotifCollection;
use super::rows::{Lines, four, matrix_error};
use crate::text::shown;
use crate::{Error, Result, Warning};

/// How far a row's sum may be off before the row is divided by it.
const EXACT: f64 = 1e-5;

pub(super) fn parse(lines: &mut Lines<'_>) -> Result<MotifCollection> {
    let (mut motifs, mut warnings) = (Vec::new(), Vec::new());
    let mut background = None;
    let mut open: Option<Header> = None;
    let mut versioned = false;
    while let Some((number, line)) = lines.next() {
        let line = line.to_owned();
        if line.starts_with("MEME version") {
            versioned = true;
        } else if let Some(rest) = line.strip_prefix("ALPHABET") {
            check_alphabet(lines, number, rest)?;
        } else if line.starts_with("Background letter frequencies") {
            background = Some(read_background(lines, number)?);
        } else if line.split_whitespace().next() == Some("MOTIF") {
            if let Some(header) = open.replace(Header::new(lines, number, &line)?) {
                return Err(without_matrix(lines, &header, number));
            }
        } else if let Some(rest) = line.strip_prefix("letter-probability matrix:") {
            let Some(header) = open.take() else {
                return Err(lines.error(number, "a matrix without motif", "a line MOTIF before each matrix"));
            };
            let motif = read_matrix(lines, number, rest, &header, &mut warnings)?;
            motifs.push((lines.place(header.line), motif));
        }
    }
    if let Some(header) = open {
        return Err(without_matrix(lines, &header, lines.last_line()));
    }
    if motifs.is_empty() {
        return Err(lines.empty());
    }
    if !versioned {
        warnings
            .push(Warning::new(lines.place(1), "no line says which MEME version this is; read as version 4"));
    }
    Ok(MotifCollection::of(motifs, background, warnings))
}

/// What a `MOTIF` line says.
struct Header {
    line: usize,
    id: String,
    name: Option<String>,
}

impl Header {
    fn new(lines: &Lines<'_>, line: usize, text: &str) -> Result<Self> {
        let mut words = text.split_whitespace().skip(1);
        let Some(id) = words.next() else {
            return Err(lines.error(line, "MOTIF without identifier", "MOTIF and an identifier"));
        };
        // MEME's full output has `width = 8` and more behind the names.
        let name = words.next().filter(|&word| word != "width" && !word.starts_with("width="));
        Ok(Self { line, id: id.to_owned(), name: name.map(str::to_owned) })
    }
}

fn without_matrix(lines: &Lines<'_>, header: &Header, line: usize) -> Error {
    let found = format!("motif {} (line {}) without a matrix", header.id, header.line);
    lines.error(line, found, "a letter-probability matrix for each MOTIF")
}

fn check_alphabet(lines: &Lines<'_>, number: usize, rest: &str) -> Result<()> {
    let rest = rest.trim();
    let is_dna = match rest.strip_prefix('=') {
        Some(letters) => letters.trim() == "ACGT",
        // A named alphabet, whose letters are listed down to `END ALPHABET`.
        None => rest.starts_with("\"DNA\""),
    };
    if is_dna {
        Ok(())
    } else {
        Err(lines.error(number, format!("alphabet {}", shown(rest.as_bytes())), "ACGT"))
    }
}

/// The frequencies, on one line or several.
fn read_background(lines: &mut Lines<'_>, header: usize) -> Result<Background> {
    let mut frequencies = [None; 4];
    let mut last = header;
    while frequencies.contains(&None) {
        let Some((number, line)) = lines.next() else { break };
        let words: Vec<&str> = line.split_whitespace().collect();
        last = number;
        for pair in words.chunks(2) {
            let base = ["A", "C", "G", "T"].iter().position(|base| base.eq_ignore_ascii_case(pair[0]));
            let value = pair.get(1).and_then(|word| word.parse::<f64>().ok());
            let (Some(base), Some(value)) = (base, value) else {
                let found = shown(line.as_bytes());
                return Err(lines.error(
                    number,
                    found,
                    "background frequencies such as A 0.25 C 0.25 G 0.25 T 0.25",
                ));
            };
            frequencies[base] = Some(value);
        }
    }
    let [Some(a), Some(c), Some(g), Some(t)] = frequencies else {
        return Err(lines.error(last, "the end of the file", "background frequencies of A, C, G and T"));
    };
    Background::new([a, c, g, t]).map_err(|source| Error::Value { place: lines.place(last), source })
}

/// What the line `letter-probability matrix: …` says, every part of it optional.
#[derive(Default)]
struct MatrixHeader {
    width: Option<usize>,
    site_count: Option<f64>,
    e_value: Option<f64>,
}

impl MatrixHeader {
    fn new(lines: &Lines<'_>, number: usize, text: &str) -> Result<Self> {
        let mut header = Self::default();
        let spaced = text.replace('=', " ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        for pair in words.chunks(2) {
            let (key, value) = (pair[0], pair.get(1).copied().unwrap_or_default());
            let wrong = || lines.error(number, format!("{key}= {value}"), format!("a number behind {key}="));
            match key {
                "alength" if value != "4" => {
                    return Err(lines.error(number, format!("alength= {value}"), "alength= 4, for DNA"));
                }
                "w" => header.width = Some(value.parse().map_err(|_| wrong())?),
                "nsites" => header.site_count = Some(value.parse().map_err(|_| wrong())?),
                "E" => header.e_value = Some(value.parse().map_err(|_| wrong())?),
                _ => {}
            }
        }
        if header.site_count.is_some_and(|count| !count.is_finite() || count < 0.0) {
            return Err(lines.error(number, "a negative nsites", "nsites= 0 or more"));
        }
        Ok(header)
    }
}

fn read_matrix(
    lines: &mut Lines<'_>,
    number: usize,
    rest: &str,
    header: &Header,
    warnings: &mut Vec<Warning>,
) -> Result<Motif> {
    let said = MatrixHeader::new(lines, number, rest)?;
    let (mut rows, mut row_lines) = (Vec::new(), Vec::new());
    while said.width.is_none_or(|width| rows.len() < width) {
        let Some((line_number, line)) = lines.next() else { break };
        let line = line.to_owned();
        if line.is_empty() && (said.width.is_some() || rows.is_empty()) {
            continue;
        }
        if !line.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) || is_rule(&line)
        {
            lines.step_back();
            break;
        }
        rows.push(four(lines, line_number, &line)?);
        row_lines.push(line_number);
    }
    check_width(lines, number, &said, rows.len(), header)?;
    let rows = normalise(lines, header, rows, &row_lines, warnings);
    let matrix = ProbabilityMatrix::new(rows)
        .map_err(|source| matrix_error(lines, &header.id, number, &row_lines, source))?;
    let mut motif = Motif::new(&header.id, matrix);
    if let Some(name) = &header.name {
        motif = motif.with_name(name);
    }
    if let Some(site_count) = said.site_count {
        motif = motif.with_site_count(site_count);
    }
    if let Some(e_value) = said.e_value {
        motif = motif.with_e_value(e_value);
    }
    Ok(motif)
}

/// Whether a line is one of the dashed rules of MEME's full output.
fn is_rule(line: &str) -> bool {
    line.starts_with("--")
}

fn check_width(
    lines: &Lines<'_>,
    number: usize,
    said: &MatrixHeader,
    found: usize,
    header: &Header,
) -> Result<()> {
    match said.width {
        Some(width) if width != found => {
            let found = format!("{found} rows for motif {}", header.id);
            Err(lines.error(number, found, format!("{width}, as w= says")))
        }
        _ => Ok(()),
    }
}

/// Divides rows by their sums where those are off by more than 1e-5 and no more than a matrix allows.
fn normalise(
    lines: &Lines<'_>,
    header: &Header,
    rows: Vec<[f64; 4]>,
    row_lines: &[usize],
    warnings: &mut Vec<Warning>,
) -> Vec<[f64; 4]> {
    // A matrix that is refused as it stands must be refused with its own digits.
    if ProbabilityMatrix::new(rows.clone()).is_err() {
        return rows;
    }
    let mut off: Option<(usize, f64)> = None;
    let mut count = 0;
    let divided = rows
        .iter()
        .zip(row_lines)
        .map(|(row, &line)| {
            let sum: f64 = row.iter().sum();
            if (sum - 1.0).abs() <= EXACT {
                return *row;
            }
            off.get_or_insert((line, sum));
            count += 1;
            row.map(|p| p / sum)
        })
        .collect();
    if let Some((line, sum)) = off {
        // Without the last digits, which only say that sums of decimals are not exact.
        let sum = (sum * 1e6).round() / 1e6;
        let id = &header.id;
        let message =
            format!("motif {id}: a row sums to {sum}, wanted 1; {count} rows of {id} divided by their sums");
        warnings.push(Warning::new(lines.place(line), message));
    }
    divided
}
