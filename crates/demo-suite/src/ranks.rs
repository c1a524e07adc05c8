//! What training makes of the ranks of peaks.
//!
//! ChIP-seq peaks come ranked, and a test half may hold the strongest alone (DeepBind's holds every other of
//! the first thousand) where training peaks are mostly weaker. A regime may weigh strong peaks more, and may
//! be stopped by validation sequences that are strong.

use demo_core::Seed;
use demo_data::{Example, Split};
use serde::{Deserialize, Serialize};

use crate::config::parse_by_name;
use crate::plan::VALIDATION_FRACTION;

/// Peaks that validate or judge alone, at most, where the strongest do: DeepBind's training halves have 500 of
/// the first thousand.
const STRONGEST: usize = 250;

/// Which sequences are held out of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeldOut {
    /// Any, at random.
    #[default]
    Any,
    /// One of every two of the strongest peaks, with what was made from them.
    Strongest,
}

impl HeldOut {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Any, Self::Strongest];

    /// The name on the command line, in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Strongest => "strongest",
        }
    }

    /// The split that holds out about this part of the examples.
    pub(crate) fn split(self, examples: &[Example], fraction: f64, seed: Seed) -> demo_data::Result<Split> {
        match self {
            Self::Any => Split::new(examples, fraction, seed),
            Self::Strongest => Split::strongest(examples, fraction, STRONGEST, seed),
        }
    }
}

parse_by_name!(HeldOut, "held-out part");

/// What a regime makes of ranks.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RankUse {
    /// The strongest peak weighs `exp(weight)` times the weakest in the loss, evenly in between.
    pub(crate) weight: f64,
    /// Which peaks validate.
    pub(crate) validation: HeldOut,
}

/// Whether a value is what it is where a file does not name it.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl RankUse {
    /// The places to train on and those to validate on.
    pub(crate) fn split(&self, examples: &[Example], seed: Seed) -> demo_data::Result<Split> {
        self.validation.split(examples, VALIDATION_FRACTION, seed.child("validation"))
    }

    /// The weights of these of a half's examples, none where all weigh the same. A negative weighs what the
    /// positive does that it was made from; a sequence without a rank, what the weakest peak does.
    pub(crate) fn weights(&self, half: &[Example], places: &[usize]) -> demo_data::Result<Option<Vec<f32>>> {
        if self.weight == 0.0 {
            return Ok(None);
        }
        let mut ranked: Vec<(u32, usize)> =
            half.iter().enumerate().filter_map(|(at, example)| Some((example.rank?, at))).collect();
        if ranked.is_empty() {
            return Err(demo_data::Error::Fold {
                found: "no positive with a rank".to_owned(),
                wanted: "ranks of peaks, to weigh by".to_owned(),
            });
        }
        ranked.sort_unstable();
        let mut weights = vec![1.0f32; half.len()];
        let last = (ranked.len() - 1).max(1) as f64;
        let mut of_pair = std::collections::HashMap::new();
        for (number, &(_, at)) in ranked.iter().enumerate() {
            weights[at] = (self.weight * (1.0 - number as f64 / last)).exp() as f32;
            of_pair.extend(half[at].pair.map(|pair| (pair, weights[at])));
        }
        for (weight, example) in weights.iter_mut().zip(half).filter(|(_, example)| !example.bound) {
            *weight = example.pair.and_then(|pair| of_pair.get(&pair)).copied().unwrap_or(*weight);
        }
        Ok(Some(places.iter().map(|&place| weights[place]).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fall_evenly_from_the_strongest_and_pairs_share_them() {
        let of = |rank: u32, bound: bool| Example {
            rank: bound.then_some(rank),
            ..Example::new("ACGT".parse().unwrap(), bound).with_pair(rank)
        };
        // Ranks with a gap, the weakest first.
        let mut half: Vec<Example> =
            [9, 4, 2].iter().flat_map(|&rank| [of(rank, true), of(rank, false)]).collect();
        half.push(Example::new("GGGG".parse().unwrap(), false));
        let ranks = RankUse { weight: 2.0, validation: HeldOut::Any };
        let found = ranks.weights(&half, &[0, 1, 2, 3, 4, 5, 6]).unwrap().unwrap();
        let wanted = [0.0f32, 0.0, 1.0, 1.0, 2.0, 2.0, 0.0].map(f32::exp);
        assert!(
            found.iter().zip(wanted).all(|(found, wanted)| (found / wanted - 1.0).abs() < 1e-6),
            "{found:?}"
        );
        assert_eq!(ranks.weights(&half, &[4]).unwrap().unwrap().len(), 1);
        assert_eq!(RankUse::default().weights(&half, &[0]).unwrap(), None);
        let unranked: Vec<Example> = half.iter().map(|x| Example { rank: None, ..x.clone() }).collect();
        assert!(ranks.weights(&unranked, &[0]).unwrap_err().to_string().contains("no positive with a rank"));
    }
}
