//! Which jobs are trained together: banks of networks of one architecture, batch and sequence length.
//!
//! On the CPU a network's weights do not depend on its bank. A bank in training is saved whole, with its
//! members' names, and goes on with the same members, even where some of them have finished.

use std::fs;
use std::path::{Path, PathBuf};

use demo_models::{Device, bank_capacity};

use crate::checksum::identity;
use crate::files::write_atomically;
use crate::plan::Job;
use crate::{Error, Result};

/// Below a bank's folder: the jobs that are its members.
const MEMBERS: &str = "members.json";

/// Jobs that are trained together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bank {
    /// Positions in the run's jobs.
    pub(crate) jobs: Vec<usize>,
    /// Where its training is saved.
    pub(crate) folder: PathBuf,
}

impl Bank {
    fn new(jobs: &[Job], members: Vec<usize>, folder: &Path) -> Self {
        let names: Vec<&str> = members.iter().map(|&job| jobs[job].id.as_str()).collect();
        let folder = folder.join(identity(&names));
        Self { jobs: members, folder }
    }

    /// All jobs in one bank.
    #[cfg(test)]
    pub(crate) fn all(jobs: &[Job], folder: &Path) -> Self {
        Self::new(jobs, (0..jobs.len()).collect(), folder)
    }

    /// Writes its members' names, so that a later run finds it.
    pub(crate) fn announce(&self, jobs: &[Job]) -> Result<()> {
        crate::files::make_folder(&self.folder)?;
        let names: Vec<&str> = self.jobs.iter().map(|&job| jobs[job].id.as_str()).collect();
        let path = self.folder.join(MEMBERS);
        let text = serde_json::to_vec(&names);
        write_atomically(
            &path,
            &text.map_err(|error| Error::Io { path: path.clone(), source: error.into() })?,
        )
    }

    /// Two banks of half its members each, for a device without room for all.
    pub(crate) fn split(&self, jobs: &[Job], folder: &Path) -> [Self; 2] {
        let (first, second) = self.jobs.split_at(self.jobs.len() / 2);
        [first, second].map(|half| Self::new(jobs, half.to_vec(), folder))
    }
}

/// The banks of the jobs that are pending: those that an earlier run saved in `folder`, then the rest, in
/// the jobs' order, each with at most as many members as `size` gives for the jobs it is chosen from.
pub(crate) fn form(
    jobs: &[Job],
    pending: &[bool],
    folder: &Path,
    size: impl Fn(&[usize]) -> Result<usize>,
) -> Result<Vec<Bank>> {
    let mut free = pending.to_vec();
    let mut banks = Vec::new();
    for members in saved(jobs, folder) {
        if members.iter().any(|&job| free[job]) && members.iter().all(|&job| free[job] || !pending[job]) {
            take(&mut free, &members);
            banks.push(Bank::new(jobs, members, folder));
        }
    }
    while let Some(first) = free.iter().position(|&free| free) {
        let alike = |&job: &usize| free[job] && jobs[job].goes_with(&jobs[first]);
        let members: Vec<usize> = (first..jobs.len()).filter(alike).collect();
        take(&mut free, &members);
        for members in members.chunks(size(&members)?.max(1)) {
            banks.push(Bank::new(jobs, members.to_vec(), folder));
        }
    }
    Ok(banks)
}

/// Marks jobs as taken.
fn take(free: &mut [bool], members: &[usize]) {
    for &job in members {
        free[job] = false;
    }
}

/// The most members of a bank of these jobs: what is asked for, else one on the CPU, and what a device has
/// room for there.
pub(crate) fn limit(jobs: &[&Job], asked: Option<usize>, device: &Device) -> Result<usize> {
    let Some(first) = jobs.first() else { return Ok(1) };
    let Some((architecture, training)) = first.network() else { return Ok(1) };
    let sequences = jobs.iter().map(|job| 2 * job.examples).max().unwrap_or(0);
    let capacity = bank_capacity(architecture, first.length, training.batch, sequences, device)?;
    Ok(match capacity {
        None => asked.unwrap_or(1),
        Some(capacity) => asked.map_or(capacity, |asked| asked.min(capacity)),
    })
}

