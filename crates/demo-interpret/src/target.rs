//! The number that is explained.
//!
//! A classifier of two classes gives logits u (unbound) and b (bound). Everything here explains
//! their difference b - u, which is the log-odds of binding: P(bound) = 1 / (1 + exp(u - b)). It does
//! not saturate as the probability does. Where a predictor averages both strands, its logits are
//! averages already, and so is what is explained.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Which combination of the logits is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// logit(bound) - logit(unbound).
    #[default]
    Binding,
}

impl Target {
    /// The name as reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Binding => "logit(bound) - logit(unbound)",
        }
    }

    /// The weight of each logit, in the order of the classes.
    ///
    /// # Errors
    /// [`Error::Classes`] where there are not two of them.
    pub fn cotangent(self, classes: usize) -> Result<[f32; 2]> {
        match (self, classes) {
            (Self::Binding, 2) => Ok([-1.0, 1.0]),
            (Self::Binding, found) => Err(Error::Classes { found }),
        }
    }

    /// The score of one sequence from its two logits.
    pub fn score(self, logits: [f32; 2]) -> f32 {
        match self {
            Self::Binding => logits[1] - logits[0],
        }
    }
}

/// P(bound) from logit(bound) - logit(unbound).
pub(crate) fn probability(score: f32) -> f32 {
    (1.0 / (1.0 + (-f64::from(score)).exp())) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_is_the_cotangent_applied_to_the_logits() {
        let logits = [0.25, 2.0];
        let cotangent = Target::Binding.cotangent(2).unwrap();
        let product: f32 = logits.iter().zip(cotangent).map(|(l, c)| l * c).sum();
        assert_eq!(Target::Binding.score(logits), product);
    }

    #[test]
    fn three_classes_are_refused() {
        assert!(matches!(Target::Binding.cotangent(3), Err(Error::Classes { found: 3 })));
    }

    #[test]
    fn probability_is_the_softmax_of_two() {
        assert_eq!(probability(0.0), 0.5);
        assert!((probability(3.0_f32.ln()) - 0.75).abs() < 1e-6);
        assert_eq!(probability(-200.0), 0.0);
        assert_eq!(probability(200.0), 1.0);
    }
}
