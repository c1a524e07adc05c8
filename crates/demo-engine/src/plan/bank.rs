//! All members of a bank through the chain: slices, lanes and threads.
//!
//! The batch of a member is cut into slices of fixed size, the last filled up with unknown bases, and
//! the slices into at most [`LANES`] lanes. A lane sums gradients in the order of its slices; lanes are
//! added pairwise. Threads take (member, lane) pairs, so that their number changes no bit, and a member
//! does not see the others: rows that only fill its batch up to theirs are left out. Members are taken in
//! groups, which bounds the memory for lanes.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::kernels::vectorised;
use crate::real::Real;
use crate::{BankShape, Batch, Buffer, Input, Loss, Network};

use super::chain::{Chain, Step};
use super::lane::LaneTask;
use super::walk::InputForm;
use super::workspace::{Lane, Prepared, Workspace};

/// Lanes of a member at most: enough for the threads of a desktop, few enough to add.
const LANES: usize = 8;
/// Sequences of a lane at least: fewer do not repay a gradient of their own.
const LANE_SEQUENCES: usize = 16;
/// Members that run together, each with its lanes.
const GROUP: usize = 8;
/// Numbers that one thread adds over lanes at a time.
const CHUNK: usize = 8192;

/// The number whose gradient is wanted, in this element type.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a, R> {
    /// Nothing: predict.
    Logits,
    /// The logits of prefixes and suffixes.
    Truncations,
    /// The logits of all single mutants.
    Mutants,
    /// The gradient of a loss.
    Loss(Loss),
    /// The gradient of one output.
    Logit(usize),
    /// The gradient of the outputs times these, `(m, n, outputs)`.
    Cotangent(&'a [R]),
}

impl<R> Wanted<'_, R> {
    /// Whether a gradient is, so that a backward pass follows.
    pub(crate) fn is_gradient(&self) -> bool {
        matches!(self, Self::Loss(_) | Self::Logit(_) | Self::Cotangent(_))
    }
}

/// A checked run.
pub(crate) struct Run<'a, R> {
    pub(crate) params: &'a [R],
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) wanted: Wanted<'a, R>,
    /// In training, the step and one seed a member.
    pub(crate) train: Option<(u64, &'a [u64])>,
    /// Whether the gradient of the parameters is wanted.
    pub(crate) with_params: bool,
    /// Which input gradient is wanted.
    pub(crate) form: InputForm,
}

impl<R> Run<'_, R> {
    /// Sequences of a member that count: in a loss, none of those at the end that weigh nothing.
    fn counting(&self, member: usize) -> usize {
        let size = self.batch.size;
        match (&self.wanted, self.batch.weights) {
            (Wanted::Loss(_), Some(weights)) => {
                let last = weights[member * size..][..size].iter().rposition(|&weight| weight != 0.0);
                last.map_or(0, |last| last + 1)
            }
            _ => size,
        }
    }
}

/// Where a run's results go; all of the whole bank.
pub(crate) struct Results<'a, R> {
    /// `(m, batch, outputs)`.
    pub(crate) logits: &'a mut [R],
    /// `(m, p)`, or empty.
    pub(crate) params: &'a mut [R],
    /// `(m, n, l)` or `(m, n, l, 4)`, or empty.
    pub(crate) input: &'a mut [R],
    /// `(m, n, l, outputs)` each, or empty.
    pub(crate) truncated: [&'a mut [R]; 2],
    /// `(m, n, l, 4, outputs)`, or empty.
    pub(crate) mutants: &'a mut [R],
}

/// How the batch of a member is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    /// Sequences that are taken.
    pub(crate) size: usize,
    /// Sequences in a slice.
    pub(crate) sequences: usize,
    pub(crate) slices: usize,
    pub(crate) lanes: usize,
}

/// The scratch of a plan in one element type.
#[derive(Debug)]
pub(crate) struct Bank<R> {
    pub(crate) chain: Chain,
    shape: BankShape,
    /// Sequences in a slice at most.
    slice: usize,
    /// One for each thread.
    workspaces: Vec<Mutex<Workspace<R>>>,
    /// With batch normalisation, one for each slice of a member.
    pub(crate) kept: Vec<Mutex<Workspace<R>>>,
    pub(crate) prepared: Vec<Prepared<R>>,
    pub(crate) lanes: Vec<Lane<R>>,
    losses: Vec<f64>,
    /// Sums over lanes for a batch normalisation.
    pub(crate) sums: Vec<f64>,
    /// Means and variances of the last training batch, of each member, normalisation by normalisation.
    pub(crate) running: Vec<Vec<f64>>,
    /// Whether each member took part in the last training.
    pub(crate) took_part: Vec<bool>,
}

