//! One data set's part of the page.

use demo_core::Strand;
use demo_data::Site;
use demo_eval::Predictions;
use demo_interpret::QuerySource;
use demo_report::{
    Across, EnsembleReport, Estimate, LearningCurves, LearningSeries, Logo, LogoScale, ModelReport,
    MotifPair, MotifRow, ORACLE, PublishedStatus, ReliabilityCurve, ReliabilityPlot, RocCurve, RocPlot,
    SaliencyTrack, SetReport, SiteSpan, TemporalCurves,
};

use super::data_kind;
use crate::Result;
use crate::config::Protocol;
use crate::ensembles::{Contestant, Judged, log_odds};
use crate::outcomes::{Explained, MatchRow, TrainOutcome};
use crate::run::{ExplainedModel, FinishedJob, Run, first_that_counts};
use crate::tables::{CALIBRATION, DEEPBIND};

/// What the page shows of one set: each model and protocol by all its networks, and what the first of them
/// that converged looks at, or the first where none did.
pub(crate) fn report(
    run: &Run,
    set: usize,
    (jobs, judged): (&[FinishedJob], &[Judged]),
    models: &[ExplainedModel],
) -> Result<SetReport> {
    let data = &run.sets[set].data;
    let of_set = jobs.iter().filter(|finished| finished.job.set == set);
    let what = |finished: &FinishedJob| (finished.job.model, finished.job.protocol);
    let shown = first_that_counts(of_set, what, |finished| finished.train.counts());
    let judged: Vec<&Judged> = judged.iter().filter(|one| one.set == set && one.is_whole()).collect();
    let reports = shown.iter().map(|finished| {
        let explained = models.iter().find(|model| model.job.id == finished.job.id);
        let Measured { auroc, networks, converged } = Measured::of(finished, &judged);
        Ok(ModelReport { auroc, networks, converged, ..model_report(run, finished, explained)? })
    });
    let ensembles = judged.iter().filter(|one| one.contestant.is_ensemble()).map(|one| EnsembleReport {
        name: one.contestant.title(),
        protocol: one.protocol.name().to_owned(),
        auroc: Estimate::from_interval(one.auroc.value(), one.delong),
    });
    let curves = curves(run, &shown, &judged);
    let published = run.sets[set].published.map_or(Vec::new(), |figures| {
        let confirmed = |name: &str, value| (name.to_owned(), value, PublishedStatus::Confirmed);
        vec![confirmed(DEEPBIND, figures.deepbind_star), confirmed("MEME-SUM", figures.meme_sum)]
    });
    Ok(SetReport {
        name: data.name().to_owned(),
        tf: data.tf().to_owned(),
        data: data_kind(data.source()),
        ceiling: run.sets[set].ceiling.as_ref().map(|ceiling| ceiling.auroc),
        published,
        ensembles: ensembles.collect(),
        models: reports.collect::<Result<_>>()?,
        roc: Some(roc(run, set, &curves)?),
        reliability: Some(reliability(run, set, &curves)?),
    })
}

/// A model's AUROC by all its networks that count, or by the one that is shown where there is one.
struct Measured {
    auroc: Estimate,
    /// AUROC of each network, where there are several.
    networks: Vec<f64>,
    converged: bool,
}

impl Measured {
    fn of(shown: &FinishedJob, judged: &[&Judged]) -> Self {
        let (protocol, single) = (shown.job.protocol, Contestant::Single(shown.job.model));
        let found = judged.iter().find(|one| (one.protocol, one.contestant) == (protocol, single));
        match found {
            Some(single) if single.networks > 1 => Self {
                auroc: Estimate::from_interval(single.auroc.value(), single.delong),
                networks: single.points.clone(),
                converged: shown.train.counts(),
            },
            _ => Self {
                auroc: Estimate::from_interval(shown.evaluate.auroc, Some(shown.evaluate.bootstrap)),
                networks: Vec::new(),
                converged: shown.train.counts(),
            },
        }
    }
}

