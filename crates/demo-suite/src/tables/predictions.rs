//! `predictions/SET.tsv`: what every network and every whole ensemble says of each test sequence.

use demo_report::{Column, Format, Table};

use crate::Result;
use crate::ensembles::Judged;
use crate::run::{FinishedJob, Run};

/// Nine significant digits tell all numbers of single precision apart.
const DIGITS: usize = 9;

/// One row a test sequence, in file order: its label, then log-odds. A column is named by model, protocol,
/// fold and number of the seed.
pub(crate) fn predictions(run: &Run, set: usize, jobs: &[FinishedJob], judged: &[Judged]) -> Result<Table> {
    let jobs: Vec<&FinishedJob> = jobs.iter().filter(|finished| finished.job.set == set).collect();
    let ensembles: Vec<(&Judged, &[f64])> = judged
        .iter()
        .filter(|one| one.set == set && one.is_whole())
        .filter_map(|one| Some((one, one.log_odds.as_deref()?)))
        .collect();
    let mut columns = vec![Column::new("sequence", Format::Integer), Column::new("bound", Format::Integer)];
    columns.extend(jobs.iter().map(|FinishedJob { job, .. }| {
        let name = format!("{}/{}/{}/{}", job.model, job.protocol, job.fold, job.seed_number);
        Column::new(name, Format::Significant(DIGITS))
    }));
    columns.extend(ensembles.iter().map(|(one, _)| {
        let name = format!("{}/{}", one.contestant.name(), one.protocol);
        Column::new(name, Format::Significant(DIGITS))
    }));
    let mut table = Table::new(columns);
    for (place, example) in run.sets[set].data.test().iter().enumerate() {
        let mut row = vec![(place + 1).into(), usize::from(example.bound).into()];
        row.extend(jobs.iter().map(|finished| f64::from(finished.evaluate.scores[place]).into()));
        row.extend(ensembles.iter().map(|(_, log_odds)| log_odds[place].into()));
        table.push(row)?;
    }
    Ok(table)
}
