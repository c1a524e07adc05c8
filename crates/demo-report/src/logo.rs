//! Sequence logos: stacks of letters over positions, one stack for a matrix column, one letter for an
//! attribution.
//!
//! In bits, a letter is as high as probability times the column's information content against a
//! uniform background (Schneider and Stephens, *Nucleic Acids Research* 18, 1990), without a
//! small-sample correction. Raw values may be of either sign: negative letters hang below the axis.

use demo_core::{DnaSequence, ProbabilityMatrix};
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::svg::{Anchor, Canvas, text_width};
use crate::{Error, Result};

/// What the height of a letter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LogoScale {
    /// Probability times information content, 0 to 2 bits.
    #[default]
    Information,
    /// The probability itself, 0 to 1.
    Probability,
    /// The numbers as they are, of either sign.
    Raw,
}

impl LogoScale {
    fn axis_label(self) -> &'static str {
        match self {
            Self::Information => "bits",
            Self::Probability => "probability",
            Self::Raw => "value",
        }
    }
}

/// A logo to draw: rows of four numbers in the order A, C, G, T.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Logo {
    rows: Vec<[f64; 4]>,
    scale: LogoScale,
    title: String,
    first_position: i64,
    height: f64,
}

impl Logo {
    /// An information logo of these rows, numbered from 1.
    pub fn new(rows: Vec<[f64; 4]>) -> Self {
        Self { rows, scale: LogoScale::default(), title: String::new(), first_position: 1, height: 110.0 }
    }

    /// An information logo of a motif.
    pub fn from_matrix(matrix: &ProbabilityMatrix) -> Self {
        Self::new(matrix.to_normalised().rows().to_vec())
    }

    /// A raw logo with one letter a position: the observed base, as high as its score.
    ///
    /// # Errors
    /// [`Error::Length`] where sequence and scores differ in length.
    pub fn from_attribution(sequence: &DnaSequence, scores: &[f32]) -> Result<Self> {
        if sequence.len() != scores.len() {
            let (found, wanted) = (scores.len(), sequence.len());
            return Err(Error::Length { figure: "attribution logo", what: "scores", found, wanted });
        }
        let rows =
            sequence.as_codes().iter().zip(scores).map(|(code, score)| letter_row(*code, *score)).collect();
        Ok(Self::new(rows).with_scale(LogoScale::Raw))
    }

    /// The same logo with other heights.
    #[must_use]
    pub fn with_scale(mut self, scale: LogoScale) -> Self {
        self.scale = scale;
        self
    }

    /// The same logo under a title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The same logo with another number under its first column, such as -50.
    #[must_use]
    pub fn with_first_position(mut self, position: i64) -> Self {
        self.first_position = position;
        self
    }

    /// The same logo with another height of its stacks, in SVG units.
    #[must_use]
    pub fn with_height(mut self, height: f64) -> Self {
        self.height = height.clamp(20.0, 1000.0);
        self
    }

    /// The height of each letter in the unit of its scale, position × base.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::Value`] at a number that is not finite or, but for raw
    /// logos, negative.
    pub fn letter_heights(&self) -> Result<Vec<[f64; 4]>> {
        letter_heights(&self.rows, self.scale)
    }

    /// Draws the logo.
    ///
    /// # Errors
    /// As [`Logo::letter_heights`].
    pub fn draw(&self) -> Result<Figure> {
        let heights = self.letter_heights()?;
        let (low, high) = value_range(&heights, self.scale);
        let top = if self.title.is_empty() { 8.0 } else { 26.0 };
        let axis = Axis::new(low, high, top + self.height, top);
        let ticks = if self.scale == LogoScale::Raw { axis.ticks(5) } else { axis.ticks(2) };
        let label_width = ticks.iter().map(|(_, label)| text_width(label, 9.5)).fold(0.0, f64::max);
        let left = 24.0 + label_width;
        let column = column_width(heights.len());
        let width = (left + column * heights.len() as f64 + 8.0).max(text_width(&self.title, 11.0) + 10.0);

        let mut canvas = Canvas::default();
        if !self.title.is_empty() {
            canvas.text("", Anchor::Start, (4.0, 14.0), &self.title);
        }
        draw_value_axis(&mut canvas, &axis, &ticks, left - 3.0, self.scale.axis_label());
        if low < 0.0 {
            let right = left + column * heights.len() as f64;
            canvas.line("g", (left, axis.at(0.0)), (right, axis.at(0.0)));
        }
        draw_stacks(&mut canvas, &heights, &axis, left, column);
        let below = axis.at(low) + 13.0;
        draw_positions(&mut canvas, self.first_position, heights.len(), left, column, below);
        Ok(Figure::new(self.describe(), width, below + 6.0, canvas))
    }

