//! `manifest.json`: how a run was made, for whoever wants to repeat or to trust it.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use crate::config::{RunConfig, Settings};
use crate::files::write_atomically;
use crate::run::{FinishedJob, Run};
use crate::{Error, Result};

/// Seconds of each stage of this call.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    seconds: Vec<(&'static str, f64)>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self::default()
    }

    /// Runs a stage and notes how long it took.
    pub(crate) fn time<R>(&mut self, stage: &'static str, work: impl FnOnce() -> Result<R>) -> Result<R> {
        let started = Instant::now();
        let outcome = work()?;
        self.seconds.push((stage, started.elapsed().as_secs_f64()));
        Ok(outcome)
    }
}

#[derive(Serialize)]
struct Manifest<'a> {
    program: &'static str,
    version: &'static str,
    revision: Option<&'a str>,
    command: &'a str,
    settings: &'a Settings,
    device: &'static str,
    threads: usize,
    target: String,
    inputs: Vec<Input<'a>>,
    /// Seconds of each stage of the last call; a call that continues a run counts its own work only.
    stage_seconds: BTreeMap<&'static str, f64>,
    /// Seconds of all training, whichever call did it.
    training_seconds: f64,
    jobs: Vec<JobEntry<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    set: &'a str,
    data: String,
    sha256: &'a str,
    training_sequences: usize,
    test_sequences: usize,
}

#[derive(Serialize)]
struct JobEntry<'a> {
    id: &'a str,
    set: &'a str,
    model: &'static str,
    protocol: &'static str,
    fold: usize,
    seed_number: usize,
    /// Sequences of the training half that it may see; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    train_size: Option<usize>,
    seed: u64,
    weights_sha256: &'a str,
    steps: u64,
    converged: Option<bool>,
    auroc: f64,
    seconds: f64,
}

/// Writes the manifest into the run's folder.
pub(crate) fn write(run: &Run, jobs: &[FinishedJob], config: &RunConfig, clock: &Clock) -> Result<()> {
    let inputs = run.sets.iter().map(|set| Input {
        set: set.data.name(),
        data: set.data.source().to_string(),
        sha256: &set.sha256,
        training_sequences: set.data.train().len(),
        test_sequences: set.data.test().len(),
    });
    let entries = jobs.iter().map(|finished| JobEntry {
        id: &finished.job.id,
        set: run.sets[finished.job.set].data.name(),
        model: finished.job.model.name(),
        protocol: finished.job.protocol.name(),
        fold: finished.job.fold,
        seed_number: finished.job.seed_number,
        train_size: finished.job.size,
        seed: finished.job.seed.value(),
        weights_sha256: &finished.train.weights_sha256,
        steps: finished.train.summary.steps,
        converged: finished.train.summary.converged,
        auroc: finished.evaluate.auroc,
        seconds: finished.train.seconds,
    });
    let manifest = Manifest {
        program: "demo",
        version: env!("CARGO_PKG_VERSION"),
        revision: config.revision.as_deref(),
        command: &config.command,
        settings: &run.settings,
        device: run.device_name,
        threads: run.threads,
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        inputs: inputs.collect(),
        stage_seconds: clock.seconds.iter().copied().collect(),
        training_seconds: jobs.iter().map(|finished| finished.train.seconds).sum(),
        jobs: entries.collect(),
    };
    let path = run.folder().join("manifest.json");
    let json = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::Io { path: path.clone(), source: error.into() })?;
    write_atomically(&path, &json)
}
