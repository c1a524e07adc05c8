//! How well scan and oracle tell the classes of a simulated set apart.

use demo_core::Seed;
use rayon::prelude::*;

use super::grammar::Grammar;
use super::parameters::SetParameters;
use super::score::{Coded, Oracle, Scan};
use super::{draw_pair, grammar_of};
use crate::Result;

/// AUROC of the two judges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reached {
    /// Of a scan with the factor's own matrix.
    pub scan: f64,
    /// Of the oracle, which knows the whole grammar.
    pub oracle: f64,
}

/// Generates pairs as the parameters say and scores them; the same pairs at every call, and streams
/// that no half of any set uses. Cost: some ten microseconds a pair.
///
/// # Errors
/// [`crate::Error::Simulated`] where the parameters name a motif that JASPAR 2016 lacks,
/// [`crate::Error::SimulatedGap`] where the partner has no room.
pub fn measure(parameters: &SetParameters, pairs: usize) -> Result<Reached> {
    let grammar = grammar_of(parameters)?;
    let streams = Seed::new(0).child("simulated57").child(&parameters.set).child("calibration");
    let scores = score_pairs(&grammar, streams, pairs);
    let auroc_of = |judge: usize| {
        let both = |pair: &PairScores| [(pair[0][judge], true), (pair[1][judge], false)];
        auroc(scores.iter().flat_map(both).collect())
    };
    Ok(Reached { scan: auroc_of(0), oracle: auroc_of(1) })
}

/// Positive and negative × scan and oracle.
type PairScores = [[f64; 2]; 2];

fn score_pairs(grammar: &Grammar, streams: Seed, pairs: usize) -> Vec<PairScores> {
    let (scan, oracle) = (Scan::new(grammar), Oracle::new(grammar));
    let score = |codes: &[u8]| {
        let sequence = Coded::new(codes);
        [scan.score(&sequence), oracle.score(&sequence)]
    };
    (0..pairs)
        .into_par_iter()
        .with_min_len(256)
        .map(|index| {
            let pair = draw_pair(grammar, streams, index);
            [score(&pair.positive), score(&pair.negative)]
        })
        .collect()
}

/// The probability that a positive scores above a negative, ties counting one half.
pub(super) fn auroc(mut scores: Vec<(f64, bool)>) -> f64 {
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut negatives, mut positives, mut wins) = (0.0, 0.0, 0.0);
    for tied in scores.chunk_by(|a, b| a.0 == b.0) {
        let above = tied.iter().filter(|score| score.1).count() as f64;
        let below = tied.len() as f64 - above;
        wins += above * (negatives + below / 2.0);
        negatives += below;
        positives += above;
    }
    wins / (positives * negatives)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::calibrations;

    #[test]
    fn ties_count_one_half() {
        let scores = vec![(1.0, true), (0.0, false), (0.5, true), (0.5, false)];
        assert_eq!(auroc(scores), 3.5 / 4.0);
    }

    #[test]
    fn the_table_is_what_its_parameters_give() {
        // Five sets of different kinds on a tenth of the pairs: four standard errors of an AUROC from
        // 2,000 pairs (Hanley and McNeil's bound, sqrt(A (1 - A) / pairs)), and the table's last digit.
        for row in calibrations().iter().step_by(12) {
            let reached = measure(&row.parameters, 2_000).unwrap();
            for (found, wanted) in [(reached.scan, row.scan), (reached.oracle, row.oracle)] {
                let error = (wanted * (1.0 - wanted) / 2_000.0).sqrt();
                assert!(
                    (found - wanted).abs() < 4.0 * error + 1e-4,
                    "{}: {found} {wanted}",
                    row.parameters.set
                );
            }
        }
    }
}
