//! The train stage: a bank of jobs' networks, resumed where an earlier run left it.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use demo_core::Seed;
use demo_data::{DataSet, Example, Folds, nested_subset};
use demo_models::{
    Device, Ending, LabelledSequences, Member, MemberProgress, Status, Trainer, TrainingConfig,
    TrainingSummary,
};

use super::compare::Targets;
use crate::baselines::{self, Baseline, GkmConfig};
use crate::config::Protocol;
use crate::files::write_atomically;
use crate::interrupt::Interrupt;
use crate::outcomes::TrainOutcome;
use crate::plan::Job;
use crate::progress::Progress;
use crate::ranks::RankUse;
use crate::{Error, Result};

/// Below a bank's folder: the seconds that earlier runs have spent on it.
const SPENT: &str = "seconds.json";

/// Time between two saved states of a training, at least; and as many times that of the saving itself.
const SAVE_INTERVAL: Duration = Duration::from_secs(20);
const SAVE_SHARE: u32 = 20;

/// The examples a job may see, by their use.
pub(crate) struct Parts {
    pub(crate) training: Vec<usize>,
    pub(crate) validation: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
}

/// Divides the training half: the held-out fold, or the part of a learning curve, then a validation split
/// where the protocol has one.
///
/// Folds and parts depend on the run's seed and the set alone, so that all models and protocols share them.
pub(crate) fn divide(job: &Job, set: &DataSet, folds: usize, seed: Seed) -> Result<Parts> {
    let named = |source| Error::Set { set: set.name().to_owned(), source: Box::new(source) };
    let seed = seed.child(set.name());
    let (seen, held_out) = if folds > 1 {
        let split = Folds::new(set.train(), folds, seed).map_err(named)?.split(job.fold - 1);
        (split.train, split.held_out)
    } else if let Some(size) = job.size {
        (nested_subset(set.train(), size, seed).map_err(named)?, Vec::new())
    } else {
        ((0..set.train().len()).collect(), Vec::new())
    };
    if job.protocol == Protocol::AsPublished {
        return Ok(Parts { training: seen, validation: Vec::new(), held_out });
    }
    let examples: Vec<Example> = seen.iter().map(|&index| set.train()[index].clone()).collect();
    let split = job.ranks().split(&examples, seed).map_err(named)?;
    let of = |places: Vec<usize>| places.into_iter().map(|place| seen[place]).collect();
    Ok(Parts { training: of(split.train), validation: of(split.held_out), held_out })
}

/// A job and what it is trained on.
pub(crate) struct Trainee<'a> {
    pub(crate) job: &'a Job,
    pub(crate) training: &'a TrainingConfig,
    pub(crate) set: &'a DataSet,
    pub(crate) parts: Parts,
    /// Where its network is saved.
    pub(crate) folder: PathBuf,
    /// Whether an earlier run has recorded its outcome.
    pub(crate) recorded: bool,
}

/// Where and how a bank is trained.
pub(crate) struct Place<'a> {
    /// Where its state is saved now and then.
    pub(crate) state: &'a Path,
    pub(crate) device: &'a Device,
    pub(crate) progress: &'a Progress,
    pub(crate) interrupt: &'a Interrupt,
}

