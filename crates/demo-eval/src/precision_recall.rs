//! The precision-recall curve and the area under it.
//!
//! The area is the average precision, a step function without interpolation: interpolating between
//! points in this plane is too optimistic (Davis and Goadrich 2006). O(n) after the sort.

use serde::{Deserialize, Serialize};

use crate::ScoredLabels;

/// One point of a precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// The share of positives at or above the threshold.
    pub recall: f64,
    /// The share of positives among all at or above the threshold.
    pub precision: f64,
}

/// A precision-recall curve by rising recall, one point for each distinct score.
///
/// It opens with recall 0 and precision 1, where by convention nothing is called positive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallCurve {
    points: Vec<PrecisionRecallPoint>,
}

impl PrecisionRecallCurve {
    /// The points, by rising recall.
    pub fn points(&self) -> &[PrecisionRecallPoint] {
        &self.points
    }
}

impl ScoredLabels {
    /// The precision-recall curve.
    pub fn precision_recall(&self) -> PrecisionRecallCurve {
        let mut points = vec![PrecisionRecallPoint { recall: 0.0, precision: 1.0 }];
        points.extend(self.cumulative_from_top().map(|seen| {
            let called = seen.positives + seen.negatives;
            PrecisionRecallPoint {
                recall: seen.positives as f64 / self.positives() as f64,
                precision: seen.positives as f64 / called as f64,
            }
        }));
        PrecisionRecallCurve { points }
    }

    /// The area under the precision-recall curve: average precision, as scikit-learn defines it.
    pub fn auprc(&self) -> f64 {
        self.precision_recall()
            .points
            .windows(2)
            .map(|pair| (pair[1].recall - pair[0].recall) * pair[1].precision)
            .sum()
    }

    /// The highest recall at which at most a share `rate` of the calls is false; 0 when no
    /// threshold is that clean.
    pub fn recall_at_false_discovery_rate(&self, rate: f64) -> f64 {
        self.cumulative_from_top()
            .filter(|seen| {
                let called = seen.positives + seen.negatives;
                seen.negatives as f64 <= rate * called as f64
            })
            .map(|seen| seen.positives as f64 / self.positives() as f64)
            .fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::roc::tests::scored_examples;

    fn example() -> ScoredLabels {
        let labels = [true, false, true, true, false, false, true, false];
        let scores = [0.9, 0.8, 0.7, 0.7, 0.7, 0.3, 0.2, 0.1];
        ScoredLabels::new(&labels, &scores).unwrap()
    }

    // scikit-learn 1.9.0:
    //   y = [1, 0, 1, 1, 0, 0, 1, 0]; s = [.9, .8, .7, .7, .7, .3, .2, .1]
    //   sklearn.metrics.average_precision_score(y, s)
    //   sklearn.metrics.precision_recall_curve(y, s)   (there by falling recall)
    #[test]
    fn agrees_with_scikit_learn() {
        let scored = example();
        assert!((scored.auprc() - 0.692_857_142_857_142_8).abs() < 1e-15);
        let points: Vec<_> =
            scored.precision_recall().points().iter().map(|p| (p.recall, p.precision)).collect();
        assert_eq!(
            points,
            [
                (0.0, 1.0),
                (0.25, 1.0),
                (0.25, 0.5),
                (0.75, 0.6),
                (0.75, 0.5),
                (1.0, 0.571_428_571_428_571_4),
                (1.0, 0.5)
            ]
        );
    }

    #[test]
    fn recall_at_a_rate_takes_the_best_threshold() {
        let scored = example();
        assert_eq!(scored.recall_at_false_discovery_rate(0.0), 0.25);
        assert_eq!(scored.recall_at_false_discovery_rate(0.4), 0.75);
        assert_eq!(scored.recall_at_false_discovery_rate(0.5), 1.0);
        let upside_down = ScoredLabels::new(&[true, false], &[0.0, 1.0]).unwrap();
        assert_eq!(upside_down.recall_at_false_discovery_rate(0.1), 0.0);
    }

    proptest! {
        #[test]
        fn the_area_lies_between_its_bounds((labels, scores) in scored_examples()) {
            let scored = ScoredLabels::new(&labels, &scores).unwrap();
            let area = scored.auprc();
            prop_assert!(area > 0.0 && area <= 1.0 + 1e-12);
            prop_assert!(scored.recall_at_false_discovery_rate(1.0) == 1.0);
        }
    }
}
