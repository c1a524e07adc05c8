//! What the networks of a run come to together: each model as the mean over its networks and as their
//! ensemble, and the ensemble of the published architectures.
//!
//! The networks of one set, model and protocol differ in fold and seed. The *single* model is the mean of
//! their figures, over seeds within a fold, then over folds: what to expect of one network. The *ensemble*
//! is one judge, the mean of their probabilities ([`demo_eval::ensemble_log_odds`]), in which each network
//! weighs the same. The ensemble of all is the mean over the published architectures' ensembles, in which
//! each architecture weighs the same, however many of its networks there are. Networks that did not converge
//! take no part, which is known without the test half.

use demo_eval::{Interval, IntervalScale, MeanAuroc, Predictions, ScoredLabels, ensemble_log_odds};

use crate::Result;
use crate::config::Protocol;
use crate::models::ModelKind;
use crate::run::{FinishedJob, Run};
use crate::stages::evaluate::LEVEL;
use crate::tables::CALIBRATION;

/// Who is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contestant {
    /// A model as the mean over its networks.
    Single(ModelKind),
    /// The ensemble of a model's networks.
    Ensemble(ModelKind),
    /// The ensemble of the published architectures.
    All,
}

impl Contestant {
    /// The name in tables.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Single(model) => model.name().to_owned(),
            Self::Ensemble(model) => format!("ensemble-{model}"),
            Self::All => "ensemble-all".to_owned(),
        }
    }

    /// The name on a page.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Single(model) => model.title().to_owned(),
            Self::Ensemble(model) => format!("{}, ensemble", model.title()),
            Self::All => "ensemble of all".to_owned(),
        }
    }

    /// Whether it is an ensemble.
    pub(crate) fn is_ensemble(self) -> bool {
        !matches!(self, Self::Single(_))
    }
}

/// A contestant on the test half of one set.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) set: usize,
    pub(crate) protocol: Protocol,
    pub(crate) contestant: Contestant,
    /// The one fold it is made of; none where it is made of all.
    pub(crate) fold: Option<usize>,
    /// The one seed it is made of; none where it is made of all.
    pub(crate) seed_number: Option<usize>,
    /// The converged networks it is made of.
    pub(crate) networks: usize,
    /// The networks that are left out.
    pub(crate) not_converged: usize,
    /// Its AUROC, or the mean of its networks'.
    pub(crate) auroc: MeanAuroc,
    /// 95 % by `DeLong`; none for a perfect separation.
    pub(crate) delong: Option<Interval>,
    /// AUROC of each of its networks, in the order of the jobs.
    pub(crate) points: Vec<f64>,
    /// Standard deviation of AUROC between seeds of one fold, pooled over folds.
    pub(crate) seed_sd: Option<f64>,
    /// An ensemble's log-odds of each test sequence, in file order.
    pub(crate) log_odds: Option<Vec<f64>>,
    pub(crate) figures: Figures,
}

impl Judged {
    /// Whether it is made of all networks there are.
    pub(crate) fn is_whole(&self) -> bool {
        self.fold.is_none() && self.seed_number.is_none()
    }
}

/// What is measured beside AUROC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) auprc: Option<f64>,
    pub(crate) accuracy: Option<f64>,
    pub(crate) mcc: Option<f64>,
    pub(crate) log_loss: Option<f64>,
    pub(crate) brier: Option<f64>,
    pub(crate) expected_error: Option<f64>,
}

/// Judges every model and ensemble of a run, by set and protocol; within them the models, then the
/// ensembles.
pub(crate) fn judge(run: &Run, jobs: &[FinishedJob]) -> Result<Vec<Judged>> {
    let mut judged = Vec::new();
    for (set, loaded) in run.sets.iter().enumerate() {
        let labels: Vec<bool> = loaded.data.test().iter().map(|example| example.bound).collect();
        for &protocol in &run.settings.protocols {
            let panel = Panel { run, set, protocol, labels: &labels };
            let of = |finished: &&FinishedJob| (finished.job.set, finished.job.protocol) == (set, protocol);
            let jobs: Vec<&FinishedJob> = jobs.iter().filter(of).collect();
            judged.extend(panel.judge(&jobs)?);
        }
    }
    Ok(judged)
}

/// The test half of one set, under one protocol.
struct Panel<'a> {
    run: &'a Run,
    set: usize,
    protocol: Protocol,
    labels: &'a [bool],
}

