//! Training: a bank of networks of one architecture, trained in lockstep.
//!
//! Every member has its own data, seed, regime and order; what they share is the batch size. A member that
//! has finished is left out while the others go on. One member is the ordinary
//! case, and on the CPU a member's weights do not depend on the bank it is in. A step costs one forward and
//! one backward pass over the bank's batches; an evaluation one forward pass over the member's validation
//! sequences, on both strands where prediction reads both.
//!
//! On a CUDA device sequences, weights and moments stay there, and a step is queued without waiting for
//! it: what it leaves is looked at when a member is evaluated. A member whose loss is not a number is
//! frozen by the device itself.

mod bank;
mod capacity;
mod lockstep;
mod member;
mod progress;
mod state;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;

use demo_core::Seed;
use demo_engine::{
    Adam, AdamConfig, Batch, CodeStore, DType, Device, Input, Loss, Mode, Network, Objective, Params, Task,
};

pub use capacity::{bank_capacity, training_bytes};
pub use progress::{Ending, Evaluation, MemberProgress, Progress, Status, TrainingSummary};

use crate::checkpoint::single;
use crate::evaluator::Forward;
use crate::init::initialise;
use crate::{Architecture, CLASSES, LabelledSequences, LstmStart, Result, TrainedModel, TrainingConfig};
use bank::{check_members, gather};
use lockstep::Lockstep;
use member::MemberState;
use state::Saved;

/// Sequences of a run that evaluates, on the CPU and on a device, which needs more to be busy.
const EVALUATION_BATCH: usize = 256;
const DEVICE_EVALUATION_BATCH: usize = 1024;

/// One network to be trained: its data, its regime, its seed.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The sequences it learns from.
    pub training: &'a LabelledSequences,
    /// The sequences that decide when it stops and which weights are kept.
    pub validation: Option<&'a LabelledSequences>,
    /// The regime.
    pub config: &'a TrainingConfig,
    /// The seed of weights, order, strands and dropout.
    pub seed: Seed,
}

/// A bank in training.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use demo_core::{DnaSequence, Seed};
/// use demo_models::{Architecture, Device, LabelledSequences, Member, RnnConfig, Trainer, TrainingConfig};
///
/// let sequences: [DnaSequence; 4] = ["ACGTACGT".parse()?, "TTTTTTTT".parse()?, "AAGTACGT".parse()?, "TTTATTTT".parse()?];
/// let training = LabelledSequences::new(&sequences, &[1, 0, 1, 0])?;
/// let architecture = Architecture::Rnn(RnnConfig { hidden: 4, dropout: 0.0 });
/// let config = TrainingConfig { max_epochs: Some(3), ..TrainingConfig::as_published() };
///
/// let member = Member { training: &training, validation: None, config: &config, seed: Seed::new(1) };
/// let mut trainer = Trainer::new(&architecture, &[member], &Device::Cpu)?;
/// trainer.run(|progress| {
///     assert!(progress.members[0].step <= 3);
///     ControlFlow::Continue(())
/// })?;
/// let model = trainer.models()?.remove(0);
/// assert_eq!(model.summary.steps, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    architecture: Architecture,
    network: Network,
    device: Device,
    batch: usize,
    members: Vec<MemberState>,
    store: CodeStore,
    lockstep: Lockstep,
    unbooked: VecDeque<Unbooked>,
    forward: Forward,
    step: u64,
    scratch: Scratch,
    progress: Vec<MemberProgress>,
}

/// A step that is not booked: what its rows were.
#[derive(Debug)]
struct Unbooked {
    step: u64,
    size: usize,
    labels: Vec<u8>,
    weights: Vec<f32>,
}

/// What a step hands to the engine, reused from step to step.
#[derive(Debug, Default)]
struct Scratch {
    rows: Vec<u32>,
    labels: Vec<u8>,
    weights: Vec<f32>,
    active: Vec<bool>,
    rates: Vec<f64>,
    seeds: Vec<u64>,
    parts: Vec<f32>,
}

