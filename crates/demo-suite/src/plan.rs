//! The jobs of a run: which network is trained on which part of which set.
//!
//! A job's identity is the SHA-256 of all that decides its outcome, so that a finished job is found
//! again whatever else the run holds, and a changed input or setting makes another job of it.

use std::path::PathBuf;

use demo_core::Seed;
use demo_data::DataSet;
use demo_models::{Architecture, TrainingConfig};
use serde::Serialize;

use crate::baselines::{Baseline, GkmConfig};
use crate::checksum::identity;
use crate::config::{Profile, Protocol, Settings};
use crate::files::path_component;
use crate::models::{Method, ModelKind};
use crate::ranks::{RankUse, is_default};
use crate::search::Regime;
use crate::sets::LoadedSet;
use crate::sizes::Sizes;
use crate::stages::compare::Targets;

/// Raised when results change although no setting did: a fixed bug in training, say.
const RESULTS_VERSION: &str = "3";
/// The same of baselines.
const BASELINES_VERSION: &str = "4";

/// Steps and sequences a step of the smoke profile.
const SMOKE_STEPS: u64 = 1_000;
const SMOKE_BATCH: usize = 16;

/// Share of the training sequences that the honest protocol validates on.
pub(crate) const VALIDATION_FRACTION: f64 = 0.15;

/// One network to train, evaluate and perhaps explain.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Position of the set in the run.
    pub(crate) set: usize,
    /// Architecture.
    pub(crate) model: ModelKind,
    /// Protocol.
    pub(crate) protocol: Protocol,
    /// Number of the held-out fold from 1 on; 0 where the training half is not folded.
    pub(crate) fold: usize,
    /// Number of its seed among those of the run, from 1 on.
    pub(crate) seed_number: usize,
    /// Sequences of the training half that it may see, for a learning curve; none for all.
    pub(crate) size: Option<usize>,
    /// Seed of the job's network, order and dropout.
    pub(crate) seed: Seed,
    /// What it is and how it is trained.
    pub(crate) recipe: Recipe,
    /// The name of the job's outcome in the journal.
    pub(crate) id: String,
    /// The folder of its checkpoint, below the output folder.
    pub(crate) folder: PathBuf,
    /// Sequences the job may see, an estimate of its cost.
    pub(crate) cost: u64,
    /// Bases in a sequence.
    pub(crate) length: usize,
    /// Sequences of the training half that it may see.
    pub(crate) examples: usize,
}

impl Job {
    /// The network that is trained, and how; none for a baseline.
    pub(crate) fn network(&self) -> Option<(&Architecture, &TrainingConfig)> {
        match &self.recipe {
            Recipe::Network { architecture, training, .. } => Some((architecture, training)),
            Recipe::Baseline { .. } => None,
        }
    }

    /// What its training makes of ranks.
    pub(crate) fn ranks(&self) -> RankUse {
        match self.recipe {
            Recipe::Network { ranks, .. } => ranks,
            Recipe::Baseline { .. } => RankUse::default(),
        }
    }

    /// Whether the networks of both can be members of one bank.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        match (self.network(), other.network()) {
            (Some((architecture, training)), Some((others, theirs))) => {
                (architecture, self.length, training.batch) == (others, other.length, theirs.batch)
            }
            _ => self.id == other.id,
        }
    }
}

/// What a job trains, and how.
#[derive(Debug, Clone)]
pub(crate) enum Recipe {
    /// A network under its regime.
    Network { architecture: Architecture, training: Box<TrainingConfig>, ranks: RankUse },
    /// A method without one; the settings matter for gapped k-mers.
    Baseline { baseline: Baseline, gkm: GkmConfig },
}

/// What decides a baseline's outcome, in the order it is hashed.
#[derive(Serialize)]
struct BaselineIdentity<'a> {
    results: &'static str,
    version: &'static str,
    data: &'a str,
    // Whose name says the factor, and draws the validation split.
    set: &'a str,
    baseline: Baseline,
    gkm: &'a GkmConfig,
    motifs: &'a str,
    fold: usize,
    folds: usize,
    seed: u64,
    // Left out where there is none, so that jobs without one are named as they were before there were sizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
}

/// What decides a network's outcome, in the order it is hashed.
#[derive(Serialize)]
struct Identity<'a> {
    results: &'static str,
    version: &'static str,
    data: &'a str,
    architecture: &'a Architecture,
    protocol: Protocol,
    training: &'a TrainingConfig,
    fold: usize,
    folds: usize,
    seed: Seed,
    device: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<usize>,
    #[serde(skip_serializing_if = "is_default")]
    ranks: RankUse,
}

