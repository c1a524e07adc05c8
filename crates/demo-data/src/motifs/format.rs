//! Which format a motif file is in, and how it is read.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use demo_core::Background;
use serde::{Deserialize, Serialize};

use super::rows::{Lines, numbers};
use super::{AlphabetCollection, MotifCollection, hocomoco, jaspar, meme, transfac};
use crate::text::{LineReader, shown};
use crate::{Error, Place, Result};

/// The formats of motif files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MotifFormat {
    /// MEME text, any version: probabilities.
    Meme,
    /// JASPAR: counts, base by position, `A [ … ]` or four bare lines.
    Jaspar,
    /// TRANSFAC: counts, position by base, under `P0` or `PO`.
    Transfac,
    /// HOCOMOCO: counts, position by base, under `>NAME`.
    Hocomoco,
}

impl MotifFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Meme, Self::Jaspar, Self::Transfac, Self::Hocomoco];
}

impl fmt::Display for MotifFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Meme => "meme",
            Self::Jaspar => "jaspar",
            Self::Transfac => "transfac",
            Self::Hocomoco => "hocomoco",
        })
    }
}

impl FromStr for MotifFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.to_string().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Error::Unknown {
            kind: "motif format",
            name: text.to_owned(),
            nearest: Self::ALL.map(|format| format.to_string()).to_vec(),
        })
    }
}

/// How a motif file is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MotifReading {
    /// The format, where it shall not be told from the first lines.
    pub format: Option<MotifFormat>,
    /// Pseudocount of a whole row, spread over the bases as the background says; counts only. A
    /// negative one counts as zero.
    pub pseudocount: f64,
    /// The background of the pseudocount.
    pub background: Background,
}

impl Default for MotifReading {
    /// Any format; no pseudocount.
    fn default() -> Self {
        Self { format: None, pseudocount: 0.0, background: Background::UNIFORM }
    }
}

/// Reads a motif file, plain or gzip.
///
/// # Errors
/// Where the file cannot be read, is empty, is in no known format, or a motif has no width, a row that
/// does not sum to 1 within 1 %, a number that is none, or more than 10¹² sites.
pub fn read_motifs(path: &Path, reading: &MotifReading) -> Result<MotifCollection> {
    Ok(read_motifs_with_format(path, reading)?.1)
}

/// Reads a motif file and says which format it was in.
pub(crate) fn read_motifs_with_format(
    path: &Path,
    reading: &MotifReading,
) -> Result<(MotifFormat, MotifCollection)> {
    parse(path, LineReader::open(path)?.into_lines()?, reading)
}

/// Reads motifs from a text, which messages call `name`.
///
/// ```
/// use demo_data::{MotifReading, parse_motifs};
///
/// let text = ">MA0004.1 Arnt\nA [ 4 19 0 ]\nC [ 16 0 20 ]\nG [ 0 1 0 ]\nT [ 0 0 0 ]";
/// let collection = parse_motifs(text, "example".as_ref(), &MotifReading::default())?;
/// let motif = &collection.motifs[0];
/// assert_eq!((motif.id(), motif.name(), motif.site_count()), ("MA0004.1", Some("Arnt"), Some(20.0)));
/// assert_eq!(motif.probabilities().rows()[0], [0.2, 0.8, 0.0, 0.0]);
/// # Ok::<(), demo_data::Error>(())
/// ```
///
/// # Errors
/// As [`read_motifs`].
pub fn parse_motifs(text: &str, name: &Path, reading: &MotifReading) -> Result<MotifCollection> {
    Ok(parse(name, LineReader::from_text(text, name).into_lines()?, reading)?.1)
}

/// Reads a motif file, plain or gzip, over whatever alphabet it declares; formats other than MEME are of DNA.
///
/// # Errors
/// As [`read_motifs`], but for alphabets other than DNA.
pub fn read_any_motifs(path: &Path, reading: &MotifReading) -> Result<AlphabetCollection> {
    parse_any(path, LineReader::open(path)?.into_lines()?, reading)
}

