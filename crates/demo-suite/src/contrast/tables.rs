//! `contrast.tsv` and `contrast_summary.tsv`.

use demo_report::{Cell, Column, Format, Table};

use super::{Contrast, ContrastConfig, Finding, QUANTITIES, SetGain};
use crate::Result;
use crate::files::make_folder;

/// Writes both tables.
pub(super) fn write(config: &ContrastConfig, gains: &[SetGain], findings: &[Finding]) -> Result<Contrast> {
    make_folder(&config.out)?;
    let (sets, summary) = (config.out.join("contrast.tsv"), config.out.join("contrast_summary.tsv"));
    of_sets(config, gains)?.write_tsv(&sets)?;
    of_findings(findings)?.write_tsv(&summary)?;
    Ok(Contrast { sets, summary })
}

fn text(name: &str) -> Column {
    Column::new(name, Format::Text)
}

fn of_sets(config: &ContrastConfig, gains: &[SetGain]) -> Result<Table> {
    let fixed = |name: &str| Column::new(name, Format::Fixed(6));
    let mut columns = vec![text("set"), text("tf"), text("data")];
    columns.extend(config.models.map(|model| fixed(&format!("auroc_{model}"))));
    columns.extend([fixed("gain"), Column::new(QUANTITIES[0], Format::Integer)]);
    columns.extend(QUANTITIES[1..].iter().map(|name| fixed(name)));
    columns.push(text("grammar"));
    let mut table = Table::new(columns);
    for gain in gains {
        let mut row: Vec<Cell> =
            vec![gain.set.as_str().into(), gain.tf.as_str().into(), gain.data.as_str().into()];
        row.extend([gain.first.into(), gain.second.into(), gain.gain().into(), gain.sequences.into()]);
        row.extend(gain.quantities[1..].iter().map(|&quantity| Cell::from(quantity)));
        row.push(gain.grammar.map_or(Cell::Missing, |grammar| grammar.name().into()));
        table.push(row)?;
    }
    Ok(table)
}

fn of_findings(findings: &[Finding]) -> Result<Table> {
    let mut columns = ["section", "data", "name"].map(text).to_vec();
    columns.extend(["sets", "tfs"].map(|name| Column::new(name, Format::Integer)));
    columns.push(Column::new("value", Format::Estimate(6)));
    columns.extend(["p", "p_holm"].map(|name| Column::new(name, Format::Significant(6))));
    let mut table = Table::new(columns);
    for finding in findings {
        let (low, high) =
            finding.interval.map_or((f64::NAN, f64::NAN), |interval| (interval.low, interval.high));
        table.push(vec![
            finding.section.into(),
            finding.data.as_str().into(),
            finding.name.as_str().into(),
            finding.sets.into(),
            finding.tfs.into(),
            Cell::Estimate(finding.value, low, high),
            finding.p.into(),
            finding.p_holm.into(),
        ])?;
    }
    Ok(table)
}
