//! `summary.tsv`: each model over all sets, mean ranks, and the models against each other and against
//! DeepBind*.
//!
//! Networks that did not converge are counted and left out. Seeds are averaged within a fold, folds within
//! a set and sets within a factor before anything is tested; ensembles stand apart, with tests of their own.

use demo_core::Seed;
use demo_data::Source;
use demo_eval::{Bootstrap, Comparison as PairComparison, Friedman, ModelSummary, Origin, ResultTable, Row};
use demo_report::{Cell, Column, Format, Table};

use super::over_seeds::{EnsembleComparison, SeedSummary, by_seed, seed_sd};
use crate::Result;
use crate::config::Protocol;
use crate::ensembles::Judged;
use crate::models::ModelKind;
use crate::published::{PublishedAuroc, published_aurocs};
use crate::run::{FinishedJob, Run};
use crate::stages::evaluate::LEVEL;

/// The published method every real set is compared with.
pub(crate) const DEEPBIND: &str = "DeepBind*";

/// Resamples of the factors.
pub(super) const REPLICATES: usize = 10_000;

/// What stands for the protocol of tests between protocols.
pub(crate) const BOTH_PROTOCOLS: &str = "both";

/// Columns of the table.
const COLUMNS: usize = 23;

/// What a run says of the models.
pub(crate) struct Comparison {
    pub(crate) source: Source,
    pub(crate) protocols: Vec<ProtocolComparison>,
    /// Each model under one protocol against the same under the other; none of a run with one.
    pub(crate) between_protocols: Vec<PairComparison>,
    pub(crate) published: Vec<PublishedAuroc>,
}

/// What a run says of the models under one protocol.
pub(crate) struct ProtocolComparison {
    pub(crate) protocol: Protocol,
    /// Models with a converged network, and how many networks were left out.
    pub(crate) models: Vec<(ModelKind, Option<ModelSummary>, usize)>,
    /// The models that were ranked, in the order of the test, with their mean ranks.
    pub(crate) ranks: Option<(Vec<ModelKind>, Friedman)>,
    /// All pairs of models.
    pub(crate) pairs: Vec<PairComparison>,
    /// Each model against the published figure of each real set; none on simulated sets.
    pub(crate) against_published: Vec<PairComparison>,
    /// Deviation of AUROC between seeds, of models that have several.
    pub(crate) seed_sds: Vec<(ModelKind, f64)>,
    /// Each model by the networks of one seed; none of a run with one.
    pub(crate) seeds: Vec<SeedSummary>,
    pub(crate) ensembles: EnsembleComparison,
}

impl Comparison {
    /// Summarises and tests the finished jobs and what they come to together.
    pub(crate) fn new(run: &Run, jobs: &[FinishedJob], judged: &[Judged]) -> Result<Self> {
        let source = run.sets.first().map_or(Source::Simulated, |set| set.data.source());
        let protocols = run.settings.protocols.iter();
        let protocols = protocols
            .map(|&protocol| compare(run, (jobs, judged), protocol, source))
            .collect::<Result<_>>()?;
        let between_protocols = between_protocols(run, jobs, source)?;
        Ok(Self { source, protocols, between_protocols, published: published_aurocs() })
    }
}

/// The resamples of every interval here.
fn bootstrap(run: &Run) -> Bootstrap {
    let seed = Seed::new(run.settings.seed).child("summary bootstrap");
    Bootstrap { replicates: REPLICATES, level: LEVEL, seed }
}

fn origin(source: Source) -> Origin {
    match source {
        Source::Simulated => Origin::Simulated,
        Source::Real => Origin::Real,
    }
}

/// Each model under the first protocol against the same under the second, corrected over the models that have
/// networks under both.
fn between_protocols(run: &Run, jobs: &[FinishedJob], source: Source) -> Result<Vec<PairComparison>> {
    let [first, second] = run.settings.protocols[..] else { return Ok(Vec::new()) };
    let counting = jobs.iter().filter(|finished| finished.train.counts());
    let rows: Vec<Row> = counting
        .map(|finished| Row { model: under(finished.job.model, finished.job.protocol), ..row(run, finished) })
        .collect();
    let table = ResultTable::new(&rows, origin(source))?;
    compare_under(&table, &run.settings.models, [first, second], &bootstrap(run))
}

/// The name of a model under a protocol.
fn under(model: ModelKind, protocol: Protocol) -> String {
    format!("{model} ({protocol})")
}

