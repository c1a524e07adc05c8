//! Matrix products of strided rows, on the calling thread: our own kernel, or, for `f64`, for a right
//! matrix in columns and for machines without vectors, the `gemm` crate.
//!
//! A convolution on channels-last data is such a product: its windows are rows that start `c` numbers
//! apart and are `k * c` long. Inputs may overlap like this; outputs may not.

#![allow(unsafe_code)]

use gemm::Parallelism;

use crate::real::Real;

/// A matrix in a slice: element `(i, j)` is `data[i * row + j * column]`.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, R> {
    pub(crate) data: &'a [R],
    pub(crate) row: usize,
    pub(crate) column: usize,
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
    pub(crate) fn extent(&self, m: usize, n: usize) -> usize {
        (m - 1) * self.row + (n - 1) * self.column + 1
    }
}

/// Rows of a product that lie in equal groups: within a group they are as far apart as the matrix says;
/// groups begin this far apart, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Groups {
    /// Rows of a group.
    pub(crate) rows: usize,
    /// Numbers from one group to the next of the left matrix.
    pub(crate) left: usize,
    /// And of the result.
    pub(crate) to: usize,
}

impl Groups {
    /// All rows in one.
    pub(crate) const ONE: Self = Self { rows: usize::MAX, left: 0, to: 0 };

