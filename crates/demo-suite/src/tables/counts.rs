//! `motif_counts.tsv`: sets whose own motif was found, beside the number that chance would find.

use demo_report::{Cell, Column, Format, Table};

use crate::Result;
use crate::motif_counts::{CRITERIA, CountRow};
use crate::run::Run;

/// One row for each model, source, correction and standing of the hit.
pub(crate) fn motif_counts(run: &Run, rows: &[CountRow]) -> Result<Table> {
    let text = |name: &str| Column::new(name, Format::Text);
    let integer = |name: &str| Column::new(name, Format::Integer);
    let mut columns: Vec<Column> = ["data", "model", "source", "correction", "hit"].map(text).into();
    columns.extend(["sets", "not_converged", "queries"].map(integer));
    for criterion in CRITERIA {
        columns.push(integer(criterion));
        columns.push(Column::new(format!("{criterion}_chance"), Format::Fixed(3)));
    }
    columns.extend(["published_sets", "published_found"].map(integer));
    columns.push(text("published_status"));
    let mut table = Table::new(columns);
    let source = run.sets.first().map_or(Cell::Missing, |set| set.data.source().to_string().into());
    for row in rows {
        let mut cells = vec![
            source.clone(),
            row.model.name().into(),
            row.source.name().into(),
            if row.bonferroni { "bonferroni" } else { "none" }.into(),
            row.standing.name().into(),
            row.sets.into(),
            row.not_converged.into(),
            row.queries.into(),
        ];
        for count in row.counts {
            cells.extend([count.found.into(), count.chance.into()]);
        }
        match row.published {
            Some((sets, found, status)) => {
                let status = crate::page::status(status).to_string();
                cells.extend([sets.into(), found.into(), status.into()]);
            }
            None => cells.extend([Cell::Missing, Cell::Missing, Cell::Missing]),
        }
        table.push(cells)?;
    }
    Ok(table)
}
