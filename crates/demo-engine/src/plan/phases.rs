//! Training with batch normalisation. The statistics of a batch need all of its slices, so that each
//! slice keeps a workspace of its own, and all of them go through the chain in phases: up to a batch
//! normalisation, where sums over the slices are reduced as gradients are, then on; and likewise back.
//!
//! Members go one after the other: a bank saves no time here, and would multiply the memory.

use std::sync::PoisonError;

use rayon::prelude::*;

use crate::kernels::plain::normalise::{add_gradient_moments, add_moments};
use crate::kernels::vectorised;
use crate::real::Real;

use super::bank::{Bank, Run, Split, pairwise, slices_of};
use super::chain::Step;
use super::lane::LaneTask;
use super::walk::Slice;
use super::workspace::{Lane, Workspace};

impl<R: Real> Bank<R> {
    /// Runs one member, whose weights are prepared; returns its lanes.
    pub(crate) fn run_in_phases(&mut self, run: &Run<R>, member: usize) -> usize {
        let steps = self.chain.steps.len();
        let mut from = 0;
        let mut running = 0;
        for i in 0..steps {
            let Step::Normalise(step) = &self.chain.steps[i] else { continue };
            let epsilon = step.epsilon;
            self.forward_phase(run, member, from, i);
            let channels = self.chain.layouts[i].channels;
            let count = self.reduce_sums(run, member, i);
            if let Some(statistics) = &mut self.prepared[0].statistics[i] {
                let to = &mut self.running[member][running..running + 2 * channels];
                statistics.take_moments(&self.sums[..2 * channels], count, epsilon, to);
            }
            running += 2 * channels;
            from = i;
        }
        self.phase(run, member, |task, slice, work, lane, place| {
            slice.forward(work, from, steps);
            task.take_logits(work, lane, place);
            lane.loss += task.cotangent(slice, work);
        });
        let mut to = steps;
        for i in (0..steps).rev() {
            let Step::Normalise(_) = &self.chain.steps[i] else { continue };
            self.backward_phase(run, member, i, to);
            let count = self.reduce_sums(run, member, i);
            if let Some(statistics) = &mut self.prepared[0].statistics[i] {
                statistics.take_gradient(&self.sums[..2 * self.chain.layouts[i].channels], count);
            }
            to = i + 1;
        }
        self.phase(run, member, |task, slice, work, lane, place| {
            task.backward(slice, work, lane, place, (0, to));
            task.spread(work, &mut lane.gradient);
        })
    }

    /// Takes all slices up to a batch normalisation and sums its input.
    fn forward_phase(&mut self, run: &Run<R>, member: usize, from: usize, to: usize) {
        self.phase(run, member, |task, slice, work, lane, place| {
            if from == 0 {
                work.clear();
                if place == 0 {
                    task.begin(work, lane);
                }
                task.load(slice, work);
            }
            slice.forward(work, from, to);
            let (layout, sums) = (task.chain.layouts[to], &mut lane.sums);
            let sums = &mut sums[..2 * layout.channels];
            vectorised(
                #[inline(always)]
                || add_moments(&work.values[to], layout, sums, slice.rows),
            );
        });
    }

    /// Takes all slices back to a batch normalisation's output and sums its gradient.
    fn backward_phase(&mut self, run: &Run<R>, member: usize, i: usize, to: usize) {
        self.phase(run, member, |task, slice, work, lane, place| {
            task.backward(slice, work, lane, place, (i + 1, to));
            let Some(statistics) = &task.prepared.statistics[i] else { return };
            let (layout, next) = (task.chain.layouts[i], task.chain.layouts[i + 1]);
            let sums = &mut lane.sums[..2 * layout.channels];
            let gradient = (&work.gradients[i + 1][..], next);
            let values = &work.values[i];
            vectorised(
                #[inline(always)]
                || add_gradient_moments(values, layout, statistics, gradient, sums, slice.rows),
            );
        });
    }

    /// Does something with every slice of a member, lanes in parallel; returns the number of lanes.
    fn phase(
        &mut self,
        run: &Run<R>,
        member: usize,
        what: impl Fn(&LaneTask<R>, &Slice<R>, &mut Workspace<R>, &mut Lane<R>, usize) + Sync,
    ) -> usize {
        let Split { size, sequences, slices, lanes } = self.split(run, member);
        let (chain, prepared, kept) = (&self.chain, &self.prepared[0], &self.kept);
        self.lanes[..lanes].par_iter_mut().with_max_len(1).enumerate().for_each(|(index, lane)| {
            let slices = slices_of(index, lanes, slices);
            let task = LaneTask { run, chain, prepared, member, size, sequences, slices };
            lane.sums.fill(0.0);
            for (place, number) in task.slices.clone().enumerate() {
                let mut work = kept[number].lock().unwrap_or_else(PoisonError::into_inner);
                what(&task, &task.slice(number), &mut work, lane, place * sequences);
            }
        });
        lanes
    }

    /// Adds the sums of all lanes; returns how many numbers each channel of a batch has at step i.
    fn reduce_sums(&mut self, run: &Run<R>, member: usize, i: usize) -> f64 {
        let Split { size, lanes, .. } = self.split(run, member);
        for (index, to) in self.sums.iter_mut().enumerate() {
            *to = pairwise(std::array::from_fn(|lane| {
                self.lanes[..lanes].get(lane).map_or(0.0, |lane| lane.sums[index])
            }));
        }
        (size * self.chain.layouts[i].positions) as f64
    }
}
