//! A convolution of few new rows: the product of each row with each tap, added up where the taps meet.
//!
//! A window of new rows also reads old ones, whose products with the taps are those of the sequence itself. So a
//! mutant costs a product for each of its new rows and each tap, not one for each tap of every window that sees
//! them.

use std::ops::Range;

use crate::kernels::plain::Layout;
use crate::numbers::{Numbers, zeros};
use crate::product::{PANEL, Strided, product};
use crate::real::Real;

/// The products of rows with the taps of a convolution.
#[derive(Debug)]
pub(crate) struct Taps<R> {
    channels: usize,
    width: usize,
    filters: usize,
    /// `(rows of the input, taps, filters)`: of the sequence itself.
    own: Numbers<R>,
    /// `(mutants, new rows, taps, filters)`.
    new: Numbers<R>,
}

impl<R: Real> Taps<R> {
    /// Room for a convolution `(width, filters)` of a value, and for so many new rows of it.
    pub(crate) fn new(layout: Layout, (width, filters): (usize, usize), new: usize) -> Self {
        let size = width * filters;
        let rows = layout.pitch.max(layout.positions);
        Self { channels: layout.channels, width, filters, own: zeros(rows * size), new: zeros(new * size) }
    }

    /// Takes the rows of a sequence, padding included, as far as windows read them.
    pub(crate) fn begin(&mut self, rows: &[R], panels: &[R]) {
        let size = rows.len() / self.channels * self.size();
        multiply((self.channels, self.width, self.filters), rows, panels, &mut self.own[..size]);
    }

    /// `(mutants, windows, filters)`: the `windows` of mutants whose rows `rows` are new.
    #[inline(always)]
    pub(crate) fn run(
        &mut self,
        (new, rows, mutants): (&[R], Range<usize>, usize),
        panels: &[R],
        windows: Range<usize>,
        to: &mut [R],
    ) {
        let size = self.size();
        let count = mutants * rows.len();
        let sizes = (self.channels, self.width, self.filters);
        multiply(sizes, &new[..count * self.channels], panels, &mut self.new[..count * size]);
        let filters = self.filters;
        for (mutant, to) in to.chunks_exact_mut(windows.len() * filters).take(mutants).enumerate() {
            for (window, to) in windows.clone().zip(to.chunks_exact_mut(filters)) {
                for tap in 0..self.width {
                    let row = window + tap;
                    let terms = if rows.contains(&row) {
                        &self.new[(mutant * rows.len() + row - rows.start) * size..]
                    } else {
                        &self.own[row * size..]
                    };
                    let terms = &terms[tap * filters..][..filters];
                    if tap == 0 {
                        to.copy_from_slice(terms);
                    } else {
                        to.iter_mut().zip(terms).for_each(|(to, &term)| *to += term);
                    }
                }
            }
        }
    }

    /// Products of a row.
    fn size(&self) -> usize {
        self.width * self.filters
    }
}

/// The products of rows with every tap; the panels are those of the whole convolution, tap after tap.
fn multiply<R: Real>(
    (channels, width, filters): (usize, usize, usize),
    rows: &[R],
    panels: &[R],
    to: &mut [R],
) {
    let (count, depth) = (rows.len() / channels, width * channels);
    for tap in 0..width {
        for (first, panel) in (0..filters).step_by(PANEL).zip(panels[..depth * filters].chunks(depth * PANEL))
        {
            let columns = PANEL.min(filters - first);
            let part = Strided::rows(&panel[tap * channels * columns..][..channels * columns], columns);
            let to = &mut to[tap * filters + first..];
            product(
                (count, channels, columns),
                to,
                width * filters,
                false,
                Strided::rows(rows, channels),
                part,
            );
        }
    }
}