/// A judge of the test half whose curves are drawn.
struct Curve {
    name: String,
    log_odds: Vec<f64>,
    auroc: Estimate,
}

/// The ensemble of each model that has one, the network of each other model, and the ensemble of all.
fn curves(run: &Run, shown: &[&FinishedJob], judged: &[&Judged]) -> Vec<Curve> {
    let find = |protocol, contestant| {
        judged.iter().find(|one| (one.protocol, one.contestant) == (protocol, contestant)).copied()
    };
    let of = |one: &Judged| Curve {
        name: with_protocol(run, one.contestant.title(), one.protocol),
        log_odds: one.log_odds.clone().unwrap_or_default(),
        auroc: Estimate::from_interval(one.auroc.value(), one.delong),
    };
    let model = |finished: &&FinishedJob| {
        let job = &finished.job;
        find(job.protocol, Contestant::Ensemble(job.model)).map_or_else(
            || Curve {
                name: with_protocol(run, job.model.title().to_owned(), job.protocol),
                log_odds: log_odds(finished),
                auroc: Estimate::from_interval(finished.evaluate.auroc, Some(finished.evaluate.bootstrap)),
            },
            of,
        )
    };
    let all = run.settings.protocols.iter().filter_map(|&protocol| find(protocol, Contestant::All));
    shown.iter().map(model).chain(all.map(of)).collect()
}

fn roc(run: &Run, set: usize, judges: &[Curve]) -> Result<RocPlot> {
    let labels: Vec<bool> = run.sets[set].data.test().iter().map(|example| example.bound).collect();
    let mut curves = Vec::new();
    for judge in judges {
        let curve = Predictions::from_log_odds(&labels, &judge.log_odds)?.ranking().roc();
        curves.push(RocCurve::from_eval(&judge.name, &curve, judge.auroc));
    }
    if let Some(ceiling) = &run.sets[set].ceiling {
        let curve = Predictions::from_log_odds(&labels, &ceiling.scores)?.ranking().roc();
        curves.push(RocCurve::from_eval(ORACLE, &curve, Estimate::point(ceiling.auroc)));
    }
    Ok(RocPlot { title: "Test half".to_owned(), curves })
}

fn reliability(run: &Run, set: usize, judges: &[Curve]) -> Result<ReliabilityPlot> {
    let labels: Vec<bool> = run.sets[set].data.test().iter().map(|example| example.bound).collect();
    let mut curves = Vec::new();
    for judge in judges {
        let reliability = Predictions::from_log_odds(&labels, &judge.log_odds)?.reliability(CALIBRATION)?;
        curves.push(ReliabilityCurve::from_eval(&judge.name, &reliability));
    }
    Ok(ReliabilityPlot { title: "Reliability".to_owned(), curves })
}

/// A name, with its protocol where the run has several.
fn with_protocol(run: &Run, title: String, protocol: Protocol) -> String {
    if run.settings.protocols.len() > 1 { format!("{title}, {protocol}") } else { title }
}

