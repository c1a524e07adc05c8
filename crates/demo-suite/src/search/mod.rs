//! The search for a regime, on training halves alone: `cargo xtask search`.
//!
//! Of each set only the training half is read. A fifth of it judges; what is left is divided into training
//! and validation sequences as the honest protocol does it, so that what stops a training and what compares
//! trainings are not the same sequences. A trial's score is its mean AUROC over the sets.
//!
//! A random search trains every regime in full. Successive halving (Jamieson and Talwalkar, AISTATS 2016)
//! trains all of them for a few steps, and a third of them, the best, for three times as many, until the steps
//! are those of a full training. The honest regime stays among them, so that what is chosen was no worse in a
//! full training. Cost, in full trainings of each set: `N` for `N` regimes, and by halving about
//! `2 + log3(N)`, more for `N` above 27.
//!
//! Regimes may be given instead of drawn, to be compared on training halves; and of halves whose peaks have
//! ranks the strongest may judge, where those of a test half are the strongest too.
//!
//! On a CUDA device the trainings of a rung that share an architecture, dropout included, are one bank, as
//! large as memory allows; on the CPU each is trained alone, several at a time. Every training that has ended
//! with its bank is in the journal. A bank that was asked to stop goes on where it was; one that was killed
//! starts again.

pub(crate) mod regime;
mod trial;

use std::collections::BTreeMap;
use std::path::PathBuf;

use demo_core::Seed;
use demo_models::{Architecture, SelectedDevice, Strands, TrainingConfig, select_device};
use demo_report::{Cell, Column, Format, Table};
use serde::{Deserialize, Serialize};

pub use regime::{Fall, Regime};

use crate::config::{Protocol, RunConfig, Settings};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::models::{Method, ModelKind};
use crate::output::{OutputFolder, SEARCH_KIND};
use crate::plan;
use crate::progress::Progress;
use crate::ranks::{HeldOut, RankUse, is_default};
use crate::run::Cost;
use crate::sets::{check_length, plan_sets};
use crate::training::is_out_of_memory;
use crate::{Error, Result, workers};
use trial::{SearchSet, Trial, TrialOutcome, capacity, train};

/// Of the trials of a rung one in so many goes on, with so many times the steps.
const KEPT: usize = 3;
/// The trial of the honest regime itself.
const HONEST: usize = 0;
/// Rungs at most: at less than 1/27 of the steps networks are on their first plateau, where none is better.
const RUNGS: usize = 4;

/// How trials are spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Every regime is trained in full.
    Random,
    /// Most are given up after few steps.
    Halving,
}

/// A search as a user asks for it.
#[derive(Debug, Clone)]
pub struct SearchConfig {
    /// Sets, models, seed, steps, threads, device and output folder, as of a run.
    pub run: RunConfig,
    /// How trials are spent.
    pub strategy: Strategy,
    /// Regimes drawn for each model, the honest one among them.
    pub budget: usize,
    /// Files of regimes to compare with the honest one in place of drawn ones.
    pub regimes: Vec<PathBuf>,
    /// Which sequences of a training half judge.
    pub judge: HeldOut,
}

/// What decides a search's outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SearchSettings {
    strategy: Strategy,
    budget: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    candidates: Vec<BTreeMap<ModelKind, Regime>>,
    #[serde(default, skip_serializing_if = "is_default")]
    judge: HeldOut,
    device: String,
    #[serde(flatten)]
    run: Settings,
}

/// Where a search left what it found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// All trials, a row each.
    pub trials: PathBuf,
    /// The chosen regimes, for `reproduce --regime`.
    pub file: PathBuf,
    /// The same.
    pub regimes: BTreeMap<ModelKind, Regime>,
    /// Of each chosen regime that did not converge on every set, what that means for the choice.
    pub unfinished: Vec<String>,
}

