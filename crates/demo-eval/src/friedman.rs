//! Several models over many data sets: Friedman's test, Nemenyi's and Holm's comparisons after it.
//!
//! Demšar, *Statistical Comparisons of Classifiers over Multiple Data Sets* (JMLR 7, 2006): models are
//! ranked on every block, here a TF; Friedman's statistic, corrected for ties, asks whether the mean
//! ranks differ at all (Iman and Davenport's F is the less conservative form); two models differ after
//! Nemenyi when their mean ranks lie a critical difference apart, q √(k (k + 1) / 6N), where q is that
//! quantile of the studentised range of k normal variables over √2. Holm's correction of the pairwise
//! z tests is the sharper alternative. The range's distribution is integrated numerically, to some
//! 13 digits.

use serde::{Deserialize, Serialize};
use statrs::function::{beta, gamma};

use crate::error::{check_finite, check_length};
use crate::interval::{check_level, normal_two_sided};
use crate::ranks::midranks;
use crate::{Result, holm};

/// Mean ranks of models with Friedman's test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Friedman {
    /// The number of blocks, such as TFs.
    pub blocks: usize,
    /// The mean rank of each model: 1 is best, ties share theirs.
    pub mean_ranks: Vec<f64>,
    /// Friedman's statistic, corrected for ties.
    pub chi_square: f64,
    /// Its p, by the chi-square distribution with models less one degrees of freedom.
    pub p: f64,
    /// Iman and Davenport's F; `None` where every block ranks the models alike.
    pub f: Option<f64>,
    /// Its p.
    pub f_p: Option<f64>,
}

/// Two models compared by their mean ranks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankComparison {
    /// The first model's place in the list.
    pub first: usize,
    /// The second model's place.
    pub second: usize,
    /// Mean rank of the first less that of the second.
    pub difference: f64,
    /// p after Nemenyi, which holds for all pairs together.
    pub nemenyi_p: f64,
    /// p of this pair's z test alone.
    pub p: f64,
    /// The same after Holm's correction over all pairs.
    pub p_holm: f64,
}

/// Ranks models on every block, the largest figure first, and tests whether they differ.
///
/// `blocks[i][j]` is the figure of model j on block i. `None` for fewer than two blocks or models, or
/// where all models tie on all blocks.
///
/// ```
/// let figures = vec![vec![0.95, 0.90, 0.96], vec![0.93, 0.91, 0.94], vec![0.88, 0.80, 0.90]];
/// let test = demo_eval::friedman(&figures)?.unwrap();
/// assert_eq!(test.mean_ranks, [2.0, 3.0, 1.0]);
/// # Ok::<(), demo_eval::Error>(())
/// ```
///
/// # Errors
///
/// When a figure is not finite or a block lacks one.
pub fn friedman(blocks: &[Vec<f64>]) -> Result<Option<Friedman>> {
    let models = blocks.first().map_or(0, Vec::len);
    for block in blocks {
        check_length("figures of a block", block.len(), models)?;
        check_finite("figure", block)?;
    }
    if blocks.len() < 2 || models < 2 {
        return Ok(None);
    }
    let (n, k) = (blocks.len() as f64, models as f64);
    let mut sums = vec![0.0; models];
    let mut ties = 0.0;
    for block in blocks {
        // Taken from zero rather than negated, so that zeros have one sign.
        let turned: Vec<f64> = block.iter().map(|figure| 0.0 - figure).collect();
        let ranks = midranks(&turned);
        sums.iter_mut().zip(&ranks).for_each(|(sum, rank)| *sum += rank);
        let mut sorted = turned;
        sorted.sort_by(f64::total_cmp);
        ties += sorted
            .chunk_by(|a, b| a == b)
            .map(|tie| (tie.len() as f64).powi(3) - tie.len() as f64)
            .sum::<f64>();
    }
    let correction = 1.0 - ties / (n * k * (k * k - 1.0));
    if correction <= 0.0 {
        return Ok(None);
    }
    let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
    // Rounding may leave a trace below zero where all mean ranks are equal.
    let chi_square = ((12.0 / (n * k * (k + 1.0)) * squares - 3.0 * n * (k + 1.0)) / correction).max(0.0);
    let p = if chi_square > 0.0 {
        gamma::checked_gamma_ur((k - 1.0) / 2.0, chi_square / 2.0).ok()
    } else {
        Some(1.0)
    };
    let rest = n * (k - 1.0) - chi_square;
    let f = (rest > 1e-9 * n * k).then(|| (n - 1.0) * chi_square / rest);
    Ok(Some(Friedman {
        blocks: blocks.len(),
        mean_ranks: sums.iter().map(|sum| sum / n).collect(),
        chi_square,
        p: p.unwrap_or(0.0).clamp(0.0, 1.0),
        f,
        f_p: f.and_then(|f| f_upper(f, k - 1.0, (k - 1.0) * (n - 1.0))),
    }))
}

