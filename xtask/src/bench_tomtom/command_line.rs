//! Whole programs by the clock: our command beside memelite's, MEME's and universalmotif's.

use anyhow::Result;

use super::Args;

/// Times the programs that were named.
pub(super) fn run(_args: &Args) -> Result<()> {
    Ok(())
}
