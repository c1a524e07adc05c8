//! One regime on one set: trained, and judged on sequences that neither trained it nor stopped it.

use std::ops::ControlFlow;
use std::path::Path;

use demo_core::{DnaSequence, Seed};
use demo_data::{Example, Split};
use demo_eval::ScoredLabels;
use demo_models::{Architecture, Device, LabelledSequences, Member, Status, Trainer, TrainingConfig};
use serde::{Deserialize, Serialize};

use crate::checksum::{examples_sha256, identity};
use crate::interrupt::Interrupt;
use crate::plan::VALIDATION_FRACTION;
use crate::stages::train::labelled;
use crate::{Error, Result};

/// Raised when outcomes change although no setting did.
const VERSION: &str = "1";
/// Share of a training half that judges.
const JUDGING_FRACTION: f64 = 0.2;

/// A training half, divided.
#[derive(Debug)]
pub(super) struct SearchSet {
    name: String,
    sha256: String,
    training: LabelledSequences,
    validation: LabelledSequences,
    judging: Vec<DnaSequence>,
    judging_labels: Vec<bool>,
}

impl SearchSet {
    /// Divides a training half, by the run's seed.
    pub(super) fn new(name: &str, half: &[Example], seed: Seed) -> Result<Self> {
        let named = |source| Error::Set { set: name.to_owned(), source: Box::new(source) };
        let seed = seed.child(name);
        let outer = Split::new(half, JUDGING_FRACTION, seed.child("judging")).map_err(named)?;
        let seen: Vec<Example> = outer.train.iter().map(|&place| half[place].clone()).collect();
        let inner = Split::new(&seen, VALIDATION_FRACTION, seed.child("validation")).map_err(named)?;
        Ok(Self {
            name: name.to_owned(),
            sha256: examples_sha256(half),
            training: labelled(&seen, &inner.train)?,
            validation: labelled(&seen, &inner.held_out)?,
            judging: outer.held_out.iter().map(|&place| half[place].sequence.clone()).collect(),
            judging_labels: outer.held_out.iter().map(|&place| half[place].bound).collect(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sequences that a network may see, validation included.
    pub(super) fn examples(&self) -> usize {
        self.training.len() + self.validation.len()
    }
}

/// A regime to be trained on a set.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    /// What the journal knows it by.
    pub(super) id: String,
    set: &'a SearchSet,
    architecture: Architecture,
    training: TrainingConfig,
    seed: Seed,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TrialOutcome {
    /// Of the sequences that judge.
    pub(super) auroc: f64,
    pub(super) steps: u64,
    pub(super) converged: bool,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        set: &'a SearchSet,
        architecture: Architecture,
        training: TrainingConfig,
        seed: Seed,
        device: &str,
    ) -> Self {
        let version = (VERSION, env!("CARGO_PKG_VERSION"));
        let data = (&set.name, &set.sha256, JUDGING_FRACTION, VALIDATION_FRACTION);
        let id = identity(&("search", version, data, &architecture, &training, seed, device));
        Self { id, set, architecture, training, seed }
    }

    /// Trains and judges; a training that is interrupted is saved below `folder`.
    pub(super) fn train(
        &self,
        device: &Device,
        folder: &Path,
        interrupt: &Interrupt,
    ) -> Result<TrialOutcome> {
        let member = Member {
            training: &self.set.training,
            validation: Some(&self.set.validation),
            config: &self.training,
            seed: self.seed,
        };
        let state = folder.join(&self.id);
        let mut trainer = if state.join("optimizer.safetensors").exists() {
            Trainer::resume(&state, &self.architecture, &[member], device)?
        } else {
            Trainer::new(&self.architecture, &[member], device)?
        };
        let status = trainer.run(|_| {
            if interrupt.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if status == Status::Interrupted {
            trainer.checkpoint(&state)?;
            return Err(Error::Interrupted);
        }
        let model = trainer.model(0)?;
        let scores = model.predictor(device)?.scores(&self.set.judging)?;
        let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
        let auroc = ScoredLabels::new(&self.set.judging_labels, &scores)?.auroc();
        let (steps, converged) = (model.summary.steps, model.summary.converged == Some(true));
        Ok(TrialOutcome { auroc, steps, converged })
    }
}
