//! The kernels' source: one translation unit, in this order.

/// CUDA C++ without headers, for NVRTC or a C++ compiler.
pub(crate) const SOURCE: &str = concat!(
    include_str!("kernels/common.cu"),
    include_str!("kernels/product.cu"),
    include_str!("kernels/input.cu"),
    include_str!("kernels/finish.cu"),
    include_str!("kernels/reduce.cu"),
    include_str!("kernels/lstm.cu"),
    include_str!("kernels/normalise.cu"),
    include_str!("kernels/train.cu"),
);
