//! Matrix products with a tile of the result in registers. Nothing is packed: rows of the left matrix
//! may overlap, as the windows of a convolution do, and those of the right one are read as they lie.
//!
//! Each element is one chain of fused multiply-adds in the order of the depth, or, where columns are few,
//! one chain for each lane of a vector, whatever the tiles: a row's numbers do not depend on the rows
//! beside it.

#![allow(unsafe_code)]

use pulp::{Simd, WithSimd};

use crate::product::{Groups, Strided};

/// Rows of a tile: with four vectors each they fill 24 of 32 registers, with two 12 of 16.
const ROWS: usize = 6;
/// Depth that is taken before the next tile where the left matrix is read by columns: so many rows of
/// both matrices stay in the second-level cache.
const DEPTH: usize = 256;

/// `to = left right` or `to += left right`, `(m, n) = (m, k) (k, n)`; the right matrix in rows of
/// adjacent numbers. False where no vector is filled, so that nothing was done.
pub(crate) struct Product<'a> {
    pub(crate) sizes: (usize, usize, usize),
    pub(crate) to: &'a mut [f32],
    pub(crate) row: usize,
    pub(crate) add: bool,
    pub(crate) left: Strided<'a, f32>,
    pub(crate) right: Strided<'a, f32>,
    pub(crate) groups: Groups,
}

impl WithSimd for Product<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> bool {
        if S::F32_LANES == 1 || self.right.column != 1 {
            return false;
        }
        let (m, depth, n) = self.sizes;
        let (groups, rows) = (self.groups, self.groups.rows);
        let apart =
            groups.left >= rows.saturating_mul(self.left.row) && groups.to >= rows.saturating_mul(self.row);
        assert!(m <= rows || apart, "groups follow one another, so that the last row begins last");
        let last = groups.start_of(m - 1, self.left.row, self.row);
        assert!(depth > 0 && last.0 + (depth - 1) * self.left.column < self.left.data.len());
        assert!(self.right.extent(depth, n) <= self.right.data.len());
        assert!(self.row >= n && last.1 + n <= self.to.len());
        let narrow = n % S::F32_LANES != 0 && n % S::F32_LANES <= NARROW;
        let step = if self.left.column == 1 && !narrow { depth } else { DEPTH };
        let add = self.add;
        for first in (0..depth).step_by(step) {
            self.add = add || first > 0;
            let depth = first..depth.min(first + step);
            let mut column = 0;
            if S::REGISTER_COUNT >= 32 {
                column = self.columns::<S, 4>(simd, column, &depth);
            }
            column = self.columns::<S, 2>(simd, column, &depth);
            column = self.columns::<S, 1>(simd, column, &depth);
            if column < n && n - column <= NARROW && self.left.column == 1 && depth.len() >= 2 * S::F32_LANES
            {
                self.narrow(simd, column, &depth);
            } else if column < n {
                self.rest(simd, column, &depth);
            }
        }
        true
    }
}

/// Columns that are taken along the depth where they fill no vector: the bases of a first layer.
const NARROW: usize = 4;

/// A range of the depth.
type Depth = std::ops::Range<usize>;

