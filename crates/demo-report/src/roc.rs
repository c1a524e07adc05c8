//! Receiver operating characteristic curves of several models on one set.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::style::line_class;
use crate::svg::{Anchor, Canvas, text_width};
use crate::values::{Estimate, short};
use crate::{Error, Result};

/// One model's curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocCurve {
    /// The model.
    pub name: String,
    /// False and true positive rate, from (0, 0) to (1, 1).
    pub points: Vec<(f64, f64)>,
    /// The area, with its interval for the legend.
    pub auroc: Estimate,
}

/// Several curves in one plot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RocPlot {
    /// Printed above the plot; may be empty.
    pub title: String,
    /// The curves, in the order of the legend.
    pub curves: Vec<RocCurve>,
}

impl RocPlot {
    /// Draws the curves over the diagonal of chance.
    ///
    /// # Errors
    /// [`Error::Empty`] without curves or points, [`Error::Value`] at a rate outside 0 to 1.
    pub fn draw(&self) -> Result<Figure> {
        let figure = "ROC plot";
        if self.curves.is_empty() || self.curves.iter().any(|curve| curve.points.is_empty()) {
            return Err(Error::Empty { figure, wanted: "curve with points" });
        }
        for curve in &self.curves {
            for (index, &(x, y)) in curve.points.iter().enumerate() {
                if let Some(found) = [x, y].into_iter().find(|rate| !(0.0..=1.0).contains(rate)) {
                    return Err(Error::Value {
                        figure,
                        what: "point",
                        index,
                        found,
                        wanted: "a rate of 0 to 1",
                    });
                }
            }
        }
        let top = if self.title.is_empty() { 10.0 } else { 28.0 };
        let (left, side) = (48.0, 300.0);
        let across = Axis::new(0.0, 1.0, left, left + side);
        let up = Axis::new(0.0, 1.0, top + side, top);
        let mut canvas = Canvas::default();
        if !self.title.is_empty() {
            canvas.text("", Anchor::Start, (4.0, 15.0), &self.title);
        }
        draw_square(&mut canvas, &across, &up, ["false positive rate", "true positive rate"]);
        canvas.line("p", (across.at(0.0), up.at(0.0)), (across.at(1.0), up.at(1.0)));
        for (index, curve) in self.curves.iter().enumerate() {
            let points = curve.points.iter().map(|&(x, y)| (across.at(x), up.at(y)));
            canvas.polyline(&line_class(index), &thin(points));
        }
        self.draw_legend(&mut canvas, left + side - 6.0, top + side - 8.0);
        let title = if self.title.is_empty() { "ROC curves" } else { &self.title };
        let width = (left + side + 14.0).max(text_width(&self.title, 11.0) + 8.0);
        Ok(Figure::new(title, width, top + side + 40.0, canvas))
    }

    /// In the lower right, where a curve better than chance leaves room.
    fn draw_legend(&self, canvas: &mut Canvas, right: f64, bottom: f64) {
        let entry = |curve: &RocCurve| {
            let interval = curve.auroc.interval;
            let interval = interval.map(|(low, high)| format!(" [{}, {}]", short(low), short(high)));
            format!("{} {}{}", curve.name, short(curve.auroc.value), interval.unwrap_or_default())
        };
        let entries: Vec<String> = self.curves.iter().map(entry).collect();
        let widest = entries.iter().map(|text| text_width(text, 9.5)).fold(0.0, f64::max);
        let start = right - widest;
        for (index, text) in entries.iter().enumerate() {
            let y = bottom - (entries.len() - 1 - index) as f64 * 15.0;
            canvas.text("s", Anchor::Start, (start, y), text);
            canvas.line(&line_class(index), (start - 27.0, y - 3.2), (start - 5.0, y - 3.2));
        }
    }
}

/// Two axes from 0 to 1 with their grid and names.
pub(crate) fn draw_square(canvas: &mut Canvas, across: &Axis, up: &Axis, names: [&str; 2]) {
    for (value, label) in across.ticks(5) {
        let x = across.at(value);
        canvas.line("g", (x, up.at(0.0)), (x, up.at(1.0)));
        canvas.text("s q", Anchor::Middle, (x, up.at(0.0) + 13.0), &label);
    }
    for (value, label) in up.ticks(5) {
        let y = up.at(value);
        canvas.line("g", (across.at(0.0), y), (across.at(1.0), y));
        canvas.text("s q", Anchor::End, (across.at(0.0) - 5.0, y + 3.2), &label);
    }
    let corners = [(0.0, 1.0), (0.0, 0.0), (1.0, 0.0)].map(|(x, y)| (across.at(x), up.at(y)));
    canvas.polyline("x", &corners);
    let middle = f64::midpoint(across.at(0.0), across.at(1.0));
    canvas.text("q", Anchor::Middle, (middle, up.at(0.0) + 30.0), names[0]);
    let middle = f64::midpoint(up.at(0.0), up.at(1.0));
    canvas.vertical_text("q", (13.0, middle), names[1]);
}

/// Points half a unit apart or more, corners kept: a curve of a thousand steps becomes a few hundred.
pub(crate) fn thin(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points.map(|(x, y)| ((x * 2.0).round() / 2.0, (y * 2.0).round() / 2.0)) {
        let n = kept.len();
        if kept.last() == Some(&(x, y)) {
            continue;
        }
        // The middle one of three points on a horizontal or vertical line says nothing.
        if n >= 2 {
            let (a, b) = (kept[n - 2], kept[n - 1]);
            let onward = |p: f64, q: f64, r: f64| (q - p) * (r - q) >= 0.0;
            let level = a.1 == b.1 && b.1 == y && onward(a.0, b.0, x);
            let upright = a.0 == b.0 && b.0 == x && onward(a.1, b.1, y);
            if level || upright {
                kept.pop();
            }
        }
        kept.push((x, y));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_names_area_and_interval() {
        let points = vec![(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)];
        let auroc = Estimate::new(0.875, 0.85, 0.9);
        let curves = vec![RocCurve { name: "CNN".into(), points, auroc }];
        let svg = RocPlot { title: String::new(), curves }.draw().unwrap().svg();
        assert!(svg.contains("CNN .875 [.850, .900]"), "{svg}");
        assert!(RocPlot::default().draw().is_err());
    }

    #[test]
    fn a_rate_outside_is_named() {
        let curve =
            RocCurve { name: "x".into(), points: vec![(0.0, 0.0), (0.2, 1.2)], auroc: Estimate::point(0.5) };
        let error = RocPlot { title: String::new(), curves: vec![curve] }.draw().unwrap_err();
        assert_eq!(error.to_string(), "ROC plot: found 1.2 at point 1, wanted a rate of 0 to 1");
    }

    #[test]
    fn thinning_keeps_corners() {
        let points = [(0., 0.), (0., 1.), (0., 2.), (0.1, 2.1), (1., 2.), (2., 2.), (2., 3.)];
        assert_eq!(thin(points.into_iter()), [(0., 0.), (0., 2.), (2., 2.), (2., 3.)]);
    }
}
