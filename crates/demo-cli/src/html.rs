//! `--html`: the matches of `demo tomtom` as a page.

use std::path::Path;

use anyhow::{Result, bail};
use demo_core::{Alphabet, AlphabetMotif, Motif, ProbabilityMatrix};
use demo_motifmatch::Match;
use demo_report::{MatchPage, PageMatch};

/// What the page will show. RNA is drawn with the letters of DNA.
#[derive(Debug)]
pub(crate) struct Page {
    queries: Vec<Motif>,
    targets: Vec<Motif>,
    /// Of each query so far, with its information content in bits.
    matches: Vec<(f64, Vec<PageMatch>)>,
}

impl Page {
    /// A page of no matches yet.
    ///
    /// # Errors
    /// Motifs over other letters than those of DNA and RNA.
    pub(crate) fn new(queries: &[AlphabetMotif], targets: &[AlphabetMotif]) -> Result<Self> {
        let all = |motifs: &[AlphabetMotif]| motifs.iter().map(drawable).collect::<Result<_>>();
        Ok(Self { queries: all(queries)?, targets: all(targets)?, matches: Vec::new() })
    }

    /// Adds the matches of the next query.
    pub(crate) fn push(&mut self, bits: f64, matches: &[Match]) {
        self.matches.push((bits, matches.iter().map(PageMatch::from).collect()));
    }

    /// Writes the page, whole or not at all; `drawn` is the most matches drawn for a query.
    pub(crate) fn write(self, path: &Path, drawn: usize, command: &str) -> Result<()> {
        let mut page = MatchPage::new("Motif matches", &self.targets)
            .with_drawn(drawn)
            .with_fact("Command", command)
            .with_fact("Version", concat!("demo ", env!("CARGO_PKG_VERSION")));
        for (query, (bits, matches)) in self.queries.iter().zip(self.matches) {
            page.push(query, bits, matches);
        }
        Ok(page.write(path)?)
    }
}

fn drawable(motif: &AlphabetMotif) -> Result<Motif> {
    let alphabet = motif.alphabet();
    let rows: Option<Vec<[f64; 4]>> = motif.rows().map(|row| row.try_into().ok()).collect();
    let Some(rows) = rows.filter(|_| alphabet.is_dna() || alphabet.is_same_as(&Alphabet::rna())) else {
        bail!("--html: found motif {} over the alphabet {}, wanted DNA or RNA", motif.id(), alphabet.name());
    };
    let drawn = Motif::new(motif.id(), ProbabilityMatrix::new(rows)?);
    Ok(match motif.name() {
        Some(name) => drawn.with_name(name),
        None => drawn,
    })
}
