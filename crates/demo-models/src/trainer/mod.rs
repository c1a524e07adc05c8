//! Training: a bank of networks of one architecture, trained in lockstep.
//!
//! Every member has its own data, seed, regime and order; what they share is the batch size and Adam's
//! constants. A member that has finished is frozen while the others go on. One member is the ordinary
//! case, and a member's weights do not depend on the bank it is in. A step costs one forward and one
//! backward pass over the bank's batches; an evaluation one forward pass over the member's validation
//! sequences, on both strands where prediction reads both.

mod bank;
mod member;
mod progress;
mod state;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use demo_core::Seed;
use demo_engine::{
    Adam, BankShape, Batch, Buffer, CodeStore, DType, Device, Input, Loss, Mode, Network, Objective, Params,
    Plan, Task,
};

pub use progress::{Ending, Evaluation, MemberProgress, Progress, Status, TrainingSummary};

use crate::checkpoint::single;
use crate::evaluator::Forward;
use crate::{Architecture, CLASSES, LabelledSequences, Result, TrainedModel, TrainingConfig};
use bank::{check_members, gather};
use member::MemberState;

/// Sequences of a run that evaluates.
const EVALUATION_BATCH: usize = 256;

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
    params: Params,
    adam: Adam,
    plan: Plan,
    gradient: Buffer,
    logits: Buffer,
    forward: Forward,
    step: u64,
    scratch: Scratch,
    progress: Vec<MemberProgress>,
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
}

