//! `truth.tsv` and `truth_summary.tsv`: how well explanations find the sites planted in simulated sets.

use demo_core::Seed;
use demo_eval::{Bootstrap, ModelSummary, Origin, ResultTable, Row};
use demo_models::{Activation, Architecture};
use demo_report::{Cell, Column, DotPlot, DotRow, Estimate, Format, Table};

use super::comparison::{REPLICATES, estimate};
use crate::Result;
use crate::models::{Method, ModelKind};
use crate::outcomes::{MapFigures, TruthOutcome};
use crate::run::Run;
use crate::stages::evaluate::LEVEL;
use crate::stages::truth::{BESIDE, SetTruths};

/// The name of what asks no network, in place of a model's.
const NO_NETWORK: &str = "none";

/// One row for each set, model and map.
pub(crate) fn truth(run: &Run, truths: &[SetTruths]) -> Result<Table> {
    let text = |name: &str| Column::new(name, Format::Text);
    let fixed = |name: &str| Column::new(name, Format::Fixed(6));
    let mut columns: Vec<Column> =
        ["set", "tf", "data", "placement", "model", "activation", "converged", "map"].map(text).into();
    columns.push(Column::new("sequences", Format::Integer));
    columns.push(Column::new("auroc", Format::Estimate(6)));
    columns.push(Column::new("auprc", Format::Estimate(6)));
    columns.push(fixed("chance_auprc"));
    for map in BESIDE {
        columns.push(fixed(&format!("{map}_auroc")));
        columns.push(fixed(&format!("{map}_auprc")));
    }
    let mut table = Table::new(columns);
    for truth in truths {
        let data = &run.sets[truth.set].data;
        for (model, converged, outcome) in all(truth) {
            for figures in &outcome.maps {
                let mut row = vec![
                    data.name().into(),
                    data.tf().into(),
                    data.source().to_string().into(),
                    run.settings.placement.name().into(),
                    model.map_or(NO_NETWORK, ModelKind::name).into(),
                    activation(model).map_or(Cell::Missing, Cell::from),
                    converged.map_or(Cell::Missing, Cell::from),
                    figures.map.as_str().into(),
                    outcome.sequences.into(),
                    estimate(figures.auroc.0, Some(figures.auroc.1)),
                    estimate(figures.auprc.0, Some(figures.auprc.1)),
                    outcome.chance_auprc.into(),
                ];
                for map in BESIDE {
                    let beside = truth.references.maps.iter().find(|figures| figures.map == map);
                    row.push(beside.map(|figures| figures.auroc.0).into());
                    row.push(beside.map(|figures| figures.auprc.0).into());
                }
                table.push(row)?;
            }
        }
    }
    Ok(table)
}

/// The maps without a network, then those of each.
fn all(truth: &SetTruths) -> impl Iterator<Item = (Option<ModelKind>, Option<&'static str>, &TruthOutcome)> {
    let networks =
        truth.models.iter().map(|(job, converged, outcome)| (Some(job.model), Some(*converged), outcome));
    std::iter::once((None, None, &truth.references)).chain(networks)
}

/// The first activation of a network that begins with a convolution.
pub(super) fn activation(model: Option<ModelKind>) -> Option<&'static str> {
    let first = match model?.method() {
        Method::Network(Architecture::Cnn(config)) => config.first_activation,
        Method::Network(Architecture::CnnRnn(config)) => config.first_activation,
        // The only one it has.
        Method::Network(Architecture::Attention(_)) => Activation::Relu,
        Method::Network(Architecture::Rnn(_)) | Method::Baseline(_) => return None,
    };
    Some(match first {
        Activation::Relu => "relu",
        Activation::Exponential => "exponential",
        Activation::Sigmoid => "sigmoid",
        Activation::Tanh => "tanh",
        Activation::Softplus => "softplus",
        Activation::Linear => "linear",
        Activation::Elu => "elu",
    })
}

/// Means of every map over sets, with intervals by the bootstrap over factors.
pub(crate) struct TruthSummary {
    pub(super) rows: Vec<SummaryRow>,
    /// Mean over sets of the AUPRC of a map that says nothing.
    pub(super) chance_auprc: f64,
}

pub(super) struct SummaryRow {
    pub(super) model: Option<ModelKind>,
    pub(super) map: String,
    pub(super) not_converged: usize,
    pub(super) auroc: ModelSummary,
    pub(super) auprc: ModelSummary,
}

