//! The two regimes that are always kept apart: as published, faults included, and honest.

use demo_engine::AdamConfig;

use crate::{
    Architecture, Balance, Interval, LstmStart, Order, Schedule, Selection, Strands, TrainingConfig,
};

const ADAM: AdamConfig =
    AdamConfig { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, gradient_clamp: Some(5.0) };

impl TrainingConfig {
    /// The authors' regime, the same for every architecture: Adam at 0.01, batches of 256 in file order,
    /// gradients clamped to ±5, the rate halved every 10 epochs, 50 epochs, no validation.
    ///
    /// The epoch with the best AUROC on the *training* sequences, measured while training with dropout
    /// on, is reported. One deviation: the published code reports that epoch but stores the weights of
    /// the last one as its "best" model; here the weights kept are those of the epoch reported, so that
    /// figures and explanations speak of one network.
    pub fn as_published() -> Self {
        Self {
            batch: 256,
            learning_rate: 0.01,
            schedule: Schedule::HalvedEvery { epochs: 10 },
            adam: ADAM,
            max_epochs: Some(50),
            max_steps: None,
            min_steps: 0,
            patience: None,
            tolerance: 0.0,
            evaluate_every: Interval::Epochs(1),
            selection: Selection::TrainingAuroc,
            order: Order::File,
            reverse_complement: false,
            strands: Strands::Forward,
            averaging: None,
            balance: Balance::None,
            lstm_start: LstmStart::Published,
        }
    }

    /// The regime of the comparison, for a training set of this size (without its validation
    /// sequences): a random order every epoch, random strands, logits averaged over both strands, a
    /// moving average of the weights, at least 1,000 steps, the weights of the lowest validation loss.
    ///
    /// The rate is held until the validation loss has stopped falling, then taken down once more: small
    /// sets with a strong motif stop after some 50 epochs, and a weak motif gets the epochs it needs, up
    /// to the limit. The CNN learns slowly and evenly; the networks with an LSTM stay long on plateaus and
    /// then overfit, hence their shorter descent and, for the RNN, its longer patience. Its input weights start
    /// larger than published ([`LstmStart::Scaled`]): from the published start it stays at the loss of guessing
    /// for thousands of steps, on some sets for all of them. The attention variant has the CNN's numbers.
    pub fn honest(architecture: &Architecture, sequences: usize) -> Self {
        Self::honest_in_batches(architecture, sequences, None)
    }

    /// The same in batches of this many sequences, where a number is given: the limit of 80 epochs and the two
    /// evaluations of each are as many steps then.
    pub fn honest_in_batches(architecture: &Architecture, sequences: usize, batch: Option<usize>) -> Self {
        let regime = match architecture {
            Architecture::Cnn(_) | Architecture::Attention(_) => {
                Regime { batch: 32, rate: 1e-3, patience: 8, decay: 0.4 }
            }
            Architecture::Rnn(_) => Regime { batch: 64, rate: 1e-2, patience: 12, decay: 0.2 },
            Architecture::CnnRnn(_) => Regime { batch: 32, rate: 3e-3, patience: 6, decay: 0.2 },
        };
        let batch = batch.unwrap_or(regime.batch).max(1);
        let epoch_steps = (sequences / batch).max(1) as u64;
        Self {
            batch,
            learning_rate: regime.rate,
            schedule: Schedule::HoldThenDecay { warm_up_steps: 100, decay: regime.decay, last: 0.01 },
            max_epochs: None,
            max_steps: Some((LIMIT_EPOCHS * epoch_steps).max(LEAST_LIMIT)),
            min_steps: 1_000,
            patience: Some(regime.patience),
            tolerance: 0.002,
            // Twice an epoch on large sets; not so often on small ones that evaluating costs more than
            // training.
            evaluate_every: Interval::Steps((epoch_steps / 2).max(100)),
            selection: Selection::ValidationLoss,
            order: Order::Shuffled,
            reverse_complement: true,
            strands: Strands::Both,
            averaging: Some(0.99),
            lstm_start: match architecture {
                Architecture::Rnn(_) => LstmStart::Scaled,
                _ => LstmStart::Published,
            },
            ..Self::as_published()
        }
    }
}

/// Epochs after which the honest regime ends whatever the validation loss does.
const LIMIT_EPOCHS: u64 = 80;
/// Steps it may take on a small set even where they are more epochs.
const LEAST_LIMIT: u64 = 9_000;

/// What differs between the architectures.
struct Regime {
    batch: usize,
    rate: f64,
    patience: u32,
    decay: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_survive_json() {
        for name in Architecture::NAMES.into_iter().chain(["attention"]) {
            let architecture = name.parse().unwrap();
            for config in [TrainingConfig::as_published(), TrainingConfig::honest(&architecture, 3_400)] {
                config.check().unwrap();
                let json = serde_json::to_string(&config).unwrap();
                // Results of earlier versions are found by this text.
                assert!(!json.contains("balance"), "{json}");
                assert_eq!(serde_json::from_str::<TrainingConfig>(&json).unwrap(), config);
            }
            let honest = TrainingConfig::honest(&architecture, 10);
            assert!(honest.needs_validation() && honest.step_limit(1) >= 1_000);
            let small = TrainingConfig::honest_in_batches(&architecture, 32_000, Some(16));
            assert_eq!((small.batch, small.max_steps), (16, Some(80 * 2_000)));
            assert_eq!(small.evaluate_every, Interval::Steps(1_000));
        }
        assert!(!TrainingConfig::as_published().needs_validation());
    }
}
