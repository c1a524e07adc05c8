//! One sequence with what a network says along it: saliency tracks and temporal curves.
//!
//! Where true sites are known they lie as shaded spans behind the marks, named above them.

use demo_core::{Attribution, DnaSequence};
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::figure::Figure;
use crate::logo::{draw_positions, draw_stacks, draw_value_axis, letter_row};
use crate::style::line_class;
use crate::svg::{Anchor, Canvas, text_width};
use crate::values::SiteSpan;
use crate::{Error, Result};

const LEFT: f64 = 52.0;
const PANEL: f64 = 90.0;

/// How a saliency track shows a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TrackStyle {
    /// The observed base, as high as its score.
    #[default]
    Letters,
    /// A bar above the observed base.
    Bars,
}

/// A score for each base of one sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SaliencyTrack {
    sequence: DnaSequence,
    scores: Vec<f32>,
    sites: Vec<SiteSpan>,
    title: String,
    label: String,
    style: TrackStyle,
}

impl SaliencyTrack {
    /// A track of letters without sites or title.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Length`] where lengths differ, [`Error::Value`] at a score that is not finite.
    pub fn new(sequence: DnaSequence, scores: Vec<f32>) -> Result<Self> {
        let figure = "saliency track";
        check_scores(figure, "scores", &sequence, &scores, (f32::MIN, f32::MAX))?;
        let (title, label) = (String::new(), "saliency".to_string());
        Ok(Self { sequence, scores, sites: Vec::new(), title, label, style: TrackStyle::default() })
    }

    /// The track of an attribution, its axis named after the method.
    ///
    /// # Errors
    /// As [`SaliencyTrack::new`].
    pub fn from_attribution(sequence: DnaSequence, attribution: &Attribution) -> Result<Self> {
        let mut track = Self::new(sequence, attribution.scores().to_vec())?;
        track.label.clone_from(&attribution.method);
        Ok(track)
    }

    /// The same track with true sites.
    ///
    /// # Errors
    /// [`Error::Length`] where a site ends beyond the sequence.
    pub fn with_sites(mut self, sites: Vec<SiteSpan>) -> Result<Self> {
        check_sites("saliency track", &sites, self.sequence.len())?;
        self.sites = sites;
        Ok(self)
    }

    /// The same track under a title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The same track in another style.
    #[must_use]
    pub fn with_style(mut self, style: TrackStyle) -> Self {
        self.style = style;
        self
    }

    /// Draws the track.
    ///
    /// # Errors
    /// None for a checked track; the signature is that of the other pictures.
    pub fn draw(&self) -> Result<Figure> {
        let frame = Frame::new(&self.title, &self.sequence, &self.sites, 0.0);
        let mut canvas = Canvas::default();
        let extreme = |sign: f32| self.scores.iter().map(|s| f64::from(s * sign)).fold(0.0, f64::max);
        let (low, high) = (-extreme(-1.0), extreme(1.0));
        let high = if low == 0.0 && high == 0.0 { 1.0 } else { high };
        let axis = Axis::new(low, high, frame.top + PANEL, frame.top);
        frame.draw(&mut canvas, &self.title, &self.sites, frame.top + PANEL);
        draw_value_axis(&mut canvas, &axis, &axis.ticks(4), LEFT - 3.0, &self.label);
        canvas.line("g", (LEFT, axis.at(0.0)), (frame.right(), axis.at(0.0)));
        let mut below = frame.top + PANEL;
        if self.style == TrackStyle::Letters && frame.column >= 5.0 {
            let codes = self.sequence.as_codes();
            let rows: Vec<_> =
                codes.iter().zip(&self.scores).map(|(code, score)| letter_row(*code, *score)).collect();
            draw_stacks(&mut canvas, &rows, &axis, LEFT, frame.column);
        } else {
            for (index, score) in self.scores.iter().enumerate() {
                let (y0, y1) = (axis.at(0.0), axis.at(f64::from(*score)));
                let x = frame.x(index) + frame.column * 0.1;
                canvas.rect("f0", x, y0.min(y1), frame.column * 0.8, (y0 - y1).abs());
            }
            below += frame.draw_bases(&mut canvas, &self.sequence, below + 3.0);
        }
        draw_positions(&mut canvas, 1, self.sequence.len(), LEFT, frame.column, below + 12.0);
        let title = if self.title.is_empty() { "Saliency track" } else { &self.title };
        Ok(Figure::new(title, frame.width, below + 18.0, canvas))
    }
}

/// The probability of each prefix and each suffix of one sequence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemporalCurves {
    sequence: DnaSequence,
    prefix: Vec<f32>,
    suffix: Vec<f32>,
    /// Bases beyond the end of a prefix or suffix that its score has seen.
    lookahead: usize,
    sites: Vec<SiteSpan>,
    title: String,
}

