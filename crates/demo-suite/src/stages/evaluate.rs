//! The evaluate stage: a trained network on the test half, touched once, and on its held-out fold.

use std::time::Instant;

use demo_core::{DnaSequence, Seed};
use demo_data::{DataSet, Example};
use demo_eval::{Bootstrap, Groups, IntervalScale, Predictions, ScoredLabels, bootstrap_auroc};
use demo_models::Predictor;

use crate::Result;
use crate::outcomes::EvaluateOutcome;

/// Resamples of a test set.
const REPLICATES: usize = 1_000;
/// Level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

/// Scores the test half and measures it; `held_out` are places of the training half.
pub(crate) fn evaluate(
    predictor: &mut Predictor,
    set: &DataSet,
    held_out: &[usize],
    seed: Seed,
) -> Result<EvaluateOutcome> {
    let started = Instant::now();
    let test = set.test();
    let scores = scores(predictor, test)?;
    let labels: Vec<bool> = test.iter().map(|example| example.bound).collect();
    let log_odds: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
    let predictions = Predictions::from_log_odds(&labels, &log_odds)?;
    let metrics = predictions.metrics();
    let ranking = predictions.ranking();
    let seed = seed.child(set.name()).child("bootstrap");
    let config = Bootstrap { replicates: REPLICATES, level: LEVEL, seed };
    let cv_auroc = if held_out.is_empty() {
        None
    } else {
        let fold: Vec<Example> = held_out.iter().map(|&place| set.train()[place].clone()).collect();
        let labels: Vec<bool> = fold.iter().map(|example| example.bound).collect();
        let scores: Vec<f64> = self::scores(predictor, &fold)?.into_iter().map(f64::from).collect();
        Some(ScoredLabels::new(&labels, &scores)?.auroc())
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
        scores,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// What is drawn together: a positive with its shuffle, and whatever has no partner by itself.
pub(crate) fn pairs(examples: &[Example]) -> Result<Groups> {
    let group = |(place, example): (usize, &Example)| match example.pair {
        Some(pair) => (0, u64::from(pair)),
        None => (1, place as u64),
    };
    let groups: Vec<(u8, u64)> = examples.iter().enumerate().map(group).collect();
    Ok(Groups::new(&groups)?)
}

fn scores(predictor: &mut Predictor, examples: &[Example]) -> Result<Vec<f32>> {
    let sequences: Vec<DnaSequence> = examples.iter().map(|example| example.sequence.clone()).collect();
    Ok(predictor.scores(&sequences)?)
}
