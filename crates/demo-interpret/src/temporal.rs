//! Temporal output scores: what a recurrent model says of each prefix and suffix.
//!
//! Prefix score i is P(bound) of the whole model on the bases 0..=i alone, suffix score i on the bases
//! i.. (Lanchantin et al. 2017). A model with a convolution before its recurrent layer truncates that
//! layer's feature columns instead, so its prefix score i has seen some bases beyond i, its suffix score
//! as many before i: [`TemporalScores::lookahead`]. A rise of the prefix scores is where a base completes
//! something that the model takes for a site: the last base that the higher score has seen.
//!
//! As a map of positions, the rises, each at its base: they add up to what reading the whole sequence changed.
//!
//! Cost: the model's own, two truncated runs a position in principle; recurrent models share the
//! direction that truncation does not restart.

use std::ops::Range;

use demo_core::{Attribution, DnaSequence};
use demo_models::SequenceModel;

use crate::ask::{self, BATCH};
use crate::target::probability;
use crate::{Result, Target};

/// What the scores are of, as reports print it.
const TARGET: &str = "P(bound)";

/// P(bound) of every prefix and suffix of one sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct TemporalScores {
    /// (l): P(bound) of the bases 0..=i + lookahead, as far as there are any.
    pub prefix: Vec<f32>,
    /// (l): P(bound) of the bases i - lookahead.. .
    pub suffix: Vec<f32>,
    /// How many bases past its position a score has seen: what the first convolution reads to one side, 0
    /// for a model that does not begin with one.
    pub lookahead: usize,
}

/// Where scores rise most from one position to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// The position whose base brought the rise: the last one that was read.
    pub position: usize,
    /// By how much P(bound) rose.
    pub height: f32,
}

impl TemporalScores {
    /// The steepest rise of the prefix scores at one of these positions; the first of equals, `None`
    /// where they never rise.
    pub fn prefix_rise(&self, positions: Range<usize>) -> Option<Rise> {
        let rises = self.prefix_rises();
        let positions = positions.start..positions.end.min(rises.len());
        steepest(positions.map(|i| Rise { position: i, height: rises[i] }))
    }

    /// The steepest rise of the suffix scores, read from the right, at one of these positions; the
    /// rightmost of equals, `None` where they never rise.
    pub fn suffix_rise(&self, positions: Range<usize>) -> Option<Rise> {
        let rises = self.suffix_rises();
        let positions = positions.start..positions.end.min(rises.len());
        steepest(positions.rev().map(|i| Rise { position: i, height: rises[i] }))
    }

    /// (l): by how much the prefix scores rose when a base was read. Scores that have seen the last base
    /// differ in what the model makes of the end alone; their rises are that base's.
    fn prefix_rises(&self) -> Vec<f32> {
        let mut rises = vec![0.0; self.prefix.len()];
        for (at, pair) in self.prefix.windows(2).enumerate() {
            let base = (at + 1 + self.lookahead).min(rises.len() - 1);
            rises[base] += pair[1] - pair[0];
        }
        rises
    }

    /// (l): the same for suffix scores, read from the right.
    fn suffix_rises(&self) -> Vec<f32> {
        let mut rises = vec![0.0; self.suffix.len()];
        for (at, pair) in self.suffix.windows(2).enumerate() {
            rises[at.saturating_sub(self.lookahead)] += pair[0] - pair[1];
        }
        rises
    }
}

/// Which way the sequence is read for a map of rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// From the left: the rise of the prefix scores at each position.
    Prefixes,
    /// From the right: the rise of the suffix scores.
    Suffixes,
    /// The sum of both.
    Both,
}

impl Reading {
    /// Every reading, in the order in which reports show them.
    pub const ALL: [Self; 3] = [Self::Prefixes, Self::Suffixes, Self::Both];

    /// The method's name, as reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prefixes => "temporal-prefix",
            Self::Suffixes => "temporal-suffix",
            Self::Both => "temporal",
        }
    }
}

impl TemporalScores {
    /// How much P(bound) rises at each position as the sequence is read. What is read before the first score
    /// has none before it, and scores 0.
    ///
    /// ```
    /// use demo_interpret::{Reading, TemporalScores};
    ///
    /// let scores = TemporalScores { prefix: vec![0.25, 0.5, 0.5], suffix: vec![0.5, 1.0, 0.25], lookahead: 0 };
    /// assert_eq!(scores.to_attribution(Reading::Prefixes).scores(), [0.0, 0.25, 0.0]);
    /// assert_eq!(scores.to_attribution(Reading::Suffixes).scores(), [-0.5, 0.75, 0.0]);
    /// assert_eq!(scores.to_attribution(Reading::Both).scores(), [-0.5, 1.0, 0.0]);
    /// ```
    pub fn to_attribution(&self, reading: Reading) -> Attribution {
        let rises = match reading {
            Reading::Prefixes => self.prefix_rises(),
            Reading::Suffixes => self.suffix_rises(),
            Reading::Both => {
                let (prefixes, suffixes) = (self.prefix_rises(), self.suffix_rises());
                prefixes.iter().zip(suffixes).map(|(prefix, suffix)| prefix + suffix).collect()
            }
        };
        Attribution::new(reading.name(), TARGET, rises)
    }
}

