//! A run from its settings to its report: verify, train, evaluate, explain, untrained, match, truth, recover,
//! report.
//!
//! Every stage looks its pieces up in the journal, does what is missing and records it, and goes on
//! with what the journal gives back. A run that was stopped at any moment is continued by the same
//! call and ends with the same tables.

use std::path::{Path, PathBuf};

use demo_core::Seed;
use demo_interpret::QuerySource;
use demo_models::{Device, Predictor, SelectedDevice, TrainedModel, select_device};
use serde::Serialize;

use crate::baselines::Fitted;
use crate::checksum::identity;
use crate::config::{RunConfig, Settings};
use crate::ensembles::{self, Judged};
use crate::files::{path_component, write_atomically};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::manifest::{self, Clock};
use crate::models::ModelKind;
use crate::motif_counts::{self, Factors, OwnHits};
use crate::outcomes::{
    EvaluateOutcome, ExplainOutcome, MatchOutcome, MatchRow, RecoverOutcome, TrainOutcome,
};
use crate::output::{OutputFolder, RUN_KIND};
use crate::plan::{Job, Recipe, plan, plan_sizes};
use crate::progress::Progress;
use crate::sets::{LoadedSet, check_length, plan_sets};
use crate::sizes::Sizes;
use crate::stages::compare::{Targets, compare};
use crate::stages::evaluate::{Scorer, evaluate};
use crate::stages::explain::{ExplainConfig, explain};
use crate::stages::train::divide;
use crate::stages::truth::SetTruths;
use crate::tables::LearningCurve;
use crate::{Error, Result, page, tables, workers};

/// A run in progress.
pub(crate) struct Run {
    pub(crate) settings: Settings,
    pub(crate) sets: Vec<LoadedSet>,
    pub(crate) device_name: &'static str,
    pub(crate) threads: usize,
    pub(crate) targets: Targets,
    /// The most members of a bank that were asked for.
    pub(crate) bank: Option<usize>,
    pub(crate) journal: Journal,
    pub(crate) device: Device,
    pub(crate) interrupt: Interrupt,
    out: OutputFolder,
}

/// A job with its outcomes; the explanation belongs to one job of a set and model.
pub(crate) struct FinishedJob {
    pub(crate) job: Job,
    pub(crate) train: TrainOutcome,
    pub(crate) evaluate: EvaluateOutcome,
    pub(crate) explain: Option<ExplainOutcome>,
}

/// A set and model whose motifs were looked up.
pub(crate) struct ExplainedModel {
    pub(crate) job: Job,
    /// Whether the network did, or its protocol does not ask.
    pub(crate) converged: bool,
    pub(crate) explain: ExplainOutcome,
    matches: Vec<(QuerySource, MatchOutcome)>,
}

impl ExplainedModel {
    /// How the queries of one source hit the factor's own motifs.
    pub(crate) fn hits(&self, source: QuerySource) -> Option<&OwnHits> {
        self.matches.iter().find(|(of, _)| *of == source).map(|(_, outcome)| &outcome.hits)
    }

    /// The rows of one source; none where the model has no motif of that source.
    pub(crate) fn matches(&self, source: QuerySource) -> &[MatchRow] {
        self.matches.iter().find(|(of, _)| *of == source).map_or(&[], |(_, outcome)| &outcome.rows)
    }
}

/// Where a run left what people read first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The report's page.
    pub report: PathBuf,
    /// The output folder.
    pub folder: PathBuf,
}

