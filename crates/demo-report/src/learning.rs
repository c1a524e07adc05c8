//! Learning curves: a loss, or any other number, over training steps or over numbers of training sequences,
//! with bands of confidence where they are known.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::roc::thin;
use crate::style::{band_class, fill_class, line_class};
use crate::svg::{Anchor, Canvas, text_width};
use crate::{Error, Result};

/// One curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningSeries {
    /// What it is, such as `CNN, validation`.
    pub name: String,
    /// Step and value.
    pub points: Vec<(f64, f64)>,
    /// The step whose weights were kept, marked by a dot.
    pub chosen: Option<f64>,
    /// Step, lower and upper bound of a band around the curve, such as a 95 % interval; may be empty.
    #[serde(default)]
    pub band: Vec<(f64, f64, f64)>,
}

impl LearningSeries {
    /// The point whose weights were kept.
    fn kept(&self) -> Option<(f64, f64)> {
        self.points.iter().copied().find(|point| Some(point.0) == self.chosen)
    }
}

/// What lies across the plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Across {
    /// Many steps on a linear axis.
    #[default]
    Steps,
    /// A few sizes above 0 on a logarithmic axis, each with a tick, and a mark where it was measured.
    Sizes,
}

/// Several curves over the same steps or sizes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LearningCurves {
    /// Printed above the plot; may be empty.
    pub title: String,
    /// The name of the horizontal axis, such as `step`.
    pub across: String,
    /// What lies on it.
    #[serde(default)]
    pub kind: Across,
    /// The name of the vertical axis, such as `log loss`.
    pub up: String,
    /// The curves, in the order of the legend.
    pub series: Vec<LearningSeries>,
}

