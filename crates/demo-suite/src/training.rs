//! The jobs' networks, trained in banks: on the CPU several banks at a time, on a CUDA device one after
//! the other.

use std::path::PathBuf;

use demo_core::Seed;

use crate::banks::{Bank, form, limit};
use crate::files::make_folder;
use crate::outcomes::TrainOutcome;
use crate::plan::{Job, Recipe};
use crate::progress::Progress;
use crate::run::Run;
use crate::stages::train::{Parts, Place, Trainee, divide, fit_baseline, train};
use crate::{Error, Result, workers};

/// The journal's name of the stage.
const STAGE: &str = "train";
/// Below the output folder: banks in training.
const FOLDER: &str = "training";

impl Run {
    /// The outcomes of all jobs: those in the journal whose network is there, and the rest trained now.
    pub(crate) fn train(&self, jobs: &[Job]) -> Result<Vec<TrainOutcome>> {
        let known = self.trained(jobs)?;
        let pending: Vec<bool> = known.iter().map(Option::is_none).collect();
        self.check_divisions(jobs.iter().zip(&pending).filter(|(_, pending)| **pending).map(|(job, _)| job))?;
        let folder = self.training_folder();
        let mut banks = form(jobs, &pending, &folder, |members| {
            let members: Vec<&Job> = members.iter().map(|&job| &jobs[job]).collect();
            limit(&members, self.bank, &self.device)
        })?;
        let cost = |bank: &Bank| bank.jobs.iter().map(|&job| jobs[job].cost).sum::<u64>();
        banks.sort_by_key(|bank| std::cmp::Reverse(cost(bank)));
        let finished = pending.iter().map(|pending| !pending);
        let progress = Progress::start(STAGE, jobs.iter().map(|job| job.cost).zip(finished));
        // A device has room for one bank at a time.
        let workers = if self.device.is_cpu() { self.threads } else { 1 };
        workers::for_each(workers, &banks, |bank| {
            self.interrupt.check()?;
            self.train_bank(jobs, bank, &pending, &progress)
        })?;
        // Empty, where nothing else was left there.
        let _ = std::fs::remove_dir(&folder);
        progress.finish();
        let outcomes: Vec<TrainOutcome> = self.trained(jobs)?.into_iter().flatten().collect();
        // Every job has been recorded, or an error has ended the stage.
        if outcomes.len() == jobs.len() { Ok(outcomes) } else { Err(Error::Interrupted) }
    }

