//! The train stage: one job's network, resumed where an earlier run left it.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use demo_core::Seed;
use demo_data::{DataSet, Example, Folds, Split};
use demo_models::{
    Architecture, Device, Ending, LabelledSequences, Member, Status, Trainer, TrainingConfig, TrainingSummary,
};

use super::compare::Targets;
use crate::baselines::{self, Baseline, GkmConfig};
use crate::config::Protocol;
use crate::interrupt::Interrupt;
use crate::outcomes::TrainOutcome;
use crate::plan::{Job, VALIDATION_FRACTION};
use crate::progress::Progress;
use crate::{Error, Result};

/// Time between two saved states of a training.
const SAVE_INTERVAL: Duration = Duration::from_secs(20);

/// Below the job's folder while it is in training.
const STATE: &str = "training";

/// The examples a job may see, by their use.
pub(crate) struct Parts {
    pub(crate) training: Vec<usize>,
    pub(crate) validation: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
}

/// Divides the training half: the held-out fold, then a validation split where the protocol has one.
///
/// Folds depend on the run's seed and the set alone, so that all models and protocols share them.
pub(crate) fn divide(job: &Job, set: &DataSet, folds: usize, seed: Seed) -> Result<Parts> {
    let named = |source| Error::Set { set: set.name().to_owned(), source: Box::new(source) };
    let seed = seed.child(set.name());
    let (seen, held_out) = if folds > 1 {
        let split = Folds::new(set.train(), folds, seed).map_err(named)?.split(job.fold - 1);
        (split.train, split.held_out)
    } else {
        ((0..set.train().len()).collect(), Vec::new())
    };
    if job.protocol == Protocol::AsPublished {
        return Ok(Parts { training: seen, validation: Vec::new(), held_out });
    }
    let examples: Vec<Example> = seen.iter().map(|&index| set.train()[index].clone()).collect();
    let split = Split::new(&examples, VALIDATION_FRACTION, seed.child("validation")).map_err(named)?;
    let of = |places: Vec<usize>| places.into_iter().map(|place| seen[place]).collect();
    Ok(Parts { training: of(split.train), validation: of(split.held_out), held_out })
}

/// Trains the job's network and saves it in `folder`; saves the state there now and then.
///
/// # Errors
/// [`Error::Interrupted`] once the state is saved, and what training and saving may report.
pub(crate) fn train(
    job: &Job,
    (architecture, regime): (&Architecture, &TrainingConfig),
    set: &DataSet,
    parts: &Parts,
    folder: &Path,
    device: &Device,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<TrainOutcome> {
    let started = Instant::now();
    let training = labelled(set.train(), &parts.training)?;
    let validation = match parts.validation.as_slice() {
        [] => None,
        places => Some(labelled(set.train(), places)?),
    };
    let member =
        Member { training: &training, validation: validation.as_ref(), config: regime, seed: job.seed };
    let state = folder.join(STATE);
    // Whatever an older training left here under other settings is told apart by the job's identity.
    let current = state.join(&job.id);
    let mut trainer = if current.exists() {
        Trainer::resume(&current, architecture, &[member], device)?
    } else {
        Trainer::new(architecture, &[member], device)?
    };
    let mut meter = Meter { progress, shown: 0.0 };
    loop {
        let slice = Instant::now();
        let status = trainer.run(|now| {
            let member = &now.members[0];
            meter.show(member.step as f64 / member.limit.max(1) as f64);
            let pause = slice.elapsed() >= SAVE_INTERVAL || interrupt.is_requested();
            if pause { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if status == Status::Finished {
            break;
        }
        trainer.checkpoint(&current)?;
        interrupt.check()?;
    }
    meter.show(1.0);
    let model = trainer.models()?.remove(0);
    if model.summary.ending == Some(Ending::Diverged) {
        progress.say(&format!(
            "{} {}: the training diverged; its best weights are kept",
            set.name(),
            job.model
        ));
    }
    model.save(folder)?;
    let weights = folder.join("model.safetensors");
    let weights = fs::read(&weights).map_err(Error::io(&weights))?;
    let _ = fs::remove_dir_all(&state);
    Ok(TrainOutcome {
        summary: model.summary,
        weights_sha256: demo_data::sha256(&weights),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Fits the job's baseline and saves it in `folder`.
///
/// # Errors
/// What fitting and saving may report.
pub(crate) fn fit_baseline(
    (baseline, gkm): (Baseline, &GkmConfig),
    targets: &Targets,
    set: &DataSet,
    parts: &Parts,
    folder: &Path,
) -> Result<TrainOutcome> {
    let started = Instant::now();
    let motifs = if baseline == Baseline::ScanOwn { targets.own(set.tf()) } else { targets.all() };
    let (training, validation) = (&parts.training, &parts.validation);
    let fitted = baselines::fit(baseline, &motifs, set.train(), training, validation, gkm)?;
    let summary = TrainingSummary {
        steps: 0,
        epochs: 0,
        training_sequences: training.len(),
        validation_sequences: validation.len(),
        converged: None,
        ending: Some(Ending::Finished),
        best: None,
        history: Vec::new(),
    };
    let weights_sha256 = fitted.save(folder)?;
    Ok(TrainOutcome { summary, weights_sha256, seconds: started.elapsed().as_secs_f64() })
}

fn labelled(examples: &[Example], places: &[usize]) -> Result<LabelledSequences> {
    let labels: Vec<u8> = places.iter().map(|&place| u8::from(examples[place].bound)).collect();
    let sequences = places.iter().map(|&place| &examples[place].sequence);
    Ok(LabelledSequences::new(sequences, &labels)?)
}

/// Shows a fraction that only grows, in steps large enough to be seen.
struct Meter<'a> {
    progress: &'a Progress,
    shown: f64,
}

impl Meter<'_> {
    fn show(&mut self, fraction: f64) {
        let fraction = fraction.min(1.0);
        if fraction >= self.shown + 0.01 || fraction >= 1.0 && self.shown < 1.0 {
            self.progress.advance(fraction - self.shown);
            self.shown = fraction;
        }
    }
}
