//! The way back through a convolution with a sparse gradient: a part of a filter's window stays in
//! registers while all its places in a sequence pass by.
//!
//! A sequence at a time, first the weights' gradient, then the input's: the rows that the places point
//! at, then, are those of one sequence and fit the first-level cache.

use pulp::{Simd, WithSimd};

use crate::kernels::plain::sparse::SparseGradient;

/// One way back; false where no vector is filled, so that nothing was done.
pub(crate) struct Run<'a, 'b>(pub(crate) &'a mut SparseGradient<'b, f32>);

impl WithSimd for Run<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        if S::F32_LANES == 1 {
            return false;
        }
        let this = self.0;
        let (pitch, c, filters) = (this.kernel.pitch, this.kernel.inputs, this.kernel.filters);
        let (window, layout) = (this.kernel.width * c, this.kernel.output());
        for a in 0..this.sequences {
            let gradient = layout.sequence(this.gradient, a);
            let rows = a * pitch * c..(a + 1) * pitch * c;
            this.nonzero.find(gradient);
            let nonzero = &*this.nonzero;
            let column =
                |f| Column { places: nonzero.of(f), gradient: &gradient[f..], row: filters, step: c };
            if let Some(of_weights) = &mut this.of_weights {
                let input = &this.input[rows.clone()];
                for (f, of_weights) in of_weights.chunks_exact_mut(window).enumerate() {
                    in_parts::<S>(simd, Gather { column: column(f), input, to: of_weights });
                }
            }
            let of_input = &mut this.of_input[rows];
            of_input.fill(0.0);
            for (f, weights) in this.by_filter.chunks_exact(window).enumerate() {
                in_parts::<S>(simd, Scatter { column: column(f), weights, to: &mut *of_input });
            }
        }
        true
    }
}

/// A filter's gradient in one sequence: place t has `gradient[t * row]` and its window starts at
/// `t * step`.
#[derive(Clone, Copy)]
struct Column<'a> {
    places: &'a [u32],
    gradient: &'a [f32],
    row: usize,
    step: usize,
}

impl Column<'_> {
    /// Of each place, its gradient and where its window starts.
    #[inline(always)]
    fn iter(&self) -> impl Iterator<Item = (f32, usize)> {
        self.places.iter().map(|&t| (self.gradient[t as usize * self.row], t as usize * self.step))
    }
}

/// What is done with a window, a part at a time.
trait Windows {
    /// Numbers in a window.
    fn width(&self) -> usize;

    /// Does it with `V` vectors from number `at` on.
    fn part<S: Simd, const V: usize>(&mut self, simd: S, at: usize);

    /// Does it with all numbers from `at` on.
    fn rest(&mut self, at: usize);
}

/// Takes a whole window in parts, the largest that registers hold first.
#[inline(always)]
fn in_parts<S: Simd>(simd: S, mut windows: impl Windows) {
    let mut at = 0;
    if S::REGISTER_COUNT >= 32 {
        at = parts::<S, 20>(simd, &mut windows, at);
    }
    at = parts::<S, 4>(simd, &mut windows, at);
    at = parts::<S, 1>(simd, &mut windows, at);
    windows.rest(at);
}

/// Takes all parts of `V` vectors; returns where the next begins.
#[inline(always)]
fn parts<S: Simd, const V: usize>(simd: S, windows: &mut impl Windows, mut at: usize) -> usize {
    while windows.width() - at >= V * S::F32_LANES {
        windows.part::<S, V>(simd, at);
        at += V * S::F32_LANES;
    }
    at
}

/// Adds the windows of `input` at the places to `to`.
struct Gather<'a> {
    column: Column<'a>,
    input: &'a [f32],
    to: &'a mut [f32],
}

