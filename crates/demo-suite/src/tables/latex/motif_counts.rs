//! `report/motif_counts.tex`: sets whose own motif was found, beside chance and what was published.

use demo_report::{Cell, Column, Format, Table};

use super::{CONTROL, Captioned, sets};
use crate::Result;
use crate::motif_counts::{Count, CountRow};
use crate::run::Run;

/// One row for each model, source, correction and standing of the hit.
pub(super) fn motif_counts(run: &Run, counts: &[CountRow]) -> Result<Captioned> {
    let text = |name: &str| Column::new(name, Format::Text);
    let integer = |name: &str| Column::new(name, Format::Integer);
    let mut columns = vec![text("Model"), text("Source"), text("Hit")];
    columns.extend(["Sets", "Not converged", "Motifs"].map(integer));
    columns.extend(["q < .05", "E < .05", "E < 10", "Published"].map(text));
    let mut table = Table::new(columns);
    for row in counts.iter().filter(|row| row.is_shown()) {
        let source = row.source.name();
        let mut cells = vec![
            row.model.title().into(),
            if row.bonferroni { format!("{source}, corrected") } else { source.to_owned() }.into(),
            row.standing.name().into(),
            row.sets.into(),
            row.not_converged.into(),
            row.queries.into(),
        ];
        cells.extend(row.counts.map(|Count { found, chance }| Cell::from(format!("{found} ({chance:.1})"))));
        let published = row
            .published
            .map(|(sets, found, status)| format!("{found} of {sets} ({})", crate::page::status(status)));
        cells.push(published.into());
        table.push(cells)?;
    }
    let control = if counts.iter().any(|row| row.source.is_control()) { CONTROL } else { "" };
    let caption = format!(
        "Sets, of {}, in which the best match (top) or any match (any) of a motif of the network is a JASPAR 2016 motif \
         named after the set's factor, by Tomtom's q- or E-value, corrected where so marked by Bonferroni's rule over a \
         set's motifs. In brackets the number by chance: the mean with the motifs of another factor, of another family, \
         in place of the own ones. Networks that did not converge are counted in. Published counts are of real sets, \
         their threshold is not known. {control}",
        sets(run, run.sets.len())
    );
    Ok(Captioned { caption: caption.trim_end().to_owned(), table })
}
