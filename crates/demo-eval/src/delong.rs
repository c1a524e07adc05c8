//! The variance of AUROC, its interval, and the test of two models on one set.
//!
//! DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), computed from midranks in O(n log n)
//! after Sun and Xu (IEEE Signal Processing Letters 21, 2014). The method takes the examples as
//! independent; where each negative is the shuffle of a positive, [`crate::bootstrap_auroc`] over
//! pairs is the check on that.

use serde::{Deserialize, Serialize};

use crate::interval::{check_level, normal_quantile, normal_two_sided};
use crate::ranks::midranks;
use crate::{Error, Interval, Result, ScoredLabels, holm};

/// The scale on which an AUROC plus and minus some standard errors is formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntervalScale {
    /// The AUROC itself; ends are cut at 0 and 1.
    Plain,
    /// Its logit, which keeps the ends inside 0 to 1 and covers better near 1 (Pepe 2003).
    Logit,
}

/// The comparison of two models on the same examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DelongTest {
    /// AUROC of the first model less that of the second.
    pub difference: f64,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// Difference over standard error; `None` when that is zero, as for two equal rankings.
    pub z: Option<f64>,
    /// Two-sided p by the normal distribution.
    pub p: Option<f64>,
}

impl ScoredLabels {
    /// DeLong's variance of the AUROC.
    ///
    /// # Errors
    ///
    /// When a class has fewer than two examples.
    pub fn delong_variance(&self) -> Result<f64> {
        let components = Components::new(self)?;
        Ok(components.covariance(&components))
    }

    /// DeLong's interval of the AUROC; `None` where the variance is zero (perfect separation, or
    /// one score for all), since an interval of no width would claim certainty.
    ///
    /// # Errors
    ///
    /// When a class has fewer than two examples or the level is not between 0 and 1.
    pub fn delong_interval(&self, level: f64, scale: IntervalScale) -> Result<Option<Interval>> {
        check_level(level)?;
        Ok(interval_around(self.auroc(), self.delong_variance()?, level, scale))
    }
}

/// What rounding alone may leave of a variance of AUROCs, which are numbers up to 1.
const NEGLIGIBLE: f64 = 1e-28;

/// The interval of an AUROC of this variance; `None` where that is zero but for rounding.
pub(crate) fn interval_around(
    auroc: f64,
    variance: f64,
    level: f64,
    scale: IntervalScale,
) -> Option<Interval> {
    if variance <= NEGLIGIBLE {
        return None;
    }
    let reach = normal_quantile(level) * variance.sqrt();
    let (low, high) = match scale {
        IntervalScale::Plain => ((auroc - reach).max(0.0), (auroc + reach).min(1.0)),
        IntervalScale::Logit => {
            // The delta method: d logit(a) / da = 1 / (a (1 - a)).
            let (centre, reach) = ((auroc / (1.0 - auroc)).ln(), reach / (auroc * (1.0 - auroc)));
            (inverse_logit(centre - reach), inverse_logit(centre + reach))
        }
    };
    Some(Interval { low, high, level })
}

/// DeLong's test that two models have one AUROC on the examples both were scored on.
///
/// # Errors
///
/// When the labels differ or a class has fewer than two examples.
pub fn delong_test(first: &ScoredLabels, second: &ScoredLabels) -> Result<DelongTest> {
    check_same_labels(first.labels(), second.labels())?;
    let (a, b) = (Components::new(first)?, Components::new(second)?);
    Ok(test_of(first.auroc() - second.auroc(), &a, &b))
}

/// The test of a difference of two AUROCs with these components.
pub(crate) fn test_of(difference: f64, a: &Components, b: &Components) -> DelongTest {
    let variance = a.covariance(a) + b.covariance(b) - 2.0 * a.covariance(b);
    // The three terms cancel for equal rankings; rounding may leave a trace of either sign.
    let negligible = 1e-14 * (a.covariance(a) + b.covariance(b));
    let standard_error = if variance > negligible { variance.sqrt() } else { 0.0 };
    let z = (standard_error > 0.0).then(|| difference / standard_error);
    DelongTest { difference, standard_error, z, p: z.map(normal_two_sided) }
}

/// Two of several models compared on one set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DelongPair {
    /// The first model's place in the list.
    pub first: usize,
    /// The second model's place.
    pub second: usize,
    /// The comparison of the two.
    pub test: DelongTest,
    /// Its p after Holm's correction over all pairs of the list.
    pub p_holm: Option<f64>,
}