    /// Divides what every job trains on, once: what cannot be divided is refused before anything is trained.
    fn check_divisions<'a>(&self, jobs: impl Iterator<Item = &'a Job>) -> Result<()> {
        let (folds, seed) = (self.settings.folds, Seed::new(self.settings.seed));
        let key = |job: &Job| (job.set, job.protocol, job.fold, job.size, job.ranks());
        let mut checked: Vec<&Job> = Vec::new();
        for job in jobs {
            if checked.iter().rev().any(|other| key(other) == key(job)) {
                continue;
            }
            self.interrupt.check()?;
            checked.push(job);
            let set = &self.sets[job.set].data;
            let weigh = |parts: Parts| {
                let weights = job.ranks().weights(set.train(), &parts.training);
                weights.map_err(|source| Error::Set { set: set.name().to_owned(), source: Box::new(source) })
            };
            // What the whole half lacks is no matter of folds and sizes.
            divide(&Job { fold: 0, size: None, ..job.clone() }, set, 1, seed).and_then(weigh)?;
            divide(job, set, folds, seed).and_then(weigh).map_err(|error| match job.size {
                Some(size) => blamed("--train-sizes", size, &error),
                None if folds > 1 => blamed("--folds", folds, &error),
                None => error,
            })?;
        }
        Ok(())
    }

    /// The recorded outcomes of the jobs whose network is there: the very one, for another may have taken its
    /// place since, trained on another device.
    fn trained(&self, jobs: &[Job]) -> Result<Vec<Option<TrainOutcome>>> {
        let known = |job: &Job| {
            let outcome: Option<TrainOutcome> = self.journal.read(STAGE, &job.id)?;
            Ok(outcome.filter(|outcome| self.holds(job, outcome)))
        };
        jobs.iter().map(known).collect()
    }

    fn holds(&self, job: &Job, outcome: &TrainOutcome) -> bool {
        let folder = self.folder().join(&job.folder);
        let bytes = std::fs::read(folder.join("model.safetensors"));
        bytes.is_ok_and(|bytes| demo_data::sha256(&bytes) == outcome.weights_sha256)
    }

    fn training_folder(&self) -> PathBuf {
        self.folder().join(FOLDER)
    }

    /// Trains a bank; on a device without room for it, one half of it after the other.
    fn train_bank(&self, jobs: &[Job], bank: &Bank, pending: &[bool], progress: &Progress) -> Result<()> {
        if !bank.jobs.iter().any(|&job| pending[job]) {
            return Ok(());
        }
        let seed = Seed::new(self.settings.seed);
        let mut trainees = Vec::with_capacity(bank.jobs.len());
        for &at in &bank.jobs {
            let (job, set) = (&jobs[at], &self.sets[jobs[at].set].data);
            let parts = divide(job, set, self.settings.folds, seed)?;
            let folder = self.folder().join(&job.folder);
            make_folder(&folder)?;
            match &job.recipe {
                Recipe::Network { training, .. } => {
                    trainees.push(Trainee { job, training, set, parts, folder, recorded: !pending[at] });
                }
                // A bank of its own, see [`Job::goes_with`].
                Recipe::Baseline { baseline, gkm } => {
                    let outcome = fit_baseline((*baseline, gkm), &self.targets, set, &parts, &folder)?;
                    self.journal.write(STAGE, &job.id, &outcome)?;
                    progress.advance(1.0, job.cost as f64);
                    return Ok(());
                }
            }
        }
        bank.announce(jobs)?;
        let place = Place { state: &bank.folder, device: &self.device, progress, interrupt: &self.interrupt };
        let outcome = train(&trainees, &place, |at, outcome| {
            self.journal.write(STAGE, &trainees[at].job.id, outcome).map(|_| ())
        });
        match outcome {
            Err(error) if is_out_of_memory(&error) && bank.jobs.len() > 1 => {
                progress.say(&format!("{error}; the bank of {} networks is split", bank.jobs.len()));
                drop(trainees);
                let _ = std::fs::remove_dir_all(&bank.folder);
                for half in bank.split(jobs, &self.training_folder()) {
                    self.train_bank(jobs, &half, pending, progress)?;
                }
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// Whether a device had no room.
pub(crate) fn is_out_of_memory(error: &Error) -> bool {
    matches!(error, Error::Models(demo_models::Error::Engine(demo_models::EngineError::OutOfMemory { .. })))
}

/// A number that leaves a set with too little to train on.
fn blamed(flag: &'static str, number: usize, error: &Error) -> Error {
    let found = number.to_string();
    Error::Setting { flag, found, wanted: format!("another number or other sets ({error})") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use demo_core::DnaSequence;
    use demo_models::{
        Architecture, Device, RnnConfig, SelectedDevice, TrainingConfig, emulated_device, training_bytes,
    };
    use rand::Rng;

    use super::*;
    use crate::config::{RunConfig, Settings};
    use crate::interrupt::Interrupt;
    use crate::manifest::Clock;
    use crate::models::ModelKind;
    use crate::plan::{plan, plan_sizes};
    use crate::sizes::Sizes;

    const LENGTH: usize = 40;

    /// Three sets of random sequences in the Deep Motif Dashboard's layout.
    fn write_sets(folder: &Path) {
        for (set, seed) in [("A", 1), ("B", 2), ("C", 3)] {
            let mut random = Seed::new(seed).stream("sets");
            std::fs::create_dir_all(folder.join(set)).unwrap();
            for (half, count) in [("train.fa", 40), ("test.fa", 8)] {
                let mut text = String::new();
                for at in 0..count {
                    let codes: Vec<u8> = (0..LENGTH).map(|_| random.random_range(0..4)).collect();
                    let sequence = DnaSequence::from_codes(codes).unwrap();
                    text.extend([if at % 2 == 0 { ">0\n" } else { ">1\n" }, &sequence.to_string(), "\n"]);
                }
                std::fs::write(folder.join(set).join(half), text).unwrap();
            }
        }
    }

    fn open(data: &Path, out: PathBuf, device: &Device, bank: Option<usize>) -> (Run, Vec<Job>) {
        let config = RunConfig {
            data: Some(data.to_owned()),
            models: Some(vec![ModelKind::Rnn]),
            max_steps: Some(3),
            seed: 5,
            threads: Some(2),
            bank,
            out: Some(out),
            command: "a test".to_owned(),
            ..RunConfig::default()
        };
        let name = if device.is_cpu() { "cpu" } else { "cuda" };
        let selected = SelectedDevice { device: device.clone(), name, reason: "chosen" };
        let (settings, mut clock) = (config.settings().unwrap(), Clock::start());
        let run = Run::open_on(selected, settings, &config, &Interrupt::default(), &mut clock).unwrap();
        let jobs = plan(&run.settings, &run.sets, run.device_name, &run.targets);
        (run, jobs)
    }

    fn weights(outcomes: &[TrainOutcome]) -> Vec<&str> {
        outcomes.iter().map(|outcome| outcome.weights_sha256.as_str()).collect()
    }

    #[test]
    fn banks_change_no_bit_on_the_cpu() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        write_sets(&data);
        let train = |name: &str, bank| {
            let (run, jobs) = open(&data, folder.path().join(name), &Device::Cpu, bank);
            let outcomes = run.train(&jobs).unwrap();
            assert!(!run.training_folder().exists());
            outcomes
        };
        let alone = train("alone", None);
        assert_eq!(weights(&train("two", Some(2))), weights(&alone));
        assert_eq!(weights(&train("all", Some(9))), weights(&alone));
    }

    #[test]
    fn the_seconds_of_earlier_runs_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        write_sets(&data);
        let (run, jobs) = open(&data, folder.path().join("run"), &Device::Cpu, None);
        let bank = Bank::all(&jobs, &run.training_folder());
        bank.announce(&jobs).unwrap();
        std::fs::write(bank.folder.join("seconds.json"), "900.0").unwrap();
        run.train_bank(&jobs, &bank, &[true; 3], &Progress::alike(STAGE, 3)).unwrap();
        for outcome in run.trained(&jobs).unwrap() {
            let seconds = outcome.unwrap().seconds;
            assert!((300.0..400.0).contains(&seconds), "{seconds}");
        }
    }

    #[test]
    fn all_seeds_of_all_sets_go_into_one_bank_that_has_room() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        write_sets(&data);
        let (run, once) = open(&data, folder.path().join("run"), &Device::Cpu, None);
        let settings = Settings { seeds: 4, ..run.settings.clone() };
        let jobs = plan(&settings, &run.sets, run.device_name, &run.targets);
        assert_eq!((once.len(), jobs.len()), (3, 3 * 4));
        // A run with one seed is part of one with more, and no seed is there twice.
        let ids: BTreeSet<&str> = jobs.iter().map(|job| job.id.as_str()).collect();
        let folders: BTreeSet<&Path> = jobs.iter().map(|job| job.folder.as_path()).collect();
        assert!(once.iter().all(|job| ids.contains(job.id.as_str()) && folders.contains(&*job.folder)));
        assert_eq!((ids.len(), folders.len()), (12, 12));
        let banks = form(&jobs, &[true; 12], &run.training_folder(), |members| Ok(members.len())).unwrap();
        assert_eq!(banks.len(), 1);
        assert_eq!(banks[0].jobs.len(), 12);
    }

    #[test]
    fn sizes_are_nested_parts_with_their_validation_split_inside() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        write_sets(&data);
        let (run, _) = open(&data, folder.path().join("run"), &Device::Cpu, None);
        let settings = Settings { seeds: 2, train_sizes: vec![16, 24], ..run.settings.clone() };
        let sizes = Sizes::new(&settings, &run.sets).unwrap().unwrap();
        let jobs = plan_sizes(&settings, &run.sets, &sizes, run.device_name, &run.targets);
        assert_eq!(jobs.len(), 3 * 2 * 2);
        let set = &run.sets[0].data;
        let seen = |size: usize, seed_number: usize| -> Vec<usize> {
            let of = |job: &&Job| (job.set, job.size, job.seed_number) == (0, Some(size), seed_number);
            let job = jobs.iter().find(of).unwrap();
            let parts = divide(job, set, 1, Seed::new(settings.seed)).unwrap();
            assert!(parts.held_out.is_empty() && !parts.validation.is_empty());
            let mut seen = [parts.training, parts.validation].concat();
            seen.sort_unstable();
            assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "a sequence is seen from both sides");
            assert_eq!(seen.len(), size);
            assert_eq!(seen.iter().filter(|&&place| set.train()[place].bound).count(), size / 2);
            seen
        };
        let (small, large) = (seen(16, 1), seen(24, 1));
        assert!(small.iter().all(|place| large.contains(place)));
        // Other seeds learn from the same sequences.
        assert_eq!(seen(16, 2), small);
    }

    #[test]
    fn a_bank_without_room_on_the_device_is_split() {
        // Room for one network or two, and what evaluates them, but not for three.
        let architecture = Architecture::Rnn(RnnConfig::default());
        let batch = TrainingConfig::honest(&architecture, 34).batch;
        let bytes = |members| training_bytes(&architecture, LENGTH, batch, 80, members).unwrap();
        let device = match emulated_device(usize::midpoint(bytes(2), bytes(3))) {
            Ok(device) => device,
            Err(reason) => return eprintln!("not tested: {reason}"),
        };
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        write_sets(&data);
        let (run, jobs) = open(&data, folder.path().join("run"), &device, None);
        let bank = Bank::all(&jobs, &run.training_folder());
        let progress = Progress::alike(STAGE, jobs.len());
        run.train_bank(&jobs, &bank, &[true; 3], &progress).unwrap();
        let outcomes: Vec<TrainOutcome> = run.trained(&jobs).unwrap().into_iter().flatten().collect();
        assert_eq!(outcomes.len(), 3);
        assert!(outcomes.iter().all(|outcome| outcome.summary.steps == 3));
        // What the device says fits is trained without a split, and finds all done.
        assert_eq!(weights(&run.train(&jobs).unwrap()), weights(&outcomes));
    }
}
