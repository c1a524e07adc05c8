//! Temporal output scores: the logits of every prefix and suffix of a sequence, for a bidirectional
//! LSTM whose mean over time is taken (Lanchantin et al., *Deep Motif Dashboard*, PSB 2017).
//!
//! For prefixes the forward direction is one pass and a running mean; the backward direction starts
//! from zero at every end, and those l runs are one batch: at position t all runs that reach it take
//! the same projected input. Suffixes mirror this.
//!
//! Behind a self-attention every column has seen the whole sequence. There the columns that reach the
//! first one are truncated, and what follows is computed anew for every truncation.
//!
//! Cost: l / 2 times the recurrent part of a whole run, and the layers after the mean l times;
//! with a self-attention, l times a whole run from it on.

use crate::kernels::plain::lstm::{Lstm, LstmWeights};
use crate::kernels::vectorised;
use crate::numbers::{Numbers, zeros};
use crate::real::Real;

use super::chain::{Chain, Step};
use super::runs::{Runs, write_mean};
use super::walk::Slice;
use super::workspace::Workspace;

/// Why a network has no truncations, on any device.
pub(crate) const NO_MEAN: &str = "the network has no LSTM whose mean over time is taken";
/// Likewise: a truncation must end in a column of its own.
pub(crate) const JOINED: &str = "a layer pools or joins positions between the input and the LSTM";

/// Room for truncated runs.
#[derive(Debug)]
pub(crate) enum Truncated<R> {
    /// Of one sequence, restarted at the LSTM.
    Restarts(Restarts<R>),
    /// Of a slice, computed anew from the self-attention at step `at` on, whose input these are; the mean
    /// is at step `mean`.
    Anew { at: usize, mean: usize, columns: Numbers<R> },
}

impl<R: Real> Truncated<R> {
    /// Room for slices of so many sequences, if the chain has truncations.
    pub(crate) fn new(chain: &Chain, sequences: usize) -> Option<Self> {
        let steps = chain.truncation()?;
        match chain.truncated_attention() {
            None => Some(Self::Restarts(Restarts::new(chain, steps))),
            Some(at) if !chain.shortened.is_empty() => {
                let columns = zeros(chain.layouts[at].size(sequences));
                Some(Self::Anew { at, mean: steps.1, columns })
            }
            Some(_) => None,
        }
    }
}

/// Room for the restarted runs of one sequence.
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
    /// sequences. The steps before the LSTM, or the first self-attention, have run; those from it on are
    /// overwritten.
    pub(crate) fn truncations(
        &self,
        work: &mut Workspace<R>,
        rows: usize,
        to: &mut [Numbers<R>; 2],
        first: usize,
    ) {
        let mut truncated = work.truncated.take();
        match &mut truncated {
            Some(Truncated::Restarts(restarts)) => self.restart(work, restarts, rows, to, first),
            Some(Truncated::Anew { at, mean, columns }) => {
                self.run_anew(work, (*at, *mean, columns), rows, to, first);
            }
            None => {}
        }
        work.truncated = truncated;
    }

    /// By runs from the self-attention on.
    fn run_anew(
        &self,
        work: &mut Workspace<R>,
        (at, mean, columns): (usize, usize, &mut [R]),
        rows: usize,
        to: &mut [Numbers<R>; 2],
        first: usize,
    ) {
        let (layout, outputs) = (self.chain.layouts[at], self.chain.outputs);
        let (l, c) = (layout.positions, layout.channels);
        columns.copy_from_slice(&work.values[at]);
        // The rows between sequences, which must be zero, are elsewhere for each length; the last one is the
        // whole length.
        for (short, positions) in self.chain.shortened.iter().zip(1..) {
            let slice = Slice { chain: short, codes: false, ..*self };
            let cut = [(0, positions - 1), (l - positions, l - positions)];
            for ((start, place), to) in cut.into_iter().zip(to.iter_mut()) {
                clear_between(work, at + 1..mean + 1);
                for a in 0..self.sequences {
                    let part = &layout.sequence(columns, a)[start * c..][..positions * c];
                    short.layouts[at].sequence_mut(&mut work.values[at], a).copy_from_slice(part);
                }
                slice.forward(work, at, short.steps.len());
                let Some(logits) = work.values.last() else { return };
                for (a, logits) in logits.chunks_exact(outputs).take(rows).enumerate() {
                    to[((first + a) * l + place) * outputs..][..outputs].copy_from_slice(logits);
                }
            }
        }
    }

    /// By runs of the LSTM from each position.
    fn restart(
        &self,
        work: &mut Workspace<R>,
        restarts: &mut Restarts<R>,
        rows: usize,
        to: &mut [Numbers<R>; 2],
        first: usize,
    ) {
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

/// Sets some values, and the states of LSTMs that give them, to zero.
fn clear_between<R: Real>(work: &mut Workspace<R>, values: std::ops::Range<usize>) {
    for i in values {
        work.values[i].fill(R::ZERO);
        if let Some(states) = &mut work.states[i - 1] {
            states.hidden.fill(R::ZERO);
            states.cell.fill(R::ZERO);
        }
    }
}
