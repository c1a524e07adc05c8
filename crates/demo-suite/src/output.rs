//! The output folder: whose run it is, and that only one process works in it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{make_folder, write_atomically};
use crate::{Error, Result};

const RUN: &str = "run.json";
const LOCK: &str = ".lock";
const FORMAT: &str = "demo-run-1";

/// Settings that only say how much is run: a run goes on with another choice of them.
const EXTENT: [&str; 2] = ["seeds", "train_sizes"];

/// What a run writes into its folder.
const WRITTEN: [&str; 23] = [
    RUN,
    "journal",
    "models",
    "predictions",
    "report",
    "training",
    "manifest.json",
    "timings.tsv",
    "results.tsv",
    "summary.tsv",
    "ensembles.tsv",
    "ensemble_delong.tsv",
    "delong.tsv",
    "learning_curve.tsv",
    "learning_curve_summary.tsv",
    "motifs.tsv",
    "motif_counts.tsv",
    "truth.tsv",
    "truth_summary.tsv",
    "recovery.tsv",
    "decoys.tsv",
    "trials.tsv",
    "regime.json",
];

/// A folder that belongs to one run, locked while this value lives.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
    /// Held for its lock, which the system lets go of when the process ends, however it ends.
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct RunFile<S> {
    format: String,
    settings: S,
}

impl OutputFolder {
    /// Opens a new or an earlier run's folder; `fresh` empties an earlier run's first.
    ///
    /// # Errors
    /// [`Error::OutputFolder`] where the folder holds something else, a run of other settings, or is
    /// in use by another process; [`Error::Io`] where it cannot be written.
    pub(crate) fn open<S: Serialize + DeserializeOwned>(
        path: &Path,
        settings: &S,
        fresh: bool,
    ) -> Result<Self> {
        let run = path.join(RUN);
        let occupied = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if occupied && !run.exists() && !path.join(LOCK).exists() {
            let found = "found files that are not a run's".to_owned();
            let wanted = "an empty or missing folder, or one of an earlier run".to_owned();
            return Err(Error::OutputFolder { path: path.to_owned(), found, wanted, hint: "" });
        }
        make_folder(path)?;
        let lock = lock(path)?;
        if fresh {
            clear(path)?;
        }
        match fs::read(&run) {
            Ok(bytes) => check(path, &bytes, settings)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Io { path: run, source }),
        }
        let file = RunFile { format: FORMAT.to_owned(), settings };
        let json = serde_json::to_string_pretty(&file)
            .map_err(|error| Error::Io { path: run.clone(), source: error.into() })?;
        write_atomically(&run, json.as_bytes())?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn lock(path: &Path) -> Result<File> {
    let name = path.join(LOCK);
    let file = File::create(&name).map_err(Error::io(&name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::OutputFolder {
            path: path.to_owned(),
            found: "found another process at work in it".to_owned(),
            wanted: "one at a time".to_owned(),
            hint: ", or wait for it to end",
        }),
        // Some file systems cannot lock; a run there is worth more than the guard.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(source)) => Err(Error::Io { path: name, source }),
    }
}

/// Removes what a run writes, and nothing else.
fn clear(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path).map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        let name = entry.file_name();
        if !WRITTEN.contains(&&*name.to_string_lossy()) {
            continue;
        }
        let target = entry.path();
        let removed = if target.is_dir() { fs::remove_dir_all(&target) } else { fs::remove_file(&target) };
        removed.map_err(Error::io(&target))?;
    }
    Ok(())
}

fn check<S: Serialize + DeserializeOwned>(path: &Path, bytes: &[u8], settings: &S) -> Result<()> {
    let hint = ", or start anew with --fresh";
    let other = |found: String, wanted: String| {
        Err(Error::OutputFolder { path: path.to_owned(), found, wanted, hint })
    };
    let Ok(file) = serde_json::from_slice::<RunFile<S>>(bytes) else {
        return other(format!("found a {RUN} that cannot be read"), format!("one of {FORMAT}"));
    };
    if file.format != FORMAT {
        return other(format!("found a run of {}", file.format), FORMAT.to_owned());
    }
    match difference(&file.settings, settings) {
        Some((found, wanted)) => other(format!("found a run with {found}"), wanted),
        None => Ok(()),
    }
}

