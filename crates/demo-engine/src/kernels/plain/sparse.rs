//! The gradient of the weights of a convolution most of whose output has no gradient: a maximum follows it,
//! so that of each window of the pool one position has one, or, of a whole sequence, one; what an
//! activation or dropout zeroed has none either.
//!
//! Weights' gradients are `(filters, k * c)` here: a position's part is one scaled addition of a whole
//! window. Cost: `2 * k * c` operations for each number that is not zero.

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

/// The gradient of the weights over a slice.
pub(crate) struct SparseGradient<'a, R> {
    pub(crate) kernel: Convolution,
    /// Input rows.
    pub(crate) input: &'a [R],
    /// Of the output, laid out like it.
    pub(crate) gradient: &'a [R],
    /// Gradient of the weights `(filters, k * c)`, added to.
    pub(crate) of_weights: &'a mut [R],
    /// Room.
    pub(crate) nonzero: &'a mut Nonzero,
    pub(crate) sequences: usize,
}

impl<R: Real> SparseGradient<'_, R> {
    /// Adds it.
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
        for a in 0..self.sequences {
            let gradient = layout.sequence(self.gradient, a);
            self.nonzero.find(gradient);
            for (f, of_weights) in self.of_weights.chunks_exact_mut(window).enumerate() {
                for &t in self.nonzero.of(f) {
                    let g = gradient[t as usize * self.kernel.filters + f];
                    let at = (a * pitch + t as usize) * c;
                    add_scaled(of_weights, g, &self.input[at..at + window]);
                }
            }
        }
    }
}

impl Convolution {
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
