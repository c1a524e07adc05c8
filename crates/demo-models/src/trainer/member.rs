//! One member of a bank: what it visits, how it is doing, when it ends.

use demo_core::Seed;
use serde::{Deserialize, Serialize};

use super::Member;
use super::bank::Rows;
use super::progress::{Ending, Evaluation, MemberProgress, TrainingSummary};
use crate::auroc::auroc;
use crate::config::Selection;
use crate::evaluator::mean_loss;
use crate::order::{Visit, Visits};
use crate::schedule::{Clock, Descent};
use crate::{Balance, CLASSES, LabelledSequences, Schedule, TrainingConfig};

/// How far below the loss of guessing a loss must be for the network to know something.
const LEARNED: f64 = 0.01;

/// A member in training.
#[derive(Debug)]
pub(super) struct MemberState {
    pub(super) config: TrainingConfig,
    pub(super) seed: Seed,
    /// Fingerprints of training and validation data.
    pub(super) digests: (String, Option<String>),
    training: Rows,
    validation: Option<Rows>,
    training_labels: Vec<u8>,
    validation_labels: Vec<u8>,
    /// What each sequence weighs.
    training_weights: Vec<f32>,
    validation_weights: Vec<f64>,
    visits: Visits,
    limit: u64,
    /// Steps this member has done.
    pub(super) steps: u64,
    pub(super) record: Record,
    /// Scores of the unbound and of the bound sequences visited since the last evaluation.
    pub(super) scores: [Vec<f32>; CLASSES],
    /// The weights kept; empty before the first evaluation.
    pub(super) best: Vec<f32>,
}

/// What is remembered from step to step, but the arrays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    loss_sum: f64,
    loss_steps: u64,
    history: Vec<Evaluation>,
    /// The evaluation whose weights are kept.
    best: Option<usize>,
    /// The validation loss that the patience compares with.
    reference: Option<f64>,
    since_reference: u32,
    descent: Option<Descent>,
    /// Whether the patience has been exhausted.
    settled: bool,
    ending: Option<Ending>,
}

impl Record {
    /// Whether what it points at is there.
    pub(super) fn is_whole(&self) -> bool {
        self.best.is_none_or(|best| best < self.history.len())
    }
}

