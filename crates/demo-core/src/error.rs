//! What can be wrong with a value of this crate.

/// A value that cannot be made, with what was found and what was wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A letter that no DNA alphabet has.
    #[error("position {}: found {found:?}, wanted a DNA letter (A, C, G, T, or an IUPAC code for an unknown base)", position + 1)]
    Letter {
        /// 0-based position in the text; messages count from 1.
        position: usize,
        /// The offending character.
        found: char,
    },
    /// A base code above 4.
    #[error("position {}: found base code {found}, wanted 0 to 4 (A, C, G, T, unknown)", position + 1)]
    Code {
        /// 0-based position; messages count from 1.
        position: usize,
        /// The offending code.
        found: u8,
    },
    /// A matrix without rows.
    #[error("the matrix has no rows, wanted at least one position")]
    ZeroWidth,
    /// A matrix row that holds something other than finite, non-negative numbers with a positive sum.
    #[error("matrix row {}: found {found:?}, wanted four finite non-negative numbers with a finite sum, not all zero", row + 1)]
    Row {
        /// 0-based row; messages count from 1.
        row: usize,
        /// The row as it was given.
        found: [f64; 4],
    },
    /// A row of a motif over any alphabet with another number of columns, or with unusable numbers.
    #[error("matrix row {}: found {found:?}, wanted {letters} finite non-negative numbers, not all zero", row + 1)]
    LetterRow {
        /// 0-based row; messages count from 1.
        row: usize,
        /// The row as it was given.
        found: Vec<f64>,
        /// How many letters the alphabet has.
        letters: usize,
    },
    /// An alphabet that cannot be used.
    #[error("alphabet {name:?}: wanted {wanted}")]
    Alphabet {
        /// What it is called.
        name: String,
        /// What an alphabet has to have.
        wanted: &'static str,
    },
    /// A probability row whose sum is off by more than one percent.
    #[error("matrix row {}: sums to {sum}, wanted 1 (within 0.01)", row + 1)]
    RowSum {
        /// 0-based row; messages count from 1.
        row: usize,
        /// The sum found.
        sum: f64,
    },
    /// Background frequencies that are not positive or do not sum to 1.
    #[error("background frequencies {found:?}: wanted four positive numbers that sum to 1 (within 0.01)")]
    Background {
        /// The frequencies as they were given, in the order A, C, G, T.
        found: [f64; 4],
    },
    /// An attribution whose parts do not have the same length.
    #[error("the attribution has {scores} scores and {bases} rows of base scores, wanted the same number")]
    AttributionLength {
        /// Number of per-position scores.
        scores: usize,
        /// Number of per-base rows.
        bases: usize,
    },
}

/// The result of making a value of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong and why, in one line: an error and its causes, but for those that the text before them
/// already tells.
pub fn error_message(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        told if told.contains(&cause) => told.to_owned(),
        told => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Caused {
        text: &'static str,
        source: Error,
    }

    #[test]
    fn a_cause_is_told_once() {
        let message = |text| error_message(&Caused { text, source: Error::ZeroWidth });
        let cause = "the matrix has no rows, wanted at least one position";
        assert_eq!(message("x.meme, line 3"), format!("x.meme, line 3: {cause}"));
        assert_eq!(
            message("line 3: the matrix has no rows, wanted at least one position"),
            format!("line 3: {cause}")
        );
        assert_eq!(error_message(&Error::ZeroWidth), cause);
    }
}
