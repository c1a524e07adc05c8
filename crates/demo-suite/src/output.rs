//! The output folder: whose run it is, and that only one process works in it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::files::{make_folder, write_atomically};
use crate::{Error, Result};

const RUN: &str = "run.json";
const LOCK: &str = ".lock";

/// What a folder is for.
#[derive(Debug)]
pub(crate) struct Kind {
    format: &'static str,
    /// Settings that only say how much is run: the work goes on with another choice of them.
    extent: &'static [&'static str],
}

/// A comparison.
pub(crate) const RUN_KIND: Kind = Kind {
    format: "demo-run-1",
    extent: &["sets", "models", "protocols", "class_optimisation", "seeds", "train_sizes"],
};

/// A search for regimes: what is asked is what is chosen among.
pub(crate) const SEARCH_KIND: Kind = Kind { format: "demo-search-1", extent: &[] };

/// The models of a run, and what it has for some of them: that of the models of both runs must be the same.
const MODELS: &str = "models";
const BY_MODEL: &str = "regimes";

/// Where the tables of a run are made before they take the place of an earlier run's.
const STAGED: &str = ".tables";

/// What a run writes into its folder, beside its tables.
const WRITTEN: [&str; 9] = [
    RUN,
    STAGED,
    "journal",
    "models",
    "training",
    "manifest.json",
    "timings.tsv",
    "trials.tsv",
    "regime.json",
];

