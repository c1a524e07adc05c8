//! Passes over a row of scores that the compiler does not vectorise by itself: AVX-512, AVX2, and plain code
//! beside them.
//!
//! Every pass gives the same whatever the instructions, but for Euclidean distances, whose error stays within the
//! stated one; tests compare whole comparisons all ways. The vector forms work on whole blocks and leave the rest
//! of a row to the plain ones.

#![allow(clippy::cast_ptr_alignment, reason = "the loads and stores are those for any alignment")]
#![allow(unsafe_code, reason = "vector loads, and calls of code for instructions that were found first")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;

use std::ops::Range;

use crate::bins::LANES;

/// Calls a pass in the form of the best instructions there are.
macro_rules! pass {
    ($name:ident($($argument:expr),*)) => {{
        #[cfg(target_arch = "x86_64")]
        match level() {
            // SAFETY: the processor has these instructions.
            Level::Avx512 => return unsafe { avx512::$name($($argument),*) },
            // SAFETY: the processor has these instructions.
            Level::Avx2 => return unsafe { avx2::$name($($argument),*) },
            Level::Plain => {}
        }
        plain::$name($($argument),*)
    }};
}

/// The instructions that vector forms are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the plain form is the only one"))]
pub(crate) enum Level {
    Plain,
    Avx2,
    Avx512,
}

/// The best instructions there are, or those that a test asked for.
#[cfg(target_arch = "x86_64")]
fn level() -> Level {
    use std::arch::is_x86_feature_detected;

    let best = if is_x86_feature_detected!("avx512bw") {
        Level::Avx512
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        Level::Avx2
    } else {
        Level::Plain
    };
    #[cfg(test)]
    return best.min(crate::wide::limit());
    #[cfg(not(test))]
    best
}

/// The lowest and the highest score.
pub(crate) fn ends(scores: &[f32]) -> (f32, f32) {
    pass!(ends(scores))
}

/// Minus the Euclidean distance of query columns to each column, letter by letter; gives the lowest and the
/// highest of each query column. In any form each operation but the square root rounds once at most, and the root
/// is off by no more than two units of its last place. Several query columns at once read the letters once.
pub(crate) fn euclidean<const N: usize>(
    queries: [[f32; 4]; N],
    letters: [&[f32]; 4],
    scores: [&mut [f32]; N],
) -> [(f32, f32); N] {
    pass!(euclidean(queries, letters, scores))
}

/// The class of each score, no lower for a higher score: (score - `low`) · `spread`, rounded, from 0 to 255.
pub(crate) fn classify(scores: &[f32], low: f32, spread: f32, keys: &mut [u8]) {
    pass!(classify(scores, low, spread, keys));
}

/// The class of one score.
pub(crate) fn class(score: f32, low: f32, spread: f32) -> u8 {
    ((score - low) * spread).round_ties_even().clamp(0.0, 255.0) as u8
}

/// How many keys are below `limit`, which is not 0.
pub(crate) fn count_below(keys: &[u8], limit: u8) -> usize {
    pass!(count_below(keys, limit))
}

/// Adds the places of the keys that are `key`.
pub(crate) fn find(keys: &[u8], key: u8, places: &mut Vec<u32>) {
    pass!(find(keys, key, places));
}

/// How scores become bins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quantising {
    pub(crate) offset: f32,
    pub(crate) scale: f32,
    /// Taken from every bin.
    pub(crate) zero: i8,
    /// How far from the middle of its bin a score may lie; negative where none is sure.
    pub(crate) edge: f32,
}

/// Rounds (score - offset) · scale to a bin and takes the zero bin away; adds the places of those that lie
/// further from the middle of their bin than the edge.
pub(crate) fn quantise(scores: &[f32], how: Quantising, steps: &mut [i8], near_edges: &mut Vec<u32>) {
    pass!(quantise(scores, how, steps, near_edges));
}

/// Bits of a rank below a score.
pub(crate) const RANK_BITS: u32 = 16;

/// How the shifts of a target are ranked among equal scores, up to whole blocks of [`LANES`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranking<'a> {
    /// All bits set for the columns of the target, none for a block's length to either side.
    pub(crate) keep: &'a [i8],
    pub(crate) ranks: &'a [i32],
    /// What a key may be at most: the least number for a shift that is not allowed.
    pub(crate) caps: &'a [i32],
}

