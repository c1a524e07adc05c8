//! The two element types, `f32` and `f64`, behind one private trait, and their elementary functions.
//!
//! `f64` takes exp, tanh and so on from the standard library. `f32` has its own, without branches, so
//! that a loop over them becomes vector instructions: `exp(x) = 2^n exp(r)` with `|r| <= ln(2) / 2`
//! (Cody and Waite, *Software manual for the elementary functions*, 1980) and a polynomial for
//! `exp(r) - 1`, which keeps the relative precision of tanh near zero. Relative error below 1e-6.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::Buffer;
use crate::kernels::plain::Layout;
use crate::kernels::plain::cell::CellSteps;
use crate::kernels::plain::lstm::{Lstm, LstmStates, LstmWeights, Steps};
use crate::kernels::plain::peak::Peaks;
use crate::kernels::plain::skip::SkippingProduct;
use crate::kernels::plain::sparse::SparseGradient;
use crate::kernels::simd::lstm::{Backward, Forward, Restarted};
use crate::kernels::simd::product::Product;
use crate::kernels::simd::{peak, skip, sparse};
use crate::product::{Groups, Strided};

/// A floating-point type that kernels are written for.
pub(crate) trait Real:
    Copy
    + Default
    + PartialOrd
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Below every number.
    const LOWEST: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number, widened.
    fn to_f64(self) -> f64;
    /// `self * factor + term`, rounded once.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// `exp(self)`.
    fn exp(self) -> Self;
    /// `exp(self) - 1`, precise near zero.
    fn exp_m1(self) -> Self;
    /// `ln(1 + self)`, precise near zero.
    fn ln_1p(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// `1 / (1 + exp(-self))`.
    #[inline(always)]
    fn sigmoid(self) -> Self {
        Self::ONE / (Self::ONE + (-self).exp())
    }
    /// The larger of two numbers, the second if they tie.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    /// `to = left right` or `to += left right` with explicit vectors, where this type has them; false
    /// where nothing was done.
    #[inline(always)]
    fn product(
        _sizes: (usize, usize, usize),
        _to: &mut [Self],
        _row: usize,
        _add: bool,
        _left: Strided<Self>,
        _right: Strided<Self>,
        _groups: Groups,
    ) -> bool {
        false
    }
    /// A product that skips the zeros of its left matrix, where this type has it; false where nothing was
    /// done.
    #[inline(always)]
    fn skipping_product(_product: &mut SkippingProduct<Self>) -> bool {
        false
    }
    /// Maxima of a looked-up convolution with explicit vectors, where this type has them; false where
    /// nothing was done.
    #[inline(always)]
    fn peaks(_peaks: &mut Peaks<Self>) -> bool {
        false
    }
    /// The weights' gradient of a sparse convolution with explicit vectors, where this type has them; false
    /// where nothing was done.
    #[inline(always)]
    fn sparse_gradient(_run: &mut SparseGradient<Self>) -> bool {
        false
    }
    /// One step of many runs of an LSTM with explicit vectors, where this type has them; false where
    /// nothing was done.
    #[inline(always)]
    fn cell_steps(_steps: &mut CellSteps<Self>) -> bool {
        false
    }
    /// All steps of an LSTM with explicit vectors, where this type has them; false where nothing was
    /// done.
    #[inline(always)]
    fn lstm_forward(
        _kernel: Lstm,
        _weights: &LstmWeights<Self>,
        _states: &mut LstmStates<Self>,
        _steps: Steps,
    ) -> bool {
        false
    }
    /// The same backwards.
    #[inline(always)]
    fn lstm_backward(
        _kernel: Lstm,
        _weights: &LstmWeights<Self>,
        _states: &mut LstmStates<Self>,
        _gradient: &[Self],
        _layout: Layout,
        _sequences: usize,
    ) -> bool {
        false
    }
    /// The numbers of a buffer of this type; none if it is of the other.
    fn of(buffer: &Buffer) -> &[Self];
    /// The numbers of a buffer of this type, to be written; none if it is of the other.
    fn of_mut(buffer: &mut Buffer) -> &mut [Self];
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = Self::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        f64::mul_add(self, factor, term)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        f64::exp_m1(self)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        f64::ln_1p(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn of(buffer: &Buffer) -> &[Self] {
        buffer.as_f64().unwrap_or_default()
    }
    fn of_mut(buffer: &mut Buffer) -> &mut [Self] {
        buffer.as_f64_mut().unwrap_or_default()
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = Self::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        f32::mul_add(self, factor, term)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        // Beyond these exp is infinite or zero in f32; two factors 2^a 2^b reach both ends.
        let (power, tail) = reduce(clamp(self, -104.0, 89.0));
        let half = power >> 1;
        (tail + 1.0) * power_of_two(half) * power_of_two(power - half)
    }
    #[inline(always)]
    fn exp_m1(self) -> Self {
        let (power, tail) = reduce(clamp(self, -30.0, 88.0));
        let scale = power_of_two(power);
        f32::mul_add(tail, scale, scale - 1.0)
    }
    #[inline(always)]
    fn ln_1p(self) -> Self {
        f32::ln_1p(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        // tanh(10) rounds to 1.
        let grown = Real::exp_m1(2.0 * clamp(self, -10.0, 10.0));
        grown / (grown + 2.0)
    }
    fn product(
        sizes: (usize, usize, usize),
        to: &mut [Self],
        row: usize,
        add: bool,
        left: Strided<Self>,
        right: Strided<Self>,
        groups: Groups,
    ) -> bool {
        crate::instructions::arch().dispatch(Product { sizes, to, row, add, left, right, groups })
    }
    fn skipping_product(product: &mut SkippingProduct<Self>) -> bool {
        crate::instructions::arch().dispatch(skip::Run(product))
    }
    fn peaks(peaks: &mut Peaks<Self>) -> bool {
        crate::instructions::arch().dispatch(peak::Run(peaks))
    }
    fn sparse_gradient(run: &mut SparseGradient<Self>) -> bool {
        crate::instructions::arch().dispatch(sparse::Run(run))
    }
    fn cell_steps(steps: &mut CellSteps<Self>) -> bool {
        crate::instructions::arch().dispatch(Restarted(steps))
    }
    fn lstm_forward(
        kernel: Lstm,
        weights: &LstmWeights<Self>,
        states: &mut LstmStates<Self>,
        steps: Steps,
    ) -> bool {
        crate::instructions::arch().dispatch(Forward { kernel, weights, states, steps })
    }
    fn lstm_backward(
        kernel: Lstm,
        weights: &LstmWeights<Self>,
        states: &mut LstmStates<Self>,
        gradient: &[Self],
        layout: Layout,
        sequences: usize,
    ) -> bool {
        crate::instructions::arch().dispatch(Backward {
            kernel,
            weights,
            states,
            gradient,
            layout,
            sequences,
        })
    }
    fn of(buffer: &Buffer) -> &[Self] {
        buffer.as_f32().unwrap_or_default()
    }
    fn of_mut(buffer: &mut Buffer) -> &mut [Self] {
        buffer.as_f32_mut().unwrap_or_default()
    }
}

/// `f32::clamp` with the comparisons that map a NaN to itself and become vector minima and maxima.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `x = n ln 2 + r`: `n` and `exp(r) - 1`.
#[inline(always)]
fn reduce(x: f32) -> (i32, f32) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts; the first has trailing zeros, so that n times it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let shifted = f32::mul_add(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
    let r = f32::mul_add(whole, -LN2_HIGH, x);
    let r = f32::mul_add(whole, -LN2_LOW, r);
    // The Taylor series: at |r| <= 0.347 its seventh power is below 1.3e-7 of r.
    let p = f32::mul_add(r, 1.0 / 5040.0, 1.0 / 720.0);
    let p = f32::mul_add(p, r, 1.0 / 120.0);
    let p = f32::mul_add(p, r, 1.0 / 24.0);
    let p = f32::mul_add(p, r, 1.0 / 6.0);
    let p = f32::mul_add(p, r, 0.5);
    let p = f32::mul_add(p, r * r, r);
    (n, p)
}

/// `2^n` for -127 < n < 128, by its exponent bits.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(n.wrapping_add(127).cast_unsigned() << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every f32 within a step of some 1e-3 of the range, and the ends.
    fn range(limit: f32) -> impl Iterator<Item = f32> {
        let count = 200_000i32;
        (-count..=count)
            .map(move |i| limit * i as f32 / count as f32)
            .chain((0..4000).flat_map(|i| [1e-8f32 * 1.006f32.powi(i), -1e-8 * 1.006f32.powi(i)]))
            .filter(move |x| x.abs() <= limit)
    }

    fn check(name: &str, limit: f32, fast: fn(f32) -> f32, slow: fn(f64) -> f64, bound: f64) {
        for x in range(limit) {
            let (found, wanted) = (f64::from(fast(x)), slow(f64::from(x)));
            if wanted.abs() < f64::from(f32::MIN_POSITIVE) {
                assert!(
                    (found - wanted).abs() < f64::from(f32::MIN_POSITIVE),
                    "{name}({x}): {found} {wanted}"
                );
                continue;
            }
            let error = (found / wanted - 1.0).abs();
            assert!(error < bound, "{name}({x}) = {found}, wanted {wanted}, relative error {error}");
        }
    }

    #[test]
    fn elementary_functions_match_f64() {
        check("exp", 88.0, <f32 as Real>::exp, f64::exp, 3e-7);
        check("exp_m1", 87.0, <f32 as Real>::exp_m1, f64::exp_m1, 5e-7);
        check("tanh", 50.0, <f32 as Real>::tanh, f64::tanh, 5e-7);
        check("sigmoid", 80.0, <f32 as Real>::sigmoid, <f64 as Real>::sigmoid, 5e-7);
    }

    #[test]
    fn they_saturate() {
        for x in [200.0f32, 1e30, f32::INFINITY] {
            assert_eq!(<f32 as Real>::exp(x), f32::INFINITY);
            assert_eq!(<f32 as Real>::exp(-x), 0.0);
            assert_eq!(<f32 as Real>::exp_m1(-x), -1.0);
            assert_eq!((<f32 as Real>::tanh(x), <f32 as Real>::tanh(-x)), (1.0, -1.0));
            assert_eq!((<f32 as Real>::sigmoid(x), <f32 as Real>::sigmoid(-x)), (1.0, 0.0));
        }
        assert_eq!(<f32 as Real>::exp(0.0), 1.0);
        assert!(<f32 as Real>::exp(f32::NAN).is_nan());
        assert!(<f32 as Real>::tanh(f32::NAN).is_nan());
    }
}
