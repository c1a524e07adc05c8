//! The sections over all sets: summary, tests, box plot, set-by-set table, motif counts.

use std::fmt::Write as _;

use super::{model_name, picture, several_protocols};
use crate::Result;
use crate::box_plot::{BoxGroup, BoxPlot};
use crate::dot_plot::{DotPlot, DotRow};
use crate::report::{ORACLE, PublishedMotifCount, Report, SetReport};
use crate::svg::escape;
use crate::table::{Cell, Column, Format, Table};
use crate::values::{DataKind, Estimate};

/// All overview sections that have something to show.
pub(crate) fn sections(report: &Report) -> Result<String> {
    let mut page = summary(report)?;
    page.push_str(&tests(report)?);
    page.push_str(&comparison(report)?);
    page.push_str(&sizes(report)?);
    page.push_str(&truth(report)?);
    page.push_str(&motifs(report)?);
    Ok(page)
}

/// One box a model and kind of data, ensembles after single models, then one a published series over the
/// sets of this report.
pub(crate) fn box_plot(report: &Report) -> Option<BoxPlot> {
    let with_protocol = several_protocols(report);
    let mut groups: Vec<BoxGroup> = Vec::new();
    for data in [DataKind::Real, DataKind::Simulated] {
        let first = groups.len();
        for set in report.sets.iter().filter(|set| set.data == data) {
            for model in set.models.iter().filter(|model| model.converged) {
                let name = model_name(&model.model, &model.protocol, with_protocol);
                add(&mut groups, first, (name, data), (&set.name, model.auroc.value));
            }
        }
        for set in report.sets.iter().filter(|set| set.data == data) {
            for ensemble in &set.ensembles {
                let name = model_name(&ensemble.name, &ensemble.protocol, with_protocol);
                add(&mut groups, first, (name, data), (&set.name, ensemble.auroc.value));
            }
        }
    }
    if groups.is_empty() {
        return None;
    }
    let ceilings = report.sets.iter().filter_map(|set| Some((set.name.clone(), set.ceiling?)));
    let values: Vec<(String, f64)> = ceilings.collect();
    if !values.is_empty() {
        groups.push(BoxGroup { name: ORACLE.to_owned(), data: DataKind::Simulated, published: None, values });
    }
    for series in report.published_by_set.iter().filter(|series| !series.values.is_empty()) {
        groups.push(BoxGroup {
            name: series.name.clone(),
            data: DataKind::Real,
            published: Some(series.status),
            values: series.values.clone(),
        });
    }
    Some(BoxPlot { title: String::new(), axis: "AUROC".into(), groups, paired: report.sets.len() > 1 })
}

/// Adds a set's value to the group of this name, one of those from `first` on.
fn add(
    groups: &mut Vec<BoxGroup>,
    first: usize,
    (name, data): (String, DataKind),
    (set, value): (&str, f64),
) {
    let value = (set.to_owned(), value);
    match groups[first..].iter_mut().find(|group| group.name == name) {
        Some(group) => group.values.push(value),
        None => groups.push(BoxGroup { name, data, published: None, values: vec![value] }),
    }
}

/// One row a set, the first published series beside it.
pub(crate) fn dot_plot(report: &Report) -> Option<DotPlot> {
    let models = model_columns(report);
    if report.sets.is_empty() || models.is_empty() {
        return None;
    }
    let series = report.published_by_set.first();
    let with_ceiling = report.sets.iter().any(|set| set.ceiling.is_some());
    let ensembles = ensemble_columns(report);
    let series_count = models.len() + ensembles.len() + usize::from(with_ceiling);
    let several = report.sets.iter().flat_map(|set| &set.models).any(|model| !model.networks.is_empty());
    let points = |set: &SetReport| {
        let mut points: Vec<Vec<f64>> =
            models.iter().map(|(model, protocol)| networks(set, model, protocol)).collect();
        points.resize(series_count, Vec::new());
        points
    };
    let row = |set: &SetReport| DotRow {
        name: set.name.clone(),
        estimates: models
            .iter()
            .map(|(model, protocol)| estimate(set, model, protocol))
            .chain(ensembles.iter().map(|(name, protocol)| ensemble(set, name, protocol)))
            .chain(with_ceiling.then(|| set.ceiling.map(Estimate::point)))
            .collect(),
        points: if several { points(set) } else { Vec::new() },
        published: series.and_then(|series| value_of(&series.values, &set.name)),
    };
    let with_protocol = several_protocols(report);
    let published_name =
        series.map_or(String::new(), |s| format!("{} (published, {}, real data)", s.name, s.status));
    Some(DotPlot {
        title: String::new(),
        axis: "AUROC".into(),
        models: models
            .iter()
            .chain(&ensembles)
            .map(|(model, protocol)| model_name(model, protocol, with_protocol))
            .chain(with_ceiling.then(|| ORACLE.to_owned()))
            .collect(),
        published_name,
        rows: report.sets.iter().map(row).collect(),
    })
}

