//! Sequences, motifs, attributions and seeds: the values every other crate speaks of.
//!
//! Facts of the domain are fixed here once: base order is A, C, G, T; an unknown base is code 4 and
//! a zero column; matrices are position × base; positions are 0-based. Nothing here reads a file or
//! holds a tensor.
//!
//! ```
//! use demo_core::{Background, DnaSequence, CountMatrix};
//!
//! let sequence: DnaSequence = "ACGTN".parse()?;
//! assert_eq!(sequence.to_reverse_complement().to_string(), "NACGT");
//!
//! let counts = CountMatrix::new(vec![[8.0, 0.0, 1.0, 1.0], [0.0, 10.0, 0.0, 0.0]])?;
//! let probabilities = counts.to_probabilities(0.1, &Background::UNIFORM);
//! let log_odds = probabilities.to_log_odds(&Background::UNIFORM);
//! assert!(log_odds.rows()[1][1] > 1.9);
//! # Ok::<(), demo_core::Error>(())
//! ```

mod alphabet;
mod attribution;
mod error;
mod matrix;
mod motif;
mod seed;
mod sequence;

pub use alphabet::{Alphabet, AlphabetMotif};
pub use attribution::Attribution;
pub use error::{Error, Result, error_message};
pub use matrix::{Background, CountMatrix, LogOddsMatrix, ProbabilityMatrix};
pub use motif::Motif;
pub use seed::Seed;
pub use sequence::{DnaSequence, Nucleotide, Strand, UNKNOWN};