fn compare_under(
    table: &ResultTable,
    models: &[ModelKind],
    protocols: [Protocol; 2],
    bootstrap: &Bootstrap,
) -> Result<Vec<PairComparison>> {
    let names = models.iter().map(|&model| protocols.map(|protocol| under(model, protocol)));
    let names: Vec<[String; 2]> =
        names.filter(|pair| pair.iter().all(|name| table.models().contains(name))).collect();
    let pairs: Vec<(&str, &str)> =
        names.iter().map(|[first, second]| (first.as_str(), second.as_str())).collect();
    Ok(table.compare(&pairs, bootstrap)?)
}

impl ProtocolComparison {
    /// The families of tests, each with a Holm correction of its own: pairs of models, models against published
    /// figures, then both of ensembles.
    pub(crate) fn families(&self) -> [&[PairComparison]; 4] {
        [&self.pairs, &self.against_published, &self.ensembles.pairs, &self.ensembles.against_published]
    }
}

fn compare(
    run: &Run,
    (jobs, judged): (&[FinishedJob], &[Judged]),
    protocol: Protocol,
    source: Source,
) -> Result<ProtocolComparison> {
    let (origin, bootstrap) = (origin(source), bootstrap(run));
    let under: Vec<&FinishedJob> = jobs.iter().filter(|finished| finished.job.protocol == protocol).collect();
    let mut rows: Vec<Row> =
        under.iter().filter(|finished| finished.train.counts()).map(|f| row(run, f)).collect();
    let table = ResultTable::new(&rows, origin)?;
    let present = |model: ModelKind| table.models().iter().any(|name| name == model.name());
    let mut models = Vec::new();
    let asked = run.settings.models.iter().copied();
    // A baseline has no published training, so no row under that protocol.
    let asked: Vec<ModelKind> =
        asked.filter(|model| model.is_network() || protocol == Protocol::Honest).collect();
    for &model in &asked {
        let left_out = under.iter().filter(|f| f.job.model == model && !f.train.counts()).count();
        let summary = if present(model) { Some(table.summary(model.name(), &bootstrap)?) } else { None };
        models.push((model, summary, left_out));
    }
    let ranked: Vec<ModelKind> = asked.into_iter().filter(|&model| present(model)).collect();
    let trained: Vec<&str> = ranked.iter().map(|model| model.name()).collect();
    let ranks = table.rank_models(&trained)?.map(|test| (ranked, test));
    let mut pairs = Vec::new();
    for (place, &first) in trained.iter().enumerate() {
        pairs.extend(trained[place + 1..].iter().map(|&second| (first, second)));
    }
    let pairs = table.compare(&pairs, &bootstrap)?;
    let published = published_rows(run);
    let against_published = if source == Source::Real && !published.is_empty() {
        rows.extend(published);
        let against: Vec<(&str, &str)> = trained.iter().map(|&model| (model, DEEPBIND)).collect();
        ResultTable::new(&rows, origin)?.compare(&against, &bootstrap)?
    } else {
        Vec::new()
    };
    let sds = models.iter().filter_map(|&(model, ..)| Some((model, seed_sd(&under, model)?)));
    Ok(ProtocolComparison {
        protocol,
        seed_sds: sds.collect(),
        models,
        ranks,
        pairs,
        against_published,
        seeds: by_seed(run, &under, (origin, &bootstrap))?,
        ensembles: EnsembleComparison::new(run, judged, protocol, (origin, &bootstrap))?,
    })
}

impl ProtocolComparison {
    /// A model's mean rank over TFs, where models were ranked.
    pub(crate) fn mean_rank(&self, model: ModelKind) -> Option<f64> {
        let (models, test) = self.ranks.as_ref()?;
        Some(test.mean_ranks[models.iter().position(|ranked| *ranked == model)?])
    }

    /// The deviation of a model's AUROC between seeds, where it has several.
    pub(crate) fn seed_sd(&self, model: ModelKind) -> Option<f64> {
        self.seed_sds.iter().find(|(of, _)| *of == model).map(|(_, sd)| *sd)
    }

