//! Words from which an alignment starts: those that windows hold more often than chance says, and the
//! Markov chain that says what chance is.

use demo_core::{Background, DnaSequence, UNKNOWN};
use rand::Rng;

use crate::AlignmentConfig;

/// Letters in a word.
pub(crate) const WORD: usize = 6;

const WORDS: usize = 1 << (2 * WORD);

/// As many words as the alignment has seeds: those that most exceed their expectation over the windows, best
/// first. Where sites may lie on both strands, a word stands for its reverse complement too.
///
/// A word is counted once a window. With e the expectation under a first-order Markov chain of the
/// sequences (both strands), words are ranked by (count - e) / √(e + 1); equal ones by their letters.
pub(crate) fn frequent_words(
    sequences: &[DnaSequence],
    windows: &[(usize, usize)],
    width: usize,
    chain: &Chain,
    config: &AlignmentConfig,
) -> Vec<[u8; WORD]> {
    let counted = |word: &[u8]| {
        if config.both_strands { canonical(word) } else { index(word.iter().copied()) }
    };
    let mut counts = vec![0_u32; WORDS];
    for &(sequence, start) in windows {
        let mut words: Vec<usize> = sequences[sequence].as_codes()[start..start + width]
            .windows(WORD)
            .filter(|word| !word.contains(&UNKNOWN))
            .map(counted)
            .collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            counts[word] += 1;
        }
    }
    let positions = (windows.len() * (width + 1 - WORD)) as f64;
    let excess = |index: usize| {
        let word = letters(index);
        let is_two = config.both_strands && word != reverse_complement(word);
        let own = if is_two { 2.0 * chain.probability(word) } else { chain.probability(word) };
        let expected = positions * own;
        (f64::from(counts[index]) - expected) / (expected + 1.0).sqrt()
    };
    let mut ranked: Vec<(f64, usize)> =
        (0..WORDS).filter(|&index| counts[index] > 0).map(|index| (excess(index), index)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.into_iter().take(config.seeds).map(|(_, index)| letters(index)).collect()
}

/// A first-order Markov chain, equal on both strands.
pub(crate) struct Chain {
    pairs: [[f64; 4]; 4],
    singles: [f64; 4],
}

impl Chain {
    pub(crate) fn new(sequences: &[DnaSequence]) -> Self {
        // One of each pair keeps every probability above zero.
        let mut pairs = [[1.0; 4]; 4];
        for pair in sequences.iter().flat_map(|s| s.as_codes().windows(2)) {
            let (a, b) = (usize::from(pair[0]), usize::from(pair[1]));
            if a < 4 && b < 4 {
                pairs[a][b] += 1.0;
                pairs[3 - b][3 - a] += 1.0;
            }
        }
        let singles = pairs.map(|row| row.iter().sum());
        Self { pairs, singles }
    }

    /// The frequency of each base.
    pub(crate) fn to_background(&self) -> Background {
        let total: f64 = self.singles.iter().sum();
        Background::new(self.singles.map(|count| count / total)).unwrap_or(Background::UNIFORM)
    }

    /// A sequence as long as this one and unknown at the same positions.
    pub(crate) fn draw_like(&self, codes: &[u8], stream: &mut impl Rng) -> Option<DnaSequence> {
        let mut last = None;
        let draw = |&code: &u8| {
            let drawn = (code != UNKNOWN).then(|| {
                let weights = last.map_or(&self.singles, |last: usize| &self.pairs[last]);
                let mut left = stream.random::<f64>() * weights.iter().sum::<f64>();
                // The last base takes what rounding leaves over.
                (0..3)
                    .find(|&base| {
                        left -= weights[base];
                        left < 0.0
                    })
                    .unwrap_or(3)
            });
            last = drawn;
            drawn.map_or(UNKNOWN, |base| base as u8)
        };
        DnaSequence::from_codes(codes.iter().map(draw).collect::<Box<[u8]>>()).ok()
    }

