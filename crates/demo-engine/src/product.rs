//! Matrix products of strided rows by the `gemm` crate, on the calling thread.
//!
//! A convolution on channels-last data is such a product: its windows are rows that start `c` numbers
//! apart and are `k * c` long. Inputs may overlap like this; outputs may not.

#![allow(unsafe_code)]

use gemm::Parallelism;

use crate::real::Real;

/// A matrix in a slice: element `(i, j)` is `data[i * row + j * column]`.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, R> {
    data: &'a [R],
    row: usize,
    column: usize,
}

impl<'a, R> Strided<'a, R> {
    /// Rows of adjacent numbers that start `row` apart.
    pub(crate) fn rows(data: &'a [R], row: usize) -> Self {
        Self { data, row, column: 1 }
    }

    /// The matrix whose columns are those rows.
    pub(crate) fn transposed(self) -> Self {
        Self { data: self.data, row: self.column, column: self.row }
    }

    /// One more than the last index that an `m * n` matrix touches.
    fn extent(&self, m: usize, n: usize) -> usize {
        (m - 1) * self.row + (n - 1) * self.column + 1
    }
}

/// `to = left right`, or `to += left right`: `(m, n) = (m, k) (k, n)`. Rows of `to` start `row` apart.
///
/// # Panics
/// When a matrix does not fit its slice, or rows of `to` overlap: an error of the engine itself, since
/// sizes come from a checked network.
pub(crate) fn product<R: Real>(
    (m, k, n): (usize, usize, usize),
    to: &mut [R],
    row: usize,
    add: bool,
    left: Strided<R>,
    right: Strided<R>,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(k > 0 && left.extent(m, k) <= left.data.len() && right.extent(k, n) <= right.data.len());
    assert!(row >= n && (m - 1) * row + n <= to.len());
    // SAFETY: the asserts keep every element of the three matrices inside its slice; `to` is borrowed
    // mutably, so nothing else aliases it; its rows do not overlap; `R` is f32 or f64, which gemm has
    // kernels for and in which every bit pattern is a value.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            to.as_mut_ptr(),
            1,
            row.cast_signed(),
            add,
            left.data.as_ptr(),
            left.column.cast_signed(),
            left.row.cast_signed(),
            right.data.as_ptr(),
            right.column.cast_signed(),
            right.row.cast_signed(),
            R::ONE,
            R::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<R: Real>(bound: f64) {
        let (m, k, n) = (7, 15, 5);
        let left: Vec<R> = (0..200).map(|i| R::from_f64(f64::from(i * 37 % 19) - 9.0)).collect();
        let right: Vec<R> = (0..200).map(|i| R::from_f64(f64::from(i * 23 % 17) - 8.0)).collect();
        // Overlapping rows on the left, and each side transposed.
        for (a, b) in [(false, false), (true, false), (false, true), (true, true)] {
            let lhs = if a { Strided::rows(&left, 8).transposed() } else { Strided::rows(&left, 3) };
            let rhs = if b { Strided::rows(&right, 16).transposed() } else { Strided::rows(&right, 6) };
            let mut to = vec![R::ONE; m * 8];
            product((m, k, n), &mut to, 8, true, lhs, rhs);
            for i in 0..m {
                for j in 0..8 {
                    let mut wanted = 1.0;
                    if j < n {
                        for p in 0..k {
                            wanted += lhs.data[i * lhs.row + p * lhs.column].to_f64()
                                * rhs.data[p * rhs.row + j * rhs.column].to_f64();
                        }
                    }
                    assert!((to[i * 8 + j].to_f64() - wanted).abs() < bound);
                }
            }
        }
    }

    #[test]
    fn products_match_the_definition() {
        check::<f32>(1e-3);
        check::<f64>(1e-9);
    }
}
