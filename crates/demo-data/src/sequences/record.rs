//! A labelled sequence as it stands in a file, and checks over the records of files.

use std::path::Path;

use demo_core::DnaSequence;

use crate::{Error, Example, Place, Result};

/// One labelled sequence with the line it begins at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) place: Place,
    pub(crate) example: Example,
}

/// Parses letters, naming their place.
pub(crate) fn parse_letters(letters: &[u8], place: impl FnOnce() -> Place) -> Result<DnaSequence> {
    DnaSequence::from_ascii(letters).map_err(|source| Error::Value { place: place(), source })
}

/// Refuses records of different lengths, naming the first one and the one that differs.
pub(crate) fn check_lengths<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<()> {
    let mut records = records.into_iter();
    let Some(first) = records.next() else { return Ok(()) };
    let wanted = first.example.sequence.len();
    match records.find(|record| record.example.sequence.len() != wanted) {
        Some(second) => Err(Error::Lengths {
            first: first.place.clone(),
            first_length: wanted,
            second: second.place.clone(),
            second_length: second.example.sequence.len(),
        }),
        None => Ok(()),
    }
}

/// Refuses a file without both labels.
pub(crate) fn check_classes(path: &Path, records: &[Record]) -> Result<()> {
    for (bound, missing) in [(true, "bound"), (false, "unbound")] {
        if !records.iter().any(|record| record.example.bound == bound) {
            return Err(Error::OneClass { path: path.to_owned(), found: records.len(), missing });
        }
    }
    Ok(())
}
