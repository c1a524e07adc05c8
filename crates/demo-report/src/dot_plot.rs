//! One row a set: each model's estimate with its interval, the single figures behind it as ticks, and a
//! published figure as a mark apart.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::style::{fill_class, interval_class, pattern};
use crate::svg::{Anchor, Canvas, text_width};
use crate::values::Estimate;
use crate::{Error, Result};

const PLOT: f64 = 430.0;

/// The estimates of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DotRow {
    /// The set.
    pub name: String,
    /// One a model, in the order of [`DotPlot::models`]; `None` where it was not run.
    pub estimates: Vec<Option<Estimate>>,
    /// The figures that an estimate is the mean of, such as those of several seeds, model by model; may be
    /// empty.
    #[serde(default)]
    pub points: Vec<Vec<f64>>,
    /// The published figure of this set.
    pub published: Option<f64>,
}

/// Estimates of several models over many sets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DotPlot {
    /// Printed above the plot; may be empty.
    pub title: String,
    /// The name of the horizontal axis, such as `AUROC`.
    pub axis: String,
    /// The models.
    pub models: Vec<String>,
    /// What the published mark is, such as `DeepBind* (published, confirmed)`.
    pub published_name: String,
    /// The sets, from top to bottom.
    pub rows: Vec<DotRow>,
}

impl DotPlot {
    /// Draws the rows.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::Length`] where a row has too few or too many estimates,
    /// [`Error::Value`] at a value outside 0 to 1.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let label = self.rows.iter().map(|row| text_width(&row.name, 9.5)).fold(40.0, f64::max);
        let left = label + 14.0;
        let row_height = (6.0 * self.models.len() as f64 + 6.0).max(13.0);
        let title = if self.title.is_empty() { 0.0 } else { 20.0 };
        let legend_end = self.legend_height(left + PLOT);
        let top = title + legend_end + 24.0;
        let bottom = top + row_height * self.rows.len() as f64;
        let axis = Axis::new(self.lowest(), 1.0, left, left + PLOT);

        let mut canvas = Canvas::default();
        if !self.title.is_empty() {
            canvas.text("h", Anchor::Start, (4.0, 16.0), &self.title);
        }
        self.draw_legend(&mut canvas, title + 13.0, left + PLOT);
        for (value, text) in axis.ticks(6) {
            let x = axis.at(value);
            canvas.line("g", (x, top), (x, bottom));
            canvas.text("s q", Anchor::Middle, (x, top - 5.0), &text);
            canvas.text("s q", Anchor::Middle, (x, bottom + 12.0), &text);
        }
        for (index, row) in self.rows.iter().enumerate() {
            let y = top + row_height * index as f64;
            if index % 2 == 0 {
                canvas.rect("ov", 0.0, y, left + PLOT + 4.0, row_height);
            }
            canvas.text("s", Anchor::End, (left - 8.0, y + row_height / 2.0 + 3.2), &row.name);
            draw_row(&mut canvas, row, &axis, y, row_height);
        }
        canvas.line("x", (left, top), (left, bottom));
        canvas.text("q", Anchor::Middle, (left + PLOT / 2.0, bottom + 28.0), &self.axis);
        let title = if self.title.is_empty() { "Estimates by set" } else { &self.title };
        let width = (left + PLOT + 16.0).max(text_width(&self.title, 13.0) + 8.0);
        Ok(Figure::new(title, width, bottom + 36.0, canvas))
    }

    fn check(&self) -> Result<()> {
        let figure = "dot plot";
        if self.rows.is_empty() {
            return Err(Error::Empty { figure, wanted: "row" });
        }
        for (index, row) in self.rows.iter().enumerate() {
            let (found, wanted) = (row.estimates.len(), self.models.len());
            if found != wanted {
                return Err(Error::Length { figure, what: "estimates in a row", found, wanted });
            }
            if !row.points.is_empty() && row.points.len() != wanted {
                let found = row.points.len();
                return Err(Error::Length { figure, what: "lists of points in a row", found, wanted });
            }
            if let Some(found) = numbers(row).find(|value| !(0.0..=1.0).contains(value)) {
                return Err(Error::Value { figure, what: "row", index, found, wanted: "0 to 1" });
            }
        }
        Ok(())
    }

    fn lowest(&self) -> f64 {
        let lowest = self.rows.iter().flat_map(numbers).fold(1.0, f64::min);
        (((lowest - 0.005) * 20.0).floor() / 20.0).max(0.0)
    }

    fn entries(&self) -> Vec<&str> {
        let published = self.rows.iter().any(|row| row.published.is_some());
        let names = self.models.iter().map(String::as_str);
        names.chain(published.then_some(self.published_name.as_str())).collect()
    }

    fn legend_height(&self, width: f64) -> f64 {
        self.legend_places(0.0, width).last().map_or(0.0, |(_, y)| y + 6.0)
    }

    /// Left to right, a new line where the next entry would not fit.
    fn legend_places(&self, first: f64, width: f64) -> Vec<(f64, f64)> {
        let (mut x, mut y) = (8.0, first);
        let mut places = Vec::new();
        for entry in self.entries() {
            let needed = text_width(entry, 9.5) + 34.0;
            if x > 8.0 && x + needed > width {
                (x, y) = (8.0, y + 15.0);
            }
            places.push((x, y));
            x += needed;
        }
        places
    }

    fn draw_legend(&self, canvas: &mut Canvas, first: f64, width: f64) {
        let places = self.legend_places(first, width);
        for (index, (entry, (x, y))) in self.entries().into_iter().zip(places).enumerate() {
            if index < self.models.len() {
                draw_marker(canvas, index, (x + 6.0, y - 3.2));
            } else {
                draw_published(canvas, (x + 6.0, y - 3.2));
            }
            canvas.text("s", Anchor::Start, (x + 14.0, y), entry);
        }
    }
}

