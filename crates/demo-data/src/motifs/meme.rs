//! MEME text: the minimal format of any version, and the matrices of MEME's full output.
//!
//! Understood are `ALPHABET`, `Background letter frequencies`, `MOTIF` and `letter-probability matrix`
//! with `alength`, `w`, `nsites` and `E`; the rest is passed over. Probabilities are kept as printed:
//! Tomtom, too, divides a row by its sum only where that is off by more than 1e-5, so doing it always
//! would change its scores. A row off by up to 1 % is divided with a warning, a worse one is an error.

use std::ops::RangeInclusive;
use std::sync::Arc;

use demo_core::{Alphabet, AlphabetMotif, Background, Motif, ProbabilityMatrix};

use super::alphabet::{frequencies, read_alphabet};
use super::counts::MOST_SITES;
use super::rows::{Lines, matrix_error, numbers};
use super::{AlphabetCollection, MotifCollection};
use crate::text::shown;
use crate::{Error, Place, Result, Warning};

/// How far a row's sum may be off before the row is divided by it.
const EXACT: f64 = 1e-5;
/// How far it may be off at all; a worse row is refused by the matrix.
const TOLERATED: f64 = 0.01;

/// Reads motifs over DNA and refuses other alphabets.
pub(super) fn parse(lines: &mut Lines<'_>) -> Result<MotifCollection> {
    let read = read(lines, true, |lines, _, raw| {
        // An alphabet of four letters was checked, and with it the numbers of every row.
        let rows = raw.rows.iter().map(|row| std::array::from_fn(|base| row[base])).collect();
        let matrix = ProbabilityMatrix::new(rows).map_err(|source| raw.error(lines, source))?;
        let mut motif = Motif::new(&raw.header.id, matrix);
        if let Some(name) = raw.header.name {
            motif = motif.with_name(name);
        }
        if let Some(site_count) = raw.said.site_count {
            motif = motif.with_site_count(site_count);
        }
        if let Some(e_value) = raw.said.e_value {
            motif = motif.with_e_value(e_value);
        }
        Ok(motif)
    })?;
    // Frequencies of DNA were checked where they were read.
    let background =
        read.background.and_then(|found| Background::new(std::array::from_fn(|i| found[i])).ok());
    Ok(MotifCollection::of(read.motifs, background, read.warnings))
}

/// Reads motifs over the alphabet that the file declares, DNA where it declares none.
pub(super) fn parse_any(lines: &mut Lines<'_>) -> Result<AlphabetCollection> {
    let read = read(lines, false, |lines, alphabet, raw| {
        let motif = AlphabetMotif::new(&raw.header.id, Arc::clone(alphabet), &raw.rows);
        let mut motif = motif.map_err(|source| raw.error(lines, source))?;
        if let Some(name) = raw.header.name {
            motif = motif.with_name(name);
        }
        if let Some(site_count) = raw.said.site_count {
            motif = motif.with_site_count(site_count);
        }
        if let Some(e_value) = raw.said.e_value {
            motif = motif.with_e_value(e_value);
        }
        Ok(motif)
    })?;
    Ok(AlphabetCollection::of(read.alphabet, read.motifs, read.background, read.warnings))
}

/// What a file says, its motifs as `make` makes them.
struct Read<M> {
    alphabet: Arc<Alphabet>,
    motifs: Vec<(Place, M)>,
    background: Option<Vec<f64>>,
    warnings: Vec<Warning>,
}

