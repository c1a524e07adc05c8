//! `report/summary.tex`: what a paper would print of a run, as `booktabs` tables.

use demo_eval::Comparison as PairComparison;
use demo_report::{Cell, Citation, Column, Format, Table};

use crate::Result;
use crate::tables::comparison::{BOTH_PROTOCOLS, Comparison, estimate};

/// Models over sets, pairs of models, and published figures with their status; the first line says
/// what the tables need and cite.
pub(crate) fn summary(comparison: &Comparison) -> Result<String> {
    let keys = [
        Citation::DeepMotifDashboard,
        Citation::DeepBind,
        Citation::Holm,
        Citation::Wilcoxon,
        Citation::Demsar,
    ];
    let keys = keys.map(Citation::key).join(",");
    let mut text = format!(
        "% Needs \\usepackage{{booktabs}}; data: {}; cites {keys} of references.bib.\n",
        comparison.source
    );
    text.push_str(&models(comparison)?.to_latex());
    text.push('\n');
    text.push_str(&pairs(comparison)?.to_latex());
    text.push('\n');
    text.push_str(&published(comparison)?.to_latex());
    Ok(text)
}

fn models(comparison: &Comparison) -> Result<Table> {
    let mut table = Table::new(vec![
        Column::new("Model", Format::Text),
        Column::new("Protocol", Format::Text),
        Column::new("Sets", Format::Integer),
        Column::new("TFs", Format::Integer),
        Column::new("Mean AUROC", Format::Estimate(3)),
        Column::new("Median", Format::Fixed(3)),
        Column::new("SD", Format::Fixed(3)),
        Column::new("Mean rank", Format::Fixed(2)),
        Column::new("SD between seeds", Format::Fixed(4)),
    ]);
    for under in &comparison.protocols {
        for (model, summary, _) in &under.models {
            let Some(summary) = summary else { continue };
            let over = summary.over_sets;
            table.push(vec![
                model.title().into(),
                under.protocol.name().into(),
                over.count.into(),
                summary.tfs.into(),
                estimate(over.mean, summary.interval),
                over.median.into(),
                over.sd.into(),
                under.mean_rank(*model).into(),
                under.seed_sd(*model).into(),
            ])?;
        }
        for (contestant, summary, _) in &under.ensembles.ensembles {
            let over = summary.over_sets;
            table.push(vec![
                contestant.title().into(),
                under.protocol.name().into(),
                over.count.into(),
                summary.tfs.into(),
                estimate(over.mean, summary.interval),
                over.median.into(),
                over.sd.into(),
                Cell::Missing,
                Cell::Missing,
            ])?;
        }
    }
    Ok(table)
}

fn pairs(comparison: &Comparison) -> Result<Table> {
    let mut table = Table::new(vec![
        Column::new("Difference", Format::Text),
        Column::new("Protocol", Format::Text),
        Column::new("TFs", Format::Integer),
        Column::new("Mean", Format::Estimate(3)),
        Column::new("t, Holm", Format::Significant(2)),
        Column::new("Wilcoxon, Holm", Format::Significant(2)),
        Column::new("Nemenyi", Format::Significant(2)),
        Column::new("Hedges' g", Format::Fixed(2)),
        Column::new("Rank-biserial", Format::Fixed(2)),
    ]);
    let row = |pair: &PairComparison, protocol: &str, nemenyi: Option<f64>| {
        vec![
            format!("{} - {}", pair.first, pair.second).into(),
            protocol.into(),
            pair.tfs.into(),
            pair.difference.map_or(Cell::Missing, |over| estimate(over.mean, pair.interval)),
            pair.t_holm.into(),
            pair.wilcoxon_holm.into(),
            nemenyi.into(),
            pair.effects.map(|effects| effects.hedges_g).into(),
            pair.effects.map(|effects| effects.rank_biserial).into(),
        ]
    };
    for under in &comparison.protocols {
        for pair in under.families().into_iter().flatten() {
            table.push(row(pair, under.protocol.name(), under.nemenyi(&pair.first, &pair.second)))?;
        }
    }
    for pair in &comparison.between_protocols {
        table.push(row(pair, BOTH_PROTOCOLS, None))?;
    }
    Ok(table)
}

fn published(comparison: &Comparison) -> Result<Table> {
    let mut table = Table::new(vec![
        Column::new("Published", Format::Text),
        Column::new("Sets", Format::Integer),
        Column::new("Mean AUROC", Format::Fixed(3)),
        Column::new("Median", Format::Fixed(3)),
        Column::new("SD", Format::Fixed(3)),
        Column::new("Status", Format::Text),
    ]);
    for figure in &comparison.published {
        table.push(vec![
            figure.model.as_str().into(),
            figure.sets.into(),
            figure.mean.into(),
            figure.median.into(),
            figure.sd.into(),
            crate::page::status(figure.status).to_string().into(),
        ])?;
    }
    Ok(table)
}
