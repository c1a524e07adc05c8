//! A training on disk, complete: `optimizer.safetensors`.
//!
//! Everything is in one file, renamed into place, so that it is never half old and half new. Its arrays
//! are `parameters`, `first_moment` and `second_moment` (members in training x parameters), and for each member
//! `member<i>.best`, `member<i>.average`, `member<i>.unbound_scores` and `member<i>.bound_scores`. The
//! metadata entry `state` is JSON: steps, epochs' records, regimes, seeds, fingerprints of the data, and
//! a SHA-256 over all of that and the arrays. Orders and dropout need no entry: they follow from seed and step.

use std::fs;
use std::path::{Path, PathBuf};

use demo_core::Seed;
use demo_engine::{Adam, Buffer, DType};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Trainer;
use super::member::{MemberState, Record};
use crate::data::hex;
use crate::files::{
    NamedTensor, from_safetensors, io_error, metadata, read, refuse, to_safetensors, write_atomically,
};
use crate::{Architecture, Result, TrainingConfig};

const FORMAT: &str = "deep-motif training";
const FORMAT_VERSION: u32 = 3;
const FILE: &str = "optimizer.safetensors";
const STATE: &str = "state";

#[derive(Serialize, Deserialize)]
struct State {
    format: String,
    format_version: u32,
    identity: Identity,
    step: u64,
    /// The members in training, in the order of the arrays.
    in_training: Vec<usize>,
    adam_steps: Vec<u64>,
    members: Vec<Progress>,
    /// Of this state with nothing in this place, then the arrays.
    sha256: String,
}

