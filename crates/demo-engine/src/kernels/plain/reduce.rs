//! Reductions over positions: global maximum and mean. Outputs are `(sequences, c)`.

use crate::real::Real;

use super::Layout;

/// Channels that are worked on together, so that best values and places stay in registers.
const BLOCK: usize = 64;

/// The largest number of each channel.
#[inline(always)]
pub(crate) fn global_max<R: Real>(
    from: &[R],
    layout: Layout,
    to: &mut [R],
    to_layout: Layout,
    sequences: usize,
) {
    let c = layout.channels;
    for a in 0..sequences {
        let rows = layout.sequence(from, a);
        let to = to_layout.sequence_mut(to, a);
        to.copy_from_slice(&rows[..c]);
        for row in rows[c..].chunks_exact(c) {
            to.iter_mut().zip(row).for_each(|(best, &x)| *best = if x > *best { x } else { *best });
        }
    }
}

/// Gives the gradient of each channel to its first maximum, zero to the other positions.
#[inline(always)]
pub(crate) fn global_max_gradient<R: Real>(
    from: &[R],
    layout: Layout,
    gradient: &[R],
    gradient_layout: Layout,
    to: &mut [R],
    sequences: usize,
) {
    let c = layout.channels;
    for a in 0..sequences {
        let (start, rows) = (layout.at(a, 0), layout.sequence(from, a));
        let gradient = gradient_layout.sequence(gradient, a);
        let to = &mut to[start..start + layout.count()];
        to.fill(R::ZERO);
        for block in (0..c).step_by(BLOCK) {
            let width = BLOCK.min(c - block);
            let mut best = [R::LOWEST; BLOCK];
            let mut place = [0u32; BLOCK];
            best[..width].copy_from_slice(&rows[block..block + width]);
            for (t, row) in rows.chunks_exact(c).enumerate() {
                let row = &row[block..block + width];
                for ((best, place), &x) in best.iter_mut().zip(&mut place).zip(row) {
                    let greater = x > *best;
                    *best = if greater { x } else { *best };
                    *place = if greater { t as u32 } else { *place };
                }
            }
            for i in 0..width {
                to[place[i] as usize * c + block + i] = gradient[block + i];
            }
        }
    }
}

/// The mean of each channel.
#[inline(always)]
pub(crate) fn mean<R: Real>(from: &[R], layout: Layout, to: &mut [R], to_layout: Layout, sequences: usize) {
    let scale = R::from_f64(1.0 / layout.positions as f64);
    for a in 0..sequences {
        let to = to_layout.sequence_mut(to, a);
        to.fill(R::ZERO);
        for row in layout.sequence(from, a).chunks_exact(layout.channels) {
            to.iter_mut().zip(row).for_each(|(sum, &x)| *sum += x);
        }
        for sum in to {
            *sum *= scale;
        }
    }
}

/// Gives every position its share of the gradient of the mean.
#[inline(always)]
pub(crate) fn mean_gradient<R: Real>(
    gradient: &[R],
    gradient_layout: Layout,
    to: &mut [R],
    layout: Layout,
    sequences: usize,
) {
    let scale = R::from_f64(1.0 / layout.positions as f64);
    for a in 0..sequences {
        let gradient = gradient_layout.sequence(gradient, a);
        for row in layout.sequence_mut(to, a).chunks_exact_mut(layout.channels) {
            row.iter_mut().zip(gradient).for_each(|(to, &g)| *to = g * scale);
        }
    }
}
