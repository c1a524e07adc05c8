//! The passes with AVX-512: twice the numbers at once, and masks instead of compared bytes.

use std::arch::x86_64::{
    __m256i, __m512, __m512d, __m512i, _CMP_NLE_UQ, _mm256_and_si256, _mm256_loadu_si256, _mm512_abs_ps,
    _mm512_add_epi16, _mm512_add_ps, _mm512_castsi512_si256, _mm512_cmp_ps_mask, _mm512_cmpeq_epi8_mask,
    _mm512_cmplt_epu8_mask, _mm512_cvtepi8_epi16, _mm512_cvtepi16_epi32, _mm512_cvtepi32_ps,
    _mm512_cvtps_epi32, _mm512_extracti64x4_epi64, _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_fmsub_ps,
    _mm512_fnmadd_ps, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_max_epi32, _mm512_max_ps,
    _mm512_min_epi32, _mm512_min_ps, _mm512_mul_ps, _mm512_or_si512, _mm512_packs_epi16, _mm512_packs_epi32,
    _mm512_packus_epi16, _mm512_permutexvar_epi32, _mm512_reduce_max_epi32, _mm512_reduce_max_ps,
    _mm512_reduce_min_ps, _mm512_rsqrt14_ps, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_pd,
    _mm512_set1_ps, _mm512_setr_epi32, _mm512_setzero_pd, _mm512_setzero_si512, _mm512_slli_epi32,
    _mm512_storeu_pd, _mm512_storeu_ps, _mm512_storeu_si512, _mm512_sub_epi8, _mm512_sub_ps,
};
use std::ops::Range;

pub(super) use super::avx2::{ends, sum_steps};
use super::{LANES, Mass, Quantising, RANK_BITS, Ranked, SHARES, STRIDE, SUMS, blocks, plain};

/// Scores or keys of a block.
const BLOCK: usize = 64;
/// Numbers of four bytes in a vector.
const WIDE: usize = 16;
/// Blocks whose found places are noted before they are listed: a list that may grow keeps no vector in a register.
const NOTED: usize = 64;
/// The least sum of squares that is not taken for this one, so that its root has a reciprocal.
const LEAST: f32 = 1e-30;

#[target_feature(enable = "avx512f")]
pub(super) fn euclidean<const N: usize>(
    queries: [[f32; 4]; N],
    letters: [&[f32]; 4],
    mut scores: [&mut [f32]; N],
) -> [(f32, f32); N] {
    let whole = letters[0].len() - letters[0].len() % WIDE;
    let rest = scores.each_mut().map(|scores| &mut scores[whole..]);
    let mut ends = plain::euclidean(queries, letters.map(|letter| &letter[whole..]), rest);
    let queries = queries.map(|query| query.map(|p| _mm512_set1_ps(p)));
    let (least, half) = (_mm512_set1_ps(LEAST), _mm512_set1_ps(-0.5));
    let mut low = [_mm512_set1_ps(f32::INFINITY); N];
    let mut high = [_mm512_set1_ps(f32::NEG_INFINITY); N];
    let blocks = scores.map(|scores| scores.as_chunks_mut::<WIDE>().0);
    let letters = letters.map(|letter| letter.as_chunks::<WIDE>().0);
    for place in 0..whole / WIDE {
        // SAFETY: a block has sixteen numbers.
        let columns = letters.map(|letter| unsafe { _mm512_loadu_ps(letter[place].as_ptr()) });
        for i in 0..N {
            let [a, c, g, t]: [__m512; 4] =
                std::array::from_fn(|letter| _mm512_sub_ps(queries[i][letter], columns[letter]));
            let first = _mm512_fmadd_ps(c, c, _mm512_mul_ps(a, a));
            let squares = _mm512_add_ps(first, _mm512_fmadd_ps(t, t, _mm512_mul_ps(g, g)));
            // A root of fourteen bits and one step of Newton's for the rest take half as long as an exact one.
            let squares = _mm512_max_ps(squares, least);
            let reciprocal = _mm512_rsqrt14_ps(squares);
            let root = _mm512_mul_ps(squares, reciprocal);
            let rest = _mm512_fnmadd_ps(root, root, squares);
            let score = _mm512_fmsub_ps(_mm512_mul_ps(reciprocal, half), rest, root);
            (low[i], high[i]) = (_mm512_min_ps(low[i], score), _mm512_max_ps(high[i], score));
            // SAFETY: a block of scores has room for sixteen.
            unsafe { _mm512_storeu_ps(blocks[i][place].as_mut_ptr(), score) };
        }
    }
    for (i, ends) in ends.iter_mut().enumerate() {
        ends.0 = ends.0.min(_mm512_reduce_min_ps(low[i]));
        ends.1 = ends.1.max(_mm512_reduce_max_ps(high[i]));
    }
    ends
}

