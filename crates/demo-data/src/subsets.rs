//! Nested subsets of a set's examples, for learning curves: a larger one holds every smaller one.
//!
//! Examples that must stay together (a positive and the negative made from it, copies of a sequence) are
//! taken as one group, see [`Split`](crate::Split). Groups of one composition, such as one positive and one
//! negative, are put in random order and spread evenly over the whole, so that the first groups of any
//! number are balanced as all of them are. Cost: a sort of the sequences.

use std::collections::BTreeMap;

use demo_core::Seed;
use rand::seq::SliceRandom;

use crate::splits::groups;
use crate::{Error, Example, Result};

/// Places of `size` of the examples, or of a few less where the next group would be too many, ascending.
///
/// One seed gives nested subsets: that of a smaller size lies in that of a larger one.
///
/// ```
/// use demo_core::Seed;
/// use demo_data::{Example, nested_subset};
///
/// let letters = ["ACCA", "AACC", "GGCA", "TTGC", "GATT", "CATT"];
/// let mut examples = Vec::new();
/// for (i, text) in letters.iter().enumerate() {
///     examples.push(Example::new(text.parse()?, i % 2 == 0).with_pair(i as u32 / 2));
/// }
/// let two = nested_subset(&examples, 2, Seed::new(1))?;
/// let four = nested_subset(&examples, 4, Seed::new(1))?;
/// assert!(two.len() == 2 && four.len() == 4 && two.iter().all(|place| four.contains(place)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Fold`] where there are fewer examples, or the subset cannot have both classes.
pub fn nested_subset(examples: &[Example], size: usize, seed: Seed) -> Result<Vec<usize>> {
    if size > examples.len() {
        let found = format!("a subset of {size} of {} examples", examples.len());
        return Err(Error::Fold { found, wanted: "no more than there are".into() });
    }
    let mut subset = Vec::with_capacity(size);
    for group in spread(examples, seed) {
        if subset.len() + group.len() > size {
            break;
        }
        subset.extend(group);
    }
    let bound = subset.iter().filter(|&&place| examples[place].bound).count();
    if bound == 0 || bound == subset.len() {
        let unbound = subset.len() - bound;
        let found = format!("a subset of {size} examples with {bound} bound and {unbound} unbound");
        return Err(Error::Fold { found, wanted: "both classes in it".into() });
    }
    subset.sort_unstable();
    Ok(subset)
}

/// All groups in an order whose beginnings are balanced as the whole is.
fn spread(examples: &[Example], seed: Seed) -> Vec<Vec<usize>> {
    let mut groups = groups(examples);
    groups.shuffle(&mut seed.stream("subsets"));
    let mut alike: BTreeMap<(usize, usize), Vec<Vec<usize>>> = BTreeMap::new();
    for members in groups {
        let bound = members.iter().filter(|&&place| examples[place].bound).count();
        alike.entry((bound, members.len() - bound)).or_default().push(members);
    }
    let mut placed = Vec::new();
    for groups in alike.into_values() {
        let count = groups.len() as f64;
        placed
            .extend(groups.into_iter().enumerate().map(|(rank, group)| ((rank as f64 + 0.5) / count, group)));
    }
    // Stable, so that groups at one place keep the order of their compositions.
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use demo_core::DnaSequence;
    use proptest::prelude::*;

    use super::*;

    fn sequence(number: usize) -> DnaSequence {
        let codes = (0..12).map(|place| (number >> (2 * place)) as u8 & 3);
        DnaSequence::from_codes(codes.chain([0, 1, 0, 0]).collect::<Vec<_>>()).unwrap()
    }

    /// Distinct sequences, one bound to each `unbound` of the others.
    fn unequal(count: usize, unbound: usize) -> Vec<Example> {
        (0..count).map(|place| Example::new(sequence(place), place % (unbound + 1) == 0)).collect()
    }

    fn bound(examples: &[Example], subset: &[usize]) -> usize {
        subset.iter().filter(|&&place| examples[place].bound).count()
    }

    proptest! {
        #[test]
        fn subsets_are_nested_and_balanced(unbound in 1usize..10, small in 40usize..200, seed in any::<u64>()) {
            let examples = unequal(400, unbound);
            let share = bound(&examples, &(0..400).collect::<Vec<_>>()) as f64 / 400.0;
            let mut smaller: Vec<usize> = Vec::new();
            for size in [small, 2 * small, 400] {
                let subset = nested_subset(&examples, size, Seed::new(seed)).unwrap();
                prop_assert_eq!(subset.len(), size);
                prop_assert!(subset.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(smaller.iter().all(|place| subset.binary_search(place).is_ok()));
                let expected = share * size as f64;
                prop_assert!((bound(&examples, &subset) as f64 - expected).abs() <= 1.0);
                smaller = subset;
            }
        }

        #[test]
        fn groups_stay_whole(size in 4usize..100, seed in any::<u64>()) {
            // Pairs, of which every fifth positive is a copy of the one before.
            let examples: Vec<Example> = (0..50)
                .flat_map(|pair| {
                    let positive = if pair % 5 == 4 { pair - 1 } else { pair };
                    [(2 * positive, true), (2 * pair + 1, false)]
                        .map(|(number, bound)| Example::new(sequence(number), bound).with_pair(pair as u32))
                })
                .collect();
            let subset = nested_subset(&examples, size, Seed::new(seed)).unwrap();
            // The largest group is two pairs.
            prop_assert!(subset.len() <= size && subset.len() + 4 > size);
            for &place in &subset {
                let other = place ^ 1;
                prop_assert!(subset.contains(&other), "a pair is torn apart");
                let copy = |&other: &usize| examples[other].sequence == examples[place].sequence;
                prop_assert!((0..100).filter(copy).all(|other| subset.contains(&other)), "copies are apart");
            }
        }
    }

    #[test]
    fn the_seed_chooses_and_the_file_order_does_not() {
        let examples = unequal(1_000, 1);
        let subset = nested_subset(&examples, 200, Seed::new(3)).unwrap();
        assert_ne!(nested_subset(&examples, 200, Seed::new(4)).unwrap(), subset);
        // Peaks are ordered by strength: a subset must not be their beginning.
        let first_half = subset.iter().filter(|&&place| place < 500).count();
        assert!((70..130).contains(&first_half), "{first_half}");
    }

    #[test]
    fn too_many_and_too_few_are_refused() {
        let examples = unequal(20, 9);
        let error = nested_subset(&examples, 21, Seed::new(1)).unwrap_err().to_string();
        assert!(error.contains("21 of 20"), "{error}");
        assert!(nested_subset(&examples, 1, Seed::new(1)).is_err());
        assert_eq!(nested_subset(&examples, 20, Seed::new(1)).unwrap().len(), 20);
    }
}