impl MemberState {
    pub(super) fn new(member: &Member<'_>, training: Rows, validation: Option<Rows>) -> Self {
        let config = member.config;
        let (labels, either) = (member.training.labels(), config.reverse_complement);
        let visits = if config.balance == Balance::Sampling {
            Visits::balanced(config.batch, labels, either, member.seed)
        } else {
            Visits::new(config.order, config.batch, labels.len(), either, member.seed)
        };
        let validation_labels = member.validation.map_or(&[][..], LabelledSequences::labels);
        let balance = config.balance.training_weights(labels);
        let training_weights: Vec<f64> = labels
            .iter()
            .enumerate()
            .map(|(at, &label)| balance[usize::from(label)] * f64::from(member.training.weight(at)))
            .collect();
        let balance = config.balance.validation_weights(validation_labels);
        let validation_weights = validation_labels.iter().enumerate().map(|(at, &label)| {
            let own = member.validation.map_or(1.0, |validation| validation.weight(at));
            balance[usize::from(label)] * f64::from(own)
        });
        Self {
            digests: (member.training.digest(), member.validation.map(LabelledSequences::digest)),
            training_labels: labels.to_vec(),
            validation_labels: validation_labels.to_vec(),
            training_weights: in_range(&training_weights),
            validation_weights: validation_weights.collect(),
            limit: config.step_limit(visits.epoch_steps()),
            config: config.clone(),
            seed: member.seed,
            training,
            validation,
            visits,
            steps: 0,
            record: Record::default(),
            scores: [Vec::new(), Vec::new()],
            best: Vec::new(),
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.record.ending.is_none()
    }

    pub(super) fn end(&mut self, ending: Ending) {
        self.record.ending = Some(ending);
    }

    /// What a step visits; nothing once the member has ended.
    pub(super) fn visits(&mut self, step: u64) -> &[Visit] {
        if self.is_active() { self.visits.at(step) } else { &[] }
    }

    pub(super) fn learning_rate(&self, step: u64) -> f64 {
        let clock = Clock {
            step,
            epoch_steps: self.visits.epoch_steps(),
            limit: self.limit,
            descent: self.record.descent,
        };
        self.config.learning_rate * self.config.schedule.factor(&clock)
    }

    /// Adds this member's rows, labels and weights, filled up to `size` with rows of no weight.
    pub(super) fn push_batch(
        &mut self,
        step: u64,
        size: usize,
        rows: &mut Vec<u32>,
        labels: &mut Vec<u8>,
        weights: &mut Vec<f32>,
    ) {
        let full = rows.len() + size;
        let training = self.training;
        let visits = if self.record.ending.is_none() { self.visits.at(step) } else { &[] };
        for visit in visits {
            let start = match training.reversed {
                Some(reversed) if visit.reversed => reversed,
                _ => training.start,
            };
            rows.push(start + visit.sequence);
            labels.push(self.training_labels[visit.sequence as usize]);
            weights.push(self.training_weights[visit.sequence as usize]);
        }
        rows.resize(full, training.start);
        labels.resize(full, 0);
        weights.resize(full, 0.0);
    }

    /// Books a step's loss and the scores of its visits.
    pub(super) fn note_step(&mut self, loss: f64, logits: &[f32], labels: &[u8], weights: &[f32]) {
        self.record.loss_sum += loss;
        self.record.loss_steps += 1;
        for ((logits, &label), &weight) in logits.chunks_exact(CLASSES).zip(labels).zip(weights) {
            if weight > 0.0 {
                self.scores[usize::from(label)].push(logits[1] - logits[0]);
            }
        }
    }

    /// How far the average of the weights follows them after a step. Until the decay is reached it is the
    /// polynomial-decay average of Shamir and Zhang (ICML 2013), which has no bias to correct: the weights
    /// training began with keep a share of `9! s! / (s + 9)!` after `s` steps, 2e-13 at 100, where a plain
    /// moving average at .99 would still hold .37 of them.
    pub(super) fn average_part(&self, step: u64) -> f32 {
        let keep = self.config.averaging.map_or(1.0, |decay| decay.min(step as f64 / (step as f64 + 9.0)));
        1.0 - keep as f32
    }

    /// Rows of the validation sequences and, where prediction reads both strands, of the others.
    pub(super) fn validation_rows(&self) -> Option<(Vec<u32>, Option<Vec<u32>>)> {
        let rows = self.validation?;
        let span = |start: u32| (start..start + rows.count).collect();
        Some((span(rows.start), rows.reversed.map(span)))
    }

    /// Whether this member is to be evaluated after so many steps.
    pub(super) fn is_due_at(&self, steps: u64) -> bool {
        let interval = self.config.evaluation_steps(self.visits.epoch_steps());
        steps.is_multiple_of(interval) || steps >= self.last_step()
    }

    /// Books an evaluation, keeps the weights where they are the best, and decides how to go on.
    pub(super) fn note_evaluation(&mut self, logits: Option<&[f64]>, weights: Vec<f32>) {
        let evaluation = self.take_evaluation(logits);
        if evaluation.validation_loss.is_some_and(|loss| !loss.is_finite()) {
            return self.end(Ending::Diverged);
        }
        let best = self.record.best.map(|at| self.record.history[at]);
        let better = match self.config.selection {
            Selection::Last => true,
            Selection::TrainingAuroc => best.is_none_or(|b| evaluation.training_auroc > b.training_auroc),
            Selection::ValidationLoss => best.is_none_or(|b| evaluation.validation_loss < b.validation_loss),
        };
        if better {
            self.record.best = Some(self.record.history.len());
            self.best = weights;
        }
        self.record.history.push(evaluation);
        self.watch(&evaluation);
        self.advance();
    }

    /// Begins the final descent or ends, where the budget says so.
    pub(super) fn advance(&mut self) {
        if let (Schedule::HoldThenDecay { decay, .. }, None) = (self.config.schedule, self.record.descent) {
            let held = (self.limit as f64 / (1.0 + decay)) as u64;
            if self.steps >= held && self.steps < self.limit {
                self.record.descent = Some(Descent { from: self.steps, steps: self.limit - self.steps });
            }
        }
        if self.is_active() && self.steps >= self.last_step() {
            let early = self.steps < self.limit;
            self.end(if early { Ending::Finished } else { Ending::Limit });
        }
    }

    pub(super) fn has_diverged(&self) -> bool {
        self.record.ending == Some(Ending::Diverged)
    }

    pub(super) fn progress(&self) -> MemberProgress {
        let record = &self.record;
        MemberProgress {
            step: self.steps,
            epoch: self.epoch(),
            limit: self.last_step(),
            batch: self.config.batch,
            learning_rate: self.learning_rate(self.steps.saturating_sub(1)),
            training_loss: (record.loss_steps > 0).then(|| record.loss_sum / record.loss_steps as f64),
            evaluation: record.history.last().copied(),
            ending: record.ending,
        }
    }

    pub(super) fn summary(&self) -> TrainingSummary {
        let record = &self.record;
        let stopped_falling = match self.config.patience {
            Some(_) => Some(record.settled),
            // Nothing watched the loss, but a network that guesses has not converged under any schedule.
            None => (self.config.selection == Selection::ValidationLoss).then(|| self.knows_something()),
        };
        TrainingSummary {
            steps: self.steps,
            epochs: self.epoch(),
            training_sequences: self.training_labels.len(),
            validation_sequences: self.validation_labels.len(),
            converged: stopped_falling.map(|converged| converged && !self.has_diverged()),
            ending: record.ending,
            best: record.best.map(|at| record.history[at]),
            history: record.history.clone(),
        }
    }

    /// The validation loss of a network that knows something.
    fn known_loss(&self) -> f64 {
        chance_loss(&self.validation_labels, &self.validation_weights) - LEARNED
    }

    /// Whether the weights kept do more than guess.
    fn knows_something(&self) -> bool {
        let best = self.record.best.and_then(|at| self.record.history[at].validation_loss);
        best.is_some_and(|loss| loss <= self.known_loss())
    }

    /// Compares with the loss the patience remembers. These networks begin on a plateau at the loss of
    /// guessing, and may fall back there; what knows nothing has not converged, so the patience does not count
    /// there. A network that overfits guesses badly in validation too, but not in training. Exhausted, the final
    /// descent begins, or the training ends where the schedule has none.
    fn watch(&mut self, evaluation: &Evaluation) {
        let (Some(patience), Some(loss)) = (self.config.patience, evaluation.validation_loss) else { return };
        let known = self.known_loss();
        let guesses = loss > known && (self.record.reference.is_none() || evaluation.training_loss > known);
        let record = &mut self.record;
        if guesses && !record.settled {
            return;
        }
        if record.reference.is_none_or(|reference| loss < reference - self.config.tolerance) {
            record.reference = Some(loss);
            record.since_reference = 0;
            return;
        }
        record.since_reference += 1;
        if record.since_reference < patience || self.steps < self.config.min_steps {
            return;
        }
        if record.settled {
            // A descent that brings nothing either is not worth finishing.
            if record.since_reference >= 2 * patience {
                record.ending = Some(Ending::Finished);
            }
            return;
        }
        record.settled = true;
        // However long the least number of steps held the patience back, the descent has its own.
        record.since_reference = patience;
        if record.descent.is_none() {
            record.descent = self.config.schedule.descent(self.steps, self.visits.epoch_steps());
            if record.descent.is_none() {
                record.ending = Some(Ending::Finished);
            }
        }
    }

    fn take_evaluation(&mut self, logits: Option<&[f64]>) -> Evaluation {
        let [unbound, bound] = &mut self.scores;
        let scores: Vec<f64> = unbound.iter().chain(bound.iter()).map(|&score| f64::from(score)).collect();
        let labels: Vec<u8> = [vec![0; unbound.len()], vec![1; bound.len()]].concat();
        unbound.clear();
        bound.clear();
        let training_loss = self.record.loss_sum / self.record.loss_steps.max(1) as f64;
        (self.record.loss_sum, self.record.loss_steps) = (0.0, 0);
        let differences = |logits: &[f64]| -> Vec<f64> {
            logits.chunks_exact(CLASSES).map(|logits| logits[1] - logits[0]).collect()
        };
        Evaluation {
            step: self.steps,
            epoch: self.epoch(),
            training_loss,
            training_auroc: auroc(&scores, &labels),
            validation_loss: logits
                .map(|logits| mean_loss(logits, &self.validation_labels, &self.validation_weights)),
            validation_auroc: logits.and_then(|logits| auroc(&differences(logits), &self.validation_labels)),
            learning_rate: self.learning_rate(self.steps.saturating_sub(1)),
        }
    }

    fn epoch(&self) -> u64 {
        self.steps.div_ceil(self.visits.epoch_steps())
    }

    /// The step after which this member ends, as far as is known now.
    fn last_step(&self) -> u64 {
        self.record.descent.map_or(self.limit, |descent| (descent.from + descent.steps).min(self.limit))
    }
}

/// Weights of which only the ratios count, times the power of two that brings the largest near 1: no bit of
/// their digits changes, and none becomes infinite or, for being small beside 1 alone, zero.
fn in_range(weights: &[f64]) -> Vec<f32> {
    let largest = weights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let scale = 2f64.powi(-(largest.log2().floor() as i32));
    weights.iter().map(|weight| (weight * scale) as f32).collect()
}

/// The loss of always predicting the share of bound sequences, each with its weight.
fn chance_loss(labels: &[u8], weights: &[f64]) -> f64 {
    let bound = labels.iter().zip(weights).filter(|&(&label, _)| label == 1).map(|(_, weight)| weight);
    let bound = bound.sum::<f64>() / weights.iter().sum::<f64>();
    -(bound * bound.ln() + (1.0 - bound) * (1.0 - bound).ln())
}

#[cfg(test)]
mod tests {
    use demo_core::DnaSequence;

