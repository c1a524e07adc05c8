//! What can be wrong when a model is asked to explain itself.

use std::ops::Range;

/// A question that has no answer, with what was found and what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model failed.
    #[error("the model gave no answer: {0}")]
    Model(#[from] demo_models::Error),
    /// A matrix or attribution that cannot be made.
    #[error(transparent)]
    Core(#[from] demo_core::Error),
    /// Nothing to explain.
    #[error("{method}: found no sequences, wanted at least one")]
    NoSequences {
        /// The method that was asked for.
        method: &'static str,
    },
    /// A sequence of a length that the model does not take.
    #[error("sequence {}: found {found} bases, the model takes {wanted}", sequence + 1)]
    Length {
        /// 0-based index of the sequence; messages count from 1.
        sequence: usize,
        /// Its length.
        found: usize,
        /// The model's length.
        wanted: usize,
    },
    /// A model that does not tell two classes apart.
    #[error("the model has {found} classes, wanted 2 (unbound, bound)")]
    Classes {
        /// The number of classes found.
        found: usize,
    },
    /// As many values of one kind are needed as there are sequences.
    #[error("found {found} {what} for {wanted} sequences, wanted one each")]
    Count {
        /// What there is one of for every sequence.
        what: &'static str,
        /// How many were given.
        found: usize,
        /// How many sequences there are.
        wanted: usize,
    },
    /// A true site without the information of each of its positions.
    #[error("site {}..{}: found the information of {found} positions, wanted that of {}", span.start, span.end, span.len())]
    Information {
        /// The site.
        span: Range<usize>,
        /// How many positions have theirs.
        found: usize,
    },
    /// An attribution as long as no sequence of the set.
    #[error("sequence {}: its attribution has {found} scores, wanted {wanted}", sequence + 1)]
    AttributionLength {
        /// 0-based index of the sequence; messages count from 1.
        sequence: usize,
        /// Number of scores.
        found: usize,
        /// Number of bases.
        wanted: usize,
    },
    /// An answer of the model that has the wrong size.
    #[error("the model's {what}: found {found} values, wanted {wanted}")]
    Answer {
        /// Which answer.
        what: &'static str,
        /// How many values it has.
        found: usize,
        /// How many it should have.
        wanted: usize,
    },
    /// A number that is infinite or not a number.
    #[error("{what} of sequence {}, value {index}: found {found}, wanted a finite number", sequence + 1)]
    NonFinite {
        /// Which numbers.
        what: &'static str,
        /// 0-based index of the sequence; messages count from 1.
        sequence: usize,
        /// 0-based index among that sequence's numbers.
        index: usize,
        /// The number.
        found: f32,
    },
    /// A logit of a reference that is infinite or not a number.
    #[error("logits of the reference ({reference}), value {index}: found {found}, wanted a finite number")]
    Reference {
        /// What sequences are compared with.
        reference: &'static str,
        /// 0-based index among the logits.
        index: usize,
        /// The number.
        found: f32,
    },
    /// A setting outside its range.
    #[error("{setting}: found {found}, wanted {wanted}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        found: f64,
        /// What it may be.
        wanted: &'static str,
    },
    /// A true site that does not lie within its sequence.
    #[error("site {}..{}: wanted a span of at least one base within 0..{length}", span.start, span.end)]
    Span {
        /// The site.
        span: Range<usize>,
        /// The length of the sequence.
        length: usize,
    },
    /// A window that does not lie within its sequence.
    #[error("window {}..{} of sequence {}: wanted it within 0..{length}", span.start, span.end, sequence + 1)]
    Window {
        /// 0-based index of the sequence; messages count from 1.
        sequence: usize,
        /// The window.
        span: Range<usize>,
        /// The length of the sequence.
        length: usize,
    },
    /// A window of a sequence that there is not.
    #[error("window of sequence {}: found {found} sequences", sequence + 1)]
    WindowSequence {
        /// 0-based index of the sequence; messages count from 1.
        sequence: usize,
        /// How many sequences there are.
        found: usize,
    },
}

/// The result of asking a model to explain itself.
pub type Result<T> = std::result::Result<T, Error>;

/// Refuses a setting that is not finite or not within what `accepted` says.
pub(crate) fn check_setting(
    setting: &'static str,
    found: f64,
    accepted: bool,
    wanted: &'static str,
) -> Result<()> {
    if found.is_finite() && accepted { Ok(()) } else { Err(Error::Setting { setting, found, wanted }) }
}
