//! Stratified, seeded, disjoint splits and folds in which nothing is seen from both sides.
//!
//! Examples are first joined to groups that must stay together: a positive and the negative made from
//! it, and all copies of a sequence or of its reverse complement. Groups are taken in random order,
//! larger ones first, and each goes to the part where both classes stay nearest to the part's share.
//! Cost: a sort of the sequences and one pass over the groups per part.

use demo_core::{DnaSequence, Seed};
use rand::Rng;
use rand::seq::SliceRandom;

use crate::{Error, Example, Result};

/// The places of the examples to train on and of those held out, both ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// To train on.
    pub train: Vec<usize>,
    /// Held out, for validation or as a fold.
    pub held_out: Vec<usize>,
}

/// A partition of examples into parts of which each is held out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    part_of: Vec<usize>,
    count: usize,
}

impl Folds {
    /// Divides the examples into `count` folds.
    ///
    /// ```
    /// use demo_core::Seed;
    /// use demo_data::{Example, Folds};
    ///
    /// let letters = ["ACCA", "AACC", "GGCA", "TTGC", "GATT", "CATT"];
    /// let mut examples = Vec::new();
    /// for (i, text) in letters.iter().enumerate() {
    ///     examples.push(Example::new(text.parse()?, i % 2 == 0).with_pair(i as u32 / 2));
    /// }
    /// let folds = Folds::new(&examples, 3, Seed::new(1))?;
    /// assert_eq!(folds.split(0).held_out.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Fold`] with fewer than two folds, or where a fold cannot have both classes.
    pub fn new(examples: &[Example], count: usize, seed: Seed) -> Result<Self> {
        if count < 2 {
            let found = format!("{count} folds");
            return Err(Error::Fold { found, wanted: "at least 2".into() });
        }
        let part_of = assign(examples, &vec![1.0; count], seed.child("folds"))?;
        Ok(Self { part_of, count })
    }

    /// Number of folds.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The split in which one fold, counted from 0, is held out; out of range holds nothing out.
    pub fn split(&self, fold: usize) -> Split {
        split_at(&self.part_of, fold)
    }
}

impl Split {
    /// Holds out about `fraction` of the examples.
    ///
    /// # Errors
    /// [`Error::Fold`] where the fraction is not between 0 and 1, or a side cannot have both classes.
    pub fn new(examples: &[Example], fraction: f64, seed: Seed) -> Result<Self> {
        if !(fraction > 0.0 && fraction < 1.0) {
            let found = format!("a held-out fraction of {fraction}");
            return Err(Error::Fold { found, wanted: "one between 0 and 1".into() });
        }
        let part_of = assign(examples, &[1.0 - fraction, fraction], seed.child("split"))?;
        Ok(split_at(&part_of, 1))
    }

    /// Holds out one of every two of the strongest peaks, with what was made from them: about `fraction` of
    /// the positives, at most `most`, from among the strongest twice as many. Ranks are 1 for the strongest.
    ///
    /// # Errors
    /// [`Error::Fold`] where no positive has a rank, the fraction is not between 0 and 1/2, or a side lacks a
    /// class: negatives are held out with the positive that they were made from.
    pub fn strongest(examples: &[Example], fraction: f64, most: usize, seed: Seed) -> Result<Self> {
        let refuse = |found: String, wanted: &str| Err(Error::Fold { found, wanted: wanted.to_owned() });
        if !(fraction > 0.0 && fraction < 0.5) {
            return refuse(
                format!("a held-out fraction of {fraction} of the strongest"),
                "one between 0 and 1/2",
            );
        }
        let best = |members: &Vec<usize>| members.iter().filter_map(|&member| examples[member].rank).min();
        let mut ranked: Vec<(u32, Vec<usize>)> =
            groups(examples).into_iter().filter_map(|members| Some((best(&members)?, members))).collect();
        if ranked.is_empty() {
            return refuse(
                "no positive with a rank".to_owned(),
                "ranks of peaks, as DeepBind's files have them",
            );
        }
        ranked.sort();
        let positives = |members: &[usize]| members.iter().filter(|&&member| examples[member].bound).count();
        let all = examples.iter().filter(|example| example.bound).count();
        let wanted = (all as f64 * fraction).round() as usize;
        let wanted = wanted.clamp(1, most.max(1));
        let mut random = seed.child("strongest").stream("coins");
        let (mut part_of, mut held_out) = (vec![0; examples.len()], 0);
        for two in ranked.chunks(2) {
            if held_out >= wanted {
                break;
            }
            let (_, members) = &two[random.random_range(0..2) % two.len()];
            held_out += positives(members);
            for &member in members {
                part_of[member] = 1;
            }
        }
        let mut filled = [[0.0; 2]; 2];
        for (example, &part) in examples.iter().zip(&part_of) {
            filled[part][usize::from(example.bound)] += 1.0;
        }
        check_parts(&filled, examples.len(), ranked.len())?;
        Ok(split_at(&part_of, 1))
    }
}

