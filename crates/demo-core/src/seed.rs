//! One seed for a whole run, and named streams drawn from it.
//!
//! A stream's key is a 256-bit mix (SplitMix64 over the seed and the name's bytes) for `ChaCha8`, so
//! streams of different names are independent and the same on every machine. There is no global
//! generator: what draws numbers is handed its stream.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The seed of a run, or of a named part of it.
///
/// ```
/// use demo_core::Seed;
/// use rand::Rng;
///
/// let seed = Seed::new(7);
/// let (a, b): (u64, u64) = (seed.stream("init").random(), seed.stream("init").random());
/// assert_eq!(a, b);
/// assert_ne!(a, seed.stream("order").random::<u64>());
/// assert_ne!(seed.child("fold 1"), seed.child("fold 2"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(u64);

impl Seed {
    /// A seed as a user gives it.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number itself.
    pub fn value(self) -> u64 {
        self.0
    }

    /// The seed of a named part, such as one data set of a suite.
    #[must_use]
    pub fn child(self, name: &str) -> Self {
        Self(absorb(self.0, name))
    }

    /// A generator for one purpose; the same name gives the same numbers.
    pub fn stream(self, name: &str) -> ChaCha8Rng {
        let mut state = absorb(self.0, name);
        let mut key = [0; 32];
        for word in key.chunks_exact_mut(8) {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            word.copy_from_slice(&mix(state).to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

/// Hashes a name into a state, eight bytes at a time, its length last so that padding cannot collide.
fn absorb(seed: u64, name: &str) -> u64 {
    let mut state = mix(seed ^ 0x6A09_E667_F3BC_C909);
    for chunk in name.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ u64::from_le_bytes(word));
    }
    mix(state ^ name.len() as u64)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn streams_are_pinned() {
        // A change here changes every published run: these numbers were printed by this code once
        // and must never move.
        let mut stream = Seed::new(1).stream("init");
        let first: [u32; 2] = [stream.random(), stream.random()];
        assert_eq!(first, PINNED);
    }

    const PINNED: [u32; 2] = [2_921_913_818, 1_121_694_292];

    #[test]
    fn padding_does_not_collide() {
        let seed = Seed::new(3);
        assert_ne!(seed.child("a"), seed.child("a\0"));
        assert_ne!(seed.child(""), seed);
        assert_ne!(seed.child("abcdefgh"), seed.child("abcdefgh\0"));
    }
}
