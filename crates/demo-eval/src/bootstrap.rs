//! Percentile bootstrap intervals (Efron 1979) by resampling whole groups.
//!
//! A group is what was drawn as one: a positive and its shuffle on a test set, the sets of one TF
//! across sets. Groups are drawn with replacement and all members come along, so what they share
//! is kept. Each replicate has a random stream of its own, keyed by the seed and its number: the
//! interval does not depend on the order in which replicates are computed. Cost: replicates times
//! O(examples) for AUROC, whose sort is done once.

use demo_core::Seed;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::delong::check_same_labels;
use crate::error::{check_finite, check_length};
use crate::interval::check_level;
use crate::{Error, Interval, Result, ScoredLabels};

/// How an interval is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Number of resamples; 2,000 give the ends of a 95 % interval to about a tenth of its width.
    pub replicates: usize,
    /// The level of confidence, such as 0.95.
    pub level: f64,
    /// Where the random numbers come from.
    pub seed: Seed,
}

/// Which group each example belongs to.
///
/// ```
/// use demo_eval::Groups;
///
/// // Positives first, then their shuffles in the same order.
/// let pairs = Groups::new(&[0, 1, 2, 0, 1, 2])?;
/// assert_eq!((pairs.count(), pairs.examples()), (3, 6));
/// # Ok::<(), demo_eval::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The group of each example, 0 to `count - 1`.
    of: Vec<usize>,
    count: usize,
}

impl Groups {
    /// Takes the group of each example; any numbers will do, equal ones belong together.
    ///
    /// # Errors
    ///
    /// When there are no examples.
    pub fn new<T: Ord>(ids: &[T]) -> Result<Self> {
        let mut distinct: Vec<&T> = ids.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.is_empty() {
            return Err(Error::TooFew { what: "examples to group", found: 0, wanted: 1 });
        }
        let of = ids.iter().map(|id| distinct.partition_point(|other| *other < id)).collect();
        Ok(Self { of, count: distinct.len() })
    }

    /// Every example is a group of its own.
    ///
    /// # Errors
    ///
    /// When there are no examples.
    pub fn singletons(examples: usize) -> Result<Self> {
        Self::new(&(0..examples).collect::<Vec<_>>())
    }

    /// The number of groups.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The number of examples.
    pub fn examples(&self) -> usize {
        self.of.len()
    }
}

/// The interval of any statistic of weighted examples.
///
/// `statistic` gets how many times each example stands in a resample, and answers `None` where it
/// is undefined (one class only). Such replicates are left out as long as they are rare. An infinite
/// statistic is a value like others; an end of the interval may then be infinite.
///
/// # Errors
///
/// When the configuration is not usable, there are fewer than two groups, or the statistic is
/// undefined in more than 5 % of the replicates.
pub fn percentile_interval(
    groups: &Groups,
    config: &Bootstrap,
    mut statistic: impl FnMut(&[u32]) -> Option<f64>,
) -> Result<Interval> {
    check_level(config.level)?;
    check_enough("bootstrap replicates", config.replicates, 100)?;
    check_enough("groups to resample", groups.count, 2)?;
    let base = config.seed.stream("bootstrap");
    let mut weights = vec![0; groups.examples()];
    let mut drawn = vec![0; groups.count];
    let mut values = Vec::with_capacity(config.replicates);
    for replicate in 0..config.replicates {
        let mut random = base.clone();
        random.set_stream(replicate as u64);
        draw(&mut random, &mut drawn);
        for (weight, &group) in weights.iter_mut().zip(&groups.of) {
            *weight = drawn[group];
        }
        values.extend(statistic(&weights).filter(|value| !value.is_nan()));
    }
    let undefined = config.replicates - values.len();
    if undefined * 20 > config.replicates {
        return Err(Error::Replicates { undefined, replicates: config.replicates });
    }
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - config.level) / 2.0;
    Ok(Interval { low: quantile(&values, tail), high: quantile(&values, 1.0 - tail), level: config.level })
}

/// The interval of a model's AUROC on one set.
///
/// # Errors
///
/// As [`percentile_interval`], and when `groups` is not over the same number of examples.
pub fn bootstrap_auroc(scored: &ScoredLabels, groups: &Groups, config: &Bootstrap) -> Result<Interval> {
    check_length("examples in groups", groups.examples(), scored.labels().len())?;
    percentile_interval(groups, config, |weights| scored.weighted_auroc(weights))
}