fn summary(report: &Report) -> Result<String> {
    if report.summaries.is_empty() {
        return Ok(String::new());
    }
    let mut table = Table::new(vec![
        Column::new("Model", Format::Text),
        Column::new("Protocol", Format::Text),
        Column::new("Sets", Format::Integer),
        Column::new("TFs", Format::Integer),
        Column::new("Mean AUROC [interval]", Format::Estimate(3)),
        Column::new("Median", Format::Fixed(3)),
        Column::new("sd", Format::Fixed(3)),
        Column::new("sd between seeds", Format::Fixed(4)),
        Column::new("Not converged", Format::Integer),
    ]);
    for row in &report.summaries {
        table.push(vec![
            row.model.as_str().into(),
            row.protocol.as_str().into(),
            row.sets.into(),
            row.tfs.into(),
            cell(Some(row.mean)),
            row.median.into(),
            row.sd.into(),
            row.seed_sd.into(),
            row.not_converged.into(),
        ])?;
    }
    let mut page = section("summary", "Summary");
    let _ = writeln!(page, "<h3>This run: {}</h3>", report.data);
    page.push_str(&scroll(&table.to_html()));
    page.push_str(&published(report)?);
    page.push_str("</section>\n");
    Ok(page)
}

fn published(report: &Report) -> Result<String> {
    if report.published.is_empty() {
        return Ok(String::new());
    }
    let mut table = Table::new(vec![
        Column::new("Model", Format::Text),
        Column::new("Sets", Format::Integer),
        Column::new("Over", Format::Text),
        Column::new("Mean AUROC", Format::Fixed(3)),
        Column::new("Median", Format::Fixed(3)),
        Column::new("sd", Format::Fixed(3)),
        Column::new("Status", Format::Text),
    ]);
    for row in &report.published {
        table.push(vec![
            row.model.as_str().into(),
            row.sets.into(),
            row.over.as_str().into(),
            row.mean.into(),
            row.median.into(),
            row.sd.into(),
            row.status.to_string().into(),
        ])?;
    }
    Ok(format!(
        "<h3>Published figures</h3>\n<p class=\"note\">Of other sets than this run's, or of other networks on them: \
         for orientation, not like for like. <b>Confirmed</b>: read in the authors' own code or tables. \
         <b>Secondary</b>: from another source. <b>Recollected</b>: not yet found in print.</p>\n{}",
        scroll(&table.to_html())
    ))
}

fn tests(report: &Report) -> Result<String> {
    if report.tests.is_empty() {
        return Ok(String::new());
    }
    let mut table = Table::new(vec![
        Column::new("Models", Format::Text),
        Column::new("Corrected over", Format::Text),
        Column::new("Protocol", Format::Text),
        Column::new("TFs", Format::Integer),
        Column::new("Mean difference [interval]", Format::Estimate(4)),
        Column::new("t test p", Format::Significant(2)),
        Column::new("Holm", Format::Significant(2)),
        Column::new("Wilcoxon p", Format::Significant(2)),
        Column::new("Holm", Format::Significant(2)),
        Column::new("Hedges' g", Format::Fixed(2)),
        Column::new("Rank-biserial", Format::Fixed(2)),
    ]);
    for row in &report.tests {
        table.push(vec![
            format!("{} − {}", row.first, row.second).into(),
            row.family.as_str().into(),
            row.protocol.as_str().into(),
            row.tfs.into(),
            cell(Some(row.difference)),
            row.t_p.into(),
            row.t_holm.into(),
            row.wilcoxon_p.into(),
            row.wilcoxon_holm.into(),
            row.hedges_g.into(),
            row.rank_biserial.into(),
        ])?;
    }
    let note = match report.data {
        DataKind::Real => "",
        DataKind::Simulated => {
            " The sets are simulated: the tests speak of networks on this simulation, not of transcription factors."
        }
    };
    let mut page = format!(
        "{}<p class=\"note\">Paired by transcription factor, after averaging folds and seeds within a set and sets \
         within a factor; Holm's correction is over the pairs of one kind and protocol, in the second column.{note}</p>\n{}",
        section("tests", "Tests between models"),
        scroll(&table.to_html())
    );
    for diagram in &report.ranks {
        let caption = "Mean ranks over transcription factors, the best on the left. A thick line joins models that \
                       Nemenyi's test at 5 % does not tell apart.";
        page.push_str(&picture(&diagram.draw()?, caption));
    }
    page.push_str("</section>\n");
    Ok(page)
}

