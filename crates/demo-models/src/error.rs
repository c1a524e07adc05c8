//! What can go wrong with a model, its training or its files.

use std::path::PathBuf;

/// A request this crate refuses, with what was found and what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine refused a network, a buffer or a step.
    #[error(transparent)]
    Engine(#[from] demo_engine::Error),
    /// A configuration value outside its range.
    #[error("{field}: found {found}, wanted {wanted}")]
    Config {
        /// The value's name, such as `learning_rate`.
        field: &'static str,
        /// The value found.
        found: String,
        /// The values allowed.
        wanted: &'static str,
    },
    /// No architecture has this name.
    #[error("architecture {found:?}: wanted cnn, rnn, cnn-rnn or attention")]
    UnknownArchitecture {
        /// The name found.
        found: String,
    },
    /// Two sequences of one data set differ in length.
    #[error(
        "sequence {} has {first_length} bases and sequence {} has {second_length}, wanted equal lengths",
        first + 1,
        second + 1
    )]
    UnequalLengths {
        /// 0-based number of the first sequence; messages count from 1.
        first: usize,
        /// Its length.
        first_length: usize,
        /// 0-based number of the sequence that differs.
        second: usize,
        /// Its length.
        second_length: usize,
    },
    /// A data set whose labels are not one a sequence.
    #[error("found {labels} labels for {sequences} sequences, wanted one each")]
    LabelCount {
        /// Number of sequences.
        sequences: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A data set whose weights are not one a sequence.
    #[error("found {weights} weights for {sequences} sequences, wanted one each")]
    WeightCount {
        /// Number of sequences.
        sequences: usize,
        /// Number of weights.
        weights: usize,
    },
    /// A weight that is none.
    #[error("sequence {}: found weight {found}, wanted a positive, finite number", sequence + 1)]
    Weight {
        /// The sequence, from 0 on.
        sequence: usize,
        /// Its weight.
        found: f32,
    },
    /// A label that is neither 0 nor 1.
    #[error("sequence {}: found label {found}, wanted 0 (unbound) or 1 (bound)", sequence + 1)]
    Label {
        /// 0-based number of the sequence; messages count from 1.
        sequence: usize,
        /// The label found.
        found: u8,
    },
    /// A data set in which one class is missing.
    #[error("found {positives} bound and {negatives} unbound sequences, wanted at least one of each")]
    OneClass {
        /// Number of bound sequences.
        positives: usize,
        /// Number of unbound sequences.
        negatives: usize,
    },
    /// A sequence whose length is not the model's.
    #[error("sequence {} has {found} bases, wanted {wanted}, the length of this model", sequence + 1)]
    SequenceLength {
        /// 0-based number of the sequence; messages count from 1.
        sequence: usize,
        /// Its length.
        found: usize,
        /// The model's length.
        wanted: usize,
    },
    /// An array whose size does not fit the model.
    #[error("{what}: found {found} numbers, wanted {wanted}")]
    ArraySize {
        /// What the array is.
        what: &'static str,
        /// Its size.
        found: usize,
        /// The sizes that fit.
        wanted: String,
    },
    /// A score asked of a network that does not tell unbound from bound.
    #[error("a score: found a network of {found} logits, wanted two, unbound and bound")]
    Classes {
        /// Its logits.
        found: usize,
    },
    /// A bank whose members cannot be trained together.
    #[error("the members of a bank: {what}: found {found}, wanted {wanted}")]
    Bank {
        /// What does not fit.
        what: &'static str,
        /// What was found.
        found: String,
        /// What was wanted.
        wanted: String,
    },
    /// A CUDA device asked of a build without CUDA.
    #[error(
        "device cuda: this build has no CUDA support; use `--device cpu`, or build with `--features cuda`"
    )]
    NoCuda,
    /// A CUDA device asked of a machine that has none.
    #[error("device cuda: no CUDA device can be used ({reason}); use `--device cpu` or `--device auto`")]
    NoCudaDevice {
        /// What the driver says.
        reason: String,
    },
    /// A device name that is none.
    #[error("device {found:?}: wanted auto, cpu or cuda")]
    UnknownDevice {
        /// The name found.
        found: String,
    },
    /// A file of a checkpoint that does not hold what it should.
    #[error("{}: found {found}, wanted {wanted}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// What it should hold.
        wanted: String,
    },
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The result of a request to this crate.
pub type Result<T> = std::result::Result<T, Error>;
