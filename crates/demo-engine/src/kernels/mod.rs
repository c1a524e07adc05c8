//! The arithmetic, as functions on slices: what a stage computes for one slice of one member.

pub(crate) mod plain;
pub(crate) mod simd;

/// Runs a kernel compiled for the widest vector instructions that this machine has.
///
/// The kernel must be inlined into the closure, hence `inline(always)` on kernels: a function that is
/// merely called keeps the instructions of the build. Fused multiply-add is used throughout; processors
/// without it (x86 before 2013) get the same numbers, slowly.
#[inline(always)]
pub(crate) fn vectorised<T>(kernel: impl FnOnce() -> T) -> T {
    crate::instructions::arch().dispatch(kernel)
}
