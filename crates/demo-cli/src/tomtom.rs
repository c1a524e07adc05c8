//! `demo tomtom`: which known motifs resemble given ones.

mod input;
mod records;

use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use demo_motifmatch::{
    AlphabetTomtom, Distance, Error, Match, NullModel, Options, QValues, Scale, Scoring, Threshold, tsv,
};

use crate::{Failure, html, output};

/// The default limit on q-values.
const Q_LIMIT: f64 = 0.5;
/// The default limit on E-values.
const E_LIMIT: f64 = 10.0;

/// Arguments of `demo tomtom`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of tomtom's own name")]
pub(crate) struct Args {
    /// Motifs to look for: MEME of any alphabet, JASPAR, TRANSFAC or HOCOMOCO, plain or gzip.
    query: PathBuf,
    /// Motifs to look among, in one or more files of any of these formats.
    #[arg(required = true)]
    target: Vec<PathBuf>,
    /// How two columns are compared.
    #[arg(long, value_parser = distance, default_value = "ed", value_name = "DISTANCE", help = DISTANCES)]
    dist: Distance,
    /// The fewest columns an alignment has; the width of the narrower motif where that is less.
    #[arg(long, value_name = "COLUMNS", default_value_t = 5)]
    min_overlap: usize,
    /// The largest q-value listed, up to 1 [default: 0.5], or with --evalue the largest E-value [default: 10].
    #[arg(long, value_name = "LIMIT")]
    thresh: Option<f64>,
    /// Limits the list by E-value instead of q-value.
    #[arg(long)]
    evalue: bool,
    /// The most matches listed for a query.
    #[arg(long, value_name = "N")]
    nearest: Option<usize>,
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
    /// Background frequencies, a letter and a number a line [default: those of the query file, or equal ones].
    #[arg(long, value_name = "FILE")]
    bfile: Option<PathBuf>,
    /// Looks for the query motif of this identifier only; may be given again.
    #[arg(short = 'm', value_name = "ID")]
    motif: Vec<String>,
    /// Looks for the query motif of this place in its file only, counted from 1; may be given again [also: -mi].
    #[arg(long = "mi", value_name = "INDEX")]
    motif_index: Vec<usize>,
    /// How p-values become q-values: with Tomtom's bootstrap, or by Benjamini and Hochberg alone.
    #[arg(long, value_enum, default_value = "bootstrap")]
    qvalue: QValue,
    /// What chance is: columns of all targets, as Tomtom has it, or the target's own columns in random order.
    #[arg(long, value_enum, default_value = "meme")]
    null: Null,
    /// Follows a program where we depart from it: blic and llr scores of a range above 100 give p-values of 1.
    #[arg(long, value_enum, value_name = "PROGRAM")]
    compat: Option<Compat>,
    /// Tomtom's table, or a line of JSON for each query.
    #[arg(long, value_enum, default_value = "tsv")]
    format: Format,
    /// Threads; 0 takes as many as there are cores. The result does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Writes a page of the matches, logos aligned, to this file too; of DNA and RNA motifs.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The most matches that the page draws for a query; its tables have all of them.
    #[arg(long, value_name = "N", default_value_t = 10, requires = "html")]
    html_logos: usize,
    /// Writes to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What the distances are called.
const DISTANCES: &str =
    "How two columns are compared: ed, pearson, sandelin, kullback, allr, blic1, blic5, llr1 or llr5";

/// The ways to q-values by their names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum QValue {
    /// Benjamini-Hochberg times Storey's share of true nulls.
    Bootstrap,
    /// Benjamini-Hochberg.
    Bh,
}

/// The null models by their names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Null {
    /// Columns of all targets.
    Meme,
    /// The target's own columns in random order, under which runs of one base are never found.
    Calibrated,
}

/// The programs that can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Compat {
    /// MEME Suite 5.5.
    Meme,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Tomtom's table.
    Tsv,
    /// A line of JSON for each query.
    Jsonl,
}

