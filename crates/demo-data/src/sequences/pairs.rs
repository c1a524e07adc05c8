//! Finds which negative was made from which positive, where the file does not say.
//!
//! A dinucleotide shuffle has the same dinucleotide counts as its original, and two unrelated
//! sequences of a hundred bases practically never do. Equal counts are matched in file order. Cost:
//! one count of 16 numbers a sequence and a sort.

use demo_core::{DnaSequence, UNKNOWN};

use crate::Example;

const PAIRS: usize = (UNKNOWN as usize) * (UNKNOWN as usize);

/// Gives a positive and a negative with equal dinucleotide counts one number, the positive's place.
pub(crate) fn pair_by_composition(examples: &mut [Example]) {
    let mut order: Vec<([u32; PAIRS], bool, usize)> = examples
        .iter()
        .enumerate()
        .map(|(index, example)| (dinucleotide_counts(&example.sequence), example.bound, index))
        .collect();
    order.sort_unstable();
    for same in order.chunk_by(|a, b| a.0 == b.0) {
        let negatives = same.partition_point(|&(_, bound, _)| !bound);
        let (negatives, positives) = same.split_at(negatives);
        for (&(_, _, negative), &(_, _, positive)) in negatives.iter().zip(positives) {
            examples[negative].pair = Some(positive as u32);
            examples[positive].pair = Some(positive as u32);
        }
    }
}

/// How often each of the 16 dinucleotides of known bases occurs.
fn dinucleotide_counts(sequence: &DnaSequence) -> [u32; PAIRS] {
    let mut counts = [0; PAIRS];
    for pair in sequence.as_codes().windows(2) {
        if pair[0] < UNKNOWN && pair[1] < UNKNOWN {
            counts[usize::from(pair[0] * UNKNOWN + pair[1])] += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;
    use rand::Rng;
    use rand::seq::SliceRandom;

    use super::*;
    use crate::dinucleotide_shuffle;

    #[test]
    fn shuffles_are_found_in_any_order() {
        let mut rng = Seed::new(5).stream("pairs");
        let mut examples = Vec::new();
        for pair in 0..40 {
            let codes: Vec<u8> = (0..60).map(|_| rng.random_range(0..4)).collect();
            let sequence = DnaSequence::from_codes(codes).unwrap();
            let negative = dinucleotide_shuffle(&sequence, &mut rng).into_sequence();
            examples.push(Example::new(sequence, true).with_pair(pair));
            examples.push(Example::new(negative, false).with_pair(pair));
        }
        let lonely: DnaSequence = "ACACACAC".parse().unwrap();
        examples.push(Example::new(lonely, false));
        examples.shuffle(&mut rng);
        let mut found = examples.clone();
        for example in &mut found {
            example.pair = None;
        }
        pair_by_composition(&mut found);
        for a in 0..found.len() {
            for b in 0..found.len() {
                let (want, have) = (examples[a].pair, found[a].pair);
                assert_eq!(want.is_some(), have.is_some());
                assert_eq!(
                    want.is_some() && want == examples[b].pair,
                    have.is_some() && have == found[b].pair
                );
            }
        }
    }
}
