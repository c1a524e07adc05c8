//! Training where one class is rarer than the other.
//!
//! Trained as they come, rare bound sequences leave a network that ranks well and calls almost nothing
//! bound. Two remedies: the loss weighs each class, by default inversely to its frequency as
//! scikit-learn's `class_weight="balanced"` (King and Zeng, Political Analysis 9:137, 2001), or each step
//! draws both classes equally often. Either way a probability is that of classes that are equally
//! frequent, and validation weighs them the same, so that what is selected is what was trained for.
//!
//! ```
//! use demo_models::{Balance, ClassWeights};
//!
//! assert_eq!("weights".parse::<Balance>()?, Balance::InverseFrequency);
//! assert_eq!("1:9".parse::<Balance>()?, Balance::Weights(ClassWeights::new(1.0, 9.0)?));
//! assert!(ClassWeights::new(1.0, 0.0).is_err());
//! # Ok::<(), demo_models::Error>(())
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{CLASSES, Error, Result};

/// How training balances the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Not at all: every sequence weighs the same.
    #[default]
    None,
    /// By weights in the loss that give both classes the same total.
    InverseFrequency,
    /// By these weights in the loss.
    Weights(ClassWeights),
    /// By visiting both classes equally often: an epoch has as many visits as there are sequences, the
    /// rare class is visited several times, and of the frequent one each epoch takes the next part of a
    /// random order.
    Sampling,
}

impl Balance {
    /// Whether nothing is balanced.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// The weights of an unbound and of a bound sequence of this training set in the loss.
    pub(crate) fn training_weights(self, labels: &[u8]) -> [f64; CLASSES] {
        match self {
            Self::None | Self::Sampling => [1.0, 1.0],
            Self::InverseFrequency => inverse_frequencies(labels),
            Self::Weights(weights) => weights.scaled(),
        }
    }

    /// The same for this validation set, which is never sampled.
    pub(crate) fn validation_weights(self, labels: &[u8]) -> [f64; CLASSES] {
        match self {
            Self::Sampling => inverse_frequencies(labels),
            _ => self.training_weights(labels),
        }
    }
}

impl FromStr for Balance {
    type Err = Error;

    /// `none`, `weights`, `sampling`, or the weights of an unbound and of a bound sequence as `1:9`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => return Ok(Self::None),
            "weights" => return Ok(Self::InverseFrequency),
            "sampling" => return Ok(Self::Sampling),
            _ => {}
        }
        let numbers = text.split_once(':').and_then(|(u, b)| Some((u.parse().ok()?, b.parse().ok()?)));
        let Some((unbound, bound)) = numbers else {
            return Err(Error::Config {
                field: "balance",
                found: text.to_owned(),
                wanted: "none, weights, sampling, or two weights, unbound:bound, such as 1:9",
            });
        };
        Ok(Self::Weights(ClassWeights::new(unbound, bound)?))
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::InverseFrequency => f.write_str("weights"),
            Self::Weights(weights) => write!(f, "{}:{}", weights.unbound, weights.bound),
            Self::Sampling => f.write_str("sampling"),
        }
    }
}

/// What a sequence of each class weighs in the loss. A step's loss is divided by the sum of its weights,
/// so only their ratio matters, and equal weights are the same as none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawWeights")]
pub struct ClassWeights {
    unbound: f64,
    bound: f64,
}

/// Neither weight is a NaN.
impl Eq for ClassWeights {}

/// As read, before the check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeights {
    unbound: f64,
    bound: f64,
}

impl TryFrom<RawWeights> for ClassWeights {
    type Error = Error;

    fn try_from(raw: RawWeights) -> Result<Self> {
        Self::new(raw.unbound, raw.bound)
    }
}

impl ClassWeights {
    /// Neither class may weigh more than this many times the other: a sequence that weighs next to
    /// nothing is lost in the rounding of the gradient, and is better left out.
    const MOST: f64 = 1e4;

    /// The weights of an unbound and of a bound sequence.
    ///
    /// # Errors
    /// [`Error::Config`] where one is not a positive number, or is more than 10,000 times the other.
    pub fn new(unbound: f64, bound: f64) -> Result<Self> {
        let refuse = |field, found: f64, wanted| Error::Config { field, found: found.to_string(), wanted };
        for (field, weight) in [("weight of unbound", unbound), ("weight of bound", bound)] {
            if !(weight.is_finite() && weight > 0.0) {
                return Err(refuse(field, weight, "a positive number"));
            }
        }
        let ratio = bound / unbound;
        if !(1.0 / Self::MOST..=Self::MOST).contains(&ratio) {
            return Err(refuse("weight of bound by weight of unbound", ratio, "0.0001 to 10000"));
        }
        Ok(Self { unbound, bound })
    }

    /// The weight of an unbound sequence.
    pub fn unbound(&self) -> f64 {
        self.unbound
    }

    /// The weight of a bound sequence.
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// Scaled so that equal weights are exactly those of sequences that are not weighted.
    fn scaled(self) -> [f64; CLASSES] {
        [1.0, self.bound / self.unbound]
    }
}

/// Weights by which both classes of these labels have the same total; a set has at least one of each.
fn inverse_frequencies(labels: &[u8]) -> [f64; CLASSES] {
    let bound: usize = labels.iter().map(|&label| usize::from(label)).sum();
    [1.0, (labels.len() - bound) as f64 / bound.max(1) as f64]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_weights_return_and_faults_are_named() {
        for text in ["none", "weights", "sampling", "1:9", "0.5:1.25"] {
            let balance: Balance = text.parse().unwrap();
            assert_eq!(balance.to_string(), text);
            let json = serde_json::to_string(&balance).unwrap();
            assert_eq!(serde_json::from_str::<Balance>(&json).unwrap(), balance);
        }
        let refused = |text: &str| text.parse::<Balance>().unwrap_err().to_string();
        assert!(refused("equal").starts_with("balance: found equal, wanted none, weights, sampling"));
        assert!(refused("1:x").starts_with("balance: found 1:x"));
        assert_eq!(refused("1:0"), "weight of bound: found 0, wanted a positive number");
        assert_eq!(refused("NaN:1"), "weight of unbound: found NaN, wanted a positive number");
        assert!(refused("1:inf").starts_with("weight of bound: found inf"));
        assert!(refused("1:20000").ends_with("found 20000, wanted 0.0001 to 10000"));
        // A file is checked like a command line.
        let json = r#"{"weights":{"unbound":1.0,"bound":-2.0}}"#;
        let error = serde_json::from_str::<Balance>(json).unwrap_err().to_string();
        assert!(error.contains("weight of bound: found -2"), "{error}");
    }

    #[test]
    fn classes_have_the_same_total() {
        // Their ratio is that of scikit-learn 1.9.1,
        // compute_class_weight("balanced", classes=np.array([0, 1]), y=[0]*9 + [1]) = [0.5556, 5.0], which is 9.
        let labels = [vec![0; 9], vec![1]].concat();
        assert_eq!(Balance::InverseFrequency.training_weights(&labels), [1.0, 9.0]);
        assert_eq!(Balance::Sampling.validation_weights(&labels), [1.0, 9.0]);
        // What is drawn equally often is not weighted on top.
        assert_eq!(Balance::Sampling.training_weights(&labels), [1.0, 1.0]);
        let given = Balance::Weights(ClassWeights::new(0.1, 0.1).unwrap());
        assert_eq!(given.training_weights(&labels), [1.0, 1.0]);
    }
}
