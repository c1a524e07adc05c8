//! Passes over a row of scores that the compiler does not vectorise by itself: AVX2, and plain code beside it.
//!
//! Every function gives the same with and without vectors; tests compare whole comparisons both ways. The
//! vector forms work on whole blocks and leave the rest of a row to the plain ones.

#![allow(clippy::cast_ptr_alignment, reason = "the loads and stores are those for any alignment")]
#![allow(unsafe_code, reason = "vector loads, and calls of code for instructions that were found first")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256, __m256i, _CMP_NLE_UQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _mm256_add_epi16,
    _mm256_add_epi64, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_castsi256_ps,
    _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cmpeq_epi8, _mm256_cvtepi8_epi16, _mm256_cvtepi16_epi32,
    _mm256_cvtps_epi32, _mm256_extracti128_si256, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_max_epi32,
    _mm256_max_ps, _mm256_min_epi32, _mm256_min_epu8, _mm256_min_ps, _mm256_movemask_epi8,
    _mm256_movemask_ps, _mm256_mul_ps, _mm256_or_si256, _mm256_packs_epi16, _mm256_packs_epi32,
    _mm256_packus_epi16, _mm256_permutevar8x32_epi32, _mm256_round_ps, _mm256_sad_epu8, _mm256_set1_epi8,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_slli_epi32,
    _mm256_sqrt_ps, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi8, _mm256_sub_ps, _mm256_xor_ps,
};

use crate::bins::LANES;

/// Scores or keys of a block.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 32;

/// Blocks whose found places are noted before they are listed: a list that may grow keeps no vector in a register.
#[cfg(target_arch = "x86_64")]
const NOTED: usize = 64;

/// Whether the vector forms may be called.
#[cfg(target_arch = "x86_64")]
fn has_vectors() -> bool {
    #[cfg(test)]
    if crate::wide::is_plain() {
        return false;
    }
    std::arch::is_x86_feature_detected!("avx2")
}

/// The lowest and the highest score.
pub(crate) fn ends(scores: &[f32]) -> (f32, f32) {
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2_ends(scores) };
    }
    plain_ends(scores)
}

/// Minus the Euclidean distance of a query column to each column, letter by letter; gives the lowest and the
/// highest.
pub(crate) fn euclidean(query: [f32; 4], letters: [&[f32]; 4], scores: &mut [f32]) -> (f32, f32) {
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        let whole = scores.len() - scores.len() % 8;
        let (blocks, rest) = scores.split_at_mut(whole);
        // SAFETY: the processor has AVX2.
        let ends = unsafe { avx2_euclidean(query, letters.map(|letter| &letter[..whole]), blocks) };
        let others = plain_euclidean(query, letters.map(|letter| &letter[whole..]), rest);
        return (ends.0.min(others.0), ends.1.max(others.1));
    }
    plain_euclidean(query, letters, scores)
}

fn plain_euclidean(query: [f32; 4], letters: [&[f32]; 4], scores: &mut [f32]) -> (f32, f32) {
    for (i, score) in scores.iter_mut().enumerate() {
        let d: [f32; 4] = std::array::from_fn(|letter| query[letter] - letters[letter][i]);
        *score = -(d[0] * d[0] + d[1] * d[1] + (d[2] * d[2] + d[3] * d[3])).sqrt();
    }
    plain_ends(scores)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_euclidean(query: [f32; 4], letters: [&[f32]; 4], scores: &mut [f32]) -> (f32, f32) {
    let query = query.map(|p| _mm256_set1_ps(p));
    let sign = _mm256_set1_ps(-0.0);
    let (mut low, mut high) = (_mm256_set1_ps(f32::INFINITY), _mm256_set1_ps(f32::NEG_INFINITY));
    let [a, c, g, t] = letters.map(|letter| letter.as_chunks::<8>().0);
    let scores = scores.as_chunks_mut::<8>().0;
    for ((((a, c), g), t), scores) in a.iter().zip(c).zip(g).zip(t).zip(scores) {
        let square = |x: __m256, y: &[f32; 8]| {
            // SAFETY: `y` has eight numbers.
            let d = _mm256_sub_ps(x, unsafe { _mm256_loadu_ps(y.as_ptr()) });
            _mm256_mul_ps(d, d)
        };
        let first = _mm256_add_ps(square(query[0], a), square(query[1], c));
        let second = _mm256_add_ps(square(query[2], g), square(query[3], t));
        let score = _mm256_xor_ps(_mm256_sqrt_ps(_mm256_add_ps(first, second)), sign);
        (low, high) = (_mm256_min_ps(low, score), _mm256_max_ps(high, score));
        // SAFETY: a block of scores has room for eight.
        unsafe { _mm256_storeu_ps(scores.as_mut_ptr(), score) };
    }
    reduced(low, high)
}

/// The least of the first eight numbers and the greatest of the others.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn reduced(low: __m256, high: __m256) -> (f32, f32) {
    let (mut lows, mut highs) = ([0.0; 8], [0.0; 8]);
    // SAFETY: the arrays have room for eight numbers.
    unsafe {
        _mm256_storeu_ps(lows.as_mut_ptr(), low);
        _mm256_storeu_ps(highs.as_mut_ptr(), high);
    }
    (plain_ends(&lows).0, plain_ends(&highs).1)
}

