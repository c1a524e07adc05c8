//! What is measured on probabilities: accuracy, Matthews correlation, log loss, Brier score.
//!
//! A probability above one half calls an example positive; exactly one half calls it negative, as
//! the first of two tied classes is taken. O(n) after the sort for the ranks.

use serde::{Deserialize, Serialize};

use crate::error::check_length;
use crate::{Error, Result, ScoredLabels};

/// Labels with predicted probabilities of the positive class.
///
/// Prefer [`Predictions::from_log_odds`] where the log-odds are at hand: probabilities of confident
/// models round to 1 and tie, log-odds do not.
#[derive(Debug, Clone)]
pub struct Predictions {
    ranking: ScoredLabels,
    probabilities: Vec<f64>,
    log_loss: f64,
}

/// The figures of one model on one set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of examples.
    pub examples: usize,
    /// Number of positive ones.
    pub positives: usize,
    /// Area under the ROC curve.
    pub auroc: f64,
    /// Area under the precision-recall curve (average precision).
    pub auprc: f64,
    /// Share of right calls.
    pub accuracy: f64,
    /// Matthews correlation; `None` when every call is the same.
    pub mcc: Option<f64>,
    /// Mean negative log likelihood, natural logarithm.
    pub log_loss: f64,
    /// Mean squared error of the probabilities.
    pub brier: f64,
}

impl Predictions {
    /// Takes log-odds, logit(positive) - logit(negative), one for each label.
    ///
    /// # Errors
    ///
    /// When lengths differ, a number is not finite, or a class is missing.
    pub fn from_log_odds(labels: &[bool], log_odds: &[f64]) -> Result<Self> {
        crate::error::check_finite("log-odds", log_odds)?;
        let ranking = ScoredLabels::new(labels, log_odds)?;
        // -ln sigmoid(x) = ln(1 + e^-x), which stays finite where the probability rounds to 0.
        let losses = labels.iter().zip(log_odds).map(|(&label, &x)| softplus(if label { -x } else { x }));
        let log_loss = losses.sum::<f64>() / labels.len() as f64;
        Ok(Self { ranking, probabilities: log_odds.iter().copied().map(sigmoid).collect(), log_loss })
    }

    /// Takes probabilities of the positive class, one for each label.
    ///
    /// The log loss takes probabilities of 0 and 1 as 2^-52 away from them, as scikit-learn does.
    ///
    /// # Errors
    ///
    /// When lengths differ, a number is not from 0 to 1, or a class is missing.
    pub fn from_probabilities(labels: &[bool], probabilities: &[f64]) -> Result<Self> {
        check_length("probabilities", probabilities.len(), labels.len())?;
        if let Some(index) = probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(Error::Probability { index, found: probabilities[index] });
        }
        let ranking = ScoredLabels::new(labels, probabilities)?;
        let losses = labels.iter().zip(probabilities).map(|(&label, &p)| {
            let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
            if label { -p.ln() } else { -(-p).ln_1p() }
        });
        let log_loss = losses.sum::<f64>() / labels.len() as f64;
        Ok(Self { ranking, probabilities: probabilities.to_vec(), log_loss })
    }

    /// The ranks, for AUROC, curves and their intervals.
    pub fn ranking(&self) -> &ScoredLabels {
        &self.ranking
    }

    /// The probabilities of the positive class, in the order given.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Every figure at once.
    pub fn metrics(&self) -> Metrics {
        let calls = self.count_calls();
        Metrics {
            examples: self.probabilities.len(),
            positives: self.ranking.positives(),
            auroc: self.ranking.auroc(),
            auprc: self.ranking.auprc(),
            accuracy: calls.accuracy(),
            mcc: calls.matthews(),
            log_loss: self.log_loss,
            brier: self.brier(),
        }
    }

    fn brier(&self) -> f64 {
        let errors = self.ranking.labels().iter().zip(&self.probabilities);
        let squares = errors.map(|(&label, p)| (p - f64::from(u8::from(label))).powi(2));
        squares.sum::<f64>() / self.probabilities.len() as f64
    }

    fn count_calls(&self) -> Calls {
        let mut calls = Calls::default();
        for (&label, &probability) in self.ranking.labels().iter().zip(&self.probabilities) {
            match (label, probability > 0.5) {
                (true, true) => calls.true_positives += 1,
                (true, false) => calls.false_negatives += 1,
                (false, true) => calls.false_positives += 1,
                (false, false) => calls.true_negatives += 1,
            }
        }
        calls
    }
}

