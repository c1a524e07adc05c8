//! The mean of an LSTM's states over time for all mutants of a sequence at once: each direction of a
//! mutant goes on from the sequence's own states at the first step that its mutation changes.
//!
//! A few mutants go through all their steps together, so that their states stay in the first-level cache.
//! Cost: about half the recurrent part of as many whole runs.

use std::ops::Range;

use crate::kernels::plain::lstm::{Lstm, LstmStates, LstmWeights, rows_of};
use crate::kernels::vectorised;
use crate::numbers::{Numbers, zeros};
use crate::real::Real;

use super::{BASES, Mutations};
use crate::plan::runs::{Runs, write_mean};

/// Mutants that go on together: those of four positions.
const GROUP: usize = 12;

/// A mutant whose mutation reaches the LSTM.
#[derive(Debug)]
struct Mutant {
    /// Its number among all mutants of the sequence.
    number: usize,
    /// Positions of the LSTM's input that are new.
    span: Range<usize>,
    /// Where their gates begin.
    gates: usize,
}

impl Mutant {
    /// The first step of a direction that is new.
    fn first_step(&self, direction: usize, positions: usize) -> usize {
        if direction == 0 { self.span.start } else { positions - self.span.end }
    }
}

/// Room for the mutants of a sequence.
#[derive(Debug)]
pub(crate) struct Recurrent<R> {
    /// In the order of their positions.
    mutants: Vec<Mutant>,
    /// Rows of 8h: the input's part of the sequence's own gates, l + 1 of them, then that of the new
    /// positions, mutant after mutant.
    projected: Numbers<R>,
    /// A run for each mutant.
    runs: Runs<R>,
    /// `(l + 1, h)`: sums of the sequence's own h before each step.
    running: Numbers<R>,
}

impl<R: Real> Recurrent<R> {
    /// Room for so many mutants, each with at most `width` new positions.
    pub(crate) fn new(kernel: &Lstm, count: usize, width: usize) -> Self {
        let (l, h) = (kernel.positions, kernel.hidden);
        Self {
            mutants: Vec::with_capacity(count),
            projected: zeros((l + 1 + count * width) * 8 * h),
            runs: Runs::new(count, h),
            running: zeros((l + 1) * h),
        }
    }

    /// Forgets all mutants; returns the room for the sequence's own gates.
    pub(crate) fn begin(&mut self, kernel: &Lstm) -> &mut [R] {
        self.mutants.clear();
        &mut self.projected[..(kernel.positions + 1) * 8 * kernel.hidden]
    }

    /// Adds a mutant of an input of codes.
    pub(crate) fn push_code(&mut self, kernel: &Lstm, weights: &LstmWeights<R>, position: usize, base: u8) {
        let (width, gates) = (8 * kernel.hidden, self.free(kernel));
        let row = &weights.input[usize::from(base) * width..][..width];
        self.projected[gates..gates + width].copy_from_slice(row);
        let number = position * BASES + usize::from(base);
        self.mutants.push(Mutant { number, span: position..position + 1, gates });
    }

    /// Adds the mutants of a position, whose new input rows are `(mutants, span, c)`.
    pub(crate) fn push_rows(
        &mut self,
        kernel: &Lstm,
        weights: &LstmWeights<R>,
        position: usize,
        (mutations, span): (Mutations, Range<usize>),
        rows: &[R],
    ) {
        if span.is_empty() {
            return;
        }
        let (width, gates) = (8 * kernel.hidden, self.free(kernel));
        let count = mutations.count() * span.len();
        kernel.project_rows(&rows[..count * kernel.inputs], weights, &mut self.projected[gates..]);
        for (j, base) in mutations.iter().enumerate() {
            let (number, gates) = (position * BASES + usize::from(base), gates + j * span.len() * width);
            self.mutants.push(Mutant { number, span: span.clone(), gates });
        }
    }

    /// Where the gates of the next mutant go.
    fn free(&self, kernel: &Lstm) -> usize {
        let own = (kernel.positions + 1) * 8 * kernel.hidden;
        self.mutants.last().map_or(own, |last| last.gates + last.span.len() * 8 * kernel.hidden)
    }

