//! Motifs found, as the page counts them: one row a model, source and correction.

use demo_report::{CountBesideChance, MotifCount};

use crate::motif_counts::{CountRow, Standing};

/// Rows that are shown, with both standings of a hit.
pub(crate) fn motif_counts(counts: &[CountRow]) -> Vec<MotifCount> {
    let mut rows: Vec<MotifCount> = Vec::new();
    for row in counts.iter().filter(|row| row.is_shown()) {
        let correction = if row.bonferroni { "Bonferroni over queries" } else { "" };
        let counts = row.counts.map(|count| CountBesideChance { found: count.found, chance: count.chance });
        let model = row.model.title();
        let same = |other: &&mut MotifCount| {
            other.model == model && other.source == row.source.name() && other.correction == correction
        };
        let place = rows.iter_mut().find(same);
        match (place, row.standing) {
            (Some(known), Standing::Top) => known.top = counts,
            (Some(known), Standing::Any) => known.any = counts,
            (None, _) => rows.push(MotifCount {
                model: model.to_owned(),
                source: row.source.name().to_owned(),
                control: row.source.is_control(),
                correction: correction.to_owned(),
                sets: row.sets,
                top: counts,
                any: counts,
            }),
        }
    }
    rows
}
