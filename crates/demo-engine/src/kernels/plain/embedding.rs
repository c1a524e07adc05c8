//! A first convolution on codes, by look-up: windows of three bases index tables of 125 rows (three
//! bases, each of five kinds), so that a convolution of width k adds k / 3 rows for each position.
//!
//! With order 1 the tables are those of single bases, 5 rows each, for widths and batches that do not
//! repay the building of the larger ones. An unknown base adds nothing.
//!
//! Gradients are gathered in tables of the same form and reduced to the weights once per lane.

use std::ops::Range;

use crate::real::Real;

use super::Layout;

/// Kinds of base: A, C, G, T and unknown.
const KINDS: usize = 5;

/// The tables of a convolution on codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Bases of the window.
    pub(crate) width: usize,
    /// Numbers in a row.
    pub(crate) filters: usize,
    /// Bases that index a table: 1 or 3.
    pub(crate) order: usize,
}

impl Tables {
    /// Tables that a window is split into.
    pub(crate) fn count(&self) -> usize {
        self.width.div_ceil(self.order)
    }

    /// Rows of a table.
    pub(crate) fn rows(&self) -> usize {
        KINDS.pow(self.order as u32)
    }

    /// Numbers in all tables.
    pub(crate) fn size(&self) -> usize {
        self.count() * self.rows() * self.filters
    }

    /// The offsets in the window that a table covers.
    fn offsets(&self, table: usize) -> Range<usize> {
        table * self.order..((table + 1) * self.order).min(self.width)
    }

    /// The base at one of a row's offsets: the first offset is the most significant digit.
    fn base(&self, row: usize, offset: usize) -> usize {
        row / KINDS.pow((self.order - 1 - offset % self.order) as u32) % KINDS
    }

    /// Fills the tables from weights `(width, 4, filters)`.
    #[inline(always)]
    pub(crate) fn build<R: Real>(&self, weight: &[R], tables: &mut [R]) {
        let c = self.filters;
        tables[..self.size()].fill(R::ZERO);
        for (number, row) in tables[..self.size()].chunks_exact_mut(c).enumerate() {
            let (table, row_number) = (number / self.rows(), number % self.rows());
            for offset in self.offsets(table) {
                let base = self.base(row_number, offset);
                if base < 4 {
                    let from = &weight[(offset * 4 + base) * c..][..c];
                    row.iter_mut().zip(from).for_each(|(y, &w)| *y += w);
                }
            }
        }
    }

    /// Adds gathered gradients to the gradient of the weights `(width, 4, filters)`.
    #[inline(always)]
    pub(crate) fn reduce<R: Real>(&self, tables: &[R], weight: &mut [R]) {
        let c = self.filters;
        for (number, row) in tables[..self.size()].chunks_exact(c).enumerate() {
            let (table, row_number) = (number / self.rows(), number % self.rows());
            for offset in self.offsets(table) {
                let base = self.base(row_number, offset);
                if base < 4 {
                    let to = &mut weight[(offset * 4 + base) * c..][..c];
                    to.iter_mut().zip(row).for_each(|(w, &g)| *w += g);
                }
            }
        }
    }

    /// The row that each window of `order` codes indexes; `codes` is `order - 1` longer.
    #[inline(always)]
    pub(crate) fn index(&self, codes: &[u8], index: &mut [u8]) {
        if self.order == 1 {
            index.copy_from_slice(&codes[..index.len()]);
            return;
        }
        for (to, window) in index.iter_mut().zip(codes.windows(3)) {
            *to = window[0] * 25 + window[1] * 5 + window[2];
        }
    }

    /// The convolution: `to` has one row for each position of `layout`; windows start at row
    /// `sequence * input_pitch + position` of `index`.
    #[inline(always)]
    pub(crate) fn forward<R: Real>(
        &self,
        tables: &[R],
        index: &[u8],
        input_pitch: usize,
        to: &mut [R],
        layout: Layout,
        sequences: usize,
    ) {
        let c = self.filters;
        for a in 0..sequences {
            let index = &index[a * input_pitch..];
            for (t, row) in layout.sequence_mut(to, a).chunks_exact_mut(c).enumerate() {
                let from = |table: usize| self.row(tables, table, index[t + table * self.order]);
                if self.count() == 3 {
                    // Width 7 to 9, the usual one: the sums stay in registers.
                    let rows = from(0).iter().zip(from(1)).zip(from(2));
                    row.iter_mut().zip(rows).for_each(|(y, ((&p, &q), &r))| *y = p + q + r);
                    continue;
                }
                row.copy_from_slice(from(0));
                for table in 1..self.count() {
                    row.iter_mut().zip(from(table)).for_each(|(y, &x)| *y += x);
                }
            }
        }
    }

    /// Gathers the gradient of the output, laid out like it, into tables.
    #[inline(always)]
    pub(crate) fn gather<R: Real>(
        &self,
        gradient: &[R],
        layout: Layout,
        index: &[u8],
        input_pitch: usize,
        tables: &mut [R],
        sequences: usize,
    ) {
        let c = self.filters;
        for a in 0..sequences {
            let index = &index[a * input_pitch..];
            for (t, row) in layout.sequence(gradient, a).chunks_exact(c).enumerate() {
                for table in 0..self.count() {
                    let at = (table * self.rows() + usize::from(index[t + table * self.order])) * c;
                    tables[at..at + c].iter_mut().zip(row).for_each(|(g, &y)| *g += y);
                }
            }
        }
    }

    #[inline(always)]
    pub(crate) fn row<'a, R>(&self, tables: &'a [R], table: usize, number: u8) -> &'a [R] {
        &tables[(table * self.rows() + usize::from(number)) * self.filters..][..self.filters]
    }
}

/// The derivative by the base that is there: for each position p of a sequence,
/// `sum_j gradient[p - j] . W[j, code(p)]`, 0 where the base is unknown.
///
/// `codes` and the windows of `gradient` share the pitch of `layout`; position p is row `left + p` of a
/// sequence's codes. `weight` is `(width, 4, filters)`, `to` is `(sequences, length)`.
#[inline(always)]
pub(crate) fn observed<R: Real>(
    weight: &[R],
    gradient: &[R],
    layout: Layout,
    codes: &[u8],
    (left, length): (usize, usize),
    to: &mut [R],
) {
    let c = layout.channels;
    let width = weight.len() / (4 * c);
    for (a, to) in to.chunks_exact_mut(length).enumerate() {
        for (p, to) in to.iter_mut().enumerate() {
            let code = usize::from(codes[a * layout.pitch + left + p]);
            *to = R::ZERO;
            if code >= 4 {
                continue;
            }
            for j in 0..width.min(left + p + 1) {
                let t = left + p - j;
                if t < layout.positions {
                    let row = &gradient[layout.at(a, t)..][..c];
                    *to += dot(row, &weight[(j * 4 + code) * c..][..c]);
                }
            }
        }
    }
}

/// The inner product, in sixteen partial sums.
#[inline(always)]
pub(crate) fn dot<R: Real>(x: &[R], y: &[R]) -> R {
    const LANES: usize = 16;
    let mut sums = [R::ZERO; LANES];
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            sums[lane] = x[lane].mul_add(y[lane], sums[lane]);
        }
    }
    let mut rest = R::ZERO;
    for (&x, &y) in x_rest.iter().zip(y_rest) {
        rest = x.mul_add(y, rest);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0] + rest
}
