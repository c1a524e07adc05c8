//! Kernels in `f32` written with explicit vectors, where a loop alone does not keep its sums in
//! registers. Each has a slow twin in [`super::plain`], which also serves machines without vectors and
//! sizes that fill none.

mod compress;
pub(crate) mod lstm;
mod math;
pub(crate) mod peak;
pub(crate) mod product;
pub(crate) mod skip;
pub(crate) mod sparse;
