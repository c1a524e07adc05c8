//! `results.tsv` and `timings.tsv`: one row per set, model, protocol, fold and number of the seed.

use demo_eval::{Binning, Predictions, ScoredLabels};
use demo_models::Strands;
use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::outcomes::EvaluateOutcome;
use crate::plan::Recipe;
use crate::run::{FinishedJob, Run};
use crate::sets::LoadedSet;

/// The bins of every expected calibration error and reliability curve.
pub(crate) const CALIBRATION: Binning = Binning::EqualMass(10);
/// The share of false calls at which recall is given.
const DISCOVERY_RATE: f64 = 0.1;

/// Measured figures of every job; the same bytes from every run of the same settings.
pub(crate) fn results(run: &Run, jobs: &[FinishedJob]) -> Result<Table> {
    let text = |name| Column::new(name, Format::Text);
    let integer = |name| Column::new(name, Format::Integer);
    let fixed = |name| Column::new(name, Format::Fixed(6));
    let mut table = Table::new(vec![
        text("set"),
        text("tf"),
        text("data"),
        text("placement"),
        text("model"),
        text("protocol"),
        integer("fold"),
        integer("seed"),
        Column::new("auroc", Format::Estimate(6)),
        fixed("auprc"),
        fixed("accuracy"),
        fixed("mcc"),
        fixed("log_loss"),
        fixed("brier"),
        integer("epochs"),
        text("converged"),
        fixed("cv_auroc"),
        fixed("delong_low"),
        fixed("delong_high"),
        fixed("validation_auroc"),
        fixed("validation_loss"),
        fixed("train_loss"),
        integer("steps"),
        text("strands"),
        integer("train_sequences"),
        integer("test_sequences"),
        fixed("saliency_truth_auroc"),
        fixed("oracle_auroc"),
        fixed("published_deepbind_star"),
        fixed("published_meme_sum"),
        fixed("recall_at_fdr10"),
        fixed("ece"),
        fixed("temperature"),
        fixed("ece_scaled"),
        integer("seed_number"),
        text("weights_sha256"),
    ]);
    for finished in jobs {
        let FinishedJob { job, train, evaluate, explain } = finished;
        let set = &run.sets[job.set];
        let best = train.summary.best;
        let calibration = Calibration::of(set, evaluate)?;
        table.push(vec![
            set.data.name().into(),
            set.data.tf().into(),
            set.data.source().to_string().into(),
            set.grammar.as_ref().map(|_| run.settings.placement.name()).into(),
            job.model.name().into(),
            job.protocol.name().into(),
            job.fold.into(),
            run.settings.seed.into(),
            Cell::Estimate(evaluate.auroc, evaluate.bootstrap.low, evaluate.bootstrap.high),
            evaluate.auprc.into(),
            evaluate.accuracy.into(),
            evaluate.mcc.into(),
            evaluate.log_loss.into(),
            evaluate.brier.into(),
            train.summary.epochs.into(),
            train.converged_name().into(),
            evaluate.cv_auroc.into(),
            evaluate.delong.map(|interval| interval.low).into(),
            evaluate.delong.map(|interval| interval.high).into(),
            best.and_then(|best| best.validation_auroc).into(),
            best.and_then(|best| best.validation_loss).into(),
            best.map(|best| best.training_loss).into(),
            train.summary.steps.into(),
            strands_name(&job.recipe).into(),
            set.data.train().len().into(),
            set.data.test().len().into(),
            explain.as_ref().and_then(|explain| explain.saliency_truth).into(),
            set.ceiling.as_ref().map(|ceiling| ceiling.auroc).into(),
            set.published.as_ref().map(|figures| figures.deepbind_star).into(),
            set.published.as_ref().map(|figures| figures.meme_sum).into(),
            calibration.recall.into(),
            calibration.expected_error.into(),
            evaluate.temperature.into(),
            calibration.scaled.into(),
            job.seed_number.into(),
            train.weights_sha256.as_str().into(),
        ])?;
    }
    Ok(table)
}

/// Seconds of every job, outside the promise of equal bytes.
pub(crate) fn timings(run: &Run, jobs: &[FinishedJob]) -> Result<Table> {
    let text = |name| Column::new(name, Format::Text);
    let seconds = |name| Column::new(name, Format::Fixed(2));
    let mut table = Table::new(vec![
        text("set"),
        text("model"),
        text("protocol"),
        Column::new("fold", Format::Integer),
        seconds("train_s"),
        seconds("evaluate_s"),
        seconds("explain_s"),
        Column::new("sequences_per_s", Format::Fixed(0)),
        Column::new("seed_number", Format::Integer),
        Column::new("train_size", Format::Integer),
    ]);
    for FinishedJob { job, train, evaluate, explain } in jobs {
        let sequences = match &job.recipe {
            Recipe::Network { training, .. } => (train.summary.steps * training.batch as u64) as f64,
            Recipe::Baseline { .. } => train.summary.training_sequences as f64,
        };
        table.push(vec![
            run.sets[job.set].data.name().into(),
            job.model.name().into(),
            job.protocol.name().into(),
            job.fold.into(),
            train.seconds.into(),
            evaluate.seconds.into(),
            explain.as_ref().map(|explain| explain.seconds).into(),
            (sequences / train.seconds.max(1e-9)).into(),
            job.seed_number.into(),
            job.size.into(),
        ])?;
    }
    Ok(table)
}

/// What the test scores say beyond what the evaluation recorded.
struct Calibration {
    recall: f64,
    expected_error: f64,
    /// The expected error once the log-odds are divided by the temperature of the validation split.
    scaled: Option<f64>,
}

impl Calibration {
    fn of(set: &LoadedSet, evaluate: &EvaluateOutcome) -> Result<Self> {
        let labels: Vec<bool> = set.data.test().iter().map(|example| example.bound).collect();
        let log_odds: Vec<f64> = evaluate.scores.iter().map(|&score| f64::from(score)).collect();
        let error = |log_odds: &[f64]| -> Result<f64> {
            Ok(Predictions::from_log_odds(&labels, log_odds)?.reliability(CALIBRATION)?.expected_error)
        };
        let scaled = evaluate.temperature.map(|temperature| {
            error(&log_odds.iter().map(|log_odds| log_odds / temperature).collect::<Vec<_>>())
        });
        let ranking = ScoredLabels::new(&labels, &log_odds)?;
        Ok(Self {
            recall: ranking.recall_at_false_discovery_rate(DISCOVERY_RATE),
            expected_error: error(&log_odds)?,
            scaled: scaled.transpose()?,
        })
    }
}

fn strands_name(recipe: &Recipe) -> &'static str {
    match recipe {
        Recipe::Network { training, .. } if training.strands == Strands::Forward => "forward",
        Recipe::Network { .. } | Recipe::Baseline { .. } => "both",
    }
}
