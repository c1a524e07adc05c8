//! The centre of a row of scores: exact, from rough scores and a few exact ones.
//!
//! Sorting a row for every query column would cost more than the rest of a comparison. Rough scores fall into
//! 256 classes of one byte, even ones between the quartiles of a few scores; halving finds the class of the wanted
//! rank with eight counts over bytes, the rough score of that rank is selected within the class, and only scores
//! that rounding could have moved past it are asked for exactly. Cost: some passes over bytes and a few exact
//! scores a row.

use crate::simd::{class, classify, count_below, find};
use crate::wide::wide;

/// Scores that are read or counted at once.
const CHUNK: usize = 16;
/// The highest class.
const TOP: f32 = 255.0;
/// Scores whose quartiles bound the even classes.
const SAMPLE: usize = 32;
/// The whole range of scores is no more than so many times that of the even classes, so that no class overflows.
const NARROWEST: f32 = 65_536.0;

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

/// The even classes between the lowest and the highest one.
#[derive(Debug, Clone, Copy)]
struct Even {
    low: f32,
    /// Classes to a unit of score.
    spread: f32,
}

impl Rough<'_> {
    /// Where the middle of the scores is looked for: between the quartiles of a few of them.
    fn middle(&self) -> (f32, f32) {
        let step = self.scores.len() / SAMPLE;
        if step == 0 {
            return self.ends;
        }
        let mut sample: [f32; SAMPLE] = std::array::from_fn(|i| self.scores[i * step]);
        sample.sort_unstable_by(f32::total_cmp);
        let quartiles = (sample[SAMPLE / 4], sample[SAMPLE - 1 - SAMPLE / 4]);
        let is_wide = (quartiles.1 - quartiles.0) * NARROWEST >= self.ends.1 - self.ends.0;
        if is_wide { quartiles } else { self.ends }
    }
}

impl Classes {
    /// The mean of the exact scores of ranks ⌊C/2⌋ - 1 and ⌈C/2⌉ - 1: Tomtom's centre, just below the median.
    pub(crate) fn centre(&mut self, rough: Rough<'_>, exact: impl Fn(usize) -> f64) -> f64 {
        let count = rough.scores.len();
        let (lower, upper) = ((count / 2).saturating_sub(1), count.div_ceil(2).saturating_sub(1));
        let (low, high) = rough.middle();
        let even = Even { low, spread: if high > low { TOP / (high - low) } else { 0.0 } };
        self.keys.resize(count, 0);
        classify(rough.scores, low, even.spread, &mut self.keys);
        let first = self.ranked(rough, even, lower, &exact);
        if lower == upper {
            return first;
        }
        f64::midpoint(first, self.ranked(rough, even, upper, &exact))
    }

    /// The exact score of a rank, counted from the lowest.
    fn ranked(&mut self, rough: Rough<'_>, even: Even, rank: usize, exact: &impl Fn(usize) -> f64) -> f64 {
        let (mut own, mut below) = (0u8, 0);
        // The highest class that no more than `rank` scores lie below holds the rank.
        for bit in (0..8).rev() {
            let next = own | 1 << bit;
            let count = count_below(&self.keys, next);
            if count <= rank {
                (own, below) = (next, count);
            }
        }
        self.places.clear();
        find(&self.keys, own, &mut self.places);
        self.within.clear();
        self.within.extend(self.places.iter().map(|&place| rough.scores[place as usize]));
        let (_, &mut middle, _) = self.within.select_nth_unstable_by(rank - below, f32::total_cmp);
        // The exact scores are ranked as the rough ones but for those nearer to each other than twice the error.
        let (least, most) = (middle - 2.0 * rough.error, middle + 2.0 * rough.error);
        let is_within = |score: f32| (least..=most).contains(&score);
        let of = |score| class(score, even.low, even.spread);
        if of(least) == own && of(most) == own {
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

wide! {
    /// The places of the scores from `least` to `most`.
    fn find_within<'a>(scores: &'a [f32], least: f32, most: f32, places: &'a mut Vec<u32>) -> () {
        let is_within = |score: f32| u8::from(score >= least) & u8::from(score <= most) != 0;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simd::ends;

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
