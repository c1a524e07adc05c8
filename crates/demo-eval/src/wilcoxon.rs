//! Wilcoxon's signed-rank test (Wilcoxon 1945), with the choices SciPy makes by default.
//!
//! Zero differences are dropped (`zero_method='wilcox'`), ties share their mean rank. The
//! distribution is exact for at most 50 differences without ties or zeros, and for at most 13 in
//! any case (there over all sign flips of the mean ranks); otherwise normal, its variance corrected
//! for ties, without continuity correction. The exact distribution is counted by adding one rank at
//! a time: O(n^3), some 60,000 additions at most.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::error::check_finite;
use crate::interval::normal_two_sided;
use crate::ranks::midranks;

/// Above this many differences the distribution is never exact.
const EXACT_UP_TO: usize = 50;
/// Up to this many differences it is exact with ties and zeros too.
const EXACT_WITH_TIES_UP_TO: usize = 13;

/// Where the p of a signed-rank test came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WilcoxonMethod {
    /// The distribution over all sign flips.
    Exact,
    /// The normal approximation, corrected for ties.
    Normal,
}

/// The outcome of a signed-rank test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Wilcoxon {
    /// The smaller of the two rank sums.
    pub statistic: f64,
    /// Differences that are not zero.
    pub nonzero: usize,
    /// Two-sided p.
    pub p: f64,
    /// How p was found.
    pub method: WilcoxonMethod,
}

/// Tests whether differences are symmetric about zero; `None` when none differs from zero.
///
/// # Errors
///
/// When a difference is not finite.
pub fn wilcoxon(differences: &[f64]) -> Result<Option<Wilcoxon>> {
    check_finite("difference", differences)?;
    let nonzero: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    if nonzero.is_empty() {
        return Ok(None);
    }
    let sizes: Vec<f64> = nonzero.iter().map(|d| d.abs()).collect();
    let ranks = midranks(&sizes);
    let signed = nonzero.iter().zip(&ranks);
    let plus: f64 = signed.filter(|(d, _)| **d > 0.0).map(|(_, rank)| rank).sum();
    let n = nonzero.len() as f64;
    let minus = n * (n + 1.0) / 2.0 - plus;
    let sum_of_ties = tie_correction(&sizes);
    let plain = sum_of_ties == 0.0 && nonzero.len() == differences.len();
    let exact = differences.len() <= EXACT_WITH_TIES_UP_TO || plain && differences.len() <= EXACT_UP_TO;
    let (p, method) = if exact {
        (exact_two_sided(&ranks, plus), WilcoxonMethod::Exact)
    } else {
        let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - sum_of_ties / 2.0) / 24.0;
        let z = (plus - n * (n + 1.0) / 4.0) / variance.sqrt();
        (normal_two_sided(z), WilcoxonMethod::Normal)
    };
    Ok(Some(Wilcoxon { statistic: plus.min(minus), nonzero: nonzero.len(), p, method }))
}

/// The sum of t^3 - t over groups of t equal sizes.
fn tie_correction(sizes: &[f64]) -> f64 {
    let mut sorted = sizes.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties = sorted.chunk_by(|a, b| a == b).map(|tie| tie.len() as f64);
    ties.map(|t| t * t * t - t).sum()
}

