//! How a network is trained: a value, checked before use. Presets are in [`TrainingConfig::honest`] and
//! [`TrainingConfig::as_published`].

use demo_engine::AdamConfig;
use serde::{Deserialize, Serialize};

use crate::{Balance, Error, Result, Schedule};

/// Which strands a prediction reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strands {
    /// The sequence as given.
    Forward,
    /// The sequence and its reverse complement: their logits are averaged.
    Both,
}

/// The order in which training sequences are visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As given, every epoch the same; the last batch of an epoch may be smaller.
    File,
    /// A new random order every epoch; what does not fill the last batch is left out of that epoch.
    Shuffled,
}

/// How often the training is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interval {
    /// After so many epochs.
    Epochs(u32),
    /// After so many steps.
    Steps(u64),
}

/// Which of the evaluated weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// Those of the highest AUROC on the training sequences, measured during training, dropout on.
    TrainingAuroc,
    /// Those of the lowest validation loss.
    ValidationLoss,
    /// The last ones.
    Last,
}

/// With which standard deviation an LSTM's weights start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LstmStart {
    /// 1/sqrt(D + H) for both matrices, of D inputs and H hidden units, as published.
    #[default]
    Published,
    /// 1/sqrt(D) for the input's matrix and 1/sqrt(H) for the recurrent one, so that each brings its gates sums
    /// of standard deviation about 1, however few the inputs: with four bases the published rule leaves the
    /// sequence a sixth of that.
    Scaled,
}

impl LstmStart {
    /// Whether it is the published rule.
    pub fn is_published(&self) -> bool {
        *self == Self::Published
    }
}

/// Everything that decides how a network is trained, but its data and its seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Sequences a step.
    pub batch: usize,
    /// The learning rate that the schedule scales.
    pub learning_rate: f64,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Adam's constants and the element-wise clamp on gradients.
    pub adam: AdamConfig,
    /// The most epochs; `None` leaves it to the steps.
    pub max_epochs: Option<u32>,
    /// The most steps; `None` leaves it to the epochs. The lower of both holds.
    pub max_steps: Option<u64>,
    /// Training neither stops for lack of progress nor reaches its limit before so many steps.
    pub min_steps: u64,
    /// Evaluations without a lower validation loss after which it counts as fallen; `None` trains to
    /// the limit.
    pub patience: Option<u32>,
    /// A validation loss must be lower by this much to count for the patience.
    pub tolerance: f64,
    /// How often to evaluate.
    pub evaluate_every: Interval,
    /// Which weights are kept.
    pub selection: Selection,
    /// The order of visits.
    pub order: Order,
    /// Whether each visit shows a random strand.
    pub reverse_complement: bool,
    /// Which strands validation and prediction read.
    pub strands: Strands,
    /// Decay a step of an exponential moving average of the weights, which is then evaluated and kept
    /// in their place.
    pub averaging: Option<f64>,
    /// How the classes are balanced. Not written where they are not, so that regimes of before are read
    /// and recognised.
    #[serde(default, skip_serializing_if = "Balance::is_none")]
    pub balance: Balance,
    /// How an LSTM's weights start; not written where as published, likewise.
    #[serde(default, skip_serializing_if = "LstmStart::is_published")]
    pub lstm_start: LstmStart,
}

impl TrainingConfig {
    /// The largest batch: more would take gigabytes for each member, and not train better.
    pub const MOST_BATCH: usize = 1 << 16;

    /// Whether training needs validation sequences.
    pub fn needs_validation(&self) -> bool {
        self.patience.is_some() || self.selection == Selection::ValidationLoss
    }