fn model_report(
    run: &Run,
    finished: &FinishedJob,
    explained: Option<&ExplainedModel>,
) -> Result<ModelReport> {
    let mut report = ModelReport {
        model: finished.job.model.title().to_owned(),
        protocol: finished.job.protocol.name().to_owned(),
        auroc: Estimate::from_interval(finished.evaluate.auroc, Some(finished.evaluate.bootstrap)),
        networks: Vec::new(),
        converged: finished.train.counts(),
        learning: learning(&finished.train),
        saliency: None,
        temporal: None,
        class_optimisation: None,
        best_match: None,
        motifs: Vec::new(),
    };
    let Some(explained) = explained else { return Ok(report) };
    if let Some(example) = explained.explain.examples.first() {
        let title = format!("Saliency of test sequence {}, score {:.1}", example.index + 1, example.score);
        let track = SaliencyTrack::new(example.sequence.clone(), example.saliency.clone())?;
        report.saliency = Some(track.with_sites(sites(run, &example.sites))?.with_title(title));
        report.temporal = temporal(run, example)?;
    }
    let optimum = Logo::from_matrix(&explained.explain.class_optimum);
    report.class_optimisation =
        Some(optimum.with_scale(LogoScale::Information).with_title("Class optimisation"));
    report.best_match = best_match(run, explained);
    for source in QuerySource::ALL.into_iter().filter(|source| !source.is_control()) {
        if let Some(row) = explained.matches(source).iter().min_by(|a, b| p(a).total_cmp(&p(b))) {
            report.motifs.push(MotifRow {
                source: source.name().to_owned(),
                target: row.best.as_ref().map(|hit| format!("{} {}", hit.id, hit.name)),
                p: row.best.as_ref().map(|hit| hit.p),
                e: row.best.as_ref().map(|hit| hit.e),
                q: row.best.as_ref().map(|hit| hit.q),
                relation: row.relation.clone(),
            });
        }
    }
    Ok(report)
}

fn p(row: &MatchRow) -> f64 {
    row.best.as_ref().map_or(f64::INFINITY, |hit| hit.p)
}

fn temporal(run: &Run, example: &Explained) -> Result<Option<TemporalCurves>> {
    let (Some(prefixes), Some(suffixes)) = (&example.prefixes, &example.suffixes) else { return Ok(None) };
    let curves = TemporalCurves::new(example.sequence.clone(), prefixes.clone(), suffixes.clone())?
        .with_lookahead(example.lookahead);
    let title = format!("Temporal output scores of test sequence {}", example.index + 1);
    Ok(Some(curves.with_sites(sites(run, &example.sites))?.with_title(title)))
}

fn sites(run: &Run, sites: &[Site]) -> Vec<SiteSpan> {
    let span = |site: &Site| SiteSpan {
        start: site.start,
        end: site.end,
        name: run.targets.motif(&site.motif).and_then(|motif| motif.name()).unwrap_or(&site.motif).to_owned(),
        strand: Some(site.strand),
    };
    sites.iter().map(span).collect()
}

/// The motif of lowest p among filters, or among all sources where there are no filters.
fn best_match(run: &Run, explained: &ExplainedModel) -> Option<MotifPair> {
    let filters = explained.matches(QuerySource::Filter);
    let learned = || QuerySource::ALL.into_iter().filter(|source| !source.is_control());
    let all = || learned().flat_map(|source| explained.matches(source));
    let rows: Vec<&MatchRow> = if filters.is_empty() { all().collect() } else { filters.iter().collect() };
    let row = rows.into_iter().min_by(|a, b| p(a).total_cmp(&p(b)))?;
    let hit = row.best.as_ref()?;
    let target = run.targets.motif(&hit.id)?.clone();
    let query = explained.explain.queries[row.query].motif.clone();
    let strand = if hit.reverse { Strand::Reverse } else { Strand::Forward };
    Some(MotifPair::new(query, target, hit.offset, strand).with_significance(hit.p, hit.e, Some(hit.q)))
}

/// Training and validation loss over steps, with the step whose weights were kept.
fn learning(train: &TrainOutcome) -> Option<LearningCurves> {
    let history = &train.summary.history;
    let chosen = train.summary.best.map(|best| best.step as f64);
    let training: Vec<(f64, f64)> = history.iter().map(|at| (at.step as f64, at.training_loss)).collect();
    let validation: Vec<(f64, f64)> =
        history.iter().filter_map(|at| Some((at.step as f64, at.validation_loss?))).collect();
    let series = [("training, dropout on", training), ("validation", validation)];
    let series: Vec<LearningSeries> = series
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(name, points)| LearningSeries { name: name.to_owned(), points, chosen, band: Vec::new() })
        .collect();
    (!series.is_empty()).then(|| LearningCurves {
        title: "Learning".to_owned(),
        across: "step".to_owned(),
        kind: Across::Steps,
        up: "log loss".to_owned(),
        series,
    })
}
