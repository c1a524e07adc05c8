//! `cargo xtask bench tomtom`: the motif comparison beside other programs, by its answers and by the clock.
//!
//! `--verify DIR` makes the tables that MEME Suite's tomtom wrote once more and compares them line by line.
//! Without it, comparisons are timed; with `--peer PYTHON` memelite takes turns with us in the same run, with
//! `--universalmotif PROGRAM` and `--meme PROGRAM` those programs do too, where they are installed.

mod command_line;
mod growth;
mod speed;
mod verify;

use std::path::PathBuf;

use anyhow::Result;

/// Arguments of `cargo xtask bench tomtom`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder with tables of tomtom (`.tsv` or `.tsv.gz`) beside the motif files they were made from
    #[arg(long, value_name = "DIR")]
    verify: Option<PathBuf>,
    /// A Python with memelite to compare with; without it, our own figures alone
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// A program that compares two MEME files with the crate universalmotif (benches/peers/universalmotif.rs)
    #[arg(long, value_name = "PROGRAM")]
    universalmotif: Option<PathBuf>,
    /// MEME Suite's tomtom
    #[arg(long, value_name = "PROGRAM")]
    meme: Option<PathBuf>,
    /// A motif file to compare with itself; without it, the embedded JASPAR 2016 vertebrates
    #[arg(long, value_name = "FILE")]
    motifs: Option<PathBuf>,
    /// Our command, to time beside memelite's `ttl`
    #[arg(long, value_name = "PROGRAM")]
    demo: Option<PathBuf>,
    /// Turns of each
    #[arg(long, default_value_t = 9, value_name = "N")]
    rounds: usize,
    /// Times how a comparison grows with queries, targets and width instead, and writes a table and a plot there
    #[arg(long, value_name = "DIR")]
    growth: Option<PathBuf>,
}

/// Verifies or times.
pub(crate) fn run(args: &Args) -> Result<()> {
    match (&args.verify, &args.growth) {
        (Some(folder), _) => verify::run(folder),
        (None, Some(folder)) => growth::run(args, folder),
        (None, None) => {
            speed::run(args)?;
            command_line::run(args)
        }
    }
}
