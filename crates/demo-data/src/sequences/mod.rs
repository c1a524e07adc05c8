//! Labelled sequences in files: DeepBind's tables, the Deep Motif Dashboard's FASTA, plain FASTA.

mod deepbind;
mod fasta;
mod folder;
mod load;
mod negatives;
mod pairs;
mod pieces;
mod record;

pub(crate) use deepbind::DEEPBIND_COLUMNS;
pub use deepbind::{read_deepbind, write_deepbind};
pub use fasta::{FastaRecord, read_fasta, read_labelled_fasta, write_fasta, write_labelled_fasta};
pub use folder::{SetEntry, SetFiles, read_folder};
pub use load::{LoadOptions, Loaded};
pub(crate) use pairs::pair_by_composition;
pub use pieces::{PieceOptions, SequencePiece, SequencePieces};
