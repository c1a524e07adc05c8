//! Which training sequences make up each step, and which strand of them is shown.
//!
//! An epoch's order is a pure function of seed and epoch (a Fisher-Yates shuffle from a stream of its
//! own), so a resumed training needs no generator state, only its step.

use demo_core::Seed;
use rand::RngCore;

use crate::CLASSES;
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
    /// The sequences of each class, where both are visited equally often.
    classes: Option<[Vec<u32>; CLASSES]>,
    epoch: Option<u64>,
    /// The visits of that epoch.
    drawn: Vec<Visit>,
}

impl Visits {
    pub(crate) fn new(order: Order, batch: usize, count: usize, either_strand: bool, seed: Seed) -> Self {
        Self { order, batch, count, either_strand, seed, classes: None, epoch: None, drawn: Vec::new() }
    }

    /// Visits in random order that take one class and the other in turn, so that each epoch, and each
    /// step of an even batch, has as many of both. An odd number of sequences makes the epoch one shorter.
    pub(crate) fn balanced(batch: usize, labels: &[u8], either_strand: bool, seed: Seed) -> Self {
        let of = |class: u8| {
            (0..labels.len() as u32).filter(|&sequence| labels[sequence as usize] == class).collect()
        };
        let classes = Some([of(0), of(1)]);
        let count = labels.len() / 2 * 2;
        Self { classes, ..Self::new(Order::Shuffled, batch, count, either_strand, seed) }
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
        if let Some([unbound, bound]) = &self.classes {
            let half = self.count / 2;
            let unbound = in_turn(unbound, epoch, half, self.seed.child("order of unbound"));
            let bound = in_turn(bound, epoch, half, self.seed.child("order of bound"));
            self.drawn.extend(unbound.into_iter().zip(bound).flat_map(|(u, b)| [visit(u), visit(b)]));
        } else {
            self.drawn.extend((0..self.count as u32).map(visit));
            if self.order == Order::Shuffled {
                shuffle(&mut self.drawn, self.seed.child("order"), epoch);
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

/// The visits of an epoch to one class, so many an epoch. A class is gone through in random orders, one
/// after the other, that pay no heed to epochs: none of its sequences is visited again before all have been.
fn in_turn(class: &[u32], epoch: u64, count: usize, seed: Seed) -> Vec<u32> {
    let mut visits = Vec::with_capacity(count);
    let mut place = epoch * count as u64;
    while visits.len() < count {
        let (pass, start) = (place / class.len() as u64, (place % class.len() as u64) as usize);
        let mut order = class.to_vec();
        shuffle(&mut order, seed, pass);
        let end = order.len().min(start + count - visits.len());
        visits.extend_from_slice(&order[start..end]);
        place += (end - start) as u64;
    }
    visits
}

/// A Fisher-Yates shuffle from the stream of this number.
fn shuffle<T>(items: &mut [T], seed: Seed, number: u64) {
    let mut stream = seed.stream(&number.to_string());
    for last in (1..items.len()).rev() {
        let other = (u64::from(stream.next_u32()) * (last as u64 + 1)) >> 32;
        items.swap(last, other as usize);
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

        #[test]
        fn balanced_epochs_draw_both_classes_equally_and_no_sequence_twice_before_all(
            unbound in 1usize..40, bound in 1usize..12, batch in 1usize..20, seed: u64,
        ) {
            let labels = [vec![0; unbound], vec![1; bound]].concat();
            let mut visits = Visits::balanced(batch, &labels, true, Seed::new(seed));
            let steps = visits.epoch_steps();
            let mut seen = vec![0u32; labels.len()];
            for epoch in 0..4 {
                let mut drawn = [0usize; CLASSES];
                for step in epoch * steps..(epoch + 1) * steps {
                    let mut of_step = [0usize; CLASSES];
                    for visit in visits.at(step) {
                        of_step[usize::from(labels[visit.sequence as usize])] += 1;
                    }
                    prop_assert!(of_step[0].abs_diff(of_step[1]) <= batch % 2);
                    drawn = [drawn[0] + of_step[0], drawn[1] + of_step[1]];
                }
                // All of the epoch's visits, those that no longer fill a batch too.
                prop_assert!(drawn[0].abs_diff(drawn[1]) <= (steps as usize * batch) % 2);
                prop_assert_eq!(visits.drawn.len(), labels.len() / 2 * 2);
                for visit in &visits.drawn {
                    seen[visit.sequence as usize] += 1;
                }
                for class in [&seen[..unbound], &seen[unbound..]] {
                    let (least, most) = (class.iter().min().unwrap(), class.iter().max().unwrap());
                    prop_assert!(most - least <= 1, "{:?}", seen);
                }
            }
            // Out of turn, as after a resumption.
            let mut fresh = Visits::balanced(batch, &labels, true, Seed::new(seed));
            prop_assert_eq!(fresh.at(3 * steps), visits.at(3 * steps));
        }
    }
}