/// Searches, or goes on with a search.
///
/// # Errors
/// One error for whatever stops it; what was finished is kept, and the same call goes on from there.
pub fn search(config: &SearchConfig, interrupt: &Interrupt) -> Result<Found> {
    let settings = check(config)?;
    let SelectedDevice { device, name, reason } = select_device(config.run.device)?;
    let plans = plan_sets(&settings)?;
    let candidates: Vec<BTreeMap<ModelKind, Regime>> = config
        .regimes
        .iter()
        .map(|path| regime::read_of(path, &settings.models, "--regimes"))
        .collect::<Result<_>>()?;
    let kept = SearchSettings {
        strategy: config.strategy,
        budget: config.budget,
        candidates: candidates.clone(),
        judge: config.judge,
        device: name.to_owned(),
        run: settings.clone(),
    };
    let out = OutputFolder::open(&config.run.out(), &kept, &SEARCH_KIND, config.run.fresh)?;
    let threads = config.run.thread_count();
    eprintln!("computing on {reason} with {threads} threads; results go to {}", out.path().display());
    let seed = Seed::new(settings.seed);
    let mut ranks = vec![RankUse::default()];
    for regime in candidates.iter().flat_map(BTreeMap::values) {
        if !ranks.contains(&regime.ranks()) {
            ranks.push(regime.ranks());
        }
    }
    let sets = workers::for_each(threads, &plans, |plan| {
        interrupt.check()?;
        let half = plan.load_training(seed)?;
        check_length(&settings, plan.name(), half.first().map_or(0, |example| example.sequence.len()))?;
        SearchSet::new(plan.name(), &half, (config.judge, &ranks), seed)
    })?;
    let search = Search {
        journal: Journal::open(&out.path().join("journal"))?,
        training: out.path().join("training"),
        // A device has room for one at a time.
        threads: if device.is_cpu() { threads } else { 1 },
        device: SelectedDevice { device, name, reason },
        settings,
        sets,
        interrupt,
    };
    let mut table = Table::new(columns());
    let (mut regimes, mut unfinished) = (BTreeMap::new(), Vec::new());
    for &model in &search.settings.models {
        let candidates = (config.budget, &candidates[..]);
        let ranked = search.model(model, config.strategy, candidates)?;
        for row in &ranked {
            table.push(row.cells(model))?;
        }
        if let Some(best) = ranked.iter().find(|row| row.chosen) {
            regimes.insert(model, best.regime);
            unfinished.extend(best.unfinished().map(|warning| format!("{model}: {warning}")));
        }
    }
    let _ = std::fs::remove_dir_all(&search.training);
    let (trials, file) = (out.path().join("trials.tsv"), out.path().join("regime.json"));
    table.write_tsv(&trials)?;
    regime::write(&file, &regimes, &config.run.command)?;
    Ok(Found { trials, file, regimes, unfinished })
}

/// The settings of a search that can be.
fn check(config: &SearchConfig) -> Result<Settings> {
    let settings = config.run.settings()?;
    let refuse = |flag, found: &dyn ToString, wanted: &str| {
        Err(Error::Setting { flag, found: found.to_string(), wanted: wanted.to_owned() })
    };
    if !(2..=10_000).contains(&config.budget) {
        return refuse("--budget", &config.budget, "2 to 10000 regimes, the honest one among them");
    }
    if let Some(baseline) = settings.models.iter().find(|model| !model.is_network()) {
        return refuse("--models", baseline, "networks alone: a baseline has no regime");
    }
    Ok(settings)
}

/// A search under way.
struct Search<'a> {
    journal: Journal,
    /// Where trainings are kept that were interrupted.
    training: PathBuf,
    threads: usize,
    device: SelectedDevice,
    settings: Settings,
    sets: Vec<SearchSet>,
    interrupt: &'a Interrupt,
}

/// A trial in a rung.
struct Row {
    trial: usize,
    rung: usize,
    /// Share of the steps of a full training, as one in so many.
    part: u64,
    regime: Regime,
    outcomes: Vec<TrialOutcome>,
    chosen: bool,
}

