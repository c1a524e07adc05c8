//! The mean AUROC of several rankings of the same examples, such as those of networks from several seeds.
//!
//! DeLong's structural components are linear in the AUROCs, so those of a mean are the means of the
//! rankings' own, and variance, interval and test follow as for one ranking (DeLong, DeLong and
//! Clarke-Pearson 1988, whose contrasts L θ these are). The networks are taken as given: what another
//! seed would have made is not in the interval. O(rankings × n log n).

use crate::delong::{Components, check_same_labels, interval_around, test_of};
use crate::interval::check_level;
use crate::{DelongPair, DelongTest, Error, Interval, IntervalScale, Result, ScoredLabels, holm};

/// A mean of AUROCs over the same examples, with what DeLong's method needs of it.
///
/// ```
/// use demo_eval::{MeanAuroc, ScoredLabels};
///
/// let labels = [true, true, false, false];
/// let first = ScoredLabels::new(&labels, &[4.0, 2.0, 3.0, 1.0])?;
/// let second = ScoredLabels::new(&labels, &[4.0, 3.0, 2.0, 1.0])?;
/// let mean = MeanAuroc::new(&[&first, &second])?;
/// assert_eq!(mean.value(), 0.875);
/// # Ok::<(), demo_eval::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MeanAuroc {
    labels: Vec<bool>,
    value: f64,
    components: Components,
}

impl MeanAuroc {
    /// The mean over rankings, each of which weighs the same.
    ///
    /// # Errors
    ///
    /// Without rankings, when their labels differ, or when a class has fewer than two examples.
    pub fn new(rankings: &[&ScoredLabels]) -> Result<Self> {
        let single = |ranking: &&ScoredLabels| {
            let components = Components::new(ranking)?;
            Ok(Self { labels: ranking.labels().to_vec(), value: ranking.auroc(), components })
        };
        Self::over(&rankings.iter().map(single).collect::<Result<Vec<_>>>()?)
    }

    /// The mean over means, each of which weighs the same: over folds of means over seeds, say.
    ///
    /// # Errors
    ///
    /// Without means, or when their labels differ.
    pub fn over(means: &[Self]) -> Result<Self> {
        let Some(first) = means.first() else {
            return Err(Error::TooFew { what: "AUROCs to average", found: 0, wanted: 1 });
        };
        for mean in means {
            check_same_labels(&first.labels, &mean.labels)?;
        }
        let count = means.len() as f64;
        let average = |get: fn(&Self) -> &[f64]| -> Vec<f64> {
            let at = |place: usize| means.iter().map(|mean| get(mean)[place]).sum::<f64>() / count;
            (0..get(first).len()).map(at).collect()
        };
        Ok(Self {
            labels: first.labels.clone(),
            value: means.iter().map(|mean| mean.value).sum::<f64>() / count,
            components: Components {
                positives: average(|mean| &mean.components.positives),
                negatives: average(|mean| &mean.components.negatives),
            },
        })
    }

    /// The mean AUROC.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// DeLong's interval of the mean; `None` where the variance is zero.
    ///
    /// # Errors
    ///
    /// When the level is not between 0 and 1.
    pub fn delong_interval(&self, level: f64, scale: IntervalScale) -> Result<Option<Interval>> {
        check_level(level)?;
        Ok(interval_around(self.value, self.components.covariance(&self.components), level, scale))
    }

    /// DeLong's test that this mean and another are one on the examples of both.
    ///
    /// # Errors
    ///
    /// When the labels differ.
    pub fn delong_test(&self, other: &Self) -> Result<DelongTest> {
        check_same_labels(&self.labels, &other.labels)?;
        Ok(test_of(self.value - other.value, &self.components, &other.components))
    }
}

