//! `demo inspect`: what a data or motif file holds.

use std::path::PathBuf;

use crate::{Failure, output};

/// Arguments of `demo inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Sequences (FASTA, `DeepBind` tables), motifs (MEME, JASPAR, TRANSFAC, HOCOMOCO), plain or gzip, or a folder
    /// of data sets.
    #[arg(value_name = "FILE")]
    path: PathBuf,
}

/// Looks into the file and prints what is there.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let inspection = demo_data::inspect(&args.path)?;
    Ok(output::write(None, |out| write!(out, "{inspection}"))?)
}
