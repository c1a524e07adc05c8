//! Which vector instructions the kernels use.

use std::sync::atomic::{AtomicU8, Ordering};

/// The widest vector instructions that kernels may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// None but those that the program was compiled for.
    Plain,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// All that the machine has.
    Widest,
}

static LIMIT: AtomicU8 = AtomicU8::new(Instructions::Widest as u8);

/// Holds all kernels of the process to instructions no wider than these, to compare or to time them; where the
/// machine has not as wide ones, to its own. Results of different instructions agree within rounding, so that
/// none should be limited while a result that is to be repeated is made. Products in `f64`, and all of them under
/// [`Instructions::Plain`], are the `gemm` crate's, which chooses for itself.
pub fn limit_instructions(widest: Instructions) {
    LIMIT.store(widest as u8, Ordering::Relaxed);
}

/// The instructions to use.
#[inline(always)]
pub(crate) fn arch() -> pulp::Arch {
    let limit = LIMIT.load(Ordering::Relaxed);
    if limit == Instructions::Widest as u8 { pulp::Arch::new() } else { limited(limit) }
}

#[cold]
fn limited(limit: u8) -> pulp::Arch {
    #[cfg(target_arch = "x86_64")]
    if limit == Instructions::Avx2 as u8
        && let Some(instructions) = pulp::x86::V3::try_new()
    {
        return pulp::Arch::V3(instructions);
    }
    #[cfg(not(target_arch = "x86_64"))]
    if limit == Instructions::Avx2 as u8 {
        return pulp::Arch::new();
    }
    pulp::Arch::Scalar
}