/// All jobs of a run, sets in the suite's order, then models, protocols, folds, seeds.
///
/// The first seed is that of a run with one, so that a run with more holds all jobs of one with fewer. A
/// baseline draws nothing, so it is fitted once, whatever the number of seeds; it has no published training,
/// so it runs under the honest protocol alone; a scan with the own motif needs a factor that has one.
pub(crate) fn plan(settings: &Settings, sets: &[LoadedSet], device: &str, targets: &Targets) -> Vec<Job> {
    let mut jobs = Vec::new();
    let motifs = targets.checksum();
    for set in sets.iter().enumerate() {
        jobs.extend(jobs_of(settings, set, &[None], (device, &motifs), targets));
    }
    jobs
}

/// The jobs of a run's learning curves, but for those of whole training halves, which [`plan`] has: sets in
/// the suite's order, then models, protocols, sizes, seeds.
pub(crate) fn plan_sizes(
    settings: &Settings,
    sets: &[LoadedSet],
    sizes: &Sizes,
    device: &str,
    targets: &Targets,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    let motifs = targets.checksum();
    for &place in sizes.sets() {
        let set = &sets[place];
        let below: Vec<Option<usize>> = sizes.below(set.data.train().len()).map(Some).collect();
        jobs.extend(jobs_of(settings, (place, set), &below, (device, &motifs), targets));
    }
    jobs
}

/// The jobs of one set, at each of these sizes.
fn jobs_of(
    settings: &Settings,
    (index, set): (usize, &LoadedSet),
    sizes: &[Option<usize>],
    (device, motifs): (&str, &str),
    targets: &Targets,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for &model in &settings.models {
        if model == ModelKind::ScanOwn && targets.own(set.data.tf()).is_empty() {
            continue;
        }
        for &protocol in &settings.protocols {
            if !model.is_network() && protocol == Protocol::AsPublished {
                continue;
            }
            let folds = if settings.folds == 1 { 0..=0 } else { 1..=settings.folds };
            let seeds = if model.is_network() { settings.seeds } else { 1 };
            for (fold, &size) in folds.flat_map(|fold| sizes.iter().map(move |size| (fold, size))) {
                for seed in 1..=seeds {
                    let part = Part { model, protocol, fold, seed, size };
                    jobs.push(job(settings, (index, set), &part, (device, motifs)));
                }
            }
        }
    }
    jobs
}

/// Which of a set's networks a job trains.
struct Part {
    model: ModelKind,
    protocol: Protocol,
    fold: usize,
    /// Number of the seed, from 1 on.
    seed: usize,
    /// Sequences it may see; none for all.
    size: Option<usize>,
}

/// The seed of a number: the run's own, then what is drawn from it by name.
fn numbered(seed: u64, number: usize) -> Seed {
    let seed = Seed::new(seed);
    if number == 1 { seed } else { seed.child(&format!("seed {number}")) }
}

fn job(
    settings: &Settings,
    (index, set): (usize, &LoadedSet),
    part: &Part,
    (device, motifs): (&str, &str),
) -> Job {
    let &Part { model, protocol, fold, seed: seed_number, size } = part;
    let examples = size.unwrap_or_else(|| training_examples(&set.data, settings.folds));
    let name = format!("{}/{model}/{protocol}/{fold}", set.data.name());
    let seed = numbered(settings.seed, seed_number).child(&name);
    let folds = settings.folds;
    let (results, version) = (RESULTS_VERSION, env!("CARGO_PKG_VERSION"));
    let data = &set.sha256;
    let (recipe, id) = match model.method() {
        Method::Network(architecture) => {
            let own = settings.regimes.get(&model);
            let (architecture, training) = regime(settings, architecture, protocol, (examples, own));
            let ranks = match (protocol, own) {
                (Protocol::Honest, Some(regime)) => regime.ranks(),
                _ => RankUse::default(),
            };
            let id = identity(&Identity {
                results,
                version,
                data,
                architecture: &architecture,
                protocol,
                training: &training,
                fold,
                folds,
                seed,
                device,
                size,
                ranks,
            });
            (Recipe::Network { architecture, training: Box::new(training), ranks }, id)
        }
        Method::Baseline(baseline) => {
            let gkm = GkmConfig::default();
            let seed = settings.seed;
            let id = identity(&BaselineIdentity {
                results: BASELINES_VERSION,
                version,
                data,
                set: set.data.name(),
                baseline,
                gkm: &gkm,
                motifs,
                fold,
                folds,
                seed,
                size,
            });
            (Recipe::Baseline { baseline, gkm }, id)
        }
    };
    let folder = folder(settings, set.data.name(), part);
    let cost = examples as u64 * model_cost(model);
    let length = set.data.train().first().map_or(0, |example| example.sequence.len());
    let set = index;
    Job { set, model, protocol, fold, seed_number, size, seed, recipe, id, folder, cost, length, examples }
}