impl Trainer {
    /// A bank at its first step.
    ///
    /// # Errors
    /// [`Config`](crate::Error::Config) and [`Bank`](crate::Error::Bank) where a regime is invalid or the members do not go together,
    /// [`Engine`](crate::Error::Engine) where the sequences are too short for the network.
    pub fn new(architecture: &Architecture, members: &[Member<'_>], device: &Device) -> Result<Self> {
        let (batch, length) = check_members(members)?;
        let network = architecture.network(length)?;
        let (store, members) = gather(members, length, device)?;
        let seeds: Vec<Seed> = members.iter().map(|member| member.seed).collect();
        let params = architecture.initial_parameters(&network, &seeds, device)?;
        let shape = BankShape { members: members.len(), batch };
        let mut trainer = Self {
            adam: Adam::new(members[0].config.adam, &params)?,
            plan: Plan::new(&network, shape, DType::F32, device)?,
            gradient: Buffer::zeros(&[shape.members, network.parameter_count()], DType::F32, device)?,
            logits: Buffer::zeros(&[shape.members, batch, CLASSES], DType::F32, device)?,
            forward: Forward::new(&network, EVALUATION_BATCH, DType::F32, device)?,
            architecture: architecture.clone(),
            network,
            device: device.clone(),
            batch,
            store,
            params,
            step: 0,
            scratch: Scratch::default(),
            progress: members.iter().map(MemberState::progress).collect(),
            members,
        };
        trainer.scratch.seeds = seeds.iter().map(|seed| seed.child("dropout").value()).collect();
        let initial = trainer.params.buffer().to_f32()?;
        let count = trainer.network.parameter_count();
        for (member, weights) in trainer.members.iter_mut().zip(initial.chunks_exact(count)) {
            if member.config.averaging.is_some() {
                member.average = weights.to_vec();
            }
        }
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
                return Ok(Status::Interrupted);
            }
        }
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
        let model = |(at, member): (usize, &MemberState)| {
            let current = self.current_weights(at)?;
            let weights = if member.best.is_empty() { &current } else { &member.best };
            Ok(TrainedModel {
                architecture: self.architecture.clone(),
                length: self.network.length(),
                training: member.config.clone(),
                seed: member.seed,
                summary: member.summary(),
                params: single(&self.network, weights, &self.device)?,
            })
        };
        self.members.iter().enumerate().map(model).collect()
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
        let mut trainer = Self::new(architecture, members, device)?;
        state::restore(&mut trainer, folder)?;
        Ok(trainer)
    }

    /// The weights a member would be evaluated with now.
    fn current_weights(&self, member: usize) -> Result<Vec<f32>> {
        if self.members[member].config.averaging.is_some() {
            return Ok(self.members[member].average.clone());
        }
        Ok(self.params.to_member(member)?.buffer().to_f32()?)
    }

    fn take_step(&mut self) -> Result<()> {
        let size = self.fill_batch();
        let input = Input::Rows { store: &self.store, rows: &self.scratch.rows };
        let batch =
            Batch { input, size, labels: Some(&self.scratch.labels), weights: Some(&self.scratch.weights) };
        let task = Task::Gradient {
            of: Objective::Loss(&Loss::CrossEntropy),
            mode: Mode::Train { step: self.step, seeds: &self.scratch.seeds },
            params: Some(&mut self.gradient),
            input: None,
        };
        self.plan.run(&self.params, &batch, task, &mut self.logits)?;
        self.note_losses(size)?;
        self.adam.step(&mut self.params, &self.gradient, &self.scratch.rates, &self.scratch.active)?;
        self.step += 1;
        self.update_averages()?;
        self.evaluate()
    }

    /// Lays the members' visits side by side; rows that a member does not have weigh nothing.
    fn fill_batch(&mut self) -> usize {
        let Scratch { rows, labels, weights, active, rates, .. } = &mut self.scratch;
        rows.clear();
        labels.clear();
        weights.clear();
        active.clear();
        rates.clear();
        let step = self.step;
        let size = self.members.iter_mut().map(|member| member.visits(step).len()).max().unwrap_or(0);
        for member in &mut self.members {
            active.push(member.is_active());
            rates.push(member.learning_rate(step));
            member.push_batch(step, size, rows, labels, weights);
        }
        size
    }

    /// Books each member's loss and scores; a loss that is not a number ends the member before the
    /// step that would spread it.
    fn note_losses(&mut self, size: usize) -> Result<()> {
        let logits = self.logits.to_f32()?;
        for (at, member) in self.members.iter_mut().enumerate() {
            if !member.is_active() {
                continue;
            }
            let loss = self.plan.losses()[at];
            if !loss.is_finite() {
                self.scratch.active[at] = false;
                member.end(Ending::Diverged);
                tracing::warn!(member = at, step = self.step, "the training loss is no longer a number");
                continue;
            }
            let start = at * self.batch * CLASSES;
            let own = &logits[start..start + size * CLASSES];
            let labels = &self.scratch.labels[at * size..(at + 1) * size];
            let weights = &self.scratch.weights[at * size..(at + 1) * size];
            member.note_step(loss, own, labels, weights);
        }
        Ok(())
    }

    fn update_averages(&mut self) -> Result<()> {
        if self.members.iter().all(|member| member.config.averaging.is_none()) {
            return Ok(());
        }
        let buffer = self.params.buffer();
        // Every step passes here, so that the copy is only made where the weights are on a device.
        let weights = buffer.as_f32().map_or_else(|| buffer.to_f32().map(Cow::Owned), |w| Ok(w.into()))?;
        let count = self.network.parameter_count();
        for (member, weights) in self.members.iter_mut().zip(weights.chunks_exact(count)) {
            member.update_average(self.step, weights);
        }
        Ok(())
    }

    /// Evaluates the members whose turn it is, and renews what is reported of all.
    fn evaluate(&mut self) -> Result<()> {
        for at in 0..self.members.len() {
            let done = self.step;
            if self.members[at].is_active() {
                self.members[at].steps = done;
                if self.members[at].is_due() {
                    let weights = self.current_weights(at)?;
                    let logits = self.validation_logits(at, &weights)?;
                    self.members[at].note_evaluation(logits.as_deref(), weights);
                } else {
                    self.members[at].advance();
                }
            }
            self.progress[at] = self.members[at].progress();
        }
        Ok(())
    }

    /// The logits of a member's validation sequences as its predictor would give them.
    fn validation_logits(&mut self, member: usize, weights: &[f32]) -> Result<Option<Vec<f64>>> {
        let Some((forward, reverse)) = self.members[member].validation_rows() else { return Ok(None) };
        let params = single(&self.network, weights, &self.device)?;
        let mut logits = self.forward.rows(&params, &self.store, &forward)?;
        if let Some(reverse) = reverse {
            let others = self.forward.rows(&params, &self.store, &reverse)?;
            for (logit, other) in logits.iter_mut().zip(others) {
                *logit = f64::midpoint(*logit, other);
            }
        }
        Ok(Some(logits))
    }
}

#[cfg(test)]
mod tests;
