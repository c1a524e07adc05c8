//! The letters of logos and tracks as outlines, so that they stretch to any height without a font.
//!
//! Each outline fills the unit square exactly (x to the right, y down), which makes a letter's drawn
//! height its transform's scale.

/// Identifier and outline of each base and of the unknown base, by code.
pub(crate) const GLYPHS: [(&str, &str); 5] = [
    ("A", "M0 1 .37 0H.63L1 1H.78L.7 .76H.3L.22 1ZM.355 .59H.645L.5 .16Z"),
    (
        "C",
        "M1 .32C.96 .11 .78 0 .53 0 .2 0 0 .2 0 .5S.2 1 .53 1C.78 1 .96 .89 1 .67L.79 .63C.76 .77 .67 .84 .53 .84 \
         .33 .84 .22 .72 .22 .5S.33 .16 .53 .16C.67 .16 .76 .23 .79 .37Z",
    ),
    (
        "G",
        "M.98 .3C.93 .11 .76 0 .53 0 .2 0 0 .2 0 .5S.2 1 .54 1C.73 1 .89 .94 1 .84V.46H.52V.62H.79V.76C.72 .81 .64 .84 \
         .55 .84 .33 .84 .22 .72 .22 .5S.33 .16 .53 .16C.66 .16 .74 .22 .78 .35Z",
    ),
    ("T", "M0 0H1V.17H.61V1H.39V.17H0Z"),
    ("N", "M0 1V0H.24L.78 .68V0H1V1H.77L.22 .31V1Z"),
];

/// The letters as SVG definitions; a page holds them once, a file of its own each.
pub(crate) fn definitions() -> String {
    let path = |(id, outline): &(&str, &str)| format!("<path id=\"{id}\" class=\"b{id}\" d=\"{outline}\"/>");
    format!("<defs>{}</defs>", GLYPHS.iter().map(path).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_fill_the_unit_square() {
        let svg = |outline: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"2\" height=\"2\"><path d=\"{outline}\"/></svg>"
            )
        };
        for (id, outline) in GLYPHS {
            let options = resvg::usvg::Options::default();
            let tree = resvg::usvg::Tree::from_str(&svg(outline), &options).unwrap();
            let bounds = tree.root().abs_bounding_box();
            for (found, wanted) in [(bounds.left(), 0.), (bounds.top(), 0.), (bounds.right(), 1.)] {
                assert!((found - wanted).abs() < 0.021, "{id}: {bounds:?}");
            }
            assert!((bounds.bottom() - 1.).abs() < 1e-6, "{id}: {bounds:?}");
        }
    }
}
