//! Reads, writes, splits, shuffles and simulates labelled DNA and motif collections.

mod shuffle;

pub use shuffle::{Shuffle, ShuffleOutcome, dinucleotide_shuffle, ln_arrangements};
