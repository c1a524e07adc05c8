//! One lane of one member: its slices through the chain, what they bring in and take away.

use std::ops::Range;

use crate::Input;
use crate::kernels::plain::peak::collect_by_filter;
use crate::kernels::vectorised;
use crate::numbers::zeros;
use crate::real::Real;
use crate::store::UNKNOWN;

use super::bank::{Run, Wanted};
use super::chain::{Chain, Codes, Step};
use super::walk::{InputForm, Slice};
use super::workspace::{Lane, Prepared, Workspace};

/// One lane of one member.
pub(crate) struct LaneTask<'a, R> {
    pub(crate) run: &'a Run<'a, R>,
    pub(crate) chain: &'a Chain,
    pub(crate) prepared: &'a Prepared<R>,
    pub(crate) member: usize,
    /// Sequences of the member.
    pub(crate) size: usize,
    /// Sequences in a slice.
    pub(crate) sequences: usize,
    /// Numbers of its slices.
    pub(crate) slices: Range<usize>,
}

impl<R: Real> LaneTask<'_, R> {
    /// Takes the lane's slices through the chain, one after the other, in one workspace.
    pub(crate) fn run(&self, work: &mut Workspace<R>, lane: &mut Lane<R>) {
        let (run, chain) = (self.run, self.chain);
        let steps = chain.steps.len();
        let each = chain.length * 4 * chain.outputs;
        self.begin(work, lane);
        for (index, number) in self.slices.clone().enumerate() {
            let (slice, place) = (self.slice(number), index * self.sequences);
            self.load(&slice, work);
            slice.forward(work, 0, steps);
            self.take_logits(work, lane, place);
            match run.wanted {
                Wanted::Logits => {}
                Wanted::Truncations => slice.truncations(work, slice.rows, &mut lane.truncated, place),
                Wanted::Mutants => {
                    let Lane { logits, mutants, .. } = &mut *lane;
                    if mutants.is_empty() {
                        *mutants = zeros(logits.len() / chain.outputs * each);
                    }
                    let (own, to) = (&logits[place * chain.outputs..], &mut mutants[place * each..]);
                    slice.mutants(work, slice.rows, own, to);
                }
                _ => {
                    lane.loss += self.cotangent(&slice, work);
                    self.backward(&slice, work, lane, place, (0, steps));
                }
            }
        }
        self.spread(work, &mut lane.gradient);
    }

    /// Sets what is summed over slices to zero: of the lane, and of a workspace.
    pub(crate) fn begin(&self, work: &mut Workspace<R>, lane: &mut Lane<R>) {
        lane.loss = 0.0;
        if self.run.with_params {
            lane.gradient.fill(R::ZERO);
            work.clear();
        }
    }

    /// The slice of a number.
    pub(crate) fn slice(&self, number: usize) -> Slice<'_, R> {
        let (run, chain, first) = (self.run, self.chain, number * self.sequences);
        Slice {
            chain,
            weights: &run.params[self.member * chain.parameters..][..chain.parameters],
            prepared: self.prepared,
            codes: matches!(run.batch.input, Input::Rows { .. }),
            train: run.train.map(|(step, seeds)| (step, seeds[self.member])),
            keep: run.wanted.is_gradient(),
            entire: matches!(run.wanted, Wanted::Mutants),
            first,
            sequences: self.sequences,
            rows: self.sequences.min(self.size - first),
        }
    }

    /// Copies the logits of a slice to the lane, its first sequence at `place`.
    pub(crate) fn take_logits(&self, work: &Workspace<R>, lane: &mut Lane<R>, place: usize) {
        let (outputs, count) = (self.chain.outputs, self.sequences * self.chain.outputs);
        if let Some(logits) = work.values.last() {
            lane.logits[place * outputs..][..count].copy_from_slice(&logits[..count]);
        }
    }

    /// Puts the sequences of a slice into the workspace; those that fill it up are unknown or zero.
    pub(crate) fn load(&self, slice: &Slice<R>, work: &mut Workspace<R>) {
        let (layout, size, rows) = (self.chain.layouts[0], self.run.batch.size, slice.rows);
        for a in 0..self.sequences {
            let at = layout.lead + a * layout.pitch;
            let row = self.member * size + slice.first + a;
            match self.run.batch.input {
                Input::Rows { store, rows: numbers } => {
                    let to = &mut work.codes[at..at + layout.positions];
                    if a < rows {
                        to.copy_from_slice(store.row(numbers[row] as usize));
                    } else {
                        to.fill(UNKNOWN);
                    }
                }
                Input::Soft(buffer) => {
                    let to = layout.sequence_mut(&mut work.values[0], a);
                    if a < rows {
                        to.copy_from_slice(layout_row(R::of(buffer), layout.count(), row));
                    } else {
                        to.fill(R::ZERO);
                    }
                }
            }
        }
    }

    /// Writes the gradient of the last value; returns the loss of the slice.
    pub(crate) fn cotangent(&self, slice: &Slice<R>, work: &mut Workspace<R>) -> f64 {
        let (outputs, batch) = (self.chain.outputs, self.run.batch);
        let (Some(logits), Some(gradients)) = (work.values.last(), work.gradients.last_mut()) else {
            return 0.0;
        };
        let mut loss = 0.0;
        for (a, to) in gradients.chunks_exact_mut(outputs).enumerate() {
            let row = self.member * batch.size + slice.first + a;
            to.fill(R::ZERO);
            if a >= slice.rows {
                continue;
            }
            match self.run.wanted {
                Wanted::Loss(kind) => {
                    let weight = batch.weights.map_or(1.0, |weights| f64::from(weights[row]));
                    let weight = weight * self.prepared.weight_scale;
                    let label = batch.labels.map_or(0, |labels| labels[row]);
                    loss += kind.row(&logits[a * outputs..][..outputs], label, weight, to);
                }
                Wanted::Logit(index) => to[index] = R::ONE,
                Wanted::Cotangent(cotangent) => to.copy_from_slice(layout_row(cotangent, outputs, row)),
                Wanted::Logits | Wanted::Truncations | Wanted::Mutants => {}
            }
        }
        loss
    }

    /// Takes the gradient of a slice back through some steps; after step 0, its input's to the lane.
    pub(crate) fn backward(
        &self,
        slice: &Slice<R>,
        work: &mut Workspace<R>,
        lane: &mut Lane<R>,
        place: usize,
        steps: (usize, usize),
    ) {
        let (form, length) = (self.run.form, self.chain.length);
        let gradient = self.run.with_params.then_some(&mut lane.gradient[..]);
        let width = if form == InputForm::Bases { length * 4 } else { length };
        let to = &mut lane.input[place * width..][..self.sequences * width];
        slice.backward(work, steps, gradient, form, to);
        if steps.0 > 0 {
            return;
        }
        let looked_up = slice.codes && !matches!(self.chain.codes, Codes::OneHot);
        let layout = self.chain.layouts[0];
        match form {
            InputForm::Bases => {
                for (a, to) in to.chunks_exact_mut(width).enumerate() {
                    to.copy_from_slice(layout.sequence(&work.gradients[0], a));
                }
            }
            InputForm::Observed if !looked_up => {
                for (a, to) in to.chunks_exact_mut(width).enumerate() {
                    let codes = &work.codes[layout.lead + a * layout.pitch..];
                    let bases = layout.sequence(&work.gradients[0], a).as_chunks::<4>().0;
                    for ((to, bases), &code) in to.iter_mut().zip(bases).zip(codes) {
                        *to = bases.get(usize::from(code)).copied().unwrap_or(R::ZERO);
                    }
                }
            }
            InputForm::Observed | InputForm::None => {}
        }
    }

    /// Adds what was gathered by code or by filter over the lane to the gradient.
    pub(crate) fn spread(&self, work: &Workspace<R>, gradient: &mut [R]) {
        if !self.run.with_params {
            return;
        }
        for (step, by_filter) in self.chain.steps.iter().zip(&work.by_filter) {
            if let (Step::Convolve { kernel, weight }, false) = (step, by_filter.is_empty()) {
                vectorised(
                    #[inline(always)]
                    || kernel.add_by_filter(by_filter, &mut gradient[weight.clone()]),
                );
            }
        }
        if !matches!(self.run.batch.input, Input::Rows { .. }) {
            return;
        }
        let chain = self.chain;
        match (&chain.codes, &chain.steps[0]) {
            (Codes::Tables(tables), Step::Convolve { weight, .. }) if chain.peaks().is_some() => {
                collect_by_filter(&work.gathered, tables.filters, &mut gradient[weight.clone()]);
            }
            (Codes::Tables(tables), Step::Convolve { weight, .. }) => vectorised(
                #[inline(always)]
                || tables.reduce(&work.gathered, &mut gradient[weight.clone()]),
            ),
            (Codes::Rows, Step::Lstm { kernel, directions }) => {
                for (direction, ranges) in directions.iter().enumerate() {
                    kernel.spread(&work.gathered, direction, &mut gradient[ranges.input.clone()]);
                }
            }
            _ => {}
        }
    }
}

/// One row of a compact array.
fn layout_row<R>(data: &[R], width: usize, row: usize) -> &[R] {
    &data[row * width..(row + 1) * width]
}
