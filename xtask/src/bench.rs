//! `cargo xtask bench`: the libraries against the results of other programs.

use anyhow::Result;
use clap::Subcommand;

use crate::{bench_bank, bench_engine, bench_scan, bench_tomtom};

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Times training steps of banks on one device, and states the memory they take.
    Bank(bench_bank::Args),
    /// Times the engine, beside PyTorch where there is one.
    Engine(bench_engine::Args),
    /// Times the motif scan, beside scanners in Python where there are any.
    Scan(bench_scan::Args),
    /// Times motif comparisons beside other programs, or checks them against tables of MEME Suite's tomtom.
    Tomtom(bench_tomtom::Args),
}

/// Runs one comparison.
pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.what {
        What::Bank(args) => bench_bank::run(args),
        What::Engine(args) => bench_engine::run(args),
        What::Scan(args) => bench_scan::run(args),
        What::Tomtom(args) => bench_tomtom::run(args),
    }
}