impl Friedman {
    /// The standard error of the difference of two mean ranks.
    pub fn standard_error(&self) -> f64 {
        let (n, k) = (self.blocks as f64, self.mean_ranks.len() as f64);
        (k * (k + 1.0) / (6.0 * n)).sqrt()
    }

    /// Nemenyi's critical difference of mean ranks at a level of confidence such as 0.95.
    ///
    /// # Errors
    ///
    /// When the level is not between 0 and 1.
    pub fn critical_difference(&self, level: f64) -> Result<f64> {
        check_level(level)?;
        let quantile = range_quantile(level, self.mean_ranks.len());
        Ok(quantile / std::f64::consts::SQRT_2 * self.standard_error())
    }

    /// All pairs of models, in the order of the list.
    pub fn comparisons(&self) -> Vec<RankComparison> {
        let models = self.mean_ranks.len();
        let error = self.standard_error();
        let mut pairs = Vec::new();
        for first in 0..models {
            for second in first + 1..models {
                let difference = self.mean_ranks[first] - self.mean_ranks[second];
                let z = difference.abs() / error;
                let nemenyi_p = range_upper(z * std::f64::consts::SQRT_2, models);
                let p = normal_two_sided(z);
                pairs.push(RankComparison { first, second, difference, nemenyi_p, p, p_holm: p });
            }
        }
        let corrected = holm(&pairs.iter().map(|pair| Some(pair.p)).collect::<Vec<_>>());
        for (pair, corrected) in pairs.iter_mut().zip(corrected) {
            pair.p_holm = corrected.unwrap_or(pair.p);
        }
        pairs
    }

    /// The largest groups of models that Nemenyi's difference does not tell apart, each by rising
    /// rank; a model that differs from all others is in none.
    ///
    /// # Errors
    ///
    /// When the level is not between 0 and 1.
    pub fn groups(&self, level: f64) -> Result<Vec<Vec<usize>>> {
        let critical = self.critical_difference(level)?;
        let ranks = &self.mean_ranks;
        let mut order: Vec<usize> = (0..ranks.len()).collect();
        order.sort_by(|&a, &b| ranks[a].total_cmp(&ranks[b]).then(a.cmp(&b)));
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut reached = 0;
        for start in 0..order.len() {
            let end = order.partition_point(|&model| ranks[model] - ranks[order[start]] < critical);
            // A group within the one before says nothing new.
            if end > start + 1 && end > reached {
                groups.push(order[start..end].to_vec());
                reached = end;
            }
        }
        Ok(groups)
    }
}

/// The chance that an F of these degrees exceeds `f`.
fn f_upper(f: f64, first: f64, second: f64) -> Option<f64> {
    beta::checked_beta_reg(second / 2.0, first / 2.0, second / (second + first * f))
        .ok()
        .map(|p| p.clamp(0.0, 1.0))
}

