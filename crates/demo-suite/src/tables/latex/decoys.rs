//! `report/decoys.tex`: how often negatives with broken grammar pass for positives.

use demo_report::{Cell, Column, Format, Table};

use super::{Captioned, Figure, over_sets, sets};
use crate::Result;
use crate::config::Protocol;
use crate::models::ModelKind;
use crate::run::{FinishedJob, Run};
use crate::tables::comparison::estimate;
use crate::tables::decoys::{Judged, Row, rows};

/// The oracle, then one row for each model and protocol.
pub(super) fn decoys(run: &Run, jobs: &[FinishedJob]) -> Result<Captioned> {
    let text = |name: &str| Column::new(name, Format::Text);
    let integer = |name: &str| Column::new(name, Format::Integer);
    let fixed = |name: &str| Column::new(name, Format::Fixed(3));
    let mut table = Table::new(vec![
        text("Model"),
        text("Protocol"),
        integer("Sets"),
        integer("Not converged"),
        Column::new("AUROC, decoys", Format::Estimate(3)),
        Column::new("AUROC, plain", Format::Estimate(3)),
        fixed("Passed, decoys"),
        fixed("Passed, plain"),
        fixed("Passed, positives"),
    ]);
    let rows = rows(run, jobs)?;
    let kind = |row: &Row| row.finished.map(|finished| (finished.job.model, finished.job.protocol));
    let of_models = run
        .settings
        .models
        .iter()
        .flat_map(|&model| run.settings.protocols.iter().map(move |&protocol| Some((model, protocol))));
    let kinds: Vec<Option<(ModelKind, Protocol)>> = std::iter::once(None).chain(of_models).collect();
    for wanted in kinds {
        let of_kind = || rows.iter().filter(|row| kind(row) == wanted);
        let mean = |get: &dyn Fn(&Judged) -> Option<f64>| {
            let figure = |row: &&Row| {
                let value = get(&row.judged)?;
                let oracle = Figure { set: row.set, fold: None, seed: 1, value };
                Some(row.finished.map_or(oracle, |finished| Figure::of(&finished.job, value)))
            };
            over_sets(run, of_kind().filter_map(|row| figure(&row)))
        };
        let Some(plain) = mean(&|judged| judged.auroc[1])? else { continue };
        let interval = |summary: demo_eval::ModelSummary| estimate(summary.over_sets.mean, summary.interval);
        let passed = |group: usize| -> Result<Cell> {
            Ok(mean(&|judged| judged.passed[group])?.map(|summary| summary.over_sets.mean).into())
        };
        let left = of_kind().filter(|row| row.finished.is_some_and(|finished| !finished.train.counts()));
        table.push(vec![
            wanted.map_or("true grammar (oracle)", |(model, _)| model.title()).into(),
            wanted.map(|(_, protocol)| protocol.name()).map_or(Cell::Missing, Cell::from),
            plain.over_sets.count.into(),
            if wanted.is_some() { left.count().into() } else { Cell::Missing },
            mean(&|judged| judged.auroc[0])?.map_or(Cell::Missing, interval),
            interval(plain),
            passed(0)?,
            passed(1)?,
            passed(2)?,
        ])?;
    }
    let count = run.sets.iter().filter(|set| set.ceiling.is_some()).count();
    let caption = format!(
        "Decoys, negatives that keep the factor's sites and lack the partner or have it elsewhere, beside plain \
         negatives, shuffles, in the test halves of {}: AUROC of positives against each, and the share of each and \
         of positives with positive log-odds, means over sets with 95 % intervals by the bootstrap over factors. The \
         oracle, which knows the grammar, is the ceiling; chance is an AUROC of .5. Networks that did not converge \
         are counted in.",
        sets(run, count)
    );
    Ok(Captioned { caption, table })
}
