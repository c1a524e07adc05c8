//! The centre of a row of scores: exact, from rough scores and a few exact ones.
//!
//! Sorting a row for every query column would cost more than the rest of a comparison. Rough scores fall into
//! 256 even classes of one byte; halving finds the class of the wanted rank with eight counts over bytes, the
//! rough score of that rank is selected within the class, and only scores that rounding could have moved past it
//! are asked for exactly. Cost: some passes over bytes and a few exact scores a row.

use crate::wide::wide;

/// Scores that are read or counted at once.
const CHUNK: usize = 16;
/// Added to a number below 2²², leaves its nearest integer in the low bits: 1.5 · 2²³.
const INTEGER: f32 = 12_582_912.0;
/// The highest class.
const TOP: f32 = 255.0;

/// The classes of rough scores, reused from row to row.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    keys: Vec<u8>,
    within: Vec<f32>,
    places: Vec<u32>,
    exact: Vec<f64>,
}

/// A row of rough scores, none further than `error` from the exact one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rough<'a> {
    pub(crate) scores: &'a [f32],
    pub(crate) error: f32,
    /// The lowest and the highest of them.
    pub(crate) ends: (f32, f32),
}

impl Classes {
    /// The mean of the exact scores of ranks ⌊C/2⌋ - 1 and ⌈C/2⌉ - 1: Tomtom's centre, just below the median.
    pub(crate) fn centre(&mut self, rough: Rough<'_>, exact: impl Fn(usize) -> f64) -> f64 {
        let count = rough.scores.len();
        let (lower, upper) = ((count / 2).saturating_sub(1), count.div_ceil(2).saturating_sub(1));
        let (low, high) = rough.ends;
        let spread = if high > low { TOP / (high - low) } else { 0.0 };
        self.keys.resize(count, 0);
        classify(rough.scores, low, spread, &mut self.keys);
        let first = self.ranked(rough, spread, lower, &exact);
        if lower == upper {
            return first;
        }
        f64::midpoint(first, self.ranked(rough, spread, upper, &exact))
    }

    /// The exact score of a rank, counted from the lowest.
    fn ranked(&mut self, rough: Rough<'_>, spread: f32, rank: usize, exact: &impl Fn(usize) -> f64) -> f64 {
        let (mut class, mut below) = (0u8, 0);
        // The highest class that no more than `rank` scores lie below holds the rank.
        for bit in (0..8).rev() {
            let next = class | 1 << bit;
            let count = count_below(&self.keys, next);
            if count <= rank {
                (class, below) = (next, count);
            }
        }
        self.places.clear();
        gather(&self.keys, class, &mut self.places);
        self.within.clear();
        self.within.extend(self.places.iter().map(|&place| rough.scores[place as usize]));
        let (_, &mut middle, _) = self.within.select_nth_unstable_by(rank - below, f32::total_cmp);
        // The exact scores are ranked as the rough ones but for those nearer to each other than twice the error.
        let (least, most) = (middle - 2.0 * rough.error, middle + 2.0 * rough.error);
        let is_within = |score: f32| (least..=most).contains(&score);
        if key(least, rough.ends.0, spread) == class && key(most, rough.ends.0, spread) == class {
            let scores = |place: &u32| rough.scores[*place as usize];
            below += self.places.iter().filter(|place| scores(place) < least).count();
            self.places.retain(|place| is_within(scores(place)));
        } else {
            below = rough.scores.iter().filter(|&&score| score < least).count();
            self.places.clear();
            within(rough.scores, least, most, &mut self.places);
        }
        self.exact.clear();
        self.exact.extend(self.places.iter().map(|&place| exact(place as usize)));
        *self.exact.select_nth_unstable_by(rank - below, f64::total_cmp).1
    }
}

/// The class of a score; no lower for a higher score.
#[inline(always)]
fn key(score: f32, low: f32, spread: f32) -> u8 {
    let scaled = ((score - low) * spread).clamp(0.0, TOP);
    (scaled + INTEGER).to_bits() as u8
}

wide! {
    fn classify<'a>(scores: &'a [f32], low: f32, spread: f32, keys: &'a mut [u8]) -> () {
        for (out, &score) in keys.iter_mut().zip(scores) {
            *out = key(score, low, spread);
        }
    }
}