/// The class of each score, no lower for a higher score: (score - `low`) · `spread`, rounded, from 0 to 255.
pub(crate) fn classify(scores: &[f32], low: f32, spread: f32, keys: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        // SAFETY: the processor has AVX2.
        let done = unsafe { avx2_classify(scores, low, spread, keys) };
        return plain_classify(&scores[done..], low, spread, &mut keys[done..]);
    }
    plain_classify(scores, low, spread, keys);
}

/// The class of one score.
pub(crate) fn class(score: f32, low: f32, spread: f32) -> u8 {
    ((score - low) * spread).round_ties_even().clamp(0.0, 255.0) as u8
}

/// How many keys are below `limit`, which is not 0.
pub(crate) fn count_below(keys: &[u8], limit: u8) -> usize {
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        // SAFETY: the processor has AVX2.
        let (counted, done) = unsafe { avx2_count_below(keys, limit) };
        return counted + plain_count_below(&keys[done..], limit);
    }
    plain_count_below(keys, limit)
}

/// Adds the places of the keys that are `key`.
pub(crate) fn find(keys: &[u8], key: u8, places: &mut Vec<u32>) {
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        // SAFETY: the processor has AVX2.
        let done = unsafe { avx2_find(keys, key, places) };
        return plain_find(keys, done, key, places);
    }
    plain_find(keys, 0, key, places);
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
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        // SAFETY: the processor has AVX2.
        let done = unsafe { avx2_quantise(scores, how, steps, near_edges) };
        return plain_quantise(scores, done, how, steps, near_edges);
    }
    plain_quantise(scores, 0, how, steps, near_edges);
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

/// The highest key of the alignments of rows with the target columns from `start` on: the score above, and below
/// it the rank of the shift.
///
/// # Panics
/// Where a row ends before the last step, or there are fewer ranks than shifts.
pub(crate) fn best_key(rows: &[&[i8]], start: usize, target: usize, ranks: Ranking<'_>) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2_best_key(rows, start, target, ranks) };
    }
    let mut highest = i32::MIN;
    for (first, own, padded) in blocks(rows.len(), target) {
        let mut sums = [0; LANES];
        sum_steps(&rows[own], start + padded, &ranks.keep[padded..], &mut sums);
        let ranked = ranks.ranks[first..].iter().zip(&ranks.caps[first..]);
        let keys = sums.iter().zip(ranked).map(|(&sum, (&rank, &cap))| (sum << RANK_BITS | rank).min(cap));
        highest = keys.fold(highest, i32::max);
    }
    highest
}

