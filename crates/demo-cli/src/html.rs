//! `--html`: the matches of `demo tomtom` as a page.

use std::path::Path;

use anyhow::Result;
use demo_core::Motif;
use demo_motifmatch::Match;
use demo_report::{MatchPage, PageMatch};

/// Writes the page, whole or not at all; `drawn` is the most matches drawn for a query.
pub(crate) fn write(
    path: &Path,
    (queries, targets): (&[Motif], &[Motif]),
    matches: &[Vec<Match>],
    drawn: usize,
    command: &str,
) -> Result<()> {
    let mut page = MatchPage::new("Motif matches", targets)
        .with_drawn(drawn)
        .with_fact("Command", command)
        .with_fact("Version", concat!("demo ", env!("CARGO_PKG_VERSION")));
    for (query, matches) in queries.iter().zip(matches) {
        page.push(query, matches.iter().map(PageMatch::from).collect());
    }
    Ok(page.write(path)?)
}
