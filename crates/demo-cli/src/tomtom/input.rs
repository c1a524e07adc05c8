//! The motifs of `demo tomtom`: queries, those chosen of them, targets of one or more files, the background.

use std::collections::BTreeSet;
use std::path::Path;

use demo_core::AlphabetMotif;
use demo_data::{AlphabetCollection, MotifReading, read_any_motifs, read_background};
use demo_motifmatch::LOW_INFORMATION;

use super::Args;
use crate::Failure;

/// Warnings of one kind that are told one by one.
const TOLD: usize = 10;

/// What is compared with what.
pub(super) struct Input {
    pub(super) queries: Vec<AlphabetMotif>,
    pub(super) targets: Vec<AlphabetMotif>,
    /// For each target its index in the list of target files.
    pub(super) databases: Vec<usize>,
    /// The frequency of each letter.
    pub(super) background: Vec<f64>,
    /// Whether the letters have complements.
    pub(super) has_strands: bool,
}

/// Reads all files and says what was tolerated.
pub(super) fn read(args: &Args) -> Result<Input, Failure> {
    let mut query = read_one(&args.query)?;
    let (mut targets, mut databases) = (Vec::new(), Vec::new());
    for (database, path) in args.target.iter().enumerate() {
        let collection = if *path == args.query { query.clone() } else { read_one(path)? };
        if !collection.alphabet.is_same_as(&query.alphabet) {
            return Err(anyhow::anyhow!(
                "{}: found motifs over the alphabet {}, wanted {} as in {}",
                path.display(),
                collection.alphabet.name(),
                query.alphabet.name(),
                args.query.display()
            )
            .into());
        }
        databases.extend(vec![database; collection.motifs.len()]);
        targets.extend(collection.motifs);
    }
    tell_doubles(args, &targets, &databases);
    let queries = choose(args, std::mem::take(&mut query.motifs))?;
    let uniform = || vec![1.0 / query.alphabet.letters().len() as f64; query.alphabet.letters().len()];
    let background = match &args.bfile {
        Some(path) => read_background(path, &query.alphabet)?,
        None => query.background.clone().unwrap_or_else(uniform),
    };
    let has_strands = query.alphabet.complements().is_some();
    Ok(Input { queries, targets, databases, background, has_strands })
}

fn read_one(path: &Path) -> Result<AlphabetCollection, Failure> {
    let collection = read_any_motifs(path, &MotifReading::default())?;
    for warning in &collection.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(collection)
}

/// The queries of the identifiers and indices asked for, in the order of their file; all where none is.
fn choose(args: &Args, motifs: Vec<AlphabetMotif>) -> Result<Vec<AlphabetMotif>, Failure> {
    if args.motif.is_empty() && args.motif_index.is_empty() {
        return Ok(motifs);
    }
    if let Some(id) = args.motif.iter().find(|id| motifs.iter().all(|motif| motif.id() != id.as_str())) {
        let path = args.query.display();
        return Err(Failure::Usage(format!("-m {id}: found no motif of that identifier in {path}")));
    }
    if let Some(index) = args.motif_index.iter().find(|&&index| index == 0 || index > motifs.len()) {
        let (path, count) = (args.query.display(), motifs.len());
        return Err(Failure::Usage(format!("-mi {index}: wanted 1 to {count}, the motifs of {path}")));
    }
    let is_chosen = |index: usize, motif: &AlphabetMotif| {
        args.motif_index.contains(&(index + 1)) || args.motif.iter().any(|id| id == motif.id())
    };
    Ok(motifs
        .into_iter()
        .enumerate()
        .filter(|(index, motif)| is_chosen(*index, motif))
        .map(|(_, m)| m)
        .collect())
}

/// Warns of an identifier that two of the target files have; within a file the reader warns.
fn tell_doubles(args: &Args, targets: &[AlphabetMotif], databases: &[usize]) {
    let mut seen = BTreeSet::new();
    let mut doubles = Vec::new();
    let mut start = 0;
    for database in 0..args.target.len() {
        let end = start + databases[start..].iter().filter(|&&other| other == database).count();
        let ids: BTreeSet<&str> = targets[start..end].iter().map(AlphabetMotif::id).collect();
        let path = args.target[database].display();
        doubles.extend(
            ids.intersection(&seen)
                .map(|id| format!("{path}: motif {id} is in a file before too; both are kept")),
        );
        seen.extend(ids);
        start = end;
    }
    tell(&doubles);
}

/// Warns of queries that chance alone matches, and of those that no target can match whole.
pub(super) fn tell_of_queries(input: &Input, information: impl Fn(&AlphabetMotif) -> f64, calibrated: bool) {
    let widest = input.targets.iter().map(AlphabetMotif::width).max().unwrap_or(0);
    let wide = input.queries.iter().filter(|query| query.width() > widest).map(|query| {
        let (id, width) = (query.id(), query.width());
        format!("motif {id}: {width} columns, more than every target (at most {widest}); no target matches it whole")
    });
    tell(&wide.collect::<Vec<_>>());
    if calibrated {
        return;
    }
    let poor = input.queries.iter().map(|query| (query.id(), information(query)));
    let poor = poor.filter(|&(_, bits)| bits < LOW_INFORMATION).map(|(id, bits)| {
        format!(
            "motif {id}: {bits:.1} bits of information, less than {LOW_INFORMATION}; its p-values may be too \
             small (--null calibrated)"
        )
    });
    tell(&poor.collect::<Vec<_>>());
}

fn tell(warnings: &[String]) {
    for warning in warnings.iter().take(TOLD) {
        eprintln!("warning: {warning}");
    }
    if warnings.len() > TOLD {
        eprintln!("warning: so have {} more", warnings.len() - TOLD);
    }
}
