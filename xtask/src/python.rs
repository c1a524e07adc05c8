//! A peer in Python: a script that is asked a line at a time and answers a line of JSON at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;

/// A running script.
#[derive(Debug)]
pub(crate) struct Script {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Script {
    /// Starts `python` with the arguments and variables that `prepare` gives it; what it says first is a greeting.
    pub(crate) fn start<T: DeserializeOwned>(
        python: &Path,
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Result<(Self, T)> {
        let mut child = prepare(&mut Command::new(python))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}: could not be started", python.display()))?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{}: has no standard input or output", python.display());
        };
        let mut script = Self { child, questions, answers: BufReader::new(answers) };
        let greeting = script.answer()?;
        Ok((script, greeting))
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, question: &str) -> Result<T> {
        writeln!(self.questions, "{question}")?;
        self.questions.flush()?;
        self.answer()
    }

    fn answer<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the peer ended without an answer; what it said stands above");
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It waits for a question that never comes; nothing of it is worth keeping.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
