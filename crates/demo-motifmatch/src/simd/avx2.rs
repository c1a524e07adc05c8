//! The passes with AVX2.

use std::arch::x86_64::{
    __m256, __m256i, _CMP_NLE_UQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _mm256_add_epi16,
    _mm256_add_epi64, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_castsi256_ps,
    _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cmpeq_epi8, _mm256_cvtepi8_epi16, _mm256_cvtepi16_epi32,
    _mm256_cvtps_epi32, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_max_epi32, _mm256_max_ps, _mm256_min_epi32, _mm256_min_epu8, _mm256_min_ps, _mm256_movemask_epi8,
    _mm256_movemask_ps, _mm256_mul_ps, _mm256_or_si256, _mm256_packs_epi16, _mm256_packs_epi32,
    _mm256_packus_epi16, _mm256_permutevar8x32_epi32, _mm256_round_ps, _mm256_sad_epu8, _mm256_set1_epi8,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_si256, _mm256_slli_epi32,
    _mm256_sqrt_ps, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi8, _mm256_sub_ps, _mm256_xor_ps,
};
use std::ops::Range;

use super::{LANES, Mass, Quantising, RANK_BITS, Ranked, SHARES, blocks, plain};

/// Scores or keys of a block.
const BLOCK: usize = 32;

/// Blocks whose found places are noted before they are listed: a list that may grow keeps no vector in a register.
const NOTED: usize = 64;

