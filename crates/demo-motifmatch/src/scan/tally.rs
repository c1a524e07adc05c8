//! How many windows there were, and how many of them lost how much: what q-values are made of.

use std::sync::Arc;

use super::weights::Weights;
use super::{Hit, Scanner, Stretch};

/// Windows counted over any number of sequences.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    counted: Counted,
    /// The widths that motifs have, sorted, with the number of windows of known bases on one strand.
    windows: Vec<(usize, u64)>,
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
            counted: Counted::new(scanner),
            windows: widths.into_iter().map(|width| (width, 0)).collect(),
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
    ///
    /// # Panics
    /// Where a hit is not of the scanner that the tally was made for, or one with a narrower threshold.
    pub fn add_hits(&mut self, hits: &[Hit]) {
        for hit in hits {
            self.counted.check_hit(hit);
            self.counts[hit.motif][hit.loss as usize] += 1;
        }
    }

    /// Panics where a scanner's losses cannot be added.
    pub(super) fn check(&self, scanner: &Scanner) {
        self.counted.check(scanner);
        let same = scanner.tails().map(|(_, tail)| tail.len()).eq(self.counts.iter().map(Vec::len));
        assert!(same, "the tally counts windows up to another threshold than the scanner's");
    }

    pub(super) fn add_counts(&mut self, motif: usize, counts: &[u64]) {
        self.counts[motif].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    /// How many windows of this width there were, on all strands that are scanned.
    pub fn windows(&self, width: usize) -> u64 {
        let found = self.windows.binary_search_by_key(&width, |&(width, _)| width);
        found.map_or(0, |index| self.windows[index].1 * if self.counted.both_strands { 2 } else { 1 })
    }

    /// The q-values of all losses that are looked for: by the scanner that the tally was made for, or one of the
    /// same motifs with a narrower threshold.
    ///
    /// # Panics
    /// Where the scanner is of other motifs or strands, or looks for windows that the tally did not count.
    pub fn q_values(&self, scanner: &Scanner) -> ScanQValues {
        self.counted.check(scanner);
        let of_motif = |((width, tail), counts): ((usize, &[f64]), &Vec<u64>)| {
            assert!(tail.len() <= counts.len(), "the tally counts fewer windows than the scanner looks for");
            let windows = self.windows(width) as f64;
            let mut sum: u64 = counts[..tail.len()].iter().sum();
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
        let values = scanner.tails().zip(&self.counts).map(of_motif).collect();
        ScanQValues { counted: self.counted.clone(), values }
    }
}

/// The q-value of every hit of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanQValues {
    counted: Counted,
    /// By motif and loss.
    values: Vec<Vec<f64>>,
}

impl ScanQValues {
    /// The false discovery rate among the windows of the hit's motif that score at least as high.
    ///
    /// # Panics
    /// Where the hit is not of the scan that was counted.
    pub fn of(&self, hit: &Hit) -> f64 {
        self.counted.check_hit(hit);
        self.values[hit.motif][hit.loss as usize]
    }

    /// Panics where these are not the q-values of a scanner's windows.
    pub(super) fn check(&self, scanner: &Scanner) {
        self.counted.check(scanner);
    }

    /// How many losses of a motif have a q-value up to `limit`.
    pub(super) fn within(&self, motif: usize, limit: f64) -> usize {
        self.values[motif].partition_point(|&q| q <= limit)
    }
}

/// Whose windows are counted: counts and q-values of other motifs would be numbers like any others.
#[derive(Debug, Clone, PartialEq)]
struct Counted {
    motifs: Arc<[Weights]>,
    both_strands: bool,
}

impl Counted {
    fn new(scanner: &Scanner) -> Self {
        let motifs = scanner.weights().cloned().collect();
        Self { motifs, both_strands: scanner.options().both_strands }
    }

    fn check(&self, scanner: &Scanner) {
        let same = self.both_strands == scanner.options().both_strands && scanner.weights().eq(&*self.motifs);
        assert!(same, "the windows that were counted are of other motifs or strands than the scanner's");
    }

    fn check_hit(&self, hit: &Hit) {
        let motif = self.motifs.get(hit.motif);
        let same = motif.is_some_and(|weights| weights.score(hit.loss as usize) == hit.score);
        assert!(same, "the hit is of another scan than the one that is counted");
    }
}
