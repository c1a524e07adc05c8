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
            let column = |f| Column { gradient: &gradient[f..], row: filters, step: c };
            if let Some(of_weights) = &mut this.of_weights {
                let input = &this.input[rows.clone()];
                for (f, of_weights) in of_weights.chunks_exact_mut(window).enumerate() {
                    column(f).gather::<S>(simd, this.nonzero.of(f), input, of_weights);
                }
            }
            let of_input = &mut this.of_input[rows];
            of_input.fill(0.0);
            for (f, weights) in this.by_filter.chunks_exact(window).enumerate() {
                column(f).scatter::<S>(simd, this.nonzero.of(f), weights, of_input);
            }
        }
        true
    }
}

/// A filter's gradient in one sequence: place t has `gradient[t * row]` and its window starts at
/// `t * step`.
#[derive(Clone, Copy)]
struct Column<'a> {
    gradient: &'a [f32],
    row: usize,
    step: usize,
}

impl Column<'_> {
    /// Adds the windows of `input` at the places to `to`.
    #[inline(always)]
    fn gather<S: Simd>(self, simd: S, places: &[u32], input: &[f32], to: &mut [f32]) {
        if places.is_empty() {
            return;
        }
        let mut at = 0;
        if S::REGISTER_COUNT >= 32 {
            at = self.gather_parts::<S, 20>(simd, at, places, input, to);
        }
        at = self.gather_parts::<S, 4>(simd, at, places, input, to);
        at = self.gather_parts::<S, 1>(simd, at, places, input, to);
        let rest = &mut to[at..];
        for &t in places {
            let t = t as usize;
            let (g, from) = (self.gradient[t * self.row], &input[t * self.step + at..]);
            rest.iter_mut().zip(from).for_each(|(y, &x)| *y = g.mul_add(x, *y));
        }
    }

    /// The same for parts of `V` vectors; returns where the next begins.
    #[inline(always)]
    fn gather_parts<S: Simd, const V: usize>(
        self,
        simd: S,
        mut at: usize,
        places: &[u32],
        input: &[f32],
        to: &mut [f32],
    ) -> usize {
        let width = V * S::F32_LANES;
        while to.len() - at >= width {
            let part = S::as_mut_simd_f32s(&mut to[at..at + width]).0;
            let mut sums = [simd.splat_f32s(0.0); V];
            sums.copy_from_slice(part);
            for &t in places {
                let t = t as usize;
                let g = simd.splat_f32s(self.gradient[t * self.row]);
                let from = S::as_simd_f32s(&input[t * self.step + at..][..width]).0;
                for (sum, &x) in sums.iter_mut().zip(from) {
                    *sum = simd.mul_add_f32s(g, x, *sum);
                }
            }
            part.copy_from_slice(&sums);
            at += width;
        }
        at
    }

    /// Adds `weights` to the windows of `to` at the places.
    #[inline(always)]
    fn scatter<S: Simd>(self, simd: S, places: &[u32], weights: &[f32], to: &mut [f32]) {
        if places.is_empty() {
            return;
        }
        let mut at = 0;
        if S::REGISTER_COUNT >= 32 {
            at = self.scatter_parts::<S, 20>(simd, at, places, weights, to);
        }
        at = self.scatter_parts::<S, 4>(simd, at, places, weights, to);
        at = self.scatter_parts::<S, 1>(simd, at, places, weights, to);
        let rest = &weights[at..];
        for &t in places {
            let t = t as usize;
            let (g, to) = (self.gradient[t * self.row], &mut to[t * self.step + at..]);
            to.iter_mut().zip(rest).for_each(|(y, &x)| *y = g.mul_add(x, *y));
        }
    }

    /// The same for parts of `V` vectors; returns where the next begins.
    #[inline(always)]
    fn scatter_parts<S: Simd, const V: usize>(
        self,
        simd: S,
        mut at: usize,
        places: &[u32],
        weights: &[f32],
        to: &mut [f32],
    ) -> usize {
        let width = V * S::F32_LANES;
        while weights.len() - at >= width {
            let mut part = [simd.splat_f32s(0.0); V];
            part.copy_from_slice(S::as_simd_f32s(&weights[at..at + width]).0);
            for &t in places {
                let t = t as usize;
                let g = simd.splat_f32s(self.gradient[t * self.row]);
                let to = S::as_mut_simd_f32s(&mut to[t * self.step + at..][..width]).0;
                for (to, &x) in to.iter_mut().zip(&part) {
                    *to = simd.mul_add_f32s(g, x, *to);
                }
            }
            at += width;
        }
        at
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