/// The interval of the AUROC of one model less that of another on the same examples, both
/// resampled together.
///
/// # Errors
///
/// As [`bootstrap_auroc`], and when the two models have different labels.
pub fn bootstrap_auroc_difference(
    first: &ScoredLabels,
    second: &ScoredLabels,
    groups: &Groups,
    config: &Bootstrap,
) -> Result<Interval> {
    check_same_labels(first.labels(), second.labels())?;
    check_length("examples in groups", groups.examples(), first.labels().len())?;
    percentile_interval(groups, config, |weights| {
        Some(first.weighted_auroc(weights)? - second.weighted_auroc(weights)?)
    })
}

/// The interval of a mean over values of which some belong together, such as the sets of one TF.
///
/// # Errors
///
/// As [`percentile_interval`], when a value is not finite, and when `groups` is not over the same
/// number of values.
pub fn bootstrap_mean(values: &[f64], groups: &Groups, config: &Bootstrap) -> Result<Interval> {
    check_finite("value", values)?;
    check_length("values in groups", groups.examples(), values.len())?;
    percentile_interval(groups, config, |weights| {
        let count: u32 = weights.iter().sum();
        let weighted = values.iter().zip(weights).map(|(v, &w)| v * f64::from(w));
        (count > 0).then(|| weighted.sum::<f64>() / f64::from(count))
    })
}

/// Counts how often each group is drawn in one resample.
fn draw(random: &mut ChaCha8Rng, drawn: &mut [u32]) {
    drawn.fill(0);
    // A 32-bit range draws the same numbers on every machine.
    let count = drawn.len() as u32;
    for _ in 0..count {
        drawn[random.random_range(0..count) as usize] += 1;
    }
}

/// A quantile of sorted values, linear between neighbours (NumPy's default). Between neighbours that are
/// infinitely far apart there is no line: the outer one is taken, so that an interval is not too narrow.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor();
    let (low, high) = (sorted[below as usize], sorted[place.ceil() as usize]);
    let gap = high - low;
    if low == high {
        // Equal neighbours may be infinite, whose difference is not a number.
        low
    } else if gap.is_finite() {
        low + gap * (place - below)
    } else if share < 0.5 {
        low
    } else {
        high
    }
}

