//! Lists of the numbers that are not zero, sixteen at a time where AVX-512 can move the chosen ones of a
//! vector together.

use pulp::Simd;

use crate::kernels::plain::skip::Nonzeros;

/// Lists those of a matrix with rows of `columns`.
#[inline(always)]
pub(crate) fn find<S: Simd>(simd: S, nonzeros: &mut Nonzeros<f32>, matrix: &[f32], columns: usize) {
    // Which it is, is known when this is compiled.
    #[cfg(target_arch = "x86_64")]
    if let Some(&wide) = (&simd as &dyn std::any::Any).downcast_ref() {
        let list = |block: &[f32], values: &mut _, places: &mut _| wide::list(wide, block, values, places);
        return nonzeros.find_by(matrix, columns, list);
    }
    let _ = simd;
    nonzeros.find(matrix, columns);
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{__m256i, __m512, _CMP_NEQ_UQ};

    use pulp::x86::V4;

    use crate::kernels::plain::skip::{BLOCK, list_block};

    const LANES: usize = 16;
    const FIRST: [i32; LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    const STEP: [i32; LANES] = [16; LANES];

    /// The numbers of a block that are not zero, and their columns in it.
    #[inline(always)]
    pub(super) fn list(
        simd: V4,
        block: &[f32],
        values: &mut [f32; BLOCK],
        places: &mut [u16; BLOCK],
    ) -> usize {
        let avx = simd.avx512f;
        let (vectors, rest) = block.as_chunks::<LANES>();
        let zero = avx._mm512_setzero_ps();
        let (mut columns, step) = (pulp::cast(FIRST), pulp::cast(STEP));
        let mut found = 0;
        for vector in vectors {
            let vector: __m512 = pulp::cast(*vector);
            let chosen = avx._mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(vector, zero);
            let kept: [f32; LANES] = pulp::cast(avx._mm512_maskz_compress_ps(chosen, vector));
            let at: __m256i = avx._mm512_cvtepi32_epi16(avx._mm512_maskz_compress_epi32(chosen, columns));
            // What is not kept is overwritten by the next.
            values[found..found + LANES].copy_from_slice(&kept);
            places[found..found + LANES].copy_from_slice(&pulp::cast::<_, [u16; LANES]>(at));
            found += chosen.count_ones() as usize;
            columns = avx._mm512_add_epi32(columns, step);
        }
        let (mut last, mut at) = ([0.0; BLOCK], [0; BLOCK]);
        let more = list_block(rest, &mut last, &mut at);
        for i in 0..more {
            values[found + i] = last[i];
            places[found + i] = at[i] + (vectors.len() * LANES) as u16;
        }
        found + more
    }
}
