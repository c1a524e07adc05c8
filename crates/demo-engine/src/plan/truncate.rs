//! Temporal output scores: the logits of every prefix and suffix of a sequence, for a bidirectional
//! LSTM whose mean over time is taken (Lanchantin et al., *Deep Motif Dashboard*, PSB 2017).
//!
//! For prefixes the forward direction is one pass and a running mean; the backward direction starts
//! from zero at every end, and those l runs are one batch: at position t all runs that reach it take
//! the same projected input. Suffixes mirror this.
//!
//! Cost: l / 2 times the recurrent part of a whole run, and the layers after the mean l times.

use crate::kernels::plain::lstm::{Lstm, LstmWeights};
use crate::kernels::vectorised;
use crate::numbers::{Numbers, zeros};
use crate::real::Real;

use super::chain::{Chain, Step};
use super::runs::{Runs, write_mean};
use super::walk::Slice;
use super::workspace::Workspace;

/// Room for the truncated runs of one sequence.
#[derive(Debug)]
pub(crate) struct Restarts<R> {
    /// Steps of the LSTM and of the mean.
    steps: (usize, usize),
    /// `(l + 1, 8h)`: the input's part of a sequence's gates.
    projected: Numbers<R>,
    /// The l runs.
    runs: Runs<R>,
    /// `(h)`: the sum of h over the steps of the whole run.
    sum: Numbers<R>,
    /// `(l, 2h)`: means over prefixes, and over suffixes.
    means: [Numbers<R>; 2],
}

impl<R: Real> Restarts<R> {
    /// Room for a chain whose LSTM and mean stand at these steps.
    pub(crate) fn new(chain: &Chain, steps: (usize, usize)) -> Self {
        let (l, h) = match &chain.steps[steps.0] {
            Step::Lstm { kernel, .. } => (kernel.positions, kernel.hidden),
            _ => (0, 0),
        };
        Self {
            steps,
            projected: zeros((l + 1) * 8 * h),
            runs: Runs::new(l, h),
            sum: zeros(h),
            means: [zeros(l * 2 * h), zeros(l * 2 * h)],
        }
    }

    /// Runs one direction from zero at every position, and writes the means of its states: the backward
    /// direction's over prefixes, the forward direction's over suffixes.
    #[inline(always)]
    fn run(&mut self, kernel: &Lstm, weights: &LstmWeights<R>, direction: usize) {
        let (l, h) = (kernel.positions, kernel.hidden);
        self.runs.clear();
        for step in 0..l {
            // Runs that have started: prefixes that end at or after t, suffixes that begin at or before.
            let (t, runs) =
                if direction == 0 { (step, 0..step + 1) } else { (l - 1 - step, l - 1 - step..l) };
            let place = t * 8 * h + direction * 4 * h;
            self.runs.step(weights, direction, runs, &self.projected, |_| place);
        }
        let means = &mut self.means[1 - direction];
        for (run, sum) in self.runs.sums().enumerate() {
            let steps = if direction == 0 { l - run } else { run + 1 };
            write_mean(&mut means[run * 2 * h + direction * h..][..h], sum, steps);
        }
    }

    /// Running means of the direction that is not restarted, from the states of the whole run:
    /// the forward direction's over prefixes, the backward direction's over suffixes.
    #[inline(always)]
    fn running_means(&mut self, kernel: &Lstm, states: &[R], direction: usize) {
        let (l, h) = (kernel.positions, kernel.hidden);
        self.sum.fill(R::ZERO);
        for step in 0..l {
            let t = if direction == 0 { step } else { l - 1 - step };
            let state = &states[t * 2 * h + direction * h..][..h];
            self.sum.iter_mut().zip(state).for_each(|(sum, &x)| *sum += x);
            let to = &mut self.means[direction][t * 2 * h + direction * h..][..h];
            write_mean(to, &self.sum, step + 1);
        }
    }
}

impl<R: Real> Slice<'_, R> {
    /// Writes the logits of prefixes and suffixes, each `(rows, l, outputs)`, of the first `rows`
    /// sequences. The steps before the LSTM have run; those from it on are overwritten.
    pub(crate) fn truncations(
        &self,
        work: &mut Workspace<R>,
        rows: usize,
        to: &mut [Numbers<R>; 2],
        first: usize,
    ) {
        let Some(mut restarts) = work.restarts.take() else { return };
        let (step, mean) = restarts.steps;
        let chain = self.chain;
        let (Step::Lstm { kernel, .. }, Some(weights)) = (&chain.steps[step], &self.prepared.lstm[step])
        else {
            return;
        };
        let (l, h) = (kernel.positions, kernel.hidden);
        let size = l * chain.outputs;
        for a in 0..rows {
            vectorised(
                #[inline(always)]
                || {
                    self.projected(work, step, a, &mut restarts.projected);
                    if let Some(states) = &work.states[step] {
                        let states = &states.hidden[(1 + a * kernel.pitch()) * 2 * h..][..l * 2 * h];
                        restarts.running_means(kernel, states, 0);
                        restarts.running_means(kernel, states, 1);
                    }
                    restarts.run(kernel, weights, 0);
                    restarts.run(kernel, weights, 1);
                },
            );
            for (means, to) in restarts.means.iter().zip(to.iter_mut()) {
                self.rest(work, mean + 1, means, &mut to[(first + a) * size..(first + a + 1) * size]);
            }
        }
        work.restarts = Some(restarts);
    }

    /// The input's part of the gates of one sequence: its states keep only what activations made of it.
    #[inline(always)]
    pub(crate) fn projected(&self, work: &Workspace<R>, step: usize, a: usize, to: &mut [R]) {
        let chain = self.chain;
        let (Step::Lstm { kernel, .. }, Some(weights)) = (&chain.steps[step], &self.prepared.lstm[step])
        else {
            return;
        };
        let rows = a * kernel.pitch()..(a + 1) * kernel.pitch();
        if step == 0 && self.codes {
            kernel.look_up_rows(&work.codes[rows], weights, to);
        } else {
            let c = kernel.inputs;
            kernel.project_rows(&work.values[step][rows.start * c..rows.end * c], weights, to);
        }
    }

    /// Takes rows of means, as sequences of one position, through the steps after the mean.
    pub(crate) fn rest(&self, work: &mut Workspace<R>, step: usize, means: &[R], to: &mut [R]) {
        let (layout, outputs) = (self.chain.layouts[step], self.chain.outputs);
        let slice =
            means.chunks(self.sequences * layout.count()).zip(to.chunks_mut(self.sequences * outputs));
        for (means, to) in slice {
            for (a, mean) in means.chunks_exact(layout.count()).enumerate() {
                layout.sequence_mut(&mut work.values[step], a).copy_from_slice(mean);
            }
            self.forward(work, step, self.chain.steps.len());
            if let Some(logits) = work.values.last() {
                to.copy_from_slice(&logits[..to.len()]);
            }
        }
    }
}
