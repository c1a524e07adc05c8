//! Dinucleotide shuffles: sequences with the same dinucleotide counts, drawn uniformly.
//!
//! A sequence is a path through the multigraph whose vertices are the four bases and whose edges are
//! its dinucleotides; its shuffles are the Eulerian paths of that graph (Altschul and Erickson, Mol.
//! Biol. Evol. 2:526, 1985). A path is fixed by the order in which each base's edges are used. The
//! last edges used form a tree that leads to the final base; given the tree, the other edges come in
//! any order. The tree is drawn uniformly by Wilson's loop-erased random walks (STOC 1996; the
//! method of Kandel et al., Discrete Appl. Math. 71:171, 1996, without rejection), so the draw is
//! exact. Every sequence stands for the same number of paths (the product of the factorials of its
//! dinucleotide counts), hence sequences are uniform too.
//!
//! The first and the last base never move. An unknown base stays where it is and breaks the
//! sequence: each run between unknown bases is shuffled by itself. Cost: linear in the length, about
//! a microsecond for 101 bases.

use demo_core::{DnaSequence, UNKNOWN};
use rand::Rng;

const BASES: usize = UNKNOWN as usize;

/// Added to a base's code, it marks the end of a span that is kept whole: one edge of the graph, from
/// the span's first base, which is the entry before, to its last.
pub(crate) const SPAN: u8 = 8;

/// How a shuffle compares with the sequence it was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShuffleOutcome {
    /// The shuffle is another sequence.
    Different,
    /// The draw happens to equal the sequence, though others exist; another draw may differ.
    SameDraw,
    /// No other sequence has these dinucleotide counts, first and last base.
    OnlyArrangement,
}

/// One draw, and whether it is any different from what was shuffled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shuffle {
    sequence: DnaSequence,
    outcome: ShuffleOutcome,
}

impl Shuffle {
    /// The sequence drawn.
    pub fn sequence(&self) -> &DnaSequence {
        &self.sequence
    }

    /// The sequence drawn, taken out.
    pub fn into_sequence(self) -> DnaSequence {
        self.sequence
    }

    /// How the draw compares with the original.
    pub fn outcome(&self) -> ShuffleOutcome {
        self.outcome
    }
}

/// Draws one of the sequences with the same dinucleotide counts, first and last base; all are equally likely.
///
/// ```
/// use demo_core::{DnaSequence, Seed};
/// use demo_data::{ShuffleOutcome, dinucleotide_shuffle};
///
/// let mut rng = Seed::new(1).stream("shuffle");
/// let only: DnaSequence = "ACGT".parse()?;
/// assert_eq!(dinucleotide_shuffle(&only, &mut rng).outcome(), ShuffleOutcome::OnlyArrangement);
/// # Ok::<(), demo_core::Error>(())
/// ```
pub fn dinucleotide_shuffle(sequence: &DnaSequence, rng: &mut impl Rng) -> Shuffle {
    let mut codes = sequence.as_codes().to_vec();
    shuffle_codes(&mut codes, rng);
    let outcome = if codes != sequence.as_codes() {
        ShuffleOutcome::Different
    } else if ln_arrangements(sequence) > 0.5 {
        ShuffleOutcome::SameDraw
    } else {
        ShuffleOutcome::OnlyArrangement
    };
    let sequence = match outcome {
        // A permutation of valid codes is valid, so the fallback is never taken.
        ShuffleOutcome::Different => DnaSequence::from_codes(codes).unwrap_or_else(|_| sequence.clone()),
        _ => sequence.clone(),
    };
    Shuffle { sequence, outcome }
}

/// The natural logarithm of the number of different sequences a shuffle can give, the original among them.
///
/// By the BEST theorem (van Aardenne-Ehrenfest, de Bruijn, Smith, Tutte): spanning trees towards the
/// last base, times the orders of the other edges, over the orders of equal edges. The number is a
/// whole one, so a logarithm below ln 1.5 means that the sequence itself is the only arrangement.
pub fn ln_arrangements(sequence: &DnaSequence) -> f64 {
    sequence.as_codes().split(|&code| code == UNKNOWN).filter(|run| run.len() > 3).map(ln_run).sum()
}

/// Shuffles codes in place, each run between unknown bases by itself.
pub(crate) fn shuffle_codes(codes: &mut [u8], rng: &mut impl Rng) {
    let mut successors = Vec::new();
    for run in codes.split_mut(|&code| code == UNKNOWN) {
        // The first and the last base are fixed, and a single base between them has one place.
        if run.len() > 3 {
            shuffle_run(run, &mut successors, rng);
        }
    }
}