impl<R: Real> Bank<R> {
    /// Allocates everything a run needs.
    pub(crate) fn new(network: &Network, shape: BankShape) -> Self {
        let chain = Chain::new(network, shape.batch);
        let slice = slice_size(&chain).min(shape.batch);
        let normalises = chain.normalisations().next().is_some();
        let members = if normalises { 1 } else { shape.members.min(GROUP) };
        let slices = shape.batch.div_ceil(slice);
        let rows = slices.div_ceil(lanes(shape.batch)) * slice;
        // Of mutants, as many as there are sequences.
        let lanes = shape.batch.min(LANES);
        let kept = if normalises { slices } else { 0 };
        let widths = || chain.normalisations().map(|(i, _)| chain.layouts[i].channels);
        let statistics = 2 * widths().sum::<usize>();
        let threads = rayon::current_num_threads().min(members * lanes);
        Self {
            workspaces: (0..threads).map(|_| Mutex::new(Workspace::new(&chain, slice))).collect(),
            prepared: (0..members).map(|_| Prepared::new(&chain)).collect(),
            lanes: (0..members * lanes).map(|_| Lane::new(&chain, rows)).collect(),
            kept: (0..kept).map(|_| Mutex::new(Workspace::new(&chain, slice))).collect(),
            losses: vec![0.0; shape.members],
            sums: vec![0.0; 2 * widths().max().unwrap_or(0)],
            running: vec![vec![0.0; statistics]; shape.members],
            took_part: vec![false; shape.members],
            chain,
            shape,
            slice,
        }
    }

    /// The chain that it walks.
    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The loss of each member in the last run that had one.
    pub(crate) fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// Runs every member.
    pub(crate) fn run(&mut self, run: &Run<R>, mut results: Results<R>) {
        let (members, group) = (self.shape.members, self.prepared.len());
        for first in (0..members).step_by(group) {
            let count = group.min(members - first);
            self.prepare(run, first, count);
            let stride = if self.goes_in_phases(run) {
                self.took_part[first] =
                    !matches!(run.wanted, Wanted::Loss(_)) || self.prepared[0].weight_scale > 0.0;
                self.run_in_phases(run, first)
            } else {
                self.run_lanes(run, first, count)
            };
            for at in 0..count {
                let member = first + at;
                let lanes = &self.lanes[at * stride..][..self.split(run, member).lanes];
                self.collect(run, &mut results, member, lanes);
                if matches!(run.wanted, Wanted::Loss(_)) {
                    let mut losses = [0.0; LANES];
                    losses.iter_mut().zip(lanes).for_each(|(loss, lane)| *loss = lane.loss);
                    self.losses[member] = pairwise(losses);
                }
            }
        }
    }

    /// Whether a run needs the statistics of its batches.
    fn goes_in_phases(&self, run: &Run<R>) -> bool {
        run.train.is_some() && !self.kept.is_empty()
    }

    /// How a member's batch is cut. A batch smaller than a slice makes a slice of its own size, so
    /// that a single sequence does not cost a whole slice.
    pub(crate) fn split(&self, run: &Run<R>, member: usize) -> Split {
        // The statistics of a batch are those of all its sequences.
        let size = if self.goes_in_phases(run) { run.batch.size } else { run.counting(member) };
        if matches!(run.wanted, Wanted::Mutants) {
            // A sequence's mutants are work enough for a lane.
            let sequences = self.slice.min(size.div_ceil(LANES));
            let slices = size.div_ceil(sequences);
            return Split { size, sequences, slices, lanes: slices.min(LANES) };
        }
        let sequences = self.slice.min(size).max(1);
        Split { size, sequences, slices: size.div_ceil(sequences), lanes: lanes(size) }
    }

    /// Rearranges the weights of a group of members.
    fn prepare(&mut self, run: &Run<R>, first: usize, count: usize) {
        let (chain, size) = (&self.chain, run.batch.size);
        let codes = matches!(run.batch.input, Input::Rows { .. });
        let backward = run.wanted.is_gradient();
        self.prepared[..count].par_iter_mut().with_max_len(1).enumerate().for_each(|(index, prepared)| {
            let member = first + index;
            let weights = &run.params[member * chain.parameters..][..chain.parameters];
            vectorised(
                #[inline(always)]
                || prepared.fill(chain, weights, codes, backward),
            );
            let sum: f64 = match run.batch.weights {
                Some(weights) => weights[member * size..][..size].iter().map(|&w| f64::from(w)).sum(),
                None => size as f64,
            };
            prepared.weight_scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
        });
    }