/// Runs or continues a comparison.
///
/// # Errors
/// One error for whatever stops the run, see [`Error`]; what was finished is kept, and the same call
/// continues from there.
pub fn reproduce(config: &RunConfig, interrupt: &Interrupt) -> Result<Written> {
    let mut clock = Clock::start();
    let run = Run::open(config, interrupt, &mut clock)?;
    let mut jobs = plan(&run.settings, &run.sets, run.device_name, &run.targets);
    run.say_what_is_left_out(&jobs)?;
    // Networks on parts of the training half come after the others and are for the learning curves alone.
    let count = jobs.len();
    let sizes = Sizes::new(&run.settings, &run.sets)?;
    if let Some(sizes) = &sizes {
        jobs.extend(plan_sizes(&run.settings, &run.sets, sizes, run.device_name, &run.targets));
    }
    let trained = clock.time("train", || run.train(&jobs))?;
    let evaluated = clock.time("evaluate", || run.evaluate(&jobs, &trained))?;
    let primary = primary_jobs(&jobs[..count], &trained);
    let mut explained = clock.time("explain", || run.explain(&primary, &jobs, &trained))?;
    let alternatives =
        clock.time("class-alternatives", || run.class_alternatives(&primary, &jobs, &trained))?;
    let untrained = clock.time("untrained", || run.untrained(&primary))?;
    for (outcome, (optima, control)) in explained.iter_mut().zip(alternatives.into_iter().zip(untrained)) {
        outcome.queries.extend(optima.into_iter().chain(control));
    }
    let models =
        clock.time("match", || run.compare(&with_training(&primary, &jobs, &trained), &explained))?;
    let truth = clock.time("truth", || run.truth(&primary, &jobs, &trained))?;
    let recovered = clock.time("recover", || run.recover(&primary, &explained))?;
    let mut finished = Vec::with_capacity(jobs.len());
    for ((job, train), evaluate) in jobs.into_iter().zip(trained).zip(evaluated) {
        let explain = models.iter().find(|model| model.job.id == job.id).map(|model| model.explain.clone());
        finished.push(FinishedJob { job, train, evaluate, explain });
    }
    let curve = sizes.map(|sizes| LearningCurve::new(&run, &sizes, &finished, count)).transpose()?;
    let (main, beside) = (&finished[..count], (truth.as_slice(), recovered.as_slice()));
    let report = clock.time("report", || run.report(main, &models, beside, curve.as_ref(), config))?;
    tables::timings(&run, &finished)?.write_tsv(&run.folder().join("timings.tsv"))?;
    manifest::write(&run, &finished, config, &clock)?;
    Ok(Written { report, folder: run.out.path().to_owned() })
}

/// The jobs that are explained: of each set and network the first that converged, or the first where none did. All
/// are of one protocol, the honest one where it was asked for: tables of explanations do not mix them.
fn primary_jobs(jobs: &[Job], trained: &[TrainOutcome]) -> Vec<Job> {
    let protocol = jobs.iter().map(|job| job.protocol).min();
    let networks = jobs.iter().zip(trained);
    let networks = networks.filter(|(job, _)| job.model.is_network() && Some(job.protocol) == protocol);
    let primary = first_that_counts(networks, |(job, _)| (job.set, job.model), |(_, train)| train.counts());
    primary.into_iter().map(|(job, _)| job.clone()).collect()
}

/// Of all with one key the first that counts, or the first where none does; keys in order of first appearance.
pub(crate) fn first_that_counts<T: Copy, K: PartialEq>(
    all: impl Iterator<Item = T>,
    key: impl Fn(T) -> K,
    counts: impl Fn(T) -> bool,
) -> Vec<T> {
    let mut first: Vec<T> = Vec::new();
    for one in all {
        match first.iter_mut().find(|known| key(**known) == key(one)) {
            Some(known) if counts(one) && !counts(*known) => *known = one,
            Some(_) => {}
            None => first.push(one),
        }
    }
    first
}

/// Jobs with the outcomes of their trainings.
pub(crate) fn with_training<'a>(
    some: &'a [Job],
    jobs: &[Job],
    trained: &'a [TrainOutcome],
) -> Vec<(&'a Job, &'a TrainOutcome)> {
    let of = |job: &Job| jobs.iter().position(|other| other.id == job.id).map(|place| &trained[place]);
    some.iter().filter_map(|job| Some((job, of(job)?))).collect()
}

impl Run {
    /// Chooses the device, opens the output folder and reads all sets.
    fn open(config: &RunConfig, interrupt: &Interrupt, clock: &mut Clock) -> Result<Self> {
        let settings = config.settings()?;
        Self::open_on(select_device(config.device)?, settings, config, interrupt, clock)
    }