#[target_feature(enable = "avx2")]
pub(super) fn ends(scores: &[f32]) -> (f32, f32) {
    let (chunks, rest) = scores.as_chunks::<8>();
    let (mut low, mut high) = (_mm256_set1_ps(f32::INFINITY), _mm256_set1_ps(f32::NEG_INFINITY));
    for chunk in chunks {
        // SAFETY: a chunk has eight numbers.
        let x = unsafe { _mm256_loadu_ps(chunk.as_ptr()) };
        (low, high) = (_mm256_min_ps(low, x), _mm256_max_ps(high, x));
    }
    let (least, most) = reduced(low, high);
    let (rest_least, rest_most) = plain::ends(rest);
    (least.min(rest_least), most.max(rest_most))
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn euclidean<const N: usize>(
    queries: [[f32; 4]; N],
    letters: [&[f32]; 4],
    mut scores: [&mut [f32]; N],
) -> [(f32, f32); N] {
    let whole = letters[0].len() - letters[0].len() % 8;
    let rest = scores.each_mut().map(|scores| &mut scores[whole..]);
    let mut ends = plain::euclidean(queries, letters.map(|letter| &letter[whole..]), rest);
    let sign = _mm256_set1_ps(-0.0);
    let mut low = [_mm256_set1_ps(f32::INFINITY); N];
    let mut high = [_mm256_set1_ps(f32::NEG_INFINITY); N];
    let blocks = scores.map(|scores| scores.as_chunks_mut::<8>().0);
    let letters = letters.map(|letter| letter.as_chunks::<8>().0);
    for place in 0..whole / 8 {
        // SAFETY: a block has eight numbers.
        let columns = letters.map(|letter| unsafe { _mm256_loadu_ps(letter[place].as_ptr()) });
        for i in 0..N {
            let [a, c, g, t]: [__m256; 4] = std::array::from_fn(|letter| {
                _mm256_sub_ps(_mm256_set1_ps(queries[i][letter]), columns[letter])
            });
            let first = _mm256_fmadd_ps(c, c, _mm256_mul_ps(a, a));
            let squares = _mm256_add_ps(first, _mm256_fmadd_ps(t, t, _mm256_mul_ps(g, g)));
            let score = _mm256_xor_ps(_mm256_sqrt_ps(squares), sign);
            (low[i], high[i]) = (_mm256_min_ps(low[i], score), _mm256_max_ps(high[i], score));
            // SAFETY: a block of scores has room for eight.
            unsafe { _mm256_storeu_ps(blocks[i][place].as_mut_ptr(), score) };
        }
    }
    for (i, ends) in ends.iter_mut().enumerate() {
        let own = reduced(low[i], high[i]);
        *ends = (ends.0.min(own.0), ends.1.max(own.1));
    }
    ends
}

/// The least of the first eight numbers and the greatest of the others.
#[target_feature(enable = "avx2")]
fn reduced(low: __m256, high: __m256) -> (f32, f32) {
    let (mut lows, mut highs) = ([0.0; 8], [0.0; 8]);
    // SAFETY: the arrays have room for eight numbers.
    unsafe {
        _mm256_storeu_ps(lows.as_mut_ptr(), low);
        _mm256_storeu_ps(highs.as_mut_ptr(), high);
    }
    (plain::ends(&lows).0, plain::ends(&highs).1)
}

#[target_feature(enable = "avx2")]
pub(super) fn classify(scores: &[f32], low: f32, spread: f32, keys: &mut [u8]) {
    let whole = scores.len() - scores.len() % BLOCK;
    plain::classify(&scores[whole..], low, spread, &mut keys[whole..]);
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
}

#[target_feature(enable = "avx2")]
pub(super) fn count_below(keys: &[u8], limit: u8) -> usize {
    // Unsigned bytes compare by their minimum.
    let most = _mm256_set1_epi8(limit.wrapping_sub(1).cast_signed());
    let zero = _mm256_setzero_si256();
    let (blocks, rest) = keys.as_chunks::<BLOCK>();
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
    sums.iter().sum::<u64>() as usize + plain::count_below(rest, limit)
}

#[target_feature(enable = "avx2")]
pub(super) fn find(keys: &[u8], key: u8, places: &mut Vec<u32>) {
    let wanted = _mm256_set1_epi8(key.cast_signed());
    let (blocks, _) = keys.as_chunks::<BLOCK>();
    for (blocks, first) in blocks.chunks(NOTED).zip((0u32..).step_by(NOTED * BLOCK)) {
        let mut found = [0; NOTED];
        for (block, found) in blocks.iter().zip(&mut found) {
            // SAFETY: a block has 32 bytes.
            let x = unsafe { _mm256_loadu_si256(block.as_ptr().cast::<__m256i>()) };
            *found = _mm256_movemask_epi8(_mm256_cmpeq_epi8(x, wanted)) as u32;
        }
        list(&found[..blocks.len()], first, places);
    }
    plain::find_from(blocks.len() * BLOCK, keys, key, places);
}

#[target_feature(enable = "avx2")]
pub(super) fn quantise(scores: &[f32], how: Quantising, steps: &mut [i8], near_edges: &mut Vec<u32>) {
    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    let (offset, scale) = (_mm256_set1_ps(how.offset), _mm256_set1_ps(how.scale));
    let (edge, zero) = (_mm256_set1_ps(how.edge), _mm256_set1_epi8(how.zero));
    let unsigned: __m256 = _mm256_castsi256_ps(_mm256_set1_epi32(i32::MAX));
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let blocks = scores.as_chunks::<BLOCK>().0;
    let runs = blocks.chunks(NOTED).zip(steps.as_chunks_mut::<BLOCK>().0.chunks_mut(NOTED));
    for ((blocks, steps), first) in runs.zip((0u32..).step_by(NOTED * BLOCK)) {
        let mut found = [0; NOTED];
        for ((scores, steps), near) in blocks.iter().zip(steps.iter_mut()).zip(&mut found) {
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
        list(&found[..blocks.len()], first, near_edges);
    }
    plain::quantise_from(blocks.len() * BLOCK, scores, how, steps, near_edges);
}

#[target_feature(enable = "avx2")]
pub(super) fn best_keys<'a>(rows: &[&[i8]], targets: impl Iterator<Item = Ranked<'a>>, keys: &mut Vec<i32>) {
    for Ranked { start, width, ranking } in targets {
        let mut highest = _mm256_set1_epi32(i32::MIN);
        for (first, own, padded) in blocks(rows.len(), width) {
            let (low, high) = sums(&rows[own], start + padded, &ranking.keep[padded..]);
            let quarters = [
                _mm256_castsi256_si128(low),
                _mm256_extracti128_si256::<1>(low),
                _mm256_castsi256_si128(high),
                _mm256_extracti128_si256::<1>(high),
            ];
            let (ranks, caps) = (&ranking.ranks[first..first + LANES], &ranking.caps[first..first + LANES]);
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
        let mut lanes = [0i32; 8];
        // SAFETY: the array has room for eight numbers.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast::<__m256i>(), highest) };
        keys.push(lanes.into_iter().fold(i32::MIN, i32::max));
    }
}

/// Steps of at most 102 either way that sixteen bits can sum.
const RUN: usize = 256;

#[target_feature(enable = "avx2")]
pub(super) fn sum_steps(rows: &[&[i8]], at: usize, keep: &[i8], out: &mut [i32; LANES]) {
    for (run, rows) in rows.chunks(RUN).enumerate() {
        let (low, high) = sums(rows, at + run * RUN, &keep[run * RUN..]);
        let mut words = [0i16; LANES];
        // SAFETY: the array has room for twice sixteen numbers of two bytes.
        unsafe {
            _mm256_storeu_si256(words.as_mut_ptr().cast::<__m256i>(), low);
            _mm256_storeu_si256(words.as_mut_ptr().add(LANES / 2).cast::<__m256i>(), high);
        }
        for (sum, word) in out.iter_mut().zip(words) {
            *sum = sum.wrapping_add(i32::from(word));
        }
    }
}

/// The sums of sixteen lanes each, of sixteen bits.
#[target_feature(enable = "avx2")]
fn sums(rows: &[&[i8]], at: usize, keep: &[i8]) -> (__m256i, __m256i) {
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

/// Adds the places of the bits that are set, the first of which has the place `first`.
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

/// The plain form, compiled for these instructions.
#[target_feature(enable = "avx2,fma")]
pub(super) fn convolve(
    mass: Mass<'_>,
    shift: usize,
    shares: &[f64; SHARES],
    taken: Range<usize>,
    sums: &mut [f64],
) {
    plain::convolve(mass, shift, shares, taken, sums);
}