/// For each block of shifts its first one, the rows that meet the target there, and where the first of them
/// begins to read, counted from [`LANES`] before the target.
pub(crate) fn blocks(
    query: usize,
    target: usize,
) -> impl Iterator<Item = (usize, std::ops::Range<usize>, usize)> {
    (0..query + target - 1).step_by(LANES).map(move |first| {
        // At this block's first shift the query's column i meets the target's column first + i + 1 - query.
        let from = (query - 1).saturating_sub(first + LANES - 1);
        let until = query.min((query + target - 1).saturating_sub(first));
        (first, from..until, LANES + first + from + 1 - query)
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_best_key(rows: &[&[i8]], start: usize, target: usize, ranks: Ranking<'_>) -> i32 {
    let mut highest = _mm256_set1_epi32(i32::MIN);
    for (first, own, padded) in blocks(rows.len(), target) {
        let (low, high) = avx2_sums(&rows[own], start + padded, &ranks.keep[padded..]);
        let quarters = [
            _mm256_castsi256_si128(low),
            _mm256_extracti128_si256::<1>(low),
            _mm256_castsi256_si128(high),
            _mm256_extracti128_si256::<1>(high),
        ];
        let (ranks, caps) = (&ranks.ranks[first..first + LANES], &ranks.caps[first..first + LANES]);
        for (quarter, sums) in quarters.into_iter().enumerate() {
            // SAFETY: both slices have four times eight numbers.
            let (rank, cap) = unsafe {
                (
                    _mm256_loadu_si256(ranks.as_ptr().add(8 * quarter).cast::<__m256i>()),
                    _mm256_loadu_si256(caps.as_ptr().add(8 * quarter).cast::<__m256i>()),
                )
            };
            let scores = _mm256_slli_epi32::<{ RANK_BITS.cast_signed() }>(_mm256_cvtepi16_epi32(sums));
            highest = _mm256_max_epi32(highest, _mm256_min_epi32(_mm256_or_si256(scores, rank), cap));
        }
    }
    let mut keys = [0i32; 8];
    // SAFETY: the array has room for eight numbers.
    unsafe { _mm256_storeu_si256(keys.as_mut_ptr().cast::<__m256i>(), highest) };
    keys.into_iter().fold(i32::MIN, i32::max)
}

/// Adds to each lane `k` the step that row `i` has at `at + i + k`, where byte `i + k` of `keep` has all bits set.
///
/// # Panics
/// Where a row or `keep` ends before the last step.
pub(crate) fn sum_steps(rows: &[&[i8]], at: usize, keep: &[i8], sums: &mut [i32; LANES]) {
    #[cfg(target_arch = "x86_64")]
    if has_vectors() {
        for (run, rows) in rows.chunks(RUN).enumerate() {
            // SAFETY: the processor has AVX2.
            unsafe { avx2_sum_steps(rows, at + run * RUN, &keep[run * RUN..], sums) };
        }
        return;
    }
    for (i, row) in rows.iter().enumerate() {
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = sum.wrapping_add(i32::from(row[at + i + k] & keep[i + k]));
        }
    }
}

/// Steps of at most 102 either way that sixteen bits can sum.
const RUN: usize = 256;

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_sum_steps(rows: &[&[i8]], at: usize, keep: &[i8], sums: &mut [i32; LANES]) {
    let (low, high) = avx2_sums(rows, at, keep);
    let mut words = [0i16; LANES];
    // SAFETY: the array has room for twice sixteen numbers of two bytes.
    unsafe {
        _mm256_storeu_si256(words.as_mut_ptr().cast::<__m256i>(), low);
        _mm256_storeu_si256(words.as_mut_ptr().add(LANES / 2).cast::<__m256i>(), high);
    }
    for (sum, word) in sums.iter_mut().zip(words) {
        *sum = sum.wrapping_add(i32::from(word));
    }
}

/// The sums of sixteen lanes each, of sixteen bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_sums(rows: &[&[i8]], at: usize, keep: &[i8]) -> (__m256i, __m256i) {
    assert!(keep.len() + 1 >= rows.len() + LANES, "the blanks end before the last row");
    let (mut low, mut high) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for (i, row) in rows.iter().enumerate() {
        let steps = &row[at + i..at + i + LANES];
        // SAFETY: `steps` has 32 bytes, and so has `keep` from `i` on, by the assertion.
        let (x, mask) = unsafe {
            (
                _mm256_loadu_si256(steps.as_ptr().cast::<__m256i>()),
                _mm256_loadu_si256(keep.as_ptr().add(i).cast::<__m256i>()),
            )
        };
        let kept = _mm256_and_si256(x, mask);
        low = _mm256_add_epi16(low, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(kept)));
        high = _mm256_add_epi16(high, _mm256_cvtepi8_epi16(_mm256_extracti128_si256::<1>(kept)));
    }
    (low, high)
}

