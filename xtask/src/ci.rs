//! `cargo xtask ci`: what continuous integration runs, step by step.

use anyhow::Result;

use crate::{shell, test, tidy};

/// Arguments of `cargo xtask ci`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs every step and stops at the first that fails.
pub(crate) fn run(_: &Args) -> Result<()> {
    shell::run(shell::cargo()?.args(["fmt", "--all", "--check"]))?;
    test::run(&test::Args::default())?;
    tidy::run(&tidy::Args {})
}
