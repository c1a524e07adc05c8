//! What can be wrong with the numbers handed to this crate.

/// Numbers of which no figure can be made, with what was found and what was wanted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two lists that belong together differ in length.
    #[error("found {found} {what}, wanted {wanted}")]
    Length {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// A number that is NaN, or infinite where that has no meaning.
    #[error("{what} {}: found {found}, wanted a finite number", index + 1)]
    NotFinite {
        /// What the number is.
        what: &'static str,
        /// 0-based position in the list; messages count from 1.
        index: usize,
        /// The number itself.
        found: f64,
    },
    /// A weight below zero.
    #[error("weight {}: found {found}, wanted a number of at least 0", index + 1)]
    NegativeWeight {
        /// 0-based position in the list; messages count from 1.
        index: usize,
        /// The number itself.
        found: f64,
    },
    /// A probability outside 0 to 1.
    #[error("probability {}: found {found}, wanted a number from 0 to 1", index + 1)]
    Probability {
        /// 0-based position in the list; messages count from 1.
        index: usize,
        /// The number itself.
        found: f64,
    },
    /// Labels of which one class is missing or too small.
    #[error("found {positives} positives and {negatives} negatives, wanted at least {wanted} of each")]
    Classes {
        /// Number of positives.
        positives: usize,
        /// Number of negatives.
        negatives: usize,
        /// The smallest number that allows the figure.
        wanted: usize,
    },
    /// Too few values for the figure.
    #[error("found {found} {what}, wanted at least {wanted}")]
    TooFew {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The smallest number that allows the figure.
        wanted: usize,
    },
    /// Two models that were not scored on the same examples.
    #[error("example {}: the two models have different labels, wanted scores of the same examples in the same order", index + 1)]
    DifferentLabels {
        /// 0-based position of the first difference; messages count from 1.
        index: usize,
    },
    /// A level of confidence outside 0 to 1.
    #[error("confidence level {found}: wanted a number between 0 and 1, such as 0.95")]
    Level {
        /// The level as it was given.
        found: f64,
    },
    /// A bootstrap whose statistic is too often undefined to speak for the sample.
    #[error(
        "the statistic is undefined in {undefined} of {replicates} bootstrap replicates, wanted at most 5 %: resample larger or mixed groups"
    )]
    Replicates {
        /// Replicates without a value.
        undefined: usize,
        /// Replicates drawn.
        replicates: usize,
    },
    /// The same result given twice.
    #[error("set {set:?}, model {model:?}, fold {fold:?}, seed {seed}: found two results, wanted one")]
    DuplicateRow {
        /// The data set.
        set: String,
        /// The model.
        model: String,
        /// The fold, if there are folds.
        fold: Option<usize>,
        /// The seed.
        seed: u64,
    },
    /// One data set under two TFs.
    #[error("set {set:?}: found the TFs {first:?} and {second:?}, wanted one TF for each set")]
    TwoTfs {
        /// The data set.
        set: String,
        /// The TF of the first row.
        first: String,
        /// The other one.
        second: String,
    },
    /// A model that has no results.
    #[error("model {model:?} has no results; there are {}", known.join(", "))]
    UnknownModel {
        /// The name asked for.
        model: String,
        /// The names there are.
        known: Vec<String>,
    },
}

/// The result of measuring something.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks that every number is finite.
pub(crate) fn check_finite(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NotFinite { what, index, found: values[index] }),
    }
}

/// Checks that two lists that belong together have one length.
pub(crate) fn check_length(what: &'static str, found: usize, wanted: usize) -> Result<()> {
    if found == wanted { Ok(()) } else { Err(Error::Length { what, found, wanted }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_where_what_and_what_was_wanted() {
        let message = check_finite("score", &[1.0, f64::NAN]).unwrap_err().to_string();
        assert_eq!(message, "score 2: found NaN, wanted a finite number");
        let message = check_length("scores", 3, 4).unwrap_err().to_string();
        assert_eq!(message, "found 3 scores, wanted 4");
    }
}
