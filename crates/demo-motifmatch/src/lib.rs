//! Compares motifs as Tomtom does: which known motif does this one resemble, and how often would chance do so?
//! [`scan`] finds the sites of motifs in sequences.
//!
//! The method is that of Gupta, Stamatoyannopoulos, Bailey and Noble, *Quantifying similarity between motifs*,
//! Genome Biology 2007, 8:R24, with the complete scores of Tanaka, Bailey, Grant and Noble, *Improved similarity
//! scores for comparing motifs*, Bioinformatics 2011. Every column of the query is scored against every column
//! of every target; the scores of its own columns tell how well chance alignments score. The numbers agree digit
//! for digit with tomtom of MEME Suite 5.5.8, whose conventions were established from its tables, not its code.
//!
//! [`Tomtom`] holds the targets; [`Tomtom::query`] compares one motif, [`Tomtom::query_all`] many as one run,
//! [`Tomtom::session`] many one after another. [`tsv`] writes the table. A query of eleven columns against the
//! 518 vertebrate motifs of JASPAR 2016, both strands, takes about a millisecond.
//!
//! Four things differ from that program on purpose: at least five columns are aligned unless asked otherwise
//! (there, one); scores of `blic` and `llr` whose range exceeds a hundred still tell matches apart
//! ([`Scale::Sound`]; there every p-value is then 1, as with [`Scale::Meme`]); [`Match::p_value`] keeps double
//! precision below 1e-45, where the table prints 0; and the comment lines of the table name this program.
//!
//! q-values rest on random resamples, and all queries of a run share one stream of random numbers, as in Tomtom:
//! they depend, in their last digits, on the order of the queries. p- and E-values do not.

mod align;
mod bins;
mod calibrated;
mod centre;
mod dirichlet;
mod distance;
mod error;
mod matches;
mod null;
mod options;
mod pairs;
#[cfg(test)]
mod plain;
mod prepare;
mod qvalue;
pub mod scan;
mod shared;
mod simd;
mod targets;
#[cfg(test)]
mod tests;
mod tomtom;
pub mod tsv;
mod twister;
mod wide;

pub use error::{Error, Result};
pub use matches::{Match, TargetScore};
pub use options::{Distance, NullModel, Options, QValues, Scale, Scoring, Threshold};
pub use prepare::LOW_INFORMATION;
pub use scan::{Hit, ScanOptions, ScanQValues, ScanThreshold, Scanner, SequenceHit, Stretch, Tally};
pub use tomtom::{AlphabetTomtom, Session, Tomtom};