fn distance(name: &str) -> Result<Distance, String> {
    Distance::named(name)
        .ok_or_else(|| format!("wanted one of {}", Distance::ALL.map(Distance::name).join(", ")))
}

/// Compares the motifs and writes what was found, query by query.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.html.as_ref().zip(args.output.as_ref()).is_some_and(|(page, table)| output::is_same(page, table))
    {
        return Err(Failure::Usage("--html: found the name of --output, wanted one of its own".to_owned()));
    }
    let options = args.options();
    options.check().map_err(|error| Failure::Usage(usage(&error)))?;
    let input = input::read(args)?;
    let options = Options { both_strands: options.both_strands && input.has_strands, ..options };
    let tomtom = AlphabetTomtom::new(&input.targets, &input.background, options)
        .with_context(|| args.target[0].display().to_string())?;
    input::tell_of_queries(&input, |query| tomtom.information(query), args.null == Null::Calibrated);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build()?;
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let command = format!("demo {}", words.join(" "));
    let mut page = args.html.as_ref().map(|_| html::Page::new(&input.queries, &input.targets)).transpose()?;
    let written = output::write(args.output.as_deref(), |mut out| {
        // Who reads the table may go away; the page is for somebody else.
        let with_page = page.is_some();
        let mut read = true;
        let told = |written: io::Result<()>| match written {
            Err(error) if with_page && error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            written => written.map(|()| true),
        };
        if args.format == Format::Tsv {
            read = told(tsv::write_header(&mut out))?;
        }
        // Lines are made where their matches are; here they are put in order.
        let to_lines = |index: usize, matches: Vec<Match>| {
            let (query, mut lines) = (&input.queries[index], Vec::new());
            let made = match args.format {
                Format::Tsv => tsv::write_matches(&mut lines, query.id(), &matches),
                Format::Jsonl => {
                    records::write(&mut lines, &input, query, tomtom.information(query), &matches)
                }
            };
            made.map(|()| (lines, with_page.then_some(matches)))
        };
        let visited = pool.install(|| {
            tomtom.query_each_prepared(&input.queries, to_lines, |index, made| {
                let (lines, matches) = made.map_err(Stop)?;
                if let (Some(page), Some(matches)) = (&mut page, matches) {
                    page.push(tomtom.information(&input.queries[index]), &matches);
                }
                if read {
                    read = told(out.write_all(&lines).and_then(|()| out.flush())).map_err(Stop)?;
                }
                Ok(())
            })
        });
        visited.map_err(|Stop(error)| error)?;
        if args.format == Format::Tsv && read {
            tsv::write_footer(out, "demo tomtom", env!("CARGO_PKG_VERSION"), &command)?;
        }
        Ok::<(), io::Error>(())
    });
    match written {
        // What is left in a buffer has no reader either.
        Err(error) if page.is_some() && output::is_closed_pipe(&error) => {}
        written => written?,
    }
    if let (Some(page), Some(path)) = (page, &args.html) {
        page.write(path, args.html_logos, &command)?;
    }
    Ok(())
}

/// Why the writing of matches ends early.
struct Stop(io::Error);

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self(io::Error::other(error))
    }
}

impl Args {
    fn options(&self) -> Options {
        Options {
            distance: self.dist,
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
            q_values: match self.qvalue {
                QValue::Bootstrap => QValues::Bootstrap,
                QValue::Bh => QValues::BenjaminiHochberg,
            },
            null: match self.null {
                Null::Meme => NullModel::Meme,
                Null::Calibrated => NullModel::Calibrated,
            },
            scale: match self.compat {
                Some(Compat::Meme) => Scale::Meme,
                None => Scale::Sound,
            },
            nearest: self.nearest,
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
        Error::Nearest => format!("--nearest: {error}"),
        Error::CalibratedIncomplete => format!("--null calibrated: {error} (--incomplete-scores)"),
        _ => error.to_string(),
    }
}
