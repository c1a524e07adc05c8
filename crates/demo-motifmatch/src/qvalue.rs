//! q-values: Benjamini and Hochberg's false discovery rate times Storey's estimate of the share of
//! true nulls, π₀ (Storey 2002; the bootstrap of Storey, Taylor and Siegmund 2004).
//!
//! The bootstrap draws its resamples from one stream of random numbers that runs on through the queries of
//! a run, so the q-values of a query depend on how many queries came before it. Cost: 100,000 draws a query.

use crate::twister::Twister;

/// Thresholds at which π₀ is estimated.
const LAMBDAS: usize = 100;
/// The largest of them.
const MAX_LAMBDA: f64 = 0.5;
/// Bootstrap resamples.
const RESAMPLES: usize = 100;
/// p-values in each resample.
const RESAMPLE_SIZE: usize = 1000;

/// Fewer p-values than this estimate no π₀, and it is taken to be 1. Found from Tomtom's tables, which have it
/// so for 10 p-values and not for 518.
const FEWEST: usize = 100;

/// How many numbers of the stream one query takes.
pub(crate) const DRAWS: usize = 2 * RESAMPLES * RESAMPLE_SIZE;

/// The q-values of p-values sorted in ascending order; takes [`DRAWS`] numbers from the stream, or none where
/// there are few p-values.
pub(crate) fn q_values(sorted: &[f64], stream: &mut Twister) -> Vec<f64> {
    benjamini_hochberg(sorted, if sorted.len() < FEWEST { 1.0 } else { pi_zero(sorted, stream) })
}

/// Benjamini and Hochberg's false discovery rates of p-values sorted in ascending order, times `pi_zero`.
pub(crate) fn benjamini_hochberg(sorted: &[f64], pi_zero: f64) -> Vec<f64> {
    let n = sorted.len() as f64;
    let mut q = vec![0.0; sorted.len()];
    let mut least = 1.0f64;
    for (rank, &p) in sorted.iter().enumerate().rev() {
        least = least.min(p * n / (rank + 1) as f64 * pi_zero);
        q[rank] = least;
    }
    q
}

/// Storey's π₀: of the estimates at all thresholds, the one whose resamples stay nearest to the smallest.
fn pi_zero(sorted: &[f64], stream: &mut Twister) -> f64 {
    let lambdas: Vec<f64> = (0..LAMBDAS).map(|i| (i + 1) as f64 * MAX_LAMBDA / LAMBDAS as f64).collect();
    let estimate = |above: usize, count: usize, lambda: f64| above as f64 / (count as f64 * (1.0 - lambda));
    let estimates: Vec<f64> = lambdas
        .iter()
        .map(|&lambda| {
            let above = sorted.len() - sorted.partition_point(|&p| p < lambda);
            estimate(above, sorted.len(), lambda)
        })
        .collect();
    let least = estimates.iter().copied().fold(f64::INFINITY, f64::min);
    // How many of the thresholds each p-value reaches, so that a resample is a histogram.
    let reached: Vec<u8> =
        sorted.iter().map(|&p| lambdas.partition_point(|&lambda| lambda <= p) as u8).collect();
    let mut errors = [0.0; LAMBDAS];
    let mut indices = [0; RESAMPLE_SIZE];
    for _ in 0..RESAMPLES {
        stream.fill_indices(sorted.len() as u32, &mut indices);
        // Half of the draws may fall in one bin: four histograms, so that they do not wait for each other.
        let mut quarters = [[0usize; LAMBDAS + 1]; 4];
        for drawn in indices.as_chunks::<4>().0 {
            for (counts, &index) in quarters.iter_mut().zip(drawn) {
                counts[usize::from(reached[index as usize])] += 1;
            }
        }
        let mut above = RESAMPLE_SIZE;
        for (i, &lambda) in lambdas.iter().enumerate() {
            above -= quarters.iter().map(|counts| counts[i]).sum::<usize>();
            errors[i] += (estimate(above, RESAMPLE_SIZE, lambda) - least).powi(2);
        }
    }
    let best = (1..LAMBDAS).fold(0, |best, i| if errors[i] < errors[best] { i } else { best });
    estimates[best].min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plain;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn pi_zero_equals_the_slow_twin(
            mut p in prop::collection::vec(prop_oneof![0.0f64..1.0, 0.0f64..0.01, Just(0.25), Just(1.0)], 1..300),
        ) {
            p.sort_by(f64::total_cmp);
            let (mut fast, mut slow) = (Twister::new(), Twister::new());
            prop_assert_eq!(pi_zero(&p, &mut fast), plain::pi_zero(&p, &mut slow));
            // Both took the same numbers from the stream, those that a run skips for a query.
            let mut skipped = Twister::new();
            skipped.skip(DRAWS);
            let next = slow.next_unit();
            prop_assert_eq!(fast.next_unit(), next);
            prop_assert_eq!(skipped.next_unit(), next);
        }

        #[test]
        fn few_p_values_are_taken_for_true_nulls(mut p in prop::collection::vec(0.0f64..1.0, 1..99)) {
            p.sort_by(f64::total_cmp);
            let q = q_values(&p, &mut Twister::new());
            let n = p.len() as f64;
            let plain = |from: usize| (from..p.len()).map(|i| p[i] * n / (i + 1) as f64).fold(1.0, f64::min);
            prop_assert_eq!(q, (0..p.len()).map(plain).collect::<Vec<f64>>());
        }

        #[test]
        fn q_values_rise_with_p(mut p in prop::collection::vec(0.0f64..1.0, 1..200)) {
            p.sort_by(f64::total_cmp);
            let q = q_values(&p, &mut Twister::new());
            prop_assert!(q.is_sorted() && q.iter().all(|q| (0.0..=1.0).contains(q)));
        }
    }
}
