//! The way back through a convolution whose output reaches the rest of the network only through a
//! global maximum: at most one position of each filter and sequence has a gradient, so that nearly all
//! products of the dense way would be by zero.
//!
//! Weights and their gradient are `(filters, k * c)` here: a position's part is one scaled addition of a
//! whole window. Cost: `4 * k * c` operations for each filter that has a gradient.

use crate::real::Real;

use super::convolution::Convolution;

impl Convolution {
    /// `weight` `(k * c, filters)` as `(filters, k * c)`.
    #[inline(always)]
    pub(crate) fn by_filter<R: Real>(&self, weight: &[R], to: &mut [R]) {
        let window = self.width * self.inputs;
        for (f, row) in to.chunks_exact_mut(window).enumerate() {
            for (to, from) in row.iter_mut().zip(weight.chunks_exact(self.filters)) {
                *to = from[f];
            }
        }
    }

    /// Adds `by_filter` `(filters, k * c)` to a gradient `(k * c, filters)`.
    #[inline(always)]
    pub(crate) fn add_by_filter<R: Real>(&self, by_filter: &[R], weight: &mut [R]) {
        let window = self.width * self.inputs;
        // Written row by row: the columns that are read stay in cache for the next rows.
        for (i, row) in weight.chunks_exact_mut(self.filters).enumerate() {
            for (f, to) in row.iter_mut().enumerate() {
                *to += by_filter[f * window + i];
            }
        }
    }

    /// The gradient of every input row, and, where it is wanted, of the weights by filter (added).
    #[inline(always)]
    pub(crate) fn sparse_gradient<R: Real>(
        &self,
        input: &[R],
        gradient: &[R],
        by_filter: &[R],
        mut of_weights: Option<&mut [R]>,
        of_input: &mut [R],
        sequences: usize,
    ) {
        let (layout, c, window) = (self.output(), self.inputs, self.width * self.inputs);
        of_input[..sequences * self.pitch * c].fill(R::ZERO);
        for a in 0..sequences {
            for (t, row) in layout.sequence(gradient, a).chunks_exact(self.filters).enumerate() {
                let at = (a * self.pitch + t) * c;
                for (f, &g) in row.iter().enumerate() {
                    if g == R::ZERO {
                        continue;
                    }
                    let filter = f * window..(f + 1) * window;
                    add_scaled(&mut of_input[at..at + window], g, &by_filter[filter.clone()]);
                    if let Some(of_weights) = &mut of_weights {
                        add_scaled(&mut of_weights[filter], g, &input[at..at + window]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add_scaled<R: Real>(to: &mut [R], scale: R, from: &[R]) {
    to.iter_mut().zip(from).for_each(|(y, &x)| *y = scale.mul_add(x, *y));
}