/// The tables and pages of a comparison, all of which say the same jobs.
const TABLES: [&str; 15] = [
    "predictions",
    "report",
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
    /// Opens a new or an earlier run's folder; `fresh` empties an earlier run's of the same kind first.
    ///
    /// # Errors
    /// [`Error::OutputFolder`] where the folder holds something else, a run of another kind or of other settings,
    /// or is in use by another process; [`Error::Io`] where it cannot be written.
    pub(crate) fn open<S: Serialize + DeserializeOwned>(
        path: &Path,
        settings: &S,
        kind: &Kind,
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
        let earlier = fs::read(&run);
        let format = earlier.as_ref().ok().and_then(|bytes| format_of(bytes));
        if let Some(format) = format.filter(|format| format != kind.format) {
            let (found, wanted) = (format!("found a run of {format}"), kind.format.to_owned());
            return Err(Error::OutputFolder { path: path.to_owned(), found, wanted, hint: "" });
        }
        match earlier {
            _ if fresh => clear(path)?,
            Ok(bytes) => check(path, &bytes, settings, kind)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Io { path: run, source }),
        }
        let file = RunFile { format: kind.format.to_owned(), settings };
        let json = serde_json::to_string_pretty(&file)
            .map_err(|error| Error::Io { path: run.clone(), source: error.into() })?;
        write_atomically(&run, json.as_bytes())?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Has `write` make all tables and pages in a folder of their own, then puts them in the place of an
    /// earlier run's. What this run has none of is removed: a table never tells of other jobs than its
    /// neighbours.
    ///
    /// # Errors
    /// What `write` reports, after which the earlier tables stand as they were; [`Error::Io`].
    pub(crate) fn write_tables<T>(&self, write: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        let staged = self.path.join(STAGED);
        remove(&staged)?;
        make_folder(&staged)?;
        let written = write(&staged)?;
        for name in TABLES {
            let (from, to) = (staged.join(name), self.path.join(name));
            remove(&to)?;
            if from.exists() {
                fs::rename(&from, &to).map_err(Error::io(&to))?;
            }
        }
        remove(&staged)?;
        Ok(written)
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

/// What the run is of whose file this is, if it can be read.
fn format_of(run: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    serde_json::from_slice::<Head>(run).ok().map(|head| head.format)
}

/// Removes the files and folders of a run, with whatever lies in those folders, and nothing beside them.
fn clear(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path).map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        let name = entry.file_name();
        let name = &*name.to_string_lossy();
        if WRITTEN.contains(&name) || TABLES.contains(&name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file or a folder, where there is one.
fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

fn check<S: Serialize + DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    settings: &S,
    kind: &Kind,
) -> Result<()> {
    let hint = ", or start anew with --fresh";
    let other = |found: String, wanted: String| {
        Err(Error::OutputFolder { path: path.to_owned(), found, wanted, hint })
    };
    let Ok(file) = serde_json::from_slice::<RunFile<S>>(bytes) else {
        return other(format!("found a {RUN} that cannot be read"), format!("one of {}", kind.format));
    };
    match difference(&file.settings, settings, kind.extent) {
        Some((found, wanted)) => other(format!("found a run with {found}"), wanted),
        None => Ok(()),
    }
}

/// The first setting in which two runs differ, as found and as wanted; those in `extent` make no difference.
fn difference<S: Serialize>(found: &S, wanted: &S, extent: &[&str]) -> Option<(String, String)> {
    let json = |settings: &S| serde_json::to_value(settings).ok();
    let (mut found, mut wanted) = (json(found)?, json(wanted)?);
    if extent.contains(&MODELS) {
        let both = |model: &str| {
            [&found, &wanted].iter().all(|settings| {
                settings[MODELS].as_array().is_some_and(|models| models.iter().any(|one| one == model))
            })
        };
        let of_both = |settings: &serde_json::Value| {
            let mut by_model = settings[BY_MODEL].clone();
            if let Some(by_model) = by_model.as_object_mut() {
                by_model.retain(|model, _| both(model));
            }
            by_model
        };
        let (first, second) = (of_both(&found), of_both(&wanted));
        (found[BY_MODEL], wanted[BY_MODEL]) = (first, second);
    }
    let differs =
        |key: &&String| !extent.contains(&key.as_str()) && found[key.as_str()] != wanted[key.as_str()];
    let fields = found.as_object()?.keys().find(differs)?;
    let show = |settings: &serde_json::Value| format!("{fields} {}", settings[fields.as_str()]);
    Some((show(&found), show(&wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Profile, Protocol, Settings};
    use crate::models::ModelKind;
    use crate::search::Regime;
    use demo_models::{Architecture, TrainingConfig};

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
        drop(OutputFolder::open(&out, &settings(1), &RUN_KIND, false).unwrap());
        let held = OutputFolder::open(&out, &settings(1), &RUN_KIND, false).unwrap();
        let busy = OutputFolder::open(&out, &settings(1), &RUN_KIND, false).unwrap_err().to_string();
        assert!(busy.contains("another process"), "{busy}");
        drop(held);
        let other = OutputFolder::open(&out, &settings(2), &RUN_KIND, false).unwrap_err().to_string();
        assert!(other.contains("seed 1") && other.contains("seed 2") && other.contains("--fresh"), "{other}");
        assert!(OutputFolder::open(&out, &settings(2), &RUN_KIND, true).is_ok());
    }

    #[test]
    fn a_run_goes_on_with_more_seeds_or_fewer() {
        let folder = tempfile::tempdir().unwrap();
        for seeds in [1, 3, 2] {
            let settings = Settings { seeds, ..settings(1) };
            drop(OutputFolder::open(folder.path(), &settings, &RUN_KIND, false).unwrap());
            let file: RunFile<Settings> =
                serde_json::from_slice(&fs::read(folder.path().join(RUN)).unwrap()).unwrap();
            assert_eq!(file.settings.seeds, seeds);
        }
        // A run of a program that knew of one seed only.
        let text = fs::read_to_string(folder.path().join(RUN)).unwrap();
        let older = text.replace(",\n    \"seeds\": 2,\n    \"train_sizes\": []", "");
        assert_ne!(older, text);
        fs::write(folder.path().join(RUN), older).unwrap();
        let rate = |learning_rate| {
            let architecture: Architecture = "cnn".parse().unwrap();
            let training = TrainingConfig::honest(&architecture, 1_000);
            Regime { learning_rate, ..Regime::of(&architecture, &training) }
        };
        let with = |regimes: &[(ModelKind, f64)]| Settings {
            models: regimes.iter().map(|(model, _)| *model).collect(),
            regimes: regimes.iter().map(|&(model, of)| (model, rate(of))).collect(),
            ..settings(1)
        };
        let open = |settings: &Settings| {
            OutputFolder::open(folder.path(), settings, &RUN_KIND, false)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        open(&with(&[(ModelKind::Rnn, 0.1)])).unwrap();
        open(&with(&[(ModelKind::Cnn, 0.2), (ModelKind::Rnn, 0.1)])).unwrap();
        let error = open(&with(&[(ModelKind::Cnn, 0.3)])).unwrap_err();
        assert!(error.contains("regimes"), "{error}");
        // A search would write over what a comparison goes by.
        let error =
            OutputFolder::open(folder.path(), &settings(1), &SEARCH_KIND, false).unwrap_err().to_string();
        assert!(error.contains("demo-run-1") && error.contains("demo-search-1"), "{error}");
        // Nor does it remove one, whatever its settings look like.
        fs::write(folder.path().join(RUN), "{\"format\": \"demo-run-1\", \"settings\": {\"new\": 1}}")
            .unwrap();
        fs::write(folder.path().join("results.tsv"), "dear").unwrap();
        let error =
            OutputFolder::open(folder.path(), &settings(1), &SEARCH_KIND, true).unwrap_err().to_string();
        assert!(error.contains("demo-run-1") && !error.contains("--fresh"), "{error}");
        assert!(folder.path().join("results.tsv").exists());
    }

    #[test]
    fn tables_take_the_place_of_an_earlier_run_s_together_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let out = OutputFolder::open(folder.path(), &settings(1), &RUN_KIND, false).unwrap();
        let write = |names: &'static [&'static str]| {
            move |staged: &Path| {
                for name in names {
                    let path = staged.join(name);
                    make_folder(path.parent().unwrap())?;
                    write_atomically(&path, name.as_bytes())?;
                }
                Ok(())
            }
        };
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let there = |name: &str| folder.path().join(name).exists();
        out.write_tables(write(&["results.tsv", "truth.tsv", "predictions/A.tsv"])).unwrap();
        assert!(there("results.tsv") && there("truth.tsv") && there("predictions/A.tsv"));
        let failed: Result<()> = out.write_tables(|staged| {
            write(&["predictions/B.tsv"])(staged)?;
            Err(Error::Interrupted)
        });
        assert!(failed.is_err() && there("predictions/A.tsv") && !there("predictions/B.tsv"));
        out.write_tables(write(&["results.tsv", "predictions/B.tsv"])).unwrap();
        assert!(there("results.tsv") && there("predictions/B.tsv") && there("notes.txt"));
        assert!(!there("truth.tsv") && !there("predictions/A.tsv") && !there(STAGED));
    }

    #[test]
    fn foreign_folders_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        for fresh in [false, true] {
            assert!(OutputFolder::open(folder.path(), &settings(1), &RUN_KIND, fresh).is_err());
        }
        assert!(folder.path().join("thesis.txt").exists());
        assert!(!folder.path().join(RUN).exists());
    }

    #[test]
    fn fresh_removes_what_a_run_wrote_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        drop(OutputFolder::open(folder.path(), &settings(1), &RUN_KIND, false).unwrap());
        fs::write(folder.path().join("results.tsv"), "old").unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        drop(OutputFolder::open(folder.path(), &settings(1), &RUN_KIND, true).unwrap());
        assert!(!folder.path().join("results.tsv").exists());
        assert!(folder.path().join("notes.txt").exists() && folder.path().join(RUN).exists());
    }
}
