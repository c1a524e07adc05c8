//! `report/recovery.tex`: planted matrices and their distance among the motifs of each source.

use demo_interpret::QuerySource;
use demo_report::{Cell, Column, Format, Table};

use super::{CONTROL, Captioned, Figure, over_sets, sets};
use crate::Result;
use crate::outcomes::{RecoverOutcome, Recovered};
use crate::plan::Job;
use crate::run::{FinishedJob, Run};
use crate::stages::recover::SIGNIFICANT;
use crate::tables::comparison::estimate;

/// One row for each model, source and planted motif: the factor's own, then the partner.
pub(super) fn recovery(
    run: &Run,
    jobs: &[FinishedJob],
    outcomes: &[(Job, RecoverOutcome)],
) -> Result<Captioned> {
    let text = |name: &str| Column::new(name, Format::Text);
    let integer = |name: &str| Column::new(name, Format::Integer);
    let mut table = Table::new(vec![
        text("Model"),
        text("Source"),
        text("Motif"),
        integer("Sets"),
        integer("Not converged"),
        Column::new("Correlation", Format::Estimate(3)),
        Column::new("Chance", Format::Fixed(3)),
        integer("p < .05"),
        integer("Distance"),
    ]);
    let converged = |job: &Job| jobs.iter().any(|other| other.job.id == job.id && other.train.counts());
    for &model in &run.settings.models {
        let of_model: Vec<&(Job, RecoverOutcome)> =
            outcomes.iter().filter(|(job, _)| job.model == model).collect();
        for source in QuerySource::ALL {
            for partner in [false, true] {
                let found: Vec<(&Job, &RecoverOutcome, &Recovered)> = of_model
                    .iter()
                    .filter_map(|(job, outcome)| {
                        let of = |found: &&Recovered| found.source == source && found.partner == partner;
                        Some((job, outcome, outcome.recovered.iter().find(of)?))
                    })
                    .collect();
                let correlations = found.iter().map(|(job, _, found)| Figure::of(job, found.correlation));
                let Some(correlation) = over_sets(run, correlations)? else { continue };
                let chances = found.iter().filter_map(|(job, _, found)| Some(Figure::of(job, found.chance?)));
                let left = found.iter().filter(|(job, ..)| !converged(job)).count();
                let near = found.iter().filter(|(.., found)| found.p < SIGNIFICANT).count();
                let right = |outcome: &RecoverOutcome| {
                    outcome.spacings.iter().any(|seen| seen.source == source && seen.right)
                };
                let right = found.iter().filter(|(_, outcome, _)| right(outcome)).count();
                table.push(vec![
                    model.title().into(),
                    source.name().into(),
                    if partner { "partner" } else { "own" }.into(),
                    found.len().into(),
                    if source.is_control() { Cell::Missing } else { left.into() },
                    estimate(correlation.over_sets.mean, correlation.interval),
                    over_sets(run, chances)?.map(|chance| chance.over_sets.mean).into(),
                    near.into(),
                    if partner { right.into() } else { Cell::Missing },
                ])?;
            }
        }
    }
    let mut counted: Vec<usize> = outcomes.iter().map(|(job, _)| job.set).collect();
    counted.dedup();
    let caption = format!(
        "Planted motifs among those of each source, in {}: Pearson's correlation of the nearest motif with the planted \
         matrix at the best alignment, mean over sets with its 95 % interval by the bootstrap over factors; chance is \
         the mean over motifs of other families, each with its own nearest. p < .05 counts the sets in which fewer \
         than one in twenty of those are as near, by chance at most one set in twenty; distance counts those in which \
         the planted distance to the partner is read right. Networks that did not converge are counted in. {CONTROL}",
        sets(run, counted.len())
    );
    Ok(Captioned { caption, table })
}