fn split_at(part_of: &[usize], held_out: usize) -> Split {
    let (held_out, train) = (0..part_of.len()).partition(|&index| part_of[index] == held_out);
    Split { train, held_out }
}

/// The part of each example, the parts' sizes in proportion to their weights.
fn assign(examples: &[Example], weights: &[f64], seed: Seed) -> Result<Vec<usize>> {
    let mut groups = groups(examples);
    groups.shuffle(&mut seed.stream("groups"));
    groups.sort_by_key(|members| std::cmp::Reverse(members.len()));
    let mut totals = [0.0f64; 2];
    for example in examples {
        totals[usize::from(example.bound)] += 1.0;
    }
    let mut filled = vec![[0.0f64; 2]; weights.len()];
    let mut part_of = vec![0; examples.len()];
    for members in &groups {
        let mut added = [0.0; 2];
        for &member in members {
            added[usize::from(examples[member].bound)] += 1.0;
        }
        let part = emptiest(&filled, &added, &totals, weights);
        for class in 0..2 {
            filled[part][class] += added[class];
        }
        for &member in members {
            part_of[member] = part;
        }
    }
    check_parts(&filled, examples.len(), groups.len())?;
    Ok(part_of)
}

/// The part that is least full after the group is added, over both classes; the first of equals.
fn emptiest(filled: &[[f64; 2]], added: &[f64; 2], totals: &[f64; 2], weights: &[f64]) -> usize {
    let fullness = |part: usize| {
        let share = |class: usize| {
            let after = (filled[part][class] + added[class]) / weights[part];
            // The increase of Σ filled² / (weight · total): what a perfect stratification minimises.
            added[class] * (after + filled[part][class] / weights[part]) / totals[class].max(1.0)
        };
        share(0) + share(1)
    };
    (1..filled.len()).fold(0, |best, part| if fullness(part) < fullness(best) { part } else { best })
}

fn check_parts(filled: &[[f64; 2]], examples: usize, groups: usize) -> Result<()> {
    for (part, counts) in filled.iter().enumerate() {
        if counts.contains(&0.0) {
            let found = format!(
                "{examples} examples in {groups} groups that must stay together, too few for {} parts (part {} \
                 has {} bound and {} unbound)",
                filled.len(),
                part + 1,
                counts[1],
                counts[0]
            );
            return Err(Error::Fold { found, wanted: "both classes in every part".into() });
        }
    }
    Ok(())
}

/// The groups that must stay together, each ascending, ordered by their first member.
pub(crate) fn groups(examples: &[Example]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..examples.len()).collect();
    let mut pairs: Vec<(u32, usize)> =
        examples.iter().enumerate().filter_map(|(i, example)| Some((example.pair?, i))).collect();
    pairs.sort_unstable();
    join_equal(&pairs, &mut parent);
    let mut sequences: Vec<(DnaSequence, usize)> =
        examples.iter().enumerate().map(|(i, example)| (example.sequence.to_canonical(), i)).collect();
    sequences.sort_unstable();
    join_equal(&sequences, &mut parent);

    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); examples.len()];
    for index in 0..examples.len() {
        groups[root(&mut parent, index)].push(index);
    }
    groups.retain(|members| !members.is_empty());
    groups
}