impl Panel<'_> {
    fn judge(&self, jobs: &[&FinishedJob]) -> Result<Vec<Judged>> {
        let (mut singles, mut ensembles, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for &model in &self.run.settings.models {
            let of_model: Vec<&FinishedJob> = jobs.iter().copied().filter(|f| f.job.model == model).collect();
            singles.extend(self.single(model, &of_model)?);
            if model.is_network() {
                ensembles.extend(self.ensemble(model, &of_model, (None, None))?);
                parts.extend(self.parts(model, &of_model)?);
            }
        }
        let all = self.all(&singles, &ensembles, jobs)?;
        Ok(singles.into_iter().chain(ensembles).chain(all).chain(parts).collect())
    }

    /// The mean over a model's networks; none where none counts.
    fn single(&self, model: ModelKind, jobs: &[&FinishedJob]) -> Result<Option<Judged>> {
        let folds = by_fold(jobs);
        if folds.is_empty() {
            return Ok(None);
        }
        let mut means = Vec::with_capacity(folds.len());
        for fold in &folds {
            let rankings = fold.iter().map(|f| self.ranking(f)).collect::<Result<Vec<_>>>()?;
            means.push(MeanAuroc::new(&rankings.iter().collect::<Vec<_>>())?);
        }
        let counted = || folds.iter().flatten();
        let mut errors = Vec::new();
        for finished in counted() {
            let predictions = Predictions::from_log_odds(self.labels, &log_odds(finished))?;
            errors.push((finished.job.fold, Some(predictions.reliability(CALIBRATION)?.expected_error)));
        }
        let mean = |get: fn(&FinishedJob) -> Option<f64>| {
            nested(counted().map(|finished| (finished.job.fold, get(finished))))
        };
        let figures = Figures {
            auprc: mean(|f| Some(f.evaluate.auprc)),
            accuracy: mean(|f| Some(f.evaluate.accuracy)),
            mcc: mean(|f| f.evaluate.mcc),
            log_loss: mean(|f| Some(f.evaluate.log_loss)),
            brier: mean(|f| Some(f.evaluate.brier)),
            expected_error: nested(errors.into_iter()),
        };
        let auroc = MeanAuroc::over(&means)?;
        Ok(Some(Judged {
            set: self.set,
            protocol: self.protocol,
            contestant: Contestant::Single(model),
            fold: None,
            seed_number: None,
            networks: counted().count(),
            not_converged: jobs.len() - counted().count(),
            delong: auroc.delong_interval(LEVEL, IntervalScale::Logit)?,
            auroc,
            points: counted().map(|finished| finished.evaluate.auroc).collect(),
            seed_sd: pooled_sd(&folds),
            log_odds: None,
            figures,
        }))
    }

    /// The ensemble of those of a model's networks that count; none for fewer than two.
    fn ensemble(
        &self,
        model: ModelKind,
        jobs: &[&FinishedJob],
        (fold, seed_number): (Option<usize>, Option<usize>),
    ) -> Result<Option<Judged>> {
        let members: Vec<&FinishedJob> = jobs.iter().copied().filter(|f| f.train.counts()).collect();
        if members.len() < 2 {
            return Ok(None);
        }
        let scores: Vec<Vec<f64>> = members.iter().map(|finished| log_odds(finished)).collect();
        let points = members.iter().map(|finished| finished.evaluate.auroc).collect();
        let not_converged = jobs.len() - members.len();
        let judged = self.pooled(Contestant::Ensemble(model), &scores, points, not_converged)?;
        Ok(Some(Judged { fold, seed_number, ..judged }))
    }

    /// Where a model has several folds and several seeds: the seeds of each fold, and the folds of each seed.
    fn parts(&self, model: ModelKind, jobs: &[&FinishedJob]) -> Result<Vec<Judged>> {
        let (folds, seeds) = (self.run.settings.folds, self.run.settings.seeds);
        let mut parts = Vec::new();
        if folds < 2 || seeds < 2 {
            return Ok(parts);
        }
        let some = |wanted: &dyn Fn(&FinishedJob) -> bool| -> Vec<&FinishedJob> {
            jobs.iter().copied().filter(|finished| wanted(finished)).collect()
        };
        for fold in 1..=folds {
            let of_fold = some(&|finished| finished.job.fold == fold);
            parts.extend(self.ensemble(model, &of_fold, (Some(fold), None))?);
        }
        for seed in 1..=seeds {
            let of_seed = some(&|finished| finished.job.seed_number == seed);
            parts.extend(self.ensemble(model, &of_seed, (None, Some(seed)))?);
        }
        Ok(parts)
    }

    /// The ensemble of the published architectures; none for fewer than two with a network that counts.
    fn all(&self, singles: &[Judged], ensembles: &[Judged], jobs: &[&FinishedJob]) -> Result<Option<Judged>> {
        let (mut scores, mut points, mut not_converged) = (Vec::new(), Vec::new(), 0);
        for model in ModelKind::NETWORKS {
            let of_model = || jobs.iter().filter(|finished| finished.job.model == model);
            not_converged += of_model().filter(|finished| !finished.train.counts()).count();
            if let Some(single) = singles.iter().find(|j| j.contestant == Contestant::Single(model)) {
                points.extend(&single.points);
            }
            let ensemble = ensembles.iter().find(|j| j.contestant == Contestant::Ensemble(model));
            let alone = || of_model().find(|finished| finished.train.counts());
            scores.extend(match ensemble {
                Some(ensemble) => ensemble.log_odds.clone(),
                None => alone().map(|finished| log_odds(finished)),
            });
        }
        if scores.len() < 2 {
            return Ok(None);
        }
        Ok(Some(self.pooled(Contestant::All, &scores, points, not_converged)?))
    }

    /// One judge of several members' log-odds, made of networks with these AUROCs.
    fn pooled(
        &self,
        contestant: Contestant,
        members: &[Vec<f64>],
        points: Vec<f64>,
        not_converged: usize,
    ) -> Result<Judged> {
        let members: Vec<&[f64]> = members.iter().map(Vec::as_slice).collect();
        let log_odds = ensemble_log_odds(&members)?;
        let predictions = Predictions::from_log_odds(self.labels, &log_odds)?;
        let expected_error = predictions.reliability(CALIBRATION)?.expected_error;
        let metrics = predictions.metrics();
        let auroc = MeanAuroc::new(&[predictions.ranking()])?;
        Ok(Judged {
            set: self.set,
            protocol: self.protocol,
            contestant,
            fold: None,
            seed_number: None,
            networks: points.len(),
            not_converged,
            delong: auroc.delong_interval(LEVEL, IntervalScale::Logit)?,
            auroc,
            points,
            seed_sd: None,
            log_odds: Some(log_odds),
            figures: Figures {
                auprc: Some(metrics.auprc),
                accuracy: Some(metrics.accuracy),
                mcc: metrics.mcc,
                log_loss: Some(metrics.log_loss),
                brier: Some(metrics.brier),
                expected_error: Some(expected_error),
            },
        })
    }

    fn ranking(&self, finished: &FinishedJob) -> Result<ScoredLabels> {
        Ok(ScoredLabels::new(self.labels, &log_odds(finished))?)
    }
}

