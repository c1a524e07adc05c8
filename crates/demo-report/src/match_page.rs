//! The matches of motifs as one HTML document: an overview, and for each query a table of all its matches and the
//! first of them drawn, logos aligned.
//!
//! The document needs no network, script or further file. Every logo is defined once, however many matches show
//! it, and a query's section is closed until it is asked for where there are many: hundreds of queries with
//! dozens of matches stay a few megabytes. Rows stand in the order of the comparison, best match first.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use demo_core::{Motif, ProbabilityMatrix, Strand};
use demo_motifmatch::Match;

use crate::Result;
use crate::axis::Axis;
use crate::files::write_whole;
use crate::logo::{LogoScale, draw_stacks, letter_heights};
use crate::motif_pair;
use crate::page::opening;
use crate::svg::{Canvas, escape, number};
use crate::table::significant;

/// Width of a column, in SVG units.
const COLUMN: f64 = 14.0;
/// Height of two bits.
const STACK: f64 = 44.0;
/// Between the two logos.
const GAP: f64 = 8.0;
/// Left of the logos, for the axis.
const LEFT: f64 = 14.0;
/// So many queries have their sections open.
const OPEN: usize = 3;
/// Matches drawn for a query.
const DRAWN: usize = 10;

/// What this page has beyond the sheet of all pages. Lines within a logo have a rule of their own: what is used
/// in a picture from outside knows nothing of the picture.
const CSS: &str = "\
.pairs{display:flex;flex-wrap:wrap;gap:.4rem 1.6rem;align-items:flex-start}\
.pairs figure{margin:.4rem 0;max-width:100%;overflow-x:auto;scroll-margin-top:1rem}\
.pairs figure svg{max-width:none}\
.pairs figcaption{max-width:20rem}\
figure:target,tr:target td{background:var(--soft)}\
.m th,.m td{text-align:right;white-space:nowrap}.m :is(th,td):nth-child(2){text-align:left}\
.ax{fill:none;stroke:var(--ink)}\
figcaption i{font-style:normal;white-space:nowrap}\
td:not(.n){min-width:0;overflow-wrap:normal}";

/// A match to be shown: what the page needs of a comparison's [`Match`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageMatch {
    /// The target's index in the page's list of targets.
    pub target: usize,
    /// The target column that lies at query column 0; negative where the target begins later.
    pub offset: i64,
    /// The strand of the target that matches.
    pub strand: Strand,
    /// Columns aligned.
    pub overlap: usize,
    /// p-value.
    pub p: f64,
    /// E-value.
    pub e: f64,
    /// q-value.
    pub q: f64,
}

impl From<&Match> for PageMatch {
    fn from(found: &Match) -> Self {
        Self {
            target: found.target,
            offset: i64::try_from(found.offset).unwrap_or_default(),
            strand: found.orientation,
            overlap: found.overlap,
            p: found.p_value,
            e: found.e_value,
            q: found.q_value,
        }
    }
}

/// Queries, targets and their matches.
///
/// ```
/// use demo_core::{Motif, ProbabilityMatrix, Strand};
/// use demo_report::{MatchPage, PageMatch};
///
/// let motif = Motif::new("m1", ProbabilityMatrix::new(vec![[0.7, 0.1, 0.1, 0.1]; 6])?);
/// let targets = [motif.clone()];
/// let found = PageMatch { target: 0, offset: 0, strand: Strand::Forward, overlap: 6, p: 1e-4, e: 1e-4, q: 1e-4 };
/// let mut page = MatchPage::new("Matches", &targets);
/// page.push(&motif, 3.9, vec![found]);
/// assert!(page.to_html()?.starts_with("<!DOCTYPE html>"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct MatchPage<'a> {
    title: String,
    facts: Vec<(String, String)>,
    targets: &'a [Motif],
    queries: Vec<Query<'a>>,
    drawn: usize,
}

#[derive(Debug, Clone)]
struct Query<'a> {
    motif: &'a Motif,
    /// Its information content.
    bits: f64,
    matches: Vec<PageMatch>,
}

