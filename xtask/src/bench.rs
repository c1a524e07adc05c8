//! `cargo xtask bench`: the libraries against the results of other programs.

use anyhow::Result;
use clap::Subcommand;

use crate::bench_tomtom;

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compares motif matches with tables written by MEME Suite's tomtom, line by line.
    Tomtom(bench_tomtom::Args),
}

/// Runs one comparison.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.what {
        What::Tomtom(args) => bench_tomtom::run(args),
    }
}