/// All pairs of several models on one set, the family of Holm's correction.
///
/// # Errors
///
/// As [`delong_test`].
pub fn delong_all(models: &[&ScoredLabels]) -> Result<Vec<DelongPair>> {
    let mut pairs = Vec::new();
    for first in 0..models.len() {
        for second in first + 1..models.len() {
            let test = delong_test(models[first], models[second])?;
            pairs.push(DelongPair { first, second, test, p_holm: None });
        }
    }
    let corrected = holm(&pairs.iter().map(|pair| pair.test.p).collect::<Vec<_>>());
    for (pair, p_holm) in pairs.iter_mut().zip(corrected) {
        pair.p_holm = p_holm;
    }
    Ok(pairs)
}

/// Checks that two models were scored on the same examples, as far as labels can tell.
pub(crate) fn check_same_labels(first: &[bool], second: &[bool]) -> Result<()> {
    crate::error::check_length("labels of the second model", second.len(), first.len())?;
    match first.iter().zip(second).position(|(x, y)| x != y) {
        None => Ok(()),
        Some(index) => Err(Error::DifferentLabels { index }),
    }
}

/// The structural components: for each positive the share of negatives it beats, and for each
/// negative the share of positives that beat it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Components {
    pub(crate) positives: Vec<f64>,
    pub(crate) negatives: Vec<f64>,
}

impl Components {
    pub(crate) fn new(scored: &ScoredLabels) -> Result<Self> {
        let (m, n) = (scored.positives(), scored.negatives());
        if m < 2 || n < 2 {
            return Err(Error::Classes { positives: m, negatives: n, wanted: 2 });
        }
        let all = midranks(scored.scores());
        // A rank among all less the rank in one's own class counts the other class below.
        let beaten = |class: bool| -> Vec<f64> {
            let members: Vec<usize> =
                (0..all.len()).filter(|&example| scored.labels()[example] == class).collect();
            let scores: Vec<f64> = members.iter().map(|&e| scored.scores()[e]).collect();
            let own = midranks(&scores);
            members.iter().zip(own).map(|(&e, own)| all[e] - own).collect()
        };
        Ok(Self {
            positives: beaten(true).iter().map(|below| below / n as f64).collect(),
            negatives: beaten(false).iter().map(|below| 1.0 - below / m as f64).collect(),
        })
    }

    /// The covariance of two AUROCs; with itself, the variance.
    pub(crate) fn covariance(&self, other: &Self) -> f64 {
        covariance(&self.positives, &other.positives) / self.positives.len() as f64
            + covariance(&self.negatives, &other.negatives) / self.negatives.len() as f64
    }
}

/// The sample covariance, with n - 1.
fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let products = a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b));
    products.sum::<f64>() / (n - 1.0)
}