fn plain_ends(scores: &[f32]) -> (f32, f32) {
    let ends = (f32::INFINITY, f32::NEG_INFINITY);
    scores.iter().fold(ends, |(low, high), &score| (low.min(score), high.max(score)))
}

fn plain_classify(scores: &[f32], low: f32, spread: f32, keys: &mut [u8]) {
    for (key, &score) in keys.iter_mut().zip(scores) {
        *key = class(score, low, spread);
    }
}

fn plain_count_below(keys: &[u8], limit: u8) -> usize {
    keys.iter().filter(|&&key| key < limit).count()
}

fn plain_find(keys: &[u8], from: usize, key: u8, places: &mut Vec<u32>) {
    places.extend((from..keys.len()).filter(|&place| keys[place] == key).map(|place| place as u32));
}

fn plain_quantise(scores: &[f32], from: usize, how: Quantising, steps: &mut [i8], near_edges: &mut Vec<u32>) {
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

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_ends(scores: &[f32]) -> (f32, f32) {
    let (chunks, rest) = scores.as_chunks::<8>();
    let (mut low, mut high) = (_mm256_set1_ps(f32::INFINITY), _mm256_set1_ps(f32::NEG_INFINITY));
    for chunk in chunks {
        // SAFETY: a chunk has eight numbers.
        let x = unsafe { _mm256_loadu_ps(chunk.as_ptr()) };
        (low, high) = (_mm256_min_ps(low, x), _mm256_max_ps(high, x));
    }
    let (least, most) = reduced(low, high);
    let (rest_least, rest_most) = plain_ends(rest);
    (least.min(rest_least), most.max(rest_most))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_classify(scores: &[f32], low: f32, spread: f32, keys: &mut [u8]) -> usize {
    let (low, spread) = (_mm256_set1_ps(low), _mm256_set1_ps(spread));
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let (scores, _) = scores.as_chunks::<BLOCK>();
    let (keys, _) = keys.as_chunks_mut::<BLOCK>();
    for (scores, keys) in scores.iter().zip(keys.iter_mut()) {
        let whole = |at: usize| {
            // SAFETY: `at` is 0, 8, 16 or 24 of 32 numbers.
            let x = unsafe { _mm256_loadu_ps(scores.as_ptr().add(at)) };
            _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_sub_ps(x, low), spread))
        };
        let first = _mm256_packs_epi32(whole(0), whole(8));
        let second = _mm256_packs_epi32(whole(16), whole(24));
        let packed = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, second), order);
        // SAFETY: a block has room for 32 bytes.
        unsafe { _mm256_storeu_si256(keys.as_mut_ptr().cast::<__m256i>(), packed) };
    }
    scores.len().min(keys.len()) * BLOCK
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_count_below(keys: &[u8], limit: u8) -> (usize, usize) {
    // Unsigned bytes compare by their minimum.
    let most = _mm256_set1_epi8(limit.wrapping_sub(1).cast_signed());
    let zero = _mm256_setzero_si256();
    let (blocks, _) = keys.as_chunks::<BLOCK>();
    let mut total = zero;
    // As many blocks as a byte can count.
    for run in blocks.chunks(255) {
        let mut counts = zero;
        for block in run {
            // SAFETY: a block has 32 bytes.
            let x = unsafe { _mm256_loadu_si256(block.as_ptr().cast::<__m256i>()) };
            counts = _mm256_sub_epi8(counts, _mm256_cmpeq_epi8(_mm256_min_epu8(x, most), x));
        }
        total = _mm256_add_epi64(total, _mm256_sad_epu8(counts, zero));
    }
    let mut sums = [0u64; 4];
    // SAFETY: the array has room for 32 bytes.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast::<__m256i>(), total) };
    (sums.iter().sum::<u64>() as usize, blocks.len() * BLOCK)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_find(keys: &[u8], key: u8, places: &mut Vec<u32>) -> usize {
    let key = _mm256_set1_epi8(key.cast_signed());
    let (blocks, _) = keys.as_chunks::<BLOCK>();
    for (blocks, first) in blocks.chunks(NOTED).zip((0u32..).step_by(NOTED * BLOCK)) {
        let mut found = [0; NOTED];
        for (block, found) in blocks.iter().zip(&mut found) {
            // SAFETY: a block has 32 bytes.
            let x = unsafe { _mm256_loadu_si256(block.as_ptr().cast::<__m256i>()) };
            *found = _mm256_movemask_epi8(_mm256_cmpeq_epi8(x, key)) as u32;
        }
        list(&found[..blocks.len()], first, places);
    }
    blocks.len() * BLOCK
}

/// Adds the places of the bits that are set, the first of which has the place `first`.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn list(found: &[u32], first: u32, places: &mut Vec<u32>) {
    for (&bits, first) in found.iter().zip((first..).step_by(BLOCK)) {
        let mut bits = bits;
        while bits != 0 {
            places.push(first | bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2_quantise(scores: &[f32], how: Quantising, steps: &mut [i8], near_edges: &mut Vec<u32>) -> usize {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let (offset, scale) = (_mm256_set1_ps(how.offset), _mm256_set1_ps(how.scale));
    let (edge, zero) = (_mm256_set1_ps(how.edge), _mm256_set1_epi8(how.zero));
    let unsigned: __m256 = _mm256_castsi256_ps(_mm256_set1_epi32(i32::MAX));
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let (scores, _) = scores.as_chunks::<BLOCK>();
    let (steps, _) = steps.as_chunks_mut::<BLOCK>();
    let runs = scores.chunks(NOTED).zip(steps.chunks_mut(NOTED));
    for ((scores, steps), first) in runs.zip((0u32..).step_by(NOTED * BLOCK)) {
        let mut found = [0; NOTED];
        for ((scores, steps), near) in scores.iter().zip(steps.iter_mut()).zip(&mut found) {
            let mut whole = |at: usize| {
                // SAFETY: `at` is 0, 8, 16 or 24 of 32 numbers.
                let x = unsafe { _mm256_loadu_ps(scores.as_ptr().add(at)) };
                let scaled = _mm256_mul_ps(_mm256_sub_ps(x, offset), scale);
                let nearest = _mm256_round_ps::<NEAREST>(scaled);
                let off = _mm256_and_ps(_mm256_sub_ps(scaled, nearest), unsigned);
                *near |= (_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(off, edge)) as u32) << at;
                _mm256_cvtps_epi32(nearest)
            };
            let (a, b, c, d) = (whole(0), whole(8), whole(16), whole(24));
            let packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            let bins = _mm256_permutevar8x32_epi32(packed, order);
            // SAFETY: a block has room for 32 bytes.
            unsafe {
                _mm256_storeu_si256(steps.as_mut_ptr().cast::<__m256i>(), _mm256_sub_epi8(bins, zero));
            }
        }
        list(&found[..scores.len().min(steps.len())], first, near_edges);
    }
    scores.len().min(steps.len()) * BLOCK
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn vectors_change_nothing(scores in prop::collection::vec(-1.5f32..0.5, 0..300), limit in 1u8..255) {
            let how = Quantising { offset: -1.25, scale: 45.0, zero: 56, edge: 0.45 };
            let all = || {
                let mut keys = vec![0; scores.len()];
                classify(&scores, -1.5, 100.0, &mut keys);
                let (mut steps, mut near, mut places) = (vec![0; scores.len()], Vec::new(), Vec::new());
                quantise(&scores, how, &mut steps, &mut near);
                find(&keys, limit, &mut places);
                (ends(&scores), count_below(&keys, limit), keys, steps, near, places)
            };
            prop_assert_eq!(all(), crate::wide::without_vectors(all));
        }
    }
}