/// A network's log-odds of the test half.
pub(crate) fn log_odds(finished: &FinishedJob) -> Vec<f64> {
    finished.evaluate.scores.iter().map(|&score| f64::from(score)).collect()
}

/// The networks that count, fold by fold; no fold without any.
fn by_fold<'a>(jobs: &[&'a FinishedJob]) -> Vec<Vec<&'a FinishedJob>> {
    let mut counted: Vec<&FinishedJob> = jobs.iter().copied().filter(|f| f.train.counts()).collect();
    counted.sort_by_key(|finished| (finished.job.fold, finished.job.seed_number));
    counted.chunk_by(|a, b| a.job.fold == b.job.fold).map(<[_]>::to_vec).collect()
}

/// The mean over folds of means over what each fold has; folds come in order.
fn nested(values: impl Iterator<Item = (usize, Option<f64>)>) -> Option<f64> {
    let values: Vec<(usize, f64)> = values.filter_map(|(fold, value)| Some((fold, value?))).collect();
    let means: Vec<f64> = values
        .chunk_by(|a, b| a.0 == b.0)
        .map(|fold| fold.iter().map(|(_, value)| value).sum::<f64>() / fold.len() as f64)
        .collect();
    (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
}

/// The standard deviation of AUROC within a fold, from all folds that have several networks.
fn pooled_sd(folds: &[Vec<&FinishedJob>]) -> Option<f64> {
    let aurocs = |fold: &Vec<&FinishedJob>| fold.iter().map(|finished| finished.evaluate.auroc).collect();
    pooled(&folds.iter().map(aurocs).collect::<Vec<Vec<f64>>>())
}

/// The standard deviation within groups; none where no group has two values.
pub(crate) fn pooled(groups: &[Vec<f64>]) -> Option<f64> {
    let (mut squares, mut freedom) = (0.0, 0);
    for group in groups {
        let mean = group.iter().sum::<f64>() / group.len() as f64;
        squares += group.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        freedom += group.len().saturating_sub(1);
    }
    (freedom > 0).then(|| (squares / freedom as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    // NumPy 2.4.6: np.sqrt((2 * np.var([.8, .9, .7], ddof=1) + np.var([.5, .6], ddof=1)) / 3)
    #[test]
    fn deviations_are_pooled_by_their_degrees_of_freedom() {
        let found = pooled(&[vec![0.8, 0.9, 0.7], vec![0.5, 0.6], vec![0.95]]).unwrap();
        assert!((found - 0.091_287_092_917_527_7).abs() < 1e-12, "{found}");
        assert_eq!(pooled(&[vec![0.8], vec![]]), None);
    }

    #[test]
    fn seeds_are_averaged_before_folds() {
        let values = [(1, Some(0.8)), (1, Some(0.9)), (1, None), (2, Some(0.5)), (3, None)];
        let mean = nested(values.into_iter()).unwrap();
        assert!((mean - f64::midpoint(0.85, 0.5)).abs() < 1e-12);
        assert_eq!(nested([(1, None)].into_iter()), None);
    }

    #[test]
    fn names_tell_ensembles_from_models() {
        let contestants = [
            Contestant::Single(ModelKind::Cnn),
            Contestant::Ensemble(ModelKind::Cnn),
            Contestant::Ensemble(ModelKind::CnnRnn),
            Contestant::All,
        ];
        assert_eq!(
            contestants.map(Contestant::name),
            ["cnn", "ensemble-cnn", "ensemble-cnn-rnn", "ensemble-all"]
        );
        assert_eq!(contestants.map(Contestant::is_ensemble), [false, true, true, true]);
    }
}