/// The members of every bank that was saved and whose jobs all belong to this run, in the folders' order.
fn saved(jobs: &[Job], folder: &Path) -> Vec<Vec<usize>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let members = |folder: PathBuf| -> Option<Vec<usize>> {
        let names: Vec<String> = serde_json::from_slice(&fs::read(folder.join(MEMBERS)).ok()?).ok()?;
        names.iter().map(|name| jobs.iter().position(|job| job.id == *name)).collect()
    };
    folders.into_iter().filter_map(members).collect()
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;
    use demo_models::{Architecture, TrainingConfig};

    use super::*;
    use crate::config::Protocol;
    use crate::models::ModelKind;
    use crate::plan::Recipe;
    use crate::ranks::RankUse;

    fn network(model: ModelKind) -> Architecture {
        model.name().parse().unwrap()
    }

    fn training(job: &mut Job) -> &mut TrainingConfig {
        match &mut job.recipe {
            Recipe::Network { training, .. } => training,
            Recipe::Baseline { .. } => panic!("a network"),
        }
    }

    fn jobs(models: &[(ModelKind, usize)]) -> Vec<Job> {
        let job = |(place, &(model, length)): (usize, &(ModelKind, usize))| Job {
            set: place,
            model,
            protocol: Protocol::Honest,
            fold: 0,
            seed_number: 1,
            size: None,
            seed: Seed::new(1),
            recipe: Recipe::Network {
                architecture: network(model),
                training: Box::new(TrainingConfig::as_published()),
                ranks: RankUse::default(),
            },
            id: format!("job {place}"),
            folder: PathBuf::new(),
            cost: 1,
            length,
            examples: 10,
        };
        models.iter().enumerate().map(job).collect()
    }

    fn members(banks: &[Bank]) -> Vec<Vec<usize>> {
        banks.iter().map(|bank| bank.jobs.clone()).collect()
    }

    #[test]
    fn unlike_jobs_go_to_a_bank_each() {
        use ModelKind::{Cnn, Rnn};
        let mut jobs = jobs(&[(Cnn, 60), (Rnn, 60), (Cnn, 60), (Cnn, 80), (Cnn, 60), (Rnn, 60), (Cnn, 60)]);
        training(&mut jobs[6]).batch += 1;
        // Learning rates stand side by side.
        training(&mut jobs[2]).learning_rate *= 2.0;
        let folder = tempfile::tempdir().unwrap();
        let pending = [true, true, true, true, true, false, true];
        let banks = form(&jobs, &pending, folder.path(), |_| Ok(2)).unwrap();
        assert_eq!(members(&banks), [vec![0, 2], vec![4], vec![1], vec![3], vec![6]]);
        let whole = form(&jobs, &pending, folder.path(), |_| Ok(100)).unwrap();
        assert_eq!(members(&whole), [vec![0, 2, 4], vec![1], vec![3], vec![6]]);
        assert_eq!(members(&whole[0].split(&jobs, folder.path())), [vec![0], vec![2, 4]]);
    }

    #[test]
    fn a_saved_bank_keeps_its_members() {
        let jobs = jobs(&[(ModelKind::Cnn, 60); 5]);
        let folder = tempfile::tempdir().unwrap();
        let banks = form(&jobs, &[true; 5], folder.path(), |_| Ok(3)).unwrap();
        banks[0].announce(&jobs).unwrap();
        // Its second member has finished since.
        let again = form(&jobs, &[true, false, true, true, true], folder.path(), |_| Ok(1)).unwrap();
        assert_eq!(members(&again), [vec![0, 1, 2], vec![3], vec![4]]);
        assert_eq!(again[0].folder, banks[0].folder);
        // All of them have.
        let rest = form(&jobs, &[false, false, false, true, true], folder.path(), |_| Ok(5)).unwrap();
        assert_eq!(members(&rest), [vec![3, 4]]);
        // Of a run with other jobs.
        let fewer = form(&jobs[1..], &[true; 4], folder.path(), |_| Ok(5)).unwrap();
        assert_eq!(members(&fewer), [vec![0, 1, 2, 3]]);
    }
}