/// Shuffles one run of known bases, where an entry may carry [`SPAN`]; `successors` is scratch.
pub(crate) fn shuffle_run(run: &mut [u8], successors: &mut Vec<u8>, rng: &mut impl Rng) {
    let last = base_of(run[run.len() - 1]);
    // Bucket b of `successors`, from starts[b] to starts[b + 1], holds the bases that follow base b.
    let mut starts = [0u32; BASES + 1];
    for &code in &run[..run.len() - 1] {
        starts[base_of(code) + 1] += 1;
    }
    for base in 0..BASES {
        starts[base + 1] += starts[base];
    }
    successors.clear();
    successors.resize(run.len() - 1, 0);
    let mut fill = starts;
    for pair in run.windows(2) {
        let slot = &mut fill[base_of(pair[0])];
        successors[*slot as usize] = pair[1];
        *slot += 1;
    }

    let tree = random_tree(&starts, successors, last, rng);
    for base in 0..BASES {
        let (start, end) = (starts[base] as usize, starts[base + 1] as usize);
        let mut free = end;
        if base != last && start < end {
            free -= 1;
            successors.swap(tree[base], free);
        }
        for i in (start + 1..free).rev() {
            let j = start + rng.random_range(0..=(i - start) as u32) as usize;
            successors.swap(i, j);
        }
    }

    let mut next = starts;
    let mut base = base_of(run[0]);
    for place in &mut run[1..] {
        *place = successors[next[base] as usize];
        next[base] += 1;
        base = base_of(*place);
    }
}

/// The base an entry of a run stands for.
fn base_of(entry: u8) -> usize {
    usize::from(entry & !SPAN)
}

/// For each base other than `root` that has edges, the index of its edge in a uniformly drawn tree
/// towards `root`: walks at random until they meet the tree, keeping each vertex's last exit
/// (Wilson's algorithm). Every base with edges reaches the root, since the run itself does.
fn random_tree(
    starts: &[u32; BASES + 1],
    successors: &[u8],
    root: usize,
    rng: &mut impl Rng,
) -> [usize; BASES] {
    let mut tree = [0; BASES];
    let mut joined = [false; BASES];
    joined[root] = true;
    for first in 0..BASES {
        if starts[first] == starts[first + 1] {
            continue;
        }
        let mut base = first;
        while !joined[base] {
            tree[base] = rng.random_range(starts[base]..starts[base + 1]) as usize;
            base = base_of(successors[tree[base]]);
        }
        base = first;
        while !joined[base] {
            joined[base] = true;
            base = base_of(successors[tree[base]]);
        }
    }
    tree
}

/// [`ln_arrangements`] of one run of known bases.
fn ln_run(run: &[u8]) -> f64 {
    let last = usize::from(run[run.len() - 1]);
    let mut counts = [[0u64; BASES]; BASES];
    for pair in run.windows(2) {
        counts[usize::from(pair[0])][usize::from(pair[1])] += 1;
    }
    let exits = counts.map(|row| row.iter().sum::<u64>());
    let others: Vec<usize> = (0..BASES).filter(|&base| base != last && exits[base] > 0).collect();
    // The Laplacian without the root: its determinant counts the trees (Tutte).
    let laplacian = |row: usize, column: usize| {
        let (i, j) = (others[row], others[column]);
        (if row == column { exits[i] as f64 } else { 0.0 }) - counts[i][j] as f64
    };
    let trees = determinant(&laplacian, others.len());
    let orders: f64 = others.iter().map(|&base| ln_factorial(exits[base] - 1)).sum();
    let equal: f64 = counts.iter().flatten().map(|&count| ln_factorial(count)).sum();
    trees.ln() + orders + ln_factorial(exits[last]) - equal
}

/// The determinant of a matrix of at most three rows.
fn determinant(at: &impl Fn(usize, usize) -> f64, size: usize) -> f64 {
    let minor = |a: usize, b: usize| at(1, a) * at(2, b) - at(1, b) * at(2, a);
    match size {
        0 => 1.0,
        1 => at(0, 0),
        2 => at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0),
        _ => at(0, 0) * minor(1, 2) - at(0, 1) * minor(0, 2) + at(0, 2) * minor(0, 1),
    }
}