impl<'a> MatchPage<'a> {
    /// A page without queries.
    pub fn new(title: impl Into<String>, targets: &'a [Motif]) -> Self {
        Self { title: title.into(), facts: Vec::new(), targets, queries: Vec::new(), drawn: DRAWN }
    }

    /// The same page with at most so many matches drawn for each query; all of them stay in its table.
    #[must_use]
    pub fn with_drawn(mut self, drawn: usize) -> Self {
        self.drawn = drawn;
        self
    }

    /// The same page with another line about how it was made, such as the command.
    #[must_use]
    pub fn with_fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// Adds a query, its information content in bits as it was compared, and its matches, best first; a match
    /// whose target is not in the list is left out.
    pub fn push(&mut self, query: &'a Motif, bits: f64, matches: Vec<PageMatch>) {
        let known = |found: &PageMatch| found.target < self.targets.len();
        let matches = matches.into_iter().filter(known).collect();
        self.queries.push(Query { motif: query, bits, matches });
    }

    /// The whole document.
    ///
    /// # Errors
    /// None for motifs whose matrices are checked; the signature is that of the other pictures.
    pub fn to_html(&self) -> Result<String> {
        let mut page = opening(&self.title, CSS);
        page.push_str(&self.logos()?);
        let matches: usize = self.queries.iter().map(|query| query.matches.len()).sum();
        let _ = writeln!(
            page,
            "<header><h1>{}</h1>\n<p>{} against {}: {}.</p>\n<nav aria-label=\"Contents\"><a href=\"#queries\">Queries</a> \
             <a href=\"#matches\">Matches</a> <a href=\"#run\">How it was made</a></nav></header>\n<main>",
            escape(&self.title),
            counted(self.queries.len(), "query", "queries"),
            counted(self.targets.len(), "target", "targets"),
            counted(matches, "match", "matches"),
        );
        page.push_str(&self.overview());
        page.push_str("<section id=\"matches\"><h2>Matches</h2>\n");
        for index in 0..self.queries.len() {
            self.write_query(&mut page, index);
        }
        page.push_str("</section>\n");
        page.push_str(&self.run());
        page.push_str("</main>\n</body></html>\n");
        Ok(page)
    }

