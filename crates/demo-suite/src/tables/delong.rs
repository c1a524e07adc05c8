//! `delong.tsv`: every pair of models on every set, by DeLong's test.

use demo_eval::{ScoredLabels, delong_all, holm};
use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::run::{FinishedJob, Run};

/// One row a pair of models, set, protocol and fold; p is corrected over the pairs of the set, and
/// over all rows. Networks that did not converge take no part.
pub(crate) fn delong(run: &Run, jobs: &[FinishedJob]) -> Result<Table> {
    let text = |name| Column::new(name, Format::Text);
    let fixed = |name| Column::new(name, Format::Fixed(6));
    let significant = |name| Column::new(name, Format::Significant(6));
    let mut table = Table::new(vec![
        text("set"),
        text("tf"),
        text("data"),
        text("protocol"),
        Column::new("fold", Format::Integer),
        text("first"),
        text("second"),
        fixed("difference"),
        fixed("standard_error"),
        fixed("z"),
        significant("p"),
        significant("p_holm_set"),
        significant("p_holm_all"),
    ]);
    let mut rows: Vec<(Vec<Cell>, Option<f64>)> = Vec::new();
    for (index, set) in run.sets.iter().enumerate() {
        let labels: Vec<bool> = set.data.test().iter().map(|example| example.bound).collect();
        let mut of_set: Vec<&FinishedJob> =
            jobs.iter().filter(|job| job.job.set == index && job.train.counts()).collect();
        of_set.sort_by_key(|job| (job.job.protocol, job.job.fold, job.job.model));
        for group in of_set.chunk_by(|a, b| (a.job.protocol, a.job.fold) == (b.job.protocol, b.job.fold)) {
            let scored = group.iter().map(|finished| {
                let scores: Vec<f64> = finished.evaluate.scores.iter().map(|&score| score.into()).collect();
                Ok(ScoredLabels::new(&labels, &scores)?)
            });
            let scored = scored.collect::<Result<Vec<_>>>()?;
            // The variance of a single example of a class is not known.
            if scored[0].positives() < 2 || scored[0].negatives() < 2 {
                continue;
            }
            for pair in delong_all(&scored.iter().collect::<Vec<_>>())? {
                let (first, second) = (&group[pair.first].job, &group[pair.second].job);
                let cells = vec![
                    set.data.name().into(),
                    set.data.tf().into(),
                    set.data.source().to_string().into(),
                    first.protocol.name().into(),
                    first.fold.into(),
                    first.model.name().into(),
                    second.model.name().into(),
                    pair.test.difference.into(),
                    pair.test.standard_error.into(),
                    pair.test.z.into(),
                    pair.test.p.into(),
                    pair.p_holm.into(),
                ];
                rows.push((cells, pair.test.p));
            }
        }
    }
    let corrected = holm(&rows.iter().map(|(_, p)| *p).collect::<Vec<_>>());
    for ((mut cells, _), corrected) in rows.into_iter().zip(corrected) {
        cells.push(corrected.into());
        table.push(cells)?;
    }
    Ok(table)
}