    /// Writes the means `(4 l, 2h)` of both directions for all mutants; those whose mutation does not
    /// reach the LSTM have the sequence's own.
    pub(crate) fn run(
        &mut self,
        kernel: &Lstm,
        weights: &LstmWeights<R>,
        states: &LstmStates<R>,
        a: usize,
        means: &mut [R],
    ) {
        for direction in 0..2 {
            vectorised(
                #[inline(always)]
                || self.direction(kernel, weights, states, (a, direction), means),
            );
        }
    }

    #[inline(always)]
    fn direction(
        &mut self,
        kernel: &Lstm,
        weights: &LstmWeights<R>,
        states: &LstmStates<R>,
        (a, direction): (usize, usize),
        means: &mut [R],
    ) {
        self.sum_own(kernel, states, (a, direction));
        let count = self.mutants.len();
        for first in (0..count).step_by(GROUP) {
            self.group(kernel, weights, states, (a, direction), first..count.min(first + GROUP));
        }
        self.write_means(kernel, direction, means);
    }

    /// All steps of some mutants.
    #[inline(always)]
    fn group(
        &mut self,
        kernel: &Lstm,
        weights: &LstmWeights<R>,
        states: &LstmStates<R>,
        (a, direction): (usize, usize),
        group: Range<usize>,
    ) {
        let (l, h) = (kernel.positions, kernel.hidden);
        // Mutants that have begun: the first ones, or, against the order of positions, the last ones.
        let mut begun = if direction == 0 { group.start..group.start } else { group.end..group.end };
        let Some(first) = next(direction, &begun, &group) else { return };
        for step in self.mutants[first].first_step(direction, l)..l {
            let (t, before) = rows_of(direction, step, l);
            let state = (a * kernel.pitch() + before) * 2 * h + direction * h;
            let state = state..state + h;
            while let Some(next) = next(direction, &begun, &group)
                && self.mutants[next].first_step(direction, l) <= step
            {
                let (cell, hidden) = (&states.cell[state.clone()], &states.hidden[state.clone()]);
                self.runs.begin(next, cell, hidden, &self.running[step * h..][..h]);
                begun = begun.start.min(next)..begun.end.max(next + 1);
            }
            let mutants = &self.mutants;
            self.runs.step(weights, direction, begun.clone(), &self.projected, |mutant| {
                let Mutant { span, gates, .. } = &mutants[mutant];
                let row = if span.contains(&t) { gates + (t - span.start) * 8 * h } else { t * 8 * h };
                row + direction * 4 * h
            });
        }
    }

    /// Sums of the sequence's own states before each step of a direction, and after the last.
    #[inline(always)]
    fn sum_own(&mut self, kernel: &Lstm, states: &LstmStates<R>, (a, direction): (usize, usize)) {
        let (l, h) = (kernel.positions, kernel.hidden);
        self.running[..h].fill(R::ZERO);
        for step in 0..l {
            let (t, _) = rows_of(direction, step, l);
            let state = &states.hidden[(a * kernel.pitch() + t + 1) * 2 * h + direction * h..][..h];
            let (sums, next) = self.running[step * h..].split_at_mut(h);
            for ((next, sum), &x) in next.iter_mut().zip(sums).zip(state) {
                *next = *sum + x;
            }
        }
    }

    #[inline(always)]
    fn write_means(&self, kernel: &Lstm, direction: usize, means: &mut [R]) {
        let (l, h) = (kernel.positions, kernel.hidden);
        // More than four for each position of the LSTM, where a pool stands before it.
        let count = means.len() / (2 * h);
        let mut write = |number: usize, sum: &[R]| {
            write_mean(&mut means[number * 2 * h + direction * h..][..h], sum, l);
        };
        for number in 0..count {
            write(number, &self.running[l * h..][..h]);
        }
        for (mutant, sum) in self.mutants.iter().zip(self.runs.sums()) {
            write(mutant.number, sum);
        }
    }
}

/// The mutant of a group that begins next, if any is left.
#[inline(always)]
fn next(direction: usize, begun: &Range<usize>, group: &Range<usize>) -> Option<usize> {
    if direction == 0 {
        (begun.end < group.end).then_some(begun.end)
    } else {
        (begun.start > group.start).then(|| begun.start - 1)
    }
}
