//! `learning_curve.tsv`, `learning_curve_summary.tsv` and their plot: AUROC by the number of training
//! sequences.
//!
//! Networks that did not converge are counted and left out of means. Seeds are averaged within a set; the
//! interval of a mean over sets is a bootstrap over factors.

use demo_core::Seed;
use demo_data::Source;
use demo_eval::{Bootstrap, ModelSummary, Origin, ResultTable, Summary};
use demo_report::{Across, Cell, Column, Format, LearningCurves, LearningSeries, ORACLE, Table};

use super::comparison::{REPLICATES, estimate, row};
use super::over_seeds::seed_sd;
use crate::Result;
use crate::config::Protocol;
use crate::models::ModelKind;
use crate::run::{FinishedJob, Run};
use crate::sizes::Sizes;
use crate::stages::evaluate::LEVEL;

/// Learning curves of a run.
pub(crate) struct LearningCurve<'a> {
    /// Size and network, by set, then model, protocol, size and seed.
    networks: Vec<(usize, &'a FinishedJob)>,
    points: Vec<Point>,
    /// Mean over the sets of the oracle's AUROC, on simulated sets.
    oracle: Option<f64>,
    sizes: Vec<usize>,
    sets: usize,
}

/// A model over sets at one size.
struct Point {
    model: ModelKind,
    protocol: Protocol,
    size: usize,
    networks: usize,
    not_converged: usize,
    /// None where no network converged.
    summary: Option<ModelSummary>,
    seed_sd: Option<f64>,
}

impl<'a> LearningCurve<'a> {
    /// Gathers the networks of every size: of whole training halves from the first `count` jobs, of parts from
    /// the rest.
    pub(crate) fn new(run: &Run, sizes: &Sizes, jobs: &'a [FinishedJob], count: usize) -> Result<Self> {
        let mut networks: Vec<(usize, &FinishedJob)> = Vec::new();
        for (place, finished) in jobs.iter().enumerate() {
            let half = run.sets[finished.job.set].data.train().len();
            let size = finished.job.size.unwrap_or(half);
            let whole = place < count;
            if sizes.sets().contains(&finished.job.set) && (!whole || sizes.all().contains(&size)) {
                networks.push((size, finished));
            }
        }
        networks.sort_by_key(|(size, FinishedJob { job, .. })| {
            (job.set, job.model, job.protocol, *size, job.seed_number)
        });
        let ceilings = sizes.sets().iter().map(|&set| Some(run.sets[set].ceiling.as_ref()?.auroc));
        let ceilings: Option<Vec<f64>> = ceilings.collect();
        let oracle = ceilings.map(|aurocs| Summary::new(&aurocs)).transpose()?.map(|summary| summary.mean);
        let points = points(run, sizes, &networks)?;
        Ok(Self { networks, points, oracle, sizes: sizes.all().to_vec(), sets: sizes.sets().len() })
    }

    /// One row a network.
    pub(crate) fn networks(&self, run: &Run) -> Result<Table> {
        let text = |name| Column::new(name, Format::Text);
        let integer = |name| Column::new(name, Format::Integer);
        let fixed = |name| Column::new(name, Format::Fixed(6));
        let mut table = Table::new(vec![
            text("set"),
            text("tf"),
            text("data"),
            text("model"),
            text("protocol"),
            integer("train_size"),
            integer("train_sequences"),
            integer("validation_sequences"),
            integer("seed_number"),
            Column::new("auroc", Format::Estimate(6)),
            fixed("delong_low"),
            fixed("delong_high"),
            fixed("auprc"),
            fixed("log_loss"),
            integer("steps"),
            text("converged"),
            fixed("oracle_auroc"),
        ]);
        for (size, FinishedJob { job, train, evaluate, .. }) in &self.networks {
            let set = &run.sets[job.set];
            table.push(vec![
                set.data.name().into(),
                set.data.tf().into(),
                set.data.source().to_string().into(),
                job.model.name().into(),
                job.protocol.name().into(),
                (*size).into(),
                train.summary.training_sequences.into(),
                train.summary.validation_sequences.into(),
                job.seed_number.into(),
                Cell::Estimate(evaluate.auroc, evaluate.bootstrap.low, evaluate.bootstrap.high),
                evaluate.delong.map(|interval| interval.low).into(),
                evaluate.delong.map(|interval| interval.high).into(),
                evaluate.auprc.into(),
                evaluate.log_loss.into(),
                train.summary.steps.into(),
                train.converged_name().into(),
                set.ceiling.as_ref().map(|ceiling| ceiling.auroc).into(),
            ])?;
        }
        Ok(table)
    }

