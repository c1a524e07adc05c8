//! Many runs of one direction of an LSTM that go on together, each from a step of its own. Of a run only
//! its states are kept, and the sum of h over its steps.

use std::ops::Range;

use crate::kernels::plain::cell::CellSteps;
use crate::kernels::plain::lstm::LstmWeights;
use crate::numbers::{Numbers, zeros};
use crate::real::Real;

/// The states of the runs.
#[derive(Debug)]
pub(crate) struct Runs<R> {
    /// `(runs, h)` each.
    cell: Numbers<R>,
    hidden: Numbers<R>,
    sums: Numbers<R>,
    /// Where the runs find the input's part of their gates at one step.
    places: Vec<usize>,
    /// `(4h)`: room for gates.
    gates: Numbers<R>,
}

impl<R: Real> Runs<R> {
    /// Room for so many runs of so many units.
    pub(crate) fn new(count: usize, units: usize) -> Self {
        Self {
            cell: zeros(count * units),
            hidden: zeros(count * units),
            sums: zeros(count * units),
            places: vec![0; count],
            gates: zeros(4 * units),
        }
    }

    /// Sets all states and sums to zero.
    pub(crate) fn clear(&mut self) {
        for buffer in [&mut self.cell, &mut self.hidden, &mut self.sums] {
            buffer.fill(R::ZERO);
        }
    }

    /// Lets a run go on from these states c and h and this sum.
    #[inline(always)]
    pub(crate) fn begin(&mut self, run: usize, cell: &[R], hidden: &[R], sum: &[R]) {
        let row = run * sum.len()..(run + 1) * sum.len();
        self.cell[row.clone()].copy_from_slice(cell);
        self.hidden[row.clone()].copy_from_slice(hidden);
        self.sums[row].copy_from_slice(sum);
    }

    /// One step of some runs; each finds the input's part of its gates at its place in `inputs`.
    #[inline(always)]
    pub(crate) fn step(
        &mut self,
        weights: &LstmWeights<R>,
        direction: usize,
        runs: Range<usize>,
        inputs: &[R],
        place: impl Fn(usize) -> usize,
    ) {
        let h = self.gates.len() / 4;
        let rows = runs.start * h..runs.end * h;
        let places = &mut self.places[runs.clone()];
        places.iter_mut().zip(runs).for_each(|(to, run)| *to = place(run));
        let steps = CellSteps {
            inputs,
            places,
            recurrent: &weights.recurrent[direction],
            bias: &weights.bias[direction * 4 * h..][..4 * h],
            cell: &mut self.cell[rows.clone()],
            hidden: &mut self.hidden[rows.clone()],
            sums: &mut self.sums[rows],
            gates: &mut self.gates,
        };
        steps.run();
    }

    /// The sums of all runs, `(h)` each.
    pub(crate) fn sums(&self) -> impl Iterator<Item = &[R]> {
        self.sums.chunks_exact(self.gates.len() / 4)
    }
}

/// Writes the mean of so many states from their sum.
#[inline(always)]
pub(crate) fn write_mean<R: Real>(to: &mut [R], sum: &[R], steps: usize) {
    let scale = R::from_f64(1.0 / steps as f64);
    to.iter_mut().zip(sum).for_each(|(mean, &sum)| *mean = sum * scale);
}
