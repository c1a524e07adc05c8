//! Reads, writes, splits, shuffles and simulates labelled DNA and motif collections.

mod dataset;
mod error;
mod shuffle;

pub use dataset::{DataSet, DataSetParts, Example, Site, Source, cell_of, tf_of};
pub use error::{Error, Place, Result};
pub use shuffle::{Shuffle, ShuffleOutcome, dinucleotide_shuffle, ln_arrangements};
