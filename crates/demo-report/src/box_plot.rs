//! The comparison's box plot: one box a model, a point for each set.
//!
//! Boxes run from the first to the third quartile (linear interpolation between order statistics), the
//! bar is the median, whiskers reach the furthest point within 1.5 times the box. A box holds one kind
//! of data by construction; published figures stand apart, dashed, with their status.

use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::style::{area_class, fill_class, interval_class};
use crate::svg::{Anchor, Canvas, text_width};
use crate::values::{DataKind, PublishedStatus, short};
use crate::{Error, Result};

const LEFT: f64 = 50.0;
/// The least width of a box with its labels.
const SLOT: f64 = 96.0;
const HEIGHT: f64 = 280.0;
/// From one line of a name to the next.
const LINE: f64 = 13.0;

/// One box: the values of one model over sets of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoxGroup {
    /// The model.
    pub name: String,
    /// What all its values were measured on.
    pub data: DataKind,
    /// The status, where the values are published ones rather than this run's.
    pub published: Option<PublishedStatus>,
    /// Set and value, in any order.
    pub values: Vec<(String, f64)>,
}

/// Boxes beside each other.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BoxPlot {
    /// Printed above the plot; may be empty.
    pub title: String,
    /// The name of the vertical axis, such as `AUROC`.
    pub axis: String,
    /// The boxes, from left to right.
    pub groups: Vec<BoxGroup>,
    /// Whether thin lines join the values of one set between neighbouring boxes of this run.
    pub paired: bool,
}

/// The five numbers of a box.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoxNumbers {
    /// The lowest value within 1.5 box heights of the box.
    pub lower_whisker: f64,
    /// A quarter of the values lie below.
    pub first_quartile: f64,
    /// Half of the values lie below.
    pub median: f64,
    /// Three quarters of the values lie below.
    pub third_quartile: f64,
    /// The highest value within 1.5 box heights of the box.
    pub upper_whisker: f64,
}

impl BoxNumbers {
    /// The numbers of at least one finite value; `None` otherwise.
    pub fn new(values: &[f64]) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let rank = share * (sorted.len() - 1) as f64;
            let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
            below + (above - below) * rank.fract()
        };
        let (first_quartile, third_quartile) = (quantile(0.25), quantile(0.75));
        let reach = 1.5 * (third_quartile - first_quartile);
        let inside = || {
            sorted.iter().copied().filter(|v| (first_quartile - reach..=third_quartile + reach).contains(v))
        };
        Some(Self {
            lower_whisker: inside().fold(first_quartile, f64::min),
            first_quartile,
            median: quantile(0.5),
            third_quartile,
            upper_whisker: inside().fold(third_quartile, f64::max),
        })
    }
}

impl BoxPlot {
    /// Draws the boxes.
    ///
    /// # Errors
    /// [`Error::Empty`] without boxes or values, [`Error::Value`] at a value outside 0 to 1.
    pub fn draw(&self) -> Result<Figure> {
        let numbers = self.check()?;
        let lowest = self.groups.iter().flat_map(|group| &group.values).map(|v| v.1).fold(1.0, f64::min);
        let low = ((lowest - 0.01) * 20.0).floor() / 20.0;
        let top = if self.title.is_empty() { 26.0 } else { 46.0 };
        let axis = Axis::new(low.max(0.0), 1.0, top + HEIGHT, top);
        let slot = self.slot();
        let centres = self.centres(slot);
        let right = centres.last().map_or(LEFT, |x| x + slot / 2.0);

        let mut canvas = Canvas::default();
        if !self.title.is_empty() {
            canvas.text("h", Anchor::Start, (4.0, 16.0), &self.title);
        }
        for (value, label) in axis.ticks(6) {
            let y = axis.at(value);
            canvas.line("g", (LEFT, y), (right, y));
            canvas.text("s q", Anchor::End, (LEFT - 5.0, y + 3.2), &label);
        }
        canvas.line("x", (LEFT, axis.at(axis.low)), (LEFT, axis.at(1.0)));
        canvas.vertical_text("q", (13.0, top + HEIGHT / 2.0), &self.axis);
        self.draw_headings(&mut canvas, &centres, slot, top - 9.0);
        if self.paired {
            self.draw_pairs(&mut canvas, &centres, &axis);
        }
        let below = top + HEIGHT + if self.has_two_lines() { LINE } else { 0.0 };
        for (index, (group, numbers)) in self.groups.iter().zip(&numbers).enumerate() {
            draw_box(&mut canvas, group, index, numbers, centres[index], &axis);
            let lines = self.name_lines(group);
            draw_labels(&mut canvas, group, (lines, numbers), centres[index], (top + HEIGHT, below));
        }
        let title = if self.title.is_empty() { "Box plot" } else { &self.title };
        let width = (right + 12.0).max(text_width(&self.title, 13.0) + 8.0);
        Ok(Figure::new(title, width, below + 62.0, canvas))
    }

