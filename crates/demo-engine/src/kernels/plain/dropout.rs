//! Inverted dropout: kept numbers are divided by the probability of keeping, so that evaluation needs
//! no change. Which are kept is one bit each, from Philox: one random bit an element at rate 1/2, else
//! sixteen, so that the rate is a multiple of 1/65536.

use crate::philox::philox;
use crate::real::Real;

/// What the random bits of a sequence are counted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counter {
    /// Key of the layer of the member.
    pub(crate) key: [u32; 2],
    /// Training step.
    pub(crate) step: u64,
    /// Place of the sequence in its member's batch.
    pub(crate) slot: usize,
}

/// Fills the bits of one sequence: element e is kept where bit `e % 32` of word `e / 32` is set.
///
/// `bits` has a multiple of four words.
#[inline(always)]
pub(crate) fn keep_bits(bits: &mut [u32], rate: f32, counter: Counter) {
    let Counter { key, step, slot } = counter;
    let block = |number: usize| philox([number as u32, slot as u32, step as u32, (step >> 32) as u32], key);
    if rate == 0.5 {
        for (number, words) in bits.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            *words = block(number);
        }
        return;
    }
    let threshold = (f64::from(rate) * 65536.0).round() as u32;
    for (number, word) in bits.iter_mut().enumerate() {
        *word = 0;
        for part in 0..4 {
            let random = block(number * 4 + part);
            for (pair, two) in random.into_iter().enumerate() {
                let low = u32::from(two & 0xFFFF >= threshold);
                let high = u32::from(two >> 16 >= threshold);
                *word |= (low | high << 1) << (part * 8 + pair * 2);
            }
        }
    }
}

/// Zeroes what is not kept and multiplies the rest: the outputs going forward, their gradient going
/// back.
#[inline(always)]
pub(crate) fn apply<R: Real>(values: &mut [R], bits: &[u32], scale: R) {
    for (values, &word) in values.chunks_mut(32).zip(bits) {
        for (i, x) in values.iter_mut().enumerate() {
            *x = if word >> i & 1 == 1 { *x * scale } else { R::ZERO };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_kept_and_slots_differ() {
        for rate in [0.5f32, 0.2, 0.9, 0.001] {
            let mut bits = vec![0; 4096];
            let counter = Counter { key: [1, 2], step: 3, slot: 4 };
            keep_bits(&mut bits, rate, counter);
            let kept: u32 = bits.iter().map(|w| w.count_ones()).sum();
            let (count, rate) = (4096.0 * 32.0, f64::from(rate));
            let deviation = (f64::from(kept) - count * (1.0 - rate)) / (count * rate * (1.0 - rate)).sqrt();
            assert!(deviation.abs() < 4.0, "{rate}: {deviation} standard deviations");
            for other in [Counter { slot: 5, ..counter }, Counter { step: 1 << 32 | 3, ..counter }] {
                let mut others = vec![0; 4096];
                keep_bits(&mut others, rate as f32, other);
                assert_ne!(bits, others);
            }
        }
    }
}