fn check_enough(what: &'static str, found: usize, wanted: usize) -> Result<()> {
    if found < wanted {
        return Err(Error::TooFew { what, found, wanted });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::roc::tests::scored_examples;

    fn config(replicates: usize, seed: u64) -> Bootstrap {
        Bootstrap { replicates, level: 0.95, seed: Seed::new(seed) }
    }

    // NumPy 2.4.6: np.quantile([1, 2, 4, 8], [.025, .5, .975])
    #[test]
    fn quantiles_agree_with_numpy() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (share, wanted) in [(0.025, 1.075), (0.5, 3.0), (0.975, 7.7)] {
            assert!((quantile(&sorted, share) - wanted).abs() < 1e-12);
        }
    }

    #[test]
    fn infinite_values_give_no_nan() {
        const INFINITE: f64 = f64::INFINITY;
        assert_eq!(quantile(&[-INFINITE, 1.0, 2.0], 0.25), -INFINITE);
        assert_eq!(quantile(&[1.0, 2.0, INFINITE], 0.75), INFINITE);
        assert_eq!(quantile(&[-INFINITE, INFINITE], 0.3), -INFINITE);
        assert_eq!(quantile(&[-f64::MAX, f64::MAX], 0.7), f64::MAX);
        assert_eq!(quantile(&[-INFINITE, -INFINITE, 1.0], 0.25), -INFINITE);
        // Three of a hundred: the end at 2.5 % lies between the third and the fourth.
        let (groups, mut replicate) = (Groups::singletons(3).unwrap(), 0);
        let interval = percentile_interval(&groups, &config(100, 4), |_| {
            replicate += 1;
            Some(if replicate <= 3 { -INFINITE } else { 1.0 })
        });
        assert_eq!(interval, Ok(Interval { low: -INFINITE, high: 1.0, level: 0.95 }));
    }

    #[test]
    fn the_interval_of_a_mean_is_near_the_normal_one() {
        // Of 0, 1, .., 99 the mean is 49.5 and its standard error (with n) 28.866 / 10.
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let groups = Groups::singletons(100).unwrap();
        let interval = bootstrap_mean(&values, &groups, &config(4000, 5)).unwrap();
        assert!((interval.low - (49.5 - 1.96 * 2.8866)).abs() < 0.35, "{interval:?}");
        assert!((interval.high - (49.5 + 1.96 * 2.8866)).abs() < 0.35, "{interval:?}");
    }

    #[test]
    fn sets_of_one_tf_are_no_replicates() {
        // Ten TFs with eight equal sets each: the interval is that of ten values, not of eighty.
        let of_tf = |tf: usize| (tf as f64 * 7.3) % 3.0;
        let values: Vec<f64> = (0..80).map(|set| of_tf(set / 8)).collect();
        let tfs: Vec<usize> = (0..80).map(|set| set / 8).collect();
        let ten: Vec<f64> = (0..10).map(of_tf).collect();
        let by_tf = bootstrap_mean(&values, &Groups::new(&tfs).unwrap(), &config(500, 1)).unwrap();
        let of_ten = bootstrap_mean(&ten, &Groups::singletons(10).unwrap(), &config(500, 1)).unwrap();
        assert!((by_tf.low - of_ten.low).abs() < 1e-12);
        assert!((by_tf.high - of_ten.high).abs() < 1e-12);
    }

    #[test]
    fn the_seed_decides() {
        let values: Vec<f64> = (0..30).map(|i| f64::from(i).sqrt()).collect();
        let tfs: Vec<String> = (0..30).map(|i| format!("TF{}", i % 11)).collect();
        let groups = Groups::new(&tfs).unwrap();
        let once = bootstrap_mean(&values, &groups, &config(300, 1)).unwrap();
        assert_eq!(once, bootstrap_mean(&values, &groups, &config(300, 1)).unwrap());
        assert_ne!(once, bootstrap_mean(&values, &groups, &config(300, 2)).unwrap());
    }

    #[test]
    fn pairs_are_drawn_together() {
        let labels: Vec<bool> = (0..20).map(|i| i < 10).collect();
        let ids: Vec<usize> = (0..20).map(|i| i % 10).collect();
        let scores: Vec<f64> = (0..20).map(|i| f64::from((i * 7) % 20)).collect();
        let scored = ScoredLabels::new(&labels, &scores).unwrap();
        let groups = Groups::new(&ids).unwrap();
        percentile_interval(&groups, &config(100, 3), |weights| {
            assert_eq!(weights[..10], weights[10..]);
            assert_eq!(weights.iter().sum::<u32>(), 20);
            scored.weighted_auroc(weights)
        })
        .unwrap();
    }

    #[test]
    fn what_cannot_be_resampled_is_an_error() {
        let one = Groups::new(&[4, 4]).unwrap();
        let error = bootstrap_mean(&[1.0, 2.0], &one, &config(100, 1)).unwrap_err();
        assert!(error.to_string().contains("found 1 groups"), "{error}");
        assert!(Groups::singletons(0).is_err());
        let two = Groups::singletons(2).unwrap();
        assert!(bootstrap_mean(&[1.0, 2.0], &two, &config(10, 1)).is_err());
        assert!(bootstrap_mean(&[1.0, 2.0, 3.0], &two, &config(100, 1)).is_err());
        assert!(bootstrap_mean(&[1.0, f64::NAN], &two, &config(100, 1)).is_err());
        // One example of each class, resampled apart: half of the replicates have one class.
        let scored = ScoredLabels::new(&[true, false], &[1.0, 0.0]).unwrap();
        let error = bootstrap_auroc(&scored, &two, &config(100, 1)).unwrap_err();
        assert!(matches!(error, Error::Replicates { .. }), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_model_less_itself_is_zero((labels, scores) in scored_examples()) {
            let scored = ScoredLabels::new(&labels, &scores).unwrap();
            // Each pair holds both classes, so no replicate is undefined.
            let (mut positive, mut negative) = (0, 0);
            let ids: Vec<usize> = labels.iter().map(|&label| {
                let next = if label { &mut positive } else { &mut negative };
                *next += 1;
                *next % 2
            }).collect();
            let groups = Groups::new(&ids).unwrap();
            let interval = bootstrap_auroc_difference(&scored, &scored, &groups, &config(100, 9)).unwrap();
            prop_assert_eq!((interval.low, interval.high), (0.0, 0.0));
            let interval = bootstrap_auroc(&scored, &groups, &config(100, 9)).unwrap();
            prop_assert!(0.0 <= interval.low && interval.low <= interval.high && interval.high <= 1.0);
        }
    }
}