impl Search<'_> {
    /// All rungs of a model's search, in their order; the best trial of the last one is chosen.
    fn model(
        &self,
        model: ModelKind,
        strategy: Strategy,
        (budget, candidates): (usize, &[BTreeMap<ModelKind, Regime>]),
    ) -> Result<Vec<Row>> {
        let Method::Network(architecture) = model.method() else { return Ok(Vec::new()) };
        let seed = Seed::new(self.settings.seed).child("search").child(model.name());
        let own = Regime::of(&architecture, &TrainingConfig::honest(&architecture, 1_000));
        let regimes: Vec<Regime> = if candidates.is_empty() {
            (0..budget).map(|trial| Regime::draw(own, trial, seed)).collect()
        } else {
            // The honest one, then those given, in their order.
            std::iter::once(own).chain(candidates.iter().filter_map(|of| of.get(&model).copied())).collect()
        };
        let budget = regimes.len();
        let (mut trials, mut width): (Vec<usize>, usize) = ((0..budget).collect(), budget);
        let rungs = match strategy {
            Strategy::Random => 1,
            Strategy::Halving => (1 + budget.ilog(KEPT) as usize).min(RUNGS),
        };
        let mut rows = Vec::new();
        for rung in 0..rungs {
            let part = (KEPT as u64).pow((rungs - 1 - rung) as u32);
            let mut done = self.rung((model, &architecture), (rung, part), &trials, &regimes)?;
            // Of trials that are equally good the one drawn first.
            done.sort_by(|a, b| b.score().total_cmp(&a.score()).then(a.trial.cmp(&b.trial)));
            width = width.div_ceil(KEPT);
            trials = done.iter().take(width).map(|row| row.trial).collect();
            if !trials.contains(&HONEST) {
                trials.push(HONEST);
            }
            if let Some(first) = done.first_mut().filter(|_| rung + 1 == rungs) {
                first.chosen = true;
            }
            rows.extend(done);
        }
        Ok(rows)
    }

    /// Trains each of these trials on every set, for a part of the steps.
    fn rung(
        &self,
        model: (ModelKind, &Architecture),
        (rung, part): (usize, u64),
        trials: &[usize],
        regimes: &[Regime],
    ) -> Result<Vec<Row>> {
        let mut pieces = Vec::new();
        for &trial in trials {
            for set in &self.sets {
                pieces.push(self.trial(model, set, &regimes[trial], part)?);
            }
        }
        let known = pieces.iter().map(|piece| self.journal.read("search", &piece.id));
        let known: Vec<Option<TrialOutcome>> = known.collect::<Result<_>>()?;
        let pending: Vec<&Trial> =
            pieces.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(piece, _)| piece).collect();
        let progress =
            Progress::start("search", pieces.iter().map(Cost::cost).zip(known.iter().map(Option::is_some)));
        progress.say(&format!("{}: {} regimes, 1/{part} of the steps", model.0, trials.len()));
        let banks = banks(&pending, |alike| capacity(alike, &self.device.device))?;
        workers::for_each(self.threads, &banks, |bank| {
            self.interrupt.check()?;
            self.bank(bank, &progress)
        })?;
        progress.finish();
        let outcomes = pieces.iter().map(|piece| self.journal.read("search", &piece.id));
        let outcomes: Vec<TrialOutcome> =
            outcomes.collect::<Result<Vec<Option<TrialOutcome>>>>()?.into_iter().flatten().collect();
        let of_trial = trials.iter().zip(outcomes.chunks(self.sets.len().max(1)));
        Ok(of_trial
            .map(|(&trial, outcomes)| Row {
                trial,
                rung,
                part,
                regime: regimes[trial],
                outcomes: outcomes.to_vec(),
                chosen: false,
            })
            .collect())
    }

    /// Trains a bank and records its outcomes; on a device without room for it, one half after the other.
    fn bank(&self, bank: &[&Trial], progress: &Progress) -> Result<()> {
        let outcomes = match train(bank, &self.device.device, &self.training, self.interrupt) {
            Err(error) if is_out_of_memory(&error) && bank.len() > 1 => {
                progress.say(&format!("{error}; the bank of {} networks is split", bank.len()));
                let (first, second) = bank.split_at(bank.len() / 2);
                self.bank(first, progress)?;
                return self.bank(second, progress);
            }
            outcomes => outcomes?,
        };
        for (piece, outcome) in bank.iter().zip(&outcomes) {
            self.journal.write("search", &piece.id, outcome)?;
            progress.advance(1.0, piece.cost() as f64);
        }
        Ok(())
    }

    /// A regime to be trained on a set, for a part of the steps.
    fn trial<'a>(
        &self,
        (model, architecture): (ModelKind, &Architecture),
        set: &'a SearchSet,
        regime: &Regime,
        part: u64,
    ) -> Result<Trial<'a>> {
        let of = (set.examples(), Some(regime));
        let (architecture, mut training) =
            plan::regime(&self.settings, architecture.clone(), Protocol::Honest, of);
        if let (Some(steps), true) = (training.max_steps, part > 1) {
            let steps = steps.div_ceil(part);
            (training.max_steps, training.min_steps) = (Some(steps), training.min_steps.min(steps));
        }
        // The same for all trials, so that they differ by their regimes alone.
        let seed =
            Seed::new(self.settings.seed).child(&format!("{}/{model}/{}", set.name(), Protocol::Honest));
        Trial::new(set, (architecture, training, regime.ranks()), seed, self.device.name)
    }
}