impl LearningCurves {
    /// Draws the curves.
    ///
    /// # Errors
    /// [`Error::Empty`] without points, [`Error::Value`] at one that is not finite or a size that is not
    /// above 0.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let legend = self.series.len() as f64 * 15.0;
        let top = if self.title.is_empty() { 10.0 } else { 26.0 } + legend;
        let (left, width, height) = (58.0, 340.0, 170.0);
        let (across, up) = self.axes(left, width, top, height);
        let mut canvas = Canvas::default();
        if !self.title.is_empty() {
            canvas.text("", Anchor::Start, (4.0, 15.0), &self.title);
        }
        self.draw_axes(&mut canvas, &across, &up);
        for (index, series) in self.series.iter().enumerate() {
            self.draw_series(&mut canvas, index, &across, &up);
            let y = top - legend + index as f64 * 15.0 + 4.0;
            canvas.line(&line_class(index), (left, y - 3.2), (left + 24.0, y - 3.2));
            let kept = if series.kept().is_some() { " (dot: weights kept)" } else { "" };
            canvas.text("s", Anchor::Start, (left + 30.0, y), &format!("{}{kept}", series.name));
        }
        let title = if self.title.is_empty() { "Learning curves" } else { &self.title };
        let width = (left + width + 18.0).max(text_width(&self.title, 11.0) + 8.0);
        Ok(Figure::new(title, width, top + height + 36.0, canvas))
    }

    fn check(&self) -> Result<()> {
        let figure = "learning curves";
        if self.series.is_empty() || self.series.iter().any(|series| series.points.is_empty()) {
            return Err(Error::Empty { figure, wanted: "curve with points" });
        }
        for (index, &(step, value)) in self.series.iter().flat_map(|series| &series.points).enumerate() {
            if let Some(found) = [step, value].into_iter().find(|number| !number.is_finite()) {
                return Err(Error::Value { figure, what: "point", index, found, wanted: "a finite number" });
            }
        }
        let bands = self.series.iter().flat_map(|series| &series.band).enumerate();
        for (index, &(step, low, high)) in bands {
            if let Some(found) = [step, low, high].into_iter().find(|number| !number.is_finite()) {
                return Err(Error::Value { figure, what: "bound", index, found, wanted: "a finite number" });
            }
        }
        let points = self.series.iter().flat_map(|series| &series.points).enumerate();
        for (index, &(found, _)) in points {
            if self.kind == Across::Sizes && found <= 0.0 {
                return Err(Error::Value { figure, what: "size", index, found, wanted: "a number above 0" });
            }
        }
        Ok(())
    }

    /// Where a step or size lies on the axis.
    fn place(&self, x: f64) -> f64 {
        match self.kind {
            Across::Steps => x,
            Across::Sizes => x.log10(),
        }
    }

    fn draw_series(&self, canvas: &mut Canvas, index: usize, across: &Axis, up: &Axis) {
        let series = &self.series[index];
        let at = |x: f64, y: f64| (across.at(self.place(x)), up.at(y));
        if !series.band.is_empty() {
            let lower = series.band.iter().map(|&(x, low, _)| at(x, low));
            let upper = series.band.iter().rev().map(|&(x, _, high)| at(x, high));
            canvas.polygon(&band_class(index), &lower.chain(upper).collect::<Vec<_>>());
        }
        canvas.polyline(&line_class(index), &thin(series.points.iter().map(|&(x, y)| at(x, y))));
        if self.kind == Across::Sizes {
            for &(x, y) in &series.points {
                canvas.circle(&fill_class(index), at(x, y), 2.4);
            }
        }
        if let Some((x, y)) = series.kept() {
            canvas.circle(&fill_class(index), at(x, y), 3.5);
        }
    }

    fn axes(&self, left: f64, width: f64, top: f64, height: f64) -> (Axis, Axis) {
        let bounds = |&(x, low, high): &(f64, f64, f64)| [(x, low), (x, high)];
        let points: Vec<(f64, f64)> = self
            .series
            .iter()
            .flat_map(|series| series.points.iter().copied().chain(series.band.iter().flat_map(bounds)))
            .map(|(x, y)| (self.place(x), y))
            .collect();
        let range = |pick: fn(&(f64, f64)) -> f64| {
            points.iter().map(pick).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)))
        };
        let (first, last) = range(|point| point.0);
        let (low, high) = range(|point| point.1);
        let margin = (high - low) * 0.05;
        let low = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
        (Axis::new(first, last, left, left + width), Axis::new(low, high + margin, top + height, top))
    }

    /// Round steps, or the sizes themselves.
    fn ticks(&self, across: &Axis) -> Vec<(f64, String)> {
        if self.kind == Across::Steps {
            return across.ticks(5);
        }
        let mut sizes: Vec<f64> =
            self.series.iter().flat_map(|series| &series.points).map(|point| point.0).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        sizes.into_iter().map(|size| (self.place(size), size.to_string())).collect()
    }

    fn draw_axes(&self, canvas: &mut Canvas, across: &Axis, up: &Axis) {
        let (left, right) = (across.at(across.low), across.at(across.high));
        let (bottom, top) = (up.at(up.low), up.at(up.high));
        for (value, label) in up.ticks(5) {
            canvas.line("g", (left, up.at(value)), (right, up.at(value)));
            canvas.text("s q", Anchor::End, (left - 5.0, up.at(value) + 3.2), &label);
        }
        for (value, label) in self.ticks(across) {
            canvas.line("x", (across.at(value), bottom), (across.at(value), bottom + 3.0));
            canvas.text("s q", Anchor::Middle, (across.at(value), bottom + 13.0), &label);
        }
        canvas.polyline("x", &[(left, top), (left, bottom), (right, bottom)]);
        canvas.text("q", Anchor::Middle, (f64::midpoint(left, right), bottom + 28.0), &self.across);
        canvas.vertical_text("q", (13.0, f64::midpoint(bottom, top)), &self.up);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_step_is_marked() {
        let points = (0..50).map(|step| (f64::from(step), 0.7 - 0.01 * f64::from(step))).collect();
        let series = LearningSeries { name: "validation".into(), points, chosen: Some(40.0), band: vec![] };
        let curves = LearningCurves {
            title: "Loss".into(),
            across: "step".into(),
            up: "log loss".into(),
            series: vec![series],
            ..LearningCurves::default()
        };
        let svg = curves.draw().unwrap().svg();
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(LearningCurves::default().draw().is_err());
    }

    #[test]
    fn a_band_widens_the_axis_and_is_drawn_below_the_curve() {
        let series = LearningSeries {
            name: "CNN".into(),
            points: vec![(500.0, 0.8), (2_000.0, 0.9)],
            chosen: None,
            band: vec![(500.0, 0.6, 0.95), (2_000.0, 0.85, 0.94)],
        };
        let curves = LearningCurves { series: vec![series], ..LearningCurves::default() };
        let svg = curves.draw().unwrap().svg();
        let band = svg.find("<path class=\"v0\"").unwrap();
        assert!(band < svg.find("<path class=\"l0\"").unwrap());
        assert!(svg.contains(">0.6<"), "the lower bound has its tick: {svg}");
        let mut wrong = curves;
        wrong.series[0].band[1].2 = f64::NAN;
        assert!(wrong.draw().unwrap_err().to_string().contains("at bound 1"));
    }

    #[test]
    fn sizes_are_marked_on_a_logarithmic_axis() {
        let points = vec![(250.0, 0.7), (500.0, 0.8), (4_000.0, 0.9)];
        let series = LearningSeries { name: "CNN".into(), points, chosen: None, band: vec![] };
        let mut curves =
            LearningCurves { kind: Across::Sizes, series: vec![series], ..LearningCurves::default() };
        let svg = curves.draw().unwrap().svg();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!([">250<", ">500<", ">4000<"].iter().all(|tick| svg.contains(tick)), "{svg}");
        // One doubling of four: a quarter of the axis of 340 from 58 on.
        assert!(svg.contains("cx=\"143\""), "{svg}");
        curves.series[0].points[0].0 = 0.0;
        assert!(curves.draw().unwrap_err().to_string().contains("found 0 at size 0"));
    }

    #[test]
    fn one_point_and_constant_values_are_drawn() {
        let series =
            LearningSeries { name: "x".into(), points: vec![(5.0, 0.3)], chosen: None, band: vec![] };
        let curves = LearningCurves { series: vec![series], ..LearningCurves::default() };
        assert!(curves.draw().unwrap().png(1.0).is_ok());
    }
}