    fn check(&self) -> Result<Vec<BoxNumbers>> {
        let figure = "box plot";
        if self.groups.is_empty() {
            return Err(Error::Empty { figure, wanted: "box" });
        }
        let mut all = Vec::new();
        for group in &self.groups {
            if let Some(index) = group.values.iter().position(|v| !(0.0..=1.0).contains(&v.1)) {
                let found = group.values[index].1;
                return Err(Error::Value { figure, what: "value", index, found, wanted: "0 to 1" });
            }
            let values: Vec<f64> = group.values.iter().map(|value| value.1).collect();
            all.push(BoxNumbers::new(&values).ok_or(Error::Empty { figure, wanted: "value in a box" })?);
        }
        Ok(all)
    }

    /// The width of a box with its labels, so that no name runs into its neighbour's.
    fn slot(&self) -> f64 {
        let lines = self.groups.iter().flat_map(|group| {
            let (first, second) = self.name_lines(group);
            std::iter::once(first).chain(second)
        });
        lines.map(|line| text_width(line, 11.0) + 10.0).fold(SLOT, f64::max)
    }

    /// Whether some name with parentheses at its end is wider than a box: then all have them in a second line.
    fn has_two_lines(&self) -> bool {
        let is_wide = |name: &str| text_width(name, 11.0) + 10.0 > SLOT;
        self.groups.iter().any(|group| split(&group.name).is_some() && is_wide(&group.name))
    }

    /// The line or two of a name.
    fn name_lines<'a>(&self, group: &'a BoxGroup) -> (&'a str, Option<&'a str>) {
        match split(&group.name) {
            Some((first, second)) if self.has_two_lines() => (first, Some(second)),
            _ => (&group.name, None),
        }
    }

    /// A wider step wherever the source of the values changes.
    fn centres(&self, slot: f64) -> Vec<f64> {
        let mut x = LEFT + slot / 2.0 + 4.0;
        let mut centres = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            if index > 0 {
                let before = &self.groups[index - 1];
                x += if source(before) == source(group) { slot } else { slot + 34.0 };
            }
            centres.push(x);
        }
        centres
    }

    /// What each run of boxes with one source is.
    fn draw_headings(&self, canvas: &mut Canvas, centres: &[f64], slot: f64, y: f64) {
        let mut start = 0;
        for index in 1..=self.groups.len() {
            let here = source(&self.groups[start]);
            if index < self.groups.len() && source(&self.groups[index]) == here {
                continue;
            }
            let what = if here.1 { "published" } else { "this run" };
            let middle = f64::midpoint(centres[start], centres[index - 1]);
            canvas.text("s", Anchor::Middle, (middle, y), &format!("{what}, {}", here.0));
            let half = (centres[index - 1] - centres[start]) / 2.0 + slot * 0.45;
            canvas.line("x", (middle - half, y + 4.0), (middle + half, y + 4.0));
            start = index;
        }
    }

    fn draw_pairs(&self, canvas: &mut Canvas, centres: &[f64], axis: &Axis) {
        for (pair, xs) in self.groups.windows(2).zip(centres.windows(2)) {
            if source(&pair[0]) != source(&pair[1]) || pair[0].published.is_some() {
                continue;
            }
            for (set, value) in &pair[0].values {
                if let Some((_, other)) = pair[1].values.iter().find(|(name, _)| name == set) {
                    let from = (xs[0] + 27.0, axis.at(*value));
                    canvas.line("g", from, (xs[1] - 27.0, axis.at(*other)));
                }
            }
        }
    }
}

fn source(group: &BoxGroup) -> (DataKind, bool) {
    (group.data, group.published.is_some())
}

fn draw_box(canvas: &mut Canvas, group: &BoxGroup, index: usize, numbers: &BoxNumbers, x: f64, axis: &Axis) {
    let published = group.published.is_some();
    // Solid edges for what was measured here; dashes are kept for what was published.
    let (area, edge, dot) = if published {
        ("pa".to_string(), "p".to_string(), "d".to_string())
    } else {
        (area_class(index), interval_class(index), fill_class(index))
    };
    let half = 27.0;
    let [bottom, lower, median, upper, high] = [
        numbers.lower_whisker,
        numbers.first_quartile,
        numbers.median,
        numbers.third_quartile,
        numbers.upper_whisker,
    ]
    .map(|value| axis.at(value));
    canvas.line(&edge, (x, lower), (x, bottom));
    canvas.line(&edge, (x, upper), (x, high));
    canvas.line(&edge, (x - 9.0, bottom), (x + 9.0, bottom));
    canvas.line(&edge, (x - 9.0, high), (x + 9.0, high));
    canvas.rect(&area, x - half, upper, 2.0 * half, lower - upper);
    for (number, (_, value)) in group.values.iter().enumerate() {
        canvas.circle(&format!("{dot} dot"), (x + spread(number) * 20.0, axis.at(*value)), 1.8);
    }
    canvas.line("k", (x - half, median), (x + half, median));
}

/// A name and the parentheses at its end.
fn split(name: &str) -> Option<(&str, &str)> {
    let end = name.rfind(" (").filter(|_| name.ends_with(')'))?;
    Some((&name[..end], &name[end + 1..]))
}