fn ln_factorial(n: u64) -> f64 {
    (2..=n).map(|k| (k as f64).ln()).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use demo_core::Seed;
    use proptest::prelude::*;

    use super::*;

    fn dinucleotides(codes: &[u8]) -> BTreeMap<(u8, u8), usize> {
        let mut counts = BTreeMap::new();
        for pair in codes.windows(2) {
            *counts.entry((pair[0], pair[1])).or_default() += 1;
        }
        counts
    }

    /// Every sequence with the run's dinucleotides and first base, by exhaustive search.
    fn arrangements(run: &[u8]) -> BTreeSet<Vec<u8>> {
        fn extend(path: &mut Vec<u8>, left: &mut BTreeMap<(u8, u8), usize>, found: &mut BTreeSet<Vec<u8>>) {
            let from = path[path.len() - 1];
            if left.values().all(|&count| count == 0) {
                found.insert(path.clone());
            }
            for to in 0..4 {
                if left.get(&(from, to)).is_some_and(|&count| count > 0) {
                    *left.get_mut(&(from, to)).unwrap() -= 1;
                    path.push(to);
                    extend(path, left, found);
                    path.pop();
                    *left.get_mut(&(from, to)).unwrap() += 1;
                }
            }
        }
        let mut found = BTreeSet::new();
        extend(&mut vec![run[0]], &mut dinucleotides(run), &mut found);
        found
    }

    #[test]
    fn every_arrangement_is_equally_likely() {
        for (index, text) in
            ["ACGTACGTTGCA", "AACACAGAT", "CCGGCGTACC", "GATTACAGATTA", "TATATCTAGAT"].iter().enumerate()
        {
            let sequence: DnaSequence = text.parse().unwrap();
            let all = arrangements(sequence.as_codes());
            assert!(all.len() > 4, "{text} has only {}", all.len());
            let mut rng = Seed::new(11).stream(text);
            let mut seen: BTreeMap<Vec<u8>, f64> = all.iter().map(|path| (path.clone(), 0.0)).collect();
            let draws = 200 * all.len();
            for _ in 0..draws {
                let shuffle = dinucleotide_shuffle(&sequence, &mut rng);
                *seen.get_mut(shuffle.sequence().as_codes()).expect("an arrangement of the search") += 1.0;
            }
            let expected = draws as f64 / all.len() as f64;
            let chi_square: f64 = seen.values().map(|count| (count - expected).powi(2) / expected).sum();
            let freedom = (all.len() - 1) as f64;
            // Wilson-Hilferty: 3.7 is the standard normal's 0.9999 quantile.
            let z = ((chi_square / freedom).cbrt() - (1.0 - 2.0 / (9.0 * freedom)))
                / (2.0 / (9.0 * freedom)).sqrt();
            assert!(z < 3.7, "sequence {index}: chi-square {chi_square} at {freedom} degrees of freedom");
        }
    }

    #[test]
    fn a_single_arrangement_is_reported() {
        let mut rng = Seed::new(2).stream("single");
        for text in ["", "A", "AC", "AAAA", "ACGT", "AAAACCCC", "NNN", "ACGTNAAAA", "ACANTGT"] {
            let sequence: DnaSequence = text.parse().unwrap();
            let shuffle = dinucleotide_shuffle(&sequence, &mut rng);
            assert_eq!(shuffle.outcome(), ShuffleOutcome::OnlyArrangement, "{text}");
            assert_eq!(shuffle.into_sequence(), sequence);
        }
    }

    #[test]
    fn a_draw_that_equals_the_sequence_is_told_from_a_single_arrangement() {
        let sequence: DnaSequence = "AACA".parse().unwrap();
        let mut rng = Seed::new(3).stream("two arrangements");
        let mut seen = [0; 2];
        for _ in 0..100 {
            match dinucleotide_shuffle(&sequence, &mut rng).outcome() {
                ShuffleOutcome::Different => seen[0] += 1,
                ShuffleOutcome::SameDraw => seen[1] += 1,
                ShuffleOutcome::OnlyArrangement => panic!("ACAA is another arrangement"),
            }
        }
        assert!(seen[0] > 25 && seen[1] > 25, "{seen:?}");
    }

    proptest! {
        #[test]
        fn counts_ends_and_unknown_bases_stay(
            codes in prop::collection::vec(prop::sample::select(vec![0u8, 0, 1, 1, 2, 2, 3, 3, 4]), 0..120),
            seed in any::<u64>(),
        ) {
            let sequence = DnaSequence::from_codes(codes.clone()).unwrap();
            let shuffle = dinucleotide_shuffle(&sequence, &mut Seed::new(seed).stream("shuffle"));
            let shuffled = shuffle.sequence().as_codes();
            prop_assert_eq!(shuffled.len(), codes.len());
            prop_assert_eq!(shuffle.outcome() == ShuffleOutcome::Different, shuffled != codes);
            let runs = |codes: &[u8]| {
                codes.split(|&code| code == UNKNOWN).map(|run| {
                    (run.len(), run.first().copied(), run.last().copied(), dinucleotides(run))
                }).collect::<Vec<_>>()
            };
            prop_assert_eq!(runs(&codes), runs(shuffled));
        }

        #[test]
        fn the_number_of_arrangements_is_the_searched_one(codes in prop::collection::vec(0u8..4, 1..11)) {
            let sequence = DnaSequence::from_codes(codes.clone()).unwrap();
            let counted = ln_arrangements(&sequence).exp();
            prop_assert!((counted - arrangements(&codes).len() as f64).abs() < 1e-6, "{}", counted);
        }
    }
}