    /// Nemenyi's p of two models by name, where both were ranked.
    pub(crate) fn nemenyi(&self, first: &str, second: &str) -> Option<f64> {
        let (models, test) = self.ranks.as_ref()?;
        let place = |name: &str| models.iter().position(|model| model.name() == name);
        let (a, b) = (place(first)?, place(second)?);
        let pair =
            test.comparisons().into_iter().find(|pair| (pair.first, pair.second) == (a.min(b), a.max(b)));
        pair.map(|pair| pair.nemenyi_p)
    }
}

pub(super) fn row(run: &Run, finished: &FinishedJob) -> Row {
    let data = &run.sets[finished.job.set].data;
    Row {
        set: data.name().to_owned(),
        tf: data.tf().to_owned(),
        model: finished.job.model.name().to_owned(),
        fold: Some(finished.job.fold),
        seed: finished.job.seed_number as u64,
        value: finished.evaluate.auroc,
    }
}

pub(super) fn published_rows(run: &Run) -> Vec<Row> {
    let published = run.sets.iter().filter_map(|set| {
        let figures = set.published?;
        Some(Row {
            set: set.data.name().to_owned(),
            tf: set.data.tf().to_owned(),
            model: DEEPBIND.to_owned(),
            fold: None,
            seed: run.settings.seed,
            value: figures.deepbind_star,
        })
    });
    published.collect()
}

/// The table: sections `model`, `seed`, `ensemble`, `ranks`, `pair`, `against-published`, `ensemble-pair`,
/// `ensemble-against-published`, `protocol-pair` and `published`.
pub(crate) fn summary(comparison: &Comparison) -> Result<Table> {
    let mut table = Table::new(columns());
    for under in &comparison.protocols {
        for row in model_rows(comparison.source, under) {
            table.push(row)?;
        }
        if let Some((models, test)) = &under.ranks {
            let mut row = vec![Cell::Missing; COLUMNS];
            row[..4].clone_from_slice(&[
                "ranks".into(),
                comparison.source.to_string().into(),
                under.protocol.name().into(),
                models.iter().map(|model| model.name()).collect::<Vec<_>>().join(", ").into(),
            ]);
            row[5] = test.blocks.into();
            row[19] = test.p.into();
            table.push(row)?;
        }
        let sections = ["pair", "against-published", "ensemble-pair", "ensemble-against-published"];
        for (section, family) in sections.into_iter().zip(under.families()) {
            for pair in family {
                let nemenyi = under.nemenyi(&pair.first, &pair.second);
                table.push(pair_row((section, comparison.source, under.protocol.name()), pair, nemenyi))?;
            }
        }
    }
    for pair in &comparison.between_protocols {
        table.push(pair_row(("protocol-pair", comparison.source, BOTH_PROTOCOLS), pair, None))?;
    }
    for figure in &comparison.published {
        let mut row = vec![Cell::Missing; COLUMNS];
        row[..5].clone_from_slice(&[
            "published".into(),
            "real".into(),
            Cell::Missing,
            figure.model.as_str().into(),
            figure.sets.into(),
        ]);
        row[7] = estimate(figure.mean, None);
        row[8] = figure.median.into();
        row[9] = figure.sd.into();
        row[20] = crate::page::status(figure.status).to_string().into();
        table.push(row)?;
    }
    Ok(table)
}

fn columns() -> Vec<Column> {
    let text = |name| Column::new(name, Format::Text);
    let integer = |name| Column::new(name, Format::Integer);
    let fixed = |name| Column::new(name, Format::Fixed(6));
    let significant = |name| Column::new(name, Format::Significant(6));
    vec![
        text("section"),
        text("data"),
        text("protocol"),
        text("name"),
        integer("sets"),
        integer("tfs"),
        integer("not_converged"),
        Column::new("mean", Format::Estimate(6)),
        fixed("median"),
        fixed("sd"),
        significant("t_p"),
        significant("t_p_holm"),
        significant("wilcoxon_p"),
        significant("wilcoxon_p_holm"),
        fixed("cohens_d"),
        fixed("hedges_g"),
        fixed("rank_biserial"),
        fixed("mean_rank"),
        significant("nemenyi_p"),
        significant("friedman_p"),
        text("status"),
        integer("seed_number"),
        fixed("seed_sd"),
    ]
}