/// The chance that the range of `count` standard normal variables exceeds `range`.
///
/// k ∫ φ(z) (Φ(z)^(k-1) - (Φ(z) - Φ(z - range))^(k-1)) dz, z being the largest. The integrand is smooth and dies
/// out at both ends, where the plain sum over equal steps converges faster than any power of the step; the
/// difference is taken by its ratio to Φ(z)^(k-1), so that small chances keep their digits.
fn range_upper(range: f64, count: usize) -> f64 {
    const STEP: f64 = 1.0 / 32.0;
    if range <= 0.0 {
        return 1.0;
    }
    let others = count as f64 - 1.0;
    let density = |z: f64| (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let outside = |z: f64| {
        let below = normal_below(z);
        let one_is = -(others * (-normal_below(z - range) / below).ln_1p()).exp_m1();
        density(z) * below.powf(others) * one_is
    };
    let last = ((range + 10.0) / STEP).ceil() as i32;
    let sum: f64 = (-320..=last).map(|step| outside(f64::from(step) * STEP)).sum();
    (count as f64 * sum * STEP).clamp(0.0, 1.0)
}

/// The range that `count` standard normal variables stay below with this chance.
fn range_quantile(level: f64, count: usize) -> f64 {
    let (mut low, mut high) = (0.0, 100.0);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if range_upper(middle, count) > 1.0 - level {
            low = middle;
        } else {
            high = middle;
        }
    }
}

