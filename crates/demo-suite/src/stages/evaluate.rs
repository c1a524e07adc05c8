//! The evaluate stage: a trained network on the test half, touched once, and on its held-out fold.

use std::time::Instant;

use demo_core::{DnaSequence, Seed};
use demo_data::{DataSet, Example};
use demo_eval::{
    Bootstrap, Groups, IntervalScale, Predictions, ScoredLabels, bootstrap_auroc, fit_temperature,
};
use demo_models::Predictor;

use super::train::Parts;
use crate::Result;
use crate::baselines::Fitted;
use crate::outcomes::EvaluateOutcome;

/// Resamples of a test set.
const REPLICATES: usize = 1_000;
/// Level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

/// What gives sequences their log-odds.
pub(crate) enum Scorer {
    Network(Box<Predictor>),
    Baseline(Fitted),
}

/// Scores the test half and measures it; `parts` are places of the training half.
pub(crate) fn evaluate(
    scorer: &mut Scorer,
    set: &DataSet,
    parts: &Parts,
    seed: Seed,
) -> Result<EvaluateOutcome> {
    let started = Instant::now();
    let test = set.test();
    let scores = scorer.scores(test)?;
    let labels: Vec<bool> = test.iter().map(|example| example.bound).collect();
    let log_odds: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
    let predictions = Predictions::from_log_odds(&labels, &log_odds)?;
    let metrics = predictions.metrics();
    let ranking = predictions.ranking();
    let seed = seed.child(set.name()).child("bootstrap");
    let config = Bootstrap { replicates: REPLICATES, level: LEVEL, seed };
    let at = |places: &[usize]| places.iter().map(|&place| set.train()[place].clone()).collect::<Vec<_>>();
    let cv_auroc = if parts.held_out.is_empty() {
        None
    } else {
        let (labels, scores) = scorer.labelled(&at(&parts.held_out))?;
        Some(ScoredLabels::new(&labels, &scores)?.auroc())
    };
    // A baseline was fitted to its validation split too, which then says nothing of its calibration.
    let temperature = if parts.validation.is_empty() || matches!(scorer, Scorer::Baseline(_)) {
        None
    } else {
        let (labels, log_odds) = scorer.labelled(&at(&parts.validation))?;
        Some(fit_temperature(&labels, &log_odds)?)
    };
    Ok(EvaluateOutcome {
        auroc: metrics.auroc,
        bootstrap: bootstrap_auroc(ranking, &pairs(test)?, &config)?,
        delong: ranking.delong_interval(LEVEL, IntervalScale::Logit)?,
        auprc: metrics.auprc,
        accuracy: metrics.accuracy,
        mcc: metrics.mcc,
        log_loss: metrics.log_loss,
        brier: metrics.brier,
        cv_auroc,
        temperature,
        scores,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// What is drawn together: a positive with its shuffle, and whatever has no partner by itself.
pub(crate) fn pairs(examples: &[Example]) -> Result<Groups> {
    Ok(Groups::new(&pair_numbers(examples))?)
}

/// The same as numbers, alike for what is drawn together.
pub(crate) fn pair_numbers(examples: &[Example]) -> Vec<(u8, u64)> {
    let number = |(place, example): (usize, &Example)| match example.pair {
        Some(pair) => (0, u64::from(pair)),
        None => (1, place as u64),
    };
    examples.iter().enumerate().map(number).collect()
}

impl Scorer {
    fn scores(&mut self, examples: &[Example]) -> Result<Vec<f32>> {
        let sequences: Vec<DnaSequence> = examples.iter().map(|example| example.sequence.clone()).collect();
        Ok(match self {
            Self::Network(predictor) => predictor.scores(&sequences)?,
            Self::Baseline(fitted) => fitted.log_odds(&sequences),
        })
    }

    /// Labels and log-odds of examples.
    fn labelled(&mut self, examples: &[Example]) -> Result<(Vec<bool>, Vec<f64>)> {
        let scores = self.scores(examples)?.into_iter().map(f64::from).collect();
        Ok((examples.iter().map(|example| example.bound).collect(), scores))
    }
}