impl Trainer {
    /// A bank at its first step.
    ///
    /// # Errors
    /// [`Config`](crate::Error::Config) and [`Bank`](crate::Error::Bank) where a regime is invalid or the members do not go together,
    /// [`Engine`](crate::Error::Engine) where the sequences are too short for the network.
    pub fn new(architecture: &Architecture, members: &[Member<'_>], device: &Device) -> Result<Self> {
        Self::start(architecture, members, (0..members.len()).collect(), device)
    }

    /// A bank at its first step, with arrays for those of its members alone that are `in_training`.
    fn start(
        architecture: &Architecture,
        members: &[Member<'_>],
        in_training: Vec<usize>,
        device: &Device,
    ) -> Result<Self> {
        let (batch, length) = check_members(members)?;
        let network = architecture.network(length)?;
        let (store, members) = gather(members, length, device)?;
        let starts: Vec<(Seed, LstmStart)> =
            in_training.iter().map(|&at| (members[at].seed, members[at].config.lstm_start)).collect();
        let params = initialise(&network, &starts, device)?;
        let configs: Vec<AdamConfig> = in_training.iter().map(|&at| members[at].config.adam).collect();
        let adam = Adam::of_each(configs, &params)?;
        let averages = members.iter().any(|member| member.config.averaging.is_some());
        let state = (params.clone(), adam, averages.then_some(params));
        let mut trainer = Self {
            lockstep: Lockstep::of(&network, batch, in_training, state, device)?,
            unbooked: VecDeque::new(),
            forward: Forward::new(&network, evaluation_batch(device), DType::F32, device)?,
            architecture: architecture.clone(),
            network,
            device: device.clone(),
            batch,
            store,
            step: 0,
            scratch: Scratch::default(),
            progress: members.iter().map(MemberState::progress).collect(),
            members,
        };
        trainer.seed_dropout();
        Ok(trainer)
    }

    /// Trains until every member has finished or `report`, called after every step, asks to stop.
    ///
    /// # Errors
    /// [`Engine`](crate::Error::Engine); a loss that is not a number ends the member with [`Ending::Diverged`] instead.
    pub fn run(&mut self, mut report: impl FnMut(&Progress<'_>) -> ControlFlow<()>) -> Result<Status> {
        while self.members.iter().any(MemberState::is_active) {
            self.take_step()?;
            let progress = Progress { step: self.step, members: &self.progress };
            if report(&progress).is_break() && self.members.iter().any(MemberState::is_active) {
                self.book()?;
                return Ok(Status::Interrupted);
            }
        }
        self.book()?;
        Ok(Status::Finished)
    }

    /// Steps done by the bank.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Where each member stands.
    pub fn progress(&self) -> &[MemberProgress] {
        &self.progress
    }

    /// The members with the weights kept so far, in their order.
    ///
    /// # Errors
    /// [`Engine`](crate::Error::Engine).
    pub fn models(&self) -> Result<Vec<TrainedModel>> {
        (0..self.members.len()).map(|member| self.model(member)).collect()
    }

    /// One member with the weights kept so far, on the trainer's device.
    ///
    /// # Errors
    /// [`Engine`](crate::Error::Engine).
    ///
    /// # Panics
    /// When there is no such member.
    pub fn model(&self, member: usize) -> Result<TrainedModel> {
        let state = &self.members[member];
        let start = || initialise(&self.network, &[(state.seed, state.config.lstm_start)], &self.device);
        let params = match self.lockstep.place(member) {
            // Those that gave the loss are good for nothing.
            _ if state.best.is_empty() && state.has_diverged() => start()?,
            Some(place) if state.best.is_empty() => self.current_params(place)?,
            _ => single(&self.network, &state.best, &self.device)?,
        };
        Ok(TrainedModel {
            architecture: self.architecture.clone(),
            length: self.network.length(),
            training: state.config.clone(),
            seed: state.seed,
            summary: state.summary(),
            params,
        })
    }

    /// Saves all that a later [`Trainer::resume`] needs to go on as if nothing had happened, as
    /// `optimizer.safetensors` in this folder.
    ///
    /// # Errors
    /// [`Io`](crate::Error::Io) where the file cannot be written.
    pub fn checkpoint(&self, folder: &Path) -> Result<()> {
        state::save(self, folder)
    }

    /// A bank as [`Trainer::checkpoint`] left it, for the same architecture, members and data.
    ///
    /// # Errors
    /// As [`Trainer::new`]; [`Io`](crate::Error::Io) where the file cannot be read; [`Checkpoint`](crate::Error::Checkpoint) where it
    /// is truncated, corrupt, or of another training.
    pub fn resume(
        folder: &Path,
        architecture: &Architecture,
        members: &[Member<'_>],
        device: &Device,
    ) -> Result<Self> {
        let saved = Saved::read(folder, members.len())?;
        let mut trainer = Self::start(architecture, members, saved.in_training().to_vec(), device)?;
        saved.restore(&mut trainer)?;
        Ok(trainer)
    }

    /// The seeds of the members in training.
    fn seed_dropout(&mut self) {
        let seed = |&member: &usize| self.members[member].seed.child("dropout").value();
        self.scratch.seeds = self.lockstep.members.iter().map(seed).collect();
    }

    /// The weights that the member at this place would be evaluated with now, as a bank of one.
    fn current_params(&self, place: usize) -> Result<Params> {
        let averaged = self.members[self.lockstep.members[place]].config.averaging.is_some();
        let params = match &self.lockstep.averages {
            Some(averages) if averaged => averages,
            _ => &self.lockstep.params,
        };
        Ok(params.to_member(place)?)
    }

    fn take_step(&mut self) -> Result<()> {
        let size = self.fill_batch();
        let input = Input::Rows { store: &self.store, rows: &self.scratch.rows };
        let batch =
            Batch { input, size, labels: Some(&self.scratch.labels), weights: Some(&self.scratch.weights) };
        let Lockstep { params, adam, plan, gradient, logits, trace, .. } = &mut self.lockstep;
        let task = Task::Gradient {
            of: Objective::Loss(&Loss::CrossEntropy),
            mode: Mode::Train { step: self.step, seeds: &self.scratch.seeds },
            params: Some(gradient),
            input: None,
        };
        plan.run(params, &batch, task, logits)?;
        trace.record(plan, logits)?;
        let Scratch { labels, weights, rates, active, .. } = &self.scratch;
        self.unbooked.push_back(Unbooked {
            step: self.step,
            size,
            labels: labels.clone(),
            weights: weights.clone(),
        });
        adam.guarded_step(plan, params, gradient, rates, active)?;
        self.step += 1;
        self.update_averages()?;
        let due = self.is_due();
        if self.lockstep.trace.is_full() || due {
            self.book()?;
        }
        let evaluated = self.evaluate()?;
        if evaluated { self.close_up() } else { Ok(()) }
    }

    /// Whether a member is to be evaluated after the step just done.
    fn is_due(&self) -> bool {
        self.members.iter().any(|member| member.is_active() && member.is_due_at(self.step))
    }

    /// Lays the visits of the members in training side by side; rows that a member does not have weigh
    /// nothing.
    fn fill_batch(&mut self) -> usize {
        let Scratch { rows, labels, weights, active, rates, .. } = &mut self.scratch;
        rows.clear();
        labels.clear();
        weights.clear();
        active.clear();
        rates.clear();
        let step = self.step;
        let size = self.members.iter_mut().map(|member| member.visits(step).len()).max().unwrap_or(0);
        for &member in &self.lockstep.members {
            let member = &mut self.members[member];
            active.push(member.is_active());
            rates.push(member.learning_rate(step));
            member.push_batch(step, size, rows, labels, weights);
        }
        size
    }

    /// Books losses and scores of the steps since it last did; the first loss that is not a number ends a
    /// member, whose weights that step has left alone.
    fn book(&mut self) -> Result<()> {
        for trace in self.lockstep.trace.take()? {
            let Some(Unbooked { step, size, labels, weights }) = self.unbooked.pop_front() else { break };
            for (place, &at) in self.lockstep.members.iter().enumerate() {
                let member = &mut self.members[at];
                if !member.is_active() {
                    continue;
                }
                let loss = trace.losses[place];
                if !loss.is_finite() {
                    member.steps = step;
                    member.end(Ending::Diverged);
                    tracing::warn!(member = at, step, "the training loss is no longer a number");
                    continue;
                }
                let start = place * self.batch * CLASSES;
                let own = &trace.logits[start..start + size * CLASSES];
                let rows = place * size..(place + 1) * size;
                member.note_step(loss, own, &labels[rows.clone()], &weights[rows]);
            }
        }
        Ok(())
    }

    fn update_averages(&mut self) -> Result<()> {
        let Lockstep { members, params, adam, averages: Some(averages), .. } = &mut self.lockstep else {
            return Ok(());
        };
        let parts = &mut self.scratch.parts;
        parts.clear();
        parts.extend(members.iter().map(|&member| self.members[member].average_part(self.step)));
        Ok(adam.follow(averages, params, parts)?)
    }

    /// Evaluates the members whose turn it is, and renews what is reported of all; whether it was any's turn.
    fn evaluate(&mut self) -> Result<bool> {
        let (done, mut evaluated) = (self.step, false);
        for place in 0..self.lockstep.members.len() {
            let at = self.lockstep.members[place];
            if self.members[at].is_active() {
                self.members[at].steps = done;
                if self.members[at].is_due_at(done) {
                    evaluated = true;
                    let params = self.current_params(place)?;
                    let logits = self.validation_logits(at, &params)?;
                    self.members[at].note_evaluation(logits.as_deref(), params.buffer().to_f32()?);
                } else {
                    self.members[at].advance();
                }
            }
            self.progress[at] = self.members[at].progress();
        }
        Ok(evaluated)
    }

    /// Leaves the members that have ended out of the arrays, once they are a quarter. A device without room
    /// for both goes on with the larger ones.
    fn close_up(&mut self) -> Result<()> {
        let members = &self.lockstep.members;
        let (going, ended): (Vec<usize>, Vec<usize>) =
            (0..members.len()).partition(|&place| self.members[members[place]].is_active());
        if going.is_empty() || 4 * ended.len() < members.len() {
            return Ok(());
        }
        for place in ended {
            let at = self.lockstep.members[place];
            // Of a training that never was evaluated the last weights are kept, if they are good for anything.
            if self.members[at].best.is_empty() && !self.members[at].has_diverged() {
                self.members[at].best = self.current_params(place)?.buffer().to_f32()?;
            }
        }
        match self.lockstep.keep(&self.network, self.batch, &going, &self.device) {
            Err(crate::Error::Engine(demo_engine::Error::OutOfMemory { .. })) => Ok(()),
            Err(error) => Err(error),
            Ok(lockstep) => {
                self.lockstep = lockstep;
                self.seed_dropout();
                Ok(())
            }
        }
    }

    /// The logits of a member's validation sequences as its predictor would give them.
    fn validation_logits(&mut self, member: usize, params: &Params) -> Result<Option<Vec<f64>>> {
        let Some((forward, reverse)) = self.members[member].validation_rows() else { return Ok(None) };
        let mut logits = self.forward.rows(params, &self.store, &forward)?;
        if let Some(reverse) = reverse {
            let others = self.forward.rows(params, &self.store, &reverse)?;
            for (logit, other) in logits.iter_mut().zip(others) {
                *logit = f64::midpoint(*logit, other);
            }
        }
        Ok(Some(logits))
    }
}

fn evaluation_batch(device: &Device) -> usize {
    if device.is_cpu() { EVALUATION_BATCH } else { DEVICE_EVALUATION_BATCH }
}

#[cfg(test)]
mod tests;