    use super::*;
    use crate::Architecture;

    /// The step at which a training with these losses, of training and of validation, settles.
    fn settles(losses: &[(f64, f64)]) -> Option<usize> {
        let sequences: [DnaSequence; 2] = ["ACGT".parse().unwrap(), "TTTT".parse().unwrap()];
        let set = LabelledSequences::new(&sequences, &[0, 1]).unwrap();
        let config = TrainingConfig {
            patience: Some(3),
            min_steps: 0,
            ..TrainingConfig::honest(&Architecture::Cnn(crate::CnnConfig::default()), 2)
        };
        let member = Member { training: &set, validation: Some(&set), config: &config, seed: Seed::new(1) };
        let rows = Rows { start: 0, reversed: None, count: 2 };
        let mut state = MemberState::new(&member, rows, Some(rows));
        losses.iter().position(|&(training_loss, validation_loss)| {
            state.watch(&Evaluation {
                step: 0,
                epoch: 0,
                training_loss,
                training_auroc: None,
                validation_loss: Some(validation_loss),
                validation_auroc: None,
                learning_rate: 0.0,
            });
            state.record.settled
        })
    }

    #[test]
    fn weights_that_differ_by_a_factor_train_alike_however_large_or_small() {
        let sequences: [DnaSequence; 3] = ["ACGT", "TTTT", "GGGT"].map(|text| text.parse().unwrap());
        let set = LabelledSequences::new(&sequences, &[0, 0, 1]).unwrap();
        let rows = Rows { start: 0, reversed: None, count: 3 };
        for balance in ["none", "weights", "10:1", "1:9"] {
            let balance = balance.parse().unwrap();
            let config = TrainingConfig { balance, ..TrainingConfig::as_published() };
            let weights = |factor: f32| {
                let training = set.clone().with_weights(&[factor, 3.0 * factor, factor]).unwrap();
                let member =
                    Member { training: &training, validation: None, config: &config, seed: Seed::new(1) };
                MemberState::new(&member, rows, None).training_weights
            };
            // The largest power of two that three are a number of, and the smallest.
            for factor in [2f32.powi(126), f32::from_bits(1)] {
                assert_eq!(weights(factor), weights(1.0));
            }
            assert!(weights(1.0).iter().all(|weight| (1.0 / 32.0..4.0).contains(weight)));
        }
    }

    #[test]
    fn what_knows_nothing_has_not_converged() {
        let chance = 2f64.ln();
        let (guess, known, better) = ((chance, chance), (0.6, 0.6), (0.5, 0.5));
        assert_eq!(settles(&[guess; 9]), None);
        assert_eq!(settles(&[known; 9]), Some(3));
        assert_eq!(settles(&[guess, guess, known, known, better, better, better, better]), Some(7));
        // Back at the loss of guessing, for as long as it takes.
        let mut collapsed = vec![guess, known];
        collapsed.extend([guess; 20]);
        assert_eq!(settles(&collapsed), None);
        collapsed.extend([better; 4]);
        assert_eq!(settles(&collapsed), Some(25));
        // What overfits has learned something.
        assert_eq!(settles(&[known, (0.3, 0.8), (0.2, 0.9), (0.1, 1.0)]), Some(3));
    }
}
