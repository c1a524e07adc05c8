//! The Mersenne Twister MT19937 of Matsumoto and Nishimura (1998), seeded as its first release was.
//!
//! Tomtom's q-values rest on its bootstrap draws, so to print the same digits the same generator must be
//! asked in the same order. Cost: about a nanosecond a number.

use crate::wide::wide;

/// The words of state.
const WORDS: usize = 624;
/// The lag of the recurrence.
const LAG: usize = 397;
/// The seed of the first release.
const SEED: u32 = 4357;

/// The generator's state: the words of the current round and the next one to hand out.
#[derive(Debug, Clone)]
pub(crate) struct Twister {
    words: [u32; WORDS],
    next: usize,
}

impl Twister {
    /// The generator at the start of a run: word i is 69069 to the i times the seed.
    pub(crate) fn new() -> Self {
        let mut words = [SEED; WORDS];
        for i in 1..WORDS {
            words[i] = words[i - 1].wrapping_mul(69069);
        }
        Self { words, next: WORDS }
    }

    /// The next 32 bits.
    #[cfg(test)]
    fn next_u32(&mut self) -> u32 {
        temper(self.next_word())
    }

    /// A number in [0, 1) from two draws, the first one the high bits.
    #[cfg(test)]
    pub(crate) fn next_unit(&mut self) -> f64 {
        let high = self.next_u32();
        unit(high, self.next_u32())
    }

    /// Whole numbers in [0, `below`): each is [`Self::next_unit`] times `below` without its fraction. The numbers
    /// drawn so far must be even, which pairs leave them.
    pub(crate) fn fill_indices(&mut self, below: u32, mut indices: &mut [u32]) {
        while !indices.is_empty() {
            if self.next == WORDS {
                self.next = 0;
                turn(&mut self.words);
            }
            let words = &self.words[self.next..];
            let (now, later) = indices.split_at_mut(indices.len().min(words.len() / 2));
            if !scale(words, below, now) {
                for (index, pair) in now.iter_mut().zip(words.as_chunks::<2>().0) {
                    *index = (unit(temper(pair[0]), temper(pair[1])) * f64::from(below)) as u32;
                }
            }
            self.next += 2 * now.len();
            indices = later;
        }
    }

    #[cfg(test)]
    fn next_word(&mut self) -> u32 {
        if self.next == WORDS {
            self.next = 0;
            turn(&mut self.words);
        }
        self.next += 1;
        self.words[self.next - 1]
    }

    /// Skips as many numbers, a whole round at a time.
    pub(crate) fn skip(&mut self, numbers: usize) {
        let mut position = self.next + numbers;
        while position > WORDS {
            turn(&mut self.words);
            position -= WORDS;
        }
        self.next = position;
    }
}

/// Two draws as a number in [0, 1), as precise as a double is.
#[inline(always)]
fn unit(high: u32, low: u32) -> f64 {
    (f64::from(high) * 4_294_967_296.0 + f64::from(low)) / 18_446_744_073_709_551_616.0
}

/// From a word of the state to a draw.
#[inline(always)]
fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C_5680;
    y ^= (y << 15) & 0xEFC6_0000;
    y ^ (y >> 18)
}

wide! {
    /// Pairs of words as numbers in [0, 1) times `below`, without their fractions; false where these are not sure.
    ///
    /// The first word of a pair nearly decides. The second adds less than `below` to the 32 bits of the fraction,
    /// and rounding far less than that again; only where this could carry must the product be made in full.
    fn scale<'a>(words: &'a [u32], below: u32, indices: &'a mut [u32]) -> bool {
        let limit = u32::MAX - below.saturating_mul(2);
        let mut carries = 0;
        for (index, pair) in indices.iter_mut().zip(words.as_chunks::<2>().0) {
            let scaled = u64::from(temper(pair[0])) * u64::from(below);
            carries |= u32::from(scaled as u32 > limit);
            *index = (scaled >> 32) as u32;
        }
        carries == 0
    }
}

wide! {
    /// The next round of words.
    fn turn<'a>(words: &'a mut [u32; WORDS]) -> () {
        for i in 0..WORDS - LAG {
            words[i] = twist(words[i], words[i + 1], words[i + LAG]);
        }
        for i in WORDS - LAG..WORDS - 1 {
            words[i] = twist(words[i], words[i + 1], words[i + LAG - WORDS]);
        }
        words[WORDS - 1] = twist(words[WORDS - 1], words[0], words[LAG - 1]);
    }
}

#[inline(always)]
fn twist(high: u32, low: u32, far: u32) -> u32 {
    let y = (high & 0x8000_0000) | (low & 0x7FFF_FFFF);
    far ^ (y >> 1) ^ ((y & 1).wrapping_neg() & 0x9908_B0DF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipping_equals_drawing() {
        for count in [0, 1, 623, 624, 625, 1248, 200_000] {
            let (mut drawn, mut skipped) = (Twister::new(), Twister::new());
            for _ in 0..count {
                drawn.next_u32();
            }
            skipped.skip(count);
            assert_eq!(drawn.next_u32(), skipped.next_u32(), "after {count}");
        }
    }

    #[test]
    fn indices_are_the_scaled_numbers() {
        // A large range makes the carry from the second draw common.
        for below in [1, 7, 1036, 1 << 20, 1 << 30] {
            let (mut filled, mut scaled) = (Twister::new(), Twister::new());
            let mut indices = [0; 1000];
            for _ in 0..20 {
                filled.fill_indices(below, &mut indices);
                for &index in &indices {
                    assert_eq!(index, (scaled.next_unit() * f64::from(below)) as u32);
                }
            }
        }
    }
}