impl Product<'_> {
    /// All blocks of `V` vectors from a column on; returns the next column.
    #[inline(always)]
    fn columns<S: Simd, const V: usize>(&mut self, simd: S, mut column: usize, depth: &Depth) -> usize {
        let (m, _, n) = self.sizes;
        while n - column >= V * S::F32_LANES {
            let whole = m / ROWS * ROWS;
            for row in (0..whole).step_by(ROWS) {
                self.tile::<S, ROWS, V>(simd, row, column, depth);
            }
            match m - whole {
                1 => self.tile::<S, 1, V>(simd, whole, column, depth),
                2 => self.tile::<S, 2, V>(simd, whole, column, depth),
                3 => self.tile::<S, 3, V>(simd, whole, column, depth),
                4 => self.tile::<S, 4, V>(simd, whole, column, depth),
                5 => self.tile::<S, 5, V>(simd, whole, column, depth),
                _ => {}
            }
            column += V * S::F32_LANES;
        }
        column
    }

    /// `M` rows of `V` vectors.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const V: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        depth: &Depth,
    ) {
        let width = V * S::F32_LANES;
        let mut sums = [[simd.splat_f32s(0.0); V]; M];
        let (mut from, mut to) = ([0; M], [0; M]);
        for i in 0..M {
            (from[i], to[i]) = self.groups.start_of(row + i, self.left.row, self.row);
        }
        if self.add {
            for (&to, sums) in to.iter().zip(&mut sums) {
                sums.copy_from_slice(S::as_simd_f32s(&self.to[to + column..][..width]).0);
            }
        }
        let (left, right) = (&self.left, &self.right);
        let mut x = left.data[depth.start * left.column..].as_ptr();
        let mut y = right.data[depth.start * right.row + column..].as_ptr();
        for _ in depth.clone() {
            let mut vectors = [simd.splat_f32s(0.0); V];
            for (v, vector) in vectors.iter_mut().enumerate() {
                // SAFETY: columns `column..column + width` of a row of the right matrix, all in its
                // slice as `with_simd` asserts of the last row and of `n >= column + width`.
                *vector = unsafe { y.add(v * S::F32_LANES).cast::<S::f32s>().read_unaligned() };
            }
            for (&from, sums) in from.iter().zip(&mut sums) {
                // SAFETY: row `row + i < m` of the left matrix at a depth below `k`, in its slice as
                // `with_simd` asserts of the last row, which begins last.
                let factor = simd.splat_f32s(unsafe { *x.add(from) });
                for (sum, &vector) in sums.iter_mut().zip(&vectors) {
                    *sum = simd.mul_add_f32s(factor, vector, *sum);
                }
            }
            x = x.wrapping_add(left.column);
            y = y.wrapping_add(right.row);
        }
        for (to, sums) in to.into_iter().zip(&sums) {
            S::as_mut_simd_f32s(&mut self.to[to + column..][..width]).0.copy_from_slice(sums);
        }
    }

    /// The columns that fill no vector, where they are few: inner products along the depth, of four rows
    /// at a time with all columns.
    #[inline(always)]
    fn narrow<S: Simd>(&mut self, simd: S, column: usize, depth: &Depth) {
        let (m, _, n) = self.sizes;
        let (lanes, count) = (S::F32_LANES, n - column);
        // The columns as rows.
        let mut columns = [[0.0; DEPTH]; NARROW];
        for (p, at) in depth.clone().enumerate() {
            let row = &self.right.data[at * self.right.row + column..][..count];
            for (to, &x) in columns.iter_mut().zip(row) {
                to[p] = x;
            }
        }
        let whole = depth.len() / lanes * lanes;
        for first in (0..m).step_by(NARROW) {
            let rows = NARROW.min(m - first);
            let mut from = [&self.left.data[..0]; NARROW];
            let mut to = [0; NARROW];
            for i in 0..NARROW {
                // Rows that are not there are the last one again.
                let (start, at) = self.groups.start_of((first + i).min(m - 1), self.left.row, self.row);
                from[i] = &self.left.data[start + depth.start..][..depth.len()];
                to[i] = at + column;
            }
            let mut sums = [[simd.splat_f32s(0.0); NARROW]; NARROW];
            for at in (0..whole).step_by(lanes) {
                let mut vectors = [simd.splat_f32s(0.0); NARROW];
                for (vector, column) in vectors.iter_mut().zip(&columns) {
                    *vector = S::as_simd_f32s(&column[at..at + lanes]).0[0];
                }
                for (sums, from) in sums.iter_mut().zip(&from) {
                    let x = S::as_simd_f32s(&from[at..at + lanes]).0[0];
                    for (sum, &vector) in sums.iter_mut().zip(&vectors) {
                        *sum = simd.mul_add_f32s(x, vector, *sum);
                    }
                }
            }
            for i in 0..rows {
                for j in 0..count {
                    let mut sum = simd.reduce_sum_f32s(sums[i][j]);
                    for p in whole..depth.len() {
                        sum = from[i][p].mul_add(columns[j][p], sum);
                    }
                    let to = &mut self.to[to[i] + j];
                    *to = if self.add { *to + sum } else { sum };
                }
            }
        }
    }

    /// The columns that fill no vector.
    #[inline(always)]
    fn rest<S: Simd>(&mut self, simd: S, column: usize, depth: &Depth) {
        let (m, _, n) = self.sizes;
        for first in (0..m).step_by(ROWS) {
            let rows = ROWS.min(m - first);
            let mut sums = [simd.splat_f32s(0.0); ROWS];
            let (mut from, mut to) = ([0; ROWS], [0; ROWS]);
            for i in 0..rows {
                (from[i], to[i]) = self.groups.start_of(first + i, self.left.row, self.row);
            }
            if self.add {
                for (sum, to) in sums[..rows].iter_mut().zip(to) {
                    *sum = simd.partial_load_f32s(&self.to[to + column..][..n - column]);
                }
            }
            let (left, right) = (&self.left, &self.right);
            for p in depth.clone() {
                let vector = simd.partial_load_f32s(&right.data[p * right.row + column..][..n - column]);
                for (sum, from) in sums[..rows].iter_mut().zip(from) {
                    let factor = left.data[from + p * left.column];
                    *sum = simd.mul_add_f32s(simd.splat_f32s(factor), vector, *sum);
                }
            }
            for (sum, to) in sums[..rows].iter().zip(to) {
                simd.partial_store_f32s(&mut self.to[to + column..][..n - column], *sum);
            }
        }
    }
}
