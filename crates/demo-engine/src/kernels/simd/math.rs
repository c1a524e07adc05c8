//! Exponentials of whole vectors, as in [`crate::real`], for arguments that are clamped: gates.

use pulp::Simd;

/// Bounds the exponents of gates. A gate is then within 2.1e-9 of its value, which is below the
/// resolution of f32 beside 1, and the product of four denominators stays finite.
const LIMIT: f32 = 20.0;

/// `exp` of each number: the power of two and `exp(r) - 1`. The arguments are clamped; a NaN stays one,
/// since x86 and NEON both return it from the second place of a minimum.
#[inline(always)]
fn parts<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it, plus a constant, in the low bits; the shift
    // moves it to the exponent. The constant 127 makes it a biased one.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    let splat = |value: f32| simd.splat_f32s(value);
    let x = simd.min_f32s(splat(LIMIT), x);
    let x = simd.max_f32s(splat(-LIMIT), x);
    let shifted = simd.mul_add_f32s(x, splat(std::f32::consts::LOG2_E), splat(ROUND));
    let whole = simd.sub_f32s(shifted, splat(ROUND));
    let bits = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    let power = simd.transmute_f32s_u32s(bits);
    let r = simd.mul_add_f32s(whole, splat(-0.693_359_4), x);
    let r = simd.mul_add_f32s(whole, splat(2.121_944_4e-4), r);
    let mut p = splat(1.0 / 5040.0);
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5] {
        p = simd.mul_add_f32s(p, r, splat(coefficient));
    }
    (power, simd.mul_add_f32s(p, simd.mul_f32s(r, r), r))
}

/// `1 + exp(-x)`: one over the logistic function.
#[inline(always)]
fn logistic_denominator<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (power, tail) = parts(simd, simd.neg_f32s(x));
    simd.mul_add_f32s(tail, power, simd.add_f32s(power, simd.splat_f32s(1.0)))
}

/// `exp(2 x) - 1`, precise near zero: tanh is this over itself plus two.
#[inline(always)]
fn grown<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (power, tail) = parts(simd, simd.add_f32s(x, x));
    simd.mul_add_f32s(tail, power, simd.sub_f32s(power, simd.splat_f32s(1.0)))
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let grown = grown(simd, x);
    simd.div_f32s(grown, simd.add_f32s(grown, simd.splat_f32s(2.0)))
}

/// Sigmoid of i, f and o, tanh of g, in the order i, f, g, o: with one division, since that is what
/// takes longest.
#[inline(always)]
pub(crate) fn gates<S: Simd>(simd: S, [i, f, g, o]: [S::f32s; 4]) -> [S::f32s; 4] {
    let (i, f) = (logistic_denominator(simd, i), logistic_denominator(simd, f));
    let (o, grown) = (logistic_denominator(simd, o), grown(simd, g));
    let g = simd.add_f32s(grown, simd.splat_f32s(2.0));
    let mul = |x, y| simd.mul_f32s(x, y);
    let (first, second) = (mul(i, f), mul(g, o));
    let one_over = simd.div_f32s(simd.splat_f32s(1.0), mul(first, second));
    let (over_first, over_second) = (mul(one_over, second), mul(one_over, first));
    [mul(over_first, f), mul(over_first, i), mul(mul(over_second, o), grown), mul(over_second, g)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::Real;

    /// Gates and tanh of sixteen numbers, by whatever vectors this machine has.
    struct Both<'a>(&'a [f32; 16], &'a mut [[f32; 16]; 5]);

    impl pulp::WithSimd for Both<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            for (v, &x) in S::as_simd_f32s(self.0).0.iter().enumerate() {
                let [i, f, g, o] = gates(simd, [x; 4]);
                for (to, found) in self.1.iter_mut().zip([i, f, g, o, tanh(simd, x)]) {
                    S::as_mut_simd_f32s(to).0[v] = found;
                }
            }
        }
    }

    #[test]
    fn gates_match_f64() {
        for block in 0..20_000u32 {
            let x: [f32; 16] = std::array::from_fn(|i| (block * 16 + i as u32) as f32 * 2e-4 - 32.0);
            let mut found = [[0.0; 16]; 5];
            pulp::Arch::new().dispatch(Both(&x, &mut found));
            for i in 0..16 {
                let wide = f64::from(x[i]);
                let (sigmoid, tanh) = (Real::sigmoid(wide), wide.tanh());
                for (row, wanted) in [sigmoid, sigmoid, tanh, sigmoid, tanh].into_iter().enumerate() {
                    let error = (f64::from(found[row][i]) - wanted).abs();
                    // Relative, but for the clamp of the exponents.
                    assert!(error < 1e-6 * wanted.abs() + 3e-9, "{wide}: {} {wanted}", found[row][i]);
                }
            }
        }
    }

    #[test]
    fn a_nan_stays_one() {
        let mut found = [[0.0; 16]; 5];
        pulp::Arch::new().dispatch(Both(&[f32::NAN; 16], &mut found));
        assert!(found.as_flattened().iter().all(|x| x.is_nan()));
    }
}
