//! The weights' gradient of a convolution with a sparse gradient: a part of a filter's window stays in
//! registers while all its places in a sequence pass by.
//!
//! A sequence at a time: the rows that the places point at, then, fit the first-level cache.

use pulp::{Simd, WithSimd};

use crate::kernels::plain::sparse::SparseGradient;

/// One gradient; false where no vector is filled, so that nothing was done.
pub(crate) struct Run<'a, 'b>(pub(crate) &'a mut SparseGradient<'b, f32>);

impl WithSimd for Run<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        if S::F32_LANES == 1 {
            return false;
        }
        let this = self.0;
        let (pitch, c, row) = (this.kernel.pitch, this.kernel.inputs, this.kernel.filters);
        let (window, layout) = (this.kernel.width * c, this.kernel.output());
        for a in 0..this.sequences {
            let gradient = layout.sequence(this.gradient, a);
            let input = &this.input[a * pitch * c..(a + 1) * pitch * c];
            this.nonzero.find(gradient);
            for (f, to) in this.of_weights.chunks_exact_mut(window).enumerate() {
                let column = Column { places: this.nonzero.of(f), gradient: &gradient[f..], row, step: c };
                column.gather::<S>(simd, input, to);
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

    /// Adds the windows of `input` at the places to `to`.
    #[inline(always)]
    fn gather<S: Simd>(self, simd: S, input: &[f32], to: &mut [f32]) {
        let mut at = 0;
        // Nearly all registers for sums; a window is read from the cache as it is multiplied.
        if S::REGISTER_COUNT >= 32 {
            at = self.parts::<S, 20>(simd, at, input, to);
        } else {
            at = self.parts::<S, 12>(simd, at, input, to);
        }
        at = self.parts::<S, 4>(simd, at, input, to);
        at = self.parts::<S, 1>(simd, at, input, to);
        for (g, start) in self.iter() {
            let from = &input[start + at..];
            to[at..].iter_mut().zip(from).for_each(|(y, &x)| *y = g.mul_add(x, *y));
        }
    }

    /// The same for all parts of `V` vectors; returns where the next begins.
    #[inline(always)]
    fn parts<S: Simd, const V: usize>(self, simd: S, mut at: usize, input: &[f32], to: &mut [f32]) -> usize {
        let width = V * S::F32_LANES;
        while to.len() - at >= width {
            let part = S::as_mut_simd_f32s(&mut to[at..at + width]).0;
            let mut sums = [simd.splat_f32s(0.0); V];
            sums.copy_from_slice(part);
            for (g, start) in self.iter() {
                let g = simd.splat_f32s(g);
                let from = S::as_simd_f32s(&input[start + at..][..width]).0;
                for (sum, &x) in sums.iter_mut().zip(from) {
                    *sum = simd.mul_add_f32s(g, x, *sum);
                }
            }
            part.copy_from_slice(&sums);
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

    /// The gradient of the weights, by vectors and by plain loops.
    fn both(kernel: Convolution, sequences: usize) -> [Vec<f32>; 2] {
        let (layout, c) = (kernel.output(), kernel.inputs);
        let number = |i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0;
        let input: Vec<f32> = (0..sequences * kernel.pitch * c).map(number).collect();
        let weights: Vec<f32> = (0..kernel.filters * kernel.width * c).map(|i| number(i * 3)).collect();
        let sparse = |i: usize| if i * i % 7 == 1 { number(i) } else { 0.0 };
        let gradient: Vec<f32> = (0..layout.size(sequences)).map(sparse).collect();
        let mut nonzero = Nonzero::new(layout.positions, kernel.filters);
        [false, true].map(|vectors| {
            let mut of_weights = weights.clone();
            let mut run = SparseGradient {
                kernel,
                input: &input,
                gradient: &gradient,
                of_weights: &mut of_weights,
                nonzero: &mut nonzero,
                sequences,
            };
            if !vectors || !pulp::Arch::new().dispatch(Run(&mut run)) {
                run.plain_run();
            }
            of_weights
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn vectors_match_plain_loops(
            width in 1usize..32, inputs in 1usize..300, filters in 1usize..20,
            positions in 1usize..9, sequences in 1usize..4,
        ) {
            let kernel = Convolution { width, inputs, filters, pitch: positions + width - 1 };
            let [plain, vectors] = both(kernel, sequences);
            for (x, y) in plain.iter().zip(&vectors) {
                prop_assert!((x - y).abs() <= 1e-5 * y.abs().max(1.0), "{} {}", x, y);
            }
        }
    }
}
