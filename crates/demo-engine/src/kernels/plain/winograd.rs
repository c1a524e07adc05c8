//! A convolution with fewer multiplications: `m` outputs of a filter of `k` positions from `m + k - 1 = 6`
//! products instead of `m * k` (Winograd, *Arithmetic complexity of computations*, 1980; Lavin and Gray,
//! CVPR 2016). Six rows of the input, taken as the coefficients of a polynomial's dual, are evaluated at the
//! points 0, 1, -1, 2, -2 and infinity, the weights likewise, at most once a run; a product of matrices over the
//! channels at each point; and the outputs of a tile are sums of the six results.
//!
//! The products cost 6 multiply-adds for `m * k`: 10, 12, 12 and 10 for kernels of 2 to 5. What is rounded is
//! not what the direct sum rounds: in `f32` the largest error is some 1e-6 of the largest output, that of the
//! direct sum 2e-7. A sequence that is mostly zeros goes the way that skips them, decided for each sequence by
//! itself, so that its numbers do not depend on those beside it.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::numbers::{Numbers, zeros};
use crate::product::{Groups, PANEL, Strided, panel_product};
use crate::real::Real;

use super::convolution::{Convolution, windows_product};
use super::skip::Nonzeros;

/// Where tiles are evaluated; also the rows of a tile.
pub(crate) const POINTS: usize = 6;
/// Numbers that are transformed together: channels and filters are multiples of it.
const BLOCK: usize = 16;
/// The least channels, and filters, for which the transforms are small beside the products.
const LEAST: usize = 32;
/// Tiles that are made together, about: a few rows for each row of weights, all in the second-level cache.
const CHUNK: usize = 48;
/// Part of the numbers of a sequence from which on this is faster than skipping zeros.
const DENSITY: f64 = 0.4;

/// Weights of a convolution as its forward pass reads them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AheadWeights<'a, R> {
    /// In panels.
    pub(crate) panels: &'a [R],
    /// At the points of tiles, where they are wanted.
    pub(crate) at_points: Option<&'a AtPoints<R>>,
}

/// Weights of a convolution at the six points, made by the first sequence of a run that goes by tiles: with most
/// trained networks none does.
#[derive(Debug)]
pub(crate) struct AtPoints<R> {
    /// Whether there is room for them.
    tiled: bool,
    made: RwLock<Made<R>>,
}

#[derive(Debug)]
struct Made<R> {
    ready: bool,
    numbers: Numbers<R>,
}

impl<R: Real> AtPoints<R> {
    /// Room for those of a convolution, if it is made of tiles.
    pub(crate) fn new(kernel: Option<&Convolution>) -> Self {
        let tiled = kernel.filter(|kernel| kernel.tiles().is_some());
        let numbers = zeros(tiled.map_or(0, |kernel| POINTS * kernel.inputs * kernel.filters));
        Self { tiled: tiled.is_some(), made: RwLock::new(Made { ready: false, numbers }) }
    }

    /// The weights are others now.
    pub(crate) fn forget(&mut self) {
        self.made.get_mut().unwrap_or_else(PoisonError::into_inner).ready = false;
    }

    /// The numbers, made first where they are not.
    fn made(&self, make: impl FnOnce(&mut [R])) -> RwLockReadGuard<'_, Made<R>> {
        let read = || self.made.read().unwrap_or_else(PoisonError::into_inner);
        let made = read();
        if made.ready {
            return made;
        }
        drop(made);
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if !made.ready {
            crate::kernels::vectorised(
                #[inline(always)]
                || make(&mut made.numbers),
            );
            made.ready = true;
        }
        drop(made);
        read()
    }
}

/// Room for the tiles of a chunk, at all points.
#[derive(Debug)]
pub(crate) struct Tiles<R> {
    inputs: Numbers<R>,
    outputs: Numbers<R>,
}

impl<R: Real> Tiles<R> {
    /// Room for any of these convolutions.
    pub(crate) fn new<'a>(all: impl Iterator<Item = &'a Convolution>, sequences: usize) -> Self {
        let (mut inputs, mut outputs) = (0, 0);
        for kernel in all {
            let tiles = kernel.tiles().map_or(0, |tiles| chunk(tiles).min(sequences) * tiles);
            inputs = inputs.max(POINTS * tiles * kernel.inputs);
            outputs = outputs.max(POINTS * tiles * kernel.filters);
        }
        Self { inputs: zeros(inputs), outputs: zeros(outputs) }
    }
}

/// Sequences whose tiles are made together.
fn chunk(tiles: usize) -> usize {
    (CHUNK / tiles).max(1)
}

