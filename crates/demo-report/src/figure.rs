//! A finished picture: SVG as a file of its own, the same SVG as PNG, or inline in a page.
//!
//! The PNG is the SVG rendered by `resvg` with the face `Ubuntu Light` and, for what it lacks, `Hack`,
//! both embedded: no font of the system is looked for, so that a picture is the same on every machine.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use crate::files::write_whole;
use crate::svg::{Canvas, escape, number};
use crate::{Error, Result, glyphs, style};

/// How many pixels of a written PNG one unit of the SVG takes.
const PNG_SCALE: f64 = 2.0;

/// The most pixels along a side of a PNG.
const LONGEST: f64 = 32768.0;

/// A picture with a title, ready to be written.
///
/// ```
/// use demo_report::{Logo, LogoScale};
///
/// let logo = Logo::new(vec![[0.7, 0.1, 0.1, 0.1], [0.0, 0.0, 1.0, 0.0]]).with_title("AG");
/// let figure = logo.draw()?;
/// assert!(figure.svg().starts_with("<svg"));
/// assert_eq!(&figure.png(1.0)?[1..4], b"PNG");
/// # Ok::<(), demo_report::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

impl Figure {
    pub(crate) fn new(title: &str, width: f64, height: f64, canvas: Canvas) -> Self {
        Self { width: width.ceil(), height: height.ceil(), title: title.into(), body: canvas.into_body() }
    }

    /// What the picture shows, in words.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Width and height in SVG units.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// The picture as a complete SVG document on white.
    pub fn svg(&self) -> String {
        let (width, height) = (number(self.width), number(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
             <title>{}</title><style>{}</style>{}<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{}</svg>\n",
            escape(&self.title),
            style::standalone(),
            glyphs::definitions(),
            self.body
        )
    }

    /// The picture for a page that holds the letters and the rules once.
    pub(crate) fn inline(&self) -> String {
        let (width, height) = (number(self.width), number(self.height));
        format!(
            "<svg class=\"fig\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            escape(&self.title),
            self.body
        )
    }

    /// The picture as PNG, `scale` pixels for each SVG unit.
    ///
    /// # Errors
    /// [`Error::Scale`] where the scale gives no picture, [`Error::Render`] where rendering fails.
    pub fn png(&self, scale: f64) -> Result<Vec<u8>> {
        let side = |length: f64| {
            let pixels = (length * scale).round();
            (1.0..=LONGEST).contains(&pixels).then_some(pixels as u32)
        };
        let (Some(width), Some(height)) = (side(self.width), side(self.height)) else {
            return Err(Error::Scale { width: self.width, height: self.height, scale });
        };
        let failed = |reason: String| Error::Render { title: self.title.clone(), reason };
        let options = usvg::Options {
            font_family: "Ubuntu".into(),
            font_resolver: embedded_resolver(),
            fontdb: embedded_fonts(),
            ..usvg::Options::default()
        };
        let tree = usvg::Tree::from_str(&self.svg(), &options).map_err(|error| failed(error.to_string()))?;
        let mut pixels = Pixmap::new(width, height).ok_or_else(|| failed("out of memory".into()))?;
        let scale = Transform::from_scale(scale as f32, scale as f32);
        resvg::render(&tree, scale, &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| failed(error.to_string()))
    }

    /// Writes `<folder>/<stem>.svg` and `<folder>/<stem>.png`, each whole or not at all, and gives both paths.
    /// The PNG of a very long picture has fewer pixels for each unit.
    ///
    /// # Errors
    /// [`Error::Write`] naming the path, and what [`Figure::png`] gives.
    pub fn write(&self, folder: &Path, stem: &str) -> Result<[PathBuf; 2]> {
        let png = self.png(PNG_SCALE.min(LONGEST / self.width.max(self.height)))?;
        let paths = ["svg", "png"].map(|extension| folder.join(format!("{stem}.{extension}")));
        write_whole(&paths[0], self.svg().as_bytes())?;
        write_whole(&paths[1], &png)?;
        Ok(paths)
    }
}

/// The two embedded faces, parsed once.
fn embedded_fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        fonts.load_font_data(epaint_default_fonts::HACK_REGULAR.to_vec());
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}

/// Gives the first face for every family and the next one for characters it lacks.
fn embedded_resolver() -> usvg::FontResolver<'static> {
    usvg::FontResolver {
        select_font: Box::new(|_, fonts| fonts.faces().next().map(|face| face.id)),
        select_fallback: Box::new(|_, used, fonts| {
            fonts.faces().map(|face| face.id).find(|id| !used.contains(id))
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::svg::Anchor;

    fn with_text(text: &str) -> Figure {
        let mut canvas = Canvas::default();
        canvas.text("", Anchor::Start, (5.0, 20.0), text);
        Figure::new(text, 120.0, 30.0, canvas)
    }

    /// Width and height as the PNG's own header gives them.
    fn header_size(png: &[u8]) -> (u32, u32) {
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    }

    #[test]
    fn a_png_has_the_size_asked_for() {
        let figure = with_text("AUROC");
        assert_eq!(header_size(&figure.png(1.0).unwrap()), (120, 30));
        assert_eq!(header_size(&figure.png(2.5).unwrap()), (300, 75));
        for scale in [0.0, -1.0, f64::NAN, 1e6] {
            assert!(matches!(figure.png(scale), Err(Error::Scale { .. })), "{scale}");
        }
    }

    #[test]
    fn the_embedded_faces_draw_what_reports_say() {
        // A face that is missing or lacks a character would leave the picture blank or smaller.
        let blank = with_text("").png(1.0).unwrap();
        for text in ["AUROC", "−", "≤", "×", "–", "é", "→"] {
            assert_ne!(with_text(text).png(1.0).unwrap(), blank, "{text}");
        }
    }

    #[test]
    fn both_files_are_written_or_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let figure = with_text("x");
        let [svg, png] = figure.write(folder.path(), "picture").unwrap();
        assert_eq!(std::fs::read_to_string(&svg).unwrap(), figure.svg());
        assert_eq!(std::fs::read(&png).unwrap(), figure.png(2.0).unwrap());
        let long = Figure::new("long", 2.0, 30_000.0, Canvas::default());
        let [_, png] = long.write(folder.path(), "long").unwrap();
        assert_eq!(header_size(&std::fs::read(&png).unwrap()).1, 32_768);
        let error = figure.write(&svg, "within-a-file").unwrap_err().to_string();
        assert!(error.contains("picture.svg"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_gives_well_formed_svg(text in any::<String>()) {
            let svg = with_text(&text).svg();
            prop_assert!(usvg::roxmltree::Document::parse(&svg).is_ok(), "{}", svg);
        }
    }
}
