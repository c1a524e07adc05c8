//! What can be wrong with a file, a data set or a motif collection of this crate.
//!
//! Lines count from 1, as editors do.

use std::io;
use std::path::{Path, PathBuf};

/// A record of a file, named so that a user finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line where the record starts, from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.path.display(), self.line)
    }
}

/// Why data could not be read, made, split or written: where, what was found, what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that cannot be opened or read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A gzip stream that ends early or is damaged.
    #[error(
        "{place}: found a damaged or truncated gzip stream ({source}), wanted a complete one: fetch the file again"
    )]
    Gzip {
        /// The file and the last line that could be begun.
        place: Place,
        /// What the decoder says.
        source: io::Error,
    },
    /// A file without any record.
    #[error("{}: found an empty file, wanted {wanted}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What the file should hold.
        wanted: &'static str,
    },
    /// A line that is not what the format asks for.
    #[error("{place}: found {found}, wanted {wanted}")]
    Line {
        /// The file and line.
        place: Place,
        /// The offending text, shortened.
        found: String,
        /// What the format asks for.
        wanted: String,
    },
    /// A sequence or a matrix that holds what it must not.
    #[error("{place}: {source}")]
    Value {
        /// The file and line.
        place: Place,
        /// What was found and what was wanted.
        source: demo_core::Error,
    },
    /// Two sequences of one set that differ in length.
    #[error(
        "sequences of unequal length: found {first_length} bases at {first} and {second_length} at {second}, \
         wanted one length"
    )]
    Lengths {
        /// The first sequence of the set.
        first: Place,
        /// Its length.
        first_length: usize,
        /// The sequence that differs.
        second: Place,
        /// Its length.
        second_length: usize,
    },
    /// A file that lacks positives or negatives.
    #[error("{}: found {found} sequences, none of them {missing}, wanted both bound and unbound ones", path.display())]
    OneClass {
        /// The file.
        path: PathBuf,
        /// Number of sequences.
        found: usize,
        /// `bound` or `unbound`.
        missing: &'static str,
    },
    /// A half of a data set that lacks positives or negatives.
    #[error(
        "set {set}: the {half} half has {found} sequences, none of them {missing}, wanted both bound and unbound ones"
    )]
    SetClasses {
        /// The data set.
        set: String,
        /// `training` or `test`.
        half: &'static str,
        /// Number of sequences.
        found: usize,
        /// `bound` or `unbound`.
        missing: &'static str,
    },
    /// A sequence of a data set that differs from the set's first one in length.
    #[error("set {set}: {half} sequence {} has {found} bases, wanted {wanted} as the first one has", index + 1)]
    SetLength {
        /// The data set.
        set: String,
        /// `training` or `test`.
        half: &'static str,
        /// 0-based place in the half; messages count from 1.
        index: usize,
        /// Its length.
        found: usize,
        /// The length of the first sequence.
        wanted: usize,
    },
    /// A site that reaches past its sequence.
    #[error("set {set}: {half} sequence {} has a site {start}..{end}, wanted one within its {length} bases", index + 1)]
    SetSite {
        /// The data set.
        set: String,
        /// `training` or `test`.
        half: &'static str,
        /// 0-based place in the half; messages count from 1.
        index: usize,
        /// Where the site starts.
        start: usize,
        /// Where the site ends.
        end: usize,
        /// Length of the sequence.
        length: usize,
    },
    /// A split or fold that cannot be made.
    #[error("cannot divide the examples: found {found}, wanted {wanted}")]
    Fold {
        /// What there is to divide.
        found: String,
        /// What each part needs.
        wanted: String,
    },
    /// Half of a data set's files.
    #[error("{}: found only this file of the set, wanted {} beside it", found.display(), wanted.display())]
    MissingHalf {
        /// The file that is there.
        found: PathBuf,
        /// The file that is not.
        wanted: PathBuf,
    },
    /// A folder without data sets.
    #[error("{}: found no data set, wanted {wanted}", path.display())]
    NoSets {
        /// The folder.
        path: PathBuf,
        /// The layouts that are known.
        wanted: &'static str,
    },
    /// Two data sets of one name.
    #[error("set {name}: found twice, at {} and {}, wanted one set of a name", first.display(), second.display())]
    DuplicateSet {
        /// The name.
        name: String,
        /// A file of one set.
        first: PathBuf,
        /// A file of the other.
        second: PathBuf,
    },
    /// A motif matrix that cannot be read.
    #[error("{place}: motif {motif}: {source}")]
    Matrix {
        /// The file and the line where the matrix or the offending row stands.
        place: Place,
        /// Identifier of the motif.
        motif: String,
        /// What was found and what was wanted.
        source: demo_core::Error,
    },
    /// A name that is none of those there are.
    #[error("unknown {kind} {name:?}; {}", nearest_text(nearest))]
    Unknown {
        /// What was named, such as `motif format`.
        kind: &'static str,
        /// The name as it was given.
        name: String,
        /// The most similar names there are, best first.
        nearest: Vec<String>,
    },
    /// A row of the table of simulated sets that cannot be generated.
    #[error("simulated set {set}: {source}")]
    Simulated {
        /// Name of the set.
        set: String,
        /// What was found and what was wanted.
        source: demo_core::Error,
    },
    /// A partner of a simulated set that would lie in its site, or beyond the sequence.
    #[error(
        "simulated set {set}: found a partner at a gap of {found}, wanted a gap of {} to {}",
        wanted.start(),
        wanted.end()
    )]
    SimulatedGap {
        /// Name of the set.
        set: String,
        /// The preferred number of bases between site and partner.
        found: usize,
        /// Those at which the two fit into a sequence, however the gap varies.
        wanted: std::ops::RangeInclusive<usize>,
    },
    /// A server that does not answer, as when there is no network.
    #[error(
        "{url}: cannot be reached ({source}); without a network, place this file by hand at {} and run the same \
         command again",
        path.display()
    )]
    Unreachable {
        /// The address.
        url: String,
        /// Where the file belongs.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A server that answers without the file.
    #[error(
        "{url}: found HTTP status {status}, wanted 200; name another home with --mirror, or place this file by hand \
         at {} and run the same command again",
        path.display()
    )]
    Http {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// Where the file belongs.
        path: PathBuf,
    },
    /// A download that is not what was announced, or broke off too often.
    #[error("{from}: found {found}, wanted {wanted}")]
    Download {
        /// The address.
        from: String,
        /// What came.
        found: String,
        /// What should have come.
        wanted: String,
    },
    /// A file whose bytes are not those wanted.
    #[error(
        "{}: found the SHA-256 {found}, wanted {wanted}{}; if this file is there, remove it and fetch it again",
        path.display(),
        noted_text(noted_in.as_deref())
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its checksum.
        found: String,
        /// The checksum wanted.
        wanted: String,
        /// The note that holds the checksum wanted, where none is published.
        noted_in: Option<PathBuf>,
    },
    /// An archive that is damaged, or an entry of it that is not unpacked.
    #[error("{}: entry {entry:?}: found {found}, wanted only files and folders inside the archive", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The entry's name.
        entry: String,
        /// What is wrong with it.
        found: String,
    },
    /// A table of simulated sets that cannot be written as text.
    #[error("table of simulated sets: {source}")]
    SimulatedTable {
        /// What the writer says.
        source: csv::Error,
    },
}

fn noted_text(noted_in: Option<&Path>) -> String {
    let text = |sums: &Path| {
        format!(" (noted in {}: if this file is the right one, remove its line there)", sums.display())
    };
    noted_in.map(text).unwrap_or_default()
}

fn nearest_text(nearest: &[String]) -> String {
    if nearest.is_empty() { "there is none".into() } else { format!("nearest: {}", nearest.join(", ")) }
}

/// The result of reading, making or writing data.
pub type Result<T> = std::result::Result<T, Error>;
