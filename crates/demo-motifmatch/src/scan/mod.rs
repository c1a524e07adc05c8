//! Finds the sites of motifs in sequences, with exact p-values, as FIMO does.
//!
//! The method is that of Grant, Bailey and Noble, *FIMO: scanning for occurrences of a given motif*,
//! Bioinformatics 2011, 27:1017: a window's score is the log-odds of the motif against the background,
//! log2(p / f) summed over its columns, and its p-value the chance that a random window of the background
//! scores as high, by dynamic programming over scores as whole numbers. A window that holds an unknown base
//! is never a hit and counts as no test.
//!
//! [`Scanner`] holds motifs, prepared once and shared between threads; [`Scanner::scan`] takes one
//! sequence, [`Scanner::scan_all`] many or the [`Stretch`]es of long ones, [`Scanner::search`] a whole set,
//! with q-values. [`Tally`] counts windows for the q-values of sequences that are not all in memory at once.
//! [`tsv`] writes FIMO's columns.
//!
//! **q-values** are those of Benjamini and Hochberg over all windows of a motif, both strands, with the share of
//! true nulls taken as 1. FIMO estimates that share by Storey's bootstrap; over the windows of a scan it lies so
//! near 1 that the estimate moves a q-value by less than its own error, and 1 can only make q-values
//! larger. A window above the largest p-value that is looked for is not counted at its own score, so a
//! q-value above that bound is an upper limit; one below it is exact.
//!
//! Scores are rounded to a thousandth of the widest column's span, and p-values are exact for the rounded
//! scores. Cost: a look-up and an addition for 32 windows and two columns, with AVX2.

mod coded;
mod kernel;
mod options;
#[cfg(test)]
mod plain;
mod scanner;
mod tally;
pub mod tsv;
mod weights;

pub use options::{ScanOptions, ScanThreshold};
pub use scanner::{Hit, Scanner, SequenceHit, Stretch};
pub use tally::{ScanQValues, Tally};
