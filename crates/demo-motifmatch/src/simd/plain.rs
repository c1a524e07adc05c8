//! The passes in plain code, for any machine and the rest of a row.

use std::ops::Range;

use super::{LANES, Mass, Quantising, RANK_BITS, Ranked, SHARES, STRIDE, SUMS, blocks, class};

pub(super) fn ends(scores: &[f32]) -> (f32, f32) {
    let ends = (f32::INFINITY, f32::NEG_INFINITY);
    scores.iter().fold(ends, |(low, high), &score| (low.min(score), high.max(score)))
}

pub(super) fn euclidean<const N: usize>(
    queries: [[f32; 4]; N],
    letters: [&[f32]; 4],
    scores: [&mut [f32]; N],
) -> [(f32, f32); N] {
    let mut scores = scores.into_iter();
    queries.map(|query| {
        let scores = scores.next().unwrap_or_default();
        for (i, score) in scores.iter_mut().enumerate() {
            let d: [f32; 4] = std::array::from_fn(|letter| query[letter] - letters[letter][i]);
            *score = -(d[0] * d[0] + d[1] * d[1] + (d[2] * d[2] + d[3] * d[3])).sqrt();
        }
        ends(scores)
    })
}

pub(super) fn classify(scores: &[f32], low: f32, spread: f32, keys: &mut [u8]) {
    for (key, &score) in keys.iter_mut().zip(scores) {
        *key = class(score, low, spread);
    }
}

pub(super) fn count_below(keys: &[u8], limit: u8) -> usize {
    keys.iter().filter(|&&key| key < limit).count()
}

pub(super) fn find(keys: &[u8], key: u8, places: &mut Vec<u32>) {
    find_from(0, keys, key, places);
}

/// The same from a place on.
pub(super) fn find_from(from: usize, keys: &[u8], key: u8, places: &mut Vec<u32>) {
    places.extend((from..keys.len()).filter(|&place| keys[place] == key).map(|place| place as u32));
}

pub(super) fn quantise(scores: &[f32], how: Quantising, steps: &mut [i8], near_edges: &mut Vec<u32>) {
    quantise_from(0, scores, how, steps, near_edges);
}

/// The same from a place on.
pub(super) fn quantise_from(
    from: usize,
    scores: &[f32],
    how: Quantising,
    steps: &mut [i8],
    near_edges: &mut Vec<u32>,
) {
    for place in from..scores.len() {
        let scaled = (scores[place] - how.offset) * how.scale;
        let nearest = scaled.round_ties_even();
        steps[place] = (nearest as i32 as i8).wrapping_sub(how.zero);
        // What is not a number, of a scale too large for single precision, is unsure too.
        let off = (scaled - nearest).abs();
        if off > how.edge || off.is_nan() {
            near_edges.push(place as u32);
        }
    }
}

pub(super) fn best_keys<'a>(rows: &[&[i8]], targets: impl Iterator<Item = Ranked<'a>>, keys: &mut Vec<i32>) {
    keys.extend(targets.map(|Ranked { start, width, ranking }| {
        let mut highest = i32::MIN;
        for (first, own, padded) in blocks(rows.len(), width) {
            let mut sums = [0; LANES];
            sum_steps(&rows[own], start + padded, &ranking.keep[padded..], &mut sums);
            let ranked = ranking.ranks[first..].iter().zip(&ranking.caps[first..]);
            let keys =
                sums.iter().zip(ranked).map(|(&sum, (&rank, &cap))| (sum << RANK_BITS | rank).min(cap));
            highest = keys.fold(highest, i32::max);
        }
        highest
    }));
}

pub(super) fn sum_steps(rows: &[&[i8]], at: usize, keep: &[i8], sums: &mut [i32; LANES]) {
    for (i, row) in rows.iter().enumerate() {
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = sum.wrapping_add(i32::from(row[at + i + k] & keep[i + k]));
        }
    }
}

#[inline(always)]
pub(super) fn convolve(
    mass: Mass<'_>,
    shift: usize,
    shares: &[f64; SHARES],
    taken: Range<usize>,
    sums: &mut [f64],
) {
    for (first, sums) in (shift..).step_by(SUMS).zip(sums.as_chunks_mut::<SUMS>().0) {
        let (groups, reach) = mass.reach(first, SUMS, &taken);
        let mut block = [0.0; SUMS];
        for rest in 0..STRIDE {
            for bin in groups.clone().map(|group| group * STRIDE + rest) {
                let share = shares[bin];
                if let Some(mass) = reach[SHARES + STRIDE - bin..].first_chunk::<SUMS>() {
                    for (sum, mass) in block.iter_mut().zip(mass) {
                        *sum = share.mul_add(*mass, *sum);
                    }
                }
            }
        }
        *sums = block;
    }
}
