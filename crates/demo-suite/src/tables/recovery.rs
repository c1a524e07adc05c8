//! `recovery.tsv`: the motifs of each source beside the matrices that were planted.

use demo_data::simulate::TrueGrammar;
use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::outcomes::RecoverOutcome;
use crate::plan::Job;
use crate::run::Run;

/// One row for each set, model, source and planted motif; a partner's row has the distance that was found.
pub(crate) fn recovery(run: &Run, outcomes: &[(Job, RecoverOutcome)]) -> Result<Table> {
    let text = |name: &str| Column::new(name, Format::Text);
    let fixed = |name: &str| Column::new(name, Format::Fixed(6));
    let integer = |name: &str| Column::new(name, Format::Integer);
    let mut columns: Vec<Column> =
        ["set", "tf", "data", "placement", "model", "activation", "source", "planted", "planted_id"]
            .map(text)
            .into();
    columns.extend([integer("queries"), text("query"), text("strand"), fixed("correlation")]);
    columns.extend([fixed("chance_correlation"), fixed("chance_p")]);
    columns.extend([integer("planted_gap"), text("planted_strand")]);
    columns.extend([
        integer("gap"),
        text("partner_strand"),
        fixed("gap_share"),
        Column::new("gap_p", Format::Significant(6)),
        text("gap_right"),
    ]);
    let mut table = Table::new(columns);
    let strand = |same: bool| if same { "same" } else { "opposite" };
    for (job, outcome) in outcomes {
        let set = &run.sets[job.set];
        let spacing = set.grammar.as_ref().and_then(TrueGrammar::partner).map(|(_, spacing)| spacing);
        for found in &outcome.recovered {
            let mut row = vec![
                set.data.name().into(),
                set.data.tf().into(),
                set.data.source().to_string().into(),
                run.settings.placement.name().into(),
                job.model.name().into(),
                super::truth::activation(Some(job.model)).map_or(Cell::Missing, Cell::from),
                found.source.name().into(),
                if found.partner { "partner" } else { "own" }.into(),
                found.planted.as_str().into(),
                found.queries.into(),
                found.query.as_str().into(),
                if found.reverse { "-" } else { "+" }.into(),
                found.correlation.into(),
                found.chance.into(),
                found.p.into(),
            ];
            let planted = spacing.as_ref().filter(|_| found.partner);
            row.extend([
                planted.map_or(Cell::Missing, |s| ((s.gaps.start() + s.gaps.end()) / 2).into()),
                planted.map_or(Cell::Missing, |s| strand(s.same_strand).into()),
            ]);
            let seen = outcome.spacings.iter().find(|seen| found.partner && seen.source == found.source);
            row.extend([
                seen.map_or(Cell::Missing, |seen| seen.gap.into()),
                seen.map_or(Cell::Missing, |seen| strand(seen.same_strand).into()),
                seen.map(|seen| seen.share).into(),
                seen.map(|seen| seen.p).into(),
                seen.map_or(Cell::Missing, |seen| if seen.right { "yes" } else { "no" }.into()),
            ]);
            table.push(row)?;
        }
    }
    Ok(table)
}
