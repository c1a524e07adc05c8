//! The way back through a convolution most of whose output has no gradient: a maximum follows it, so
//! that of each window of the pool one position has one, or, of a whole sequence, one; what an
//! activation or dropout zeroed has none either.
//!
//! Weights and their gradient are `(filters, k * c)` here: a position's part is one scaled addition of a
//! whole window. Cost: `4 * k * c` operations for each number that is not zero.

use crate::real::Real;

use super::convolution::Convolution;
use super::transpose::transpose;

/// Where the rows of a matrix are not zero, column by column.
#[derive(Debug, Clone)]
pub(crate) struct Nonzero {
    /// Of each column, how many.
    counts: Vec<u32>,
    /// `(columns, rows)`: of each column, the rows, in order; the rest is left over.
    places: Vec<u32>,
    rows: usize,
}

impl Nonzero {
    /// Room for a matrix of this size.
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        Self { counts: vec![0; columns], places: vec![0; rows * columns], rows }
    }

    /// Finds them.
    #[inline(always)]
    pub(crate) fn find<R: Real>(&mut self, matrix: &[R]) {
        self.counts.fill(0);
        for (t, row) in matrix.chunks_exact(self.counts.len()).enumerate() {
            let places = self.places.chunks_exact_mut(self.rows);
            for ((&x, count), places) in row.iter().zip(&mut self.counts).zip(places) {
                places[*count as usize] = t as u32;
                // A place that is not taken is overwritten by the next; the last has room to spare.
                *count += u32::from(x != R::ZERO);
            }
        }
    }

    /// The rows of a column.
    #[inline(always)]
    pub(crate) fn of(&self, column: usize) -> &[u32] {
        &self.places[column * self.rows..][..self.counts[column] as usize]
    }
}

/// One way back through a slice.
pub(crate) struct SparseGradient<'a, R> {
    pub(crate) kernel: Convolution,
    /// Input rows; not read where no gradient of the weights is wanted.
    pub(crate) input: &'a [R],
    /// Of the output, laid out like it.
    pub(crate) gradient: &'a [R],
    /// Weights `(filters, k * c)`.
    pub(crate) by_filter: &'a [R],
    /// Gradient of the weights `(filters, k * c)`, added to, where it is wanted.
    pub(crate) of_weights: Option<&'a mut [R]>,
    /// Gradient of every input row.
    pub(crate) of_input: &'a mut [R],
    /// Room.
    pub(crate) nonzero: &'a mut Nonzero,
    pub(crate) sequences: usize,
}

impl<R: Real> SparseGradient<'_, R> {
    /// Does it.
    #[inline(always)]
    pub(crate) fn run(mut self) {
        if !R::sparse_gradient(&mut self) {
            self.plain_run();
        }
    }

    /// The same with loops that the compiler makes vectors of.
    #[inline(always)]
    pub(crate) fn plain_run(&mut self) {
        let (pitch, c) = (self.kernel.pitch, self.kernel.inputs);
        let (window, layout) = (self.kernel.width * c, self.kernel.output());
        self.of_input[..self.sequences * pitch * c].fill(R::ZERO);
        for a in 0..self.sequences {
            let gradient = layout.sequence(self.gradient, a);
            self.nonzero.find(gradient);
            for f in 0..self.kernel.filters {
                let filter = f * window..(f + 1) * window;
                for &t in self.nonzero.of(f) {
                    let g = gradient[t as usize * self.kernel.filters + f];
                    let at = (a * pitch + t as usize) * c;
                    add_scaled(&mut self.of_input[at..at + window], g, &self.by_filter[filter.clone()]);
                    if let Some(of_weights) = &mut self.of_weights {
                        add_scaled(&mut of_weights[filter.clone()], g, &self.input[at..at + window]);
                    }
                }
            }
        }
    }
}

impl Convolution {
    /// `weight` `(k * c, filters)` as `(filters, k * c)`.
    #[inline(always)]
    pub(crate) fn by_filter<R: Real>(&self, weight: &[R], to: &mut [R]) {
        transpose(weight, self.filters, to, |to, from| *to = from);
    }

    /// Adds `by_filter` `(filters, k * c)` to a gradient `(k * c, filters)`.
    #[inline(always)]
    pub(crate) fn add_by_filter<R: Real>(&self, by_filter: &[R], weight: &mut [R]) {
        transpose(by_filter, self.width * self.inputs, weight, |to, from| *to += from);
    }
}

#[inline(always)]
fn add_scaled<R: Real>(to: &mut [R], scale: R, from: &[R]) {
    to.iter_mut().zip(from).for_each(|(y, &x)| *y = scale.mul_add(x, *y));
}
