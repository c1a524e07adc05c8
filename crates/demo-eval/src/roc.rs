//! The receiver operating characteristic and the area under it.
//!
//! The area equals the Mann-Whitney statistic, the chance that a positive scores above a negative,
//! ties counting one half (Hanley and `McNeil` 1982). It is summed in integers, so it does not
//! depend on the order of the examples. After the sort, which [`ScoredLabels`] does once, O(n).

use serde::{Deserialize, Serialize};

use crate::error::check_finite;
use crate::{Result, ScoredLabels};

/// One corner of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// The share of negatives at or above the threshold.
    pub false_positive_rate: f64,
    /// The share of positives at or above the threshold.
    pub true_positive_rate: f64,
}

/// A ROC curve from (0, 0) to (1, 1), without the points that lie on a straight line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    points: Vec<RocPoint>,
}

impl RocCurve {
    /// The corners, from (0, 0) to (1, 1).
    pub fn points(&self) -> &[RocPoint] {
        &self.points
    }

    /// The highest true positive rate at a false positive rate, on the straight line between
    /// corners; rates outside 0 to 1 count as the nearer end. Serves to average curves over sets.
    ///
    /// # Errors
    ///
    /// When the rate is NaN.
    pub fn true_positive_rate_at(&self, false_positive_rate: f64) -> Result<f64> {
        let x = false_positive_rate.clamp(0.0, 1.0);
        check_finite("false positive rate", &[x])?;
        let after = self.points.partition_point(|point| point.false_positive_rate <= x);
        let Some(right) = self.points.get(after) else {
            return Ok(1.0);
        };
        let left = self.points[after.saturating_sub(1)];
        let width = right.false_positive_rate - left.false_positive_rate;
        let rise = right.true_positive_rate - left.true_positive_rate;
        Ok(left.true_positive_rate + rise * (x - left.false_positive_rate) / width)
    }
}

impl ScoredLabels {
    /// The ROC curve; examples with one score make one (slanted) step.
    pub fn roc(&self) -> RocCurve {
        let mut corners: Vec<(usize, usize)> = vec![(0, 0)];
        for seen in self.cumulative_from_top() {
            let next = (seen.negatives, seen.positives);
            if let [.., before, last] = corners[..]
                && on_a_line(before, last, next)
            {
                corners.pop();
            }
            corners.push(next);
        }
        let (negatives, positives) = (self.negatives() as f64, self.positives() as f64);
        let points = corners
            .into_iter()
            .map(|(false_positives, true_positives)| RocPoint {
                false_positive_rate: false_positives as f64 / negatives,
                true_positive_rate: true_positives as f64 / positives,
            })
            .collect();
        RocCurve { points }
    }

    /// The area under the ROC curve, ties counting one half.
    pub fn auroc(&self) -> f64 {
        let all = vec![1; self.labels().len()];
        // Both classes are present by construction, so there is always a value.
        self.weighted_auroc(&all).unwrap_or(0.5)
    }

    /// The area when example `i` stands `weights[i]` times; `None` when that leaves one class.
    pub(crate) fn weighted_auroc(&self, weights: &[u32]) -> Option<f64> {
        let (mut positives, mut negatives) = (0_u64, 0_u64);
        let mut half_wins = 0_u128;
        for tie in self.ties() {
            let (mut tied_positives, mut tied_negatives) = (0_u64, 0_u64);
            for &example in tie {
                let weight = u64::from(weights[example]);
                if self.labels()[example] {
                    tied_positives += weight;
                } else {
                    tied_negatives += weight;
                }
            }
            let below_twice = u128::from(2 * negatives + tied_negatives);
            half_wins += u128::from(tied_positives) * below_twice;
            positives += tied_positives;
            negatives += tied_negatives;
        }
        let pairs = u128::from(positives) * u128::from(negatives);
        (pairs > 0).then(|| half_wins as f64 / (2 * pairs) as f64)
    }
}

