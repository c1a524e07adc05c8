//! The scan once more, a window and a base at a time: the slow twin of the tests.

use demo_core::{DnaSequence, Strand};

/// Start, strand and loss of every window of known bases that loses at most `limit`.
pub(super) fn scan(
    losses: &[[u32; 4]],
    sequence: &DnaSequence,
    both_strands: bool,
    limit: u64,
) -> Vec<(usize, Strand, u64)> {
    let width = losses.len();
    let mut hits = Vec::new();
    for start in 0..(sequence.len() + 1).saturating_sub(width) {
        let window = DnaSequence::from_codes(&sequence.as_codes()[start..start + width]).unwrap();
        let strands = [(Strand::Forward, window.clone()), (Strand::Reverse, window.to_reverse_complement())];
        for (strand, window) in strands.into_iter().take(if both_strands { 2 } else { 1 }) {
            let lost = window
                .as_codes()
                .iter()
                .zip(losses)
                .map(|(&code, row)| row.get(usize::from(code)).map(|&loss| u64::from(loss)))
                .sum::<Option<u64>>();
            hits.extend(lost.filter(|&lost| lost <= limit).map(|lost| (start, strand, lost)));
        }
    }
    hits
}
