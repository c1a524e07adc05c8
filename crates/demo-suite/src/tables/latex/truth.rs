//! `report/truth_summary.tex`: how well explanations find planted positions.

use demo_report::{Cell, Column, Format, Table};

use super::{Captioned, sets};
use crate::Result;
use crate::models::ModelKind;
use crate::run::Run;
use crate::tables::TruthSummary;
use crate::tables::comparison::estimate;
use crate::tables::truth::title;

/// One row for each model and map, what asks no network first.
pub(super) fn truth(run: &Run, summary: &TruthSummary) -> Result<Captioned> {
    let integer = |name: &str| Column::new(name, Format::Integer);
    let mut table = Table::new(vec![
        Column::new("Model", Format::Text),
        Column::new("Map", Format::Text),
        integer("Sets"),
        integer("TFs"),
        integer("Not converged"),
        Column::new("AUROC", Format::Estimate(3)),
        Column::new("AUPRC", Format::Estimate(3)),
        Column::new("AUPRC, chance", Format::Fixed(3)),
    ]);
    for row in &summary.rows {
        table.push(vec![
            row.model.map_or("no network", ModelKind::title).into(),
            title(&row.map).into(),
            row.auroc.over_sets.count.into(),
            row.auroc.tfs.into(),
            if row.model.is_some() { row.not_converged.into() } else { Cell::Missing },
            estimate(row.auroc.over_sets.mean, row.auroc.interval),
            estimate(row.auprc.over_sets.mean, row.auprc.interval),
            summary.chance_auprc.into(),
        ])?;
    }
    let count = summary.rows.iter().map(|row| row.auroc.over_sets.count).max().unwrap_or(0);
    let caption = format!(
        "AUROC and AUPRC of every explanation over the planted positions of positives, means over {} with 95 % \
         intervals by the bootstrap over factors. A map that says nothing has an AUROC of .5. Networks that did not \
         converge are counted in.",
        sets(run, count)
    );
    Ok(Captioned { caption, table })
}