/// The name below the bottom of the boxes, the numbers below the names.
fn draw_labels(
    canvas: &mut Canvas,
    group: &BoxGroup,
    ((first, second), numbers): ((&str, Option<&str>), &BoxNumbers),
    x: f64,
    (bottom, below): (f64, f64),
) {
    canvas.text("", Anchor::Middle, (x, bottom + 16.0), first);
    if let Some(second) = second {
        canvas.text("", Anchor::Middle, (x, bottom + 16.0 + LINE), second);
    }
    let count = format!("n = {}", group.values.len());
    canvas.text("s q", Anchor::Middle, (x, below + 29.0), &count);
    let median = format!("median {}", short(numbers.median));
    canvas.text("s q", Anchor::Middle, (x, below + 41.0), &median);
    if let Some(status) = group.published {
        canvas.text("s q", Anchor::Middle, (x, below + 53.0), &status.to_string());
    }
}

/// An even spread over -1 to 1 that depends on the number alone (van der Corput, base 2).
fn spread(number: usize) -> f64 {
    let reversed = (number as u32 + 1).reverse_bits();
    f64::from(reversed) / f64::from(u32::MAX) * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, data: DataKind, published: Option<PublishedStatus>) -> BoxGroup {
        let values = [0.8, 0.9, 0.95].iter().enumerate().map(|(i, v)| (format!("s{i}"), *v)).collect();
        BoxGroup { name: name.into(), data, published, values }
    }

    #[test]
    fn numbers_follow_the_definition() {
        // numpy 2.2: np.percentile([1,2,3,4,100], [25,50,75]) gives 2, 3, 4; 100 lies beyond 4 + 1.5 * 2.
        let numbers = BoxNumbers::new(&[100.0, 3.0, 1.0, 2.0, 4.0]).unwrap();
        let wanted = BoxNumbers {
            lower_whisker: 1.0,
            first_quartile: 2.0,
            median: 3.0,
            third_quartile: 4.0,
            upper_whisker: 4.0,
        };
        assert_eq!(numbers, wanted);
        assert_eq!(BoxNumbers::new(&[]), None);
    }

    #[test]
    fn published_and_measured_are_named_apart() {
        let groups = vec![
            group("CNN", DataKind::Simulated, None),
            group("RNN", DataKind::Simulated, None),
            group("DeepBind*", DataKind::Real, Some(PublishedStatus::Confirmed)),
        ];
        let plot = BoxPlot { title: "Comparison".into(), axis: "AUROC".into(), groups, paired: true };
        let svg = plot.draw().unwrap().svg();
        assert_eq!(svg.matches(">this run, simulated data<").count(), 1);
        assert_eq!(svg.matches(">published, real data<").count(), 1);
        assert!(svg.contains(">confirmed<"));
        assert_eq!(plot.draw().unwrap().svg(), svg);
    }

    #[test]
    fn names_that_are_wider_than_a_box_make_room() {
        let groups = ["CNN-RNN as an ensemble of five", "RNN as an ensemble of five"];
        let plot = BoxPlot {
            groups: groups.map(|name| group(name, DataKind::Simulated, None)).to_vec(),
            ..BoxPlot::default()
        };
        let centres = plot.centres(plot.slot());
        let halves: f64 = groups.iter().map(|name| text_width(name, 11.0) / 2.0).sum();
        assert!(halves > SLOT && centres[1] - centres[0] > halves);
        assert!(plot.draw().unwrap().size().0 > centres[1] + text_width(groups[1], 11.0) / 2.0);
    }

    #[test]
    fn parentheses_of_a_wide_name_stand_in_a_line_of_their_own() {
        let plot = |names: &[&str]| BoxPlot {
            groups: names.iter().map(|name| group(name, DataKind::Simulated, None)).collect(),
            ..BoxPlot::default()
        };
        let both = plot(&["CNN (honest)", "CNN-RNN (as-published)"]);
        assert_eq!(both.name_lines(&both.groups[0]), ("CNN", Some("(honest)")));
        assert_eq!(both.name_lines(&both.groups[1]), ("CNN-RNN", Some("(as-published)")));
        let one = plot(&["CNN (honest)"]);
        assert_eq!(one.name_lines(&one.groups[0]), ("CNN (honest)", None));
        let drawn = |name: &str| (plot(&[name]).slot(), plot(&[name]).draw().unwrap().size().1);
        let (narrow, wide) = (drawn("CNN"), drawn("CNN-RNN (as-published)"));
        assert_eq!(wide.1, narrow.1 + LINE);
        assert!(narrow.0 == SLOT && wide.0 < text_width("CNN-RNN (as-published)", 11.0));
    }

    #[test]
    fn an_area_above_one_is_refused() {
        let mut wrong = group("CNN", DataKind::Real, None);
        wrong.values[1].1 = 1.5;
        let plot = BoxPlot { groups: vec![wrong], ..BoxPlot::default() };
        assert_eq!(plot.draw().unwrap_err().to_string(), "box plot: found 1.5 at value 1, wanted 0 to 1");
    }
}
