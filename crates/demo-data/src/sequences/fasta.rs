//! FASTA, plain or gzip: unlabelled, and with the Deep Motif Dashboard's labels in the headers.
//!
//! A record is a `>` line and any number of sequence lines; blank lines are skipped. The Dashboard
//! writes `>1`, `> 1`, `>0` or `> 0`. Cost: one pass.

use std::path::Path;

use demo_core::DnaSequence;

use super::record::{Record, check_lengths};
use crate::text::{LineReader, shown, write_whole};
use crate::{Error, Example, Place, Result};

/// One record of a FASTA file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FastaRecord {
    /// The text after `>`, without surrounding blanks.
    pub header: String,
    /// The bases.
    pub sequence: DnaSequence,
    /// The file and the line of the header.
    pub place: Place,
}

/// Reads every record of a FASTA file, plain or gzip.
///
/// # Errors
/// Where the file cannot be read or is empty, a line stands before the first header, a record has no
/// bases, or a letter is no DNA code.
pub fn read_fasta(path: &Path) -> Result<Vec<FastaRecord>> {
    read_records(LineReader::open(path)?)
}

/// Reads a FASTA file whose headers are labels, `>1` bound and `>0` unbound.
///
/// # Errors
/// As [`read_fasta`], and where a header is no label or the lengths differ.
pub fn read_labelled_fasta(path: &Path) -> Result<Vec<Example>> {
    let records = labelled_records(path)?;
    check_lengths(&records)?;
    Ok(records.into_iter().map(|record| record.example).collect())
}

/// Writes examples as the Deep Motif Dashboard does, `>1` bound and `>0` unbound; gzip where the name ends so.
///
/// # Errors
/// [`Error::Write`].
pub fn write_labelled_fasta(path: &Path, examples: &[Example]) -> Result<()> {
    write_whole(path, |out| {
        examples
            .iter()
            .try_for_each(|example| writeln!(out, ">{}\n{}", u8::from(example.bound), example.sequence))
    })
}

/// Writes named sequences, one line each; gzip where the name ends so.
///
/// # Errors
/// [`Error::Write`].
pub fn write_fasta<'a>(
    path: &Path,
    records: impl IntoIterator<Item = (&'a str, &'a DnaSequence)>,
) -> Result<()> {
    write_whole(path, |out| {
        records.into_iter().try_for_each(|(header, sequence)| writeln!(out, ">{header}\n{sequence}"))
    })
}

/// The records of a labelled file with their places.
pub(super) fn labelled_records(path: &Path) -> Result<Vec<Record>> {
    let labelled = |record: FastaRecord| {
        let bound = match record.header.as_str() {
            "1" => true,
            "0" => false,
            _ => {
                let found = shown(format!(">{}", record.header).as_bytes());
                let wanted = "a label: >1 (bound) or >0 (unbound)".to_owned();
                return Err(Error::Line { place: record.place, found, wanted });
            }
        };
        Ok(Record { place: record.place, example: Example::new(record.sequence, bound) })
    };
    read_fasta(path)?.into_iter().map(labelled).collect()
}

/// The records of an unlabelled file, all with one label.
pub(super) fn records_of_class(path: &Path, bound: bool) -> Result<Vec<Record>> {
    let record =
        |record: FastaRecord| Record { place: record.place, example: Example::new(record.sequence, bound) };
    Ok(read_fasta(path)?.into_iter().map(record).collect())
}

fn read_records(mut reader: LineReader<'_>) -> Result<Vec<FastaRecord>> {
    let mut records = Vec::new();
    let mut open: Option<(String, Place, Vec<u8>)> = None;
    while reader.advance()? {
        let line = reader.line().trim_ascii();
        if let Some(header) = line.strip_prefix(b">") {
            let header = String::from_utf8_lossy(header.trim_ascii()).into_owned();
            let place = reader.place();
            if let Some(done) = open.replace((header, place, Vec::new())) {
                records.push(close(done)?);
            }
        } else if !line.is_empty() {
            let Some((_, _, codes)) = &mut open else {
                let (found, wanted) = (shown(line), "a FASTA header: > and a name".to_owned());
                return Err(Error::Line { place: reader.place(), found, wanted });
            };
            // Each line by itself, so that a foreign letter is named with its own line.
            match DnaSequence::from_ascii(line) {
                Ok(part) => codes.extend_from_slice(part.as_codes()),
                Err(source) => return Err(Error::Value { place: reader.place(), source }),
            }
        }
    }
    let Some(last) = open else {
        let path = reader.path().to_owned();
        return Err(Error::Empty { path, wanted: "FASTA records" });
    };
    records.push(close(last)?);
    Ok(records)
}

fn close((header, place, codes): (String, Place, Vec<u8>)) -> Result<FastaRecord> {
    if codes.is_empty() {
        let found = format!("a record without bases ({})", shown(header.as_bytes()));
        return Err(Error::Line { place, found, wanted: "at least one base".into() });
    }
    match DnaSequence::from_codes(codes) {
        Ok(sequence) => Ok(FastaRecord { header, sequence, place }),
        Err(source) => Err(Error::Value { place, source }),
    }
}
