//! The report page: one HTML document that needs no network, script or further file.
//!
//! Letters and rules are defined once; every picture refers to them, which keeps a page of 57 sets and
//! three models within a few megabytes. Sections of single sets are closed until they are asked for.
//! Every text that comes from outside is escaped, and a content policy in the page itself refuses
//! anything that would be loaded.

mod overview;
mod set;
mod sheet;

pub(crate) use overview::{box_plot, dot_plot};

use std::fmt::Write as _;

use crate::citation::Citation;
use crate::report::{Report, RunInfo};
use crate::svg::escape;
use crate::values::DataKind;
use crate::{Figure, Result, glyphs, style};

/// The whole document.
pub(crate) fn html(report: &Report) -> Result<String> {
    let mut page = opening(&report.title, "");
    let _ = writeln!(page, "<header><h1>{}</h1>", escape(&report.title));
    page.push_str(&banner(report));
    page.push_str(&contents(report));
    page.push_str("</header>\n<main>\n");
    page.push_str(&overview::sections(report)?);
    if !report.sets.is_empty() {
        page.push_str("<section id=\"sets\"><h2>Set by set</h2>\n");
        for (index, set) in report.sets.iter().enumerate() {
            page.push_str(&set::section(set, index, several_protocols(report))?);
        }
        page.push_str("</section>\n");
    }
    page.push_str(&run_section(&report.run));
    page.push_str(&references());
    page.push_str("</main>\n</body></html>\n");
    Ok(page)
}

/// A document up to its visible part: rules, those of `own` last, and letters.
pub(crate) fn opening(title: &str, own: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>{}{}{own}</style></head>\n<body>\n\
         <svg width=\"0\" height=\"0\" class=\"defs\" aria-hidden=\"true\">{}</svg>\n",
        escape(title),
        sheet::CSS,
        style::page(),
        glyphs::definitions()
    )
}

/// Whether models must be named with their protocol.
fn several_protocols(report: &Report) -> bool {
    let mut protocols = report.sets.iter().flat_map(|set| &set.models).map(|model| &model.protocol);
    let first = protocols.next();
    protocols.any(|protocol| Some(protocol) != first)
}

/// A model's name, with its protocol where more than one is shown.
fn model_name(model: &str, protocol: &str, with_protocol: bool) -> String {
    if with_protocol { format!("{model} ({protocol})") } else { model.to_string() }
}

/// Half as wide again as the page, the sheet's 70rem: what is not wider can still be read where it shrinks to fit.
const MOST_SHRUNK: f64 = 1.5 * 1120.0;

/// A picture with a caption. Wide ones shrink only so far and then scroll within their frame; one that is far
/// wider than the page, such as the logo of a long sequence, keeps its size and scrolls.
fn picture(figure: &Figure, caption: &str) -> String {
    let wide = match figure.size().0 {
        width if width > MOST_SHRUNK => " class=\"long\"",
        width if width > 600.0 => " class=\"wide\"",
        width if width > 480.0 => " class=\"mid\"",
        _ => "",
    };
    let caption = if caption.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{}</figcaption>", escape(caption))
    };
    format!("<figure{wide}><div class=\"scroll\">{}</div>{caption}</figure>\n", figure.inline())
}

fn banner(report: &Report) -> String {
    let (class, word) = match report.data {
        DataKind::Real => ("real", "Real data"),
        DataKind::Simulated => ("simulated", "SIMULATED data"),
    };
    format!(
        "<p class=\"banner {class}\" role=\"note\"><strong>{word}.</strong> {}</p>\n",
        escape(&report.data_note)
    )
}

fn contents(report: &Report) -> String {
    let entries = [
        ("summary", "Summary", !report.summaries.is_empty()),
        ("tests", "Tests", !report.tests.is_empty()),
        ("comparison", "Comparison", !report.sets.is_empty()),
        ("sizes", "Learning curves", !report.sizes.is_empty()),
        ("truth", "Truth", !report.truth.is_empty()),
        ("motifs", "Motifs", !report.motif_counts.is_empty()),
        ("sets", "Set by set", !report.sets.is_empty()),
        ("run", "How it was made", true),
        ("references", "References", true),
    ];
    let link = |(id, name, _): &(&str, &str, bool)| format!("<a href=\"#{id}\">{name}</a>");
    let links: String = entries.iter().filter(|entry| entry.2).map(link).collect::<Vec<_>>().join(" ");
    format!("<nav aria-label=\"Contents\">{links}</nav>\n")
}

fn run_section(run: &RunInfo) -> String {
    let mut rows = vec![
        ("Command".to_string(), format!("<code>{}</code>", escape(&run.command))),
        ("Seed".to_string(), run.seed.to_string()),
        ("Version".to_string(), escape(&run.version)),
        ("Device".to_string(), escape(&run.device)),
    ];
    rows.extend(run.facts.iter().map(|(name, value)| (escape(name), escape(value))));
    let row = |(name, value): &(String, String)| format!("<dt>{name}</dt><dd>{value}</dd>\n");
    format!(
        "<section id=\"run\"><h2>How this run was made</h2>\n<dl>\n{}</dl></section>\n",
        rows.iter().map(row).collect::<String>()
    )
}

fn references() -> String {
    let item = |citation: Citation| format!("<li id=\"{}\">{}</li>\n", citation.key(), citation.to_html());
    format!(
        "<section id=\"references\"><h2>References</h2>\n<ol>\n{}</ol></section>\n",
        Citation::ALL.map(item).concat()
    )
}

#[cfg(test)]
mod tests;
