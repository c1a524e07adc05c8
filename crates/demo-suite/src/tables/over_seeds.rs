//! Ensembles over all sets, and what each seed alone says of the models.

use demo_eval::{Bootstrap, Comparison as PairComparison, ModelSummary, Origin, ResultTable, Row};

use super::comparison::{DEEPBIND, published_rows, row};
use super::ensembles::pairs;
use crate::Result;
use crate::config::Protocol;
use crate::ensembles::{Contestant, Judged, pooled};
use crate::models::ModelKind;
use crate::run::{FinishedJob, Run};

/// The ensembles of a run under one protocol, over its sets.
pub(crate) struct EnsembleComparison {
    /// Ensembles with a network that counts, and how many networks are left out of them.
    pub(crate) ensembles: Vec<(Contestant, ModelSummary, usize)>,
    /// Every ensemble against every single model, the mean over its networks, and every other ensemble.
    pub(crate) pairs: Vec<PairComparison>,
    /// Each ensemble against the published figure of each real set; none on simulated sets.
    pub(crate) against_published: Vec<PairComparison>,
}

impl EnsembleComparison {
    /// Summarises and tests what was judged; sets of one factor are averaged.
    pub(crate) fn new(
        run: &Run,
        judged: &[Judged],
        protocol: Protocol,
        (origin, bootstrap): (Origin, &Bootstrap),
    ) -> Result<Self> {
        let under: Vec<&Judged> =
            judged.iter().filter(|one| one.protocol == protocol && one.is_whole()).collect();
        let mut contestants: Vec<Contestant> = under.iter().map(|one| one.contestant).collect();
        contestants.sort_unstable();
        contestants.dedup();
        let mut rows: Vec<Row> = under.iter().map(|one| whole(run, one)).collect();
        let table = ResultTable::new(&rows, origin)?;
        let mut ensembles = Vec::new();
        for &contestant in contestants.iter().filter(|contestant| contestant.is_ensemble()) {
            let of = under.iter().filter(|one| one.contestant == contestant);
            let left_out = of.map(|one| one.not_converged).sum();
            ensembles.push((contestant, table.summary(&contestant.name(), bootstrap)?, left_out));
        }
        let names: Vec<String> = contestants.iter().map(|contestant| contestant.name()).collect();
        let met: Vec<(&str, &str)> =
            pairs(&contestants).into_iter().map(|(a, b)| (names[a].as_str(), names[b].as_str())).collect();
        let published = published_rows(run);
        let against_published = if origin == Origin::Real && !published.is_empty() {
            rows.extend(published);
            let named = ensembles.iter().map(|(_, summary, _)| (summary.model.as_str(), DEEPBIND));
            ResultTable::new(&rows, origin)?.compare(&named.collect::<Vec<_>>(), bootstrap)?
        } else {
            Vec::new()
        };
        Ok(Self { pairs: table.compare(&met, bootstrap)?, ensembles, against_published })
    }
}

/// A contestant's figure on a whole set.
fn whole(run: &Run, judged: &Judged) -> Row {
    let data = &run.sets[judged.set].data;
    Row {
        set: data.name().to_owned(),
        tf: data.tf().to_owned(),
        model: judged.contestant.name(),
        fold: None,
        seed: run.settings.seed,
        value: judged.auroc.value(),
    }
}

/// A model over all sets by the networks of one seed.
pub(crate) struct SeedSummary {
    pub(crate) model: ModelKind,
    /// Number of the seed, from 1 on.
    pub(crate) seed_number: usize,
    pub(crate) summary: ModelSummary,
    /// Networks that are left out.
    pub(crate) not_converged: usize,
}

/// What each seed says, model by model, of jobs under one protocol; nothing of a run with one seed.
pub(super) fn by_seed(
    run: &Run,
    under: &[&FinishedJob],
    (origin, bootstrap): (Origin, &Bootstrap),
) -> Result<Vec<SeedSummary>> {
    let mut summaries = Vec::new();
    if run.settings.seeds < 2 {
        return Ok(summaries);
    }
    for &model in run.settings.models.iter().filter(|model| model.is_network()) {
        for seed_number in 1..=run.settings.seeds {
            let of_seed = |finished: &&&FinishedJob| {
                (finished.job.model, finished.job.seed_number) == (model, seed_number)
            };
            let (counted, left): (Vec<&FinishedJob>, Vec<&FinishedJob>) =
                under.iter().filter(of_seed).copied().partition(|finished| finished.train.counts());
            if counted.is_empty() {
                continue;
            }
            let rows: Vec<Row> = counted.iter().map(|finished| row(run, finished)).collect();
            let summary = ResultTable::new(&rows, origin)?.summary(model.name(), bootstrap)?;
            summaries.push(SeedSummary { model, seed_number, summary, not_converged: left.len() });
        }
    }
    Ok(summaries)
}

/// Standard deviation of a model's AUROC between the seeds of one set and fold, pooled over all of them.
pub(super) fn seed_sd(under: &[&FinishedJob], model: ModelKind) -> Option<f64> {
    let mut counted: Vec<&FinishedJob> = under
        .iter()
        .copied()
        .filter(|finished| finished.job.model == model && finished.train.counts())
        .collect();
    let place = |finished: &FinishedJob| (finished.job.set, finished.job.fold);
    counted.sort_by_key(|finished| (place(finished), finished.job.seed_number));
    let aurocs = |fold: &[&FinishedJob]| fold.iter().map(|finished| finished.evaluate.auroc).collect();
    let groups: Vec<Vec<f64>> = counted.chunk_by(|a, b| place(a) == place(b)).map(aurocs).collect();
    pooled(&groups)
}
