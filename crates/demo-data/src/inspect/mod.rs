//! What a file or folder holds: for a look before a run, and to see why a file is refused.
//!
//! Unlike loading, inspecting puts up with unequal lengths and missing labels: it tells them.
//! Cost: one pass, and a sort of the sequences to find copies.

mod motifs;
mod sequences;

use std::fmt;
use std::path::{Path, PathBuf};

pub use motifs::{MotifInspection, MotifSummary};
pub use sequences::{SequenceFormat, SequenceInspection};

use crate::sequences::{DEEPBIND_COLUMNS, SetEntry, SetFiles, read_folder};
use crate::text::{LineReader, shown};
use crate::{Error, Result};

/// What was found at a path.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Inspection {
    /// Labelled or unlabelled sequences.
    Sequences(SequenceInspection),
    /// A motif collection.
    Motifs(MotifInspection),
    /// A folder of data sets, not read.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Its data sets.
        sets: Vec<SetEntry>,
    },
}

/// Looks at a sequence file, a motif file or a folder of data sets.
///
/// # Errors
/// Where it cannot be read, or is none of these.
pub fn inspect(path: &Path) -> Result<Inspection> {
    if path.is_dir() {
        return Ok(Inspection::Folder { path: path.to_owned(), sets: read_folder(path)? });
    }
    match sniff(path)? {
        Kind::Sequences(format) => sequences::inspect(path, format).map(Inspection::Sequences),
        Kind::Motifs => motifs::inspect(path).map(Inspection::Motifs),
    }
}

enum Kind {
    Sequences(SequenceFormat),
    Motifs,
}

/// Tells sequences from motifs by the first lines that are not blank.
fn sniff(path: &Path) -> Result<Kind> {
    let mut reader = LineReader::open(path)?;
    let Some(first) = next_text(&mut reader)? else {
        return Err(Error::Empty { path: path.to_owned(), wanted: "sequences or motifs" });
    };
    if first.split(|&byte| byte == b'\t').next() == Some(DEEPBIND_COLUMNS[0].as_bytes()) {
        return Ok(Kind::Sequences(SequenceFormat::DeepBind));
    }
    if !first.starts_with(b">") {
        return Ok(Kind::Motifs);
    }
    let labelled = matches!(first[1..].trim_ascii(), b"0" | b"1");
    let format = if labelled { SequenceFormat::LabelledFasta } else { SequenceFormat::Fasta };
    match next_text(&mut reader)? {
        // Rows of a matrix have digits, sequences have none.
        Some(second) if second.iter().any(u8::is_ascii_digit) => Ok(Kind::Motifs),
        Some(_) => Ok(Kind::Sequences(format)),
        None => {
            let wanted = "bases or counts below this header".to_owned();
            Err(Error::Line { place: reader.place(), found: shown(&first), wanted })
        }
    }
}

fn next_text(reader: &mut LineReader<'_>) -> Result<Option<Vec<u8>>> {
    while reader.advance()? {
        let line = reader.line().trim_ascii();
        if !line.is_empty() {
            return Ok(Some(line.to_owned()));
        }
    }
    Ok(None)
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequences(sequences) => sequences.fmt(f),
            Self::Motifs(motifs) => motifs.fmt(f),
            Self::Folder { path, sets } => {
                writeln!(f, "{}: {}", path.display(), counted(sets.len(), "data set"))?;
                let width = sets.iter().map(|set| set.name().len()).max().unwrap_or(0);
                for set in sets {
                    let layout = match set.files() {
                        SetFiles::DeepBind { .. } => "DeepBind tables",
                        SetFiles::Dashboard { .. } => "labelled FASTA",
                        SetFiles::Classes { .. } => "FASTA by class",
                    };
                    writeln!(f, "  {:width$}  {layout}", set.name())?;
                }
                Ok(())
            }
        }
    }
}

/// A number and its noun.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// One number, or a range.
fn range<T: fmt::Display + PartialEq>(low: &T, high: &T) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}
