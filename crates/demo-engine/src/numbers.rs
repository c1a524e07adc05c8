//! Scratch memory that begins on a cache line, so that a vector of numbers never lies in two lines.

use aligned_vec::{AVec, ConstAlign, avec};

use crate::real::Real;

/// Numbers of scratch memory: 64 bytes are a line of most processors and the widest vector.
pub(crate) type Numbers<R> = AVec<R, ConstAlign<64>>;

/// So many zeros.
pub(crate) fn zeros<R: Real>(count: usize) -> Numbers<R> {
    avec![[64]| R::ZERO; count]
}