    fn probability(&self, word: [u8; WORD]) -> f64 {
        let total: f64 = self.singles.iter().sum();
        let first = self.singles[usize::from(word[0])] / total;
        let step = |pair: &[u8]| {
            let (a, b) = (usize::from(pair[0]), usize::from(pair[1]));
            self.pairs[a][b] / self.singles[a]
        };
        first * word.windows(2).map(step).product::<f64>()
    }
}

/// The smaller index of a word and its reverse complement.
fn canonical(word: &[u8]) -> usize {
    index(word.iter().copied()).min(index(word.iter().rev().map(|&letter| 3 - letter)))
}

fn index(letters: impl Iterator<Item = u8>) -> usize {
    letters.fold(0, |index, letter| index * 4 + usize::from(letter))
}

fn letters(index: usize) -> [u8; WORD] {
    std::array::from_fn(|i| (index >> (2 * (WORD - 1 - i)) & 3) as u8)
}

fn reverse_complement(word: [u8; WORD]) -> [u8; WORD] {
    std::array::from_fn(|i| 3 - word[WORD - 1 - i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dna(text: &str) -> DnaSequence {
        text.parse().unwrap()
    }

    #[test]
    fn letters_and_index_are_inverse() {
        for index in [0, 1, 7, 100, 2048, WORDS - 1] {
            let word = letters(index);
            let twin = reverse_complement(word);
            assert_eq!(canonical(&word), canonical(&twin));
            assert!(canonical(&word) <= index);
        }
        assert_eq!(letters(27), [0, 0, 0, 1, 2, 3]);
    }

    fn seeds(both_strands: bool) -> AlignmentConfig {
        AlignmentConfig { seeds: 3, both_strands, ..AlignmentConfig::default() }
    }

    #[test]
    fn the_planted_word_is_first_whatever_its_strand() {
        let sequences = [
            dna("AAGATTACCGA"), // GATTAC
            dna("CTGTAATCTTG"), // its reverse complement, GTAATC
            dna("TTGATTACGCC"),
            dna("GCNNNNNNCGA"),
        ];
        let windows: Vec<(usize, usize)> = (0..4).map(|n| (n, 0)).collect();
        let words = frequent_words(&sequences, &windows, 11, &Chain::new(&sequences), &seeds(true));
        assert_eq!(words.len(), 3);
        assert_eq!(words[0], [2, 0, 3, 3, 0, 1]); // GATTAC comes before GTAATC
    }

    #[test]
    fn on_one_strand_a_word_stands_for_itself() {
        let sequences = [dna("AAGTAATCCGA"), dna("CTGTAATCTTG"), dna("TTGATTACGCC")];
        let windows: Vec<(usize, usize)> = (0..3).map(|n| (n, 0)).collect();
        let words = frequent_words(&sequences, &windows, 11, &Chain::new(&sequences), &seeds(false));
        assert_eq!(words[0], [2, 3, 0, 0, 3, 1]); // GTAATC, not GATTAC
    }

    #[test]
    fn drawn_sequences_have_the_chains_pairs_and_the_gaps_of_the_model() {
        let chain = Chain::new(&[dna(&"AACCTACAAGA".repeat(50))]);
        let like: Vec<u8> = (0..20_000).map(|i| if i % 100 < 10 { UNKNOWN } else { 0 }).collect();
        let drawn = chain.draw_like(&like, &mut demo_core::Seed::new(1).stream("drawn")).unwrap();
        let unknown = |codes: &[u8]| codes.iter().map(|&c| c == UNKNOWN).collect::<Vec<_>>();
        assert_eq!(unknown(drawn.as_codes()), unknown(&like));
        let again = Chain::new(&[drawn]);
        for (row, expected) in again.pairs.iter().zip(&chain.pairs) {
            let total: f64 = expected.iter().sum();
            for (pair, expected) in row.iter().zip(expected) {
                let pair = pair / row.iter().sum::<f64>();
                let expected = expected / total;
                assert!((pair - expected).abs() < 0.03, "{pair} {expected}");
            }
        }
    }

    #[test]
    fn the_chain_sums_to_one() {
        let chain = Chain::new(&[dna("ACGTTGCAANGGTACCA")]);
        let sum: f64 = (0..WORDS).map(|index| chain.probability(letters(index))).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
