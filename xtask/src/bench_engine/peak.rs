//! The multiply-adds that this machine can do: a loop that stays in registers.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Simd, WithSimd};

use super::Instructions;

/// Independent sums: enough to hide the latency of a multiply-add on two ports.
const SUMS: usize = 12;
const STEPS: usize = 16_000_000;

/// Billions of floating-point operations a second in f32 on all threads of the pool: the best of ten.
pub(crate) fn gflops(instructions: Instructions) -> f64 {
    let once = || {
        let start = Instant::now();
        let operations: f64 = rayon::broadcast(|_| instructions.arch().dispatch(Loop)).into_iter().sum();
        operations / start.elapsed().as_secs_f64() / 1e9
    };
    (0..10).map(|_| once()).fold(0.0, f64::max)
}

struct Loop;

impl WithSimd for Loop {
    /// Operations that were done.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (x, y) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(1e-3)));
        let mut sums = [simd.splat_f32s(black_box(0.0)); SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, x, y);
            }
        }
        black_box(sums);
        (STEPS * SUMS * S::F32_LANES * 2) as f64
    }
}
