//! Base probabilities as functions of free numbers, and gradients through them.
//!
//! A position has four logits θ; its probabilities at temperature τ are p = softmax(θ / τ). With g = dL/dp,
//!
//! `dL/dθ_b = p_b (g_b - Σ_a p_a g_a) / τ`.
//!
//! What a position says is its divergence from uniform, `Σ_b p_b ln(4 p_b)`, in nats; its derivative with
//! respect to `p_b` is `ln(4 p_b) + 1`. All in f64. Cost: a few operations a base.

use demo_core::DnaSequence;
use rand::Rng;

/// softmax(θ / τ) of one position.
pub(crate) fn to_probabilities(logits: &[f64; 4], temperature: f64) -> [f64; 4] {
    let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers = logits.map(|logit| ((logit - greatest) / temperature).exp());
    let sum: f64 = powers.iter().sum();
    powers.map(|power| power / sum)
}

/// dL/dθ from dL/dp at p = softmax(θ / τ).
pub(crate) fn to_logit_gradient(probabilities: &[f64; 4], gradient: &[f64; 4], temperature: f64) -> [f64; 4] {
    let mean: f64 = probabilities.iter().zip(gradient).map(|(p, g)| p * g).sum();
    std::array::from_fn(|base| probabilities[base] * (gradient[base] - mean) / temperature)
}

/// The divergence from uniform, in nats.
pub(crate) fn divergence(probabilities: &[f64; 4]) -> f64 {
    probabilities.iter().map(|&p| if p > 0.0 { p * (4.0 * p).ln() } else { 0.0 }).sum()
}

/// The derivative of the divergence with respect to each probability.
pub(crate) fn divergence_gradient(probabilities: &[f64; 4]) -> [f64; 4] {
    // A probability that has become zero stays there: its logit's gradient is a multiple of it.
    probabilities.map(|p| (4.0 * p.max(f64::MIN_POSITIVE)).ln() + 1.0)
}

/// The most probable base of every position, the first of equals.
pub(crate) fn most_probable(probabilities: &[[f64; 4]]) -> Vec<u8> {
    let best = |row: &[f64; 4]| (1..4).fold(0, |best, base| if row[base] > row[best] { base } else { best });
    probabilities.iter().map(|row| best(row) as u8).collect()
}

/// A base of every position, drawn with its probabilities.
pub(crate) fn draw(probabilities: &[[f64; 4]], stream: &mut impl Rng) -> demo_core::Result<DnaSequence> {
    let codes: Vec<u8> = probabilities
        .iter()
        .map(|row| {
            let mut left = stream.random::<f64>();
            // The last base takes what rounding leaves over.
            (0..3)
                .find(|&base| {
                    left -= row[base];
                    left < 0.0
                })
                .unwrap_or(3) as u8
        })
        .collect();
    DnaSequence::from_codes(codes)
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;

    use super::*;

    const LOGITS: [[f64; 4]; 3] = [[0.3, -1.2, 2.0, 0.1], [0.0; 4], [-0.7, 1.9, 1.8, -3.0]];

    /// A curved function of the probabilities and its gradient.
    fn loss(p: &[f64; 4]) -> (f64, [f64; 4]) {
        let weights = [0.5, -1.5, 2.5, 0.75];
        let linear: f64 = p.iter().zip(weights).map(|(p, w)| p * w).sum();
        let value = linear.sin() + p[0] * p[2];
        let mut gradient = weights.map(|w| w * linear.cos());
        gradient[0] += p[2];
        gradient[2] += p[0];
        (value, gradient)
    }

    fn check(value: impl Fn(&[f64; 4]) -> f64, gradient: impl Fn(&[f64; 4]) -> [f64; 4]) {
        for logits in &LOGITS {
            for base in 0..4 {
                let moved = |by: f64| {
                    let mut logits = *logits;
                    logits[base] += by;
                    value(&logits)
                };
                let step = 1e-5;
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                let found = gradient(logits)[base];
                assert!(
                    (found - difference).abs() < 1e-6 * difference.abs().max(1e-2),
                    "{found} {difference}"
                );
            }
        }
    }

    #[test]
    fn gradients_through_the_softmax_are_slopes_at_every_temperature() {
        for temperature in [0.3, 1.0, 2.5] {
            check(
                |logits| loss(&to_probabilities(logits, temperature)).0,
                |logits| {
                    let p = to_probabilities(logits, temperature);
                    to_logit_gradient(&p, &loss(&p).1, temperature)
                },
            );
        }
    }

    #[test]
    fn gradients_of_the_divergence_are_slopes() {
        for temperature in [0.3, 1.0, 2.5] {
            check(
                |logits| divergence(&to_probabilities(logits, temperature)),
                |logits| {
                    let p = to_probabilities(logits, temperature);
                    to_logit_gradient(&p, &divergence_gradient(&p), temperature)
                },
            );
        }
    }

    // The straight-through gradient takes the slope at the drawn sequence for that of every distribution:
    // it is the gradient of ⟨g, p(θ)⟩ with g held fixed.
    #[test]
    fn the_straight_through_gradient_is_that_of_the_tangent() {
        let slope = [1.0, -0.25, 0.5, 3.0];
        check(
            |logits| to_probabilities(logits, 1.0).iter().zip(slope).map(|(p, g)| p * g).sum(),
            |logits| to_logit_gradient(&to_probabilities(logits, 1.0), &slope, 1.0),
        );
    }

    #[test]
    fn extremes_stay_finite() {
        let p = to_probabilities(&[900.0, -900.0, 0.0, 0.0], 0.05);
        assert_eq!(p, [1.0, 0.0, 0.0, 0.0]);
        assert!((divergence(&p) - 4.0_f64.ln()).abs() < 1e-15);
        let gradient = to_logit_gradient(&p, &divergence_gradient(&p), 0.05);
        assert_eq!(gradient, [0.0; 4]);
        assert_eq!(divergence(&[0.25; 4]), 0.0);
    }

    #[test]
    fn bases_are_drawn_as_often_as_they_are_probable() {
        let row = [0.1, 0.2, 0.3, 0.4];
        let drawn = draw(&vec![row; 40_000], &mut Seed::new(1).stream("drawn")).unwrap();
        for (base, p) in row.iter().enumerate() {
            let share = drawn.as_codes().iter().filter(|&&code| usize::from(code) == base).count() as f64;
            // Five standard errors.
            assert!((share / 40_000.0 - p).abs() < 5.0 * (p * (1.0 - p) / 40_000.0_f64).sqrt());
        }
        assert_eq!(most_probable(&[row, [0.5, 0.5, 0.0, 0.0]]), [3, 0]);
    }
}
