//! Maxima of a looked-up convolution, with the best of some filters in registers while all positions of a
//! sequence pass by.

use pulp::{Simd, WithSimd};

use crate::kernels::plain::peak::Peaks;

/// The maxima of some sequences; false where filters do not fill vectors, so that nothing was done.
pub(crate) struct Run<'a, 'b>(pub(crate) &'a mut Peaks<'b, f32>);

impl WithSimd for Run<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let this = self.0;
        let filters = this.tables.filters;
        if S::F32_LANES == 1 || !filters.is_multiple_of(S::F32_LANES) {
            return false;
        }
        for a in 0..this.sequences {
            let mut column = 0;
            while filters - column >= 4 * S::F32_LANES {
                this.strip::<S, 4>(simd, a, column);
                column += 4 * S::F32_LANES;
            }
            while column < filters {
                this.strip::<S, 1>(simd, a, column);
                column += S::F32_LANES;
            }
        }
        true
    }
}

impl Peaks<'_, f32> {
    /// `V` vectors of filters of one sequence.
    #[inline(always)]
    fn strip<S: Simd, const V: usize>(&mut self, simd: S, sequence: usize, column: usize) {
        let (tables, width) = (self.tables, V * S::F32_LANES);
        let (filters, order, reach) = (tables.filters, tables.order, tables.count() * tables.order);
        let index = &self.index[sequence * self.pitch..][..self.positions + reach - order];
        let block = tables.rows() * filters;
        let mut best = [simd.splat_f32s(f32::NEG_INFINITY); V];
        let mut places = [simd.splat_u32s(0); V];
        for (t, window) in index.windows(reach - order + 1).enumerate() {
            let row = |table: usize| {
                let at = table * block + usize::from(window[table * order]) * filters + column;
                S::as_simd_f32s(&self.numbers[at..][..width]).0
            };
            let mut sums = [simd.splat_f32s(0.0); V];
            sums.copy_from_slice(row(0));
            for table in 1..tables.count() {
                for (sum, &x) in sums.iter_mut().zip(row(table)) {
                    *sum = simd.add_f32s(*sum, x);
                }
            }
            if t == 0 {
                best = sums;
                continue;
            }
            let place = simd.splat_u32s(t as u32);
            for v in 0..V {
                let greater = simd.less_than_f32s(best[v], sums[v]);
                best[v] = simd.select_f32s(greater, sums[v], best[v]);
                places[v] = simd.select_u32s(greater, place, places[v]);
            }
        }
        let at = sequence * filters + column..sequence * filters + column + width;
        S::as_mut_simd_f32s(&mut self.to[at.clone()]).0.copy_from_slice(&best);
        S::as_mut_simd_u32s(&mut self.places[at]).0.copy_from_slice(&places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::plain::embedding::Tables;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn vectors_match_plain_loops(
            width in 1usize..32, filters in 1usize..150, order in prop_oneof![Just(1usize), Just(3)],
            positions in 1usize..30, sequences in 1usize..4,
        ) {
            let tables = Tables { width, filters, order };
            // Few values, so that maxima tie.
            let numbers: Vec<f32> = (0..tables.size()).map(|i| (i * i % 13) as f32 - 6.0).collect();
            let pitch = positions + tables.count() * order;
            let rows = tables.rows();
            let index: Vec<u8> = (0..sequences * pitch).map(|i| (i * 31 % rows) as u8).collect();
            let found = [false, true].map(|vectors| {
                let (mut to, mut places) = (vec![9.0; sequences * filters], vec![9; sequences * filters]);
                let mut peaks = Peaks {
                    tables,
                    numbers: &numbers,
                    index: &index,
                    pitch,
                    positions,
                    to: &mut to,
                    places: &mut places,
                    sequences,
                };
                if !vectors || !pulp::Arch::new().dispatch(Run(&mut peaks)) {
                    peaks.plain_find();
                }
                (to, places)
            });
            prop_assert_eq!(&found[0], &found[1]);
        }
    }
}
