//! The Mersenne Twister MT19937 of Matsumoto and Nishimura (1998), seeded as its first release was.
//!
//! Tomtom's q-values rest on its bootstrap draws, so to print the same digits the same generator must be
//! asked in the same order. Cost: about a nanosecond a number.

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

    /// The whole part of a number in [0, `below`): [`Self::next_unit`] times `below` without its fraction.
    pub(crate) fn next_index(&mut self, below: u32) -> usize {
        let high = temper(self.next_word());
        let low = self.next_word();
        let scaled = u64::from(high) * u64::from(below);
        // The low draw adds less than `below` to the fraction, and rounding far less than that again; only
        // where this could carry into the whole part is the exact product worth its time.
        let index = if (scaled as u32).checked_add(below.saturating_mul(2)).is_some() {
            scaled >> 32
        } else {
            (unit(high, temper(low)) * f64::from(below)) as u64
        };
        index as usize
    }

    fn next_word(&mut self) -> u32 {
        if self.next == WORDS {
            self.next = 0;
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || turn(&mut self.words),
            );
        }
        self.next += 1;
        self.words[self.next - 1]
    }

    /// Skips as many numbers, a whole round at a time.
    pub(crate) fn skip(&mut self, numbers: usize) {
        let mut position = self.next + numbers;
        while position > WORDS {
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || turn(&mut self.words),
            );
            position -= WORDS;
        }
        self.next = position;
    }
}

/// Two draws as a number in [0, 1), as precise as a double is.
fn unit(high: u32, low: u32) -> f64 {
    (f64::from(high) * 4_294_967_296.0 + f64::from(low)) / 18_446_744_073_709_551_616.0
}

/// From a word of the state to a draw.
fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C_5680;
    y ^= (y << 15) & 0xEFC6_0000;
    y ^ (y >> 18)
}

/// The next round of words.
#[inline(always)]
fn turn(words: &mut [u32; WORDS]) {
    let twist = |high: u32, low: u32, far: u32| {
        let y = (high & 0x8000_0000) | (low & 0x7FFF_FFFF);
        far ^ (y >> 1) ^ ((y & 1).wrapping_neg() & 0x9908_B0DF)
    };
    for i in 0..WORDS - LAG {
        words[i] = twist(words[i], words[i + 1], words[i + LAG]);
    }
    for i in WORDS - LAG..WORDS - 1 {
        words[i] = twist(words[i], words[i + 1], words[i + LAG - WORDS]);
    }
    words[WORDS - 1] = twist(words[WORDS - 1], words[0], words[LAG - 1]);
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
        // A large range makes the carry from the low draw common.
        for below in [1, 7, 1036, 1 << 20, 1 << 30] {
            let (mut index, mut scaled) = (Twister::new(), Twister::new());
            for _ in 0..20_000 {
                assert_eq!(index.next_index(below), (scaled.next_unit() * f64::from(below)) as usize);
            }
        }
    }
}
