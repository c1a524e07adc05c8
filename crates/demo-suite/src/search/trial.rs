//! One regime on one set: trained, alone or beside others, and judged on sequences that neither trained it
//! nor stopped it.

use std::ops::ControlFlow;
use std::path::Path;

use demo_core::{DnaSequence, Seed};
use demo_data::Example;
use demo_eval::ScoredLabels;
use demo_models::{
    Architecture, Device, LabelledSequences, Member, Status, Trainer, TrainingConfig, bank_capacity,
};
use serde::{Deserialize, Serialize};

use crate::checksum::{examples_sha256, identity};
use crate::interrupt::Interrupt;
use crate::plan::VALIDATION_FRACTION;
use crate::ranks::{HeldOut, RankUse};
use crate::run::Cost;
use crate::stages::train::labelled;
use crate::{Error, Result};

/// Raised when outcomes change although no setting did.
const VERSION: &str = "4";
/// Share of a training half that judges.
const JUDGING_FRACTION: f64 = 0.2;

/// A training half, divided.
#[derive(Debug)]
pub(super) struct SearchSet {
    name: String,
    sha256: String,
    judge: HeldOut,
    /// What is left for training and validation, by what a regime makes of ranks.
    seen: Vec<(RankUse, Seen)>,
    judging: Vec<DnaSequence>,
    judging_labels: Vec<bool>,
}

#[derive(Debug)]
struct Seen {
    training: LabelledSequences,
    validation: LabelledSequences,
}

impl SearchSet {
    /// Divides a training half, by the run's seed, for regimes that make this of ranks.
    pub(super) fn new(
        name: &str,
        half: &[Example],
        (judge, ranks): (HeldOut, &[RankUse]),
        seed: Seed,
    ) -> Result<Self> {
        let named = |source| Error::Set { set: name.to_owned(), source: Box::new(source) };
        let seed = seed.child(name);
        let outer = judge.split(half, JUDGING_FRACTION, seed.child("judging")).map_err(named)?;
        let left: Vec<Example> = outer.train.iter().map(|&place| half[place].clone()).collect();
        let mut seen = Vec::new();
        for &ranks in ranks {
            let inner = ranks.split(&left, seed).map_err(named)?;
            let training = labelled((name, &left), &inner.train, ranks)?;
            let validation = labelled((name, &left), &inner.held_out, ranks)?;
            seen.push((ranks, Seen { training, validation }));
        }
        Ok(Self {
            name: name.to_owned(),
            sha256: examples_sha256(half),
            judge,
            seen,
            judging: outer.held_out.iter().map(|&place| half[place].sequence.clone()).collect(),
            judging_labels: outer.held_out.iter().map(|&place| half[place].bound).collect(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is left for training and validation, by what a regime makes of ranks.
    fn seen(&self, ranks: RankUse) -> Result<&Seen> {
        let seen = self.seen.iter().find(|(known, _)| *known == ranks).map(|(_, seen)| seen);
        seen.ok_or_else(|| Error::Setting {
            flag: "--regimes",
            found: format!("{ranks:?} on {}", self.name),
            wanted: "a use of ranks that the set was divided for".to_owned(),
        })
    }

    /// Sequences that a network may see, validation included.
    pub(super) fn examples(&self) -> usize {
        self.seen.first().map_or(0, |(_, seen)| seen.training.len() + seen.validation.len())
    }
}

/// A regime to be trained on a set.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    /// What the journal knows it by.
    pub(super) id: String,
    set: &'a SearchSet,
    seen: &'a Seen,
    architecture: Architecture,
    training: TrainingConfig,
    seed: Seed,
}

impl Cost for Trial<'_> {
    /// Sequences that are shown, where its training takes all its steps.
    fn cost(&self) -> u64 {
        self.training.max_steps.unwrap_or(1) * self.training.batch as u64
    }
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
        (architecture, training, ranks): (Architecture, TrainingConfig, RankUse),
        seed: Seed,
        device: &str,
    ) -> Result<Self> {
        let version = (VERSION, env!("CARGO_PKG_VERSION"));
        let data = (&set.name, &set.sha256, (JUDGING_FRACTION, set.judge), (VALIDATION_FRACTION, ranks));
        let id = identity(&("search", version, data, &architecture, &training, seed, device));
        Ok(Self { id, set, seen: set.seen(ranks)?, architecture, training, seed })
    }

    /// Whether both can be members of one bank.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        let of = |trial: &Self| (trial.training.batch, trial.seen.training.length());
        self.architecture == other.architecture && of(self) == of(other)
    }

    fn member(&self) -> Member<'_> {
        Member {
            training: &self.seen.training,
            validation: Some(&self.seen.validation),
            config: &self.training,
            seed: self.seed,
        }
    }
}

