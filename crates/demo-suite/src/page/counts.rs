//! How many sets gave a motif that matches their own factor's, at the three published thresholds.

use std::collections::BTreeSet;

use demo_interpret::QuerySource;
use demo_report::MotifCount;

use crate::outcomes::Hit;
use crate::run::{ExplainedModel, Run};

/// One row a model and source, over the sets that have a motif of that source to look up.
pub(crate) fn motif_counts(run: &Run, models: &[ExplainedModel]) -> Vec<MotifCount> {
    let mut rows = Vec::new();
    for &model in &run.settings.models {
        for source in QuerySource::ALL {
            let of_model = || models.iter().filter(|explained| explained.job.model == model);
            if of_model().all(|explained| explained.matches(source).is_empty()) {
                continue;
            }
            let found = |good: fn(&Hit) -> bool| {
                let own = |explained: &&ExplainedModel| {
                    explained.matches(source).iter().any(|row| row.own.as_ref().is_some_and(good))
                };
                of_model().filter(own).map(|explained| explained.job.set).collect::<BTreeSet<_>>().len()
            };
            rows.push(MotifCount {
                model: model.title().to_owned(),
                source: source.name().to_owned(),
                sets: of_model().count(),
                at_q_05: found(|hit| hit.q < 0.05),
                at_e_05: found(|hit| hit.e < 0.05),
                at_e_10: found(|hit| hit.e < 10.0),
            });
        }
    }
    rows
}