/// Trials that are trained together, in their order, at most as many as `size` gives for those alike.
fn banks<'t, 'a>(
    trials: &[&'t Trial<'a>],
    size: impl Fn(&[&'t Trial<'a>]) -> Result<usize>,
) -> Result<Vec<Vec<&'t Trial<'a>>>> {
    let mut groups: Vec<Vec<&Trial>> = Vec::new();
    for &trial in trials {
        match groups.iter_mut().find(|group| group[0].goes_with(trial)) {
            Some(group) => group.push(trial),
            None => groups.push(vec![trial]),
        }
    }
    let mut banks = Vec::new();
    for group in groups {
        banks.extend(group.chunks(size(&group)?.max(1)).map(<[_]>::to_vec));
    }
    Ok(banks)
}

impl Row {
    fn score(&self) -> f64 {
        self.outcomes.iter().map(|outcome| outcome.auroc).sum::<f64>() / self.outcomes.len().max(1) as f64
    }

    fn converged(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.converged).count()
    }

    /// What is to be said of a choice among trainings that had not ended.
    fn unfinished(&self) -> Option<String> {
        let (converged, sets) = (self.converged(), self.outcomes.len());
        (converged < sets).then(|| {
            format!(
                "the chosen regime converged on {converged} of {sets} sets; on the others the limit of steps ended it, \
                 and a choice by what was reached until then favours regimes that learn fast"
            )
        })
    }

    fn cells(&self, model: ModelKind) -> Vec<Cell> {
        let Regime { learning_rate, weight_decay, dropout, warm_up, averaging, .. } = self.regime;
        let least = self.outcomes.iter().map(|outcome| outcome.auroc).fold(f64::INFINITY, f64::min);
        let steps: u64 = self.outcomes.iter().map(|outcome| outcome.steps).sum();
        let number = |value: f64| Cell::from(value.to_string());
        let optional = |value: Option<String>| Cell::from(value.unwrap_or_default());
        vec![
            Cell::from(model.name()),
            Cell::from(self.rung + 1),
            Cell::from(format!("1/{}", self.part)),
            Cell::from(self.trial),
            number(learning_rate),
            number(weight_decay),
            number(dropout),
            Cell::from(warm_up),
            number(averaging),
            Cell::from(self.regime.schedule.name()),
            optional(self.regime.batch.map(|batch| batch.to_string())),
            optional(self.regime.patience.map(|patience| patience.to_string())),
            optional(self.regime.descent.map(|descent| descent.to_string())),
            optional(self.regime.evaluate_every.map(|steps| steps.to_string())),
            Cell::from(if self.regime.reverse_complement { "yes" } else { "no" }),
            Cell::from(if self.regime.strands == Strands::Both { "both" } else { "forward" }),
            Cell::from(if self.regime.lstm_start.is_published() { "published" } else { "scaled" }),
            number(self.regime.rank_weight),
            Cell::from(self.regime.validation.name()),
            Cell::from(self.outcomes.len()),
            Cell::from(self.score()),
            Cell::from(least),
            Cell::from(steps),
            Cell::from(self.converged()),
            Cell::from(if self.chosen { "yes" } else { "no" }),
        ]
    }
}

fn columns() -> Vec<Column> {
    let text = |name| Column::new(name, Format::Text);
    let count = |name| Column::new(name, Format::Integer);
    let auroc = |name| Column::new(name, Format::Fixed(4));
    vec![
        text("model"),
        count("rung"),
        text("steps_part"),
        count("trial"),
        text("learning_rate"),
        text("weight_decay"),
        text("dropout"),
        count("warm_up"),
        text("averaging"),
        text("schedule"),
        text("batch"),
        text("patience"),
        text("descent"),
        text("evaluate_every"),
        text("reverse_complement"),
        text("strands"),
        text("lstm_start"),
        text("rank_weight"),
        text("validation"),
        count("sets"),
        auroc("auroc"),
        auroc("auroc_least"),
        count("steps"),
        count("converged"),
        text("chosen"),
    ]
}
