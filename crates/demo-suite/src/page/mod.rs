//! The report stage: turns outcomes into the plain values that `demo-report` draws.

mod counts;
mod set;

use std::path::Path;

use demo_data::simulate::Placement;
use demo_data::{FigureStatus, Source};
use demo_report::{
    CriticalDifference, DataKind, ModelSummary, PairTest, PublishedMotifCount, PublishedSeries,
    PublishedStatus, PublishedSummary, Report, RunInfo, bibliography,
};

use crate::config::RunConfig;
use crate::ensembles::Judged;
use crate::files::{make_folder, write_atomically};
use crate::motif_counts::CountRow;
use crate::published::{PublishedAuroc, PublishedCount};
use crate::run::{ExplainedModel, FinishedJob, Run};
use crate::stages::evaluate::LEVEL;
use crate::tables::{BOTH_PROTOCOLS, Comparison, DEEPBIND, LearningCurve, TruthSummary};
use crate::{Result, published};

/// What is said over all sets: comparison, explanations against truth, motif counts, learning curves.
type Overview<'a> = (&'a Comparison, &'a TruthSummary, &'a [CountRow], Option<&'a LearningCurve<'a>>);

/// Writes the page, its pictures and the bibliography into a folder.
pub(crate) fn write(
    run: &Run,
    folder: &Path,
    (jobs, judged): (&[FinishedJob], &[Judged]),
    models: &[ExplainedModel],
    (comparison, truth, counts, curve): Overview,
    config: &RunConfig,
) -> Result<()> {
    make_folder(folder)?;
    let report = report(run, (jobs, judged), models, (comparison, truth, counts, curve), config)?;
    if let Some(plot) = report.box_plot() {
        plot.draw()?.write(folder, "comparison")?;
    }
    if let Some(plot) = report.dot_plot() {
        plot.draw()?.write(folder, "sets")?;
    }
    for (name, plot) in truth.plots(run) {
        plot.draw()?.write(folder, name)?;
    }
    for (protocol, plot) in curve.map_or(Vec::new(), |curve| curve.plots(run)) {
        plot.draw()?.write(folder, &format!("learning-curve-{protocol}"))?;
    }
    write_atomically(&folder.join("references.bib"), bibliography().as_bytes())?;
    for (under, diagram) in
        comparison.protocols.iter().filter(|under| under.ranks.is_some()).zip(&report.ranks)
    {
        diagram.draw()?.write(folder, &format!("critical-difference-{}", under.protocol))?;
    }
    let latex = crate::tables::latex_summary(comparison)?;
    write_atomically(&folder.join("summary.tex"), latex.as_bytes())?;
    report.write(folder)?;
    Ok(())
}

fn report(
    run: &Run,
    (jobs, judged): (&[FinishedJob], &[Judged]),
    models: &[ExplainedModel],
    (comparison, truth, counts, curve): Overview,
    config: &RunConfig,
) -> Result<Report> {
    let data = data_kind(comparison.source);
    let sets = (0..run.sets.len()).map(|set| set::report(run, set, (jobs, judged), models));
    Ok(Report {
        title: "Deep Motif Dashboard, reproduced".to_owned(),
        data,
        data_note: data_note(run, comparison.source),
        summaries: summaries(comparison),
        published: published_summaries(comparison),
        published_by_set: published_by_set(run),
        tests: tests(comparison),
        ranks: ranks(comparison)?,
        motif_counts: counts::motif_counts(counts),
        published_motif_counts: published_counts(),
        sizes: curve.map_or(Vec::new(), |curve| curve.plots(run)).into_iter().map(|(_, plot)| plot).collect(),
        truth: truth.plots(run).into_iter().map(|(_, plot)| plot).collect(),
        sets: sets.collect::<Result<_>>()?,
        run: run_info(run, config),
    })
}

/// Real or simulated, as the report names it.
pub(crate) fn data_kind(source: Source) -> DataKind {
    match source {
        Source::Simulated => DataKind::Simulated,
        Source::Real => DataKind::Real,
    }
}

fn data_note(run: &Run, source: Source) -> String {
    let sets = run.sets.len();
    match source {
        Source::Simulated if run.settings.placement == Placement::Uniform => format!(
            "{sets} simulated data sets with their sites anywhere in the sequence, a control: their difficulty is \
             calibrated to nothing. No figure on this page was measured on real peaks."
        ),
        Source::Simulated => format!(
            "{sets} simulated data sets, named after the real ChIP-seq sets whose published difficulty they are \
             calibrated to. No figure on this page was measured on real peaks."
        ),
        Source::Real => format!("{sets} sets of real sequences, read from the folder given with --data."),
    }
}

