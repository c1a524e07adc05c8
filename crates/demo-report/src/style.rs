//! Colours and fonts, once for files of their own and once for pages that follow the reader's scheme.
//!
//! Bases keep the field's colours (A green, C blue, G orange, T red) in the shades of Okabe and Ito
//! (*Color Universal Design*, 2008), which readers with any common colour blindness tell apart: T is
//! their vermilion and G their orange, which also differ in lightness. Models differ in dash or marker too,
//! never by colour alone; dash and marker are combined with the colours anew after every [`SERIES`] models.

use std::fmt::Write as _;

/// Number of colours of models, and as many dashes and markers.
pub(crate) const SERIES: usize = 6;

/// What every font rule names: the face that PNG files embed first, then whatever the reader has.
const FONTS: &str = "Ubuntu,system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

struct Scheme {
    ink: &'static str,
    muted: &'static str,
    grid: &'static str,
    site: &'static str,
    site_edge: &'static str,
    /// A C G T N.
    bases: [&'static str; 5],
    series: [&'static str; SERIES],
}

const LIGHT: Scheme = Scheme {
    ink: "#1d2329",
    muted: "#59636e",
    grid: "#dde2e7",
    site: "#e4e2f3",
    site_edge: "#5d50a6",
    bases: ["#009e73", "#0072b2", "#e69f00", "#d55e00", "#8b949e"],
    series: ["#0072b2", "#d55e00", "#00855f", "#a8487e", "#8a6d00", "#3a7ca5"],
};

const DARK: Scheme = Scheme {
    ink: "#e6e9ed",
    muted: "#a3adb8",
    grid: "#363d45",
    site: "#302d4a",
    site_edge: "#a99ff0",
    bases: ["#2cc79b", "#56a8e8", "#f2b134", "#f0763a", "#7d8894"],
    series: ["#5cb0ec", "#f2854d", "#2cc79b", "#dd8fbb", "#d9b93a", "#8fc7e6"],
};

/// Rules for an SVG file of its own, on white.
pub(crate) fn standalone() -> String {
    // The embedded face is a light weight; a hairline makes it as dark as ordinary text.
    format!("{}.t{{stroke:{};stroke-width:.25px}}{}", geometry(""), LIGHT.ink, colours("", &LIGHT))
}

/// Rules for the pictures within a page, light and dark; print is always light.
pub(crate) fn page() -> String {
    format!(
        "{}{}@media screen and (prefers-color-scheme:dark){{{}}}",
        geometry(".fig "),
        colours(".fig ", &LIGHT),
        colours(".fig ", &DARK)
    )
}

/// The number of a model's dash and of its marker: that of its colour for the first models, another one for
/// those that share a colour with an earlier one. [`SERIES`]² models differ in one or the other.
pub(crate) fn pattern(index: usize) -> usize {
    (index + index / SERIES) % SERIES
}

/// The classes of a model's lines: colour, then dash where it is not the colour's own.
pub(crate) fn line_class(index: usize) -> String {
    let (colour, dash) = (index % SERIES, pattern(index));
    if dash == colour { format!("l{colour}") } else { format!("l{colour} y{dash}") }
}

/// The class of a model's thin solid lines, such as intervals.
pub(crate) fn interval_class(index: usize) -> String {
    format!("w{}", index % SERIES)
}

/// The class of a model's solid marks.
pub(crate) fn fill_class(index: usize) -> String {
    format!("f{}", index % SERIES)
}

/// The class of a model's bands of confidence: pale, without an edge.
pub(crate) fn band_class(index: usize) -> String {
    format!("v{}", index % SERIES)
}

/// The class of a model's pale areas.
pub(crate) fn area_class(index: usize) -> String {
    format!("a{}", index % SERIES)
}

fn geometry(scope: &str) -> String {
    let dashes = ["none", "7 3", "2 2.5", "9 3 2 3", "4 2", "1 3"];
    let mut css = format!(
        "{scope}.t{{font:11px {FONTS}}}{scope}.s{{font-size:9.5px}}{scope}.h{{font-size:13px}}\
         {scope}.m{{text-anchor:middle}}{scope}.e{{text-anchor:end}}\
         {scope}.x{{fill:none;stroke-width:1}}{scope}.g{{fill:none;stroke-width:.75}}\
         {scope}.p{{fill:none;stroke-width:1.3;stroke-dasharray:4 2.5}}{scope}.k{{fill:none;stroke-width:2}}\
         {scope}.dot{{fill-opacity:.7}}{scope}.ov{{fill-opacity:.35}}{scope}.pa{{fill:none;stroke-width:1.3;stroke-dasharray:4 2.5}}\
         {scope}.pub{{fill:none;stroke-width:1.1}}"
    );
    for (index, dash) in dashes.iter().enumerate() {
        let _ = write!(css, "{scope}.l{index}{{fill:none;stroke-width:1.7;stroke-dasharray:{dash}}}");
        let _ = write!(css, "{scope}.w{index}{{fill:none;stroke-width:1.2}}");
        let _ = write!(css, "{scope}.v{index}{{fill-opacity:.16}}");
        let _ = write!(css, "{scope}.a{index}{{fill-opacity:.16;stroke-width:1.3}}");
    }
    // After the colours' own dashes, whose place they take.
    for (index, dash) in dashes.iter().enumerate() {
        let _ = write!(css, "{scope}.y{index}{{stroke-dasharray:{dash}}}");
    }
    css
}

fn colours(scope: &str, scheme: &Scheme) -> String {
    let Scheme { ink, muted, grid, site, site_edge, .. } = scheme;
    let mut css = format!(
        "{scope}.t{{fill:{ink}}}{scope}.q{{fill:{muted}}}{scope}.x{{stroke:{ink}}}{scope}.g{{stroke:{grid}}}\
         {scope}.p,{scope}.pa{{stroke:{muted}}}{scope}.ov{{fill:{grid}}}{scope}.pub{{stroke:{ink}}}{scope}.k{{stroke:{ink}}}{scope}.d{{fill:{muted}}}\
         {scope}.site{{fill:{site}}}{scope}.se{{fill:{site_edge}}}"
    );
    for (base, colour) in ["A", "C", "G", "T", "N"].iter().zip(scheme.bases) {
        // A glyph is defined outside the picture that uses it, so its rule knows no scope.
        let _ = write!(css, ".b{base}{{fill:{colour}}}");
    }
    for (index, colour) in scheme.series.iter().enumerate() {
        let _ = write!(css, "{scope}.l{index},{scope}.w{index}{{stroke:{colour}}}");
        let _ = write!(css, "{scope}.f{index},{scope}.v{index}{{fill:{colour}}}");
        let _ = write!(css, "{scope}.a{index}{{fill:{colour};stroke:{colour}}}");
    }
    css
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn models_of_one_colour_differ_in_dash_and_marker() {
        let lines: BTreeSet<String> = (0..SERIES * SERIES).map(line_class).collect();
        let marks: BTreeSet<(String, usize)> =
            (0..SERIES * SERIES).map(|index| (fill_class(index), pattern(index))).collect();
        assert_eq!((lines.len(), marks.len()), (SERIES * SERIES, SERIES * SERIES));
        // The first ones differ without their colours.
        assert_eq!((0..SERIES).map(pattern).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!((line_class(5).as_str(), line_class(6).as_str()), ("l5", "l0 y1"));
    }
}
