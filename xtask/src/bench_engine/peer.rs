//! A peer in Python: asked a line at a time, answering a line at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The script, in the repository.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/peers/engine.py");

/// A running peer.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
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
    /// Starts the script and waits for its greeting.
    pub(crate) fn start(python: &Path, threads: usize) -> Result<Self> {
        let mut child = Command::new(python)
            .args([SCRIPT, "--threads", &threads.to_string()])
            .envs([("OMP_NUM_THREADS", threads.to_string()), ("MALLOC_TOP_PAD_", "268435456".to_owned())])
            .envs([("MALLOC_MMAP_THRESHOLD_", "1073741824"), ("MALLOC_TRIM_THRESHOLD_", "1073741824")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}: could not be started", python.display()))?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{}: has no standard input or output", python.display());
        };
        let mut peer = Self { child, questions, answers: BufReader::new(answers), name: String::new() };
        let greeting: Greeting = serde_json::from_str(&peer.line()?)?;
        peer.name = greeting.name;
        Ok(peer)
    }

    /// Its name and version.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Sequences a second over at least so many seconds, and the form that it runs.
    pub(crate) fn rate(&mut self, model: &str, task: &str, seconds: f64) -> Result<(f64, String)> {
        writeln!(self.questions, "{model} {task} {seconds}")?;
        self.questions.flush()?;
        let answer: Answer = serde_json::from_str(&self.line()?)?;
        Ok((answer.sequences / answer.seconds, answer.variant))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the peer ended without an answer; what it said stands above");
        }
        Ok(line)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It waits for a question that never comes; nothing of it is worth keeping.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