    /// Checks every value, Adam's too.
    ///
    /// # Errors
    /// [`Error::Config`] names the first value out of range.
    pub fn check(&self) -> Result<()> {
        let wanted = |good: bool, field, found: String, wanted| {
            if good { Ok(()) } else { Err(Error::Config { field, found, wanted }) }
        };
        let batches = (1..=Self::MOST_BATCH).contains(&self.batch);
        wanted(batches, "batch", self.batch.to_string(), "1 to 65536")?;
        let rate = self.learning_rate;
        wanted(rate.is_finite() && rate > 0.0, "learning_rate", rate.to_string(), "a positive number")?;
        self.schedule.check()?;
        let clamp = self.adam.gradient_clamp.unwrap_or(1.0);
        wanted(
            clamp.is_finite() && clamp > 0.0,
            "adam.gradient_clamp",
            clamp.to_string(),
            "a positive number",
        )?;
        for (field, beta) in [("adam.beta1", self.adam.beta1), ("adam.beta2", self.adam.beta2)] {
            wanted((0.0..1.0).contains(&beta), field, beta.to_string(), "at least 0, below 1")?;
        }
        let (epsilon, decay) = (self.adam.epsilon, self.adam.weight_decay);
        let positive = epsilon.is_finite() && epsilon > 0.0;
        wanted(positive, "adam.epsilon", epsilon.to_string(), "a positive number")?;
        let decays = decay.is_finite() && decay >= 0.0;
        wanted(decays, "adam.weight_decay", decay.to_string(), "a number of at least 0")?;
        let limit = self.max_epochs.is_some() || self.max_steps.is_some();
        wanted(limit, "max_epochs and max_steps", "neither".to_owned(), "at least one of them")?;
        wanted(self.max_epochs != Some(0), "max_epochs", "0".to_owned(), "at least 1")?;
        wanted(self.max_steps != Some(0), "max_steps", "0".to_owned(), "at least 1")?;
        wanted(self.patience != Some(0), "patience", "0".to_owned(), "at least 1")?;
        let sampled = self.balance == Balance::Sampling && self.order == Order::File;
        wanted(!sampled, "balance", self.balance.to_string(), "order shuffled for sampling")?;
        let tolerance = self.tolerance;
        let tolerates = tolerance.is_finite() && tolerance >= 0.0;
        wanted(tolerates, "tolerance", tolerance.to_string(), "a number of at least 0")?;
        let (Interval::Epochs(0) | Interval::Steps(0)) = self.evaluate_every else {
            let decay = self.averaging.unwrap_or(0.0);
            return wanted(
                (0.0..1.0).contains(&decay),
                "averaging",
                decay.to_string(),
                "at least 0, below 1",
            );
        };
        wanted(false, "evaluate_every", "0".to_owned(), "at least 1")
    }

    /// The step budget for this many steps an epoch.
    pub(crate) fn step_limit(&self, epoch_steps: u64) -> u64 {
        let epochs = self.max_epochs.map(|epochs| u64::from(epochs) * epoch_steps);
        let limit = match (epochs, self.max_steps) {
            (Some(epochs), Some(steps)) => epochs.min(steps),
            (Some(limit), None) | (None, Some(limit)) => limit,
            (None, None) => 0,
        };
        limit.max(self.min_steps).max(1)
    }

    /// Steps between evaluations.
    pub(crate) fn evaluation_steps(&self, epoch_steps: u64) -> u64 {
        match self.evaluate_every {
            Interval::Epochs(epochs) => u64::from(epochs) * epoch_steps,
            Interval::Steps(steps) => steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        let published = TrainingConfig::as_published();
        published.check().unwrap();
        let refused = |config: TrainingConfig| config.check().unwrap_err().to_string();
        for batch in [0, TrainingConfig::MOST_BATCH + 1] {
            assert_eq!(
                refused(TrainingConfig { batch, ..published.clone() }),
                format!("batch: found {batch}, wanted 1 to 65536")
            );
        }
        assert_eq!(
            refused(TrainingConfig { learning_rate: f64::NAN, ..published.clone() }),
            "learning_rate: found NaN, wanted a positive number"
        );
        for (epsilon, weight_decay, wanted) in [
            (0.0, 0.0, "adam.epsilon: found 0, wanted a positive number"),
            (1e-8, -0.1, "adam.weight_decay: found -0.1, wanted a number of at least 0"),
            (1e-8, f64::INFINITY, "adam.weight_decay: found inf, wanted a number of at least 0"),
        ] {
            let adam = AdamConfig { epsilon, weight_decay, ..published.adam };
            assert_eq!(refused(TrainingConfig { adam, ..published.clone() }), wanted);
        }
        // JSON holds no such numbers, so that a training saved with them could not be read.
        let adam = AdamConfig { gradient_clamp: Some(f64::INFINITY), ..published.adam };
        assert_eq!(
            refused(TrainingConfig { adam, ..published.clone() }),
            "adam.gradient_clamp: found inf, wanted a positive number"
        );
        assert_eq!(
            refused(TrainingConfig { tolerance: f64::INFINITY, ..published.clone() }),
            "tolerance: found inf, wanted a number of at least 0"
        );
        assert_eq!(
            refused(TrainingConfig { evaluate_every: Interval::Steps(0), ..published.clone() }),
            "evaluate_every: found 0, wanted at least 1"
        );
        assert_eq!(
            refused(TrainingConfig { max_epochs: None, ..published.clone() }),
            "max_epochs and max_steps: found neither, wanted at least one of them"
        );
        assert_eq!(
            refused(TrainingConfig { balance: Balance::Sampling, ..published.clone() }),
            "balance: found sampling, wanted order shuffled for sampling"
        );
        let schedule = Schedule::Cosine { warm_up_steps: 0, last: 2.0 };
        assert!(refused(TrainingConfig { schedule, ..published }).starts_with("schedule.last: found 2"));
    }

    #[test]
    fn the_lower_limit_holds_but_not_below_the_least_steps() {
        let mut config = TrainingConfig { max_steps: Some(700), ..TrainingConfig::as_published() };
        assert_eq!(config.step_limit(10), 500);
        assert_eq!(config.step_limit(20), 700);
        config.min_steps = 1000;
        assert_eq!(config.step_limit(20), 1000);
    }
}