/// What must be equal for a training to be the same.
#[derive(Serialize, Deserialize, PartialEq)]
struct Identity {
    architecture: Architecture,
    length: usize,
    members: Vec<MemberIdentity>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct MemberIdentity {
    training: TrainingConfig,
    seed: Seed,
    data_sha256: String,
    validation_sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Progress {
    steps: u64,
    record: Record,
}

impl Identity {
    /// What another training has that this one has not.
    fn difference(&self, other: &Self) -> Option<String> {
        let sizes =
            |identity: &Self| (identity.architecture.clone(), identity.length, identity.members.len());
        if sizes(self) != sizes(other) {
            return Some("another architecture, sequence length or number of members".to_owned());
        }
        let differs = |(own, theirs): (&MemberIdentity, &MemberIdentity)| {
            if own.training != theirs.training {
                Some("another regime")
            } else if own.seed != theirs.seed {
                Some("another seed")
            } else if own.data_sha256 != theirs.data_sha256 {
                Some("other training sequences")
            } else {
                (own.validation_sha256 != theirs.validation_sha256).then_some("other validation sequences")
            }
        };
        let mut pairs = self.members.iter().zip(&other.members).enumerate();
        pairs.find_map(|(at, pair)| Some(format!("{} in member {at}", differs(pair)?)))
    }
}

pub(super) fn save(trainer: &Trainer, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(io_error(folder))?;
    let path = folder.join(FILE);
    let lockstep = &trainer.lockstep;
    let (first, second, adam_steps) = lockstep.adam.state();
    let mut tensors = Vec::new();
    let bank = [("parameters", lockstep.params.buffer()), ("first_moment", first), ("second_moment", second)];
    for (name, buffer) in bank {
        tensors.push(NamedTensor::new(name, buffer.shape(), buffer.to_f32()?));
    }
    for (at, member) in trainer.members.iter().enumerate() {
        for (name, values) in arrays(trainer, at, member)? {
            tensors.push(NamedTensor::new(format!("member{at}.{name}"), &[values.len()], values));
        }
    }
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let progress = |member: &MemberState| Progress { steps: member.steps, record: member.record.clone() };
    let state = State {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        identity: identity(trainer),
        step: trainer.step,
        in_training: lockstep.members.clone(),
        adam_steps: adam_steps.to_vec(),
        members: trainer.members.iter().map(progress).collect(),
        sha256: String::new(),
    };
    let json = serde_json::to_string(&state)
        .map_err(|error| refuse(&path, error.to_string(), "a state that JSON can hold"))?;
    let json = json.replace(&sealed(""), &sealed(&digest(&json, &tensors)));
    write_atomically(&path, &to_safetensors(&path, &tensors, Some((STATE, json)))?)
}

/// A state that was read and is whole.
pub(super) struct Saved {
    path: PathBuf,
    state: State,
    tensors: Vec<NamedTensor>,
}

impl Saved {
    /// Reads the state of a bank of so many members.
    pub(super) fn read(folder: &Path, members: usize) -> Result<Self> {
        let path = folder.join(FILE);
        let bytes = read(&path)?;
        let json = metadata(&path, &bytes, STATE)?;
        let state = parse_state(&path, &json)?;
        let tensors = from_safetensors(&path, &bytes)?;
        let found = digest(&json.replace(&sealed(&state.sha256), &sealed("")), &tensors);
        if found != state.sha256 {
            let wanted = format!("{} as it says", state.sha256);
            return Err(refuse(&path, format!("a state of SHA-256 {found}"), wanted));
        }
        if state.members.len() != members {
            return Err(refuse(&path, format!("{} members", state.members.len()), members.to_string()));
        }
        if !state.members.iter().all(|member| member.record.is_whole()) {
            return Err(refuse(&path, "a best evaluation that is not there", "one of those it holds"));
        }
        let some = &state.in_training;
        let known = some.last().is_some_and(|&last| last < members) && some.is_sorted_by(|a, b| a < b);
        if !known || state.adam_steps.len() != some.len() {
            return Err(refuse(&path, "members in training that do not go together", "some of the members"));
        }
        Ok(Self { path, state, tensors })
    }

    /// The members in training, in the order of the arrays.
    pub(super) fn in_training(&self) -> &[usize] {
        &self.state.in_training
    }

    /// Puts the state in place of that of a bank which has the same members in training.
    pub(super) fn restore(self, trainer: &mut Trainer) -> Result<()> {
        if let Some(what) = self.state.identity.difference(&identity(trainer)) {
            return Err(refuse(&self.path, format!("a training of {what}"), "the training to be resumed"));
        }
        let shape = [self.state.in_training.len(), trainer.network.parameter_count()];
        let buffer = |values: &[f32]| Buffer::from_f32(values, &shape, DType::F32, &trainer.device);
        let bank = |name: &str| self.find(name, Some(shape.iter().product()));
        let parameters = bank("parameters")?;
        // Members without an average have their parameters in its place.
        let mut averages = parameters.clone();
        for (&member, average) in self.state.in_training.iter().zip(averages.chunks_exact_mut(shape[1])) {
            if trainer.members[member].config.averaging.is_some() {
                average.copy_from_slice(&self.find(&format!("member{member}.average"), Some(shape[1]))?);
            }
        }
        let mut restored = Vec::new();
        for at in 0..trainer.members.len() {
            let array = |name: &str| self.find(&format!("member{at}.{name}"), None);
            restored.push((array("best")?, array("unbound_scores")?, array("bound_scores")?));
        }
        let (first, second) = (buffer(&bank("first_moment")?)?, buffer(&bank("second_moment")?)?);
        let configs = self.state.in_training.iter().map(|&at| trainer.members[at].config.adam).collect();
        let (parameters, averages) = (buffer(&parameters)?, buffer(&averages)?);

        *trainer.lockstep.params.buffer_mut() = parameters;
        if let Some(to) = &mut trainer.lockstep.averages {
            *to.buffer_mut() = averages;
        }
        trainer.lockstep.adam = Adam::restore(configs, first, second, self.state.adam_steps)?;
        trainer.step = self.state.step;
        let members = trainer.members.iter_mut().zip(self.state.members);
        for ((member, progress), (best, unbound, bound)) in members.zip(restored) {
            (member.steps, member.record) = (progress.steps, progress.record);
            (member.best, member.scores) = (best, [unbound, bound]);
        }
        trainer.progress = trainer.members.iter().map(MemberState::progress).collect();
        Ok(())
    }

    /// An array by its name, of so many numbers where that is known.
    fn find(&self, name: &str, count: Option<usize>) -> Result<Vec<f32>> {
        let at = self.tensors.binary_search_by(|tensor| tensor.name.as_str().cmp(name));
        match at.map(|at| &self.tensors[at].values) {
            Ok(values) if count.is_none_or(|count| count == values.len()) => Ok(values.clone()),
            Ok(values) => {
                let wanted = count.unwrap_or_default().to_string();
                Err(refuse(&self.path, format!("{} numbers in {name}", values.len()), wanted))
            }
            Err(_) => Err(refuse(&self.path, format!("no array {name}"), "the state of a training")),
        }
    }
}

fn arrays(trainer: &Trainer, at: usize, member: &MemberState) -> Result<[(&'static str, Vec<f32>); 4]> {
    let [unbound, bound] = member.scores.clone();
    let averaged = trainer.lockstep.place(at).filter(|_| member.config.averaging.is_some());
    let average = match (&trainer.lockstep.averages, averaged) {
        (Some(averages), Some(place)) => averages.to_member(place)?.buffer().to_f32()?,
        _ => Vec::new(),
    };
    Ok([
        ("best", member.best.clone()),
        ("average", average),
        ("unbound_scores", unbound),
        ("bound_scores", bound),
    ])
}

fn identity(trainer: &Trainer) -> Identity {
    let member = |member: &MemberState| MemberIdentity {
        training: member.config.clone(),
        seed: member.seed,
        data_sha256: member.digests.0.clone(),
        validation_sha256: member.digests.1.clone(),
    };
    Identity {
        architecture: trainer.architecture.clone(),
        length: trainer.network.length(),
        members: trainer.members.iter().map(member).collect(),
    }
}

fn parse_state(path: &Path, json: &str) -> Result<State> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
        format_version: u32,
    }
    let unreadable = |error: serde_json::Error| {
        refuse(path, format!("an unreadable state ({error})"), format!("the state of a {FORMAT}"))
    };
    let head: Head = serde_json::from_str(json).map_err(unreadable)?;
    if head.format != FORMAT || head.format_version != FORMAT_VERSION {
        let found = format!("{:?} version {}", head.format, head.format_version);
        return Err(refuse(path, found, format!("{FORMAT:?} version {FORMAT_VERSION}")));
    }
    serde_json::from_str(json).map_err(unreadable)
}

/// The state's last field, as it stands in its JSON.
fn sealed(sha256: &str) -> String {
    format!("\"sha256\":\"{sha256}\"}}")
}

/// SHA-256 over the state's JSON, then names and values, in the order of the names.
fn digest(json: &str, tensors: &[NamedTensor]) -> String {
    let mut hash = Sha256::new();
    hash.update(json.as_bytes());
    for tensor in tensors {
        hash.update(tensor.name.as_bytes());
        hash.update((tensor.values.len() as u64).to_le_bytes());
        for value in &tensor.values {
            hash.update(value.to_le_bytes());
        }
    }
    hex(&hash.finalize())
}
