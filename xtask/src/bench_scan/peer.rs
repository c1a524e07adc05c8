//! Scanners in Python: asked a line at a time, answering a line at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::Window;

/// The script, in the repository.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/peers/scan.py");

/// What is scanned for, and in what.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    pub(crate) motifs: Vec<ProblemMotif>,
    pub(crate) p: f64,
    #[serde(skip)]
    pub(crate) sequence: String,
}

/// A motif, position × base.
#[derive(Debug, Serialize)]
pub(crate) struct ProblemMotif {
    pub(crate) probabilities: Vec<[f64; 4]>,
    pub(crate) log_odds: Vec<[f64; 4]>,
    pub(crate) score: f64,
}

#[derive(Debug, Deserialize)]
struct Answer {
    seconds: f64,
}

/// The running script.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    names: BTreeMap<String, String>,
    folder: PathBuf,
}

impl Peer {
    /// Writes the problem, starts the script and waits for the names of its scanners.
    pub(crate) fn start(python: &Path, threads: usize, problem: &Problem) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("bench-scan-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("problem.json"), serde_json::to_vec(problem)?)?;
        std::fs::write(folder.join("sequence.txt"), &problem.sequence)?;
        let mut child = Command::new(python)
            .arg(SCRIPT)
            .arg(&folder)
            .env("NUMBA_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{}: could not be started", python.display()))?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{}: has no standard input or output", python.display());
        };
        let answers = BufReader::new(answers);
        let mut peer = Self { child, questions, answers, names: BTreeMap::new(), folder };
        peer.names = serde_json::from_str(&peer.line()?)?;
        if peer.names.is_empty() {
            bail!("{}: has none of memelite, lightmotif and MOODS-python", python.display());
        }
        Ok(peer)
    }

    /// Key and name with version of each scanner.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        self.names.clone().into_iter().collect()
    }

    /// Seconds of one scan.
    pub(crate) fn seconds(&mut self, key: &str) -> Result<f64> {
        Ok(self.ask(key)?.seconds)
    }

    /// The hits of one scan.
    pub(crate) fn hits(&mut self, key: &str) -> Result<BTreeSet<Window>> {
        let path = self.folder.join("hits.tsv");
        self.ask(&format!("{key} {}", path.display()))?;
        let window = |line: &str| -> Option<Window> {
            let mut columns = line.split('\t');
            Some((columns.next()?.parse().ok()?, columns.next()?.parse().ok()?, columns.next()? == "+"))
        };
        let text = std::fs::read_to_string(path)?;
        text.lines().map(|line| window(line).with_context(|| format!("the peer wrote {line:?}"))).collect()
    }

    fn ask(&mut self, question: &str) -> Result<Answer> {
        writeln!(self.questions, "{question}")?;
        self.questions.flush()?;
        Ok(serde_json::from_str(&self.line()?)?)
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
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