impl Convolution {
    /// Tiles of a sequence, for the convolutions that are made of them.
    fn tiles(&self) -> Option<usize> {
        let large = |channels: usize| channels >= LEAST && channels.is_multiple_of(BLOCK);
        if !(2..POINTS).contains(&self.width) || !large(self.inputs) || !large(self.filters) {
            return None;
        }
        let positions = self.output().positions;
        let tiles = positions.div_ceil(POINTS + 1 - self.width);
        // The last tile may be nearly empty.
        (4 * POINTS * tiles <= 3 * self.width * positions).then_some(tiles)
    }

    /// Weights in panels, `(k, c, filters)`, at the six points, `(6, c, filters)`, each in panels.
    #[inline(always)]
    fn transform<R: Real>(&self, panels: &[R], at_points: &mut [R]) {
        for (point, to) in at_points.chunks_exact_mut(self.inputs * self.filters).enumerate() {
            let panels = panels.chunks(self.width * self.inputs * PANEL);
            for (panel, to) in panels.zip(to.chunks_mut(self.inputs * PANEL)) {
                to.fill(R::ZERO);
                for (j, weight) in panel.chunks_exact(to.len()).enumerate() {
                    // At infinity, the last point, only the last position counts.
                    let last = f64::from(u8::from(j + 1 == self.width));
                    let factor = R::from_f64(FACTORS.get(point).map_or(last, |factors| factors[j]));
                    for (to, &x) in to.iter_mut().zip(weight) {
                        *to = x.mul_add(factor, *to);
                    }
                }
            }
        }
    }

    /// The output, without bias, from input rows; by tiles where there is room for weights at points and a
    /// sequence is dense.
    pub(crate) fn forward<R: Real>(
        &self,
        input: &[R],
        weights: AheadWeights<R>,
        output: &mut [R],
        sequences: usize,
        (nonzeros, room): (&mut Nonzeros<R>, &mut Tiles<R>),
    ) {
        let to = &mut output[self.output().at(0, 0)..];
        let (row, rest) = (self.pitch * self.inputs, self.pitch * self.filters);
        // A truncated sequence may be made of tiles where a whole one, for which there is room, is not.
        let at_points = weights.at_points.filter(|at_points| at_points.tiled);
        let (Some(tiles), Some(at_points)) = (self.tiles(), at_points) else {
            let panels = (weights.panels, self.filters);
            return windows_product(self.ahead(sequences), input, panels, to, nonzeros);
        };
        let dense = |a: usize| !Nonzeros::fewer(&input[a * row..(a + 1) * row], self.inputs, DENSITY);
        let mut first = 0;
        while first < sequences {
            let tiled = dense(first);
            let most = if tiled { chunk(tiles) } else { sequences };
            let mut end = first + 1;
            while end < sequences.min(first + most) && dense(end) == tiled {
                end += 1;
            }
            let (input, to) = (&input[first * row..end * row], &mut to[first * rest..]);
            if tiled {
                let at_points = at_points.made(
                    #[inline(always)]
                    |to| self.transform(weights.panels, to),
                );
                self.tiles_forward((input, tiles), &at_points.numbers, to, end - first, room);
            } else {
                let panels = (weights.panels, self.filters);
                windows_product(self.ahead(end - first), input, panels, to, nonzeros);
            }
            first = end;
        }
    }

    /// The tiles of a few sequences.
    fn tiles_forward<R: Real>(
        &self,
        (input, tiles): (&[R], usize),
        at_points: &[R],
        to: &mut [R],
        sequences: usize,
        room: &mut Tiles<R>,
    ) {
        let (c, filters, rows) = (self.inputs, self.filters, sequences * tiles);
        let (inputs, outputs) =
            (&mut room.inputs[..POINTS * rows * c], &mut room.outputs[..POINTS * rows * filters]);
        crate::kernels::vectorised(
            #[inline(always)]
            || self.evaluate(input, tiles, inputs),
        );
        let parts = inputs.chunks_exact(rows * c).zip(outputs.chunks_exact_mut(rows * filters));
        for ((inputs, outputs), panels) in parts.zip(at_points.chunks_exact(c * filters)) {
            let sizes = (rows, c, filters);
            panel_product(sizes, (outputs, filters, false), Strided::rows(inputs, c), panels, Groups::ONE);
        }
        crate::kernels::vectorised(
            #[inline(always)]
            || self.interpolate(outputs, tiles, to),
        );
    }