/// Rows of the sections `model`, `seed` and `ensemble`.
fn model_rows(source: Source, under: &ProtocolComparison) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for (model, summary, left_out) in &under.models {
        let mut row = model_row(("model", source, under.protocol), model.name(), summary.as_ref(), *left_out);
        row[17] = under.mean_rank(*model).into();
        row[22] = under.seed_sd(*model).into();
        rows.push(row);
    }
    for of_seed in &under.seeds {
        let name = of_seed.model.name();
        let section = ("seed", source, under.protocol);
        let mut row = model_row(section, name, Some(&of_seed.summary), of_seed.not_converged);
        row[21] = of_seed.seed_number.into();
        rows.push(row);
    }
    for (contestant, summary, left_out) in &under.ensembles.ensembles {
        let section = ("ensemble", source, under.protocol);
        rows.push(model_row(section, &contestant.name(), Some(summary), *left_out));
    }
    rows
}

fn model_row(
    (section, source, protocol): (&str, Source, Protocol),
    name: &str,
    summary: Option<&ModelSummary>,
    left_out: usize,
) -> Vec<Cell> {
    let over = summary.map(|summary| summary.over_sets);
    let mean = over.map(|over| estimate(over.mean, summary.and_then(|summary| summary.interval)));
    let mut row = vec![Cell::Missing; COLUMNS];
    row[..10].clone_from_slice(&[
        section.into(),
        source.to_string().into(),
        protocol.name().into(),
        name.into(),
        over.map_or(0, |over| over.count).into(),
        summary.map_or(0, |summary| summary.tfs).into(),
        left_out.into(),
        mean.unwrap_or(Cell::Missing),
        over.map(|over| over.median).into(),
        over.and_then(|over| over.sd).into(),
    ]);
    row
}

fn pair_row(
    (section, source, protocol): (&str, Source, &str),
    pair: &PairComparison,
    nemenyi: Option<f64>,
) -> Vec<Cell> {
    vec![
        section.into(),
        source.to_string().into(),
        protocol.into(),
        format!("{} - {}", pair.first, pair.second).into(),
        pair.sets.into(),
        pair.tfs.into(),
        Cell::Missing,
        pair.difference.map_or(Cell::Missing, |difference| estimate(difference.mean, pair.interval)),
        pair.difference.map(|difference| difference.median).into(),
        pair.difference.and_then(|difference| difference.sd).into(),
        pair.t_test.map(|test| test.p).into(),
        pair.t_holm.into(),
        pair.wilcoxon.map(|test| test.p).into(),
        pair.wilcoxon_holm.into(),
        pair.t_test.map(|test| test.cohens_d).into(),
        pair.effects.map(|effects| effects.hedges_g).into(),
        pair.effects.map(|effects| effects.rank_biserial).into(),
        Cell::Missing,
        nemenyi.into(),
        Cell::Missing,
        Cell::Missing,
        Cell::Missing,
        Cell::Missing,
    ]
}

/// A figure with its interval, where it has one.
pub(super) fn estimate(value: f64, interval: Option<demo_eval::Interval>) -> Cell {
    let (low, high) = interval.map_or((f64::NAN, f64::NAN), |interval| (interval.low, interval.high));
    Cell::Estimate(value, low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_compared_with_itself_under_the_other_protocol() {
        let row = |set: &str, model: &str, value: f64| Row {
            set: set.to_owned(),
            tf: set.to_owned(),
            model: model.to_owned(),
            fold: Some(0),
            seed: 1,
            value,
        };
        let of = |model: &str, values: [f64; 3]| {
            ["A", "B", "C"].into_iter().zip(values).map(|(set, v)| row(set, model, v)).collect::<Vec<_>>()
        };
        let mut rows = of("cnn (honest)", [0.9, 0.8, 0.85]);
        rows.extend(of("cnn (as-published)", [0.85, 0.72, 0.83]));
        rows.extend(of("rnn (honest)", [0.9, 0.9, 0.9]));
        let table = ResultTable::new(&rows, Origin::Simulated).unwrap();
        let bootstrap = Bootstrap { replicates: 100, level: LEVEL, seed: Seed::new(1) };
        let models = [ModelKind::Cnn, ModelKind::Rnn];
        let protocols = [Protocol::Honest, Protocol::AsPublished];
        let found = compare_under(&table, &models, protocols, &bootstrap).unwrap();
        let [pair] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((pair.first.as_str(), pair.second.as_str()), ("cnn (honest)", "cnn (as-published)"));
        assert!((pair.difference.unwrap().mean - 0.05).abs() < 1e-12);
        assert_eq!((pair.tfs, pair.t_holm), (3, pair.t_test.map(|test| test.p)));
    }
}
