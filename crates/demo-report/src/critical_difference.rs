//! Critical-difference diagrams: models on a line of mean ranks, joined where no test tells them apart.
//!
//! After Demšar (JMLR 7, 2006): the best model is leftmost; a thick line joins models whose mean ranks
//! differ by less than Nemenyi's critical difference, which is drawn above the line.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::svg::{Anchor, Canvas, text_width};
use crate::{Error, Result};

/// Models by mean rank.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CriticalDifference {
    /// Printed above the diagram; may be empty.
    pub title: String,
    /// Model and mean rank, 1 the best possible, in any order.
    pub models: Vec<(String, f64)>,
    /// The difference of mean ranks that tells two models apart.
    pub difference: f64,
    /// Groups of models that are not told apart, as places in `models`.
    pub groups: Vec<Vec<usize>>,
    /// What was ranked, such as `18 TFs, Friedman p .003`; may be empty.
    pub note: String,
}

/// From one model's line of text to the next, and from one group's line to the next.
const LINE: f64 = 17.0;
const GROUP: f64 = 8.0;
/// The length of the axis.
const WIDTH: f64 = 300.0;

impl CriticalDifference {
    /// Draws the diagram.
    ///
    /// # Errors
    /// [`Error::Empty`] for fewer than two models, [`Error::Value`] at a rank outside 1 to their number
    /// or a place that is no model's.
    pub fn draw(&self) -> Result<Figure> {
        self.check()?;
        let count = self.models.len();
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|&a, &b| self.models[a].1.total_cmp(&self.models[b].1).then(a.cmp(&b)));
        let text = |model: usize| format!("{} {:.2}", self.models[model].0, self.models[model].1);
        let (first, last) = order.split_at(count.div_ceil(2));
        let room = |models: &[usize]| {
            models.iter().map(|&model| text_width(&text(model), 11.0)).fold(20.0, f64::max) + 16.0
        };
        let left = room(first);
        let axis = Axis::new(1.0, count as f64, left, left + WIDTH);
        let top = if self.title.is_empty() { 8.0 } else { 26.0 };
        let line = top + 42.0;
        let mut canvas = Canvas::default();
        if !self.title.is_empty() {
            canvas.text("", Anchor::Start, (4.0, 15.0), &self.title);
        }
        self.draw_axis(&mut canvas, &axis, top + 10.0, line);
        let names = line + 14.0 + self.groups.len() as f64 * GROUP;
        for (place, &model) in first.iter().enumerate() {
            let (x, y) = (axis.at(self.models[model].1), names + (place + 1) as f64 * LINE);
            canvas.polyline("x", &[(x, line), (x, y - 4.0), (left - 8.0, y - 4.0)]);
            canvas.text("", Anchor::End, (left - 12.0, y), &text(model));
        }
        let right = left + WIDTH;
        for (place, &model) in last.iter().rev().enumerate() {
            let (x, y) = (axis.at(self.models[model].1), names + (place + 1) as f64 * LINE);
            canvas.polyline("x", &[(x, line), (x, y - 4.0), (right + 8.0, y - 4.0)]);
            canvas.text("", Anchor::Start, (right + 12.0, y), &text(model));
        }
        for (place, group) in self.groups.iter().enumerate() {
            let ranks = group.iter().map(|&model| axis.at(self.models[model].1));
            let (low, high) = ranks.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
            let y = line + 10.0 + place as f64 * GROUP;
            canvas.line("k", (low - 3.0, y), (high + 3.0, y));
        }
        let bottom = names + first.len() as f64 * LINE + 18.0;
        canvas.text("s q", Anchor::Start, (4.0, bottom), &self.note);
        let title = if self.title.is_empty() { "Critical differences" } else { &self.title };
        let width = (right + room(last)).max(text_width(&self.note, 9.5) + 8.0);
        Ok(Figure::new(title, width.max(text_width(&self.title, 11.0) + 8.0), bottom + 8.0, canvas))
    }

    fn check(&self) -> Result<()> {
        let (figure, count) = ("critical-difference diagram", self.models.len());
        if count < 2 {
            return Err(Error::Empty { figure, wanted: "pair of models" });
        }
        let inside = |rank: f64| (1.0..=count as f64).contains(&rank);
        if let Some(index) = self.models.iter().position(|model| !inside(model.1)) {
            let found = self.models[index].1;
            let wanted = "a mean rank of 1 to the number of models";
            return Err(Error::Value { figure, what: "model", index, found, wanted });
        }
        if !(self.difference.is_finite() && self.difference >= 0.0) {
            let found = self.difference;
            return Err(Error::Value { figure, what: "difference", index: 0, found, wanted: "a length" });
        }
        if let Some(&place) = self.groups.iter().flatten().find(|&&place| place >= count) {
            let found = place as f64;
            return Err(Error::Value { figure, what: "group", index: 0, found, wanted: "a model's place" });
        }
        Ok(())
    }

    /// The line of ranks, and above it the critical difference from rank 1 on.
    fn draw_axis(&self, canvas: &mut Canvas, axis: &Axis, bar: f64, line: f64) {
        let (start, end) = (axis.at(axis.low), axis.at(axis.high));
        canvas.line("x", (start, line), (end, line));
        for rank in 1..=self.models.len() {
            let x = axis.at(rank as f64);
            canvas.line("x", (x, line - 5.0), (x, line));
            canvas.text("s q", Anchor::Middle, (x, line - 8.0), &rank.to_string());
        }
        // A difference longer than the line of ranks tells no models apart; the line bounds it.
        let shown = axis.at(axis.low + self.difference);
        canvas.line("x", (start, bar), (shown, bar));
        canvas.line("x", (start, bar - 3.0), (start, bar + 3.0));
        canvas.line("x", (shown, bar - 3.0), (shown, bar + 3.0));
        let beyond = if axis.low + self.difference > axis.high { " (beyond the line)" } else { "" };
        let text = format!("critical difference {:.2}{beyond}", self.difference);
        canvas.text("s q", Anchor::Start, (shown + 6.0, bar + 3.2), &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagram() -> CriticalDifference {
        CriticalDifference {
            title: "AUROC".into(),
            models: vec![("CNN".into(), 1.94), ("RNN".into(), 2.81), ("CNN-RNN".into(), 1.25)],
            difference: 1.17,
            groups: vec![vec![2, 0], vec![0, 1]],
            note: "8 TFs".into(),
        }
    }

    #[test]
    fn models_groups_and_the_difference_are_drawn() {
        let svg = diagram().draw().unwrap().svg();
        assert_eq!(svg.matches("<path class=\"k\"").count(), 2);
        for text in ["CNN-RNN 1.25", "CNN 1.94", "RNN 2.81", "critical difference 1.17", ">8 TFs<"] {
            assert!(svg.contains(text), "{text}");
        }
        let wide = CriticalDifference { difference: 9.0, ..diagram() }.draw().unwrap().svg();
        assert!(wide.contains("beyond the line"));
    }

    #[test]
    fn what_cannot_be_drawn_is_named() {
        assert!(CriticalDifference::default().draw().is_err());
        let mut wrong = diagram();
        wrong.models[1].1 = 4.0;
        assert!(wrong.draw().unwrap_err().to_string().contains("found 4 at model 1"));
        let wrong = CriticalDifference { groups: vec![vec![0, 7]], ..diagram() };
        assert!(wrong.draw().is_err());
    }
}
