//! Reads, writes, splits, shuffles and simulates labelled DNA and motif collections.
//!
//! - [`read_folder`] finds the data sets of a folder, [`SetEntry::load`] reads one: `DeepBind`'s tables,
//!   the Deep Motif Dashboard's FASTA, or plain FASTA by class. [`Split`] and [`Folds`] divide it.
//! - [`SequencePieces`] reads any file of sequences without holding it in memory.
//! - [`read_motifs`] reads MEME, JASPAR, TRANSFAC and HOCOMOCO, [`write_motifs`] writes them.
//! - [`embedded`] holds JASPAR, HOCOMOCO and published figures, [`MotifRelations`] says what a
//!   matched motif is to a factor.
//! - [`inspect()`] says what a file holds; [`mod@fetch`] downloads public data.
//!
//! What is wrong with a file is one [`Error`] that names file, line, found and wanted; what was
//! tolerated is a [`Warning`].
//!
//! ```
//! use demo_data::{LoadOptions, Split, read_folder};
//! # let folder = tempfile::tempdir()?;
//! # let half = ">1\nACGTACGA\n>0\nACGACGTA\n>1\nTTGACATT\n>0\nTGACATTT\n";
//! # std::fs::create_dir(folder.path().join("GATA1_K562_lab"))?;
//! # for name in ["train.fa", "test.fa"] {
//! #     std::fs::write(folder.path().join("GATA1_K562_lab").join(name), half)?;
//! # }
//!
//! let options = LoadOptions::default();
//! for entry in read_folder(folder.path())? {
//!     let loaded = entry.load(&options)?;
//!     let set = loaded.set;
//!     let split = Split::new(set.train(), 0.5, options.seed)?;
//!     assert_eq!((set.tf(), set.length(), split.held_out.len()), ("GATA1", 8, 2));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod background;
mod checksum;
mod dataset;
pub mod embedded;
mod error;
pub mod fetch;
mod figures;
mod inspect;
mod motifs;
mod relations;
mod sequences;
mod shuffle;
pub mod simulate;
mod splits;
mod subsets;
mod text;
mod warning;

pub use background::{parse_background, read_background};
pub use checksum::{sha256, sha256_of_file};
pub use dataset::{DataSet, DataSetParts, Example, Site, Source, cell_of, tf_of};
pub use error::{Error, Place, Result};
pub use figures::{DeepBindFigures, FigureStatus, PanelRow, PublishedFigure};
pub use inspect::{Inspection, MotifInspection, MotifSummary, SequenceFormat, SequenceInspection, inspect};
pub use motifs::{
    AlphabetCollection, MotifCollection, MotifFormat, MotifReading, format_motifs, format_motifs_tsv,
    parse_motifs, read_any_motifs, read_motifs, write_motifs, write_motifs_tsv,
};
pub use relations::{JasparFactor, JasparRelease, MotifRelations, Relation};
pub use sequences::{
    FastaRecord, LoadOptions, Loaded, PieceOptions, SequencePiece, SequencePieces, SetEntry, SetFiles,
    read_deepbind, read_fasta, read_folder, read_labelled_fasta, write_deepbind, write_fasta,
    write_labelled_fasta,
};
pub use shuffle::{Shuffle, ShuffleOutcome, dinucleotide_shuffle, ln_arrangements};
pub use splits::{Folds, Split};
pub use subsets::nested_subset;
pub use warning::Warning;
