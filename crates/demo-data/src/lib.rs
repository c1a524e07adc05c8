//! Reads, writes, splits, shuffles and simulates labelled DNA and motif collections.

mod checksum;
mod dataset;
pub mod embedded;
mod error;
mod figures;
mod motifs;
mod relations;
mod sequences;
mod shuffle;
mod splits;
mod text;
mod warning;

pub use checksum::{sha256, sha256_of_files};
pub use dataset::{DataSet, DataSetParts, Example, Site, Source, cell_of, tf_of};
pub use error::{Error, Place, Result};
pub use figures::{DeepBindFigures, FigureStatus, PanelRow, PublishedFigure};
pub use motifs::{
    MotifCollection, MotifFormat, MotifReading, format_motifs, format_motifs_tsv, parse_motifs, read_motifs,
    write_motifs, write_motifs_tsv,
};
pub use relations::{JasparFactor, JasparRelease, MotifRelations, Relation};
pub use sequences::{
    FastaRecord, LoadOptions, Loaded, SetEntry, SetFiles, find_set, read_deepbind, read_fasta, read_folder,
    read_labelled_fasta, write_deepbind, write_fasta, write_labelled_fasta,
};
pub use shuffle::{Shuffle, ShuffleOutcome, dinucleotide_shuffle, ln_arrangements};
pub use splits::{Folds, Split};
pub use warning::Warning;
