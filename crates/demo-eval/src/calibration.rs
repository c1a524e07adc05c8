//! Calibration: do predictions of 80 % come true in 80 % of the cases?
//!
//! A reliability curve (`DeGroot` and Fienberg 1983) sets the mean prediction of each bin beside the
//! share of positives in it; the expected calibration error is the mean distance of the two, weighted
//! by the bins (Naeini, Cooper and Hauskrecht 2015); the Brier score is divided into reliability,
//! resolution and uncertainty after Murphy (Journal of Applied Meteorology 12, 1973). Bins of equal
//! width are what is usually drawn; bins of equal mass hold when most predictions are near 0 or 1.
//! After the sort, which [`Predictions`] has done, O(n).

use serde::{Deserialize, Serialize};

use crate::{Error, Predictions, Result};

/// How predictions are put into bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Binning {
    /// So many bins of one width from 0 to 1; a bin holds its lower end, the last one 1 too.
    EqualWidth(usize),
    /// So many bins of as nearly one size as may be; equal predictions stay together, in the lower
    /// bin.
    EqualMass(usize),
}

/// Predictions of one bin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Number of examples.
    pub examples: usize,
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
}

/// The reliability curve with what follows from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// The bins that hold examples, by rising prediction.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error: the mean of |predicted - observed| over examples.
    pub expected_error: f64,
    /// The largest |predicted - observed| of a bin.
    pub largest_error: f64,
    /// The parts of the Brier score.
    pub brier: BrierParts,
}

/// The Brier score in Murphy's parts: score = reliability - resolution + uncertainty + within.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BrierParts {
    /// The score itself: mean squared error of the probabilities.
    pub score: f64,
    /// Mean squared distance of prediction and share of positives over bins; 0 is best.
    pub reliability: f64,
    /// Mean squared distance of the bins' shares from the overall one; more is better.
    pub resolution: f64,
    /// The score of always predicting the overall share.
    pub uncertainty: f64,
    /// What binning leaves: 0 where all predictions of a bin are equal.
    pub within: f64,
}

impl Predictions {
    /// The reliability curve and what follows from it.
    ///
    /// ```
    /// use demo_eval::{Binning, Predictions};
    ///
    /// // Said 1 in 4 and 3 in 4, and so it was.
    /// let labels = [true, false, false, false, true, true, true, false];
    /// let said = [0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75];
    /// let curve = Predictions::from_probabilities(&labels, &said)?.reliability(Binning::EqualWidth(10))?;
    /// assert_eq!((curve.bins.len(), curve.expected_error), (2, 0.0));
    /// # Ok::<(), demo_eval::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When no bins are asked for.
    pub fn reliability(&self, binning: Binning) -> Result<Reliability> {
        let count = match binning {
            Binning::EqualWidth(count) | Binning::EqualMass(count) => count,
        };
        if count == 0 {
            return Err(Error::TooFew { what: "calibration bins", found: 0, wanted: 1 });
        }
        let mut sums = vec![Sums::default(); count];
        let (labels, probabilities) = (self.ranking().labels(), self.probabilities());
        match binning {
            Binning::EqualWidth(_) => {
                for (&label, &p) in labels.iter().zip(probabilities) {
                    sums[equal_width_bin(p, count)].add(label, p);
                }
            }
            Binning::EqualMass(_) => {
                let all = labels.len();
                let mut order: Vec<usize> = (0..all).collect();
                order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
                let mut first = 0;
                for tie in order.chunk_by(|&a, &b| probabilities[a] == probabilities[b]) {
                    let bin = &mut sums[first * count / all];
                    for &example in tie {
                        bin.add(labels[example], probabilities[example]);
                    }
                    first += tie.len();
                }
            }
        }
        sums.retain(|sums| sums.examples > 0);
        Ok(self.of_bins(sums.iter().map(Sums::bin).collect()))
    }

    fn of_bins(&self, bins: Vec<ReliabilityBin>) -> Reliability {
        let ranking = self.ranking();
        let all = ranking.labels().len() as f64;
        let base = ranking.positives() as f64 / all;
        let mean = |value: &dyn Fn(&ReliabilityBin) -> f64| {
            bins.iter().map(|bin| bin.examples as f64 * value(bin)).sum::<f64>() / all
        };
        let expected_error = mean(&|bin| (bin.predicted - bin.observed).abs());
        let reliability = mean(&|bin| (bin.predicted - bin.observed).powi(2));
        let resolution = mean(&|bin| (bin.observed - base).powi(2));
        let largest_error = bins.iter().map(|bin| (bin.predicted - bin.observed).abs()).fold(0.0, f64::max);
        let (score, uncertainty) = (self.metrics().brier, base * (1.0 - base));
        let within = score - (reliability - resolution + uncertainty);
        let brier = BrierParts { score, reliability, resolution, uncertainty, within };
        Reliability { bins, expected_error, largest_error, brier }
    }
}

