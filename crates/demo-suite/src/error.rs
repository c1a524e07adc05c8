//! What can stop a run, with the file or name at fault, what was found and what was wanted.

use std::path::{Path, PathBuf};

/// What can stop a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder of the run that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A finished piece of work whose record cannot be trusted.
    #[error("{}: {found}, wanted {wanted}; remove this file, or start anew with --fresh", path.display())]
    Journal {
        /// The record.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        wanted: String,
    },
    /// An output folder that is not this run's.
    #[error("{}: {found}, wanted {wanted}; choose another folder with --out{hint}", path.display())]
    OutputFolder {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        wanted: String,
        /// Another way out, or nothing.
        hint: &'static str,
    },
    /// A file of regimes that cannot be used.
    #[error("{}: found {found}, wanted {wanted}", path.display())]
    Regime {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold.
        wanted: String,
    },
    /// A table of results that cannot be used.
    #[error("{}, line {line}: found {found}, wanted {wanted}", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// The line, from 1 on.
        line: u64,
        /// What it holds.
        found: String,
        /// What it should hold.
        wanted: String,
    },
    /// A name that the suite does not have.
    #[error("unknown {what} '{found}'; {hint}")]
    Unknown {
        /// `set`, `model`, `profile` or `protocol`.
        what: &'static str,
        /// The name given.
        found: String,
        /// The names most like it, or those that there are.
        hint: String,
    },
    /// A setting out of range.
    #[error("{flag} {found}: wanted {wanted}")]
    Setting {
        /// The flag at fault.
        flag: &'static str,
        /// The value given.
        found: String,
        /// The values allowed.
        wanted: String,
    },
    /// The run was asked to stop; what is done is kept.
    #[error("interrupted; the same command, without --fresh, continues this run")]
    Interrupted,
    /// A set that cannot be used, with the reason.
    #[error("set {set}: {source}")]
    Set {
        /// The name of the set.
        set: String,
        /// What is wrong with it.
        source: Box<demo_data::Error>,
    },
    /// Data files that cannot be read.
    #[error(transparent)]
    Data(Box<demo_data::Error>),
    /// Training or prediction.
    #[error(transparent)]
    Models(#[from] demo_models::Error),
    /// Explanation.
    #[error(transparent)]
    Interpret(#[from] demo_interpret::Error),
    /// Motif comparison.
    #[error(transparent)]
    Motifmatch(#[from] demo_motifmatch::Error),
    /// Statistics.
    #[error(transparent)]
    Eval(#[from] demo_eval::Error),
    /// Drawing.
    #[error(transparent)]
    Report(#[from] demo_report::Error),
    /// A matrix or sequence that cannot be made.
    #[error(transparent)]
    Core(#[from] demo_core::Error),
}

/// The result of a step of a run.
pub type Result<T> = std::result::Result<T, Error>;

impl From<demo_data::Error> for Error {
    fn from(error: demo_data::Error) -> Self {
        Self::Data(Box::new(error))
    }
}

impl Error {
    /// Names the file at which an input or output error happened.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
