//! A query motif above the motif it matches, aligned as the comparison aligned them.
//!
//! The offset is Tomtom's: the column of the target, on the strand that matched, at which the query
//! starts; a negative one means that the target starts within the query.

use std::ops::Range;

use demo_core::{Motif, ProbabilityMatrix, Strand};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::axis::Axis;
use crate::figure::Figure;
use crate::logo::{LogoScale, draw_positions, draw_stacks, draw_value_axis, letter_heights};
use crate::svg::{Anchor, Canvas, text_width};
use crate::table::significant;

const LEFT: f64 = 34.0;
const COLUMN: f64 = 17.0;
const STACK: f64 = 62.0;
/// As many columns fit a set's section of the page.
const WHOLE: i64 = 59;
/// Columns drawn on either side of the aligned ones where not all fit.
const BESIDE: i64 = 10;

/// Two motifs and how they match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MotifPair {
    query: Motif,
    target: Motif,
    offset: i64,
    strand: Strand,
    values: String,
}

impl MotifPair {
    /// `target` is given as its collection holds it; `Strand::Reverse` shows its reverse complement.
    pub fn new(query: Motif, target: Motif, offset: i64, strand: Strand) -> Self {
        Self { query, target, offset, strand, values: String::new() }
    }

    /// The same pair with the p-, E- and q-value of the match.
    #[must_use]
    pub fn with_significance(mut self, p: f64, e: f64, q: Option<f64>) -> Self {
        let q = q.map_or(String::new(), |q| format!(", q = {}", significant(q, 2)));
        self.values = format!("p = {}, E = {}{q}", significant(p, 2), significant(e, 2));
        self
    }

    /// Draws the query above the target, columns aligned. Of motifs that would be wider than a page only the
    /// aligned columns and ten on either side are drawn; the names then say which columns of each motif these
    /// are, and the query's carry their numbers.
    ///
    /// # Errors
    /// None for motifs whose matrices are checked; the signature is that of the other pictures.
    pub fn draw(&self) -> Result<Figure> {
        let oriented = match self.strand {
            Strand::Forward => self.target.probabilities().clone(),
            Strand::Reverse => self.target.probabilities().to_reverse_complement(),
        };
        let layout = Layout::new(self.offset, self.query.width(), oriented.width());
        let Layout { query, target, shared, shown } = &layout;
        let query_name = name(&self.query) + &layout.part(query);
        let target_name = format!("{} ({}){}", name(&self.target), self.strand, layout.part(target));
        let footer = format!("offset {}, strand {}", self.offset, self.strand);
        let text = [&query_name, &target_name, &footer, &self.values].map(|text| text_width(text, 11.0));
        let columns = (shown.end - shown.start) as f64;
        let width = text.into_iter().fold(LEFT + columns * COLUMN + 8.0, |widest, w| widest.max(w + LEFT));

        let mut canvas = Canvas::default();
        // Below the query there is room for its columns' numbers, where they are not all of them.
        let numbers = if layout.is_cut() { 13.0 } else { 0.0 };
        let second = 20.0 + STACK + numbers + 26.0;
        // Columns in both motifs are what the match is about; they get a ground of their own.
        if !shared.is_empty() {
            let width = (shared.end - shared.start) as f64 * COLUMN;
            canvas.rect("ov", layout.x(shared.start), 20.0, width, second - 20.0 + STACK);
        }
        canvas.text("", Anchor::Start, (LEFT, 14.0), &query_name);
        draw_matrix(&mut canvas, self.query.probabilities(), &layout, query, 20.0)?;
        if layout.is_cut() {
            let drawn = layout.drawn(query);
            let (left, columns) = (layout.x(query.start + drawn.start), (drawn.end - drawn.start) as usize);
            draw_positions(&mut canvas, drawn.start + 1, columns, left, COLUMN, 20.0 + STACK + 12.0);
        }
        canvas.text("", Anchor::Start, (LEFT, second - 6.0), &target_name);
        draw_matrix(&mut canvas, &oriented, &layout, target, second)?;
        let below = second + STACK;
        canvas.text("s q", Anchor::Start, (LEFT, below + 14.0), &footer);
        let mut height = below + 20.0;
        if !self.values.is_empty() {
            canvas.text("s q", Anchor::Start, (LEFT, below + 27.0), &self.values);
            height += 13.0;
        }
        Ok(Figure::new(&format!("{query_name} aligned with {target_name}"), width, height, canvas))
    }
}

/// Where two motifs lie beside each other, in columns counted from where the first of them begins.
struct Layout {
    query: Range<i64>,
    target: Range<i64>,
    shared: Range<i64>,
    /// What is drawn.
    shown: Range<i64>,
}

impl Layout {
    fn new(offset: i64, query: usize, target: usize) -> Self {
        let (query_start, target_start) = (offset.max(0), (-offset).max(0));
        let query = query_start..query_start + query.cast_signed() as i64;
        let target = target_start..target_start + target.cast_signed() as i64;
        let shared = query.start.max(target.start)..query.end.min(target.end);
        let all = 0..query.end.max(target.end);
        let shown = if all.end <= WHOLE || shared.is_empty() {
            all
        } else {
            (shared.start - BESIDE).max(0)..(shared.end + BESIDE).min(all.end)
        };
        Self { query, target, shared, shown }
    }

    /// Whether not all columns are drawn.
    fn is_cut(&self) -> bool {
        self.shown != (0..self.query.end.max(self.target.end))
    }

    /// The left edge of a column.
    fn x(&self, column: i64) -> f64 {
        LEFT + (column - self.shown.start) as f64 * COLUMN
    }

