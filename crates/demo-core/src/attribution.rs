//! What an explanation says about one sequence, as plain numbers, so that what draws it needs no tensors.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How much each position, and where the method says so each base, moves a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// The method, such as `saliency`.
    pub method: String,
    /// What is explained, such as `logit(bound) - logit(unbound)`.
    pub target: String,
    /// What the sequence is compared with; `None` for methods without a reference.
    pub reference: Option<String>,
    /// How far the sum misses f(x) - f(reference); `None` where the method makes no such promise.
    pub completeness_error: Option<f64>,
    scores: Vec<f32>,
    base_scores: Option<Vec<[f32; 4]>>,
}

impl Attribution {
    /// An attribution with one score a position and no reference.
    pub fn new(method: impl Into<String>, target: impl Into<String>, scores: Vec<f32>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            reference: None,
            completeness_error: None,
            scores,
            base_scores: None,
        }
    }

    /// The same attribution with a score for each base of each position, in the order A, C, G, T.
    ///
    /// # Errors
    /// [`Error::AttributionLength`] where the lengths differ.
    pub fn with_base_scores(mut self, base_scores: Vec<[f32; 4]>) -> Result<Self> {
        if base_scores.len() != self.scores.len() {
            return Err(Error::AttributionLength { scores: self.scores.len(), bases: base_scores.len() });
        }
        self.base_scores = Some(base_scores);
        Ok(self)
    }

    /// One score a position.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// Position × base, where the method scores bases that were not observed too.
    pub fn base_scores(&self) -> Option<&[[f32; 4]]> {
        self.base_scores.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_scores_cover_the_same_positions() {
        let attribution = Attribution::new("saliency", "logit(bound) - logit(unbound)", vec![0.5, 0.0]);
        let error = attribution.clone().with_base_scores(vec![[0.0; 4]]).unwrap_err();
        assert_eq!(error, Error::AttributionLength { scores: 2, bases: 1 });
        let both = attribution.with_base_scores(vec![[1.0; 4]; 2]).unwrap();
        assert_eq!(both.base_scores().map(<[_]>::len), Some(2));
    }
}