    /// One row a model, protocol and size.
    pub(crate) fn summary(&self, run: &Run) -> Result<Table> {
        let text = |name| Column::new(name, Format::Text);
        let integer = |name| Column::new(name, Format::Integer);
        let fixed = |name| Column::new(name, Format::Fixed(6));
        let mut table = Table::new(vec![
            text("data"),
            text("model"),
            text("protocol"),
            integer("train_size"),
            integer("sets"),
            integer("tfs"),
            integer("networks"),
            integer("not_converged"),
            Column::new("mean", Format::Estimate(6)),
            fixed("median"),
            fixed("sd"),
            fixed("seed_sd"),
            fixed("oracle_auroc"),
        ]);
        for point in &self.points {
            let over = point.summary.as_ref().map(|summary| summary.over_sets);
            let interval = point.summary.as_ref().and_then(|summary| summary.interval);
            table.push(vec![
                source(run).to_string().into(),
                point.model.name().into(),
                point.protocol.name().into(),
                point.size.into(),
                over.map_or(0, |over| over.count).into(),
                point.summary.as_ref().map_or(0, |summary| summary.tfs).into(),
                point.networks.into(),
                point.not_converged.into(),
                over.map_or(Cell::Missing, |over| estimate(over.mean, interval)),
                over.map(|over| over.median).into(),
                over.and_then(|over| over.sd).into(),
                point.seed_sd.into(),
                self.oracle.into(),
            ])?;
        }
        Ok(table)
    }

    /// A plot for each protocol that has a point, with the oracle's ceiling on simulated sets.
    pub(crate) fn plots(&self, run: &Run) -> Vec<(Protocol, LearningCurves)> {
        let plot = |protocol: Protocol| LearningCurves {
            title: format!(
                "AUROC by training sequences, {} {} sets, {protocol} protocol",
                self.sets,
                source(run)
            ),
            across: "training sequences, validation split among them".to_owned(),
            kind: Across::Sizes,
            up: "AUROC, mean over sets".to_owned(),
            series: self.series(run, protocol),
        };
        let protocols = run.settings.protocols.iter().map(|&protocol| (protocol, plot(protocol)));
        protocols.filter(|(_, plot)| !plot.series.is_empty()).collect()
    }

    fn series(&self, run: &Run, protocol: Protocol) -> Vec<LearningSeries> {
        let mut all = Vec::new();
        for &model in &run.settings.models {
            let of = |point: &&Point| (point.model, point.protocol) == (model, protocol);
            let measured = self.points.iter().filter(of).filter_map(|point| {
                let summary = point.summary.as_ref()?;
                Some((point.size as f64, summary.over_sets.mean, summary.interval))
            });
            let measured: Vec<_> = measured.collect();
            if measured.is_empty() {
                continue;
            }
            let bounds = |&(size, _, interval): &(f64, f64, Option<demo_eval::Interval>)| {
                interval.map(|interval| (size, interval.low, interval.high))
            };
            all.push(LearningSeries {
                name: model.title().to_owned(),
                points: measured.iter().map(|&(size, mean, _)| (size, mean)).collect(),
                chosen: None,
                band: measured.iter().filter_map(bounds).collect(),
            });
        }
        if let Some(oracle) = self.oracle.filter(|_| !all.is_empty()) {
            let points = self.sizes.iter().map(|&size| (size as f64, oracle)).collect();
            all.push(LearningSeries { name: ORACLE.to_owned(), points, chosen: None, band: Vec::new() });
        }
        all
    }
}

fn source(run: &Run) -> Source {
    run.sets.first().map_or(Source::Simulated, |set| set.data.source())
}

fn points(run: &Run, sizes: &Sizes, networks: &[(usize, &FinishedJob)]) -> Result<Vec<Point>> {
    let origin = match source(run) {
        Source::Simulated => Origin::Simulated,
        Source::Real => Origin::Real,
    };
    let seed = Seed::new(run.settings.seed).child("learning curve bootstrap");
    let bootstrap = Bootstrap { replicates: REPLICATES, level: LEVEL, seed };
    let mut points = Vec::new();
    for &model in &run.settings.models {
        for &protocol in &run.settings.protocols {
            for &size in sizes.all() {
                let of = |(of_size, FinishedJob { job, .. }): &&(usize, &FinishedJob)| {
                    (*of_size, job.model, job.protocol) == (size, model, protocol)
                };
                let all: Vec<&FinishedJob> =
                    networks.iter().filter(of).map(|(_, finished)| *finished).collect();
                if all.is_empty() {
                    continue;
                }
                let counted = all.iter().filter(|finished| finished.train.counts());
                let rows: Vec<_> = counted.map(|finished| row(run, finished)).collect();
                let table = ResultTable::new(&rows, origin)?;
                let summary =
                    if rows.is_empty() { None } else { Some(table.summary(model.name(), &bootstrap)?) };
                points.push(Point {
                    model,
                    protocol,
                    size,
                    networks: rows.len(),
                    not_converged: all.len() - rows.len(),
                    summary,
                    seed_sd: seed_sd(&all, model),
                });
            }
        }
    }
    Ok(points)
}
