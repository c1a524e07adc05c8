//! What can go wrong while drawing or writing: values that make no picture, and files.

use std::path::PathBuf;

/// The error of this crate; each names the picture, table or path, what was found and what was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture was asked for without anything to draw.
    #[error("{figure}: found no {wanted}, wanted at least one")]
    Empty {
        /// The picture.
        figure: &'static str,
        /// What it is drawn from.
        wanted: &'static str,
    },
    /// Two inputs of one picture differ in length.
    #[error("{figure}: found {found} {what}, wanted {wanted}")]
    Length {
        /// The picture.
        figure: &'static str,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// A number that cannot be drawn.
    #[error("{figure}: found {found} at {what} {index}, wanted {wanted}")]
    Value {
        /// The picture.
        figure: &'static str,
        /// What was being read.
        what: &'static str,
        /// Which of them, from 0.
        index: usize,
        /// The number.
        found: f64,
        /// What the picture takes.
        wanted: &'static str,
    },
    /// A row of a table with too few or too many cells.
    #[error("table row {row}: found {found} cells, wanted {wanted}")]
    RowWidth {
        /// The row, from 0.
        row: usize,
        /// Its number of cells.
        found: usize,
        /// The number of columns.
        wanted: usize,
    },
    /// A cell that does not fit its column.
    #[error("table row {row}, column `{column}`: found {found}, wanted {wanted}")]
    Cell {
        /// The row, from 0.
        row: usize,
        /// The column's name.
        column: String,
        /// The kind of the cell.
        found: &'static str,
        /// The kind of the column.
        wanted: &'static str,
    },
    /// A scale of a PNG that gives no picture or one too large to hold.
    #[error("PNG of {width} x {height} at scale {scale}: wanted between 1 and 32768 pixels a side")]
    Scale {
        /// Width of the picture.
        width: f64,
        /// Height of the picture.
        height: f64,
        /// The scale asked for.
        scale: f64,
    },
    /// The SVG could not be turned into pixels.
    #[error("PNG of `{title}`: {reason}")]
    Render {
        /// The picture's title.
        title: String,
        /// What the renderer said.
        reason: String,
    },
    /// A file or folder could not be written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;