    /// The same for a device that was chosen.
    pub(crate) fn open_on(
        selected: SelectedDevice,
        settings: Settings,
        config: &RunConfig,
        interrupt: &Interrupt,
        clock: &mut Clock,
    ) -> Result<Self> {
        let plans = plan_sets(&settings)?;
        let out = OutputFolder::open(&config.out(), &settings, &RUN_KIND, config.fresh)?;
        let threads = config.thread_count();
        eprintln!(
            "computing on {} with {threads} threads; results go to {}",
            selected.reason,
            out.path().display()
        );
        let sets = clock.time("verify", || {
            let progress = Progress::alike("verify", plans.len());
            let published = demo_data::embedded::deepbind_figures();
            let seed = Seed::new(settings.seed);
            let sets = workers::for_each(threads, &plans, |plan| {
                interrupt.check()?;
                let (set, warnings) = plan.load(seed, published)?;
                for warning in &warnings {
                    progress.say(&format!("{}: {warning}", plan.name()));
                }
                check_length(&settings, plan.name(), set.data.length())?;
                progress.advance(1.0, 1.0);
                Ok(set)
            })?;
            progress.finish();
            Ok(sets)
        })?;
        Ok(Self {
            journal: Journal::open(&out.path().join("journal"))?,
            targets: Targets::jaspar2016()?,
            device: selected.device,
            device_name: selected.name,
            interrupt: interrupt.clone(),
            bank: config.bank,
            settings,
            sets,
            threads,
            out,
        })
    }

    /// Names the sets that the scan with the own motif leaves out.
    ///
    /// # Errors
    /// [`Error::Setting`] where nothing else was asked for, so that nothing is left.
    fn say_what_is_left_out(&self, jobs: &[Job]) -> Result<()> {
        let model = ModelKind::ScanOwn;
        if jobs.is_empty() {
            return Err(Error::Setting {
                flag: "--models",
                found: model.to_string(),
                wanted: "sets whose factor has a motif of its own in JASPAR 2016, or other models too"
                    .to_owned(),
            });
        }
        for (place, set) in self.sets.iter().enumerate() {
            let runs = jobs.iter().any(|job| job.set == place && job.model == model);
            if self.settings.models.contains(&model) && !runs {
                let (name, tf) = (set.data.name(), set.data.tf());
                eprintln!("{name}: JASPAR 2016 has no motif of its own for {tf}; {model} is left out there");
            }
        }
        Ok(())
    }

    /// The output folder.
    pub(crate) fn folder(&self) -> &Path {
        self.out.path()
    }

    fn evaluate(&self, jobs: &[Job], trained: &[TrainOutcome]) -> Result<Vec<EvaluateOutcome>> {
        let seed = Seed::new(self.settings.seed);
        let pieces: Vec<(&Job, &TrainOutcome)> = jobs.iter().zip(trained).collect();
        let id =
            |(job, train): &(&Job, &TrainOutcome)| identity(&("evaluate 2", &job.id, &train.weights_sha256));
        self.stage("evaluate", &pieces, id, |(job, train)| {
            let set = &self.sets[job.set].data;
            let parts = divide(job, set, self.settings.folds, seed)?;
            let mut scorer = match &job.recipe {
                Recipe::Network { .. } => Scorer::Network(Box::new(self.predictor(job, train)?)),
                Recipe::Baseline { .. } => {
                    let folder = self.folder().join(&job.folder);
                    Scorer::Baseline(Fitted::load(&folder, &train.weights_sha256)?)
                }
            };
            evaluate(&mut scorer, set, &parts, seed)
        })
    }

    fn explain(
        &self,
        primary: &[Job],
        jobs: &[Job],
        trained: &[TrainOutcome],
    ) -> Result<Vec<ExplainOutcome>> {
        let config = ExplainConfig::default();
        let pieces = with_training(primary, jobs, trained);
        let id = |(job, train): &(&Job, &TrainOutcome)| {
            identity(&("explain 3", &job.id, &train.weights_sha256, &config))
        };
        self.stage("explain", &pieces, id, |(job, train)| {
            explain(&mut self.predictor(job, train)?, &self.sets[job.set].data, &config, job.seed)
        })
    }

