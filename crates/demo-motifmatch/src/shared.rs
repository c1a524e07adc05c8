//! Distributions of spans that many queries have in common.
//!
//! The columns of one-hot seqlets have few distinct histograms, two where both strands are searched, and a span's
//! distribution depends only on how many columns of each it has. Histograms are ordered by their content and a
//! span's columns are added in that order, so that a distribution is the same to the bit whether it was kept from
//! another query or made anew. Cost: one convolution for each combination that was not met before.
//!
//! On the way to one combination smaller ones are made, many more than the spans that are asked for where query and
//! targets are wide and the targets have few widths: nothing is shared then.

use std::collections::BTreeMap;

use crate::bins::BINS;
use crate::null::{Column, Sums, survival};

/// The most distinct histograms for which spans are kept.
const MOST: usize = 4;
/// Columns a query must have for each of them, or spans hardly come again.
const REPEATS: usize = 3;
/// Columns of the longest span up to which distributions are shared whatever is asked for.
const NARROW: usize = 40;
/// Numbers that a query of longer spans may make, eight bytes each.
const MADE: usize = 1 << 24;
/// Numbers that are kept for the next query at most.
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
    /// Which distinct histogram each column has; none where there are too many of them, or too many combinations
    /// for so many `spans` of up to `longest` columns. That rests on the query and the targets alone, so that
    /// queries have the same numbers in any company.
    pub(crate) fn classes(
        &mut self,
        histograms: &[Vec<f64>],
        longest: usize,
        spans: impl FnOnce() -> usize,
    ) -> Option<Vec<usize>> {
        let mut distinct: Vec<&Vec<f64>> = Vec::new();
        for histogram in histograms {
            if !distinct.contains(&histogram) {
                distinct.push(histogram);
            }
            if distinct.len() > MOST || distinct.len() * REPEATS > histograms.len() {
                return None;
            }
        }
        if longest > NARROW {
            let columns = |distinct| histograms.iter().filter(|&histogram| histogram == distinct).count();
            if !are_few(distinct.iter().copied().map(columns), longest, spans()) {
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

/// Whether so many `columns` of each histogram have no more combinations of up to `longest` columns than there are
/// `spans`, and these not too many numbers.
fn are_few(columns: impl Iterator<Item = usize>, longest: usize, spans: usize) -> bool {
    // By the number of columns combined.
    let mut combinations = vec![0; longest + 1];
    combinations[0] = 1;
    for most in columns {
        for length in (0..=longest).rev() {
            combinations[length] = combinations[length.saturating_sub(most)..=length].iter().sum();
        }
    }
    let numbers = || combinations.iter().enumerate().map(|(length, count)| 2 * BINS * length * count).sum();
    combinations.iter().sum::<usize>() <= spans && (0..=MADE).contains(&numbers())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shared_that_takes_more_than_it_saves() {
        let is_shared = |query: usize, longest: usize, spans: usize| {
            let histograms: Vec<Vec<f64>> = (0..query).map(|i| vec![1.0; 1 + i % 2]).collect();
            Shared::default().classes(&histograms, longest, || spans).is_some()
        };
        // Targets of one width, as wide as the query, ask for the spans at either end of it.
        let of_one_width = [20, 40, 41, 100, 300].map(|width| is_shared(width, width, 2 * width - 1));
        assert_eq!(of_one_width, [true, true, false, false, false]);
        // Targets of all widths ask for as many spans as there are columns, of each length.
        assert!(is_shared(100, 60, 100 * 60) && is_shared(300, 45, 300 * 45));
        // These would hold gigabytes.
        assert!(!is_shared(1000, 200, 1000 * 200));
        // None, one of either, and two: one of each or both of the second.
        assert!(are_few([1, 2].into_iter(), 2, 5) && !are_few([1, 2].into_iter(), 2, 4));
    }
}