/// The temporal scores of every sequence; `None` where the model is not recurrent.
///
/// # Errors
/// Without sequences, at a sequence of another length, at a logit that is not finite, and where the
/// model fails.
pub fn temporal_scores(
    model: &mut dyn SequenceModel,
    sequences: &[DnaSequence],
) -> Result<Option<Vec<TemporalScores>>> {
    ask::check_sequences(model, sequences, "temporal scores")?;
    let length = model.length();
    let lookahead = match sequences.first() {
        Some(first) => lookahead(model, first)?,
        None => 0,
    };
    let mut scores = Vec::with_capacity(sequences.len());
    for (number, batch) in sequences.chunks(BATCH).enumerate() {
        let answer = ask::truncated(model, batch).map_err(|error| ask::in_set(error, number * BATCH))?;
        let Some(answer) = answer else { return Ok(None) };
        let prefixes = answer.prefixes.chunks_exact(length * 2); // (l, 2) each
        let suffixes = answer.suffixes.chunks_exact(length * 2); // (l, 2) each
        scores.extend(prefixes.zip(suffixes).map(|(prefix, suffix)| TemporalScores {
            prefix: bound(prefix),
            suffix: bound(suffix),
            lookahead,
        }));
    }
    Ok(Some(scores))
}

/// How many bases past position i prefix score i has seen.
fn lookahead(model: &mut dyn SequenceModel, sequence: &DnaSequence) -> Result<usize> {
    let layer = ask::first_layer(model, std::slice::from_ref(sequence))?;
    Ok(layer.map_or(0, |layer| layer.width.saturating_sub(layer.padding + 1)))
}

fn bound(logits: &[f32]) -> Vec<f32> {
    logits.chunks_exact(2).map(|pair| probability(Target::Binding.score([pair[0], pair[1]]))).collect()
}

fn steepest(steps: impl Iterator<Item = Rise>) -> Option<Rise> {
    steps.filter(|step| step.height > 0.0).reduce(
        |best, step| {
            if step.height > best.height { step } else { best }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{Filters, Leaky, LogLinear, MaxScan, Toy, word_weights};

    fn dna(text: &str) -> DnaSequence {
        text.parse().unwrap()
    }

    #[test]
    fn scores_are_those_of_truncated_sequences() {
        let mut model = Toy::new(3, Leaky { weights: [1.0, 2.0, -3.0, 0.5], decay: 0.5 });
        model.recurrent = true;
        let scores = temporal_scores(&mut model, &[dna("GCA")]).unwrap().unwrap();
        // h = -3, then 0.5 - ... : -3, 2 - 1.5, 1 + 0.25; suffixes GCA 1.25, CA 2, A 1.
        let expected = |scores: [f32; 3]| scores.map(probability).to_vec();
        assert_eq!(scores[0].prefix, expected([-3.0, 0.5, 1.25]));
        assert_eq!(scores[0].suffix, expected([1.25, 2.0, 1.0]));
    }

    #[test]
    fn scores_rise_where_a_site_is_complete() {
        let mut model = Toy::new(12, MaxScan { weights: word_weights("GATTACA"), bias: -3.0 });
        model.recurrent = true;
        let scores = temporal_scores(&mut model, &vec![dna("CCGATTACACCC"); 200]).unwrap().unwrap();
        assert_eq!(scores.len(), 200);
        let rise = scores[199].prefix_rise(0..12).unwrap();
        assert_eq!(rise.position, 8);
        assert!((rise.height - (probability(4.0) - probability(-3.0))).abs() < 1e-6);
        assert_eq!(scores[0].suffix_rise(0..12).unwrap().position, 2);
        assert_eq!(scores[0].prefix_rise(9..12), None);
        assert_eq!(scores[0].suffix_rise(0..2), None);
    }

    #[test]
    fn equal_rises_are_taken_from_where_reading_begins() {
        let scores = TemporalScores {
            prefix: vec![0.0, 0.5, 0.0, 0.5],
            suffix: vec![0.5, 0.0, 0.5, 0.0],
            lookahead: 0,
        };
        assert_eq!(scores.prefix_rise(0..4), Some(Rise { position: 1, height: 0.5 }));
        assert_eq!(scores.suffix_rise(0..4), Some(Rise { position: 2, height: 0.5 }));
        assert_eq!(scores.prefix_rise(2..3), None);
    }

    #[test]
    fn a_rise_is_at_the_last_base_that_was_read() {
        let scores = TemporalScores {
            prefix: vec![0.0, 0.0, 0.5, 0.5, 0.75, 1.0],
            suffix: vec![1.0, 0.75, 0.75, 0.25, 0.25, 0.0],
            lookahead: 2,
        };
        let map = |reading| scores.to_attribution(reading).scores().to_vec();
        // The last three scores have all seen the last base.
        assert_eq!(map(Reading::Prefixes), [0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        assert_eq!(map(Reading::Suffixes), [0.75, 0.0, 0.25, 0.0, 0.0, 0.0]);
        assert_eq!(scores.prefix_rise(0..5), Some(Rise { position: 4, height: 0.5 }));
        assert_eq!(scores.suffix_rise(1..6), Some(Rise { position: 2, height: 0.25 }));
    }

    #[test]
    fn models_without_a_recurrent_layer_have_none() {
        let mut model = Toy::new(2, LogLinear { weights: vec![[1.0; 4]; 2], bias: 0.0 });
        assert!(temporal_scores(&mut model, &[dna("AC")]).unwrap().is_none());
    }

    #[test]
    fn lookahead_is_what_the_first_filter_reads_to_the_right() {
        let mut model = Toy::new(12, LogLinear { weights: vec![[1.0; 4]; 12], bias: 0.0 });
        let sequence = dna("ACGTACGTACGT");
        assert_eq!(lookahead(&mut model, &sequence).unwrap(), 0);
        model.filters = Some(Filters { words: vec![dna("ACGTACGTA")], padding: 4 });
        assert_eq!(lookahead(&mut model, &sequence).unwrap(), 4);
    }
}