    /// Where a row begins, of the left matrix and of the result.
    #[inline(always)]
    pub(crate) fn start_of(&self, row: usize, left: usize, to: usize) -> (usize, usize) {
        if row < self.rows {
            return (row * left, row * to);
        }
        let (group, row) = (row / self.rows, row % self.rows);
        (group * self.left + row * left, group * self.to + row * to)
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
    if R::product((m, k, n), to, row, add, left, right, Groups::ONE) {
        return;
    }
    packed_product((m, k, n), to, row, add, left, right);
}

/// Columns of a panel.
pub(crate) const PANEL: usize = 64;

/// Copies a matrix `(k, n)` into panels of 64 columns, one after the other, the last one narrower, for
/// [`panel_product`]: what a tile of the result reads lies in one piece.
#[inline(always)]
pub(crate) fn pack_panels<R: Real>(from: Strided<R>, (k, n): (usize, usize), panels: &mut [R]) {
    for (first, panel) in (0..n).step_by(PANEL).zip(panels[..k * n].chunks_mut(k * PANEL)) {
        let width = PANEL.min(n - first);
        for (p, row) in panel.chunks_exact_mut(width).enumerate() {
            row.copy_from_slice(&from.data[p * from.row + first..][..width]);
        }
    }
}

/// `to = left right` with a right matrix in panels, for rows in groups, all groups of the same size; or, as
/// for [`product`], `to += left right`, if the third of `to`, its `row` and this says so.
pub(crate) fn panel_product<R: Real>(
    (m, k, n): (usize, usize, usize),
    (to, row, add): (&mut [R], usize, bool),
    left: Strided<R>,
    panels: &[R],
    groups: Groups,
) {
    if m == 0 {
        return;
    }
    for (first, panel) in (0..n).step_by(PANEL).zip(panels[..k * n].chunks(k * PANEL)) {
        let (width, to) = (PANEL.min(n - first), &mut to[first..]);
        let panel = Strided::rows(panel, width);
        if R::product((m, k, width), to, row, add, left, panel, groups) {
            continue;
        }
        for group in (0..m).step_by(groups.rows.min(m)) {
            let (from, at) = groups.start_of(group, left.row, row);
            let (left, count) = (Strided { data: &left.data[from..], ..left }, groups.rows.min(m - group));
            packed_product((count, k, width), &mut to[at..], row, add, left, panel);
        }
    }
}

/// The same by the `gemm` crate, which packs both matrices.
fn packed_product<R: Real>(
    (m, k, n): (usize, usize, usize),
    to: &mut [R],
    row: usize,
    add: bool,
    left: Strided<R>,
    right: Strided<R>,
) {
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
    use proptest::prelude::*;

    type Call<R> = fn((usize, usize, usize), &mut [R], usize, bool, Strided<R>, Strided<R>);

    /// Compares a product with its definition in `f64`.
    fn check<R: Real>(
        call: Call<R>,
        (m, k, n): (usize, usize, usize),
        (add, by_columns, overlap): (bool, bool, usize),
        bound: f64,
    ) {
        let number = |i: usize, scale: usize| (i * scale % 31) as f64 / 16.0 - 1.0;
        let left_row = if by_columns { m + overlap } else { k.saturating_sub(overlap).max(1) };
        let (right_row, row) = (n + overlap % 3, n + overlap % 2);
        let size = (m * k + (m + k) * (overlap + 1)) * 2;
        let left: Vec<R> = (0..size).map(|i| R::from_f64(number(i, 7))).collect();
        let right: Vec<R> = (0..k * right_row).map(|i| R::from_f64(number(i, 11))).collect();
        let left = Strided::rows(&left, left_row);
        let left = if by_columns { left.transposed() } else { left };
        let right = Strided::rows(&right, right_row);
        let mut to: Vec<R> = (0..m * row).map(|i| R::from_f64(number(i, 5))).collect();
        let before = to.clone();
        call((m, k, n), &mut to, row, add, left, right);
        for (at, found) in to.iter().enumerate() {
            let (i, j) = (at / row, at % row);
            let old = before[at].to_f64();
            let mut wanted = if add || j >= n { old } else { 0.0 };
            for p in 0..if j < n { k } else { 0 } {
                let x = left.data[i * left.row + p * left.column].to_f64();
                wanted += x * right.data[p * right.row + j].to_f64();
            }
            let bound = bound * (k as f64 + 1.0);
            assert!((found.to_f64() - wanted).abs() <= bound, "({i}, {j}): {found:?} {wanted}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn products_match_the_definition(
            m in 1usize..40, k in 1usize..300, n in 1usize..150,
            add: bool, by_columns: bool, overlap in 0usize..5,
        ) {
            let how = (add, by_columns, overlap);
            check::<f32>(product, (m, k, n), how, 1e-7);
            check::<f32>(packed_product, (m, k, n), how, 1e-7);
            check::<f64>(product, (m, k, n), how, 1e-15);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn panels_and_groups_are_only_another_layout(
            groups in 1usize..5, rows in 1usize..20, k in 1usize..200, n in 1usize..300,
            step in 1usize..40, gap in 0usize..3, add: bool,
        ) {
            let m = groups * rows;
            let layout = Groups { rows, left: rows * step + gap, to: (rows + gap) * n };
            // Multiples of 1/16: their products and sums are exact.
            let number = |i: usize| (i % 31) as f32 / 16.0 - 1.0;
            let left: Vec<f32> = (0..groups * layout.left + k).map(|i| number(i * 7)).collect();
            let right: Vec<f32> = (0..k * n).map(|i| number(i * 11)).collect();
            let mut panels = vec![0.0; k * n];
            pack_panels(Strided::rows(&right, n), (k, n), &mut panels);
            let mut to = vec![9.0f32; groups * layout.to];
            panel_product((m, k, n), (&mut to, n, add), Strided::rows(&left, step), &panels, layout);
            for (at, &found) in to.iter().enumerate() {
                let (group, row, j) = (at / layout.to, at % layout.to / n, at % n);
                if row >= rows {
                    prop_assert_eq!(found, 9.0);
                    continue;
                }
                let window = &left[group * layout.left + row * step..];
                let wanted: f32 = (0..k).map(|p| window[p] * right[p * n + j]).sum();
                prop_assert_eq!(found, if add { 9.0 + wanted } else { wanted });
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_the_rows_beside_it() {
        let left: Vec<f32> = (0..40 * 50).map(|i| ((i * 37 % 101) as f32).sin()).collect();
        let right: Vec<f32> = (0..50 * 90).map(|i| ((i * 53 % 97) as f32).cos()).collect();
        let (left, right) = (Strided::rows(&left, 50), Strided::rows(&right, 90));
        let mut whole = vec![0.0f32; 40 * 90];
        product((40, 50, 90), &mut whole, 90, false, left, right);
        for i in 0..40 {
            let mut one = vec![0.0f32; 90];
            let row = Strided::rows(&left.data[i * 50..], 50);
            product((1, 50, 90), &mut one, 90, false, row, right);
            assert_eq!(one, whole[i * 90..][..90]);
        }
    }
}