/// The bin whose ends, `k / count`, enclose a probability.
fn equal_width_bin(p: f64, count: usize) -> usize {
    let guess = ((p * count as f64) as usize).min(count - 1);
    // The product may round across the end of a bin; the ends themselves decide.
    if p < guess as f64 / count as f64 {
        guess - 1
    } else if guess + 1 < count && p >= (guess + 1) as f64 / count as f64 {
        guess + 1
    } else {
        guess
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    examples: usize,
    positives: usize,
    predicted: f64,
}

impl Sums {
    fn add(&mut self, label: bool, p: f64) {
        self.examples += 1;
        self.positives += usize::from(label);
        self.predicted += p;
    }

    fn bin(&self) -> ReliabilityBin {
        let examples = self.examples as f64;
        ReliabilityBin {
            examples: self.examples,
            predicted: self.predicted / examples,
            observed: self.positives as f64 / examples,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::roc::tests::scored_examples;

    /// Labels and log-odds of the figures below.
    pub(crate) fn example() -> (Vec<bool>, Vec<f64>) {
        let labels = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0].map(|label| label == 1);
        let log_odds = [2.2, -1.3, 0.4, 3.1, 0.9, -2.5, -0.6, 0.1, 1.7, 0.3, -0.2, -3.4, 5.0, 1.1, 0.8, -1.9];
        (labels.to_vec(), log_odds.to_vec())
    }

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-13, "found {found}, wanted {wanted}");
    }

    // NumPy 2.4.6, scikit-learn 1.9.1:
    //   y = np.array([1,0,1,1,0,0,1,0,1,1,0,0,1,0,1,0])
    //   z = np.array([2.2,-1.3,.4,3.1,.9,-2.5,-.6,.1,1.7,.3,-.2,-3.4,5.,1.1,.8,-1.9]); p = 1 / (1 + np.exp(-z))
    //   sklearn.calibration.calibration_curve(y, p, n_bins=5, strategy='uniform')
    //   b = np.clip(np.searchsorted(np.linspace(0, 1, 6)[1:-1], p), 0, 4)
    //   m = np.empty(16, int)
    //   for k, part in enumerate(np.array_split(np.argsort(p, kind='stable'), 5)): m[part] = k
    //   sum((b == k).mean() * abs(p[b == k].mean() - y[b == k].mean()) for k in range(5))   # likewise m
    //   sum((b == k).mean() * (p[b == k].mean() - y[b == k].mean()) ** 2 for k in range(5))
    //   sum((b == k).mean() * (y[b == k].mean() - y.mean()) ** 2 for k in range(5))
    //   sklearn.metrics.brier_score_loss(y, p)
    #[test]
    fn agrees_with_scikit_learn() {
        let (labels, log_odds) = example();
        let predictions = Predictions::from_log_odds(&labels, &log_odds).unwrap();
        let width = predictions.reliability(Binning::EqualWidth(5)).unwrap();
        let observed = [0.0, 0.5, 0.5, 0.333_333_333_333_333_3, 1.0];
        let predicted = [
            0.079_420_706_360_897_3,
            0.284_254_355_365_823,
            0.537_068_841_772_643_2,
            0.717_061_363_115_911_4,
            0.923_996_034_982_852_2,
        ];
        for ((bin, observed), predicted) in width.bins.iter().zip(observed).zip(predicted) {
            close(bin.observed, observed);
            close(bin.predicted, predicted);
        }
        close(width.expected_error, 0.142_076_795_303_621_52);
        close(width.brier.score, 0.156_689_730_646_347_45);
        close(width.brier.reliability, 0.036_397_482_599_440_915);
        close(width.brier.resolution, 0.114_583_333_333_333_34);
        close(width.brier.uncertainty, 0.25);
        let mass = predictions.reliability(Binning::EqualMass(5)).unwrap();
        assert_eq!(mass.bins.iter().map(|bin| bin.examples).collect::<Vec<_>>(), [4, 3, 3, 3, 3]);
        close(mass.expected_error, 0.210_944_143_753_170_03);
        close(mass.brier.reliability, 0.068_428_288_271_523_28);
        close(mass.brier.resolution, 0.166_666_666_666_666_66);
    }

    #[test]
    fn the_ends_of_bins_belong_to_the_upper_one() {
        // .3 * 10 and .7 * 10 round differently; the ends decide.
        for count in [1, 3, 7, 10, 49] {
            for end in 0..=count {
                let p = end as f64 / count as f64;
                assert_eq!(equal_width_bin(p, count), end.min(count - 1));
            }
        }
        let none = Predictions::from_probabilities(&[true, false], &[0.5, 0.5]).unwrap();
        assert!(none.reliability(Binning::EqualMass(0)).is_err());
    }

    proptest! {
        #[test]
        fn every_example_is_in_one_bin_and_the_parts_add_up(
            (labels, scores) in scored_examples(),
            count in 1_usize..12,
        ) {
            let predictions = Predictions::from_log_odds(&labels, &scores).unwrap();
            for binning in [Binning::EqualWidth(count), Binning::EqualMass(count)] {
                let curve = predictions.reliability(binning).unwrap();
                prop_assert_eq!(curve.bins.iter().map(|bin| bin.examples).sum::<usize>(), labels.len());
                prop_assert!(curve.bins.windows(2).all(|pair| pair[0].predicted < pair[1].predicted));
                prop_assert!(curve.expected_error <= curve.largest_error + 1e-12);
                let parts = curve.brier;
                // With bins finer than any two predictions nothing is left within.
                let exact = predictions.reliability(Binning::EqualMass(labels.len())).unwrap().brier;
                prop_assert!(exact.within.abs() < 1e-12);
                prop_assert!((parts.score - exact.score).abs() < 1e-15);
            }
        }
    }
}
