//! How many target columns are in each bin, counted by pairs of neighbours.
//!
//! One addition to memory counts two columns; the pairs are added up by either bin in the end. Cost: half an
//! addition to memory a column, and a pass over 16,384 counts.

use crate::bins::BINS;
use crate::wide::wide;

/// How often each bin is followed by each other.
#[derive(Debug)]
pub(crate) struct Pairs {
    /// By the first bin and [`PAIR`] times the second one.
    counts: Vec<u16>,
    /// The places in `counts` that are counted up, one after the other.
    places: Vec<u16>,
}

/// No less than there are bins.
const PAIR: usize = 128;
/// Steps counted before a pair's sixteen bits could overflow.
const COUNTED: usize = 2 * u16::MAX as usize;

impl Default for Pairs {
    fn default() -> Self {
        Self { counts: vec![0; PAIR * PAIR], places: Vec::new() }
    }
}

impl Pairs {
    /// How many target columns are in each bin: counted by twos, which takes half as many additions to memory.
    pub(crate) fn count(&mut self, steps: &[i8], zero: i8) -> [u32; BINS] {
        let mut counts = [0u32; BINS];
        for steps in steps.chunks(COUNTED) {
            pair_up(steps, zero, &mut self.places);
            // With its length known, no place is checked.
            if let Some(counts) = self.counts.first_chunk_mut::<{ PAIR * PAIR }>() {
                for &place in &self.places {
                    let count = &mut counts[usize::from(place) % (PAIR * PAIR)];
                    *count = count.wrapping_add(1);
                }
            }
            add_up(&mut self.counts, &mut counts);
            if let [step] = steps.as_chunks::<2>().1 {
                counts[usize::from(step.wrapping_add(zero).cast_unsigned())] += 1;
            }
        }
        counts
    }
}

wide! {
    /// The place of each pair of bins, which lie the zero bin above their steps.
    fn pair_up<'a>(steps: &'a [i8], zero: i8, places: &'a mut Vec<u16>) -> () {
        let place = |&[first, second]: &[i8; 2]| {
            let bin = |step: i8| u16::from(step.wrapping_add(zero).cast_unsigned());
            bin(first) | bin(second) << PAIR.trailing_zeros()
        };
        places.clear();
        places.extend(steps.as_chunks::<2>().0.iter().map(place));
    }
}

wide! {
    /// Adds how often each bin was first and how often it was second, and clears the pairs.
    fn add_up<'a>(pairs: &'a mut [u16], counts: &'a mut [u32; BINS]) -> () {
        let mut first = [0u16; PAIR];
        for (row, own) in pairs.as_chunks_mut::<PAIR>().0.iter_mut().zip(counts.iter_mut()) {
            let mut second = 0u32;
            for (first, pair) in first.iter_mut().zip(row.iter()) {
                *first = first.wrapping_add(*pair);
                second = second.wrapping_add(u32::from(*pair));
            }
            *own += second;
            row.fill(0);
        }
        for (own, first) in counts.iter_mut().zip(first) {
            *own += u32::from(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn every_column_is_counted(
            bins in prop::collection::vec(0..BINS as u8, 0..300), times in prop_oneof![Just(1usize), Just(2000)], zero in 0i8..101,
        ) {
            // Many times over the counts of pairs would overflow if they were not added up in between.
            let steps: Vec<i8> = bins.iter().map(|&bin| bin.cast_signed() - zero).collect::<Vec<_>>().repeat(times);
            let mut wanted = [0u32; BINS];
            for bin in bins {
                wanted[usize::from(bin)] += times as u32;
            }
            let mut pairs = Pairs::default();
            for _ in 0..2 {
                prop_assert_eq!(pairs.count(&steps, zero), wanted);
            }
        }
    }
}