    /// Runs the lanes of a group of members; returns how far apart those of two members begin.
    fn run_lanes(&mut self, run: &Run<R>, first: usize, count: usize) -> usize {
        let mut splits = [self.split(run, first); GROUP];
        for (split, member) in splits[..count].iter_mut().zip(first..) {
            *split = self.split(run, member);
        }
        let stride = splits[..count].iter().map(|split| split.lanes).max().unwrap_or(0);
        let (chain, prepared, workspaces) = (&self.chain, &self.prepared, &self.workspaces);
        self.lanes[..count * stride].par_iter_mut().with_max_len(1).enumerate().for_each(|(index, lane)| {
            let (at, number) = (index / stride, index % stride);
            let Split { size, sequences, slices, lanes } = splits[at];
            if number >= lanes {
                return;
            }
            let thread = rayon::current_thread_index().unwrap_or(0) % workspaces.len();
            let mut work = workspaces[thread].lock().unwrap_or_else(PoisonError::into_inner);
            let task = LaneTask {
                run,
                chain,
                prepared: &prepared[at],
                member: first + at,
                size,
                sequences,
                slices: slices_of(number, lanes, slices),
            };
            task.run(&mut work, lane);
        });
        stride
    }

    /// Adds the lanes of a member and copies their rows to the results.
    fn collect(&self, run: &Run<R>, results: &mut Results<R>, member: usize, lanes: &[Lane<R>]) {
        let (batch, size, chain) = (self.shape.batch, run.batch.size, &self.chain);
        if run.with_params {
            let gradient = &mut results.params[member * chain.parameters..][..chain.parameters];
            gradient.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, to)| {
                vectorised(
                    #[inline(always)]
                    || add_lanes(lanes, chunk * CHUNK, to),
                );
            });
        }
        let width = match run.form {
            InputForm::None => 0,
            InputForm::Observed => chain.length,
            InputForm::Bases => chain.length * 4,
        };
        let split = self.split(run, member);
        // Nothing depends on the sequences that are left out.
        results.input[(member * size + split.size) * width..(member + 1) * size * width].fill(R::ZERO);
        let (truncated, mutants) = (chain.length * chain.outputs, chain.length * 4 * chain.outputs);
        for (index, lane) in lanes.iter().enumerate() {
            let range = slices_of(index, split.lanes, split.slices);
            let (start, end) = (range.start * split.sequences, (range.end * split.sequences).min(split.size));
            let copy = |to: &mut [R], rows: usize, from: &[R], width: usize| {
                let to = &mut to[(member * rows + start) * width..(member * rows + end) * width];
                to.copy_from_slice(&from[..to.len()]);
            };
            copy(results.logits, batch, &lane.logits, chain.outputs);
            if width > 0 {
                copy(results.input, size, &lane.input, width);
            }
            if matches!(run.wanted, Wanted::Mutants) {
                copy(results.mutants, size, &lane.mutants, mutants);
            }
            if matches!(run.wanted, Wanted::Truncations) {
                for (to, from) in results.truncated.iter_mut().zip(&lane.truncated) {
                    copy(to, size, from, truncated);
                }
            }
        }
    }
}

/// Lanes for a member's batch of this size.
fn lanes(batch: usize) -> usize {
    batch.div_ceil(LANE_SEQUENCES).min(LANES)
}

/// Sequences in a slice: many, so that what is done once a slice is repaid, but fewer where an LSTM keeps
/// the gates of all steps or a self-attention the weights of all pairs, so that they stay in cache.
fn slice_size(chain: &Chain) -> usize {
    let keeps_much = |step: &Step| matches!(step, Step::Lstm { .. } | Step::Attend { .. });
    if chain.steps.iter().any(keeps_much) { 8 } else { 16 }
}

/// The slices of a lane: as even as can be, in order.
pub(crate) fn slices_of(lane: usize, lanes: usize, slices: usize) -> std::ops::Range<usize> {
    lane * slices / lanes..(lane + 1) * slices / lanes
}

/// `((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7))`.
#[inline(always)]
pub(crate) fn pairwise<T: Copy + std::ops::Add<Output = T>>(x: [T; LANES]) -> T {
    ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]))
}

/// Adds the same part of each lane's gradient.
#[inline(always)]
fn add_lanes<R: Real>(lanes: &[Lane<R>], start: usize, to: &mut [R]) {
    const BLOCK: usize = 16;
    for (block, to) in to.chunks_mut(BLOCK).enumerate() {
        let mut parts = [[R::ZERO; BLOCK]; LANES];
        for (part, lane) in parts.iter_mut().zip(lanes) {
            part[..to.len()].copy_from_slice(&lane.gradient[start + block * BLOCK..][..to.len()]);
        }
        for (i, to) in to.iter_mut().enumerate() {
            *to = pairwise(std::array::from_fn(|lane| parts[lane][i]));
        }
    }
}

/// The numbers of an optional buffer; none of them where there is no buffer.
pub(crate) fn numbers_mut<R: Real>(buffer: Option<&mut Buffer>) -> &mut [R] {
    buffer.map_or(&mut [], R::of_mut)
}
