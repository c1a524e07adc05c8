//! Scanners in Python, and the problem they are given.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use super::Window;
use crate::python::Script;

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
    script: Script,
    names: BTreeMap<String, String>,
    /// Removed once the script has ended.
    folder: Folder,
}

impl Peer {
    /// Writes the problem, starts the script and waits for the names of its scanners.
    pub(crate) fn start(python: &Path, threads: usize, problem: &Problem) -> Result<Self> {
        let folder = Folder(std::env::temp_dir().join(format!("bench-scan-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0)?;
        std::fs::write(folder.0.join("problem.json"), serde_json::to_vec(problem)?)?;
        std::fs::write(folder.0.join("sequence.txt"), &problem.sequence)?;
        let (script, names): (_, BTreeMap<String, String>) = Script::start(python, |command| {
            command.arg(SCRIPT).arg(&folder.0).env("NUMBA_NUM_THREADS", threads.to_string())
        })?;
        if names.is_empty() {
            bail!("{}: has none of memelite, lightmotif and MOODS-python", python.display());
        }
        Ok(Self { script, names, folder })
    }

    /// Key and name with version of each scanner.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        self.names.clone().into_iter().collect()
    }

    /// Seconds of one scan.
    pub(crate) fn seconds(&mut self, key: &str) -> Result<f64> {
        Ok(self.script.ask::<Answer>(key)?.seconds)
    }

    /// The hits of one scan.
    pub(crate) fn hits(&mut self, key: &str) -> Result<BTreeSet<Window>> {
        let path = self.folder.0.join("hits.tsv");
        self.script.ask::<Answer>(&format!("{key} {}", path.display()))?;
        let window = |line: &str| -> Option<Window> {
            let mut columns = line.split('\t');
            Some((columns.next()?.parse().ok()?, columns.next()?.parse().ok()?, columns.next()? == "+"))
        };
        let text = std::fs::read_to_string(path)?;
        text.lines().map(|line| window(line).with_context(|| format!("the peer wrote {line:?}"))).collect()
    }
}

/// A folder that goes when this does.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
