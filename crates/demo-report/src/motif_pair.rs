//! A query motif above the motif it matches, aligned as the comparison aligned them.
//!
//! The offset is Tomtom's: the column of the target, on the strand that matched, at which the query
//! starts; a negative one means that the target starts within the query.

use demo_core::{Motif, ProbabilityMatrix, Strand};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::axis::Axis;
use crate::figure::Figure;
use crate::logo::{LogoScale, draw_stacks, draw_value_axis, letter_heights};
use crate::svg::{Anchor, Canvas, text_width};
use crate::table::significant;

const LEFT: f64 = 34.0;
const COLUMN: f64 = 17.0;
const STACK: f64 = 62.0;

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

    /// Draws the query above the target, columns aligned.
    ///
    /// # Errors
    /// None for motifs whose matrices are checked; the signature is that of the other pictures.
    pub fn draw(&self) -> Result<Figure> {
        let oriented = match self.strand {
            Strand::Forward => self.target.probabilities().clone(),
            Strand::Reverse => self.target.probabilities().to_reverse_complement(),
        };
        let (query_start, target_start) = (self.offset.max(0) as f64, (-self.offset).max(0) as f64);
        let (query_width, target_width) = (self.query.width() as f64, oriented.width() as f64);
        let columns = (query_start + query_width).max(target_start + target_width);
        let query_name = name(&self.query);
        let target_name = format!("{} ({})", name(&self.target), self.strand);
        let footer = format!("offset {}, strand {}", self.offset, self.strand);
        let text = [&query_name, &target_name, &footer, &self.values].map(|text| text_width(text, 11.0));
        let width = text.into_iter().fold(LEFT + columns * COLUMN + 8.0, |widest, w| widest.max(w + LEFT));

        let mut canvas = Canvas::default();
        // Columns in both motifs are what the match is about; they get a ground of their own.
        let overlap_start = query_start.max(target_start);
        let overlap_end = (query_start + query_width).min(target_start + target_width);
        if overlap_end > overlap_start {
            let x = LEFT + overlap_start * COLUMN;
            let height = 2.0 * STACK + 26.0;
            canvas.rect("ov", x, 20.0, (overlap_end - overlap_start) * COLUMN, height);
        }
        canvas.text("", Anchor::Start, (LEFT, 14.0), &query_name);
        draw_matrix(&mut canvas, self.query.probabilities(), 20.0, LEFT + query_start * COLUMN)?;
        canvas.text("", Anchor::Start, (LEFT, 20.0 + STACK + 20.0), &target_name);
        draw_matrix(&mut canvas, &oriented, 20.0 + STACK + 26.0, LEFT + target_start * COLUMN)?;
        let below = 20.0 + 2.0 * STACK + 26.0;
        canvas.text("s q", Anchor::Start, (LEFT, below + 14.0), &footer);
        let mut height = below + 20.0;
        if !self.values.is_empty() {
            canvas.text("s q", Anchor::Start, (LEFT, below + 27.0), &self.values);
            height += 13.0;
        }
        Ok(Figure::new(&format!("{query_name} aligned with {target_name}"), width, height, canvas))
    }
}

fn draw_matrix(canvas: &mut Canvas, matrix: &ProbabilityMatrix, top: f64, left: f64) -> Result<()> {
    let axis = Axis::new(0.0, 2.0, top + STACK, top);
    let ticks = [0.0, 1.0, 2.0].map(|value| (value, format!("{value}")));
    draw_value_axis(canvas, &axis, &ticks, LEFT - 3.0, "bits");
    let heights = letter_heights(matrix.rows(), LogoScale::Information)?;
    draw_stacks(canvas, &heights, &axis, left, COLUMN);
    let right = left + heights.len() as f64 * COLUMN;
    canvas.line("x", (left, top + STACK), (right, top + STACK));
    Ok(())
}

fn name(motif: &Motif) -> String {
    motif.name().map_or_else(|| motif.id().to_string(), |name| format!("{} {name}", motif.id()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