/// Trains the jobs' networks as one bank. Each is saved in its folder and its outcome recorded, by
/// position, at the first look after it has ended.
///
/// # Errors
/// [`Error::Interrupted`] once the state is saved, and what training and saving may report.
pub(crate) fn train(
    trainees: &[Trainee],
    place: &Place,
    mut record: impl FnMut(usize, &TrainOutcome) -> Result<()>,
) -> Result<()> {
    let started = Instant::now();
    let spent = place.state.join(SPENT);
    let before: f64 =
        fs::read(&spent).ok().and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or(0.0);
    let seconds = || before + started.elapsed().as_secs_f64();
    let data = trainees.iter().map(Data::new).collect::<Result<Vec<_>>>()?;
    let members: Vec<Member> =
        trainees.iter().zip(&data).map(|(trainee, data)| data.member(trainee)).collect();
    let Some(first) = trainees.first() else { return Ok(()) };
    let Some((architecture, _)) = first.job.network() else { return Ok(()) };
    let mut trainer = if place.state.join("optimizer.safetensors").exists() {
        Trainer::resume(place.state, architecture, &members, place.device)?
    } else {
        Trainer::new(architecture, &members, place.device)?
    };
    let mut recorded: Vec<bool> = trainees.iter().map(|trainee| trainee.recorded).collect();
    let of_members = |fractions: &[f64]| {
        let costs = trainees.iter().map(|trainee| trainee.job.cost as f64);
        (fractions.iter().sum(), costs.zip(fractions).map(|(cost, fraction)| cost * fraction).sum())
    };
    let finished: Vec<f64> = recorded.iter().map(|&done| f64::from(u8::from(done))).collect();
    let mut meter = Meter { progress: place.progress, shown: of_members(&finished) };
    let mut interval = SAVE_INTERVAL;
    loop {
        let slice = Instant::now();
        let status = trainer.run(|now| {
            meter.show(of_members(&now.members.iter().map(fraction).collect::<Vec<f64>>()));
            let pause = slice.elapsed() >= interval || place.interrupt.is_requested();
            if pause { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let share = seconds() / trainees.len() as f64;
        for at in 0..trainees.len() {
            if !recorded[at] && trainer.progress()[at].ending.is_some() {
                record(at, &finish(&trainer, at, &trainees[at], place.progress, share)?)?;
                recorded[at] = true;
            }
        }
        if status == Status::Finished {
            break;
        }
        let saving = Instant::now();
        trainer.checkpoint(place.state)?;
        write_atomically(&spent, format!("{:.3}", seconds()).as_bytes())?;
        interval = SAVE_INTERVAL.max(saving.elapsed() * SAVE_SHARE);
        place.interrupt.check()?;
    }
    meter.show(of_members(&vec![1.0; trainees.len()]));
    let _ = fs::remove_dir_all(place.state);
    Ok(())
}

/// Saves a network that has ended; `seconds` is its share of the bank's time so far.
fn finish(
    trainer: &Trainer,
    at: usize,
    trainee: &Trainee,
    progress: &Progress,
    seconds: f64,
) -> Result<TrainOutcome> {
    let model = trainer.model(at)?;
    let (job, set) = (trainee.job, trainee.set.name());
    if model.summary.ending == Some(Ending::Diverged) {
        progress.say(&format!("{set} {}: the training diverged; its best weights are kept", job.model));
    }
    model.save(&trainee.folder)?;
    let weights = trainee.folder.join("model.safetensors");
    let weights = fs::read(&weights).map_err(Error::io(&weights))?;
    Ok(TrainOutcome { summary: model.summary, weights_sha256: demo_data::sha256(&weights), seconds })
}

/// How far a member is.
fn fraction(member: &MemberProgress) -> f64 {
    match member.ending {
        Some(_) => 1.0,
        None => (member.step as f64 / member.limit.max(1) as f64).min(1.0),
    }
}

/// The sequences of one job.
struct Data {
    training: LabelledSequences,
    validation: Option<LabelledSequences>,
}

impl Data {
    fn new(trainee: &Trainee) -> Result<Self> {
        let (parts, ranks) = (&trainee.parts, trainee.job.ranks());
        let of = |places: &[usize]| labelled((trainee.set.name(), trainee.set.train()), places, ranks);
        let validation = match parts.validation.as_slice() {
            [] => None,
            places => Some(of(places)?),
        };
        Ok(Self { training: of(&parts.training)?, validation })
    }

    fn member<'a>(&'a self, trainee: &Trainee<'a>) -> Member<'a> {
        Member {
            training: &self.training,
            validation: self.validation.as_ref(),
            config: trainee.training,
            seed: trainee.job.seed,
        }
    }
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

/// These of a set's examples, as a network is trained on them.
pub(crate) fn labelled(
    (set, examples): (&str, &[Example]),
    places: &[usize],
    ranks: RankUse,
) -> Result<LabelledSequences> {
    let named = |source| Error::Set { set: set.to_owned(), source: Box::new(source) };
    let labels: Vec<u8> = places.iter().map(|&place| u8::from(examples[place].bound)).collect();
    let sequences = places.iter().map(|&place| &examples[place].sequence);
    let labelled = LabelledSequences::new(sequences, &labels)?;
    Ok(match ranks.weights(examples, places).map_err(named)? {
        Some(weights) => labelled.with_weights(&weights)?,
        None => labelled,
    })
}

/// Shows pieces and costs that only grow, in steps large enough to be seen.
struct Meter<'a> {
    progress: &'a Progress,
    shown: (f64, f64),
}

impl Meter<'_> {
    fn show(&mut self, (pieces, cost): (f64, f64)) {
        if pieces >= self.shown.0 + 0.01 || pieces.fract() == 0.0 && pieces > self.shown.0 {
            self.progress.advance(pieces - self.shown.0, cost - self.shown.1);
            self.shown = (pieces, cost);
        }
    }
}
