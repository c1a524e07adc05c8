//! Products that skip zeros, with the sums of a window in registers: for each number that is left one
//! row of a panel is added, straight from the first-level cache.

use pulp::{Simd, WithSimd};

use super::compress;
use crate::kernels::plain::skip::{BLOCK, SkippingProduct};
use crate::product::PANEL;

/// One product; false where columns do not fill vectors, so that nothing was done.
pub(crate) struct Run<'a, 'b>(pub(crate) &'a mut SkippingProduct<'b, f32>);

impl WithSimd for Run<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let this = self.0;
        if S::F32_LANES == 1 || !this.filters.is_multiple_of(S::F32_LANES) {
            return false;
        }
        let windows = this.windows;
        for first in (0..windows.sequences).step_by(windows.chunk()) {
            let count = windows.chunk().min(windows.sequences - first);
            let rows = first * windows.pitch..first * windows.pitch + windows.input_rows(count);
            let input = &this.input[rows.start * windows.columns..rows.end * windows.columns];
            compress::find(simd, this.nonzeros, input, windows.columns);
            this.chunk::<S>(simd, first..first + count);
        }
        true
    }
}

/// Where a strip of columns lies: `P` panels of 64 columns, in each the same vectors.
#[derive(Clone, Copy)]
struct Strip {
    /// The first column.
    column: usize,
    /// Numbers of a row of its panels.
    width: usize,
}

impl SkippingProduct<'_, f32> {
    /// All columns of some sequences, in strips as wide as registers hold.
    #[inline(always)]
    fn chunk<S: Simd>(&mut self, simd: S, sequences: std::ops::Range<usize>) {
        let mut column = 0;
        while column < self.filters {
            let width = PANEL.min(self.filters - column / PANEL * PANEL);
            let strip = Strip { column, width };
            let left = (width - column % PANEL) / S::F32_LANES;
            // Eight independent sums hide the latency of a multiply-add; wide vectors need two panels.
            if S::F32_LANES * 4 == PANEL && left == 4 && self.filters - column >= 2 * PANEL {
                self.strip::<S, 2, 4>(simd, strip, sequences.clone());
                column += 2 * PANEL;
            } else if left >= 8 {
                self.strip::<S, 1, 8>(simd, strip, sequences.clone());
                column += 8 * S::F32_LANES;
            } else if left >= 4 {
                self.strip::<S, 1, 4>(simd, strip, sequences.clone());
                column += 4 * S::F32_LANES;
            } else {
                self.strip::<S, 1, 1>(simd, strip, sequences.clone());
                column += S::F32_LANES;
            }
        }
    }

    /// One strip, a block of the depth at a time.
    #[inline(always)]
    fn strip<S: Simd, const P: usize, const V: usize>(
        &mut self,
        simd: S,
        strip: Strip,
        sequences: std::ops::Range<usize>,
    ) {
        let windows = self.windows;
        let depth = windows.width * windows.columns;
        let Strip { column, width } = strip;
        for j in 0..windows.width {
            for (block, from) in (0..windows.columns).step_by(BLOCK).enumerate() {
                let rows = j * windows.columns + from..;
                let rows = rows.start * width..(rows.start + BLOCK.min(windows.columns - from)) * width;
                // The part of each panel from the first vector of the strip on.
                let mut panels = [self.panels; P];
                for (p, panel) in panels.iter_mut().enumerate() {
                    let start = (column / PANEL + p) * depth * PANEL;
                    *panel = &self.panels[start + rows.start..start + rows.end][column % PANEL..];
                }
                for (a, sequence) in sequences.clone().enumerate() {
                    for t in 0..windows.rows {
                        let list = self.nonzeros.of(a * windows.pitch + t + j, block);
                        let first = j == 0 && block == 0;
                        if list.0.is_empty() && !first {
                            continue;
                        }
                        let at = (sequence * windows.pitch + t) * self.filters + column;
                        let to = &mut self.to[at..at + ((P - 1) * PANEL + V * S::F32_LANES)];
                        add_rows::<S, P, V>(simd, list, &panels, width, to, first);
                    }
                }
            }
        }
    }
}

/// Adds a row of the panels, scaled, for each number of a list; the sums begin at zero for the first.
#[inline(always)]
fn add_rows<S: Simd, const P: usize, const V: usize>(
    simd: S,
    (values, places): (&[f32], &[u16]),
    panels: &[&[f32]; P],
    width: usize,
    to: &mut [f32],
    first: bool,
) {
    let vectors = V * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); V]; P];
    if !first {
        for (p, sums) in sums.iter_mut().enumerate() {
            sums.copy_from_slice(S::as_simd_f32s(&to[p * PANEL..][..vectors]).0);
        }
    }
    for (&x, &place) in values.iter().zip(places) {
        let (x, at) = (simd.splat_f32s(x), usize::from(place) * width);
        for (panel, sums) in panels.iter().zip(&mut sums) {
            let row = S::as_simd_f32s(&panel[at..][..vectors]).0;
            for (sum, &y) in sums.iter_mut().zip(row) {
                *sum = simd.mul_add_f32s(x, y, *sum);
            }
        }
    }
    for (p, sums) in sums.iter().enumerate() {
        S::as_mut_simd_f32s(&mut to[p * PANEL..][..vectors]).0.copy_from_slice(sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::plain::skip::{Nonzeros, Windows};
    use crate::product::{Groups, Strided, pack_panels, panel_product};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn skipping_changes_no_bit(
            width in 1usize..32, columns in 1usize..300, filters in 1usize..300,
            rows in 1usize..40, sequences in 1usize..6, gap in 0usize..3, kept in 0usize..5,
        ) {
            let windows = Windows { sequences, rows, pitch: rows + gap, width, columns };
            let number = |i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0;
            let sparse = |i: usize| if i * i % 5 < kept { number(i) } else { 0.0 };
            let input: Vec<f32> = (0..windows.input_rows(sequences) * columns).map(sparse).collect();
            let (depth, pitch) = (width * columns, windows.pitch);
            let right: Vec<f32> = (0..depth * filters).map(|i| number(i * 3)).collect();
            let mut panels = vec![0.0; right.len()];
            pack_panels(Strided::rows(&right, filters), (depth, filters), &mut panels);
            let mut skipped = vec![9.0; sequences * pitch * filters];
            let mut wanted = skipped.clone();
            let mut nonzeros = Nonzeros::new(std::iter::once(windows));
            let mut product = SkippingProduct {
                windows,
                input: &input,
                panels: &panels,
                filters,
                to: &mut skipped,
                nonzeros: &mut nonzeros,
            };
            if pulp::Arch::new().dispatch(Run(&mut product)) {
                let groups = Groups { rows, left: pitch * columns, to: pitch * filters };
                let left = Strided::rows(&input, columns);
                let to = (&mut wanted[..], filters, false);
                panel_product((sequences * rows, depth, filters), to, left, &panels, groups);
                prop_assert_eq!(skipped, wanted);
            }
        }
    }
}
