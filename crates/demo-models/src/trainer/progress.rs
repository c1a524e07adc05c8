//! What a training says of itself, while it runs and afterwards.

use serde::{Deserialize, Serialize};

/// How a member's training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Its regime was done: patience exhausted, or the final descent of the learning rate over.
    Finished,
    /// It reached its limit of steps or epochs.
    Limit,
    /// Its loss was no longer a number; the weights kept are the best before, and where none had been evaluated
    /// those it began with.
    Diverged,
}

/// What [`crate::Trainer::run`] ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Every member has finished.
    Finished,
    /// The callback asked to stop; the training can go on from here.
    Interrupted,
}

/// One look at a member in training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Steps done.
    pub step: u64,
    /// Epochs begun: the first step belongs to epoch 1.
    pub epoch: u64,
    /// Mean training loss since the last evaluation, dropout on, classes weighed as the regime weighs them.
    pub training_loss: f64,
    /// AUROC of the training sequences visited since the last evaluation, dropout on; `None` where one
    /// class was not visited.
    pub training_auroc: Option<f64>,
    /// Mean loss over the validation sequences, strands averaged where prediction averages them, classes
    /// weighed as the regime weighs them.
    pub validation_loss: Option<f64>,
    /// AUROC of the validation sequences.
    pub validation_auroc: Option<f64>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
}

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemberProgress {
    /// Steps it has done.
    pub step: u64,
    /// Epochs begun.
    pub epoch: u64,
    /// The steps after which it ends at the latest, as far as is known now.
    pub limit: u64,
    /// Sequences of a full step.
    pub batch: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean training loss since the last evaluation; `None` right after one.
    pub training_loss: Option<f64>,
    /// The last evaluation.
    pub evaluation: Option<Evaluation>,
    /// How it ended, if it has.
    pub ending: Option<Ending>,
}

/// Where a bank stands after a step.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Steps the bank has done.
    pub step: u64,
    /// Its members.
    pub members: &'a [MemberProgress],
}

/// How a training went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// Steps done.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u64,
    /// Training sequences.
    pub training_sequences: usize,
    /// Validation sequences.
    pub validation_sequences: usize,
    /// Whether the validation loss had stopped falling before the limit, or, where the schedule alone ends a
    /// training, whether the network does more than guess; `None` where nothing is validated.
    pub converged: Option<bool>,
    /// How it ended; `None` where it was interrupted.
    pub ending: Option<Ending>,
    /// The evaluation whose weights were kept.
    pub best: Option<Evaluation>,
    /// All evaluations.
    pub history: Vec<Evaluation>,
}