/// The target columns that rows are aligned with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranked<'a> {
    /// The first of them.
    pub(crate) start: usize,
    pub(crate) width: usize,
    pub(crate) ranking: Ranking<'a>,
}

/// The highest key of the alignments of rows with each target's columns: the score above, and below it the rank
/// of the shift.
///
/// # Panics
/// Where a row ends before the last step, or there are fewer ranks than shifts.
pub(crate) fn best_keys<'a>(rows: &[&[i8]], targets: impl Iterator<Item = Ranked<'a>>, keys: &mut Vec<i32>) {
    keys.clear();
    pass!(best_keys(rows, targets, keys));
}

/// For each block of shifts its first one, the rows that meet the target there, and where the first of them
/// begins to read, counted from [`LANES`] before the target.
#[inline(always)]
pub(crate) fn blocks(query: usize, target: usize) -> impl Iterator<Item = (usize, Range<usize>, usize)> {
    (0..query + target - 1).step_by(LANES).map(move |first| {
        // At this block's first shift the query's column i meets the target's column first + i + 1 - query.
        let from = (query - 1).saturating_sub(first + LANES - 1);
        let until = query.min((query + target - 1).saturating_sub(first));
        (first, from..until, LANES + first + from + 1 - query)
    })
}

/// Adds to each lane `k` the step that row `i` has at `at + i + k`, where byte `i + k` of `keep` has all bits set.
///
/// # Panics
/// Where a row or `keep` ends before the last step.
pub(crate) fn sum_steps(rows: &[&[i8]], at: usize, keep: &[i8], sums: &mut [i32; LANES]) {
    pass!(sum_steps(rows, at, keep, sums));
}

/// Sums that are worked out at once: [`convolve`] takes a multiple of them.
pub(crate) const SUMS: usize = 32;
/// No less than there are bins, and a multiple of [`STRIDE`].
pub(crate) const SHARES: usize = 104;
/// Bins this far apart are added one after the other: vectors of as many numbers are read once for all of them.
const STRIDE: usize = 8;

/// Probabilities of neighbouring sums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mass<'a> {
    /// Zeros before and behind the numbers: [`SHARES`] and two blocks of sums reach beyond them.
    pub(crate) padded: &'a [f64],
    /// Where the numbers begin.
    pub(crate) start: usize,
    pub(crate) count: usize,
}

impl Mass<'_> {
    /// The groups of [`STRIDE`] bins, of those taken, that lead from a number to the sums of a block, and what is
    /// read of the numbers for it: from a column's reach before the block to its end.
    #[inline(always)]
    fn reach(&self, first: usize, block: usize, taken: &Range<usize>) -> (Range<usize>, &[f64]) {
        let lowest = taken.start.max((first + 1).saturating_sub(self.count));
        let end = taken.end.min(first + block);
        let place = self.start + first;
        (lowest / STRIDE..end.div_ceil(STRIDE), &self.padded[place - SHARES - STRIDE..place + block])
    }
}

