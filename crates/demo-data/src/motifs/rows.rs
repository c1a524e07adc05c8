//! Numbers of matrix rows, read with their place.

use std::path::Path;

use crate::text::shown;
use crate::{Error, Place, Result};

/// The lines of a motif file and where they stand.
pub(super) struct Lines<'a> {
    path: &'a Path,
    numbered: Vec<(usize, String)>,
    next: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(path: &'a Path, numbered: Vec<(usize, String)>) -> Self {
        Self { path, numbered, next: 0 }
    }

    /// The next line without surrounding blanks, and its number; `None` after the last.
    pub(super) fn next(&mut self) -> Option<(usize, &str)> {
        let (number, line) = self.numbered.get(self.next)?;
        self.next += 1;
        Some((*number, line.trim()))
    }

    /// Goes back by one line.
    pub(super) fn step_back(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    /// Number of the last line.
    pub(super) fn last_line(&self) -> usize {
        self.numbered.last().map_or(1, |(number, _)| *number)
    }

    pub(super) fn place(&self, line: usize) -> Place {
        Place { path: self.path.to_owned(), line }
    }

    pub(super) fn error(&self, line: usize, found: impl Into<String>, wanted: impl Into<String>) -> Error {
        Error::Line { place: self.place(line), found: found.into(), wanted: wanted.into() }
    }

    pub(super) fn empty(&self) -> Error {
        Error::Empty { path: self.path.to_owned(), wanted: "motifs" }
    }
}

/// All numbers of a text; `None` where something is no number.
pub(super) fn numbers(text: &str) -> Option<Vec<f64>> {
    text.split_whitespace().map(|word| word.parse().ok()).collect()
}

/// The four numbers of a row, position by base.
pub(super) fn four(lines: &Lines<'_>, line: usize, text: &str) -> Result<[f64; 4]> {
    let row = numbers(text).and_then(|row| <[f64; 4]>::try_from(row).ok());
    row.ok_or_else(|| lines.error(line, shown(text.as_bytes()), "four numbers, for A, C, G and T"))
}

/// Names the motif and line of a matrix error; row errors point at the row.
pub(super) fn matrix_error(
    lines: &Lines<'_>,
    motif: &str,
    header: usize,
    row_lines: &[usize],
    source: demo_core::Error,
) -> Error {
    let line = match source {
        demo_core::Error::Row { row, .. }
        | demo_core::Error::LetterRow { row, .. }
        | demo_core::Error::RowSum { row, .. } => row_lines.get(row),
        _ => None,
    };
    Error::Matrix { place: lines.place(*line.unwrap_or(&header)), motif: motif.to_owned(), source }
}
