//! `demo tomtom`: which known motifs resemble given ones.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use demo_core::Background;
use demo_data::{MotifCollection, MotifReading, read_motifs};
use demo_motifmatch::{Distance, Error, Options, Scoring, Threshold, Tomtom, tsv};

use crate::{Failure, html, output};

/// The default limit on q-values.
const Q_LIMIT: f64 = 0.5;
/// The default limit on E-values.
const E_LIMIT: f64 = 10.0;

/// Arguments of `demo tomtom`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of tomtom's own name")]
pub(crate) struct Args {
    /// Motifs to look for: MEME, JASPAR, TRANSFAC or HOCOMOCO, plain or gzip.
    query: PathBuf,
    /// Motifs to look among, in any of these formats.
    target: PathBuf,
    /// How two columns are compared.
    #[arg(long, value_enum, default_value = "ed")]
    dist: Dist,
    /// The fewest columns an alignment has; the width of the narrower motif where that is less.
    #[arg(long, value_name = "COLUMNS", default_value_t = 5)]
    min_overlap: usize,
    /// The largest q-value listed, up to 1 [default: 0.5], or with --evalue the largest E-value [default: 10].
    #[arg(long, value_name = "LIMIT")]
    thresh: Option<f64>,
    /// Limits the list by E-value instead of q-value.
    #[arg(long)]
    evalue: bool,
    /// Searches the targets as they are given, not their reverse complements.
    #[arg(long)]
    norc: bool,
    /// Aligns the narrower motif only where it lies wholly inside the wider one.
    #[arg(long)]
    internal: bool,
    /// Leaves query columns outside the alignment out of the score.
    #[arg(long)]
    incomplete_scores: bool,
    /// How many sites' worth of background each motif is mixed with.
    #[arg(long, value_name = "SITES", default_value_t = 0.1)]
    motif_pseudo: f64,
    /// Threads; 0 takes as many as there are cores. The result does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Writes a page of the matches, logos aligned, to this file too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The most matches that the page draws for a query; its tables have all of them.
    #[arg(long, value_name = "N", default_value_t = 10, requires = "html")]
    html_logos: usize,
    /// Writes the table to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The distances by their names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Dist {
    /// Euclidean distance.
    Ed,
}

/// Compares the motifs and writes the table.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let options = args.options();
    options.check().map_err(|error| Failure::Usage(usage(&error)))?;
    let query = read(&args.query)?;
    let target = if args.target == args.query { query.clone() } else { read(&args.target)? };
    let options = Options { background: query.background.unwrap_or(Background::UNIFORM), ..options };
    let tomtom = Tomtom::new(&target.motifs, options).with_context(|| args.target.display().to_string())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build()?;
    let matches = pool.install(|| tomtom.query_all(&query.motifs));
    let command: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let command = format!("demo {}", command.join(" "));
    if let Some(path) = &args.html {
        html::write(path, (&query.motifs, &target.motifs), &matches, args.html_logos, &command)?;
    }
    Ok(output::write(args.output.as_deref(), |out| {
        tsv::write_header(&mut *out)?;
        for (query, matches) in query.motifs.iter().zip(&matches) {
            tsv::write_matches(&mut *out, query.id(), matches)?;
        }
        tsv::write_footer(out, "demo tomtom", env!("CARGO_PKG_VERSION"), &command)
    })?)
}

impl Args {
    fn options(&self) -> Options {
        let Dist::Ed = self.dist;
        Options {
            distance: Distance::Euclidean,
            scoring: if self.incomplete_scores { Scoring::Incomplete } else { Scoring::Complete },
            both_strands: !self.norc,
            min_overlap: self.min_overlap,
            internal: self.internal,
            motif_pseudocount: self.motif_pseudo,
            threshold: if self.evalue {
                Threshold::EValue(self.thresh.unwrap_or(E_LIMIT))
            } else {
                Threshold::QValue(self.thresh.unwrap_or(Q_LIMIT))
            },
            ..Options::default()
        }
    }
}

/// What is wrong with the options, and the flag that mends it.
fn usage(error: &Error) -> String {
    match error {
        Error::Pseudocount { .. } => format!("--motif-pseudo: {error}"),
        Error::MinOverlap => format!("--min-overlap: {error}"),
        Error::QThreshold { .. } => format!("--thresh: {error} (--evalue)"),
        Error::EThreshold { .. } => format!("--thresh: {error}"),
        _ => error.to_string(),
    }
}

fn read(path: &Path) -> Result<MotifCollection, Failure> {
    let collection = read_motifs(path, &MotifReading::default())?;
    for warning in &collection.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(collection)
}
