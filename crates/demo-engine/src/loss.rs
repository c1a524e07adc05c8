//! The loss of a row of logits, and its derivative.

use serde::{Deserialize, Serialize};

use crate::real::Real;

/// What training makes small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Loss {
    /// Softmax cross-entropy: for each member, the sum over its rows of weight times
    /// `-ln softmax(logits)[label]`, divided by the sum of the weights.
    CrossEntropy,
}

impl Loss {
    /// The loss of one row, times `weight`; writes its derivative by the logits.
    ///
    /// The logarithm of the sum of exponentials is taken after subtracting the largest logit, so that
    /// no logit is too large. All in f64: it is two numbers a sequence.
    pub(crate) fn row<R: Real>(self, logits: &[R], label: u8, weight: f64, gradient: &mut [R]) -> f64 {
        let Self::CrossEntropy = self;
        if weight == 0.0 {
            gradient.fill(R::ZERO);
            return 0.0;
        }
        let largest = logits.iter().map(|z| z.to_f64()).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|z| (z.to_f64() - largest).exp()).sum();
        for (class, (g, z)) in gradient.iter_mut().zip(logits).enumerate() {
            let probability = (z.to_f64() - largest).exp() / sum;
            let target = f64::from(u8::from(class == usize::from(label)));
            *g = R::from_f64(weight * (probability - target));
        }
        weight * (largest + sum.ln() - logits[usize::from(label)].to_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_logits_stay_finite() {
        let mut gradient = [0.0; 2];
        let loss = Loss::CrossEntropy.row(&[1000.0, -1000.0], 1, 0.5, &mut gradient);
        assert_eq!(loss, 1000.0);
        assert_eq!(gradient, [0.5, -0.5]);
    }

    #[test]
    fn the_derivative_is_a_difference_quotient() {
        let logits = [0.3, -1.2, 2.0];
        let mut gradient = [0.0; 3];
        Loss::CrossEntropy.row(&logits, 0, 0.7, &mut gradient);
        for i in 0..3 {
            let at = |h: f64| {
                let mut moved = logits;
                moved[i] += h;
                Loss::CrossEntropy.row(&moved, 0, 0.7, &mut [0.0; 3])
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope / gradient[i] - 1.0).abs() < 1e-8);
        }
    }
}
