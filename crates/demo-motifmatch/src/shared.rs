//! Distributions of spans that many queries have in common.
//!
//! The columns of one-hot seqlets have few distinct histograms, two where both strands are searched, and a span's
//! distribution depends only on how many columns of each it has. Histograms are ordered by their content and a
//! span's columns are added in that order, so that a distribution is the same to the bit whether it was kept from
//! another query or made anew. Cost: one convolution for each combination that was not met before.

use std::collections::BTreeMap;

use crate::null::{Column, Sums, survival};

/// The most distinct histograms for which spans are kept.
const MOST: usize = 4;
/// Columns a query must have for each of them, or spans hardly come again.
const REPEATS: usize = 3;
/// Numbers that are kept at most, eight bytes each.
const KEPT: usize = 1 << 20;

/// Kept distributions, for one set of histograms at a time.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    distinct: Vec<Vec<f64>>,
    /// By the number of columns of each histogram: the sums, and their survival function from sum 0 on.
    spans: BTreeMap<Vec<u16>, (Sums, Vec<f64>)>,
    numbers: usize,
}

impl Shared {
    /// Which distinct histogram each column has; none where there are too many of them.
    pub(crate) fn classes(&mut self, histograms: &[Vec<f64>]) -> Option<Vec<usize>> {
        let mut distinct: Vec<&Vec<f64>> = Vec::new();
        for histogram in histograms {
            if !distinct.contains(&histogram) {
                distinct.push(histogram);
            }
            if distinct.len() > MOST || distinct.len() * REPEATS > histograms.len() {
                return None;
            }
        }
        distinct.sort_by(|a, b| a.iter().map(|x| x.to_bits()).cmp(b.iter().map(|x| x.to_bits())));
        if !distinct.iter().copied().eq(&self.distinct) {
            *self = Self { distinct: distinct.into_iter().cloned().collect(), ..Self::default() };
        }
        if self.numbers > KEPT {
            self.spans.clear();
            self.numbers = 0;
        }
        let class = |histogram| self.distinct.iter().position(|other| other == histogram);
        histograms.iter().map(class).collect()
    }

    /// P(summed bins of a span ≥ sum), from sum 0 on, for so many columns of each histogram.
    pub(crate) fn survival(&mut self, counts: &[u16]) -> &[f64] {
        if !self.spans.contains_key(counts) {
            self.make(counts);
        }
        self.spans.get(counts).map_or(&[], |(_, survival)| survival)
    }

    fn make(&mut self, counts: &[u16]) {
        // Back to a combination that is known, then forward again a column at a time.
        let mut path = vec![counts.to_vec()];
        while let Some(last) = path.last().filter(|counts| !self.spans.contains_key(*counts)) {
            let Some(class) = last.iter().rposition(|&count| count > 0) else { break };
            let mut before = last.clone();
            before[class] -= 1;
            path.push(before);
        }
        for counts in path.iter().rev() {
            if !self.spans.contains_key(counts) {
                let sums = self.grown(counts);
                let tails = survival(&sums);
                self.numbers += 2 * tails.len();
                self.spans.insert(counts.clone(), (sums, tails));
            }
        }
    }

    /// The sums of a combination from those of the one before.
    fn grown(&self, counts: &[u16]) -> Sums {
        let Some(class) = counts.iter().rposition(|&count| count > 0) else { return Sums::certain() };
        let mut before = counts.to_vec();
        before[class] -= 1;
        let mut next = Sums::default();
        if let Some((sums, _)) = self.spans.get(&before) {
            sums.add(&Column::new(&self.distinct[class]), 0, &mut next);
        }
        next
    }
}