/// The most members of a bank of these trials: one on the CPU, and what a device has room for there.
pub(super) fn capacity(trials: &[&Trial], device: &Device) -> Result<usize> {
    let Some(first) = trials.first() else { return Ok(1) };
    let sequences = trials.iter().map(|trial| 2 * trial.set.examples()).max().unwrap_or(0);
    let (length, batch) = (first.seen.training.length(), first.training.batch);
    Ok(bank_capacity(&first.architecture, length, batch, sequences, device)?.unwrap_or(1))
}

/// Trains the trials as one bank and judges each; a training that is interrupted is saved below `folder`.
pub(super) fn train(
    trials: &[&Trial],
    device: &Device,
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<Vec<TrialOutcome>> {
    let Some(first) = trials.first() else { return Ok(Vec::new()) };
    let members: Vec<Member> = trials.iter().map(|trial| trial.member()).collect();
    let names: Vec<&str> = trials.iter().map(|trial| trial.id.as_str()).collect();
    let state = folder.join(identity(&names));
    let mut trainer = if state.join("optimizer.safetensors").exists() {
        Trainer::resume(&state, &first.architecture, &members, device)?
    } else {
        Trainer::new(&first.architecture, &members, device)?
    };
    let status = trainer
        .run(|_| if interrupt.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })?;
    if status == Status::Interrupted {
        trainer.checkpoint(&state)?;
        return Err(Error::Interrupted);
    }
    trials
        .iter()
        .enumerate()
        .map(|(at, trial)| {
            let model = trainer.model(at)?;
            let scores = model.predictor(device)?.scores(&trial.set.judging)?;
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let diverged = scores.iter().any(|score| !score.is_finite());
            // A network that knows nothing ranks nothing.
            let auroc =
                if diverged { 0.5 } else { ScoredLabels::new(&trial.set.judging_labels, &scores)?.auroc() };
            let (steps, converged) = (model.summary.steps, model.summary.converged != Some(false));
            Ok(TrialOutcome { auroc, steps, converged })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use demo_models::RnnConfig;
    use rand::Rng;

    use super::*;

    fn half(seed: u64, pairs: u32) -> Vec<Example> {
        let mut random = Seed::new(seed).stream("half");
        let mut example = |bound: bool, pair: u32| {
            let mut codes: Vec<u8> = (0..30).map(|_| random.random_range(0..4)).collect();
            if bound {
                codes[10..16].copy_from_slice(&[2, 3, 1, 0, 2, 1]);
            }
            let sequence = DnaSequence::from_codes(codes).unwrap();
            Example { sequence, bound, pair: Some(pair), rank: None, sites: Vec::new() }
        };
        (0..pairs).flat_map(|pair| [example(true, pair), example(false, pair)]).collect()
    }

    #[test]
    fn a_trial_in_a_bank_is_what_it_is_alone() {
        let sets: Vec<SearchSet> = [("A", 60), ("B", 44)]
            .map(|(name, pairs)| {
                SearchSet::new(name, &half(7, pairs), (HeldOut::Any, &[RankUse::default()]), Seed::new(1))
                    .unwrap()
            })
            .into();
        let architecture = Architecture::Rnn(RnnConfig { hidden: 4, dropout: 0.1 });
        let trial = |set, weight_decay: f64, steps| {
            let mut training = TrainingConfig::honest(&architecture, 60);
            (training.max_steps, training.min_steps) = (Some(steps), steps);
            (training.batch, training.adam.weight_decay) = (16, weight_decay);
            let regime = (architecture.clone(), training, RankUse::default());
            Trial::new(set, regime, Seed::new(3), "cpu").unwrap()
        };
        let trials = [trial(&sets[0], 0.0, 30), trial(&sets[0], 0.3, 12), trial(&sets[1], 0.0, 20)];
        let folder = tempfile::tempdir().unwrap();
        let trained =
            |trials: &[&Trial]| train(trials, &Device::Cpu, folder.path(), &Interrupt::default()).unwrap();
        let together = trained(&trials.each_ref());
        let alone: Vec<TrialOutcome> = trials.iter().flat_map(|trial| trained(&[trial])).collect();
        assert_eq!(together, alone);
        assert_eq!(together.iter().map(|outcome| outcome.steps).collect::<Vec<_>>(), [30, 12, 20]);
        assert!(trials[0].goes_with(&trials[2]));
        let other = Architecture::Rnn(RnnConfig { hidden: 4, dropout: 0.2 });
        let other = (other, trials[0].training.clone(), RankUse::default());
        let other = Trial::new(&sets[0], other, Seed::new(3), "cpu").unwrap();
        assert!(!trials[0].goes_with(&other));
    }
}