/// Whether the middle one of three points lies between the others.
fn on_a_line(a: (usize, usize), b: (usize, usize), c: (usize, usize)) -> bool {
    (b.0 - a.0) as u128 * (c.1 - b.1) as u128 == (b.1 - a.1) as u128 * (c.0 - b.0) as u128
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Labels and scores on a coarse grid, so that ties are common, with both classes present.
    pub(crate) fn scored_examples() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
        proptest::collection::vec((any::<bool>(), -6_i32..6), 4..60).prop_map(|mut rows| {
            (rows[0].0, rows[1].0, rows[2].0, rows[3].0) = (true, false, true, false);
            rows.into_iter().map(|(label, score)| (label, f64::from(score) / 4.0)).unzip()
        })
    }

    fn mann_whitney(labels: &[bool], scores: &[f64]) -> f64 {
        let of = |class: bool| -> Vec<f64> {
            let pairs = labels.iter().zip(scores);
            pairs.filter(|(l, _)| **l == class).map(|(_, s)| *s).collect()
        };
        let (positives, negatives) = (of(true), of(false));
        let mut wins = 0.0;
        for p in &positives {
            for n in &negatives {
                wins += if p > n {
                    1.0
                } else if p == n {
                    0.5
                } else {
                    0.0
                };
            }
        }
        wins / (positives.len() * negatives.len()) as f64
    }

    fn trapezoids(curve: &RocCurve) -> f64 {
        curve
            .points()
            .windows(2)
            .map(|w| {
                (w[1].false_positive_rate - w[0].false_positive_rate)
                    * (w[1].true_positive_rate + w[0].true_positive_rate)
                    / 2.0
            })
            .sum()
    }

    // scikit-learn 1.9.0:
    //   y = [1, 0, 1, 1, 0, 0, 1, 0]; s = [.9, .8, .7, .7, .7, .3, .2, .1]
    //   sklearn.metrics.roc_auc_score(y, s)                        -> 0.625
    //   sklearn.metrics.roc_curve(y, s, drop_intermediate=False)   -> the points below
    #[test]
    fn agrees_with_scikit_learn() {
        let labels = [true, false, true, true, false, false, true, false];
        let scores = [0.9, 0.8, 0.7, 0.7, 0.7, 0.3, 0.2, 0.1];
        let scored = ScoredLabels::new(&labels, &scores).unwrap();
        assert_eq!(scored.auroc(), 0.625);
        let points: Vec<_> =
            scored.roc().points().iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
        assert_eq!(
            points,
            [(0.0, 0.0), (0.0, 0.25), (0.25, 0.25), (0.5, 0.75), (0.75, 0.75), (0.75, 1.0), (1.0, 1.0)]
        );
    }

    #[test]
    fn straight_runs_are_one_step() {
        let labels = [true, true, true, false, false];
        let scored = ScoredLabels::new(&labels, &[5.0, 4.0, 3.0, 2.0, 1.0]).unwrap();
        assert_eq!(scored.roc().points().len(), 3);
        assert_eq!(scored.auroc(), 1.0);
    }

    #[test]
    fn rates_between_corners_are_interpolated() {
        let scored = ScoredLabels::new(&[true, false, true, false], &[3.0, 2.0, 2.0, 1.0]).unwrap();
        let curve = scored.roc(); // (0, 0) (0, .5) (.5, 1) (1, 1)
        let rates = [(f64::NEG_INFINITY, 0.5), (0.0, 0.5), (0.25, 0.75), (0.75, 1.0), (1.0, 1.0), (2.0, 1.0)];
        for (x, wanted) in rates {
            assert_eq!(curve.true_positive_rate_at(x), Ok(wanted));
        }
        assert!(curve.true_positive_rate_at(f64::NAN).is_err());
    }

    proptest! {
        #[test]
        fn the_area_is_mann_whitney((labels, scores) in scored_examples()) {
            let scored = ScoredLabels::new(&labels, &scores).unwrap();
            let wanted = mann_whitney(&labels, &scores);
            prop_assert!((scored.auroc() - wanted).abs() < 1e-12);
            prop_assert!((trapezoids(&scored.roc()) - wanted).abs() < 1e-12);
        }

        #[test]
        fn a_rising_transform_changes_nothing((labels, scores) in scored_examples()) {
            let risen: Vec<f64> = scores.iter().map(|s| s.exp() * 3.0 - 7.0).collect();
            let (before, after) = (
                ScoredLabels::new(&labels, &scores).unwrap(),
                ScoredLabels::new(&labels, &risen).unwrap(),
            );
            prop_assert_eq!(before.auroc(), after.auroc());
            prop_assert_eq!(before.roc(), after.roc());
        }

        #[test]
        fn flipped_labels_give_the_complement((labels, scores) in scored_examples()) {
            let flipped: Vec<bool> = labels.iter().map(|l| !l).collect();
            let (before, after) = (
                ScoredLabels::new(&labels, &scores).unwrap(),
                ScoredLabels::new(&flipped, &scores).unwrap(),
            );
            prop_assert!((before.auroc() + after.auroc() - 1.0).abs() < 1e-12);
        }

        #[test]
        fn weights_are_copies((labels, scores) in scored_examples(), seed in 0_u32..100) {
            let weights: Vec<u32> = (0..labels.len() as u32).map(|i| (i * 7 + seed) % 3).collect();
            let copies: Vec<usize> = (0..labels.len())
                .flat_map(|i| std::iter::repeat_n(i, weights[i] as usize))
                .collect();
            let labels_of: Vec<bool> = copies.iter().map(|&i| labels[i]).collect();
            let scores_of: Vec<f64> = copies.iter().map(|&i| scores[i]).collect();
            let wanted = ScoredLabels::new(&labels_of, &scores_of).ok().map(|s| s.auroc());
            let found = ScoredLabels::new(&labels, &scores).unwrap().weighted_auroc(&weights);
            prop_assert_eq!(found, wanted);
        }
    }
}
