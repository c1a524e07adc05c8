//! How the time of a comparison grows with queries, targets and width.

use std::path::Path;

use anyhow::Result;

use super::Args;

/// Times and draws.
pub(super) fn run(_args: &Args, _folder: &Path) -> Result<()> {
    Ok(())
}