    /// Tiles of input rows at the six points, `(6, sequences, tiles, c)`.
    #[inline(always)]
    fn evaluate<R: Real>(&self, input: &[R], tiles: usize, to: &mut [R]) {
        let (c, step) = (self.inputs, POINTS + 1 - self.width);
        let part = to.len() / POINTS;
        for (a, sequence) in input.chunks_exact(self.pitch * c).enumerate() {
            for tile in 0..tiles {
                for column in (0..c).step_by(BLOCK) {
                    let mut rows = [[R::ZERO; BLOCK]; POINTS];
                    for (i, row) in rows.iter_mut().enumerate() {
                        // Behind the last row there is nothing that counts.
                        let at = (tile * step + i) * c + column;
                        if at < sequence.len() {
                            row.copy_from_slice(&sequence[at..at + BLOCK]);
                        }
                    }
                    let values = values(&rows);
                    for (point, values) in values.iter().enumerate() {
                        let at = point * part + (a * tiles + tile) * c + column;
                        to[at..at + BLOCK].copy_from_slice(values);
                    }
                }
            }
        }
    }

    /// Output rows from what the products gave at the six points.
    #[inline(always)]
    fn interpolate<R: Real>(&self, from: &[R], tiles: usize, to: &mut [R]) {
        let (filters, step, positions) = (self.filters, POINTS + 1 - self.width, self.output().positions);
        let part = from.len() / POINTS;
        for (number, _) in from[..part].chunks_exact(filters).enumerate() {
            let (a, tile) = (number / tiles, number % tiles);
            for column in (0..filters).step_by(BLOCK) {
                let mut values = [[R::ZERO; BLOCK]; POINTS];
                for (point, value) in values.iter_mut().enumerate() {
                    let at = point * part + number * filters + column;
                    value.copy_from_slice(&from[at..at + BLOCK]);
                }
                let rows = rows(&values, step);
                for (i, row) in rows[..step.min(positions - tile * step)].iter().enumerate() {
                    let at = (a * self.pitch + tile * step + i) * filters + column;
                    to[at..at + BLOCK].copy_from_slice(row);
                }
            }
        }
    }
}

/// What each position of a filter counts at each point but infinity: the point's powers, over the product of
/// its differences from the others.
const FACTORS: [[f64; POINTS - 1]; POINTS - 1] = [
    [1.0 / 4.0, 0.0, 0.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 2.0 / 24.0, 4.0 / 24.0, 8.0 / 24.0, 16.0 / 24.0],
    [1.0 / 24.0, -2.0 / 24.0, 4.0 / 24.0, -8.0 / 24.0, 16.0 / 24.0],
];

/// Six rows at the six points.
#[inline(always)]
fn values<R: Real>(rows: &[[R; BLOCK]; POINTS]) -> [[R; BLOCK]; POINTS] {
    let [two, four, five] = [2.0, 4.0, 5.0].map(R::from_f64);
    let mut values = [[R::ZERO; BLOCK]; POINTS];
    for i in 0..BLOCK {
        let (x0, x1, x2) = (rows[0][i], rows[1][i], rows[2][i]);
        let (x3, x4, x5) = (rows[3][i], rows[4][i], rows[5][i]);
        let (even, odd) = (x2.mul_add(-four, x4), x1.mul_add(-four, x3));
        let (wide, steep) = (x4 - x2, two * (x3 - x1));
        values[0][i] = x0.mul_add(four, x2.mul_add(-five, x4));
        values[1][i] = even + odd;
        values[2][i] = even - odd;
        values[3][i] = wide + steep;
        values[4][i] = wide - steep;
        values[5][i] = x1.mul_add(four, x3.mul_add(-five, x5));
    }
    values
}