fn comparison(report: &Report) -> Result<String> {
    if report.sets.is_empty() {
        return Ok(String::new());
    }
    let mut page = section("comparison", "Comparison");
    // Where no network converged there is no box, but still every set's figure and the note on them.
    if let Some(plot) = box_plot(report) {
        let caption = "AUROC of each model over sets, a point a set, of several networks their mean; grey lines join the same set. Networks that did not \
                       converge are left out. Published figures stand apart: they are of real data, by other programs.";
        page.push_str(&picture(&plot.draw()?, caption));
    }
    if let Some(dots) = dot_plot(report) {
        let caption = "AUROC of each set with its interval, of several networks their mean, with a tick for each; the open bar is the figure published for that set.";
        page.push_str(&picture(&dots.draw()?, caption));
    }
    page.push_str("<h3>Every set</h3>\n");
    page.push_str(&scroll(&set_table(report)?));
    page.push_str(&not_converged(report));
    page.push_str("</section>\n");
    Ok(page)
}

fn set_table(report: &Report) -> Result<String> {
    let models = model_columns(report);
    let ensembles = ensemble_columns(report);
    let with_protocol = several_protocols(report);
    let mut columns = vec![Column::new("Set", Format::Text), Column::new("TF", Format::Text)];
    let names = models.iter().chain(&ensembles);
    let names = names.map(|(model, protocol)| model_name(model, protocol, with_protocol));
    columns.extend(names.map(|name| Column::new(name, Format::Estimate(3))));
    let published = report.published_by_set.iter();
    columns.extend(
        published.map(|s| Column::new(format!("{} (published, {})", s.name, s.status), Format::Fixed(3))),
    );
    let mut table = Table::new(columns);
    for set in &report.sets {
        let mut row: Vec<Cell> = vec![set.name.as_str().into(), set.tf.as_str().into()];
        row.extend(models.iter().map(|(model, protocol)| cell(estimate(set, model, protocol))));
        row.extend(ensembles.iter().map(|(name, protocol)| cell(ensemble(set, name, protocol))));
        row.extend(report.published_by_set.iter().map(|series| value_of(&series.values, &set.name).into()));
        table.push(row)?;
    }
    Ok(table.to_html())
}

/// Names the networks whose figures count for nothing in the ordering.
fn not_converged(report: &Report) -> String {
    let with_protocol = several_protocols(report);
    let mut names = Vec::new();
    for set in &report.sets {
        for model in set.models.iter().filter(|model| !model.converged) {
            let model = model_name(&model.model, &model.protocol, with_protocol);
            names.push(escape(&format!("{model} on {}", set.name)));
        }
    }
    if names.is_empty() {
        return String::new();
    }
    format!("<p class=\"note\">Did not converge: {}.</p>\n", names.join("; "))
}

fn sizes(report: &Report) -> Result<String> {
    if report.sizes.is_empty() {
        return Ok(String::new());
    }
    let mut page = section("sizes", "Learning curves");
    page.push_str(
        "<p class=\"note\">Networks trained on nested parts of the training half, the validation split among \
         them, and judged on the same test half: means over the sets that reach every size, of several seeds \
         their mean, with 95 % intervals by the bootstrap over factors. Networks that did not converge are \
         left out.</p>\n",
    );
    for plot in &report.sizes {
        page.push_str(&picture(&plot.draw()?, "AUROC over the number of training sequences."));
    }
    page.push_str("</section>\n");
    Ok(page)
}

fn truth(report: &Report) -> Result<String> {
    if report.truth.is_empty() {
        return Ok(String::new());
    }
    let mut page = section("truth", "Explanations against truth");
    page.push_str(
        "<p class=\"note\">Positions of the sites that were planted in simulated positives, weighted by the \
         information of their column, against all others; hits by chance are masked. Below the explanations \
         stand maps that ask no network: one that knows where sites tend to lie, a scan with the planted \
         matrices, and the judge that knows the whole grammar, the ceiling.</p>\n",
    );
    for plot in &report.truth {
        page.push_str(&picture(
            &plot.draw()?,
            "Means over sets, with 95 % intervals by the bootstrap over factors.",
        ));
    }
    page.push_str("</section>\n");
    Ok(page)
}