fn inverse_logit(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::roc::tests::scored_examples;

    /// The definition, pair by pair.
    fn brute_force(scored: &ScoredLabels, other: &ScoredLabels) -> f64 {
        let of = |s: &ScoredLabels, class: bool| -> Vec<f64> {
            let rows = s.labels().iter().zip(s.scores());
            rows.filter(|(l, _)| **l == class).map(|(_, x)| *x).collect()
        };
        let kernel = |p: f64, n: f64| -> f64 {
            if p > n {
                1.0
            } else if p == n {
                0.5
            } else {
                0.0
            }
        };
        let components = |s: &ScoredLabels| -> (Vec<f64>, Vec<f64>) {
            let (ps, ns) = (of(s, true), of(s, false));
            let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
            (
                ps.iter().map(|&p| mean(ns.iter().map(|&n| kernel(p, n)).collect())).collect(),
                ns.iter().map(|&n| mean(ps.iter().map(|&p| kernel(p, n)).collect())).collect(),
            )
        };
        let ((p1, n1), (p2, n2)) = (components(scored), components(other));
        covariance(&p1, &p2) / p1.len() as f64 + covariance(&n1, &n2) / n1.len() as f64
    }

    fn example() -> (ScoredLabels, ScoredLabels) {
        let labels = [true, true, true, true, true, true, false, false, false, false, false, false];
        let first = [0.9, 0.8, 0.7, 0.7, 0.35, 0.6, 0.1, 0.4, 0.35, 0.8, 0.2, 0.3];
        let second = [0.6, 0.9, 0.3, 0.8, 0.2, 0.5, 0.3, 0.7, 0.1, 0.4, 0.6, 0.2];
        (ScoredLabels::new(&labels, &first).unwrap(), ScoredLabels::new(&labels, &second).unwrap())
    }

    // NumPy 2.4.6 and SciPy 1.17.1, from the definition:
    //   import numpy as np; from scipy import stats
    //   x = np.array([.9, .8, .7, .7, .35, .6]); y = np.array([.1, .4, .35, .8, .2, .3])
    //   u = np.array([.6, .9, .3, .8, .2, .5]);  v = np.array([.3, .7, .1, .4, .6, .2])
    //   psi = lambda x, y: (x[:, None] > y) + .5 * (x[:, None] == y)
    //   a, b = psi(x, y), psi(u, v)
    //   s = sum(np.cov(a.mean(k), b.mean(k)) / 6 for k in (0, 1))
    //   s[0, 0]; d = a.mean() - b.mean(); se = np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    //   2 * stats.norm.sf(abs(d / se)); z = stats.norm.isf(.025); e = np.sqrt(s[0, 0])
    //   a.mean() - z * e; l = np.log(a.mean() / (1 - a.mean()))
    //   r = z * e / (a.mean() * (1 - a.mean())); 1 / (1 + np.exp(-(l - r))), 1 / (1 + np.exp(-(l + r)))
    #[test]
    fn agrees_with_the_definition_in_numpy() {
        let (first, second) = example();
        assert!((first.delong_variance().unwrap() - 0.017_592_592_592_592_594).abs() < 1e-14);
        let test = delong_test(&first, &second).unwrap();
        assert!((test.difference - 0.152_777_777_777_777_8).abs() < 1e-14);
        assert!((test.standard_error - 0.179_806_137_029_802_86).abs() < 1e-14);
        assert!((test.p.unwrap() - 0.395_502_713_747_598_6).abs() < 1e-12);
        let plain = first.delong_interval(0.95, IntervalScale::Plain).unwrap();
        assert!((plain.unwrap().low - 0.573_369_451_238_737_5).abs() < 1e-10);
        assert_eq!(plain.unwrap().high, 1.0);
        let logit = first.delong_interval(0.95, IntervalScale::Logit).unwrap();
        assert!((logit.unwrap().low - 0.434_797_900_547_241_77).abs() < 1e-10);
        assert!((logit.unwrap().high - 0.970_147_451_638_822_2).abs() < 1e-10);
    }

    // scikit-learn and SciPy have no DeLong test; the p of each pair is checked above, the family by
    // hand: three pairs, of which two are one model against itself turned over.
    #[test]
    fn all_pairs_are_corrected_together() {
        let (first, second) = example();
        let pairs = delong_all(&[&first, &second, &first]).unwrap();
        let places: Vec<_> = pairs.iter().map(|pair| (pair.first, pair.second)).collect();
        assert_eq!(places, [(0, 1), (0, 2), (1, 2)]);
        let p = pairs[0].test.p.unwrap();
        assert_eq!((pairs[0].p_holm, pairs[1].p_holm), (Some((3.0 * p).min(1.0)), None));
        assert_eq!(pairs[2].test.difference, -pairs[0].test.difference);
        assert!(delong_all(&[&first]).unwrap().is_empty());
    }

    #[test]
    fn perfect_separation_has_no_interval() {
        let labels = [true, true, false, false];
        let scored = ScoredLabels::new(&labels, &[4.0, 3.0, 2.0, 1.0]).unwrap();
        assert_eq!(scored.delong_interval(0.95, IntervalScale::Logit), Ok(None));
        let error = scored.delong_interval(1.0, IntervalScale::Plain);
        assert_eq!(error, Err(Error::Level { found: 1.0 }));
    }

    #[test]
    fn one_example_of_a_class_is_too_few() {
        let scored = ScoredLabels::new(&[true, false, false], &[4.0, 3.0, 2.0]).unwrap();
        let error = scored.delong_variance().unwrap_err();
        assert!(error.to_string().contains("at least 2 of each"), "{error}");
    }

    #[test]
    fn different_examples_are_refused() {
        let a = ScoredLabels::new(&[true, true, false, false], &[4.0, 3.0, 2.0, 1.0]).unwrap();
        let b = ScoredLabels::new(&[true, false, true, false], &[4.0, 3.0, 2.0, 1.0]).unwrap();
        assert_eq!(delong_test(&a, &b), Err(Error::DifferentLabels { index: 1 }));
    }

    proptest! {
        #[test]
        fn midranks_give_the_structural_components((labels, scores) in scored_examples()) {
            let turned: Vec<f64> = scores.iter().rev().copied().collect();
            let (a, b) = (
                ScoredLabels::new(&labels, &scores).unwrap(),
                ScoredLabels::new(&labels, &turned).unwrap(),
            );
            prop_assert!((a.delong_variance().unwrap() - brute_force(&a, &a)).abs() < 1e-13);
            let covariance = Components::new(&a).unwrap().covariance(&Components::new(&b).unwrap());
            prop_assert!((covariance - brute_force(&a, &b)).abs() < 1e-13);
        }

        #[test]
        fn a_model_does_not_differ_from_itself((labels, scores) in scored_examples()) {
            let risen: Vec<f64> = scores.iter().map(|s| s.exp()).collect();
            let (a, b) = (
                ScoredLabels::new(&labels, &scores).unwrap(),
                ScoredLabels::new(&labels, &risen).unwrap(),
            );
            let test = delong_test(&a, &b).unwrap();
            prop_assert_eq!((test.difference, test.z, test.p), (0.0, None, None));
        }
    }
}