/// The rows of a tile of `step` outputs; what is behind them means nothing.
#[inline(always)]
fn rows<R: Real>(values: &[[R; BLOCK]; POINTS], step: usize) -> [[R; BLOCK]; POINTS - 1] {
    let [two, four, eight, sixteen] = [2.0, 4.0, 8.0, 16.0].map(R::from_f64);
    let mut rows = [[R::ZERO; BLOCK]; POINTS - 1];
    for i in 0..BLOCK {
        let (near, slope) = (values[1][i] + values[2][i], values[1][i] - values[2][i]);
        let (far, steep) = (values[3][i] + values[4][i], values[3][i] - values[4][i]);
        rows[0][i] = values[0][i] + near + far;
        rows[1][i] = steep.mul_add(two, slope);
        rows[2][i] = far.mul_add(four, near);
        rows[3][i] = steep.mul_add(eight, slope);
        rows[4][i] = far.mul_add(sixteen, near);
    }
    for (to, &x) in rows[step - 1].iter_mut().zip(&values[POINTS - 1]) {
        *to += x;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pseudo-random numbers in -1..1, some of them zero.
    fn number(i: usize, zeros: usize) -> f64 {
        // The steps of SplitMix64: multiples alone are so even that sums of them are far smaller than their terms.
        let mut mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if (mixed >> 50) % 16 < zeros as u64 { 0.0 } else { (mixed >> 11) as f64 / (1u64 << 52) as f64 - 1.0 }
    }

    fn forward<R: Real>(
        kernel: &Convolution,
        input: &[f64],
        weight: &[f64],
        sequences: usize,
        tiled: bool,
    ) -> Vec<f64> {
        let of = |from: &[f64]| from.iter().map(|&x| R::from_f64(x)).collect::<Vec<R>>();
        let (input, weight) = (of(input), of(weight));
        let (mut panels, at_points) = (of(&vec![0.0; weight.len()]), AtPoints::new(Some(kernel)));
        kernel.pack(&weight, &mut panels);
        let mut output = of(&vec![0.0; kernel.output().size(sequences)]);
        let room = (
            &mut Nonzeros::new(std::iter::once(kernel.ahead(sequences))),
            &mut Tiles::new(std::iter::once(kernel), sequences),
        );
        kernel.forward(
            &input,
            AheadWeights { panels: &panels, at_points: tiled.then_some(&at_points) },
            &mut output,
            sequences,
            room,
        );
        let layout = kernel.output();
        (0..sequences)
            .flat_map(|a| layout.sequence(&output, a).iter().map(|x| x.to_f64()).collect::<Vec<_>>())
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn tiles_give_what_the_direct_sum_gives(
            width in 1usize..8, inputs in 1usize..7, filters in 1usize..9, odd in 0usize..2,
            positions in 1usize..60, sequences in 1usize..8, zeros in 0usize..16,
        ) {
            // Among them channels that are not tiled.
            let (inputs, filters) = (16 * inputs + odd, 16 * filters);
            let kernel = Convolution { width, inputs, filters, pitch: positions + width - 1 };
            let (row, size) = (kernel.pitch * inputs, width * inputs * filters);
            // Every other sequence has zeros.
            let input: Vec<f64> =
                (0..sequences * row).map(|i| number(i, if i / row % 2 == 0 { 0 } else { zeros })).collect();
            let weight: Vec<f64> = (0..size).map(|i| number(i + 1_000_000, 0)).collect();
            let wanted = forward::<f64>(&kernel, &input, &weight, sequences, false);
            let largest = wanted.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            let exact = forward::<f64>(&kernel, &input, &weight, sequences, true);
            let single = forward::<f32>(&kernel, &input, &weight, sequences, true);
            for ((wanted, exact), single) in wanted.iter().zip(&exact).zip(&single) {
                prop_assert!((wanted - exact).abs() < 1e-13 * largest, "{wanted} {exact}");
                prop_assert!((wanted - single).abs() < 5e-6 * largest, "{wanted} {single}");
            }
            // Neither the sequences beside it nor their number changes a bit of a sequence.
            let last = sequences - 1;
            let alone = forward::<f32>(&kernel, &input[last * row..], &weight, 1, true);
            prop_assert_eq!(&single[last * alone.len()..], &alone[..]);
        }
    }

    #[test]
    fn weights_at_points_are_made_once_until_they_change() {
        let kernel = Convolution { width: 3, inputs: 32, filters: 48, pitch: 40 };
        let mut at_points = AtPoints::<f64>::new(Some(&kernel));
        let made = |at_points: &AtPoints<f64>, x: f64| at_points.made(|to| to.fill(x)).numbers.to_vec();
        let all = |x| vec![x; 6 * 32 * 48];
        assert_eq!((made(&at_points, 1.0), made(&at_points, 2.0)), (all(1.0), all(1.0)));
        at_points.forget();
        assert_eq!((made(&at_points, 3.0), made(&at_points, 4.0)), (all(3.0), all(3.0)));
    }

    #[test]
    fn the_published_convolutions_are_tiled() {
        let tiles = |width, positions| {
            Convolution { width, inputs: 128, filters: 128, pitch: positions + width - 1 }.tiles()
        };
        // The second and the third of the CNN; not one of 9 positions, nor where a tile is mostly empty.
        assert_eq!((tiles(5, 42), tiles(3, 19), tiles(9, 42), tiles(3, 1)), (Some(21), Some(5), None, None));
    }
}