/// The order of groups of four bytes that packing twice leaves behind, put right.
#[target_feature(enable = "avx512f")]
fn packed_order() -> __m512i {
    _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
}

#[target_feature(enable = "avx512bw")]
pub(super) fn classify(scores: &[f32], low: f32, spread: f32, keys: &mut [u8]) {
    let (blocks, rest) = scores.as_chunks::<BLOCK>();
    plain::classify(rest, low, spread, &mut keys[blocks.len() * BLOCK..]);
    let (low, spread) = (_mm512_set1_ps(low), _mm512_set1_ps(spread));
    let order = packed_order();
    for (scores, keys) in blocks.iter().zip(keys.as_chunks_mut::<BLOCK>().0) {
        let whole = |at: usize| {
            // SAFETY: `at` is 0, 16, 32 or 48 of 64 numbers.
            let x = unsafe { _mm512_loadu_ps(scores.as_ptr().add(at)) };
            _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_sub_ps(x, low), spread))
        };
        let first = _mm512_packs_epi32(whole(0), whole(WIDE));
        let second = _mm512_packs_epi32(whole(2 * WIDE), whole(3 * WIDE));
        let packed = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(first, second));
        // SAFETY: a block has room for 64 bytes.
        unsafe { _mm512_storeu_si512(keys.as_mut_ptr().cast::<__m512i>(), packed) };
    }
}

#[target_feature(enable = "avx512bw,popcnt")]
pub(super) fn count_below(keys: &[u8], limit: u8) -> usize {
    let limits = _mm512_set1_epi8(limit.cast_signed());
    let (blocks, rest) = keys.as_chunks::<BLOCK>();
    let mut counts = 0;
    for block in blocks {
        // SAFETY: a block has 64 bytes.
        let x = unsafe { _mm512_loadu_si512(block.as_ptr().cast::<__m512i>()) };
        counts += _mm512_cmplt_epu8_mask(x, limits).count_ones();
    }
    counts as usize + plain::count_below(rest, limit)
}

#[target_feature(enable = "avx512bw")]
pub(super) fn find(keys: &[u8], key: u8, places: &mut Vec<u32>) {
    let wanted = _mm512_set1_epi8(key.cast_signed());
    let (blocks, _) = keys.as_chunks::<BLOCK>();
    for (blocks, first) in blocks.chunks(NOTED).zip((0u32..).step_by(NOTED * BLOCK)) {
        let mut found = [0; NOTED];
        for (block, found) in blocks.iter().zip(&mut found) {
            // SAFETY: a block has 64 bytes.
            let x = unsafe { _mm512_loadu_si512(block.as_ptr().cast::<__m512i>()) };
            *found = _mm512_cmpeq_epi8_mask(x, wanted);
        }
        list(&found[..blocks.len()], first, places);
    }
    plain::find_from(blocks.len() * BLOCK, keys, key, places);
}

#[target_feature(enable = "avx512bw")]
pub(super) fn quantise(scores: &[f32], how: Quantising, steps: &mut [i8], near_edges: &mut Vec<u32>) {
    let (offset, scale) = (_mm512_set1_ps(how.offset), _mm512_set1_ps(how.scale));
    let (edge, zero) = (_mm512_set1_ps(how.edge), _mm512_set1_epi8(how.zero));
    let order = packed_order();
    let blocks = scores.as_chunks::<BLOCK>().0;
    let runs = blocks.chunks(NOTED).zip(steps.as_chunks_mut::<BLOCK>().0.chunks_mut(NOTED));
    for ((blocks, steps), first) in runs.zip((0u32..).step_by(NOTED * BLOCK)) {
        let mut found = [0; NOTED];
        for ((scores, steps), near) in blocks.iter().zip(steps.iter_mut()).zip(&mut found) {
            let mut whole = |at: usize| {
                // SAFETY: `at` is 0, 16, 32 or 48 of 64 numbers.
                let x = unsafe { _mm512_loadu_ps(scores.as_ptr().add(at)) };
                let scaled = _mm512_mul_ps(_mm512_sub_ps(x, offset), scale);
                let nearest = _mm512_cvtps_epi32(scaled);
                let off = _mm512_abs_ps(_mm512_sub_ps(scaled, _mm512_cvtepi32_ps(nearest)));
                *near |= u64::from(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(off, edge)) << at;
                nearest
            };
            let first = _mm512_packs_epi32(whole(0), whole(WIDE));
            let second = _mm512_packs_epi32(whole(2 * WIDE), whole(3 * WIDE));
            let bins = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(first, second));
            // SAFETY: a block has room for 64 bytes.
            unsafe { _mm512_storeu_si512(steps.as_mut_ptr().cast::<__m512i>(), _mm512_sub_epi8(bins, zero)) };
        }
        list(&found[..blocks.len()], first, near_edges);
    }
    plain::quantise_from(blocks.len() * BLOCK, scores, how, steps, near_edges);
}