impl TemporalCurves {
    /// `prefix[i]` is P(bound) of the bases `0..=i`, `suffix[i]` that of the bases `i..`, and of as many more
    /// as [`TemporalCurves::with_lookahead`] says.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Length`] where lengths differ, [`Error::Value`] outside 0 to 1.
    pub fn new(sequence: DnaSequence, prefix: Vec<f32>, suffix: Vec<f32>) -> Result<Self> {
        let figure = "temporal curves";
        check_scores(figure, "prefix scores", &sequence, &prefix, (0.0, 1.0))?;
        check_scores(figure, "suffix scores", &sequence, &suffix, (0.0, 1.0))?;
        Ok(Self { sequence, prefix, suffix, lookahead: 0, sites: Vec::new(), title: String::new() })
    }

    /// The same curves of a network that reads so many bases beyond the end of each prefix and suffix, as one
    /// that begins with a convolution does.
    #[must_use]
    pub fn with_lookahead(mut self, bases: usize) -> Self {
        self.lookahead = bases;
        self
    }

    /// Bases beyond the end of each prefix and suffix that its score has seen.
    pub fn lookahead(&self) -> usize {
        self.lookahead
    }

    /// The same curves with true sites.
    ///
    /// # Errors
    /// [`Error::Length`] where a site ends beyond the sequence.
    pub fn with_sites(mut self, sites: Vec<SiteSpan>) -> Result<Self> {
        check_sites("temporal curves", &sites, self.sequence.len())?;
        self.sites = sites;
        Ok(self)
    }

    /// The same curves under a title.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Draws the curves with the sequence beneath.
    ///
    /// # Errors
    /// None for checked curves; the signature is that of the other pictures.
    pub fn draw(&self) -> Result<Figure> {
        let frame = Frame::new(&self.title, &self.sequence, &self.sites, 18.0);
        let mut canvas = Canvas::default();
        let axis = Axis::new(0.0, 1.0, frame.top + PANEL, frame.top);
        frame.draw(&mut canvas, &self.title, &self.sites, frame.top + PANEL);
        let ticks = [0.0, 0.5, 1.0].map(|value| (value, format!("{value:.1}")));
        draw_value_axis(&mut canvas, &axis, &ticks, LEFT - 3.0, "P(bound)");
        canvas.line("p", (LEFT, axis.at(0.5)), (frame.right(), axis.at(0.5)));
        let mut x = LEFT;
        let names = match self.lookahead {
            0 => ["prefix 1..i (read forwards)".to_owned(), "suffix i..end (read backwards)".to_owned()],
            more => [
                format!("prefix 1..i+{more} (read forwards)"),
                format!("suffix i−{more}..end (read backwards)"),
            ],
        };
        for ((series, name), scores) in names.iter().enumerate().zip([&self.prefix, &self.suffix]) {
            let point = |(index, score): (usize, &f32)| {
                (frame.x(index) + frame.column / 2.0, axis.at(f64::from(*score)))
            };
            let points: Vec<_> = scores.iter().enumerate().map(point).collect();
            canvas.polyline(&line_class(series), &points);
            canvas.line(&line_class(series), (x, frame.legend - 3.5), (x + 22.0, frame.legend - 3.5));
            canvas.text("s", Anchor::Start, (x + 27.0, frame.legend), name);
            x += 27.0 + text_width(name, 9.5) + 18.0;
        }
        let below = frame.top + PANEL;
        let below = below + frame.draw_bases(&mut canvas, &self.sequence, below + 4.0) + 1.0;
        draw_positions(&mut canvas, 1, self.sequence.len(), LEFT, frame.column, below + 12.0);
        let title = if self.title.is_empty() { "Temporal output scores" } else { &self.title };
        Ok(Figure::new(title, frame.width, below + 18.0, canvas))
    }
}

/// Where the parts of a track lie.
struct Frame {
    top: f64,
    legend: f64,
    column: f64,
    count: usize,
    width: f64,
}

impl Frame {
    fn new(title: &str, sequence: &DnaSequence, sites: &[SiteSpan], legend: f64) -> Self {
        let count = sequence.len();
        let column = (808.0 / count as f64).clamp(2.0, 20.0);
        let title_height = if title.is_empty() { 4.0 } else { 22.0 };
        let names = if sites.iter().any(|site| !site.name.is_empty()) { 15.0 } else { 4.0 };
        let width = LEFT + column * count as f64 + 10.0;
        let width = width.max(text_width(title, 11.0) + 10.0).max(if legend > 0.0 { 440.0 } else { 0.0 });
        Self { top: title_height + legend + names, legend: title_height + legend - 5.0, column, count, width }
    }

    fn x(&self, index: usize) -> f64 {
        LEFT + index as f64 * self.column
    }

    fn right(&self) -> f64 {
        self.x(self.count)
    }

