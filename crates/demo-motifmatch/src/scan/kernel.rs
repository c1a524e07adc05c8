//! The inner loop: which windows may be hits.
//!
//! Two neighbouring bases index a table of sixteen single-byte losses, which fits a register: one
//! shuffle looks up 32 windows at once, one saturating addition adds their losses up. The bytes are
//! losses in units of the loss that a hit may have, rounded down, so that no hit is missed; what
//! stays below the limit is a candidate, scored exactly afterwards. Each table serves four vectors.
//! On two strands of eleven columns that is twelve look-ups for 32 positions.
//!
//! Windows of known bases alone come here; the caller cuts sequences at unknown ones. On machines
//! without AVX2 a plain loop does the same and finds the same candidates.

/// How many windows are looked at together; so many pairs may be read beyond the last window's own.
pub(super) const BLOCK: usize = 128;

/// The byte that a sum saturates at, and from which on a window is no candidate.
const LOST: u8 = u8::MAX;

/// The losses of one strand of a motif, as bytes.
#[derive(Debug, Clone)]
pub(super) struct Tables(Vec<[u8; 16]>);

impl Tables {
    /// Tables for windows that may lose up to `limit` steps.
    pub(super) fn new(losses: &[[u32; 4]], limit: usize) -> Self {
        // In 254 units of the limit; what alone exceeds it is lost.
        let byte = |loss: u64| match loss * u64::from(LOST - 1) {
            _ if loss > limit as u64 => LOST,
            scaled => scaled.checked_div(limit as u64).map_or(0, |units| units as u8),
        };
        let table = |rows: &[[u32; 4]]| {
            std::array::from_fn(|pair| {
                let second = rows.get(1).map_or(0, |row| u64::from(row[pair % 4]));
                byte(u64::from(rows[0][pair / 4]) + second)
            })
        };
        Self(losses.chunks(2).map(table).collect())
    }
}

/// Appends which of the first `count` windows over `pairs` may lose no more than the limit.
///
/// `pairs` holds a pair for every base of the windows and a block more.
pub(super) fn candidates(pairs: &[u8], tables: &Tables, count: usize, found: &mut Vec<u32>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(wide::Candidates { simd, pairs, tables: &tables.0, count, found });
    }
    plain(pairs, tables, count, found);
}

/// The same, a window at a time.
pub(super) fn plain(pairs: &[u8], tables: &Tables, count: usize, found: &mut Vec<u32>) {
    for start in 0..count {
        let lost = tables
            .0
            .iter()
            .zip(pairs[start..].iter().step_by(2))
            .fold(0u8, |lost, (table, &pair)| lost.saturating_add(table[usize::from(pair & 15)]));
        if lost < LOST {
            found.push(start as u32);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    //! 4 × 32 windows at once.

    use std::arch::x86_64::{__m128i, __m256i};

    use pulp::x86::V3;
    use pulp::{NullaryFnOnce, cast};

    use super::{BLOCK, LOST};

    pub(super) struct Candidates<'a> {
        pub(super) simd: V3,
        pub(super) pairs: &'a [u8],
        pub(super) tables: &'a [[u8; 16]],
        pub(super) count: usize,
        pub(super) found: &'a mut Vec<u32>,
    }

    impl NullaryFnOnce for Candidates<'_> {
        type Output = ();

        // Only what is inlined into the dispatch is compiled for its instruction set.
        #[inline(always)]
        fn call(self) {
            let Self { simd, pairs, tables, count, found } = self;
            let lost = simd.avx._mm256_set1_epi8(LOST.cast_signed());
            for start in (0..count).step_by(BLOCK) {
                let sums = sums(simd, pairs, tables, start);
                let least = simd.avx2._mm256_min_epu8(
                    simd.avx2._mm256_min_epu8(sums[0], sums[1]),
                    simd.avx2._mm256_min_epu8(sums[2], sums[3]),
                );
                if simd.avx2._mm256_movemask_epi8(simd.avx2._mm256_cmpeq_epi8(least, lost)) == -1 {
                    continue;
                }
                let mut kept = [0; 4];
                for (kept, sum) in kept.iter_mut().zip(sums) {
                    let lost = simd.avx2._mm256_cmpeq_epi8(sum, lost);
                    *kept = !simd.avx2._mm256_movemask_epi8(lost) as u32;
                }
                keep(kept, start, count, found);
            }
        }
    }

    /// Notes the windows of a block whose bits are set. A call of its own, so that the sums of the loop around it stay
    /// in registers.
    #[inline(never)]
    fn keep(kept: [u32; 4], start: usize, count: usize, found: &mut Vec<u32>) {
        for (lane, mut kept) in kept.into_iter().enumerate() {
            while kept != 0 {
                let window = start + 32 * lane + kept.trailing_zeros() as usize;
                if window < count {
                    found.push(window as u32);
                }
                kept &= kept - 1;
            }
        }
    }

    /// What the windows of a block lose.
    #[inline(always)]
    fn sums(simd: V3, pairs: &[u8], tables: &[[u8; 16]], start: usize) -> [__m256i; 4] {
        let mut sums = [simd.avx._mm256_setzero_si256(); 4];
        for (table, pairs) in tables.iter().zip(pairs[start..].windows(BLOCK).step_by(2)) {
            let table: __m256i = simd.avx2._mm256_broadcastsi128_si256(cast::<[u8; 16], __m128i>(*table));
            for (sum, pairs) in sums.iter_mut().zip(pairs.as_chunks::<32>().0) {
                let looked_up = simd.avx2._mm256_shuffle_epi8(table, cast::<[u8; 32], __m256i>(*pairs));
                *sum = simd.avx2._mm256_adds_epu8(*sum, looked_up);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::coded::Coded;
    use super::*;

    proptest! {
        #[test]
        fn the_wide_loop_finds_what_the_plain_one_finds(
            codes in prop::collection::vec(0u8..4, 0..700),
            losses in prop::collection::vec(prop::array::uniform4(prop_oneof![Just(0), Just(u32::MAX), 0u32..900]), 1..25),
            limit in 0usize..5000,
        ) {
            let mut coded = Coded::default();
            coded.fill(&codes, losses.len());
            let tables = Tables::new(&losses, limit);
            let count = (codes.len() + 1).saturating_sub(losses.len());
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            candidates(coded.pairs(), &tables, count, &mut fast);
            plain(coded.pairs(), &tables, count, &mut slow);
            prop_assert_eq!(&fast, &slow);
            // No window that a hit may be is missed, and what is found loses little more.
            for start in 0..count {
                let window = codes[start..start + losses.len()].iter();
                let lost: u64 =
                    window.zip(&losses).map(|(&code, row)| u64::from(row[usize::from(code)])).sum();
                let found = fast.binary_search(&(start as u32)).is_ok();
                prop_assert!(found || lost > limit as u64);
                let units = losses.len().div_ceil(2) as u64 + 1;
                prop_assert!(!found || 254 * lost <= (254 + units) * limit as u64);
            }
        }
    }
}
