//! The first-order Markov chain that background sequences are drawn from.
//!
//! Its sixteen counts were taken over the 299,710 training positives (30.0 million dinucleotides) of
//! twenty ENCODE ChIP-seq sets in `DeepBind`'s release (Alipanahi et al., Nat. Biotechnol. 33:831,
//! 2015): ARID3A (`HepG2`, K562), CTCFL, FOXA1, GABPA, GATA3, MYC, NFE2, REST, SP1, SRF, SUZ12, TAF1,
//! TBP, TEAD4, USF1 (H1-hESC, `HepG2`), YY1, ZBTB7A and ZNF143. Peaks have no strand, so each count is
//! added to that of its reverse complement.
//!
//! Under a first-order chain all dinucleotide shuffles of a sequence are equally likely, which is
//! what makes the likelihood ratio of the simulator's two classes computable.

use std::sync::LazyLock;

use rand::Rng;

/// How often each dinucleotide was seen, first base × second base, as written in the files.
const COUNTS: [[u32; 4]; 4] = [
    [1_753_555, 1_515_931, 2_215_939, 1_321_414],
    [2_244_014, 2_500_805, 1_209_448, 2_212_563],
    [1_775_989, 2_373_923, 2_515_833, 1_521_602],
    [1_031_970, 1_774_504, 2_248_548, 1_754_951],
];

/// The chain of real peaks.
pub(super) static PEAKS: LazyLock<MarkovChain> = LazyLock::new(|| MarkovChain::from_counts(&COUNTS));

/// A first-order chain over the four bases, equal on both strands.
#[derive(Debug, Clone)]
pub(super) struct MarkovChain {
    /// P(second base | first base).
    pub(super) transitions: [[f64; 4]; 4],
    /// How often each base occurs.
    pub(super) frequencies: [f64; 4],
    first: Thresholds,
    next: [Thresholds; 4],
}

impl MarkovChain {
    fn from_counts(counts: &[[u32; 4]; 4]) -> Self {
        let both = |i: usize, j: usize| f64::from(counts[i][j]) + f64::from(counts[3 - j][3 - i]);
        let joint: [[f64; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| both(i, j)));
        let total: f64 = joint.iter().flatten().sum();
        let sums = joint.map(|row| row.iter().sum::<f64>());
        let transitions: [[f64; 4]; 4] = std::array::from_fn(|i| joint[i].map(|count| count / sums[i]));
        let frequencies = sums.map(|sum| sum / total);
        let next = transitions.map(|row| Thresholds::new(&row));
        Self { transitions, frequencies, first: Thresholds::new(&frequencies), next }
    }

    /// Draws a sequence, one number a base.
    pub(super) fn draw(&self, length: usize, rng: &mut impl Rng) -> Vec<u8> {
        let mut codes = Vec::with_capacity(length);
        let mut thresholds = &self.first;
        for _ in 0..length {
            let code = thresholds.draw(rng);
            codes.push(code);
            thresholds = &self.next[usize::from(code)];
        }
        codes
    }
}

/// A distribution over the four bases as cumulative whole numbers, so that the last bit of a power or
/// a quotient, which may differ between machines, hardly ever reaches a sequence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thresholds([u32; 3]);

impl Thresholds {
    pub(super) fn new(probabilities: &[f64; 4]) -> Self {
        let mut sum = 0.0;
        Self(std::array::from_fn(|base| {
            sum += probabilities[base];
            (sum * f64::from(1 << 24)).round() as u32
        }))
    }

    /// Draws a base code.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> u8 {
        let number = rng.next_u32() >> 8;
        self.0.iter().map(|&threshold| u8::from(number >= threshold)).sum()
    }
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;

    use super::*;

    #[test]
    fn drawn_sequences_have_the_statistics_of_peaks() {
        // Within four standard errors of the chain's own probabilities.
        let codes = PEAKS.draw(400_000, &mut Seed::new(5).stream("background"));
        let mut counts = [[0.0; 4]; 4];
        for pair in codes.windows(2) {
            counts[usize::from(pair[0])][usize::from(pair[1])] += 1.0;
        }
        for (row, wanted) in counts.iter().zip(&PEAKS.transitions) {
            let sum: f64 = row.iter().sum();
            for (count, p) in row.iter().zip(wanted) {
                assert!((count / sum - p).abs() < 4.0 * (p * (1.0 - p) / sum).sqrt());
            }
        }
    }

    #[test]
    fn the_chain_is_equal_on_both_strands() {
        let joint = |i: usize, j: usize| PEAKS.frequencies[i] * PEAKS.transitions[i][j];
        for i in 0..4 {
            for j in 0..4 {
                assert!((joint(i, j) - joint(3 - j, 3 - i)).abs() < 1e-15);
            }
        }
        // CpG is depleted in real DNA and so it is here.
        assert!((PEAKS.transitions[1][2] - 0.147_89).abs() < 1e-5);
    }
}