wide! {
    /// How many keys are below `limit`.
    fn count_below<'a>(keys: &'a [u8], limit: u8) -> usize {
        let mut total = 0usize;
        // As many chunks as a byte can count.
        for run in keys.chunks(32 * 255) {
            let mut counts = [0u8; 32];
            let (chunks, rest) = run.as_chunks::<32>();
            for chunk in chunks {
                for (count, &key) in counts.iter_mut().zip(chunk) {
                    *count = count.wrapping_add(u8::from(key < limit));
                }
            }
            let counted: u32 = counts.iter().map(|&count| u32::from(count)).sum();
            total += counted as usize + rest.iter().filter(|&&key| key < limit).count();
        }
        total
    }
}

wide! {
    /// The places of the keys of a class.
    fn gather<'a>(keys: &'a [u8], class: u8, places: &'a mut Vec<u32>) -> () {
        for (chunk, first) in keys.chunks(CHUNK).zip((0u32..).step_by(CHUNK)) {
            let mut any = false;
            for &key in chunk {
                any |= key == class;
            }
            if any {
                places.extend(chunk.iter().zip(first..).filter(|(key, _)| **key == class).map(|(_, place)| place));
            }
        }
    }
}

wide! {
    /// The lowest and the highest score.
    fn find_ends<'a>(scores: &'a [f32]) -> (f32, f32) {
        let (mut low, mut high) = ([f32::INFINITY; CHUNK], [f32::NEG_INFINITY; CHUNK]);
        let (chunks, rest) = scores.as_chunks::<CHUNK>();
        for chunk in chunks {
            for i in 0..CHUNK {
                low[i] = if chunk[i] < low[i] { chunk[i] } else { low[i] };
                high[i] = if chunk[i] > high[i] { chunk[i] } else { high[i] };
            }
        }
        let least = low.iter().chain(rest).copied().fold(f32::INFINITY, f32::min);
        (least, high.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max))
    }
}

wide! {
    /// The places of the scores from `least` to `most`.
    fn find_within<'a>(scores: &'a [f32], least: f32, most: f32, places: &'a mut Vec<u32>) -> () {
        let is_within = |score: f32| (score >= least) & (score <= most);
        for (chunk, first) in scores.chunks(CHUNK).zip((0u32..).step_by(CHUNK)) {
            let mut any = false;
            for &score in chunk {
                any |= is_within(score);
            }
            if any {
                places.extend(chunk.iter().zip(first..).filter(|(score, _)| is_within(**score)).map(|(_, place)| place));
            }
        }
    }
}

/// Adds the places of the scores from `least` to `most`.
pub(crate) fn within(scores: &[f32], least: f32, most: f32, places: &mut Vec<u32>) {
    find_within(scores, least, most, places);
}

/// The lowest and the highest of rough scores.
pub(crate) fn ends(scores: &[f32]) -> (f32, f32) {
    find_ends(scores)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_centre_equals_the_sorted_one(
            few in prop::collection::vec(-1.4f64..0.0, 1..40),
            copies in 1usize..400,
            offset in 0usize..3,
            shift in 0u32..1000,
        ) {
            // Few distinct values many times over: ties at and around the middle. Rough scores are off by as
            // much as they may be, some up, some down.
            let scores: Vec<f64> =
                few.iter().cycle().take((few.len() * copies + offset).max(1)).copied().collect();
            let error = 1e-3f32;
            let off = |i: usize| ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(shift) >> 8) % 3;
            let rough: Vec<f32> = scores
                .iter()
                .enumerate()
                .map(|(i, &score)| score as f32 + (f64::from(off(i)) - 1.0) as f32 * error * 0.9)
                .collect();
            let mut sorted = scores.clone();
            sorted.sort_by(f64::total_cmp);
            let at = |half: usize| sorted[half.max(1) - 1];
            let wanted = f64::midpoint(at(scores.len() / 2), at(scores.len().div_ceil(2)));
            let rough = Rough { scores: &rough, error, ends: ends(&rough) };
            prop_assert_eq!(Classes::default().centre(rough, |i| scores[i]), wanted);
        }
    }
}