impl Windows for Gather<'_> {
    #[inline(always)]
    fn width(&self) -> usize {
        self.to.len()
    }

    #[inline(always)]
    fn part<S: Simd, const V: usize>(&mut self, simd: S, at: usize) {
        let width = V * S::F32_LANES;
        let part = S::as_mut_simd_f32s(&mut self.to[at..at + width]).0;
        let mut sums = [simd.splat_f32s(0.0); V];
        sums.copy_from_slice(part);
        for (g, start) in self.column.iter() {
            let g = simd.splat_f32s(g);
            let from = S::as_simd_f32s(&self.input[start + at..][..width]).0;
            for (sum, &x) in sums.iter_mut().zip(from) {
                *sum = simd.mul_add_f32s(g, x, *sum);
            }
        }
        part.copy_from_slice(&sums);
    }

    #[inline(always)]
    fn rest(&mut self, at: usize) {
        for (g, start) in self.column.iter() {
            let from = &self.input[start + at..];
            self.to[at..].iter_mut().zip(from).for_each(|(y, &x)| *y = g.mul_add(x, *y));
        }
    }
}

/// Adds `weights` to the windows of `to` at the places.
struct Scatter<'a> {
    column: Column<'a>,
    weights: &'a [f32],
    to: &'a mut [f32],
}

impl Windows for Scatter<'_> {
    #[inline(always)]
    fn width(&self) -> usize {
        self.weights.len()
    }

    #[inline(always)]
    fn part<S: Simd, const V: usize>(&mut self, simd: S, at: usize) {
        let width = V * S::F32_LANES;
        let mut part = [simd.splat_f32s(0.0); V];
        part.copy_from_slice(S::as_simd_f32s(&self.weights[at..at + width]).0);
        for (g, start) in self.column.iter() {
            let g = simd.splat_f32s(g);
            let to = S::as_mut_simd_f32s(&mut self.to[start + at..][..width]).0;
            for (to, &x) in to.iter_mut().zip(&part) {
                *to = simd.mul_add_f32s(g, x, *to);
            }
        }
    }

    #[inline(always)]
    fn rest(&mut self, at: usize) {
        for (g, start) in self.column.iter() {
            let to = &mut self.to[start + at..];
            to.iter_mut().zip(&self.weights[at..]).for_each(|(y, &x)| *y = g.mul_add(x, *y));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::plain::convolution::Convolution;
    use crate::kernels::plain::sparse::Nonzero;
    use proptest::prelude::*;

    /// Gradients of weights and input, by vectors and by plain loops.
    fn both(kernel: Convolution, sequences: usize, with_weights: bool) -> [[Vec<f32>; 2]; 2] {
        let (layout, c) = (kernel.output(), kernel.inputs);
        let number = |i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0;
        let input: Vec<f32> = (0..sequences * kernel.pitch * c).map(number).collect();
        let weights: Vec<f32> = (0..kernel.filters * kernel.width * c).map(|i| number(i * 3)).collect();
        let sparse = |i: usize| if i * i % 7 == 1 { number(i) } else { 0.0 };
        let gradient: Vec<f32> = (0..layout.size(sequences)).map(sparse).collect();
        let mut nonzero = Nonzero::new(layout.positions, kernel.filters);
        [false, true].map(|vectors| {
            let (mut of_weights, mut of_input) = (weights.clone(), vec![9.0; input.len()]);
            let mut run = SparseGradient {
                kernel,
                input: &input,
                gradient: &gradient,
                by_filter: &weights,
                of_weights: with_weights.then_some(&mut of_weights[..]),
                of_input: &mut of_input,
                nonzero: &mut nonzero,
                sequences,
            };
            if !vectors || !pulp::Arch::new().dispatch(Run(&mut run)) {
                run.plain_run();
            }
            [of_weights, of_input]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn vectors_match_plain_loops(
            width in 1usize..32, inputs in 1usize..300, filters in 1usize..20,
            positions in 1usize..9, sequences in 1usize..4, with_weights: bool,
        ) {
            let kernel = Convolution { width, inputs, filters, pitch: positions + width - 1 };
            let [plain, vectors] = both(kernel, sequences, with_weights);
            for (x, y) in plain.iter().flatten().zip(vectors.iter().flatten()) {
                prop_assert!((x - y).abs() <= 1e-5 * y.abs().max(1.0), "{} {}", x, y);
            }
        }
    }
}
