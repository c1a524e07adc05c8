//! `cargo xtask tidy`: the rules about the source tree that the compiler does not check.

use anyhow::Result;

/// Arguments of `cargo xtask tidy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Checks every rule and reports all that is broken.
#[expect(clippy::unnecessary_wraps, reason = "the rules come with the next change")]
pub(crate) fn run(_: &Args) -> Result<()> {
    Ok(())
}