/// Where a job's network lies, below the output folder: the same place whatever else the run holds.
fn folder(settings: &Settings, set: &str, part: &Part) -> PathBuf {
    let mut folder = PathBuf::from("models").join(path_component(set)).join(part.model.name());
    if part.protocol != Protocol::Honest {
        folder.push(part.protocol.name());
    }
    if settings.folds > 1 {
        folder.push(format!("fold-{}", part.fold));
    }
    if let Some(size) = part.size {
        folder.push(format!("size-{size}"));
    }
    if part.seed > 1 {
        folder.push(format!("seed-{}", part.seed));
    }
    folder
}

/// Relative cost of a sequence, so that long jobs start first.
fn model_cost(model: ModelKind) -> u64 {
    match model.method() {
        Method::Network(Architecture::Cnn(_)) => 3,
        Method::Network(Architecture::Rnn(_)) => 2,
        Method::Network(Architecture::CnnRnn(_) | Architecture::Attention(_)) => 4,
        Method::Baseline(_) => 1,
    }
}

/// Sequences of the training half left when one fold is held out.
fn training_examples(set: &DataSet, folds: usize) -> usize {
    let all = set.train().len();
    if folds == 1 { all } else { all - all / folds }
}

/// A network and how it is trained on so many sequences, those it is validated on included: by the honest
/// protocol as a regime has it, where there is one.
pub(crate) fn regime(
    settings: &Settings,
    mut architecture: Architecture,
    protocol: Protocol,
    (examples, regime): (usize, Option<&Regime>),
) -> (Architecture, TrainingConfig) {
    let mut training = match protocol {
        Protocol::Honest => {
            let held_out = (examples as f64 * VALIDATION_FRACTION) as usize;
            let batch = regime.and_then(|regime| regime.batch);
            let mut training = TrainingConfig::honest_in_batches(&architecture, examples - held_out, batch);
            if let Some(regime) = regime {
                regime.apply(&mut architecture, &mut training);
            }
            altered(settings, training)
        }
        Protocol::AsPublished => TrainingConfig::as_published(),
    };
    if settings.profile == Profile::Smoke {
        // Enough to see every stage work; what has not converged by then is marked so.
        if regime.is_none_or(|regime| regime.batch.is_none()) {
            training.batch = training.batch.min(SMOKE_BATCH);
        }
        training.max_steps = Some(SMOKE_STEPS);
    }
    if let Some(limit) = settings.max_steps {
        training.max_steps = Some(training.max_steps.map_or(limit, |steps| steps.min(limit)));
        training.min_steps = training.min_steps.min(limit);
    }
    (architecture, training)
}

/// The honest regime with what the user asks for in its place.
fn altered(settings: &Settings, mut training: TrainingConfig) -> TrainingConfig {
    training.balance = settings.balance;
    if let (Some(warm_up_steps), Some(steps)) = (training.schedule.warm_up_steps_mut(), settings.warm_up) {
        *warm_up_steps = steps;
    }
    if let Some(decay) = settings.averaging {
        training.averaging = (decay > 0.0).then_some(decay);
    }
    training
}

#[cfg(test)]
mod tests {
    use demo_models::{Balance, CnnConfig, Schedule};

    use super::*;
    use crate::config::RunConfig;

    #[test]
    fn what_is_asked_for_replaces_the_honest_regime_alone() {
        let architecture = Architecture::Cnn(CnnConfig::default());
        let plain = TrainingConfig::honest(&architecture, 850);
        let of =
            |settings: &Settings, protocol| regime(settings, architecture.clone(), protocol, (1_000, None)).1;
        let settings = RunConfig::default().settings().unwrap();
        assert_eq!(of(&settings, Protocol::Honest), plain);
        let asked = RunConfig {
            balance: Balance::Sampling,
            warm_up: Some(7),
            averaging: Some(0.5),
            ..RunConfig::default()
        };
        let settings = asked.settings().unwrap();
        let published = of(&settings, Protocol::AsPublished);
        assert_eq!(published, TrainingConfig::as_published());
        let found = of(&settings, Protocol::Honest);
        let Schedule::HoldThenDecay { decay, last, .. } = plain.schedule else { panic!("{plain:?}") };
        let schedule = Schedule::HoldThenDecay { warm_up_steps: 7, decay, last };
        let averaging = Some(0.5);
        let wanted = TrainingConfig { balance: Balance::Sampling, schedule, averaging, ..plain };
        assert_eq!(found, wanted);
        let off = RunConfig { averaging: Some(0.0), ..RunConfig::default() }.settings().unwrap();
        assert_eq!(of(&off, Protocol::Honest).averaging, None);
    }
}
