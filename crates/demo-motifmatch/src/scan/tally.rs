//! How many windows there were, and how many of them lost how much: what q-values are made of.

use super::{Hit, Scanner, Stretch};

/// Windows counted over any number of sequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The widths that motifs have, sorted, with the number of windows of known bases on one strand.
    windows: Vec<(usize, u64)>,
    strands: u64,
    /// Hits by motif and loss.
    counts: Vec<Vec<u64>>,
}

impl Tally {
    /// An empty tally for the motifs of a scanner.
    pub fn new(scanner: &Scanner) -> Self {
        let mut widths: Vec<usize> = scanner.tails().map(|(width, _)| width).collect();
        widths.sort_unstable();
        widths.dedup();
        Self {
            windows: widths.into_iter().map(|width| (width, 0)).collect(),
            strands: if scanner.options().both_strands { 2 } else { 1 },
            counts: scanner.tails().map(|(_, tail)| vec![0; tail.len()]).collect(),
        }
    }

    /// Adds the windows of these sequences.
    pub fn add_windows(&mut self, stretches: &[Stretch<'_>]) {
        for stretch in stretches {
            let starts = stretch.starts.min(stretch.sequence.len());
            let mut start = 0;
            for run in stretch.sequence.as_codes().split(|&code| code >= demo_core::UNKNOWN) {
                for (width, count) in &mut self.windows {
                    let end = (start + run.len() + 1).saturating_sub(*width).min(starts);
                    *count += end.saturating_sub(start) as u64;
                }
                start += run.len() + 1;
            }
        }
    }

    /// Adds hits.
    pub fn add_hits(&mut self, hits: &[Hit]) {
        for hit in hits {
            self.counts[hit.motif][hit.loss as usize] += 1;
        }
    }

    pub(super) fn add_counts(&mut self, motif: usize, counts: &[u64]) {
        self.counts[motif].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    /// How many windows of this width there were, on all strands that are scanned.
    pub fn windows(&self, width: usize) -> u64 {
        let found = self.windows.binary_search_by_key(&width, |&(width, _)| width);
        found.map_or(0, |index| self.windows[index].1 * self.strands)
    }

    /// The q-values of all losses that were looked for.
    pub fn q_values(&self, scanner: &Scanner) -> ScanQValues {
        let of_motif = |((width, tail), counts): ((usize, &[f64]), &Vec<u64>)| {
            let windows = self.windows(width) as f64;
            let mut sum: u64 = counts.iter().sum();
            let mut least = 1.0f64;
            let mut q = vec![1.0; tail.len()];
            for (loss, &p) in tail.iter().enumerate().rev() {
                // Where no window lost so much there is nothing to rank.
                if counts[loss] > 0 {
                    least = least.min(p * windows / sum as f64);
                    sum -= counts[loss];
                }
                q[loss] = least;
            }
            q
        };
        ScanQValues(scanner.tails().zip(&self.counts).map(of_motif).collect())
    }
}

/// The q-value of every hit of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanQValues(Vec<Vec<f64>>);

impl ScanQValues {
    /// The false discovery rate among the windows of the hit's motif that score at least as high.
    ///
    /// # Panics
    /// Where the hit is not of the scan that was counted.
    pub fn of(&self, hit: &Hit) -> f64 {
        self.0[hit.motif][hit.loss as usize]
    }

    /// How many losses of a motif have a q-value up to `limit`.
    pub(super) fn within(&self, motif: usize, limit: f64) -> usize {
        self.0[motif].partition_point(|&q| q <= limit)
    }
}