fn read<M>(
    lines: &mut Lines<'_>,
    only_dna: bool,
    make: impl Fn(&Lines<'_>, &Arc<Alphabet>, RawMotif) -> Result<M>,
) -> Result<Read<M>> {
    let mut read = Read {
        alphabet: Arc::new(Alphabet::dna()),
        motifs: Vec::new(),
        background: None,
        warnings: Vec::new(),
    };
    let mut open: Option<Header> = None;
    let mut versioned = false;
    while let Some((number, line)) = lines.next() {
        let line = line.to_owned();
        if line.starts_with("MEME version") {
            versioned = true;
        } else if let Some(rest) = line.strip_prefix("ALPHABET") {
            let declared = read_alphabet(lines, number, rest, only_dna)?;
            if !read.motifs.is_empty() && !declared.is_same_as(&read.alphabet) {
                let found =
                    format!("alphabet {} after motifs over {}", declared.name(), read.alphabet.name());
                return Err(lines.error(number, found, "one alphabet in a file"));
            }
            read.alphabet = Arc::new(declared);
        } else if line.starts_with("Background letter frequencies") {
            read.background = Some(frequencies(lines, number, &read.alphabet)?);
        } else if line.split_whitespace().next() == Some("MOTIF") {
            if let Some(header) = open.replace(Header::new(lines, number, &line)?) {
                return Err(without_matrix(lines, &header, number));
            }
        } else if let Some(rest) = line.strip_prefix("letter-probability matrix:") {
            let Some(header) = open.take() else {
                return Err(lines.error(number, "a matrix without motif", "a line MOTIF before each matrix"));
            };
            let place = lines.place(header.line);
            let raw = read_matrix(lines, number, rest, header, &read.alphabet, &mut read.warnings)?;
            read.motifs.push((place, make(lines, &read.alphabet, raw)?));
        }
    }
    if let Some(header) = open {
        return Err(without_matrix(lines, &header, lines.last_line()));
    }
    if read.motifs.is_empty() {
        return Err(lines.empty());
    }
    if !versioned {
        let message = "no line says which MEME version this is; read as version 4";
        read.warnings.push(Warning::new(lines.place(1), message));
    }
    Ok(read)
}

/// A motif as its lines say it.
struct RawMotif {
    header: Header,
    said: MatrixHeader,
    rows: Vec<Vec<f64>>,
    /// The line of the matrix's header, and those of its rows.
    line: usize,
    row_lines: Vec<usize>,
}

impl RawMotif {
    fn error(&self, lines: &Lines<'_>, source: demo_core::Error) -> Error {
        matrix_error(lines, &self.header.id, self.line, &self.row_lines, source)
    }
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

/// What the line `letter-probability matrix: …` says, every part of it optional.
#[derive(Default)]
struct MatrixHeader {
    width: Option<usize>,
    site_count: Option<f64>,
    e_value: Option<f64>,
}

impl MatrixHeader {
    fn new(lines: &Lines<'_>, number: usize, text: &str, alphabet: &Alphabet) -> Result<Self> {
        let letters = alphabet.letters().len();
        let mut header = Self::default();
        let spaced = text.replace('=', " ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        for pair in words.chunks(2) {
            let (key, value) = (pair[0], pair.get(1).copied().unwrap_or_default());
            let wrong = |wanted: &str| {
                lines.error(number, format!("{key}= {value}"), format!("{wanted} behind {key}="))
            };
            let number_in =
                |range: RangeInclusive<f64>| value.parse().ok().filter(|found| range.contains(found));
            match key {
                "alength" if value.parse() != Ok(letters) => {
                    let wanted = format!("alength= {letters}, for {}", alphabet.name());
                    return Err(lines.error(number, format!("alength= {value}"), wanted));
                }
                "w" => header.width = Some(value.parse().map_err(|_| wrong("a number"))?),
                "nsites" => {
                    let found = number_in(0.0..=MOST_SITES);
                    header.site_count =
                        Some(found.ok_or_else(|| wrong(&format!("a number from 0 to {MOST_SITES:e}")))?);
                }
                "E" => {
                    let found = number_in(0.0..=f64::INFINITY);
                    header.e_value = Some(found.ok_or_else(|| wrong("a number of 0 or more"))?);
                }
                _ => {}
            }
        }
        Ok(header)
    }
}

fn read_matrix(
    lines: &mut Lines<'_>,
    number: usize,
    rest: &str,
    header: Header,
    alphabet: &Alphabet,
    warnings: &mut Vec<Warning>,
) -> Result<RawMotif> {
    let said = MatrixHeader::new(lines, number, rest, alphabet)?;
    let (mut rows, mut row_lines) = (Vec::new(), Vec::new());
    while said.width.is_none_or(|width| rows.len() < width) {
        let Some((line_number, line)) = lines.next() else { break };
        if line.is_empty() && (said.width.is_some() || rows.is_empty()) {
            continue;
        }
        if is_rule(line) || !(begins_as_a_number(line) || is_mostly_numbers(line)) {
            lines.step_back();
            break;
        }
        let row = numbers(line).filter(|row| row.len() == alphabet.letters().len());
        let Some(row) = row else {
            let found = shown(line.as_bytes());
            return Err(lines.error(line_number, found, wanted_row(alphabet)));
        };
        rows.push(row);
        row_lines.push(line_number);
    }
    check_width(lines, number, &said, rows.len(), &header)?;
    if said.width.is_some() {
        check_end(lines, rows.len(), &header)?;
    }
    normalise(lines, &header, &mut rows, &row_lines, warnings);
    Ok(RawMotif { header, said, rows, line: number, row_lines })
}

fn wanted_row(alphabet: &Alphabet) -> String {
    if alphabet.is_dna() {
        return "four numbers, for A, C, G and T".into();
    }
    let letters: String = alphabet.letters().iter().collect();
    format!("{} numbers, one for each of {letters}", alphabet.letters().len())
}

fn begins_as_a_number(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
}

/// Whether a line is meant as a row, be some of its numbers none; a motif may be called by numbers.
fn is_mostly_numbers(line: &str) -> bool {
    let words = line.split_whitespace();
    let numbers = words.clone().filter(|word| word.parse::<f64>().is_ok()).count();
    2 * numbers > words.count() && !line.starts_with("MOTIF")
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

/// Refuses a row beyond those that the header says. Text there may begin with a number.
fn check_end(lines: &mut Lines<'_>, rows: usize, header: &Header) -> Result<()> {
    while let Some((number, line)) = lines.next() {
        if is_mostly_numbers(line) {
            let found = format!("row {} for motif {}", rows + 1, header.id);
            return Err(lines.error(number, found, format!("{rows}, as w= says")));
        }
        if !line.is_empty() {
            lines.step_back();
            break;
        }
    }
    Ok(())
}

/// Divides rows by their sums where those are off by more than 1e-5 and no more than a matrix allows.
fn normalise(
    lines: &Lines<'_>,
    header: &Header,
    rows: &mut [Vec<f64>],
    row_lines: &[usize],
    warnings: &mut Vec<Warning>,
) {
    let sum = |row: &[f64]| row.iter().sum::<f64>();
    let is_usable = |row: &Vec<f64>| {
        row.iter().all(|p| p.is_finite() && *p >= 0.0) && (sum(row) - 1.0).abs() <= TOLERATED
    };
    // A matrix that is refused as it stands must be refused with its own digits.
    if !rows.iter().all(is_usable) {
        return;
    }
    let mut off: Option<(usize, f64)> = None;
    let mut count = 0;
    for (row, &line) in rows.iter_mut().zip(row_lines) {
        let sum = sum(row);
        if (sum - 1.0).abs() <= EXACT {
            continue;
        }
        off.get_or_insert((line, sum));
        count += 1;
        for p in row {
            *p /= sum;
        }
    }
    if let Some((line, sum)) = off {
        // Without the last digits, which only say that sums of decimals are not exact.
        let sum = (sum * 1e6).round() / 1e6;
        let id = &header.id;
        let message =
            format!("motif {id}: a row sums to {sum}, wanted 1; {count} rows of {id} divided by their sums");
        warnings.push(Warning::new(lines.place(line), message));
    }
}