/// Twice the smaller tail of the rank sum over all sign flips.
fn exact_two_sided(ranks: &[f64], plus: f64) -> f64 {
    // Mean ranks are multiples of one half, so twice a rank is a whole number.
    let doubled: Vec<usize> = ranks.iter().map(|rank| (2.0 * rank) as usize).collect();
    let mut ways = vec![0.0; doubled.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    let mut reached = 0;
    for rank in doubled {
        for sum in (0..=reached).rev() {
            ways[sum + rank] += ways[sum];
        }
        reached += rank;
    }
    let found = (2.0 * plus) as usize;
    let all: f64 = ways.iter().sum();
    let below: f64 = ways[..=found].iter().sum();
    let above: f64 = ways[found..].iter().sum();
    (2.0 * below.min(above) / all).min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn assert_test(differences: &[f64], statistic: f64, p: f64, method: WilcoxonMethod) {
        let test = wilcoxon(differences).unwrap().unwrap();
        assert_eq!((test.statistic, test.method), (statistic, method));
        assert!((test.p / p - 1.0).abs() < 1e-12, "{} != {p}", test.p);
    }

    // SciPy 1.17.1: scipy.stats.wilcoxon(d) for each list below; those of 16, 20 and 60 are
    //   d = [(1 if i % 3 else -1) * i for i in range(16)]
    //   d = [(i * 7) % 23 - 9 for i in range(1, 21)]
    //   d = [(i * 37) % 101 - 40.5 for i in range(1, 61)]
    #[test]
    fn agrees_with_scipy() {
        use WilcoxonMethod::{Exact, Normal};
        assert_test(&[1.5, -0.5, 2.5, 3.5, -1.0, 4.0], 3.0, 0.15625, Exact);
        // Ties and a zero among few.
        assert_test(&[1.0, 1.0, -2.0, 3.0, 0.0, 2.0, 5.0], 3.5, 0.1875, Exact);
        // A zero among many, and ties among many.
        let d: Vec<f64> = (0..16).map(|i: i32| f64::from(if i % 3 == 0 { -i } else { i })).collect();
        assert_test(&d, 45.0, 0.394_245_867_210_777_26, Normal);
        let d: Vec<f64> = (1..=20).map(|i| f64::from((i * 7) % 23 - 9)).collect();
        assert_test(&d, 66.5, 0.150_381_572_635_455_82, Normal);
        // Many.
        let d: Vec<f64> = (1..=60).map(|i| f64::from((i * 37) % 101) - 40.5).collect();
        assert_test(&d, 569.0, 0.010_859_089_243_917_224, Normal);
        // The most for which it is exact: 1, -2, 3, -4, .. 25, then 26 .. 50 all positive.
        let d: Vec<f64> =
            (1..=50).map(|i: i32| f64::from(if i % 2 == 0 && i < 26 { -i } else { i })).collect();
        assert_test(&d, 156.0, 5.951_474_850_718_341e-7, Exact);
    }

    #[test]
    fn zeros_alone_have_no_test() {
        assert_eq!(wilcoxon(&[]), Ok(None));
        assert_eq!(wilcoxon(&[0.0, -0.0]), Ok(None));
        assert!(wilcoxon(&[f64::NAN]).is_err());
    }

    proptest! {
        #[test]
        fn the_exact_p_counts_sign_flips(sizes in proptest::collection::vec(1_i32..6, 1..9), signs in 0_u32..256) {
            let signed = |bits: u32| -> Vec<f64> {
                let flip = |i: usize| if bits >> i & 1 == 1 { -1.0 } else { 1.0 };
                sizes.iter().enumerate().map(|(i, &s)| flip(i) * f64::from(s)).collect()
            };
            let ranks = midranks(&sizes.iter().map(|&s| f64::from(s)).collect::<Vec<_>>());
            let plus = |d: &[f64]| -> f64 {
                d.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum()
            };
            let found = plus(&signed(signs));
            let all = 1_u32 << sizes.len();
            let below = (0..all).filter(|&bits| plus(&signed(bits)) <= found).count();
            let above = (0..all).filter(|&bits| plus(&signed(bits)) >= found).count();
            let wanted = (2.0 * below.min(above) as f64 / f64::from(all)).min(1.0);
            let test = wilcoxon(&signed(signs)).unwrap().unwrap();
            prop_assert!((test.p - wanted).abs() < 1e-12);
        }

        #[test]
        fn the_sign_of_all_does_not_matter(d in proptest::collection::vec(-9_i32..9, 1..40)) {
            let plus: Vec<f64> = d.iter().map(|&d| f64::from(d)).collect();
            let minus: Vec<f64> = plus.iter().map(|d| -d).collect();
            let (a, b) = (wilcoxon(&plus).unwrap(), wilcoxon(&minus).unwrap());
            prop_assert_eq!(a.map(|t| t.statistic), b.map(|t| t.statistic));
            if let (Some(a), Some(b)) = (a, b) {
                prop_assert!((a.p - b.p).abs() < 1e-12 && a.p > 0.0 && a.p <= 1.0);
            }
        }
    }
}
