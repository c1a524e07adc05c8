//! Philox4x32-10, a counter-based random generator (Salmon, Moraes, Dror, Shaw: *Parallel random
//! numbers: as easy as 1, 2, 3*, SC 2011): ten multiply-and-swap rounds turn a key and a counter into
//! 128 random bits, so that any element's bits are found without those before it.
//!
//! Cost: about 20 multiplications for 128 bits.

/// The 128 bits of a counter under a key.
#[inline(always)]
pub(crate) fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    // The fractional parts of the golden ratio and of sqrt(3), as the paper has them.
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let first = MULTIPLIERS[0] * u64::from(counter[0]);
        let second = MULTIPLIERS[1] * u64::from(counter[2]);
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// The key of a layer of a member: the member's seed, as a key, applied to the layer's number.
pub(crate) fn layer_key(seed: u64, layer: usize) -> [u32; 2] {
    let bits = philox([layer as u32, 0, 0, 0], [seed as u32, (seed >> 32) as u32]);
    [bits[0], bits[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        // Random123 1.14.0, tests/kat_vectors, lines "philox4x32 10".
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, wanted) in cases {
            assert_eq!(philox(counter, key), wanted);
        }
    }

    #[test]
    fn members_and_layers_have_their_own_keys() {
        assert_ne!(layer_key(1, 0), layer_key(1, 1));
        assert_ne!(layer_key(1, 0), layer_key(2, 0));
        assert_ne!(layer_key(1, 0), layer_key(1 << 32, 0));
    }
}
