//! Negatives for files that hold positives only: one dinucleotide shuffle each, put behind its positive.

use demo_core::{DnaSequence, Seed};

use super::record::Record;
use crate::{Example, ShuffleOutcome, Warning, dinucleotide_shuffle};

/// How often a draw that equals its original is repeated.
const DRAWS: usize = 100;

/// Interleaves each positive with a shuffle of it, both under one pair number.
///
/// A positive that no shuffle differs from is left out with a warning: it would stand in both classes,
/// or in one class alone and teach a network that such sequences are bound.
pub(crate) fn with_negatives(positives: Vec<Record>, seed: Seed) -> (Vec<Record>, Vec<Warning>) {
    let mut rng = seed.stream("negatives");
    let (mut records, mut warnings) = (Vec::with_capacity(2 * positives.len()), Vec::new());
    for (pair, mut positive) in (0..).zip(positives) {
        let Some(negative) = other_arrangement(&positive.example.sequence, &mut rng) else {
            let message = "the only dinucleotide shuffle of this sequence is the sequence itself, so it has no \
                           negative and is left out";
            warnings.push(Warning::new(positive.place, message));
            continue;
        };
        positive.example.pair = Some(pair);
        let example = Example::new(negative, false).with_pair(pair);
        let place = positive.place.clone();
        records.extend([positive, Record { place, example }]);
    }
    (records, warnings)
}

fn other_arrangement(sequence: &DnaSequence, rng: &mut impl rand::Rng) -> Option<DnaSequence> {
    for _ in 0..DRAWS {
        let shuffle = dinucleotide_shuffle(sequence, rng);
        match shuffle.outcome() {
            ShuffleOutcome::Different => return Some(shuffle.into_sequence()),
            ShuffleOutcome::SameDraw => {}
            ShuffleOutcome::OnlyArrangement => return None,
        }
    }
    None
}