fn summaries(comparison: &Comparison) -> Vec<ModelSummary> {
    let mut rows = Vec::new();
    for under in &comparison.protocols {
        for (model, summary, not_converged) in &under.models {
            let Some(summary) = summary else { continue };
            let row = ModelSummary::from_eval(summary, under.protocol.name(), *not_converged);
            let seed_sd = under.seed_sd(*model);
            rows.push(ModelSummary { model: model.title().to_owned(), seed_sd, ..row });
        }
        for (contestant, summary, not_converged) in &under.ensembles.ensembles {
            let row = ModelSummary::from_eval(summary, under.protocol.name(), *not_converged);
            rows.push(ModelSummary { model: contestant.title(), ..row });
        }
    }
    rows
}

fn tests(comparison: &Comparison) -> Vec<PairTest> {
    let mut rows = Vec::new();
    for under in &comparison.protocols {
        let names =
            ["models", "models beside published", "ensembles and models", "ensembles beside published"];
        for (family, pairs) in names.into_iter().zip(under.families()) {
            let test = |pair| PairTest::from_comparison(pair, family, under.protocol.name());
            rows.extend(pairs.iter().filter_map(test));
        }
    }
    let test = |pair| PairTest::from_comparison(pair, "protocols", BOTH_PROTOCOLS);
    rows.extend(comparison.between_protocols.iter().filter_map(test));
    rows
}

/// A diagram for each protocol that has models to rank.
fn ranks(comparison: &Comparison) -> Result<Vec<CriticalDifference>> {
    let diagram = |under: &crate::tables::ProtocolComparison| {
        let (models, test) = under.ranks.as_ref()?;
        let names: Vec<String> = models.iter().map(|model| model.title().to_owned()).collect();
        let title = format!("AUROC, {} protocol, {} sets", under.protocol, comparison.source);
        Some(CriticalDifference::from_eval(&title, &names, test, LEVEL, "TFs"))
    };
    Ok(comparison.protocols.iter().filter_map(diagram).collect::<demo_eval::Result<_>>()?)
}

fn published_summaries(comparison: &Comparison) -> Vec<PublishedSummary> {
    let row = |figure: &PublishedAuroc| PublishedSummary {
        model: figure.model.clone(),
        sets: figure.sets,
        over: figure.over.clone(),
        mean: figure.mean,
        median: figure.median,
        sd: figure.sd,
        status: status(figure.status),
    };
    comparison.published.iter().map(row).collect()
}

fn published_by_set(run: &Run) -> Vec<PublishedSeries> {
    let series = |name: &str, figure: fn(&crate::sets::PublishedSet) -> f64| PublishedSeries {
        name: name.to_owned(),
        status: PublishedStatus::Confirmed,
        values: run
            .sets
            .iter()
            .filter_map(|set| Some((set.data.name().to_owned(), figure(set.published.as_ref()?))))
            .collect(),
    };
    let all = [series(DEEPBIND, |set| set.deepbind_star), series("MEME-SUM", |set| set.meme_sum)];
    all.into_iter().filter(|series| !series.values.is_empty()).collect()
}

fn published_counts() -> Vec<PublishedMotifCount> {
    let row = |count: PublishedCount| PublishedMotifCount {
        model: count.model,
        source: "class-optimisation".to_owned(),
        sets: count.sets,
        found: count.found,
        threshold: "not known".to_owned(),
        status: status(count.status),
    };
    published::published_counts().into_iter().map(row).collect()
}

fn run_info(run: &Run, config: &RunConfig) -> RunInfo {
    let settings = &run.settings;
    let names = |names: Vec<&str>| names.join(", ");
    let mut facts = vec![
        ("profile".to_owned(), settings.profile.name().to_owned()),
        ("models".to_owned(), names(settings.models.iter().map(|model| model.name()).collect())),
        ("protocols".to_owned(), names(settings.protocols.iter().map(|p| p.name()).collect())),
        ("folds".to_owned(), settings.folds.to_string()),
        ("seeds".to_owned(), settings.seeds.to_string()),
    ];
    for set in &run.sets {
        facts.push((format!("sha256 of {}", set.data.name()), set.sha256.clone()));
    }
    let revision = config.revision.as_deref().unwrap_or("unknown revision");
    RunInfo {
        command: config.command.clone(),
        seed: settings.seed,
        version: format!("{} ({revision})", env!("CARGO_PKG_VERSION")),
        device: run.device_name.to_owned(),
        facts,
    }
}

/// A published figure's status, as the report names it.
pub(crate) fn status(status: FigureStatus) -> PublishedStatus {
    match status {
        FigureStatus::Confirmed => PublishedStatus::Confirmed,
        FigureStatus::Secondary => PublishedStatus::Secondary,
        FigureStatus::Recollected => PublishedStatus::Recollected,
    }
}
