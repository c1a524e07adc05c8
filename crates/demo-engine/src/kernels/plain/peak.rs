//! A first convolution on codes with a global maximum right after it: what each filter sees at its best
//! place is all that is kept, forwards and back.
//!
//! Forwards one row a position is looked up and compared, and none is stored. Back, a filter's gradient
//! has one place in a sequence. Cost: `k / 3` rows looked up a position forwards, `k` numbers a filter back.

use crate::real::Real;

use super::embedding::Tables;

/// Numbers of a position of a filter by code: A, C, G, T, unknown, and a rest that makes a code's place
/// certain to exist.
pub(crate) const CODES: usize = 8;

/// The maxima of each filter over the positions of some sequences.
pub(crate) struct Peaks<'a, R> {
    pub(crate) tables: Tables,
    /// The tables' numbers.
    pub(crate) numbers: &'a [R],
    /// Rows of the tables, `pitch` a sequence.
    pub(crate) index: &'a [u8],
    pub(crate) pitch: usize,
    /// Windows of a sequence.
    pub(crate) positions: usize,
    /// `(sequences, filters)`: the maxima, and the first positions that have them.
    pub(crate) to: &'a mut [R],
    pub(crate) places: &'a mut [u32],
    pub(crate) sequences: usize,
}

impl<R: Real> Peaks<'_, R> {
    /// Finds them.
    #[inline(always)]
    pub(crate) fn find(mut self) {
        if !R::peaks(&mut self) {
            self.plain_find();
        }
    }

    /// The same, position by position.
    #[inline(always)]
    pub(crate) fn plain_find(&mut self) {
        let (tables, c) = (self.tables, self.tables.filters);
        for a in 0..self.sequences {
            let index = &self.index[a * self.pitch..];
            let (best, places) = (&mut self.to[a * c..][..c], &mut self.places[a * c..][..c]);
            for t in 0..self.positions {
                for f in 0..c {
                    let row =
                        |table: usize| tables.row(self.numbers, table, index[t + table * tables.order])[f];
                    let x = (1..tables.count()).fold(row(0), |sum, table| sum + row(table));
                    if t == 0 || x > best[f] {
                        (best[f], places[f]) = (x, t as u32);
                    }
                }
            }
        }
    }
}

/// The gradient of those maxima, `(sequences, filters)`, with where they are.
pub(crate) struct PeakGradient<'a, R> {
    pub(crate) gradient: &'a [R],
    pub(crate) places: &'a [u32],
    /// Codes, `pitch` a sequence.
    pub(crate) codes: &'a [u8],
    pub(crate) pitch: usize,
    pub(crate) filters: usize,
    pub(crate) width: usize,
}

impl<R: Real> PeakGradient<'_, R> {
    /// Of each filter with a gradient in a sequence: the filter, the gradient, and the window.
    #[inline(always)]
    fn windows(&self, sequence: usize) -> impl Iterator<Item = (usize, R, usize)> {
        let rows = sequence * self.filters..(sequence + 1) * self.filters;
        let numbers = self.gradient[rows.clone()].iter().zip(&self.places[rows]).enumerate();
        numbers.filter(|(_, (g, _))| **g != R::ZERO).map(|(f, (&g, &t))| (f, g, t as usize))
    }

    #[inline(always)]
    fn codes(&self, sequence: usize, place: usize) -> &[u8] {
        &self.codes[sequence * self.pitch + place..][..self.width]
    }

    /// Adds the gradient of the weights `(filters, width, 8)`.
    #[inline(always)]
    pub(crate) fn gather(&self, sequences: usize, by_filter: &mut [R]) {
        let by_filter = by_filter.as_chunks_mut::<CODES>().0;
        for a in 0..sequences {
            for (f, g, place) in self.windows(a) {
                let rows = &mut by_filter[f * self.width..][..self.width];
                for (row, &code) in rows.iter_mut().zip(self.codes(a, place)) {
                    row[usize::from(code) % CODES] += g;
                }
            }
        }
    }

    /// The derivative by the base that is there, `(sequences, length)`, from weights `(filters, width, 8)`;
    /// the first position of a sequence is row `lead` of its codes.
    #[inline(always)]
    pub(crate) fn observed(&self, by_filter: &[R], lead: usize, length: usize, to: &mut [R]) {
        let by_filter = by_filter.as_chunks::<CODES>().0;
        for (a, to) in to.chunks_exact_mut(length).enumerate() {
            to.fill(R::ZERO);
            for (f, g, place) in self.windows(a) {
                let (rows, codes) = (&by_filter[f * self.width..][..self.width], self.codes(a, place));
                // What lies in the padding has no base, and no place in the result.
                let skipped = lead.saturating_sub(place).min(self.width);
                let to = &mut to[(place + skipped - lead).min(length)..];
                let numbers = rows[skipped..].iter().zip(&codes[skipped..]);
                for (to, (row, &code)) in to.iter_mut().zip(numbers) {
                    *to = g.mul_add(row[usize::from(code) % CODES], *to);
                }
            }
        }
    }

    /// The derivative by all bases, `(pitch, 4)` a sequence, from weights `(filters, width, 8)`.
    #[inline(always)]
    pub(crate) fn bases(&self, sequences: usize, by_filter: &[R], to: &mut [R]) {
        let by_filter = by_filter.as_chunks::<CODES>().0;
        let to = to.as_chunks_mut::<4>().0;
        to[..sequences * self.pitch].fill([R::ZERO; 4]);
        for a in 0..sequences {
            for (f, g, place) in self.windows(a) {
                let rows = &by_filter[f * self.width..][..self.width];
                for (to, row) in to[a * self.pitch + place..].iter_mut().zip(rows) {
                    for (to, &w) in to.iter_mut().zip(row) {
                        *to = g.mul_add(w, *to);
                    }
                }
            }
        }
    }
}

/// Weights `(width, 4, filters)` as `(filters, width, 8)`.
#[inline(always)]
pub(crate) fn spread_by_filter<R: Real>(weight: &[R], filters: usize, by_filter: &mut [R]) {
    let width = weight.len() / (4 * filters);
    for (number, row) in by_filter.as_chunks_mut::<CODES>().0.iter_mut().enumerate() {
        let (f, j) = (number / width, number % width);
        for (base, to) in row[..4].iter_mut().enumerate() {
            *to = weight[(j * 4 + base) * filters + f];
        }
    }
}

/// Adds a gradient `(filters, width, 8)` to one of `(width, 4, filters)`; that of unknown bases is nobody's.
#[inline(always)]
pub(crate) fn collect_by_filter<R: Real>(by_filter: &[R], filters: usize, weight: &mut [R]) {
    let width = weight.len() / (4 * filters);
    for (number, row) in by_filter.as_chunks::<CODES>().0.iter().enumerate() {
        let (f, j) = (number / width, number % width);
        for (base, &g) in row[..4].iter().enumerate() {
            weight[(j * 4 + base) * filters + f] += g;
        }
    }
}
