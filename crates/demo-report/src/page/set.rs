//! One set's section, closed until it is opened: curves, and for each model what it looked at and found.

use std::fmt::Write as _;

use super::{model_name, picture};
use crate::Result;
use crate::report::{ModelReport, MotifRow, SetReport};
use crate::svg::escape;
use crate::table::{Column, Format, Table};
use crate::values::short;

/// The section of one set.
pub(crate) fn section(set: &SetReport, index: usize, with_protocol: bool) -> Result<String> {
    let mut page =
        format!("<details><summary><b>{}</b>{}</summary>", escape(&set.name), headline(set, with_protocol));
    // The anchor lies within, so that a browser that follows it opens the section.
    let _ = writeln!(page, "<div id=\"set-{}\">", index + 1);
    let published =
        |(name, value, status): &(String, f64, _)| format!("{name} {value:.3} ({status}, real data)");
    let beside: Vec<String> = set.published.iter().map(published).collect();
    let beside = if beside.is_empty() {
        String::new()
    } else {
        format!("; published for this set: {}", beside.join(", "))
    };
    let _ = writeln!(
        page,
        "<p class=\"note\">Transcription factor {}, {}{}.</p>",
        escape(&set.tf),
        set.data,
        escape(&beside)
    );
    page.push_str("<div class=\"row\">\n");
    if let Some(roc) = &set.roc {
        page.push_str(&picture(&roc.draw()?, "ROC curves on the test half."));
    }
    if let Some(reliability) = &set.reliability {
        let caption = "Reliability on the test half, in ten bins of equal mass; honest probabilities lie on the diagonal.";
        page.push_str(&picture(&reliability.draw()?, caption));
    }
    page.push_str("</div>\n");
    for model in &set.models {
        page.push_str(&model_section(model, with_protocol)?);
    }
    page.push_str("</div></details>\n");
    Ok(page)
}

fn headline(set: &SetReport, with_protocol: bool) -> String {
    let mut text = String::new();
    for model in &set.models {
        let name = model_name(&model.model, &model.protocol, with_protocol);
        let _ = write!(text, "<span>{} {}</span>", escape(&name), short(model.auroc.value));
    }
    if let Some((name, value, _)) = set.published.first() {
        let _ = write!(text, "<span>published {} {}</span>", escape(name), short(*value));
    }
    text
}

fn model_section(model: &ModelReport, with_protocol: bool) -> Result<String> {
    let name = model_name(&model.model, &model.protocol, with_protocol);
    let interval =
        model.auroc.interval.map_or(String::new(), |(low, high)| format!(" [{low:.3}, {high:.3}]"));
    let tag = if model.converged { "" } else { " <span class=\"tag\">did not converge</span>" };
    let several = if model.networks.is_empty() {
        String::new()
    } else {
        let each: Vec<String> = model.networks.iter().map(|auroc| short(*auroc)).collect();
        format!(
            ", the mean of {} networks ({}); the first of them is shown below",
            each.len(),
            each.join(", ")
        )
    };
    let mut page = format!(
        "<h3>{}{tag}</h3>\n<p>AUROC {:.3}{interval}{several}</p>\n",
        escape(&name),
        model.auroc.value
    );
    if let Some(track) = &model.saliency {
        page.push_str(&picture(&track.draw()?, "Saliency of a test sequence: how strongly each base moves the score. True sites are shaded where they are known."));
    }
    if let Some(curves) = &model.temporal {
        let caption = match curves.lookahead() {
            0 => String::new(),
            more => format!(" The network's convolution reads {more} bases beyond the end of each."),
        };
        let caption = format!("Temporal output scores: P(bound) of every prefix and every suffix.{caption}");
        page.push_str(&picture(&curves.draw()?, &caption));
    }
    if let Some(logo) = &model.class_optimisation {
        page.push_str(&picture(
            &logo.draw()?,
            "Class optimisation: the input the network scores highest, as a logo.",
        ));
    }
    page.push_str("<div class=\"row\">\n");
    if let Some(pair) = &model.best_match {
        page.push_str(&picture(
            &pair.draw()?,
            "Best motif of the network above the JASPAR motif it matches; the shared columns are shaded.",
        ));
    }
    if let Some(curves) = &model.learning {
        page.push_str(&picture(&curves.draw()?, "Learning curves."));
    }
    page.push_str("</div>\n");
    page.push_str(&motif_table(&model.motifs)?);
    Ok(page)
}

fn motif_table(motifs: &[MotifRow]) -> Result<String> {
    if motifs.is_empty() {
        return Ok(String::new());
    }
    let mut table = Table::new(vec![
        Column::new("Motif from", Format::Text),
        Column::new("Best JASPAR match", Format::Text),
        Column::new("p", Format::Significant(2)),
        Column::new("E", Format::Significant(2)),
        Column::new("q", Format::Significant(2)),
        Column::new("Relation", Format::Text),
    ]);
    for row in motifs {
        table.push(vec![
            row.source.as_str().into(),
            row.target.clone().into(),
            row.p.into(),
            row.e.into(),
            row.q.into(),
            row.relation.as_str().into(),
        ])?;
    }
    Ok(format!("<div class=\"scroll\">{}</div>\n", table.to_html()))
}
