//! A motif's log-odds as whole numbers, and how often chance reaches each of them.
//!
//! What is counted is not the score but what a window loses against the motif's best one: in each
//! column the best base loses nothing. A thousand steps span the widest column, fewer where a motif has
//! more than sixty columns. A base whose probability is zero loses everything: such a window scores
//! negative infinity and is never a hit.
//!
//! The null is a sequence of independent bases from the background. The loss of a window is then a sum
//! of independent columns, and its distribution their convolution (Staden 1989), exact for the whole
//! numbers that windows are scored with. Only the tail that hits can lie in is computed.
//! Cost: columns × losses in the tail.

use demo_core::{Background, LogOddsMatrix};

/// Steps that span the widest column.
const STEPS: usize = 1000;
/// Steps that all columns together may span.
const ALL_STEPS: usize = 60_000;
/// Bits between the best and the worst base of the widest column beneath which all columns are the background's:
/// what rounding leaves of a ratio of 1.
const LEAST: f64 = 1e-9;
/// What a base of probability zero loses.
const FORBIDDEN: u32 = u32::MAX;

/// A motif on its forward strand, ready to be scored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// What each base loses against the best of its column, in steps.
    losses: Vec<[u32; 4]>,
    /// Bits of the best window.
    best: f64,
    /// Bits of one step.
    step: f64,
}

impl Weights {
    pub(super) fn new(matrix: &LogOddsMatrix) -> Self {
        let finite = |row: &[f64; 4]| row.iter().copied().filter(|bits| bits.is_finite()).collect::<Vec<_>>();
        let ends = |row: &[f64; 4]| {
            let bits = finite(row);
            let low = bits.iter().copied().fold(f64::INFINITY, f64::min);
            (low, bits.into_iter().fold(f64::NEG_INFINITY, f64::max))
        };
        let widest = matrix.rows().iter().map(ends).map(|(low, high)| high - low).fold(0.0, f64::max);
        let steps = STEPS.min(ALL_STEPS / matrix.width().max(1)).max(1);
        // Where all columns are those of the background there is nothing to lose.
        let step = if widest > LEAST { widest / steps as f64 } else { 1.0 };
        let lost = |row: &[f64; 4]| {
            let high = ends(row).1;
            row.map(|bits| if bits.is_finite() { ((high - bits) / step).round() as u32 } else { FORBIDDEN })
        };
        let losses = matrix.rows().iter().map(lost).collect();
        Self { losses, best: matrix.rows().iter().map(|row| ends(row).1).sum(), step }
    }

    /// Number of columns.
    pub(super) fn width(&self) -> usize {
        self.losses.len()
    }

    /// Position × base, in steps.
    pub(super) fn losses(&self) -> &[[u32; 4]] {
        &self.losses
    }

    /// The score in bits of a window that loses so many steps.
    pub(super) fn score(&self, loss: usize) -> f64 {
        self.best - loss as f64 * self.step
    }

    /// P(a chance window loses no more) for every loss from 0 up to the last one at which it does not exceed
    /// `limit`; empty where even the best window is too frequent.
    pub(super) fn tail(&self, background: &Background, limit: f64) -> Vec<f64> {
        let largest =
            |row: &[u32; 4]| row.iter().copied().filter(|&loss| loss != FORBIDDEN).max().unwrap_or(0);
        let all: usize = self.losses.iter().map(|row| largest(row) as usize).sum();
        let mut reach = (all / 8).max(64).min(all);
        loop {
            let mut tail = self.cumulated(background, reach);
            let within = tail.partition_point(|&p| p <= limit);
            if within < tail.len() || reach == all {
                tail.truncate(within);
                return tail;
            }
            reach = (2 * reach).min(all);
        }
    }

    /// P(loss ≤ x) for x from 0 to `reach`.
    fn cumulated(&self, background: &Background, reach: usize) -> Vec<f64> {
        let mut shares = vec![0.0; reach + 1];
        let mut next = vec![0.0; reach + 1];
        shares[0] = 1.0;
        let mut used = 1;
        for row in &self.losses {
            next.fill(0.0);
            let mut end = 0;
            for (&loss, frequency) in row.iter().zip(background.frequencies()) {
                let loss = loss as usize;
                if loss > reach {
                    continue;
                }
                let count = used.min(reach + 1 - loss);
                for (to, from) in next[loss..loss + count].iter_mut().zip(&shares[..count]) {
                    *to += frequency * from;
                }
                end = end.max(loss + count);
            }
            used = end;
            std::mem::swap(&mut shares, &mut next);
        }
        let mut sum = 0.0f64;
        shares
            .iter()
            .map(|share| {
                sum += share;
                // Rounding may carry a sum of shares past one.
                sum.min(1.0)
            })
            .collect()
    }