    fn compare(
        &self,
        primary: &[(&Job, &TrainOutcome)],
        explained: &[ExplainOutcome],
    ) -> Result<Vec<ExplainedModel>> {
        let jobs = primary.iter().map(|&(job, _)| job);
        let pieces: Vec<(&Job, &ExplainOutcome)> = jobs.zip(explained).collect();
        let id = |(job, explain): &(&Job, &ExplainOutcome)| {
            identity(&("match 3", &job.id, &explain.queries, self.targets.checksum()))
        };
        let matches = self.stage("match", &pieces, id, |(job, explain)| {
            let set = &self.sets[job.set];
            let tf = set.data.tf();
            let factors = Factors::new(&self.targets, tf, set.grammar.as_ref());
            let outcome = |source| (source, compare(&self.targets, (tf, &factors), explain, source));
            let outcomes: Vec<(QuerySource, MatchOutcome)> =
                QuerySource::ALL.into_iter().map(outcome).collect();
            Ok(outcomes)
        })?;
        let model = |((job, train), (explain, matches)): (&(&Job, &TrainOutcome), (&ExplainOutcome, _))| {
            let converged = train.counts();
            ExplainedModel { job: (*job).clone(), converged, explain: explain.clone(), matches }
        };
        Ok(primary.iter().zip(explained.iter().zip(matches)).map(model).collect())
    }

    fn report(
        &self,
        jobs: &[FinishedJob],
        models: &[ExplainedModel],
        (truth, recovered): (&[SetTruths], &[(Job, RecoverOutcome)]),
        curve: Option<&LearningCurve>,
        config: &RunConfig,
    ) -> Result<PathBuf> {
        let progress = Progress::alike("report", 1);
        let judged = ensembles::judge(self, jobs)?;
        let summary = tables::Comparison::new(self, jobs, &judged)?;
        let counts = motif_counts::motif_counts(self, models);
        let truths = tables::TruthSummary::new(self, truth)?;
        self.out.write_tables(|folder| {
            tables::results(self, jobs)?.write_tsv(&folder.join("results.tsv"))?;
            tables::motifs(self, models)?.write_tsv(&folder.join("motifs.tsv"))?;
            tables::motif_counts(self, &counts)?.write_tsv(&folder.join("motif_counts.tsv"))?;
            tables::summary(&summary)?.write_tsv(&folder.join("summary.tsv"))?;
            tables::delong(self, jobs)?.write_tsv(&folder.join("delong.tsv"))?;
            self.write_ensembles(folder, jobs, &judged)?;
            if let Some(curve) = curve {
                curve.networks(self)?.write_tsv(&folder.join("learning_curve.tsv"))?;
                curve.summary(self)?.write_tsv(&folder.join("learning_curve_summary.tsv"))?;
            }
            if !truth.is_empty() {
                tables::truth(self, truth)?.write_tsv(&folder.join("truth.tsv"))?;
                tables::recovery(self, recovered)?.write_tsv(&folder.join("recovery.tsv"))?;
                tables::decoys(self, jobs)?.write_tsv(&folder.join("decoys.tsv"))?;
                truths.table(self)?.write_tsv(&folder.join("truth_summary.tsv"))?;
            }
            let report = folder.join("report");
            let overview = (&summary, &truths, counts.as_slice(), curve);
            page::write(self, &report, (jobs, &judged), models, overview, config)?;
            for (name, text) in tables::latex_explanations(self, (jobs, recovered), (&truths, &counts))? {
                write_atomically(&report.join(format!("{name}.tex")), text.as_bytes())?;
            }
            Ok(())
        })?;
        progress.advance(1.0, 1.0);
        progress.finish();
        Ok(self.folder().join("report/index.html"))
    }

    /// Tables of ensembles, and what each of their members says of each test sequence.
    fn write_ensembles(&self, folder: &Path, jobs: &[FinishedJob], judged: &[Judged]) -> Result<()> {
        tables::ensembles(self, judged)?.write_tsv(&folder.join("ensembles.tsv"))?;
        tables::ensemble_delong(self, judged)?.write_tsv(&folder.join("ensemble_delong.tsv"))?;
        for (place, set) in self.sets.iter().enumerate() {
            let name = format!("{}.tsv", path_component(set.data.name()));
            let table = tables::predictions(self, place, jobs, judged)?;
            table.write_tsv(&folder.join("predictions").join(name))?;
        }
        Ok(())
    }