    fn describe(&self) -> &str {
        if self.title.is_empty() { "Sequence logo" } else { &self.title }
    }
}

/// A row with a score at the base that a position has, 0 at the others.
pub(crate) fn letter_row(code: u8, score: f32) -> [f64; 4] {
    std::array::from_fn(|base| if usize::from(code) == base { f64::from(score) } else { 0.0 })
}

/// Letter heights of one scale, shared with the aligned pair.
pub(crate) fn letter_heights(rows: &[[f64; 4]], scale: LogoScale) -> Result<Vec<[f64; 4]>> {
    let figure = "sequence logo";
    if rows.is_empty() {
        return Err(Error::Empty { figure, wanted: "column" });
    }
    let raw = scale == LogoScale::Raw;
    let wanted = if raw { "finite numbers" } else { "probabilities" };
    for (index, row) in rows.iter().enumerate() {
        if let Some(&found) = row.iter().find(|v| !(v.is_finite() && (raw || **v >= 0.0))) {
            return Err(Error::Value { figure, what: "column", index, found, wanted });
        }
    }
    let height = |row: &[f64; 4]| {
        let sum: f64 = row.iter().sum();
        let probabilities = row.map(|v| if sum > 0.0 { v / sum } else { 0.0 });
        let entropy = -probabilities.iter().filter(|p| **p > 0.0).map(|p| p * p.log2()).sum::<f64>();
        match scale {
            LogoScale::Information => probabilities.map(|p| p * (2.0 - entropy)),
            LogoScale::Probability => probabilities,
            LogoScale::Raw => *row,
        }
    };
    Ok(rows.iter().map(height).collect())
}

/// A stack for each position: positive letters upwards, the largest on top; negative ones downwards.
pub(crate) fn draw_stacks(canvas: &mut Canvas, heights: &[[f64; 4]], axis: &Axis, left: f64, column: f64) {
    let gap = (column * 0.06).min(0.8);
    for (position, row) in heights.iter().enumerate() {
        let x = left + position as f64 * column + gap / 2.0;
        let mut order = [0u8, 1, 2, 3];
        order.sort_by(|a, b| row[usize::from(*a)].abs().total_cmp(&row[usize::from(*b)].abs()));
        let (mut up, mut down) = (0.0, 0.0);
        for code in order {
            let value = row[usize::from(code)];
            let (from, to) = if value > 0.0 { (up, up + value) } else { (down, down + value) };
            let pixels = axis.at(from) - axis.at(to);
            if value > 0.0 {
                up = to;
            } else {
                down = to;
            }
            // A quarter of a unit is below what can be seen and would only make the file larger.
            if pixels.abs() >= 0.25 {
                let y = if value > 0.0 { axis.at(to) } else { axis.at(from) };
                canvas.letter(code, (x, y), column - gap, pixels);
            }
        }
    }
}

/// The vertical axis of a logo or track.
pub(crate) fn draw_value_axis(
    canvas: &mut Canvas,
    axis: &Axis,
    ticks: &[(f64, String)],
    x: f64,
    label: &str,
) {
    let (bottom, top) = (axis.at(axis.low), axis.at(axis.high));
    canvas.line("x", (x, bottom), (x, top));
    for (value, text) in ticks {
        let y = axis.at(*value);
        canvas.line("x", (x - 3.0, y), (x, y));
        canvas.text("s q", Anchor::End, (x - 5.0, y + 3.2), text);
    }
    canvas.vertical_text("s q", (10.0, f64::midpoint(bottom, top)), label);
}