    /// Which of a motif's own columns are drawn, from 0.
    fn drawn(&self, motif: &Range<i64>) -> Range<i64> {
        let own = |column: i64| column.clamp(motif.start, motif.end) - motif.start;
        own(self.shown.start)..own(self.shown.end)
    }

    /// What a motif's name says where a part of it is drawn.
    fn part(&self, motif: &Range<i64>) -> String {
        let (drawn, width) = (self.drawn(motif), motif.end - motif.start);
        if drawn == (0..width) {
            return String::new();
        }
        format!(", columns {} to {} of {width}", drawn.start + 1, drawn.end)
    }
}

/// Draws what is shown of a motif that lies at `place`.
fn draw_matrix(
    canvas: &mut Canvas,
    matrix: &ProbabilityMatrix,
    layout: &Layout,
    place: &Range<i64>,
    top: f64,
) -> Result<()> {
    let axis = Axis::new(0.0, 2.0, top + STACK, top);
    let ticks = [0.0, 1.0, 2.0].map(|value| (value, format!("{value}")));
    draw_value_axis(canvas, &axis, &ticks, LEFT - 3.0, "bits");
    let drawn = layout.drawn(place);
    let left = layout.x(place.start + drawn.start);
    let rows = &matrix.rows()[drawn.start as usize..drawn.end as usize];
    let heights = letter_heights(rows, LogoScale::Information)?;
    draw_stacks(canvas, &heights, &axis, left, COLUMN);
    let right = left + heights.len() as f64 * COLUMN;
    canvas.line("x", (left, top + STACK), (right, top + STACK));
    Ok(())
}

/// Identifier and name.
pub(crate) fn name(motif: &Motif) -> String {
    motif.name().map_or_else(|| motif.id().to_string(), |name| format!("{} {name}", motif.id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::number;

    fn motif(id: &str, width: usize) -> Motif {
        Motif::new(id, ProbabilityMatrix::new(vec![[1.0, 0.0, 0.0, 0.0]; width]).unwrap())
    }

    /// Left edges of the letters drawn, with the glyph.
    fn letters(svg: &str) -> Vec<(char, String)> {
        let letter = |text: &str| {
            let matrix = text.split("matrix(").nth(1).unwrap().split(')').next().unwrap();
            (text.chars().next().unwrap(), matrix.split(' ').nth(4).unwrap().to_string())
        };
        svg.split("<use href=\"#").skip(1).map(letter).collect()
    }

    #[test]
    fn a_negative_offset_shifts_the_target() {
        // Tomtom 5.5.8 aligns MA0002.2 (11 columns) with MA0684.1 at offset -1 on the other strand:
        // the target's ten columns lie under the query's last ten.
        let pair = MotifPair::new(motif("q", 3), motif("t", 2), -1, Strand::Reverse);
        let found = letters(&pair.draw().unwrap().svg());
        let wanted = [('A', "34.4"), ('A', "51.4"), ('A', "68.4"), ('T', "51.4"), ('T', "68.4")];
        assert_eq!(found, wanted.map(|(base, x)| (base, x.to_string())));
    }

    #[test]
    fn a_positive_offset_shifts_the_query() {
        let pair = MotifPair::new(motif("q", 1), motif("t", 3), 2, Strand::Forward);
        let pair = pair.with_significance(1.5e-9, 7.8e-7, Some(1e-6));
        let svg = pair.draw().unwrap().svg();
        assert_eq!(letters(&svg)[0], ('A', "68.4".to_string()));
        assert!(svg.contains("p = 1.5e-9, E = 7.8e-7, q = 1.0e-6"));
    }

    #[test]
    fn a_long_query_is_cut_to_what_is_aligned() {
        // The target's eight columns lie under the query's columns 501 to 508.
        let pair = MotifPair::new(motif("q", 1000), motif("t", 8), -500, Strand::Forward);
        let figure = pair.draw().unwrap();
        assert_eq!(figure.size().0, (LEFT + 28.0 * COLUMN + 8.0).ceil());
        assert_eq!(figure.title(), "q, columns 491 to 518 of 1000 aligned with t (+)");
        let svg = figure.svg();
        assert!(svg.contains(">q, columns 491 to 518 of 1000</text>") && svg.contains(">t (+)</text>"));
        let drawn = letters(&svg);
        assert_eq!(drawn.len(), 28 + 8);
        // The aligned columns keep their shade and their own numbers.
        let x = |column: f64| number(LEFT + column * COLUMN);
        assert!(svg.contains(&format!("class=\"ov\" x=\"{}\"", x(10.0))));
        let number_at = |position: i64| {
            let text = svg.split("<text").find(|text| text.contains(&format!(">{position}</text>")));
            text.map(|text| text.split("x=\"").nth(1).unwrap().split('"').next().unwrap().to_string())
        };
        assert_eq!((number_at(500), number_at(505)), (Some(x(9.5)), Some(x(14.5))));
        assert_eq!((number_at(480), number_at(520)), (None, None));
    }

    #[test]
    fn what_fits_is_whole_and_a_long_target_is_cut_likewise() {
        let fits = MotifPair::new(motif("q", 59), motif("t", 8), -40, Strand::Forward).draw().unwrap();
        assert_eq!(letters(&fits.svg()).len(), 59 + 8);
        assert!(!fits.svg().contains("columns"));
        let pair = MotifPair::new(motif("q", 6), motif("t", 300), 3, Strand::Reverse);
        let svg = pair.draw().unwrap().svg();
        assert!(svg.contains(">q</text>") && svg.contains(">t (-), columns 1 to 19 of 300</text>"), "{svg}");
        assert_eq!(letters(&svg).len(), 6 + 19);
    }
}