impl TruthSummary {
    /// Summarises the figures of all sets.
    pub(crate) fn new(run: &Run, truths: &[SetTruths]) -> Result<Self> {
        let mut kinds: Vec<(Option<ModelKind>, String)> = Vec::new();
        for (model, _, outcome) in truths.iter().flat_map(all) {
            for figures in &outcome.maps {
                let kind = (model, figures.map.clone());
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        kinds.sort_by_key(|(model, _)| *model);
        let mut rows = Vec::with_capacity(kinds.len());
        for (model, map) in kinds {
            let of_model =
                || truths.iter().flat_map(move |truth| all(truth).map(move |rest| (truth.set, rest)));
            let of_model = || of_model().filter(|(_, (other, ..))| *other == model);
            let summary = |get: fn(&MapFigures) -> f64| -> Result<ModelSummary> {
                let values = of_model().filter_map(|(set, (.., outcome))| {
                    let figures = outcome.maps.iter().find(|figures| figures.map == map)?;
                    let data = &run.sets[set].data;
                    Some(Row {
                        set: data.name().to_owned(),
                        tf: data.tf().to_owned(),
                        model: map.clone(),
                        fold: None,
                        seed: run.settings.seed,
                        value: get(figures),
                    })
                });
                let seed = Seed::new(run.settings.seed).child("truth summary");
                let bootstrap = Bootstrap { replicates: REPLICATES, level: LEVEL, seed };
                let values: Vec<Row> = values.collect();
                Ok(ResultTable::new(&values, Origin::Simulated)?.summary(&map, &bootstrap)?)
            };
            let (auroc, auprc) = (summary(|figures| figures.auroc.0)?, summary(|figures| figures.auprc.0)?);
            let not_converged = of_model().filter(|(_, (_, converged, _))| *converged == Some("no")).count();
            rows.push(SummaryRow { model, map, not_converged, auroc, auprc });
        }
        let chances = truths.iter().map(|truth| truth.references.chance_auprc);
        Ok(Self { rows, chance_auprc: chances.sum::<f64>() / truths.len().max(1) as f64 })
    }

    /// One row for each model and map.
    pub(crate) fn table(&self, run: &Run) -> Result<Table> {
        let text = |name: &str| Column::new(name, Format::Text);
        let integer = |name: &str| Column::new(name, Format::Integer);
        let mut columns: Vec<Column> = ["data", "placement", "model", "activation", "map"].map(text).into();
        columns.extend(["sets", "tfs", "not_converged"].map(integer));
        columns.push(Column::new("auroc", Format::Estimate(6)));
        columns.push(Column::new("auprc", Format::Estimate(6)));
        columns.push(Column::new("chance_auprc", Format::Fixed(6)));
        let mut table = Table::new(columns);
        for row in &self.rows {
            table.push(vec![
                "simulated".into(),
                run.settings.placement.name().into(),
                row.model.map_or(NO_NETWORK, ModelKind::name).into(),
                activation(row.model).map_or(Cell::Missing, Cell::from),
                row.map.as_str().into(),
                row.auroc.over_sets.count.into(),
                row.auroc.tfs.into(),
                if row.model.is_some() { row.not_converged.into() } else { Cell::Missing },
                estimate(row.auroc.over_sets.mean, row.auroc.interval),
                estimate(row.auprc.over_sets.mean, row.auprc.interval),
                self.chance_auprc.into(),
            ])?;
        }
        Ok(table)
    }

    /// AUROC and AUPRC of every map: a row a map, a mark a model; none where nothing was planted.
    pub(crate) fn plots(&self, run: &Run) -> Vec<(&'static str, DotPlot)> {
        let Some(first) = self.rows.first() else { return Vec::new() };
        let mut models: Vec<Option<ModelKind>> = self.rows.iter().map(|row| row.model).collect();
        models.dedup();
        // What asks no network comes last, below what it is compared with.
        models.sort_by_key(|model| (model.is_none(), *model));
        let mut maps: Vec<&str> = Vec::new();
        for row in self.rows.iter().filter(|row| row.model.is_some()).chain(&self.rows) {
            if !maps.contains(&row.map.as_str()) {
                maps.push(&row.map);
            }
        }
        let names = |model: &Option<ModelKind>| model.map_or("no network", ModelKind::title).to_owned();
        let plot = |axis: &str, chance: f64, get: fn(&SummaryRow) -> &ModelSummary| {
            let row = |map: &&str| DotRow {
                name: title(map).to_owned(),
                estimates: models
                    .iter()
                    .map(|&model| {
                        let row = self.rows.iter().find(|row| row.model == model && row.map == *map)?;
                        let summary = get(row);
                        Some(Estimate::from_interval(summary.over_sets.mean, summary.interval))
                    })
                    .collect(),
                points: Vec::new(),
                published: Some(chance),
            };
            DotPlot {
                title: format!(
                    "{axis} of planted positions, mean of {} simulated sets, sites {}",
                    first.auroc.over_sets.count,
                    run.settings.placement.name()
                ),
                axis: axis.to_owned(),
                models: models.iter().map(names).collect(),
                published_name: "a map that says nothing".to_owned(),
                rows: maps.iter().map(row).collect(),
            }
        };
        vec![
            ("truth-auroc", plot("AUROC", 0.5, |row| &row.auroc)),
            ("truth-auprc", plot("AUPRC", self.chance_auprc, |row| &row.auprc)),
        ]
    }
}

/// A map's name as a page prints it.
pub(super) fn title(map: &str) -> &str {
    match map {
        "prior" => "places alone (prior)",
        "scan" => "true matrices (scan)",
        "oracle" => "true grammar (oracle)",
        other => other,
    }
}
