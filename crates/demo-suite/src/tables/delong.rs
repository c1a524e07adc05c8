//! `delong.tsv`: every pair of models on every set, by DeLong's test.

use demo_eval::{MeanAuroc, ScoredLabels, delong_pairs, holm};
use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::ensembles::log_odds;
use crate::plan::Job;
use crate::run::{FinishedJob, Run};

/// One row a pair of models, set, protocol and fold; p is corrected over the pairs of the set, and
/// over all rows. A model with several seeds stands for the mean of their AUROCs. Networks that did not
/// converge take no part.
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
        of_set.sort_by_key(|job| (job.job.protocol, job.job.fold, job.job.model, job.job.seed_number));
        for group in of_set.chunk_by(|a, b| (a.job.protocol, a.job.fold) == (b.job.protocol, b.job.fold)) {
            let models = models(group, &labels)?;
            let means: Vec<&MeanAuroc> = models.iter().map(|(_, mean)| mean).collect();
            let all = (0..means.len()).flat_map(|a| (a + 1..means.len()).map(move |b| (a, b)));
            for pair in delong_pairs(&means, &all.collect::<Vec<_>>())? {
                let (first, second) = (models[pair.first].0, models[pair.second].0);
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

/// The models of a group of networks, each as the mean over its seeds.
fn models<'a>(group: &[&'a FinishedJob], labels: &[bool]) -> Result<Vec<(&'a Job, MeanAuroc)>> {
    let mut models = Vec::new();
    for seeds in group.chunk_by(|a, b| a.job.model == b.job.model) {
        let ranking = |finished: &&FinishedJob| ScoredLabels::new(labels, &log_odds(finished));
        let rankings = seeds.iter().map(ranking).collect::<demo_eval::Result<Vec<_>>>()?;
        // The variance of a single example of a class is not known.
        if rankings[0].positives() < 2 || rankings[0].negatives() < 2 {
            continue;
        }
        models.push((&seeds[0].job, MeanAuroc::new(&rankings.iter().collect::<Vec<_>>())?));
    }
    Ok(models)
}