/// The four cells of a contingency table.
#[derive(Debug, Clone, Copy, Default)]
struct Calls {
    true_positives: usize,
    true_negatives: usize,
    false_positives: usize,
    false_negatives: usize,
}

impl Calls {
    fn accuracy(self) -> f64 {
        let right = self.true_positives + self.true_negatives;
        right as f64 / (right + self.false_positives + self.false_negatives) as f64
    }

    /// Matthews 1975; undefined when a margin of the table is empty.
    fn matthews(self) -> Option<f64> {
        let (tp, tn, fp, fn_) = (
            self.true_positives as f64,
            self.true_negatives as f64,
            self.false_positives as f64,
            self.false_negatives as f64,
        );
        let margins = (tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_);
        (margins > 0.0).then(|| (tp * tn - fp * fn_) / margins.sqrt())
    }
}

/// 1 / (1 + e^-x) without overflow.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// ln(1 + e^x) without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::roc::tests::scored_examples;

    // scikit-learn 1.9.0:
    //   from sklearn.metrics import *
    //   y = [1, 0, 1, 1, 0, 0, 1, 0]; p = [.9, .8, .7, .5, .7, .3, .2, 0.]
    //   accuracy_score(y, [q > .5 for q in p]); matthews_corrcoef(y, [q > .5 for q in p])
    //   log_loss(y, p); brier_score_loss(y, p)
    #[test]
    fn agrees_with_scikit_learn() {
        let labels = [true, false, true, true, false, false, true, false];
        let probabilities = [0.9, 0.8, 0.7, 0.5, 0.7, 0.3, 0.2, 0.0];
        let metrics = Predictions::from_probabilities(&labels, &probabilities).unwrap().metrics();
        assert_eq!((metrics.examples, metrics.positives), (8, 4));
        assert_eq!(metrics.accuracy, 0.5);
        assert_eq!(metrics.mcc, Some(0.0));
        assert!((metrics.log_loss - 0.741_838_276_661_171_7).abs() < 1e-14);
        assert!((metrics.brier - 0.276_250_000_000_000_05).abs() < 1e-15);
    }

    // As above, with y = [1, 1, 0, 1, 0], p = [.9, .8, .7, .2, .1].
    #[test]
    fn agrees_with_scikit_learn_on_unequal_classes() {
        let labels = [true, true, false, true, false];
        let metrics = Predictions::from_probabilities(&labels, &[0.9, 0.8, 0.7, 0.2, 0.1]).unwrap().metrics();
        assert!((metrics.mcc.unwrap() - 0.166_666_666_666_666_66).abs() < 1e-15);
        assert!((metrics.log_loss - 0.649_455_059_877_979_7).abs() < 1e-14);
    }

    // scikit-learn 1.9.0: log_loss([1, 0], [0., 1.])
    #[test]
    fn certain_and_wrong_is_finite() {
        let metrics = Predictions::from_probabilities(&[true, false], &[0.0, 1.0]).unwrap().metrics();
        assert!((metrics.log_loss - 36.043_653_389_117_15).abs() < 1e-12);
        let metrics = Predictions::from_log_odds(&[true, false], &[-1000.0, 1000.0]).unwrap().metrics();
        assert_eq!(metrics.log_loss, 1000.0);
        assert_eq!(metrics.brier, 1.0);
    }

    #[test]
    fn calls_of_one_kind_have_no_correlation() {
        let metrics = Predictions::from_log_odds(&[true, false], &[2.0, 1.0]).unwrap().metrics();
        assert_eq!(metrics.mcc, None);
        assert_eq!(metrics.accuracy, 0.5);
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for wrong in [1.5, -0.1, f64::NAN] {
            let error = Predictions::from_probabilities(&[true, false], &[0.5, wrong]).unwrap_err();
            assert!(error.to_string().starts_with("probability 2: found"), "{error}");
        }
        let infinite = [f64::INFINITY, 0.0];
        assert!(Predictions::from_log_odds(&[true, false], &infinite).is_err());
    }

    proptest! {
        #[test]
        fn log_odds_and_probabilities_agree((labels, scores) in scored_examples()) {
            let from_odds = Predictions::from_log_odds(&labels, &scores).unwrap();
            let from_p = Predictions::from_probabilities(&labels, from_odds.probabilities()).unwrap();
            let (a, b) = (from_odds.metrics(), from_p.metrics());
            prop_assert!((a.log_loss - b.log_loss).abs() < 1e-12);
            prop_assert_eq!(Metrics { log_loss: 0.0, ..a }, Metrics { log_loss: 0.0, ..b });
        }
    }
}
