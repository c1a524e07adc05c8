//! The marks of which every picture is made, written as compact SVG.
//!
//! Marks carry classes, never colours: a file of its own holds the light rules, a page holds light and
//! dark ones. Coordinates are rounded to a hundredth, a twentieth of what the eye resolves.

use std::fmt::Write as _;

/// A number rounded to two decimals, without trailing or leading zeros; what is not finite is 0.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".into();
    }
    let hundredths = (value * 100.0).round() as i64;
    let (whole, rest) = (hundredths.abs() / 100, hundredths.abs() % 100);
    let sign = if hundredths < 0 { "-" } else { "" };
    let whole = if whole == 0 && rest != 0 { String::new() } else { whole.to_string() };
    match rest {
        0 => format!("{sign}{whole}"),
        _ if rest % 10 == 0 => format!("{sign}{whole}.{}", rest / 10),
        _ => format!("{sign}{whole}.{rest:02}"),
    }
}

/// Text made safe between tags and inside quoted attributes; characters XML forbids become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// How wide a text may be at a font size: generous, since a reader's own font is not known.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.62
}

/// Where a text's anchor lies.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn class(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Middle => " m",
            Self::End => " e",
        }
    }
}

/// Collects the marks of one picture.
#[derive(Default)]
pub(crate) struct Canvas {
    body: String,
}

impl Canvas {
    pub(crate) fn into_body(self) -> String {
        self.body
    }

    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.path(class, &path_data(&[from, to]));
    }

    pub(crate) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        self.path(class, &path_data(points));
    }

    pub(crate) fn polygon(&mut self, class: &str, points: &[(f64, f64)]) {
        self.path(class, &format!("{}Z", path_data(points)));
    }

    pub(crate) fn path(&mut self, class: &str, data: &str) {
        let _ = write!(self.body, "<path class=\"{class}\" d=\"{data}\"/>");
    }

    pub(crate) fn circle(&mut self, class: &str, centre: (f64, f64), radius: f64) {
        let (x, y, r) = (number(centre.0), number(centre.1), number(radius));
        let _ = write!(self.body, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>");
    }

    /// A text; `class` is empty or an extra class such as `s` (small).
    pub(crate) fn text(&mut self, class: &str, anchor: Anchor, at: (f64, f64), text: &str) {
        let space = if class.is_empty() { "" } else { " " };
        let (x, y) = (number(at.0), number(at.1));
        let _ = write!(
            self.body,
            "<text class=\"t{space}{class}{}\" x=\"{x}\" y=\"{y}\">{}</text>",
            anchor.class(),
            escape(text)
        );
    }

    /// A text in the middle of a vertical axis, read from below.
    pub(crate) fn vertical_text(&mut self, class: &str, at: (f64, f64), text: &str) {
        let space = if class.is_empty() { "" } else { " " };
        let (x, y) = (number(at.0), number(at.1));
        let _ = write!(
            self.body,
            "<text class=\"t{space}{class} m\" transform=\"translate({x} {y})rotate(-90)\">{}</text>",
            escape(text)
        );
    }

    /// The letter of a base code in the box from `at` (its upper left corner); a negative height hangs
    /// it upside down from `at`, growing downwards.
    pub(crate) fn letter(&mut self, code: u8, at: (f64, f64), width: f64, height: f64) {
        let glyph = crate::glyphs::GLYPHS[usize::from(code.min(4))].0;
        let top = if height < 0.0 { at.1 - height } else { at.1 };
        let [width, height, x, y] = [width, height, at.0, top].map(number);
        let _ =
            write!(self.body, "<use href=\"#{glyph}\" transform=\"matrix({width} 0 0 {height} {x} {y})\"/>");
    }
}

/// Move and line commands through points; axis-parallel steps use the shorter H and V.
fn path_data(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    let mut previous: Option<(String, String)> = None;
    let mut last_command = 'M';
    for &(x, y) in points {
        let (x, y) = (number(x), number(y));
        match &previous {
            None => {
                let _ = write!(data, "M{x} {y}");
                // Numbers that follow a move are lines, so that the letter L is left out.
                last_command = 'L';
            }
            Some((px, py)) if *px == x && *py == y => continue,
            Some((_, py)) if *py == y => {
                let _ = write!(data, "H{x}");
                last_command = 'H';
            }
            Some((px, _)) if *px == x => {
                let _ = write!(data, "V{y}");
                last_command = 'V';
            }
            Some(_) => {
                data.push(if last_command == 'L' { ' ' } else { 'L' });
                let _ = write!(data, "{x} {y}");
                last_command = 'L';
            }
        }
        previous = Some((x, y));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_stable() {
        let cases = [
            (0.0, "0"),
            (-0.001, "0"),
            (0.5, ".5"),
            (-0.25, "-.25"),
            (12.0, "12"),
            (3.105, "3.11"),
            (3.1, "3.1"),
            (1.01, "1.01"),
            (f64::NAN, "0"),
        ];
        for (value, wanted) in cases {
            assert_eq!(number(value), wanted);
        }
    }

    #[test]
    fn every_markup_character_is_escaped() {
        assert_eq!(escape("<&\">'"), "&lt;&amp;&quot;&gt;&#39;");
        assert_eq!(escape("a\tb\u{1}"), "a b\u{fffd}");
    }

    #[test]
    fn paths_use_the_shortest_command() {
        assert_eq!(path_data(&[(0., 0.), (1., 2.), (3., 4.), (3., 5.), (3., 5.), (4., 5.), (5., 6.)]), {
            "M0 0 1 2 3 4V5H4L5 6"
        });
    }
}