    /// The outcomes of all pieces of a stage: those in the journal, and the rest worked out now, the
    /// costliest first.
    pub(crate) fn stage<T, R>(
        &self,
        stage: &'static str,
        pieces: &[T],
        id: impl Fn(&T) -> String + Sync,
        work: impl Fn(&T) -> Result<R> + Sync,
    ) -> Result<Vec<R>>
    where
        R: Serialize + serde::de::DeserializeOwned + Send,
        T: Cost + Sync,
    {
        let mut outcomes: Vec<Option<R>> =
            pieces.iter().map(|piece| self.journal.read(stage, &id(piece))).collect::<Result<_>>()?;
        let mut pending: Vec<usize> = (0..pieces.len()).filter(|&place| outcomes[place].is_none()).collect();
        pending.sort_by_key(|&place| std::cmp::Reverse(pieces[place].cost()));
        let progress =
            Progress::start(stage, pieces.iter().map(Cost::cost).zip(outcomes.iter().map(Option::is_some)));
        let fresh = workers::for_each(self.threads, &pending, |&place| {
            self.interrupt.check()?;
            let outcome = self.journal.write(stage, &id(&pieces[place]), &work(&pieces[place])?)?;
            progress.advance(1.0, pieces[place].cost() as f64);
            Ok(outcome)
        })?;
        for (place, outcome) in pending.into_iter().zip(fresh) {
            outcomes[place] = Some(outcome);
        }
        progress.finish();
        // All are there: what was pending has been filled in or an error has ended the stage.
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// The network of a job as it was trained in this run.
    pub(crate) fn predictor(&self, job: &Job, train: &TrainOutcome) -> Result<Predictor> {
        let folder = self.folder().join(&job.folder);
        let weights = folder.join("model.safetensors");
        let bytes = std::fs::read(&weights).map_err(Error::io(&weights))?;
        let found = demo_data::sha256(&bytes);
        if found != train.weights_sha256 {
            return Err(Error::Journal {
                path: weights,
                found: format!("found weights of another training (sha256 {found})"),
                wanted: format!("those of this run (sha256 {})", train.weights_sha256),
            });
        }
        Ok(TrainedModel::load(&folder, &self.device)?.predictor(&self.device)?)
    }
}

/// What a piece of work costs beside others of its stage.
pub(crate) trait Cost {
    fn cost(&self) -> u64;
}

impl Cost for Job {
    fn cost(&self) -> u64 {
        self.cost
    }
}

impl<T> Cost for (&Job, &T) {
    fn cost(&self) -> u64 {
        self.0.cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Protocol;
    use crate::models::ModelKind;
    use crate::ranks::RankUse;
    use demo_models::{TrainingConfig, TrainingSummary};

    fn job(set: usize, model: ModelKind, seed_number: usize) -> Job {
        let architecture = model.name().parse().unwrap();
        let training = Box::new(TrainingConfig::as_published());
        Job {
            set,
            model,
            protocol: Protocol::Honest,
            fold: 0,
            seed_number,
            size: None,
            seed: Seed::new(1),
            recipe: Recipe::Network { architecture, training, ranks: RankUse::default() },
            id: format!("{set} {model} {seed_number}"),
            folder: PathBuf::new(),
            cost: 1,
            length: 40,
            examples: 10,
        }
    }

    fn outcome(converged: bool) -> TrainOutcome {
        let summary = TrainingSummary {
            steps: 1,
            epochs: 1,
            training_sequences: 8,
            validation_sequences: 2,
            converged: Some(converged),
            ending: None,
            best: None,
            history: Vec::new(),
        };
        TrainOutcome { summary, weights_sha256: String::new(), seconds: 0.0 }
    }

    #[test]
    fn the_first_network_that_converged_is_explained_or_the_first() {
        let (cnn, rnn) = (ModelKind::Cnn, ModelKind::Rnn);
        let of = [(0, cnn, 1, false), (0, cnn, 2, true), (0, cnn, 3, true), (0, rnn, 1, false)];
        let others = [(0, rnn, 2, false), (1, cnn, 1, true), (1, cnn, 2, false)];
        let all = || of.into_iter().chain(others);
        let mut jobs: Vec<Job> = all().map(|(set, model, seed, _)| job(set, model, seed)).collect();
        let mut trained: Vec<TrainOutcome> = all().map(|(.., converged)| outcome(converged)).collect();
        // Of a protocol that asks for no convergence; it takes nobody's place.
        jobs.push(Job { protocol: Protocol::AsPublished, id: "published".to_owned(), ..job(0, rnn, 1) });
        trained.push(outcome(true));
        let primary: Vec<String> = primary_jobs(&jobs, &trained).into_iter().map(|job| job.id).collect();
        assert_eq!(primary, ["0 cnn 2", "0 rnn 1", "1 cnn 1"]);
    }
}