    /// The same motif as the other strand shows it.
    pub(super) fn to_reverse_complement(&self) -> Self {
        let losses = self.losses.iter().rev().map(|&[a, c, g, t]| [t, g, c, a]).collect();
        Self { losses, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use demo_core::ProbabilityMatrix;
    use proptest::prelude::*;

    use super::*;

    pub(in crate::scan) fn weights(rows: Vec<[f64; 4]>, background: &Background) -> Weights {
        let rows = rows.into_iter().map(|row| row.map(|p| p / row.iter().sum::<f64>())).collect();
        Weights::new(&ProbabilityMatrix::new(rows).unwrap().to_log_odds(background))
    }

    /// P(loss ≤ x) from all words.
    fn enumerated(weights: &Weights, background: &Background, x: u64) -> f64 {
        let mut words: Vec<(u64, f64)> = vec![(0, 1.0)];
        for row in weights.losses() {
            words = words
                .iter()
                .flat_map(|&(loss, p)| {
                    let f = background.frequencies();
                    (0..4).map(move |base| (loss + u64::from(row[base]), p * f[base]))
                })
                .collect();
        }
        words.sort_by_key(|word| word.0);
        words.iter().take_while(|word| word.0 <= x).map(|word| word.1).sum()
    }

    #[test]
    fn a_certain_column_costs_its_background() {
        let background = Background::new([0.3, 0.2, 0.2, 0.3]).unwrap();
        let weights = weights(vec![[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], &background);
        assert_eq!(weights.tail(&background, 1.0), [0.3 * 0.2]);
        assert!(weights.tail(&background, 0.05).is_empty());
        assert!((weights.score(0) - (1.0f64 / 0.06).log2()).abs() < 1e-12);
    }

    #[test]
    fn scores_are_as_exact_as_their_steps() {
        let rows = vec![[0.7, 0.1, 0.15, 0.05], [0.25; 4], [0.05, 0.8, 0.05, 0.1]];
        let matrix = ProbabilityMatrix::new(rows).unwrap().to_log_odds(&Background::UNIFORM);
        let weights = Weights::new(&matrix);
        for code in 0..64usize {
            let word = [code / 16, code / 4 % 4, code % 4];
            let exact: f64 = word.iter().zip(matrix.rows()).map(|(&base, row)| row[base]).sum();
            let loss: u32 = word.iter().zip(weights.losses()).map(|(&base, row)| row[base]).sum();
            assert!((weights.score(loss as usize) - exact).abs() <= 1.5 * weights.step, "{word:?}");
        }
    }

    #[test]
    fn a_motif_like_the_background_loses_nothing() {
        let uneven = Background::new([0.29, 0.21, 0.21, 0.29]).unwrap();
        for background in [Background::UNIFORM, uneven] {
            let weights = weights(vec![background.frequencies(); 15], &background);
            assert_eq!(weights.losses(), [[0; 4]; 15]);
            assert!(weights.tail(&background, 0.5).is_empty() && weights.score(0).abs() < 1e-9);
        }
    }

    #[test]
    fn hundreds_of_columns_stay_within_their_steps() {
        let weights = weights(vec![[0.91, 0.03, 0.03, 0.03]; 700], &Background::UNIFORM);
        let tail = weights.tail(&Background::UNIFORM, 1e-4);
        assert!(tail.windows(2).all(|pair| pair[0] <= pair[1]) && tail.last().unwrap() <= &1e-4);
        assert!(weights.losses().iter().flatten().all(|&loss| loss as usize <= ALL_STEPS / 700));
    }

    proptest! {
        #[test]
        fn the_tail_is_that_of_all_words(
            rows in prop::collection::vec(prop::array::uniform4(prop_oneof![Just(0.0), Just(1.0), 0.01f64..9.0]), 1..7)
                .prop_filter("a row needs a base", |rows| rows.iter().all(|row| row.iter().sum::<f64>() > 0.0)),
            frequencies in prop::array::uniform4(0.05f64..1.0),
            limit in prop_oneof![Just(1.0), 1e-4f64..1.0],
        ) {
            let background = Background::new(frequencies.map(|f| f / frequencies.iter().sum::<f64>())).unwrap();
            let weights = weights(rows, &background);
            let tail = weights.tail(&background, limit);
            for (x, &p) in tail.iter().enumerate().step_by(7) {
                let wanted = enumerated(&weights, &background, x as u64);
                prop_assert!((p - wanted).abs() <= 1e-12 * wanted, "{} {} {}", x, p, wanted);
                prop_assert!(p <= limit);
            }
            // The next loss would exceed the limit, or there is none.
            let next = enumerated(&weights, &background, tail.len() as u64);
            let longest = weights.losses().iter().map(|row| row.iter().filter(|&&l| l != FORBIDDEN).max().unwrap()).sum::<u32>();
            prop_assert!(next > limit - 1e-12 || tail.len() > longest as usize);
        }
    }
}