/// The first setting in which two runs differ, as found and as wanted; how much is run is no difference.
fn difference<S: Serialize>(found: &S, wanted: &S) -> Option<(String, String)> {
    let json = |settings: &S| serde_json::to_value(settings).ok();
    let (found, wanted) = (json(found)?, json(wanted)?);
    let differs =
        |key: &&String| !EXTENT.contains(&key.as_str()) && found[key.as_str()] != wanted[key.as_str()];
    let fields = found.as_object()?.keys().find(differs)?;
    let show = |settings: &serde_json::Value| format!("{fields} {}", settings[fields.as_str()]);
    Some((show(&found), show(&wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Profile, Protocol, Settings};
    use crate::models::ModelKind;

    fn settings(seed: u64) -> Settings {
        Settings {
            profile: Profile::Smoke,
            data: None,
            placement: demo_data::simulate::Placement::Centred,
            sets: vec![],
            models: vec![ModelKind::Cnn],
            protocols: vec![Protocol::Honest],
            folds: 1,
            max_steps: None,
            balance: demo_models::Balance::None,
            warm_up: None,
            averaging: None,
            regimes: std::collections::BTreeMap::new(),
            class_optimisation: Vec::new(),
            seed,
            seeds: 1,
            train_sizes: vec![],
        }
    }

    #[test]
    fn a_run_is_continued_but_not_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("runs/a");
        drop(OutputFolder::open(&out, &settings(1), false).unwrap());
        let held = OutputFolder::open(&out, &settings(1), false).unwrap();
        let busy = OutputFolder::open(&out, &settings(1), false).unwrap_err().to_string();
        assert!(busy.contains("another process"), "{busy}");
        drop(held);
        let other = OutputFolder::open(&out, &settings(2), false).unwrap_err().to_string();
        assert!(other.contains("seed 1") && other.contains("seed 2") && other.contains("--fresh"), "{other}");
        assert!(OutputFolder::open(&out, &settings(2), true).is_ok());
    }

    #[test]
    fn a_run_goes_on_with_more_seeds_or_fewer() {
        let folder = tempfile::tempdir().unwrap();
        for seeds in [1, 3, 2] {
            drop(OutputFolder::open(folder.path(), &Settings { seeds, ..settings(1) }, false).unwrap());
            let file: RunFile<Settings> =
                serde_json::from_slice(&fs::read(folder.path().join(RUN)).unwrap()).unwrap();
            assert_eq!(file.settings.seeds, seeds);
        }
        // A run of a program that knew of one seed only.
        let text = fs::read_to_string(folder.path().join(RUN)).unwrap();
        let older = text.replace(",\n    \"seeds\": 2,\n    \"train_sizes\": []", "");
        assert_ne!(older, text);
        fs::write(folder.path().join(RUN), older).unwrap();
        assert!(OutputFolder::open(folder.path(), &Settings { seeds: 2, ..settings(1) }, false).is_ok());
    }

    #[test]
    fn foreign_folders_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        for fresh in [false, true] {
            assert!(OutputFolder::open(folder.path(), &settings(1), fresh).is_err());
        }
        assert!(folder.path().join("thesis.txt").exists());
        assert!(!folder.path().join(RUN).exists());
    }

    #[test]
    fn fresh_removes_what_a_run_wrote_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        drop(OutputFolder::open(folder.path(), &settings(1), false).unwrap());
        fs::write(folder.path().join("results.tsv"), "old").unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        drop(OutputFolder::open(folder.path(), &settings(1), true).unwrap());
        assert!(!folder.path().join("results.tsv").exists());
        assert!(folder.path().join("notes.txt").exists() && folder.path().join(RUN).exists());
    }
}