/// What a control among the counts is.
const CONTROL: &str = "Untrained sources are a control: the same network before its first step of training, read off \
                       the same positives, which hold their motifs whatever a network has learned. ";

fn motifs(report: &Report) -> Result<String> {
    if report.motif_counts.is_empty() {
        return Ok(String::new());
    }
    let mut columns: Vec<Column> = ["Model", "Source"].map(|name| Column::new(name, Format::Text)).into();
    columns.push(Column::new("Sets", Format::Integer));
    for standing in ["top hit", "any hit"] {
        columns.extend(
            ["q < .05", "E < .05", "E < 10"].map(|at| Column::new(format!("{standing}, {at}"), Format::Text)),
        );
    }
    columns.push(Column::new("Published", Format::Text));
    let mut table = Table::new(columns);
    for row in &report.motif_counts {
        let beside = |p: &&PublishedMotifCount| {
            p.model == row.model && p.source == row.source && row.correction.is_empty()
        };
        let published = report.published_motif_counts.iter().find(beside);
        let text =
            |p: &PublishedMotifCount| format!("{} of {} ({}, {})", p.found, p.sets, p.threshold, p.status);
        let source = match row.correction.as_str() {
            "" => row.source.clone(),
            correction => format!("{}, {correction}", row.source),
        };
        let mut cells = vec![row.model.as_str().into(), source.into(), row.sets.into()];
        for count in row.top.iter().chain(&row.any) {
            cells.push(format!("{} ({:.1})", count.found, count.chance).into());
        }
        cells.push(published.map(text).into());
        table.push(cells)?;
    }
    Ok(format!(
        "{}<p class=\"note\">Sets in which the best match of a motif of the network, or any match, is a JASPAR motif \
         named after the set's transcription factor, by Tomtom's q- or E-value. In brackets what chance finds: \
         the mean with the motifs of another factor, of another family, in place of the own ones. {}Published \
         counts are of real sets.</p>\n{}</section>\n",
        section("motifs", "Motifs found"),
        if report.motif_counts.iter().any(|row| row.control) { CONTROL } else { "" },
        scroll(&table.to_html())
    ))
}

/// Models and protocols in order of first appearance.
fn model_columns(report: &Report) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for model in report.sets.iter().flat_map(|set| &set.models) {
        let column = (model.model.clone(), model.protocol.clone());
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

fn estimate(set: &SetReport, model: &str, protocol: &str) -> Option<Estimate> {
    set.models.iter().find(|m| m.model == model && m.protocol == protocol).map(|m| m.auroc)
}

/// Ensembles and protocols in order of first appearance.
fn ensemble_columns(report: &Report) -> Vec<(String, String)> {
    let mut columns = Vec::new();
    for ensemble in report.sets.iter().flat_map(|set| &set.ensembles) {
        let column = (ensemble.name.clone(), ensemble.protocol.clone());
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

fn ensemble(set: &SetReport, name: &str, protocol: &str) -> Option<Estimate> {
    set.ensembles.iter().find(|e| e.name == name && e.protocol == protocol).map(|e| e.auroc)
}

/// AUROC of each of a model's networks, where there are several.
fn networks(set: &SetReport, model: &str, protocol: &str) -> Vec<f64> {
    let found = set.models.iter().find(|m| m.model == model && m.protocol == protocol);
    found.map_or(Vec::new(), |model| model.networks.clone())
}

fn value_of(values: &[(String, f64)], set: &str) -> Option<f64> {
    values.iter().find(|(name, _)| name == set).map(|(_, value)| *value)
}

fn cell(estimate: Option<Estimate>) -> Cell {
    match estimate {
        None => Cell::Missing,
        Some(Estimate { value, interval }) => {
            let (low, high) = interval.unwrap_or((f64::NAN, f64::NAN));
            Cell::Estimate(value, low, high)
        }
    }
}

fn section(id: &str, heading: &str) -> String {
    format!("<section id=\"{id}\"><h2>{heading}</h2>\n")
}

fn scroll(table: &str) -> String {
    format!("<div class=\"scroll\">{table}</div>\n")
}
