//! Which training sequences make up each step, and which strand of them is shown.
//!
//! An epoch's order is a pure function of seed and epoch (a Fisher-Yates shuffle from a stream of its
//! own), so a resumed training needs no generator state, only its step.

use demo_core::Seed;
use rand::RngCore;

use crate::config::Order;

/// One visit to a training sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Visit {
    /// Its number in the training set.
    pub(crate) sequence: u32,
    /// Whether its reverse complement is shown.
    pub(crate) reversed: bool,
}

/// The visits of one member, cut into steps.
#[derive(Debug, Clone)]
pub(crate) struct Visits {
    order: Order,
    batch: usize,
    count: usize,
    either_strand: bool,
    seed: Seed,
    epoch: Option<u64>,
    /// The visits of that epoch.
    drawn: Vec<Visit>,
}

impl Visits {
    pub(crate) fn new(order: Order, batch: usize, count: usize, either_strand: bool, seed: Seed) -> Self {
        Self { order, batch, count, either_strand, seed, epoch: None, drawn: Vec::new() }
    }

    /// Steps of an epoch.
    pub(crate) fn epoch_steps(&self) -> u64 {
        let steps = match self.order {
            Order::File => self.count.div_ceil(self.batch),
            Order::Shuffled => (self.count / self.batch).max(1),
        };
        steps as u64
    }

    /// The visits of a step, counted from the start of training.
    pub(crate) fn at(&mut self, step: u64) -> &[Visit] {
        let (epoch, within) = (step / self.epoch_steps(), (step % self.epoch_steps()) as usize);
        if self.epoch != Some(epoch) {
            self.draw(epoch);
            self.epoch = Some(epoch);
        }
        let start = within * self.batch;
        &self.drawn[start..(start + self.batch).min(self.count)]
    }

    fn draw(&mut self, epoch: u64) {
        let visit = |sequence| Visit { sequence, reversed: false };
        self.drawn.clear();
        self.drawn.extend((0..self.count as u32).map(visit));
        if self.order == Order::Shuffled {
            let mut stream = self.seed.child("order").stream(&epoch.to_string());
            for last in (1..self.count).rev() {
                let other = (u64::from(stream.next_u32()) * (last as u64 + 1)) >> 32;
                self.drawn.swap(last, other as usize);
            }
        }
        if self.either_strand {
            let mut stream = self.seed.child("strand").stream(&epoch.to_string());
            for visit in &mut self.drawn {
                visit.reversed = stream.next_u32() >> 31 == 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn file_order_ends_with_a_smaller_batch() {
        let mut visits = Visits::new(Order::File, 4, 10, false, Seed::new(1));
        assert_eq!(visits.epoch_steps(), 3);
        let sequences = |visits: &[Visit]| visits.iter().map(|visit| visit.sequence).collect::<Vec<_>>();
        assert_eq!(sequences(visits.at(2)), [8, 9]);
        assert_eq!(sequences(visits.at(3)), [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn an_epoch_visits_each_sequence_at_most_once(
            count in 1usize..60, batch in 1usize..20, epoch in 0u64..3, seed: u64,
        ) {
            let mut visits = Visits::new(Order::Shuffled, batch, count, true, Seed::new(seed));
            let steps = visits.epoch_steps();
            let mut seen: Vec<u32> = (0..steps)
                .flat_map(|step| visits.at(epoch * steps + step).to_vec())
                .map(|visit| visit.sequence)
                .collect();
            prop_assert_eq!(seen.len(), count.min(steps as usize * batch));
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), count.min(steps as usize * batch));
            // A step drawn out of turn, as after a resumption, is the same.
            let mut fresh = Visits::new(Order::Shuffled, batch, count, true, Seed::new(seed));
            let step = epoch * steps + steps - 1;
            prop_assert_eq!(fresh.at(step), visits.at(step));
        }
    }
}