/// Joins the members of a sorted list that have equal keys.
fn join_equal<K: Eq>(sorted: &[(K, usize)], parent: &mut [usize]) {
    for neighbours in sorted.windows(2) {
        if neighbours[0].0 == neighbours[1].0 {
            let (a, b) = (root(parent, neighbours[0].1), root(parent, neighbours[1].1));
            parent[a.max(b)] = a.min(b);
        }
    }
}

/// The smallest member of an example's group, shortening the way there.
fn root(parent: &mut [usize], mut index: usize) -> usize {
    while parent[index] != index {
        parent[index] = parent[parent[index]];
        index = parent[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng;

    use super::*;

    /// Pairs of random short sequences, among them copies and reverse complements.
    fn examples() -> impl Strategy<Value = Vec<Example>> {
        let pair = (prop::collection::vec(0u8..4, 5), prop::collection::vec(0u8..4, 5), any::<bool>());
        prop::collection::vec(pair, 30..80).prop_map(|pairs| {
            let mut examples = Vec::new();
            for (number, (positive, negative, paired)) in (0..).zip(pairs) {
                for (codes, bound) in [(positive, true), (negative, false)] {
                    let sequence = DnaSequence::from_codes(codes).unwrap();
                    examples
                        .push(Example { pair: paired.then_some(number), ..Example::new(sequence, bound) });
                }
            }
            examples
        })
    }

    fn check_apart(examples: &[Example], split: &Split) {
        for &a in &split.train {
            for &b in &split.held_out {
                assert_ne!(a, b);
                let (a, b) = (&examples[a], &examples[b]);
                assert!(a.pair.is_none() || a.pair != b.pair);
                assert_ne!(a.sequence.to_canonical(), b.sequence.to_canonical());
            }
        }
    }

    proptest! {
        #[test]
        fn folds_cover_once_and_keep_groups_together(
            examples in examples(), count in 2usize..5, seed in any::<u64>(),
        ) {
            if let Ok(folds) = Folds::new(&examples, count, Seed::new(seed)) {
                let mut seen = vec![0; examples.len()];
                for fold in 0..folds.count() {
                    let split = folds.split(fold);
                    prop_assert_eq!(split.train.len() + split.held_out.len(), examples.len());
                    check_apart(&examples, &split);
                    split.held_out.iter().for_each(|&index| seen[index] += 1);
                }
                prop_assert!(seen.iter().all(|&times| times == 1));
                prop_assert_eq!(Folds::new(&examples, count, Seed::new(seed)).unwrap(), folds);
            }
        }

        #[test]
        fn splits_keep_groups_together(
            examples in examples(), fraction in 0.1f64..0.5, seed in any::<u64>(),
        ) {
            if let Ok(split) = Split::new(&examples, fraction, Seed::new(seed)) {
                prop_assert_eq!(split.train.len() + split.held_out.len(), examples.len());
                check_apart(&examples, &split);
            }
        }
    }

    /// Distinct pairs: every group is one positive and one negative.
    fn distinct(pairs: u32) -> Vec<Example> {
        let sequence = |number: u32, first: u8| {
            let mut codes: Vec<u8> = (0..10).map(|place| (number >> (2 * place)) as u8 & 3).collect();
            codes.extend([first, 0, 0, 0]);
            DnaSequence::from_codes(codes).unwrap()
        };
        (0..pairs)
            .flat_map(|number| {
                [(1, true), (2, false)]
                    .map(|(first, bound)| Example::new(sequence(number, first), bound).with_pair(number))
            })
            .collect()
    }

    #[test]
    fn parts_have_their_share_of_both_classes() {
        let examples = distinct(1000);
        let split = Split::new(&examples, 0.15, Seed::new(4)).unwrap();
        let bound = split.held_out.iter().filter(|&&index| examples[index].bound).count();
        assert_eq!((split.held_out.len(), bound), (300, 150));
        let folds = Folds::new(&examples, 5, Seed::new(4)).unwrap();
        assert!((0..5).all(|fold| folds.split(fold).held_out.len() == 400));
        assert_ne!(Folds::new(&examples, 5, Seed::new(5)).unwrap(), folds);
    }

    #[test]
    fn a_split_is_spread_over_the_file() {
        // Peaks are ordered by strength, so a split must not take its held-out part from one end.
        let examples = distinct(1000);
        let split = Split::new(&examples, 0.2, Seed::new(9)).unwrap();
        let first_half = split.held_out.iter().filter(|&&index| index < 1000).count();
        assert!((160..240).contains(&first_half), "{first_half}");
    }

    #[test]
    fn unequal_classes_are_stratified() {
        let mut examples = distinct(400);
        for example in &mut examples {
            example.pair = None;
        }
        examples.retain({
            let mut number = 0;
            move |example| {
                number += 1;
                example.bound || number % 8 == 0
            }
        });
        let split = Split::new(&examples, 0.25, Seed::new(2)).unwrap();
        let bound = split.held_out.iter().filter(|&&index| examples[index].bound).count();
        assert_eq!((bound, split.held_out.len() - bound), (100, 25));
    }

    #[test]
    fn what_cannot_be_divided_is_an_error() {
        let examples = distinct(2);
        let text = Folds::new(&examples, 3, Seed::new(1)).unwrap_err().to_string();
        assert!(text.contains("4 examples in 2 groups"), "{text}");
        assert!(Folds::new(&examples, 1, Seed::new(1)).is_err());
        assert!(Split::new(&examples, 1.0, Seed::new(1)).is_err());
        assert!(Split::new(&examples, f64::NAN, Seed::new(1)).is_err());
    }

    #[test]
    fn the_strongest_are_shared_out() {
        // Peaks 1 to 100, the weakest first, each followed by its shuffle; one copy of the strongest far below.
        let mut examples = Vec::new();
        let mut random = Seed::new(4).stream("peaks");
        for rank in (1..=100).rev() {
            for bound in [true, false] {
                let codes: Vec<u8> = (0..20).map(|_| random.random_range(0..4)).collect();
                let example = Example::new(DnaSequence::from_codes(codes).unwrap(), bound).with_pair(rank);
                examples.push(Example { rank: bound.then_some(rank), ..example });
            }
        }
        examples[40].sequence = examples[198].sequence.clone();
        let split = Split::strongest(&examples, 0.2, 15, Seed::new(9)).unwrap();
        let ranks = |places: &[usize]| places.iter().filter_map(|&at| examples[at].rank).collect::<Vec<_>>();
        let held_out = ranks(&split.held_out);
        // Twenty would be a fifth; at most fifteen are wanted, among the strongest thirty but for the copy, and one more where the
        // copy is among them.
        assert!((15..=16).contains(&held_out.len()), "{held_out:?}");
        let strong = held_out.iter().filter(|&&rank| rank <= 31).count();
        assert!(strong >= 14, "{held_out:?}");
        assert_eq!(split.held_out.len(), 2 * held_out.len());
        assert_eq!(split.train.len() + split.held_out.len(), examples.len());
        let sides = [40, 198].map(|at| split.held_out.contains(&at));
        assert_eq!(sides[0], sides[1], "a copy is seen from both sides");
        assert_eq!(split, Split::strongest(&examples, 0.2, 15, Seed::new(9)).unwrap());
        assert_ne!(split, Split::strongest(&examples, 0.2, 15, Seed::new(8)).unwrap());
        let all = Split::strongest(&examples, 0.2, 500, Seed::new(9)).unwrap();
        assert!((20..=21).contains(&ranks(&all.held_out).len()));

        let message = |examples: &[Example], fraction| {
            Split::strongest(examples, fraction, 10, Seed::new(1)).unwrap_err().to_string()
        };
        assert!(message(&examples, 0.5).contains("a held-out fraction of 0.5 of the strongest"));
        let unknown: Vec<Example> = examples.iter().map(|x| Example { rank: None, ..x.clone() }).collect();
        assert!(message(&unknown, 0.2).contains("no positive with a rank"));
        let unpaired: Vec<Example> = examples.iter().map(|x| Example { pair: None, ..x.clone() }).collect();
        assert!(message(&unpaired, 0.2).contains("0 unbound"));
    }
}
