//! Scores with their true labels, checked and sorted once: what every rank statistic starts from.

use crate::error::check_length;
use crate::{Error, Result};

/// The scores a model gave to labelled examples; higher means more likely positive.
///
/// There is at least one example of each class and no NaN. Infinite scores are allowed, since only
/// ranks count: a motif scan gives minus infinity to an impossible site.
///
/// ```
/// use demo_eval::ScoredLabels;
///
/// let scored = ScoredLabels::new(&[true, true, false, false], &[0.9, 0.4, 0.4, 0.1])?;
/// assert_eq!(scored.auroc(), 0.875);
/// # Ok::<(), demo_eval::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScoredLabels {
    labels: Vec<bool>,
    scores: Vec<f64>,
    /// Examples by rising score; ties by position.
    order: Vec<usize>,
    positives: usize,
}

impl ScoredLabels {
    /// Takes one label and one score for each example.
    ///
    /// # Errors
    ///
    /// When the lengths differ, a score is NaN, or a class is missing.
    pub fn new(labels: &[bool], scores: &[f64]) -> Result<Self> {
        check_length("scores", scores.len(), labels.len())?;
        if let Some(index) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::NotFinite { what: "score", index, found: scores[index] });
        }
        let positives = labels.iter().filter(|&&label| label).count();
        let negatives = labels.len() - positives;
        if positives == 0 || negatives == 0 {
            return Err(Error::Classes { positives, negatives, wanted: 1 });
        }
        // Adding zero turns -0 into 0, so that the total order below has no ties of its own making.
        let scores: Vec<f64> = scores.iter().map(|score| score + 0.0).collect();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        Ok(Self { labels: labels.to_vec(), scores, order, positives })
    }

    /// The true labels, in the order given.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// The scores, in the order given.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The number of positive examples.
    pub fn positives(&self) -> usize {
        self.positives
    }

    /// The number of negative examples.
    pub fn negatives(&self) -> usize {
        self.labels.len() - self.positives
    }

    /// Groups of examples with one score, by rising score.
    pub(crate) fn ties(&self) -> impl DoubleEndedIterator<Item = &[usize]> {
        self.order.chunk_by(|&a, &b| self.scores[a] == self.scores[b])
    }

    /// Positives and negatives counted up to and including each distinct score, by falling score.
    pub(crate) fn cumulative_from_top(&self) -> impl Iterator<Item = Cumulative> {
        let mut seen = Cumulative::default();
        self.ties().rev().map(move |tie| {
            let positives = tie.iter().filter(|&&example| self.labels[example]).count();
            seen.positives += positives;
            seen.negatives += tie.len() - positives;
            seen
        })
    }
}

/// How many examples of each class score at least as high as some threshold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cumulative {
    pub(crate) positives: usize,
    pub(crate) negatives: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_input_is_an_error() {
        let error = ScoredLabels::new(&[true, false], &[1.0]).unwrap_err();
        assert_eq!(error.to_string(), "found 1 scores, wanted 2");
        let error = ScoredLabels::new(&[true, false], &[1.0, f64::NAN]).unwrap_err();
        assert!(error.to_string().starts_with("score 2: found NaN"));
        let error = ScoredLabels::new(&[true, true], &[1.0, 2.0]).unwrap_err();
        assert!(error.to_string().contains("2 positives and 0 negatives"));
        assert!(ScoredLabels::new(&[], &[]).is_err());
    }

    #[test]
    fn both_zeros_are_one_score() {
        let scored = ScoredLabels::new(&[true, false], &[-0.0, 0.0]).unwrap();
        assert_eq!(scored.ties().count(), 1);
    }

    #[test]
    fn counts_fall_from_the_top() {
        let scored = ScoredLabels::new(&[true, false, true], &[1.0, 3.0, 1.0]).unwrap();
        let counts: Vec<_> =
            scored.cumulative_from_top().map(|seen| (seen.positives, seen.negatives)).collect();
        assert_eq!(counts, [(0, 1), (2, 1)]);
    }
}
