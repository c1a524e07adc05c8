//! Letter probabilities behind counts, under the Dirichlet priors of Habib et al. 2008.
//!
//! `blic1` and `llr1` take one pseudocount a letter. `blic5` and `llr5` take a mixture of equal parts: a flat
//! component of two pseudocounts a letter, and for each letter one of five for it and one for the others. The
//! numbers were found from the tables that MEME Suite's tomtom makes of small motifs, where no neighbouring ones
//! give the same p-values. All of them are whole, so the components' likelihoods are products of a few factors
//! and no gamma function is needed. Cost: a few multiplications and, for the score, a logarithm a letter.

/// Pseudocounts of a letter's own component for that letter, beside one for each other.
const PEAK: f64 = 5.0;
/// Pseudocounts of the flat component for each letter.
const FLAT: f64 = 2.0;

/// Which prior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prior {
    Single,
    Mixture,
}

impl Prior {
    /// Fills in the posterior mean of each letter's probability.
    pub(crate) fn fill_mean(self, counts: &[f64], mean: &mut [f64]) {
        let total = counts.iter().fold(0.0, |sum, n| sum + n);
        let letters = counts.len() as f64;
        if self == Self::Single {
            for (mean, n) in mean.iter_mut().zip(counts) {
                *mean = (n + 1.0) / (total + letters);
            }
            return;
        }
        let (flat_total, peak_total) = (FLAT * letters, PEAK + letters - 1.0);
        // Likelihoods but for a factor that all components share, Γ of the counts plus one.
        let peak =
            |n: f64| (1..PEAK as u32).fold(1.0, |product, i| product * (n + f64::from(i)) / f64::from(i));
        let flat = counts.iter().fold(totals_ratio(total, flat_total, peak_total), |f, n| f * (n + 1.0));
        let sum = counts.iter().fold(flat, |sum, &n| sum + peak(n));
        let all_peaks = sum - flat;
        for (mean, &n) in mean.iter_mut().zip(counts) {
            // Of the peaked components, its own has PEAK pseudocounts for this letter and the others have one.
            let own = peak(n);
            let peaked = (own * (n + PEAK) + (all_peaks - own) * (n + 1.0)) / (total + peak_total);
            *mean = (flat * (n + FLAT) / (total + flat_total) + peaked) / sum;
        }
    }
}

/// Γ(a)/Γ(n + a) over Γ(b)/Γ(n + b), for a and b a whole number apart.
fn totals_ratio(n: f64, a: f64, b: f64) -> f64 {
    let product = |from: f64, to: f64| {
        let mut product = 1.0;
        let mut at = from;
        while at < to {
            product *= at / (n + at);
            at += 1.0;
        }
        product
    };
    // Γ(a)/Γ(n + a) falls by a factor a/(n + a) for each one that a rises.
    if a >= b { product(b, a) } else { 1.0 / product(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixture_is_that_of_gamma_functions() {
        // Python 3.11, scipy 1.17.1: for each component k, r_k = w_k exp(gammaln(A) - gammaln(A + N)
        // + sum(gammaln(a + n) - gammaln(a))), then sum over k of r_k (n + a) / (N + A) over sum of r_k;
        // components a = [2]*K and, for each letter, ones with a five in its place; w_k = 1/(K + 1).
        let cases: [(&[f64], &[f64]); 3] = [
            (&[10.0, 0.5, 0.25, 3.25], &MEAN_OF_FOUR),
            (&[0.0, 0.0, 0.0, 0.0], &[0.25; 4]),
            (&[3.0, 1.5, 0.0, 0.0, 7.5, 2.0], &MEAN_OF_SIX),
        ];
        for (counts, wanted) in cases {
            let mut mean = vec![0.0; counts.len()];
            Prior::Mixture.fill_mean(counts, &mut mean);
            for (found, wanted) in mean.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-14, "{mean:?} {wanted:?}");
            }
            assert!((mean.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        }
    }

    const MEAN_OF_FOUR: [f64; 4] = [
        0.663_882_767_302_957_8,
        0.072_086_977_568_567_36,
        0.060_588_397_295_833_596,
        0.203_441_857_832_641_24,
    ];
    const MEAN_OF_SIX: [f64; 6] = [
        0.180_346_452_740_750_4,
        0.109_861_446_571_908_88,
        0.045_197_286_021_475_21,
        0.045_197_286_021_475_21,
        0.486_910_745_085_385_7,
        0.132_486_783_559_004_62,
    ];
}