/// Adds the places of the bits that are set, the first of which has the place `first`.
#[inline(never)]
fn list(found: &[u64], first: u32, places: &mut Vec<u32>) {
    for (&bits, first) in found.iter().zip((first..).step_by(BLOCK)) {
        let mut bits = bits;
        while bits != 0 {
            places.push(first | bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
}

#[target_feature(enable = "avx512bw")]
pub(super) fn best_keys<'a>(rows: &[&[i8]], targets: impl Iterator<Item = Ranked<'a>>, keys: &mut Vec<i32>) {
    for Ranked { start, width, ranking } in targets {
        let mut highest = _mm512_set1_epi32(i32::MIN);
        for (first, own, padded) in blocks(rows.len(), width) {
            let sums = sums(&rows[own], start + padded, &ranking.keep[padded..]);
            let halves = [_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums)];
            let (ranks, caps) = (&ranking.ranks[first..first + LANES], &ranking.caps[first..first + LANES]);
            for (half, sums) in halves.into_iter().enumerate() {
                // SAFETY: both slices have twice sixteen numbers.
                let (rank, cap) = unsafe {
                    (
                        _mm512_loadu_si512(ranks.as_ptr().add(WIDE * half).cast::<__m512i>()),
                        _mm512_loadu_si512(caps.as_ptr().add(WIDE * half).cast::<__m512i>()),
                    )
                };
                let scores = _mm512_slli_epi32::<RANK_BITS>(_mm512_cvtepi16_epi32(sums));
                highest = _mm512_max_epi32(highest, _mm512_min_epi32(_mm512_or_si512(scores, rank), cap));
            }
        }
        keys.push(_mm512_reduce_max_epi32(highest));
    }
}

/// The sums of all lanes, of sixteen bits.
#[target_feature(enable = "avx512bw")]
fn sums(rows: &[&[i8]], at: usize, keep: &[i8]) -> __m512i {
    assert!(keep.len() + 1 >= rows.len() + LANES, "the blanks end before the last row");
    let mut sums = _mm512_setzero_si512();
    for (i, row) in rows.iter().enumerate() {
        let steps = &row[at + i..at + i + LANES];
        // SAFETY: `steps` has 32 bytes, and so has `keep` from `i` on, by the assertion.
        let (x, mask) = unsafe {
            (
                _mm256_loadu_si256(steps.as_ptr().cast::<__m256i>()),
                _mm256_loadu_si256(keep.as_ptr().add(i).cast::<__m256i>()),
            )
        };
        sums = _mm512_add_epi16(sums, _mm512_cvtepi8_epi16(_mm256_and_si256(x, mask)));
    }
    sums
}

#[target_feature(enable = "avx512f")]
pub(super) fn convolve(
    mass: Mass<'_>,
    shift: usize,
    shares: &[f64; SHARES],
    taken: Range<usize>,
    sums: &mut [f64],
) {
    let (pairs, last) = sums.as_chunks_mut::<{ 2 * SUMS }>();
    let rest = shift + pairs.len() * 2 * SUMS;
    for (first, sums) in (shift..).step_by(2 * SUMS).zip(pairs) {
        add_block::<{ 2 * SUMS / STRIDE }>(mass, first, shares, &taken, sums);
    }
    if !last.is_empty() {
        add_block::<{ SUMS / STRIDE }>(mass, rest, shares, &taken, last);
    }
}

/// A block of N vectors of sums. Bins a vector apart read the same vectors, one place further: each is read once.
#[target_feature(enable = "avx512f")]
fn add_block<const N: usize>(
    mass: Mass<'_>,
    first: usize,
    shares: &[f64; SHARES],
    taken: &Range<usize>,
    sums: &mut [f64],
) {
    let (groups, reach) = mass.reach(first, N * STRIDE, taken);
    let vector = |at: usize| {
        let vector: &[f64] = &reach[at..at + STRIDE];
        // SAFETY: the slice has eight numbers.
        unsafe { _mm512_loadu_pd(vector.as_ptr()) }
    };
    let mut block = [_mm512_setzero_pd(); N];
    for rest in 0..STRIDE {
        let lowest = SHARES + STRIDE - groups.start * STRIDE - rest;
        let mut window: [__m512d; N] = std::array::from_fn(|i| vector(lowest + i * STRIDE));
        for group in groups.clone() {
            let share = _mm512_set1_pd(shares[group * STRIDE + rest]);
            for i in 0..N {
                block[i] = _mm512_fmadd_pd(share, window[i], block[i]);
            }
            for i in (1..N).rev() {
                window[i] = window[i - 1];
            }
            window[0] = vector(SHARES - group * STRIDE - rest);
        }
    }
    for (sums, block) in sums.as_chunks_mut::<STRIDE>().0.iter_mut().zip(block) {
        // SAFETY: the slice has eight numbers.
        unsafe { _mm512_storeu_pd(sums.as_mut_ptr(), block) };
    }
}