/// Position numbers below columns: every one, fifth, tenth, twentieth and so on, as there is room for, and the
/// first one.
pub(crate) fn draw_positions(
    canvas: &mut Canvas,
    first: i64,
    count: usize,
    left: f64,
    column: f64,
    baseline: f64,
) {
    let widest = text_width(&(first + count.cast_signed() as i64 - 1).to_string(), 9.5).max(10.0);
    let decades = (0..).map(|power| 10_i64.pow(power));
    let steps = std::iter::once(1).chain(decades.flat_map(|tens| [5 * tens, 10 * tens, 20 * tens]));
    let fits = |step: &i64| *step as f64 * column >= widest + 4.0;
    let step = steps.take(48).find(fits).unwrap_or(i64::MAX);
    // The first column's number stays out of the next one's way.
    let next = (first + 1..).take(count.saturating_sub(1)).find(|position| position % step == 0);
    let half = |position: i64| text_width(&position.to_string(), 9.5) / 2.0;
    let apart = |next: i64| (next - first) as f64 * column >= half(first) + half(next) + 2.0;
    let first_fits = next.is_none_or(apart);
    for (index, position) in (first..).take(count).enumerate() {
        if step == 1 || position % step == 0 || (index == 0 && first_fits) {
            let x = left + (index as f64 + 0.5) * column;
            canvas.text("s q", Anchor::Middle, (x, baseline), &position.to_string());
        }
    }
}

/// Wide columns for motifs, narrow ones for whole sequences.
pub(crate) fn column_width(columns: usize) -> f64 {
    (808.0 / columns.max(1) as f64).clamp(8.0, 20.0)
}

fn value_range(heights: &[[f64; 4]], scale: LogoScale) -> (f64, f64) {
    match scale {
        LogoScale::Information => (0.0, 2.0),
        LogoScale::Probability => (0.0, 1.0),
        LogoScale::Raw => {
            let sum = |positive: bool| {
                let side = move |row: &[f64; 4]| {
                    row.iter().filter(|v| (**v > 0.0) == positive).map(|v| v.abs()).sum::<f64>()
                };
                heights.iter().map(side).fold(0.0, f64::max)
            };
            (-sum(false), sum(true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vertical scale of each letter drawn, in order, with its glyph.
    fn drawn(svg: &str) -> Vec<(char, f64)> {
        let uses = svg.split("<use href=\"#").skip(1);
        let letter = |text: &str| {
            let matrix = text.split("matrix(").nth(1).unwrap().split(')').next().unwrap();
            (text.chars().next().unwrap(), matrix.split(' ').nth(3).unwrap().parse().unwrap())
        };
        uses.map(letter).collect()
    }

    #[test]
    fn letters_are_as_high_as_probability_times_information() {
        // Entropies on paper: (1/2, 1/4, 1/4) has 1.5 bits, one base alone 0 bits.
        let rows = vec![[0.5, 0.25, 0.25, 0.0], [0.0, 0.0, 0.0, 1.0]];
        let logo = Logo::new(rows).with_height(100.0);
        assert_eq!(logo.letter_heights().unwrap(), [[0.25, 0.125, 0.125, 0.0], [0.0, 0.0, 0.0, 2.0]]);
        let svg = logo.draw().unwrap().svg();
        assert_eq!(drawn(&svg), [('C', 6.25), ('G', 6.25), ('A', 12.5), ('T', 100.0)]);
        let probability = logo.with_scale(LogoScale::Probability);
        assert_eq!(probability.letter_heights().unwrap()[0], [0.5, 0.25, 0.25, 0.0]);
    }

    #[test]
    fn negative_scores_hang_below_the_axis() {
        let sequence: DnaSequence = "ANG".parse().unwrap();
        let logo = Logo::from_attribution(&sequence, &[1.0, 5.0, -1.0]).unwrap().with_height(100.0);
        assert_eq!(drawn(&logo.draw().unwrap().svg()), [('A', 50.0), ('G', -50.0)]);
        let error = Logo::from_attribution(&sequence, &[1.0]).unwrap_err();
        assert_eq!(error.to_string(), "attribution logo: found 1 scores, wanted 3");
    }

    #[test]
    fn what_is_no_probability_is_named() {
        let error = Logo::new(vec![[0.25; 4], [0.5, -0.5, 0.5, 0.5]]).draw().unwrap_err();
        assert_eq!(error.to_string(), "sequence logo: found -0.5 at column 1, wanted probabilities");
        assert!(matches!(Logo::new(Vec::new()).draw(), Err(Error::Empty { .. })));
        assert!(Logo::new(vec![[f64::NAN; 4]]).with_scale(LogoScale::Raw).draw().is_err());
    }

    #[test]
    fn the_first_number_keeps_apart_from_the_next() {
        let svg = |first| Logo::new(vec![[0.25; 4]; 60]).with_first_position(first).draw().unwrap().svg();
        assert!(svg(449).contains(">450</text>") && !svg(449).contains(">449</text>"));
        assert!(svg(447).contains(">450</text>") && svg(447).contains(">447</text>"));
    }
}