fn parse_any(path: &Path, lines: Vec<(usize, String)>, reading: &MotifReading) -> Result<AlphabetCollection> {
    let format = match reading.format {
        Some(format) => format,
        None => sniff(path, &lines)?,
    };
    if format == MotifFormat::Meme {
        return meme::parse_any(&mut Lines::new(path, lines));
    }
    Ok(parse(path, lines, &MotifReading { format: Some(format), ..*reading })?.1.into())
}

fn parse(
    path: &Path,
    lines: Vec<(usize, String)>,
    reading: &MotifReading,
) -> Result<(MotifFormat, MotifCollection)> {
    let format = match reading.format {
        Some(format) => format,
        None => sniff(path, &lines)?,
    };
    let mut lines = Lines::new(path, lines);
    let collection = match format {
        MotifFormat::Meme => meme::parse(&mut lines),
        MotifFormat::Jaspar => jaspar::parse(&mut lines, reading),
        MotifFormat::Transfac => transfac::parse(&mut lines, reading),
        MotifFormat::Hocomoco => hocomoco::parse(&mut lines, reading),
    }?;
    Ok((format, collection))
}

/// Tells the format from the first line that says something.
fn sniff(path: &Path, lines: &[(usize, String)]) -> Result<MotifFormat> {
    let said = |(_, line): &&(usize, String)| !line.trim().is_empty() && !line.starts_with('#');
    let Some((number, first)) = lines.iter().find(said) else {
        return Err(Error::Empty { path: path.to_owned(), wanted: "motifs" });
    };
    let first = first.trim();
    let code = first.split_whitespace().next().unwrap_or_default();
    if first.starts_with("MEME version") || lines.iter().any(|(_, line)| line.starts_with("MEME version")) {
        Ok(MotifFormat::Meme)
    } else if matches!(code, "AC" | "ID" | "NA" | "DE" | "VV" | "XX" | "P0" | "PO" | "TF" | "//") {
        Ok(MotifFormat::Transfac)
    } else if first.starts_with('>') {
        Ok(if is_position_by_base(lines) { MotifFormat::Hocomoco } else { MotifFormat::Jaspar })
    } else if jaspar::is_row(first) {
        Ok(MotifFormat::Jaspar)
    } else {
        Err(Error::Line {
            place: Place { path: path.to_owned(), line: *number },
            found: shown(first.as_bytes()),
            wanted: "motifs in MEME, JASPAR, TRANSFAC or HOCOMOCO format".into(),
        })
    }
}

/// Whether the records under `>` lines are rows of four numbers, one a position.
///
/// Four rows of four numbers can be read both ways. Then the way decides in which the rows have
/// equal sums, as positions have and bases do not; where both or none have, it is JASPAR.
fn is_position_by_base(lines: &[(usize, String)]) -> bool {
    let records = lines.split(|(_, line)| line.trim_start().starts_with('>'));
    let mut votes = 0;
    for record in records {
        let rows: Option<Vec<Vec<f64>>> = record
            .iter()
            .map(|(_, line)| line.trim())
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(numbers)
            .collect();
        let Some(rows) = rows else { return false };
        if rows.is_empty() {
            continue;
        }
        match (rows.len() == 4, rows.iter().all(|row| row.len() == 4)) {
            (_, false) => return false,
            (false, true) => return true,
            (true, true) => {
                let across = spread(rows.iter().map(|row| row.iter().sum()));
                let down = spread((0..4).map(|column| rows.iter().map(|row| row[column]).sum()));
                votes += i32::from(across < down) - i32::from(down < across);
            }
        }
    }
    votes > 0
}

fn spread(sums: impl Iterator<Item = f64>) -> f64 {
    let (low, high) = sums.fold((f64::INFINITY, 0.0f64), |(low, high), sum| (low.min(sum), high.max(sum)));
    // Rounded, so that sums equal but for their last digits count as equal.
    ((high - low) / high.max(f64::MIN_POSITIVE) * 1e6).round()
}