    /// Writes the document, whole or not at all.
    ///
    /// # Errors
    /// As [`MatchPage::to_html`], and [`Error::Write`](crate::Error::Write) naming the path.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, self.to_html()?.as_bytes())
    }

    /// The matches of a query that are drawn.
    fn shown<'b>(&self, matches: &'b [PageMatch]) -> &'b [PageMatch] {
        &matches[..matches.len().min(self.drawn)]
    }

    /// Every logo that a drawing uses, once.
    fn logos(&self) -> Result<String> {
        let mut targets = BTreeSet::new();
        let mut axis = Canvas::default();
        axis.polyline("ax", &[(LEFT - 6.0, 0.5), (LEFT - 3.0, 0.5), (LEFT - 3.0, STACK)]);
        let mut logos = format!(
            "<svg width=\"0\" height=\"0\" class=\"defs\" aria-hidden=\"true\"><defs><g id=\"axis\">{}</g>",
            axis.into_body()
        );
        for (index, Query { motif, matches, .. }) in self.queries.iter().enumerate() {
            let shown = self.shown(matches);
            if !shown.is_empty() {
                write_logo(&mut logos, &format!("q{index}"), motif.probabilities())?;
            }
            targets.extend(shown.iter().map(|found| (found.target, found.strand)));
        }
        for (target, strand) in targets {
            let matrix = self.targets[target].probabilities();
            match strand {
                Strand::Forward => write_logo(&mut logos, &target_logo(target, strand), matrix)?,
                Strand::Reverse => {
                    write_logo(&mut logos, &target_logo(target, strand), &matrix.to_reverse_complement())?;
                }
            }
        }
        logos.push_str("</defs></svg>\n");
        Ok(logos)
    }

    /// A row for each query, linked to its section.
    fn overview(&self) -> String {
        let mut html = String::from(
            "<section id=\"queries\"><h2>Queries</h2>\n<div class=\"scroll\"><table><thead><tr>\
             <th scope=\"col\">Query</th><th scope=\"col\" class=\"n\">Width</th><th scope=\"col\" class=\"n\">Bits</th>\
             <th scope=\"col\" class=\"n\">Matches</th><th scope=\"col\">Best match</th>\
             <th scope=\"col\" class=\"n\">p</th><th scope=\"col\" class=\"n\">E</th><th scope=\"col\" class=\"n\">q</th></tr></thead><tbody>\n",
        );
        for (index, Query { motif, bits, matches }) in self.queries.iter().enumerate() {
            let _ = write!(
                html,
                "<tr><td><a href=\"#s{index}\">{}</a></td><td class=\"n\">{}</td><td class=\"n\">{bits:.1}</td><td class=\"n\">{}</td>",
                name(motif),
                motif.width(),
                matches.len()
            );
            match matches.first() {
                Some(best) => {
                    let _ = writeln!(
                        html,
                        "<td>{}</td>{}</tr>",
                        name(&self.targets[best.target]),
                        values(best, " class=\"n\"")
                    );
                }
                None => html.push_str(
                    "<td>–</td><td class=\"n\">–</td><td class=\"n\">–</td><td class=\"n\">–</td></tr>\n",
                ),
            }
        }
        html.push_str("</tbody></table></div></section>\n");
        html
    }

    /// A query's section: table and drawings.
    fn write_query(&self, page: &mut String, index: usize) {
        let Query { motif, matches, .. } = &self.queries[index];
        let open = if self.queries.len() <= OPEN { " open" } else { "" };
        let best = matches.first().map_or_else(String::new, |best| {
            format!("<span>best {}, p {}</span>", name(&self.targets[best.target]), significant(best.p, 3))
        });
        // The anchor lies within, so that a browser that follows it opens the section.
        let _ = writeln!(
            page,
            "<details{open}><summary><b>{}</b><span>{}</span>{best}</summary><div id=\"s{index}\">",
            name(motif),
            counted(matches.len(), "match", "matches"),
        );
        if matches.is_empty() {
            page.push_str("<p class=\"note\">No match within the threshold.</p>\n");
        } else {
            self.write_table(page, index, matches);
            let shown = self.shown(matches);
            if shown.len() < matches.len() {
                let _ = writeln!(page, "<p class=\"note\">The first {} are drawn.</p>", shown.len());
            }
            page.push_str("<div class=\"pairs\">\n");
            for (rank, found) in shown.iter().enumerate() {
                self.write_pair(page, index, rank, found);
            }
            page.push_str("</div>\n");
        }
        page.push_str("<p class=\"note\"><a href=\"#queries\">All queries</a></p></div></details>\n");
    }

    fn write_table(&self, page: &mut String, index: usize, matches: &[PageMatch]) {
        page.push_str(
            "<div class=\"scroll\"><table class=\"m\"><thead><tr><th scope=\"col\">Rank</th><th scope=\"col\">Target</th>\
             <th scope=\"col\">p</th><th scope=\"col\">E</th><th scope=\"col\">q</th>\
             <th scope=\"col\">Overlap</th><th scope=\"col\">Offset</th><th scope=\"col\">Strand</th></tr></thead><tbody>\n",
        );
        for (rank, found) in matches.iter().enumerate() {
            let target = name(&self.targets[found.target]);
            let target = if rank < self.drawn {
                format!("<a href=\"#s{index}-{}\">{target}</a>", rank + 1)
            } else {
                target
            };
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{target}</td>{}<td>{}</td><td>{}</td><td>{}</td></tr>",
                rank + 1,
                values(found, ""),
                found.overlap,
                found.offset,
                found.strand
            );
        }
        page.push_str("</tbody></table></div>\n");
    }

    /// The query's logo above the target's, columns aligned.
    fn write_pair(&self, page: &mut String, index: usize, rank: usize, found: &PageMatch) {
        let query = self.queries[index].motif;
        let target = &self.targets[found.target];
        let (query_start, target_start) = (found.offset.max(0) as f64, (-found.offset).max(0) as f64);
        let (query_end, target_end) =
            (query_start + query.width() as f64, target_start + target.width() as f64);
        let at = |column: f64| LEFT + column * COLUMN;
        let below = STACK + GAP;
        let mut canvas = Canvas::default();
        let (from, to) = (query_start.max(target_start), query_end.min(target_end));
        if to > from {
            canvas.rect("site", at(from), 0.0, (to - from) * COLUMN, 2.0 * STACK + GAP);
        }
        let mut body = canvas.into_body();
        let uses = [
            (format!("q{index}"), at(query_start), 0.0),
            (target_logo(found.target, found.strand), at(target_start), below),
        ];
        for (id, x, y) in uses {
            let _ = write!(body, "<use href=\"#{id}\" x=\"{}\" y=\"{}\"/>", number(x), number(y));
            let _ = write!(body, "<use href=\"#axis\" y=\"{}\"/>", number(y));
        }
        let (width, height) = (number(at(query_end.max(target_end)) + 4.0), number(2.0 * STACK + GAP + 1.0));
        let rank = rank + 1;
        let _ = writeln!(
            page,
            "<figure id=\"s{index}-{rank}\"><svg class=\"fig\" width=\"{width}\" height=\"{height}\" aria-hidden=\"true\">{body}</svg>\
             <figcaption>{rank}. {query} above {target} ({strand})<br/><i>p = {p}</i>, <i>E = {e}</i>, <i>q = {q}</i>, \
             {overlap}</figcaption></figure>",
            query = name(query),
            target = name(target),
            strand = found.strand,
            p = significant(found.p, 3),
            e = significant(found.e, 3),
            q = significant(found.q, 3),
            overlap = counted(found.overlap, "column shared", "columns shared"),
        );
    }

    fn run(&self) -> String {
        let mut html = String::from("<section id=\"run\"><h2>How it was made</h2>\n<dl>\n");
        for (name, value) in &self.facts {
            let _ = writeln!(html, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
        }
        html.push_str(
            "</dl>\n<p class=\"note\">A logo's letters are as high as probability times information content, the axis two bits; \
             columns that are aligned have a shaded ground. Targets that match by their reverse complement (strand -) are shown so. \
             The offset is the target's column at which the query begins.</p></section>\n",
        );
        html
    }
}

