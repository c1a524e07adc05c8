//! Reliability plots: the share of positives against the predicted probability, by bins.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::style::{fill_class, line_class};
use crate::svg::{Anchor, Canvas, text_width};
use crate::values::short;
use crate::{Error, Result};

/// One model's bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityCurve {
    /// The model.
    pub name: String,
    /// Mean prediction, share of positives, and the bin's share of all examples; by rising prediction.
    pub bins: Vec<(f64, f64, f64)>,
    /// The expected calibration error, for the legend.
    pub expected_error: f64,
}

/// Several models' reliability in one plot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ReliabilityPlot {
    /// Printed above the plot; may be empty.
    pub title: String,
    /// The curves, in the order of the legend.
    pub curves: Vec<ReliabilityCurve>,
}

impl ReliabilityPlot {
    /// Draws the curves over the diagonal of honest predictions; the area of a dot is its bin's share.
    ///
    /// # Errors
    /// [`Error::Empty`] without curves or bins, [`Error::Value`] at a share outside 0 to 1.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let legend = self.curves.len() as f64 * 15.0 + 6.0;
        let top = if self.title.is_empty() { 4.0 } else { 22.0 } + legend;
        let (left, side) = (48.0, 300.0);
        let across = Axis::new(0.0, 1.0, left, left + side);
        let up = Axis::new(0.0, 1.0, top + side, top);
        let mut canvas = Canvas::default();
        if !self.title.is_empty() {
            canvas.text("", Anchor::Start, (4.0, 15.0), &self.title);
        }
        crate::roc::draw_square(&mut canvas, &across, &up, ["predicted probability", "share of positives"]);
        canvas.line("p", (across.at(0.0), up.at(0.0)), (across.at(1.0), up.at(1.0)));
        for (index, curve) in self.curves.iter().enumerate() {
            let points: Vec<_> = curve.bins.iter().map(|bin| (across.at(bin.0), up.at(bin.1))).collect();
            canvas.polyline(&line_class(index), &points);
            for (point, bin) in points.iter().zip(&curve.bins) {
                canvas.circle(&fill_class(index), *point, 1.6 + 7.0 * bin.2.sqrt());
            }
        }
        self.draw_legend(&mut canvas, left, top - legend + 10.0);
        let title = if self.title.is_empty() { "Reliability" } else { &self.title };
        let width = (left + side + 14.0).max(text_width(&self.title, 11.0) + 8.0);
        Ok(Figure::new(title, width, top + side + 40.0, canvas))
    }

    fn check(&self) -> Result<()> {
        let figure = "reliability plot";
        if self.curves.is_empty() || self.curves.iter().any(|curve| curve.bins.is_empty()) {
            return Err(Error::Empty { figure, wanted: "curve with bins" });
        }
        for (index, bin) in self.curves.iter().flat_map(|curve| curve.bins.iter().enumerate()) {
            if let Some(found) = [bin.0, bin.1, bin.2].into_iter().find(|share| !(0.0..=1.0).contains(share))
            {
                return Err(Error::Value { figure, what: "bin", index, found, wanted: "a share of 0 to 1" });
            }
        }
        Ok(())
    }

    /// Above the square, all of which a badly calibrated curve may cross.
    fn draw_legend(&self, canvas: &mut Canvas, left: f64, top: f64) {
        for (index, curve) in self.curves.iter().enumerate() {
            let y = top + index as f64 * 15.0;
            canvas.line(&line_class(index), (left, y - 3.2), (left + 22.0, y - 3.2));
            let text = format!("{} (ECE {})", curve.name, short(curve.expected_error));
            canvas.text("s", Anchor::Start, (left + 28.0, y), &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(bins: Vec<(f64, f64, f64)>) -> ReliabilityPlot {
        let curve = ReliabilityCurve { name: "CNN".into(), bins, expected_error: 0.0421 };
        ReliabilityPlot { title: String::new(), curves: vec![curve] }
    }

    #[test]
    fn a_dot_stands_for_each_bin_and_the_legend_gives_the_error() {
        let svg = plot(vec![(0.1, 0.05, 0.5), (0.5, 0.6, 0.2), (0.9, 0.97, 0.3)]).draw().unwrap().svg();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("CNN (ECE .042)") && svg.contains(">predicted probability<"), "{svg}");
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        assert!(ReliabilityPlot::default().draw().is_err());
        let error = plot(vec![(0.1, 0.1, 0.5), (0.5, 1.5, 0.5)]).draw().unwrap_err();
        assert_eq!(error.to_string(), "reliability plot: found 1.5 at bin 1, wanted a share of 0 to 1");
    }
}
