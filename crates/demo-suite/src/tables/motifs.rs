//! `motifs.tsv`: every motif got out of a network, with its best match in JASPAR 2016.

use demo_interpret::QuerySource;
use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::outcomes::Hit;
use crate::run::{ExplainedModel, Run};

/// One row per motif; E- and q-values are those of one Tomtom run per set, model and source.
pub(crate) fn motifs(run: &Run, models: &[ExplainedModel]) -> Result<Table> {
    let text = |name| Column::new(name, Format::Text);
    let integer = |name| Column::new(name, Format::Integer);
    let significant = |name| Column::new(name, Format::Significant(6));
    let mut table = Table::new(vec![
        text("set"),
        text("tf"),
        text("data"),
        text("model"),
        text("source"),
        text("motif"),
        integer("width"),
        integer("anchor"),
        integer("sites"),
        text("consensus"),
        text("match_id"),
        text("match_name"),
        significant("p"),
        significant("e"),
        significant("q"),
        text("relation"),
        text("own_id"),
        significant("own_p"),
        significant("own_e"),
        significant("own_q"),
    ]);
    for model in models {
        let set = &run.sets[model.job.set];
        for source in QuerySource::ALL {
            for row in model.matches(source) {
                let query = &model.explain.queries[row.query];
                let hit = |get: fn(&Hit) -> Cell, hit: &Option<Hit>| hit.as_ref().map_or(Cell::Missing, get);
                table.push(vec![
                    set.data.name().into(),
                    set.data.tf().into(),
                    set.data.source().to_string().into(),
                    model.job.model.name().into(),
                    source.name().into(),
                    query.motif.id().into(),
                    query.motif.width().into(),
                    query.anchor.into(),
                    query.sites.into(),
                    query.motif.probabilities().consensus().into(),
                    hit(|hit| hit.id.as_str().into(), &row.best),
                    hit(|hit| hit.name.as_str().into(), &row.best),
                    hit(|hit| hit.p.into(), &row.best),
                    hit(|hit| hit.e.into(), &row.best),
                    hit(|hit| hit.q.into(), &row.best),
                    row.relation.as_str().into(),
                    hit(|hit| hit.id.as_str().into(), &row.own),
                    hit(|hit| hit.p.into(), &row.own),
                    hit(|hit| hit.e.into(), &row.own),
                    hit(|hit| hit.q.into(), &row.own),
                ])?;
            }
        }
    }
    Ok(table)
}