/// p, E and q as cells.
fn values(found: &PageMatch, class: &str) -> String {
    [found.p, found.e, found.q].map(|value| format!("<td{class}>{}</td>", significant(value, 3))).concat()
}

fn target_logo(target: usize, strand: Strand) -> String {
    let side = if strand == Strand::Forward { 'f' } else { 'r' };
    format!("t{target}{side}")
}

/// The stacks of a motif as a group, its upper left corner at the origin.
fn write_logo(into: &mut String, id: &str, matrix: &ProbabilityMatrix) -> Result<()> {
    let heights = letter_heights(matrix.rows(), LogoScale::Information)?;
    let mut canvas = Canvas::default();
    canvas.line("ax", (0.0, STACK), (heights.len() as f64 * COLUMN, STACK));
    draw_stacks(&mut canvas, &heights, &Axis::new(0.0, 2.0, STACK, 0.0), 0.0, COLUMN);
    let _ = write!(into, "<g id=\"{id}\">{}</g>", canvas.into_body());
    Ok(())
}

/// Identifier and name, escaped.
fn name(motif: &Motif) -> String {
    escape(&motif_pair::name(motif))
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motif(id: &str, width: usize) -> Motif {
        Motif::new(id, ProbabilityMatrix::new(vec![[0.97, 0.01, 0.01, 0.01]; width]).unwrap())
    }

    fn found(target: usize, offset: i64, strand: Strand) -> PageMatch {
        PageMatch { target, offset, strand, overlap: 3, p: 1.5e-9, e: 3e-9, q: 3e-9 }
    }

    fn section(page: &str, index: usize) -> &str {
        page.split(&format!("<div id=\"s{index}\">")).nth(1).unwrap().split("</details>").next().unwrap()
    }

    #[test]
    fn all_matches_are_listed_and_the_first_ones_drawn() {
        let targets = [motif("t<1>", 5), motif("t2", 3)];
        let queries = [motif("q1", 4), motif("q2", 4)];
        let mut page = MatchPage::new("a & b", &targets).with_drawn(2).with_fact("Command", "demo <x>");
        let strand = Strand::Forward;
        page.push(
            &queries[0],
            7.25,
            vec![found(0, 1, strand), found(1, -1, Strand::Reverse), found(0, 0, strand)],
        );
        page.push(&queries[1], 0.0, Vec::new());
        let html = page.to_html().unwrap();
        assert!(html.contains("<title>a &amp; b</title>") && html.contains("demo &lt;x&gt;"));
        assert!(!html.contains("t<1>") && html.contains("2 queries against 2 targets: 3 matches"));
        let first = section(&html, 0);
        assert_eq!((first.matches("<tr>").count(), first.matches("<figure").count()), (4, 2));
        assert!(html.contains("<td class=\"n\">4</td><td class=\"n\">7.2</td><td class=\"n\">3</td>"));
        assert!(first.contains("The first 2 are drawn") && first.contains("1.50e-9"));
        assert!(section(&html, 1).contains("No match"));
        // Every link has its place, and every place is there once.
        for target in html.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert_eq!(html.matches(&format!("id=\"{target}\"")).count(), 1, "{target}");
        }
    }

    #[test]
    fn logos_lie_where_the_columns_are_aligned() {
        let (targets, query) = ([motif("t", 5)], motif("q", 4));
        let place = |offset, strand| {
            let mut page = MatchPage::new("x", &targets);
            page.push(&query, 8.0, vec![found(0, offset, strand)]);
            let html = page.to_html().unwrap();
            let figure = html.split("<figure").nth(1).unwrap().to_owned();
            let x = |id: &str| -> f64 {
                let after = figure.split(&format!("href=\"#{id}\" x=\"")).nth(1).unwrap();
                after.split('"').next().unwrap().parse().unwrap()
            };
            let shade = figure.split("class=\"site\" x=\"").nth(1).unwrap().split('"').next().unwrap();
            let target = if strand == Strand::Forward { "t0f" } else { "t0r" };
            (
                (x("q0") - LEFT) / COLUMN,
                (x(target) - LEFT) / COLUMN,
                (shade.parse::<f64>().unwrap() - LEFT) / COLUMN,
            )
        };
        assert_eq!(place(2, Strand::Forward), (2.0, 0.0, 2.0));
        assert_eq!(place(-1, Strand::Reverse), (0.0, 1.0, 1.0));
    }

    #[test]
    fn a_logo_is_defined_once_however_often_it_is_drawn() {
        let targets = [motif("t", 5)];
        let queries: Vec<Motif> = (0..40).map(|i| motif(&format!("q{i}"), 4)).collect();
        let mut page = MatchPage::new("x", &targets);
        for query in &queries {
            page.push(query, 8.0, vec![found(0, 0, Strand::Forward); 30]);
        }
        let html = page.to_html().unwrap();
        assert_eq!((html.matches("<g id=\"t0f\">").count(), html.matches("<figure").count()), (1, 400));
        assert!(!html.contains("<details open"));
        assert!(
            resvg::usvg::roxmltree::Document::parse(
                &html
                    .split_once("<main>")
                    .unwrap()
                    .1
                    .split("</main>")
                    .next()
                    .map(|main| format!("<main>{main}</main>"))
                    .unwrap()
            )
            .is_ok()
        );
    }
}