/// Adds a column to sums: P(sum + bin) from the sum `shift` above the first of `mass` on, where `taken` are the bins
/// that have a share. Every sum adds its terms in the same order, each with one rounding: by the bin's remainder
/// by [`STRIDE`], then by the bin.
///
/// # Panics
/// Where the zeros around the numbers end too early.
pub(crate) fn convolve(
    mass: Mass<'_>,
    shift: usize,
    shares: &[f64; SHARES],
    taken: Range<usize>,
    sums: &mut [f64],
) {
    pass!(convolve(mass, shift, shares, taken, sums));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wide::limited_to;

    fn a_level() -> impl Strategy<Value = Level> {
        prop_oneof![Just(Level::Plain), Just(Level::Avx2), Just(Level::Avx512)]
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_definition(
            mass in prop::collection::vec(0f64..1.0, 1..200),
            histogram in prop::collection::vec(prop_oneof![Just(0.0), 0f64..1.0], 1..SHARES),
            shift in 0usize..250,
            level in a_level(),
        ) {
            let padded = [vec![0.0; 256], mass.clone(), vec![0.0; 512]].concat();
            let whole = Mass { padded: &padded, start: 256, count: mass.len() };
            let mut shares = [0.0; SHARES];
            shares[..histogram.len()].copy_from_slice(&histogram);
            let taken = histogram.iter().position(|&share| share > 0.0).unwrap_or(0)..histogram.len();
            let count = (mass.len() + histogram.len() - 1).saturating_sub(shift).next_multiple_of(SUMS);
            let work = || {
                let mut sums = vec![0.0; count];
                convolve(whole, shift, &shares, taken.clone(), &mut sums);
                sums
            };
            let sums = limited_to(level, work);
            prop_assert_eq!(&sums, &limited_to(Level::Plain, work));
            for (i, sum) in sums.iter().enumerate() {
                let at = |bin: usize| (shift + i).checked_sub(bin).and_then(|from| mass.get(from)).unwrap_or(&0.0);
                let exact: f64 = histogram.iter().enumerate().map(|(bin, share)| share * at(bin)).sum();
                prop_assert!((sum - exact).abs() <= 1e-14 * exact, "{sum} {exact}");
            }
        }

        #[test]
        fn instructions_change_nothing(
            scores in prop::collection::vec(-1.5f32..0.5, 0..300), limit in 1u8..255, level in a_level(),
        ) {
            let how = Quantising { offset: -1.25, scale: 45.0, zero: 56, edge: 0.45 };
            let all = || {
                let mut keys = vec![0; scores.len()];
                classify(&scores, -1.5, 100.0, &mut keys);
                let (mut steps, mut near, mut places) = (vec![0; scores.len()], Vec::new(), Vec::new());
                quantise(&scores, how, &mut steps, &mut near);
                find(&keys, limit, &mut places);
                (ends(&scores), count_below(&keys, limit), keys, steps, near, places)
            };
            prop_assert_eq!(limited_to(level, all), limited_to(Level::Plain, all));
        }

        #[test]
        fn scores_out_of_range_are_unsure_and_classes_end(
            scores in prop::collection::vec(-1e30f32..1e30, 0..100), level in a_level(),
        ) {
            let how = Quantising { offset: 0.0, scale: 1e30, zero: 0, edge: -0.5 };
            let all = || {
                let mut keys = vec![0; scores.len()];
                // As far as a class may be from the even ones.
                classify(&scores, 0.0, 1e-26, &mut keys);
                let mut near = Vec::new();
                quantise(&scores, how, &mut vec![0; scores.len()], &mut near);
                (keys, near)
            };
            let (keys, near) = limited_to(level, all);
            prop_assert_eq!(near.len(), scores.len());
            prop_assert_eq!(keys, limited_to(Level::Plain, all).0);
        }

        #[test]
        fn distances_are_within_a_few_roundings(
            query in prop::array::uniform4(0f32..1.0),
            other in prop::array::uniform4(0f32..1.0),
            columns in prop::collection::vec(prop::array::uniform4(0f32..1.0), 1..100),
            level in a_level(),
        ) {
            let mut columns = columns;
            columns[0] = query;
            let letters: [Vec<f32>; 4] =
                std::array::from_fn(|letter| columns.iter().map(|column| column[letter]).collect());
            let letters = [&letters[0], &letters[1], &letters[2], &letters[3]].map(Vec::as_slice);
            let (mut first, mut second) = (vec![0.0; columns.len()], vec![0.0; columns.len()]);
            let found = limited_to(level, || euclidean([query, other], letters, [&mut first, &mut second]));
            prop_assert_eq!(found, [ends(&first), ends(&second)]);
            for (query, scores) in [(query, first), (other, second)] {
                for (score, column) in scores.iter().zip(&columns) {
                    let off = query.iter().zip(column).map(|(x, y)| f64::from(*x) - f64::from(*y));
                    let exact = -off.map(|off| off * off).sum::<f64>().sqrt();
                    prop_assert!((f64::from(*score) - exact).abs() <= 4.0 * 2f64.powi(-24) * 2f64.sqrt());
                }
            }
        }
    }
}
