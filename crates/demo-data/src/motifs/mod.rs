//! Motif collections in files: MEME text, JASPAR, TRANSFAC, HOCOMOCO.
//!
//! Formats are told apart by their first lines, or named. MEME text holds probabilities, which are kept
//! digit by digit; the others hold counts, which become probabilities with a pseudocount the caller
//! names ([`MotifReading`]). A file may lack its final newline. Cost: one pass.

mod alphabet;
mod collection;
mod counts;
mod format;
mod hocomoco;
mod jaspar;
mod meme;
mod rows;
mod transfac;
mod write;

pub(crate) use alphabet::{are_frequencies, letter_of};
pub use collection::{AlphabetCollection, MotifCollection};
pub(crate) use format::read_motifs_with_format;
pub use format::{MotifFormat, MotifReading, parse_motifs, read_any_motifs, read_motifs};
pub use write::{format_motifs, format_motifs_tsv, write_motifs, write_motifs_tsv};