    /// The title, and the sites with their names, a name left out where the one before takes its room.
    fn draw(&self, canvas: &mut Canvas, title: &str, sites: &[SiteSpan], bottom: f64) {
        if !title.is_empty() {
            canvas.text("", Anchor::Start, (4.0, 14.0), title);
        }
        let mut ordered: Vec<&SiteSpan> = sites.iter().collect();
        ordered.sort_by_key(|site| (site.start, site.end));
        let mut free = 0.0;
        for site in ordered {
            let (x, end) = (self.x(site.start), self.x(site.end));
            canvas.rect("site", x, self.top, end - x, bottom - self.top);
            canvas.rect("se", x, self.top - 2.0, end - x, 2.0);
            let strand = site.strand.map_or(String::new(), |strand| format!(" ({strand})"));
            let name = format!("{}{strand}", site.name);
            let width = text_width(&name, 9.5);
            let start = x.min(self.width - width - 2.0);
            if !site.name.is_empty() && start >= free {
                canvas.text("s", Anchor::Start, (start, self.top - 5.0), &name);
                free = start + width + 4.0;
            }
        }
    }

    /// The sequence in letters of one height, where there is room; gives the height taken.
    fn draw_bases(&self, canvas: &mut Canvas, sequence: &DnaSequence, y: f64) -> f64 {
        if self.column < 5.0 {
            return 0.0;
        }
        for (index, code) in sequence.as_codes().iter().enumerate() {
            canvas.letter(*code, (self.x(index) + self.column * 0.08, y), self.column * 0.84, 10.0);
        }
        13.0
    }
}

fn check_scores(
    figure: &'static str,
    what: &'static str,
    sequence: &DnaSequence,
    scores: &[f32],
    (low, high): (f32, f32),
) -> Result<()> {
    if sequence.is_empty() {
        return Err(Error::Empty { figure, wanted: "base" });
    }
    if scores.len() != sequence.len() {
        return Err(Error::Length { figure, what, found: scores.len(), wanted: sequence.len() });
    }
    match scores.iter().position(|score| !(low..=high).contains(score)) {
        Some(index) => {
            let wanted = if high == 1.0 { "a probability" } else { "a finite number" };
            Err(Error::Value { figure, what, index, found: f64::from(scores[index]), wanted })
        }
        None => Ok(()),
    }
}

fn check_sites(figure: &'static str, sites: &[SiteSpan], length: usize) -> Result<()> {
    match sites.iter().find(|site| site.start >= site.end || site.end > length) {
        Some(site) => Err(Error::Length {
            figure,
            what: "bases up to the end of a site",
            found: site.end,
            wanted: length,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence() -> DnaSequence {
        "ACGTNACGTT".parse().unwrap()
    }

    #[test]
    fn lengths_and_ranges_are_checked() {
        let short = SaliencyTrack::new(sequence(), vec![0.0; 9]).unwrap_err();
        assert_eq!(short.to_string(), "saliency track: found 9 scores, wanted 10");
        let nan = SaliencyTrack::new(sequence(), vec![f32::NAN; 10]).unwrap_err();
        assert!(nan.to_string().contains("wanted a finite number"));
        let outside = TemporalCurves::new(sequence(), vec![0.5; 10], vec![1.5; 10]).unwrap_err();
        assert_eq!(
            outside.to_string(),
            "temporal curves: found 1.5 at suffix scores 0, wanted a probability"
        );
        let site = SiteSpan { start: 8, end: 11, name: String::new(), strand: None };
        assert!(SaliencyTrack::new(sequence(), vec![0.0; 10]).unwrap().with_sites(vec![site]).is_err());
    }

    #[test]
    fn curves_say_how_far_their_scores_have_read() {
        let curves = TemporalCurves::new(sequence(), vec![0.5; 10], vec![0.25; 10]).unwrap();
        let plain = curves.draw().unwrap().svg();
        assert!(plain.contains(">prefix 1..i (") && plain.contains(">suffix i..end ("));
        let ahead = curves.with_lookahead(4).draw().unwrap().svg();
        assert!(ahead.contains(">prefix 1..i+4 (") && ahead.contains(">suffix i−4..end ("), "{ahead}");
    }

    #[test]
    fn position_numbers_of_long_sequences_keep_apart() {
        let long: DnaSequence = "ACGT".repeat(300).parse().unwrap();
        let svg = SaliencyTrack::new(long, vec![0.1; 1200]).unwrap().draw().unwrap().svg();
        // Four digits are wider than the 20 units of ten columns.
        assert!(svg.contains(">1200</text>") && svg.contains(">1180</text>"), "{svg}");
        assert!(!svg.contains(">1190</text>") && !svg.contains(">1010</text>"));
    }

    #[test]
    fn a_silent_track_is_still_a_picture() {
        let figure = SaliencyTrack::new(sequence(), vec![0.0; 10]).unwrap().draw().unwrap();
        assert!(figure.png(1.0).is_ok());
    }

    #[test]
    fn sites_lie_behind_their_bases() {
        let site = SiteSpan { start: 2, end: 5, name: "<REST>".into(), strand: None };
        let track = SaliencyTrack::new(sequence(), vec![0.5; 10]).unwrap().with_sites(vec![site]).unwrap();
        let svg = track.draw().unwrap().svg();
        // Ten bases are 20 units wide each and start at 52.
        assert!(svg.contains("class=\"site\" x=\"92\"") && svg.contains("width=\"60\""), "{svg}");
        assert!(svg.contains("&lt;REST&gt;") && !svg.contains("<REST>"));
    }
}
