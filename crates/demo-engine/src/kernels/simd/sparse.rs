//! The weights' gradient of a convolution with a sparse gradient: a part of a filter's window stays in
//! registers while all its places in a sequence pass by.
//!
//! A sequence and a part at a time: what the places point at, then, fits the first-level cache.

use pulp::{Simd, WithSimd};

use crate::kernels::plain::convolution::Convolution;
use crate::kernels::plain::sparse::{Nonzero, SparseGradient};

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
        let (pitch, c) = (this.kernel.pitch, this.kernel.inputs);
        let layout = this.kernel.output();
        for a in 0..this.sequences {
            let gradient = layout.sequence(this.gradient, a);
            this.nonzero.find(gradient);
            let input = &this.input[a * pitch * c..(a + 1) * pitch * c];
            let (kernel, nonzero) = (this.kernel, &*this.nonzero);
            Sequence { kernel, nonzero, gradient, input, to: &mut *this.of_weights }.gather::<S>(simd);
        }
        true
    }
}

/// One sequence: adds, to each filter's window of `to`, the windows of `input` at the filter's places, scaled
/// by their gradients.
struct Sequence<'a> {
    kernel: Convolution,
    nonzero: &'a Nonzero,
    gradient: &'a [f32],
    input: &'a [f32],
    to: &'a mut [f32],
}

impl Sequence<'_> {
    /// All parts of the window, for all filters, the largest that registers hold first.
    #[inline(always)]
    fn gather<S: Simd>(mut self, simd: S) {
        let mut at = 0;
        if S::REGISTER_COUNT >= 32 {
            at = self.parts::<S, 20>(simd, at);
        } else {
            at = self.parts::<S, 12>(simd, at);
        }
        at = self.parts::<S, 4>(simd, at);
        at = self.parts::<S, 1>(simd, at);
        let window = self.kernel.width * self.kernel.inputs;
        for f in 0..self.kernel.filters {
            for &t in self.nonzero.of(f) {
                let g = self.gradient[t as usize * self.kernel.filters + f];
                let from = &self.input[t as usize * self.kernel.inputs + at..];
                let to = &mut self.to[f * window + at..(f + 1) * window];
                to.iter_mut().zip(from).for_each(|(y, &x)| *y = g.mul_add(x, *y));
            }
        }
    }

    /// All parts of `V` vectors from a number of the window on; returns where the next begins.
    #[inline(always)]
    fn parts<S: Simd, const V: usize>(&mut self, simd: S, mut at: usize) -> usize {
        let Convolution { width, inputs, filters, .. } = self.kernel;
        let (window, part) = (width * inputs, V * S::F32_LANES);
        while window - at >= part {
            for f in 0..filters {
                let to = S::as_mut_simd_f32s(&mut self.to[f * window + at..][..part]).0;
                let mut sums = [simd.splat_f32s(0.0); V];
                sums.copy_from_slice(to);
                for &t in self.nonzero.of(f) {
                    let g = simd.splat_f32s(self.gradient[t as usize * filters + f]);
                    let from = S::as_simd_f32s(&self.input[t as usize * inputs + at..][..part]).0;
                    for (sum, &x) in sums.iter_mut().zip(from) {
                        *sum = simd.mul_add_f32s(g, x, *sum);
                    }
                }
                to.copy_from_slice(&sums);
            }
            at += part;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