/// Every number of a row.
fn numbers(row: &DotRow) -> impl Iterator<Item = f64> {
    let estimate = |e: &Estimate| {
        let (low, high) = e.interval.unwrap_or((e.value, e.value));
        [e.value, low, high]
    };
    row.estimates
        .iter()
        .flatten()
        .flat_map(estimate)
        .chain(row.points.iter().flatten().copied())
        .chain(row.published)
}

fn draw_row(canvas: &mut Canvas, row: &DotRow, axis: &Axis, top: f64, height: f64) {
    if let Some(value) = row.published {
        draw_published(canvas, (axis.at(value), top + height / 2.0));
    }
    let count = row.estimates.len() as f64;
    for (index, estimate) in row.estimates.iter().enumerate() {
        let Some(estimate) = estimate else { continue };
        let y = top + height / 2.0 + (index as f64 - (count - 1.0) / 2.0) * 6.0;
        if let Some((low, high)) = estimate.interval {
            canvas.line(&interval_class(index), (axis.at(low), y), (axis.at(high), y));
        }
        for point in row.points.get(index).into_iter().flatten() {
            canvas.line(&interval_class(index), (axis.at(*point), y - 2.6), (axis.at(*point), y + 2.6));
        }
        draw_marker(canvas, index, (axis.at(estimate.value), y));
    }
}

/// A shape for each model, since colour alone does not reach every reader.
fn draw_marker(canvas: &mut Canvas, index: usize, (x, y): (f64, f64)) {
    let class = fill_class(index);
    let r = 2.9;
    match pattern(index) {
        0 => canvas.circle(&class, (x, y), r),
        1 => canvas.rect(&class, x - 2.5, y - 2.5, 5.0, 5.0),
        2 => canvas.polygon(&class, &[(x, y - 3.3), (x + 3.3, y + 2.6), (x - 3.3, y + 2.6)]),
        3 => canvas.polygon(&class, &[(x, y - 3.6), (x + 3.6, y), (x, y + 3.6), (x - 3.6, y)]),
        4 => canvas.polygon(&class, &[(x, y + 3.3), (x + 3.3, y - 2.6), (x - 3.3, y - 2.6)]),
        _ => {
            let cross = [(1.0, 3.4), (1.0, 1.0), (3.4, 1.0)];
            let quarter = |&(a, b): &(f64, f64)| (a, -b);
            // Clockwise from the top right: each quarter is the one before it, turned.
            let mut corners: Vec<(f64, f64)> = cross.iter().map(quarter).collect();
            for turn in 0..3 {
                let last: Vec<(f64, f64)> = corners[turn * 3..].iter().map(|&(a, b)| (-b, a)).collect();
                corners.extend(last);
            }
            let corners: Vec<(f64, f64)> = corners.into_iter().map(|(a, b)| (x + a, y + b)).collect();
            canvas.polygon(&class, &corners);
        }
    }
}

/// An open upright bar.
fn draw_published(canvas: &mut Canvas, (x, y): (f64, f64)) {
    canvas.rect("pub", x - 1.4, y - 6.0, 2.8, 12.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> DotPlot {
        let row = |name: &str, value: f64| DotRow {
            name: name.into(),
            estimates: vec![Some(Estimate::new(value, value - 0.02, value + 0.02)), None],
            points: Vec::new(),
            published: Some(0.9),
        };
        DotPlot {
            title: "All sets".into(),
            axis: "AUROC".into(),
            models: vec!["CNN".into(), "RNN".into()],
            published_name: "DeepBind* (published, confirmed)".into(),
            rows: vec![row("A<B", 0.91), row("C", 0.83)],
        }
    }

    #[test]
    fn every_row_has_its_marks() {
        let svg = plot().draw().unwrap().svg();
        // Two rows and one legend entry each.
        assert_eq!(svg.matches("<circle class=\"f0\"").count(), 3);
        assert_eq!(svg.matches("class=\"pub\"").count(), 3);
        assert!(svg.contains("A&lt;B"));
    }

    #[test]
    fn every_point_behind_an_estimate_is_a_tick() {
        let plain = plot().draw().unwrap().svg();
        let mut several = plot();
        several.rows[0].points = vec![vec![0.90, 0.92, 0.6], vec![]];
        let svg = several.draw().unwrap().svg();
        let ticks = |svg: &str| svg.matches("class=\"w0\"").count();
        assert_eq!(ticks(&svg), ticks(&plain) + 3);
        // The axis reaches to the lowest of them.
        assert!(!plain.contains(">0.6<") && svg.contains(">0.6<"), "{svg}");
        several.rows[0].points.pop();
        let message = several.draw().unwrap_err().to_string();
        assert_eq!(message, "dot plot: found 1 lists of points in a row, wanted 2");
    }

    #[test]
    fn rows_must_fit_the_models() {
        let mut wrong = plot();
        wrong.rows[1].estimates.pop();
        let message = wrong.draw().unwrap_err().to_string();
        assert_eq!(message, "dot plot: found 1 estimates in a row, wanted 2");
    }
}
