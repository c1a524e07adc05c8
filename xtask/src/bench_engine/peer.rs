//! PyTorch, as the script that is its own best runs it.

use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use crate::python::Script;

/// The script: this program may be on a machine without the repository.
const SCRIPT: &str = include_str!("../../../benches/peers/engine.py");

/// A running peer.
#[derive(Debug)]
pub(crate) struct Peer {
    script: Script,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Greeting {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    sequences: f64,
    seconds: f64,
    variant: String,
}

impl Peer {
    /// Starts the script, for a device that torch knows by this name, and waits for its greeting.
    pub(crate) fn start(
        python: &Path,
        threads: usize,
        device: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let (script, Greeting { name }) = Script::start(python, |command| {
            command
                .args(["-c", SCRIPT, "--threads", &threads.to_string(), "--device", device])
                .envs([("OMP_NUM_THREADS", threads.to_string()), ("MALLOC_TOP_PAD_", "268435456".to_owned())])
                .envs([("MALLOC_MMAP_THRESHOLD_", "1073741824"), ("MALLOC_TRIM_THRESHOLD_", "1073741824")])
                .envs(settings.iter().copied())
        })?;
        Ok(Self { script, name })
    }

    /// Its name and version.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Sequences a second over at least so many seconds, and the form that it runs.
    pub(crate) fn rate(&mut self, model: &str, task: &str, seconds: f64) -> Result<(f64, String)> {
        let answer: Answer = self.script.ask(&format!("{model} {task} {seconds}"))?;
        Ok((answer.sequences / answer.seconds, answer.variant))
    }
}
