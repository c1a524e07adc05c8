//! LaTeX of a run, as `booktabs` tables: the summary, and what was found of the explanations.
//!
//! | file in `report/` | holds |
//! |---|---|
//! | `summary.tex` | models, pairs of models, published figures |
//! | `truth_summary.tex` | simulated sets: explanations against planted positions |
//! | `recovery.tex` | simulated sets: planted matrices and distances among the motifs |
//! | `decoys.tex` | simulated sets: negatives with broken grammar |
//! | `motif_counts.tex` | sets whose own motif was found, beside chance and published counts |

mod decoys;
mod motif_counts;
mod recovery;
mod summary;
mod truth;

use demo_core::Seed;
use demo_data::Source;
use demo_eval::{Bootstrap, ModelSummary, Origin, ResultTable, Row};
use demo_report::Table;

use super::TruthSummary;
use super::comparison::REPLICATES;
use crate::Result;
use crate::motif_counts::CountRow;
use crate::outcomes::RecoverOutcome;
use crate::plan::Job;
use crate::run::{FinishedJob, Run};
use crate::stages::evaluate::LEVEL;

pub(crate) use summary::summary;

/// What a caption says of the untrained sources.
const CONTROL: &str = "Sources named untrained are controls: the same network before its first step of training, read \
                       off the same positives.";

/// Files with their names, those of the tables that have rows.
pub(crate) fn explanations(
    run: &Run,
    (jobs, recovered): (&[FinishedJob], &[(Job, RecoverOutcome)]),
    (truth, counts): (&TruthSummary, &[CountRow]),
) -> Result<Vec<(&'static str, String)>> {
    let floats = [
        ("truth_summary", truth::truth(run, truth)?),
        ("recovery", recovery::recovery(run, jobs, recovered)?),
        ("decoys", decoys::decoys(run, jobs)?),
        ("motif_counts", motif_counts::motif_counts(run, counts)?),
    ];
    let file = |(label, Captioned { caption, table }): (&'static str, Captioned)| {
        let text = format!("% Needs \\usepackage{{booktabs}}.\n{}", table.to_latex_float(label, &caption));
        (!table.rows().is_empty()).then_some((label, text))
    };
    Ok(floats.into_iter().filter_map(file).collect())
}

/// A table with what stands above it.
struct Captioned {
    caption: String,
    table: Table,
}

/// The sets of a run as a caption names them: how many, simulated or real.
fn sets(run: &Run, count: usize) -> String {
    let plural = if count == 1 { "set" } else { "sets" };
    match run.sets.first().map(|set| set.data.source()) {
        Some(Source::Real) => format!("{count} {plural} of real sequences"),
        _ => format!("{count} simulated {plural} (sites {})", run.settings.placement.name()),
    }
}

/// A figure of one network, or of what asks none, on one set.
struct Figure {
    /// Position of the set in the run.
    set: usize,
    fold: Option<usize>,
    seed: u64,
    value: f64,
}

impl Figure {
    /// That of a job.
    fn of(job: &Job, value: f64) -> Self {
        Self { set: job.set, fold: Some(job.fold), seed: job.seed_number as u64, value }
    }
}

/// The mean over simulated sets with its interval by the bootstrap over factors; seeds and folds are averaged
/// within a set. None without figures.
fn over_sets(run: &Run, figures: impl Iterator<Item = Figure>) -> Result<Option<ModelSummary>> {
    const NAME: &str = "figure";
    let row = |Figure { set, fold, seed, value }: Figure| {
        let data = &run.sets[set].data;
        let (set, tf) = (data.name().to_owned(), data.tf().to_owned());
        Row { set, tf, model: NAME.to_owned(), fold, seed, value }
    };
    let rows: Vec<Row> = figures.map(row).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let seed = Seed::new(run.settings.seed).child("latex");
    let bootstrap = Bootstrap { replicates: REPLICATES, level: LEVEL, seed };
    Ok(Some(ResultTable::new(&rows, Origin::Simulated)?.summary(NAME, &bootstrap)?))
}