fn normal_below(z: f64) -> f64 {
    let tail = normal_two_sided(z) / 2.0;
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> Friedman {
        let rows = [
            [0.95, 0.90, 0.96],
            [0.93, 0.91, 0.93],
            [0.88, 0.80, 0.90],
            [0.97, 0.97, 0.98],
            [0.91, 0.85, 0.90],
            [0.85, 0.88, 0.89],
            [0.99, 0.98, 0.99],
            [0.92, 0.86, 0.95],
        ];
        friedman(&rows.map(|row| row.to_vec())).unwrap().unwrap()
    }

    fn close(found: f64, wanted: f64, digits: f64) {
        assert!((found / wanted - 1.0).abs() < digits, "found {found}, wanted {wanted}");
    }

    // SciPy 1.17.1; A has the rows above:
    //   s = stats.friedmanchisquare(*A.T); r = stats.rankdata(-A, axis=1).mean(0); N, k = A.shape
    //   F = (N - 1) * s.statistic / (N * (k - 1) - s.statistic); stats.f.sf(F, k - 1, (k - 1) * (N - 1))
    #[test]
    fn the_test_agrees_with_scipy() {
        let test = example();
        close(test.chi_square, 10.827_586_206_896_552, 1e-13);
        close(test.p, 0.004_454_710_944_970_226, 1e-12);
        assert_eq!(test.mean_ranks, [1.9375, 2.8125, 1.25]);
        close(test.f.unwrap(), 14.653_333_333_333_332, 1e-12);
        close(test.f_p.unwrap(), 0.000_368_988_600_664_154_6, 1e-11);
    }

    // SciPy 1.17.1:
    //   [stats.studentized_range.ppf([.9, .95, .99], k, np.inf) / np.sqrt(2) for k in (2, 3, 4, 5, 10)]
    //   e = np.sqrt(k * (k + 1) / (6 * N)); stats.studentized_range.ppf(.95, k, np.inf) / np.sqrt(2) * e
    //   stats.studentized_range.sf(abs(r[i] - r[j]) / e * np.sqrt(2), k, np.inf)
    //   2 * stats.norm.sf(abs(r[i] - r[j]) / e)
    #[test]
    fn the_studentised_range_agrees_with_scipy() {
        let quantiles = [
            (2, [1.644_853_626_951_472_2, 1.959_963_984_540_053_4, 2.575_829_303_548_897]),
            (3, [2.052_292_730_496_775_5, 2.343_700_586_378_409, 2.913_494_337_832_626]),
            (4, [2.291_341_496_888_056_6, 2.569_031_772_546_482, 3.113_250_345_344_348]),
            (5, [2.459_515_764_271_418_3, 2.727_774_370_870_376_3, 3.254_685_971_528_862_5]),
            (10, [2.919_888_840_061_538_4, 3.163_683_577_053_373, 3.646_291_548_392_983]),
        ];
        for (models, wanted) in quantiles {
            for (level, wanted) in [0.9, 0.95, 0.99].into_iter().zip(wanted) {
                close(range_quantile(level, models) / std::f64::consts::SQRT_2, wanted, 1e-10);
            }
        }
        // mpmath 1.3.0, 60 digits, the integral above in sixty parts.
        let tails = [
            (2, 3.0, 0.033_894_853_524_689_273),
            (6, 9.0, 2.947_167_488_974_903e-9),
            (6, 12.0, 3.227_951_238_813_398e-16),
            (3, 20.0, 6.265_462_751_287_633e-45),
        ];
        for (models, range, wanted) in tails {
            close(range_upper(range, models) / wanted, 1.0, 1e-12);
        }
        let test = example();
        close(test.critical_difference(0.95).unwrap(), 1.171_850_293_189_204_5, 1e-10);
        let pairs = test.comparisons();
        let wanted = [
            (0.186_758_141_900_388_42, 0.080_118_313_727_634_17),
            (0.354_059_474_676_567_84, 0.169_131_444_702_671_39),
            (0.005_057_082_254_123_157_5, 0.001_778_050_598_216_864_3),
        ];
        for (pair, (nemenyi, z)) in pairs.iter().zip(wanted) {
            close(pair.nemenyi_p, nemenyi, 1e-9);
            close(pair.p, z, 1e-11);
        }
        // Holm by hand: .00178 * 3, .0801 * 2, .1691.
        close(pairs[2].p_holm, 3.0 * pairs[2].p, 1e-15);
        close(pairs[0].p_holm, 2.0 * pairs[0].p, 1e-15);
        close(pairs[1].p_holm, pairs[1].p, 1e-15);
    }

    #[test]
    fn groups_are_the_largest_runs_within_the_critical_difference() {
        // The critical difference is 1.17: 1.25 and 1.94 together, 1.94 and 2.81 together.
        assert_eq!(example().groups(0.95).unwrap(), [vec![2, 0], vec![0, 1]]);
        let apart = Friedman { blocks: 1_000, ..example() };
        assert!(apart.groups(0.95).unwrap().is_empty());
        let few = Friedman { blocks: 2, ..example() };
        assert_eq!(few.groups(0.95).unwrap(), [vec![2, 0, 1]]);
    }

    #[test]
    fn what_cannot_be_tested_is_none_or_an_error() {
        assert_eq!(friedman(&[vec![0.1, 0.2]]).unwrap(), None);
        assert_eq!(friedman(&[vec![0.1], vec![0.2]]).unwrap(), None);
        assert_eq!(friedman(&[vec![0.5, 0.5], vec![0.7, 0.7]]).unwrap(), None);
        assert!(friedman(&[vec![0.1, 0.2], vec![0.1]]).is_err());
        assert!(friedman(&[vec![0.1, f64::NAN], vec![0.1, 0.2]]).is_err());
        // Every block alike: the F has no denominator.
        let alike = friedman(&[vec![0.3, 0.2], vec![0.9, 0.1]]).unwrap().unwrap();
        assert_eq!((alike.f, alike.f_p), (None, None));
    }

    proptest! {
        #[test]
        fn mean_ranks_add_up_and_nemenyi_is_wider_than_one_test(
            rows in (2_usize..6).prop_flat_map(|k| prop::collection::vec(
                prop::collection::vec((0_u8..6).prop_map(f64::from), k), 2..12)),
        ) {
            if let Some(test) = friedman(&rows).unwrap() {
                let k = test.mean_ranks.len() as f64;
                prop_assert!((test.mean_ranks.iter().sum::<f64>() - k * (k + 1.0) / 2.0).abs() < 1e-9);
                prop_assert!((0.0..=1.0).contains(&test.p));
                for pair in test.comparisons() {
                    prop_assert!(pair.nemenyi_p >= pair.p - 1e-12);
                    prop_assert!(pair.p_holm >= pair.p);
                }
            }
        }
    }
}