/// DeLong's test of these pairs of places among the means, which are the family of Holm's correction.
///
/// # Errors
///
/// When the labels of a pair differ.
///
/// # Panics
///
/// When a place is not among the means.
pub fn delong_pairs(means: &[&MeanAuroc], pairs: &[(usize, usize)]) -> Result<Vec<DelongPair>> {
    let test = |&(first, second): &(usize, usize)| {
        let test = means[first].delong_test(means[second])?;
        Ok(DelongPair { first, second, test, p_holm: None })
    };
    let mut family = pairs.iter().map(test).collect::<Result<Vec<_>>>()?;
    let corrected = holm(&family.iter().map(|pair| pair.test.p).collect::<Vec<_>>());
    for (pair, p_holm) in family.iter_mut().zip(corrected) {
        pair.p_holm = p_holm;
    }
    Ok(family)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::roc::tests::scored_examples;
    use crate::{delong_all, delong_test};

    fn rankings() -> [ScoredLabels; 3] {
        let labels = [true, true, true, true, true, true, false, false, false, false, false, false];
        [
            [0.9, 0.8, 0.7, 0.7, 0.35, 0.6, 0.1, 0.4, 0.35, 0.8, 0.2, 0.3],
            [0.6, 0.9, 0.3, 0.8, 0.2, 0.5, 0.3, 0.7, 0.1, 0.4, 0.6, 0.2],
            [0.95, 0.85, 0.5, 0.75, 0.3, 0.6, 0.2, 0.5, 0.25, 0.7, 0.4, 0.1],
        ]
        .map(|scores| ScoredLabels::new(&labels, &scores).unwrap())
    }

    #[test]
    fn rankings_that_leave_nothing_to_chance_have_no_interval() {
        let labels: Vec<bool> = (0..100).map(|place| place < 50).collect();
        let perfect: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
        let [perfect, constant] =
            [perfect, vec![0.5; 100]].map(|scores| ScoredLabels::new(&labels, &scores).unwrap());
        let mean = MeanAuroc::new(&[&perfect, &perfect, &constant]).unwrap();
        assert!((mean.value() - 5.0 / 6.0).abs() < 1e-12);
        for scale in [IntervalScale::Plain, IntervalScale::Logit] {
            assert_eq!(mean.delong_interval(0.95, scale).unwrap(), None);
        }
    }

    // NumPy 2.4.6 and SciPy 1.17.1, from the definition:
    //   import numpy as np; from scipy import stats
    //   x = np.array([.9, .8, .7, .7, .35, .6]); y = np.array([.1, .4, .35, .8, .2, .3])
    //   u = np.array([.6, .9, .3, .8, .2, .5]);  v = np.array([.3, .7, .1, .4, .6, .2])
    //   e = np.array([.95, .85, .5, .75, .3, .6]); f = np.array([.2, .5, .25, .7, .4, .1])
    //   psi = lambda x, y: (x[:, None] > y) + .5 * (x[:, None] == y)
    //   k = [psi(x, y), psi(u, v), psi(e, f)]; a = [p.mean() for p in k]
    //   s = sum(np.cov([p.mean(i) for p in k]) / 6 for i in (0, 1))
    //   l = np.array([.5, .5, -1]); l @ a; se = np.sqrt(l @ s @ l); 2 * stats.norm.sf(abs(l @ a / se))
    //   m = np.array([.5, .5, 0]); mean = m @ a; z = stats.norm.isf(.025); g = np.log(mean / (1 - mean))
    //   r = z * np.sqrt(m @ s @ m) / (mean * (1 - mean)); 1 / (1 + np.exp(-(g - r))), 1 / (1 + np.exp(-(g + r)))
    #[test]
    fn agrees_with_the_contrast_in_numpy() {
        let [first, second, third] = rankings();
        let mean = MeanAuroc::new(&[&first, &second]).unwrap();
        assert!((mean.value() - 0.756_944_444_444_444_4).abs() < 1e-14);
        let interval = mean.delong_interval(0.95, IntervalScale::Logit).unwrap().unwrap();
        assert!((interval.low - 0.465_210_642_037_255_2).abs() < 1e-10);
        assert!((interval.high - 0.917_691_152_264_413_9).abs() < 1e-10);
        let test = mean.delong_test(&MeanAuroc::new(&[&third]).unwrap()).unwrap();
        assert!((test.difference + 0.090_277_777_777_777_79).abs() < 1e-14);
        assert!((test.standard_error - 0.025_983_731_852_596_774).abs() < 1e-14);
        assert!((test.p.unwrap() - 0.000_512_004_522_189_892_3).abs() < 1e-12);
    }

    #[test]
    fn a_mean_of_means_weighs_each_alike() {
        let [first, second, third] = rankings();
        let pair = MeanAuroc::new(&[&first, &second]).unwrap();
        let nested = MeanAuroc::over(&[pair, MeanAuroc::new(&[&third]).unwrap()]).unwrap();
        let wanted = f64::midpoint(f64::midpoint(first.auroc(), second.auroc()), third.auroc());
        assert!((nested.value() - wanted).abs() < 1e-14);
    }

    #[test]
    fn only_the_pairs_asked_for_are_a_family() {
        let means = rankings().map(|ranking| MeanAuroc::new(&[&ranking]).unwrap());
        let means: Vec<&MeanAuroc> = means.iter().collect();
        let one = delong_pairs(&means, &[(2, 1)]).unwrap();
        assert_eq!((one[0].first, one[0].second, one[0].p_holm), (2, 1, one[0].test.p));
        let two = delong_pairs(&means, &[(2, 1), (2, 0)]).unwrap();
        assert_eq!(two[0].test, one[0].test);
        assert!(two[0].p_holm.unwrap() > one[0].p_holm.unwrap());
    }

    #[test]
    fn other_examples_and_none_at_all_are_refused() {
        let [first, ..] = rankings();
        let labels: Vec<bool> = first.labels().iter().map(|label| !label).collect();
        let turned = ScoredLabels::new(&labels, first.scores()).unwrap();
        assert_eq!(MeanAuroc::new(&[&first, &turned]), Err(Error::DifferentLabels { index: 0 }));
        assert!(MeanAuroc::new(&[]).is_err());
    }

    proptest! {
        #[test]
        fn a_single_ranking_is_its_own_mean((labels, scores) in scored_examples()) {
            let turned: Vec<f64> = scores.iter().rev().copied().collect();
            let (a, b) = (
                ScoredLabels::new(&labels, &scores).unwrap(),
                ScoredLabels::new(&labels, &turned).unwrap(),
            );
            let means = [MeanAuroc::new(&[&a]).unwrap(), MeanAuroc::new(&[&b]).unwrap()];
            prop_assert_eq!(means[0].delong_test(&means[1]), delong_test(&a, &b));
            let interval = means[0].delong_interval(0.95, IntervalScale::Logit);
            prop_assert_eq!(interval, a.delong_interval(0.95, IntervalScale::Logit));
            let pairs = delong_pairs(&[&means[0], &means[1]], &[(0, 1)]);
            prop_assert_eq!(pairs, delong_all(&[&a, &b]));
        }
    }
}
