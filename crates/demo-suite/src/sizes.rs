//! Learning curves: which networks are trained on how many sequences.
//!
//! Each size is a nested, balanced subset of a set's training half, chosen by the run's seed and the set
//! alone ([`demo_data::nested_subset`]), so that all models, protocols and seeds share it. The validation
//! split is taken out of the subset: a size counts every sequence that a network may see. The test half is
//! the same at every size. Only sets that reach every size are on a curve, since a mean over other sets at
//! each size would show the sets and not the sizes.

use crate::config::Settings;
use crate::sets::LoadedSet;
use crate::{Error, Result};

/// The sizes of a run's learning curves, and the sets that are on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sizes {
    sizes: Vec<usize>,
    sets: Vec<usize>,
}

impl Sizes {
    /// What the settings ask for; none where they ask for no sizes. Where the sets have one size of the
    /// training half, the whole is on the curve too.
    ///
    /// # Errors
    /// [`Error::Setting`] where no set reaches every size.
    pub(crate) fn new(settings: &Settings, sets: &[LoadedSet]) -> Result<Option<Self>> {
        let halves: Vec<usize> = sets.iter().map(|set| set.data.train().len()).collect();
        let names: Vec<&str> = sets.iter().map(|set| set.data.name()).collect();
        Self::of(&settings.train_sizes, &halves, &names)
    }

    fn of(asked: &[usize], halves: &[usize], names: &[&str]) -> Result<Option<Self>> {
        let Some(&largest) = asked.iter().max() else { return Ok(None) };
        let sets: Vec<usize> = (0..halves.len()).filter(|&set| halves[set] >= largest).collect();
        let Some(&first) = sets.first() else {
            let wanted = format!("at most {}", most_of(halves, names));
            return Err(Error::Setting { flag: "--train-sizes", found: largest.to_string(), wanted });
        };
        let mut sizes = asked.to_vec();
        if sets.iter().all(|&set| halves[set] == halves[first]) {
            sizes.push(halves[first]);
        }
        sizes.sort_unstable();
        sizes.dedup();
        Ok(Some(Self { sizes, sets }))
    }

    /// All sizes, ascending.
    pub(crate) fn all(&self) -> &[usize] {
        &self.sizes
    }

    /// Places of the sets on the curve.
    pub(crate) fn sets(&self) -> &[usize] {
        &self.sets
    }

    /// The sizes for which a set with this training half needs networks of their own.
    pub(crate) fn below(&self, half: usize) -> impl Iterator<Item = usize> {
        self.sizes.iter().copied().filter(move |&size| size < half)
    }
}

/// The largest training half, in words.
fn most_of(halves: &[usize], names: &[&str]) -> String {
    let largest = halves.iter().zip(names).max_by_key(|(half, _)| **half);
    largest.map_or_else(
        || "0: the run has no sets".to_owned(),
        |(half, name)| format!("{half}, the training half of {name}, the largest of this run"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_is_on_the_curve_where_it_is_one_size() {
        let sizes = Sizes::of(&[50, 20], &[100, 100], &["a", "b"]).unwrap().unwrap();
        assert_eq!((sizes.all(), sizes.sets()), ([20, 50, 100].as_slice(), [0, 1].as_slice()));
        assert_eq!(sizes.below(100).collect::<Vec<_>>(), [20, 50]);
        let whole = Sizes::of(&[50, 100], &[100], &["a"]).unwrap().unwrap();
        assert_eq!(whole.all(), [50, 100]);
        assert_eq!(Sizes::of(&[], &[100], &["a"]).unwrap(), None);
    }

    #[test]
    fn only_sets_that_reach_every_size_take_part() {
        let sizes = Sizes::of(&[20, 50], &[100, 40, 50], &["a", "b", "c"]).unwrap().unwrap();
        assert_eq!((sizes.all(), sizes.sets()), ([20, 50].as_slice(), [0, 2].as_slice()));
        assert_eq!(sizes.below(50).collect::<Vec<_>>(), [20]);
        let error = Sizes::of(&[20, 500], &[100, 40], &["a", "b"]).unwrap_err().to_string();
        assert!(
            error.contains("--train-sizes 500") && error.contains("100, the training half of a"),
            "{error}"
        );
    }
}
