//! A bidirectional LSTM (Hochreiter and Schmidhuber, 1997; forget gate of Gers et al., 2000), forwards
//! and back through time by hand.
//!
//! With gates i, f, g, o of `x W + h' U + b`, where h' is the state of the step before:
//! `c = sigmoid(f) c' + sigmoid(i) tanh(g)`, `h = sigmoid(o) tanh(c)`; h and c start at zero. One bias
//! a direction.
//!
//! Gates of all steps are `(sequences * (l + 1), 8h)`: at each position the forward direction's i, f, g,
//! o, then the backward direction's. States are `(1 + sequences * (l + 1), 2h)`. The row between two
//! sequences is zero: it is the state before the first step of either direction, and lets each weight
//! gradient be one product over the whole slice.
//!
//! Cost: `16 h (c + h)` operations a position forwards, twice that back, and `10 h` exponentials.

use crate::numbers::{Numbers, zeros};
use crate::product::{Groups, Strided, pack_panels, panel_product, product};
use crate::real::Real;

use super::Layout;
use super::cell::{cell_gradient, cell_step};
use super::convolution::windows_product;
use super::embedding::dot;
use super::skip::{Nonzeros, Windows};
use super::transpose::transpose;

/// The sizes of a bidirectional LSTM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lstm {
    /// Channels of the input.
    pub(crate) inputs: usize,
    /// Units of each direction.
    pub(crate) hidden: usize,
    /// Steps.
    pub(crate) positions: usize,
}

/// The weights of both directions, prepared for a run.
#[derive(Debug, Clone)]
pub(crate) struct LstmWeights<R> {
    /// `(c + 1, 8h)`: input weights of both directions side by side; a last row of zeros.
    pub(crate) input: Numbers<R>,
    /// The same without the last row, in panels.
    pub(crate) panels: Numbers<R>,
    /// `(8h, c)`, its transpose, in panels.
    pub(crate) back: Numbers<R>,
    /// `(8h)`: biases of both directions.
    pub(crate) bias: Numbers<R>,
    /// `(h, 4h)` of each direction.
    pub(crate) recurrent: [Numbers<R>; 2],
    /// `(4h, h)` of each direction.
    pub(crate) transposed: [Numbers<R>; 2],
}

/// Where the steps of a slice find the input's part of their gates, and what they leave behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps<'a> {
    /// Codes of the LSTM's pitch, which number rows of the input weights; none where the gates hold
    /// projected input.
    pub(crate) codes: Option<&'a [u8]>,
    /// Whether gates are kept for the backward pass.
    pub(crate) keep: bool,
    /// Sequences in the slice.
    pub(crate) sequences: usize,
}

/// What the steps of a slice leave for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct LstmStates<R> {
    /// Gates after their activations; after the backward pass their gradient.
    pub(crate) gates: Numbers<R>,
    /// States h.
    pub(crate) hidden: Numbers<R>,
    /// States c.
    pub(crate) cell: Numbers<R>,
    /// Their tanh.
    pub(crate) squashed: Numbers<R>,
    /// `(sequences, 2h)`: gradients that the backward pass carries from step to step, of h and c.
    pub(crate) carried: Numbers<R>,
}

impl Lstm {
    /// Rows from one sequence to the next.
    pub(crate) fn pitch(&self) -> usize {
        self.positions + 1
    }

    /// Weights of zero.
    pub(crate) fn weights<R: Real>(&self) -> LstmWeights<R> {
        let h = self.hidden;
        let square = || [zeros(4 * h * h), zeros(4 * h * h)];
        LstmWeights {
            input: zeros((self.inputs + 1) * 8 * h),
            panels: zeros(self.inputs * 8 * h),
            back: zeros(self.inputs * 8 * h),
            bias: zeros(8 * h),
            recurrent: square(),
            transposed: square(),
        }
    }

    /// Room for a slice.
    pub(crate) fn states<R: Real>(&self, sequences: usize) -> LstmStates<R> {
        let (h, rows) = (self.hidden, sequences * self.pitch());
        LstmStates {
            gates: zeros(rows * 8 * h),
            hidden: zeros((1 + rows) * 2 * h),
            cell: zeros((1 + rows) * 2 * h),
            squashed: zeros((1 + rows) * 2 * h),
            carried: zeros(sequences * 2 * h),
        }
    }

    /// Prepares one direction from its parameters `(c, 4h)`, `(h, 4h)`, `(4h)`.
    pub(crate) fn prepare<R: Real>(
        &self,
        direction: usize,
        (input, recurrent, bias): (&[R], &[R], &[R]),
        weights: &mut LstmWeights<R>,
    ) {
        let h = self.hidden;
        let rows = weights.input.chunks_exact_mut(8 * h).zip(input.chunks_exact(4 * h));
        for (to, from) in rows {
            to[direction * 4 * h..][..4 * h].copy_from_slice(from);
        }
        weights.bias[direction * 4 * h..][..4 * h].copy_from_slice(bias);
        weights.recurrent[direction].copy_from_slice(recurrent);
        for (j, to) in weights.transposed[direction].chunks_exact_mut(h).enumerate() {
            for (i, to) in to.iter_mut().enumerate() {
                *to = recurrent[i * 4 * h + j];
            }
        }
    }

    /// Arranges the input weights, which both directions have given, for products with input rows and,
    /// where it goes back, with gates.
    #[inline(always)]
    pub(crate) fn arrange<R: Real>(&self, weights: &mut LstmWeights<R>, backward: bool) {
        let (c, width) = (self.inputs, 8 * self.hidden);
        let LstmWeights { input, panels, back, .. } = weights;
        let input = &input[..c * width];
        if backward {
            // The transpose first stands where the panels will.
            transpose(input, width, panels, |to, from| *to = from);
            pack_panels(Strided::rows(panels, c), (width, c), back);
        }
        pack_panels(Strided::rows(input, width), (c, width), panels);
    }

    /// The input rows of a slice, each a window of its own.
    pub(crate) fn rows(&self, sequences: usize) -> Windows {
        let pitch = self.pitch();
        Windows { sequences, rows: pitch, pitch, width: 1, columns: self.inputs }
    }

    /// The input's part of the gates, `(rows, 8h)`, from the input rows of a slice.
    pub(crate) fn project<R: Real>(
        &self,
        input: &[R],
        weights: &LstmWeights<R>,
        gates: &mut [R],
        sequences: usize,
        nonzeros: &mut Nonzeros<R>,
    ) {
        windows_product(self.rows(sequences), input, (&weights.panels, 8 * self.hidden), gates, nonzeros);
    }

    /// The same from any input rows `(rows, c)`.
    pub(crate) fn project_rows<R: Real>(&self, input: &[R], weights: &LstmWeights<R>, gates: &mut [R]) {
        let width = 8 * self.hidden;
        panel_product(
            (input.len() / self.inputs, self.inputs, width),
            (gates, width, false),
            Strided::rows(input, self.inputs),
            &weights.panels,
            Groups::ONE,
        );
    }

    /// The input's part of the gates, `(rows, 8h)`, from codes.
    #[inline(always)]
    pub(crate) fn look_up_rows<R: Real>(&self, codes: &[u8], weights: &LstmWeights<R>, gates: &mut [R]) {
        let width = 8 * self.hidden;
        for (row, &code) in gates.chunks_exact_mut(width).zip(codes) {
            row.copy_from_slice(&weights.input[usize::from(code) * width..][..width]);
        }
    }

    /// All steps of both directions.
    #[inline(always)]
    pub(crate) fn forward<R: Real>(
        &self,
        weights: &LstmWeights<R>,
        states: &mut LstmStates<R>,
        steps: Steps,
    ) {
        if !R::lstm_forward(*self, weights, states, steps) {
            self.plain_forward(weights, states, steps);
        }
    }

    /// The same, step by step over the whole slice.
    #[inline(always)]
    pub(crate) fn plain_forward<R: Real>(
        &self,
        weights: &LstmWeights<R>,
        states: &mut LstmStates<R>,
        steps: Steps,
    ) {
        let (h, l, pitch, sequences) = (self.hidden, self.positions, self.pitch(), steps.sequences);
        if let Some(codes) = steps.codes {
            self.look_up_rows(&codes[..sequences * pitch], weights, &mut states.gates);
        }
        for direction in 0..2 {
            let bias = &weights.bias[direction * 4 * h..][..4 * h];
            for step in 0..l {
                let (t, before) = rows_of(direction, step, l);
                if step > 0 {
                    product(
                        (sequences, h, 4 * h),
                        &mut states.gates[t * 8 * h + direction * 4 * h..],
                        pitch * 8 * h,
                        true,
                        Strided::rows(&states.hidden[before * 2 * h + direction * h..], pitch * 2 * h),
                        Strided::rows(&weights.recurrent[direction], 4 * h),
                    );
                }
                for a in 0..sequences {
                    let gates = &mut states.gates[(a * pitch + t) * 8 * h + direction * 4 * h..][..4 * h];
                    let at = (a * pitch + t + 1) * 2 * h + direction * h;
                    let from = (a * pitch + before) * 2 * h + direction * h;
                    let (cell, cell_before) = two_rows(&mut states.cell, at, from, h);
                    let squashed = &mut states.squashed[at..at + h];
                    cell_step(gates, bias, cell_before, cell, squashed, &mut states.hidden[at..at + h]);
                }
            }
        }
    }

    /// Copies the states of a slice to the output.
    #[inline(always)]
    pub(crate) fn output<R: Real>(
        &self,
        states: &LstmStates<R>,
        to: &mut [R],
        layout: Layout,
        sequences: usize,
    ) {
        let width = 2 * self.hidden;
        for a in 0..sequences {
            let from = (1 + a * self.pitch()) * width;
            layout.sequence_mut(to, a).copy_from_slice(&states.hidden[from..from + layout.count()]);
        }
    }

    /// Replaces the gates by their gradient, from the gradient of the output.
    #[inline(always)]
    pub(crate) fn backward<R: Real>(
        &self,
        weights: &LstmWeights<R>,
        states: &mut LstmStates<R>,
        gradient: &[R],
        layout: Layout,
        sequences: usize,
    ) {
        let (h, l, pitch) = (self.hidden, self.positions, self.pitch());
        for a in 0..sequences {
            states.gates[(a * pitch + l) * 8 * h..][..8 * h].fill(R::ZERO);
        }
        if !R::lstm_backward(*self, weights, states, gradient, layout, sequences) {
            self.plain_backward(weights, states, gradient, layout, sequences);
        }
    }

    /// The same, step by step over the whole slice, but for the rows between sequences.
    #[inline(always)]
    pub(crate) fn plain_backward<R: Real>(
        &self,
        weights: &LstmWeights<R>,
        states: &mut LstmStates<R>,
        gradient: &[R],
        layout: Layout,
        sequences: usize,
    ) {
        let (h, l, pitch) = (self.hidden, self.positions, self.pitch());
        let LstmStates { gates, cell, squashed, carried, .. } = states;
        for direction in 0..2 {
            carried.fill(R::ZERO);
            for step in (0..l).rev() {
                let (t, before) = rows_of(direction, step, l);
                for a in 0..sequences {
                    let gates = &mut gates[(a * pitch + t) * 8 * h + direction * 4 * h..][..4 * h];
                    let at = (a * pitch + t + 1) * 2 * h + direction * h;
                    let from = (a * pitch + before) * 2 * h + direction * h;
                    let output = &gradient[layout.at(a, t) + direction * h..][..h];
                    let carried = &mut carried[a * 2 * h..][..2 * h];
                    cell_gradient(gates, &cell[from..from + h], &squashed[at..at + h], output, carried);
                }
                if step > 0 {
                    product(
                        (sequences, 4 * h, h),
                        carried,
                        2 * h,
                        false,
                        Strided::rows(&gates[t * 8 * h + direction * 4 * h..], pitch * 8 * h),
                        Strided::rows(&weights.transposed[direction], h),
                    );
                }
            }
        }
    }

    /// Adds the gradient of one direction's recurrent weights and bias.
    #[inline(always)]
    pub(crate) fn recurrent_gradient<R: Real>(
        &self,
        states: &LstmStates<R>,
        direction: usize,
        recurrent: &mut [R],
        bias: &mut [R],
        sequences: usize,
    ) {
        let h = self.hidden;
        let rows = sequences * self.pitch() - 1;
        // The state before row r is row r (forward) or r + 2 (backward) of the states.
        let before = &states.hidden[direction * (4 * h + h)..];
        let gates = &states.gates[direction * 4 * h..];
        product(
            (h, rows, 4 * h),
            recurrent,
            4 * h,
            true,
            Strided::rows(before, 2 * h).transposed(),
            Strided::rows(gates, 8 * h),
        );
        for row in states.gates[..rows * 8 * h].chunks_exact(8 * h) {
            let row = &row[direction * 4 * h..][..4 * h];
            bias.iter_mut().zip(row).for_each(|(b, &g)| *b += g);
        }
    }

    /// Adds the gradient of one direction's input weights, from input rows of the LSTM's pitch.
    pub(crate) fn input_weight_gradient<R: Real>(
        &self,
        states: &LstmStates<R>,
        direction: usize,
        input: &[R],
        weight: &mut [R],
        sequences: usize,
    ) {
        let h = self.hidden;
        product(
            (self.inputs, sequences * self.pitch(), 4 * h),
            weight,
            4 * h,
            true,
            Strided::rows(input, self.inputs).transposed(),
            Strided::rows(&states.gates[direction * 4 * h..], 8 * h),
        );
    }

    /// Gathers the gates' gradient by code: `rows` is `(5, 8h)`.
    #[inline(always)]
    pub(crate) fn gather<R: Real>(
        &self,
        states: &LstmStates<R>,
        codes: &[u8],
        rows: &mut [R],
        sequences: usize,
    ) {
        let width = 8 * self.hidden;
        let gates = states.gates.chunks_exact(width).zip(&codes[..sequences * self.pitch()]);
        for (row, &code) in gates {
            let to = &mut rows[usize::from(code) * width..][..width];
            to.iter_mut().zip(row).for_each(|(sum, &g)| *sum += g);
        }
    }

    /// Adds what was gathered to the gradient of one direction's input weights `(4, 4h)`.
    pub(crate) fn spread<R: Real>(&self, rows: &[R], direction: usize, weight: &mut [R]) {
        let width = 4 * self.hidden;
        for (to, row) in weight.chunks_exact_mut(width).zip(rows.chunks_exact(2 * width)) {
            to.iter_mut().zip(&row[direction * width..]).for_each(|(w, &g)| *w += g);
        }
    }

    /// The derivative by the base that is there, `(sequences, l)`; 0 where it is unknown.
    #[inline(always)]
    pub(crate) fn observed<R: Real>(
        &self,
        weights: &LstmWeights<R>,
        states: &LstmStates<R>,
        codes: &[u8],
        to: &mut [R],
        sequences: usize,
    ) {
        let width = 8 * self.hidden;
        for (a, to) in to.chunks_exact_mut(self.positions).take(sequences).enumerate() {
            for (t, to) in to.iter_mut().enumerate() {
                let row = a * self.pitch() + t;
                let weight = &weights.input[usize::from(codes[row]) * width..][..width];
                *to = dot(&states.gates[row * width..][..width], weight);
            }
        }
    }

    /// The gradient of every input row.
    pub(crate) fn input_gradient<R: Real>(
        &self,
        weights: &LstmWeights<R>,
        states: &LstmStates<R>,
        input: &mut [R],
        sequences: usize,
    ) {
        let h = self.hidden;
        panel_product(
            (sequences * self.pitch(), 8 * h, self.inputs),
            (input, self.inputs, false),
            Strided::rows(&states.gates, 8 * h),
            &weights.back,
            Groups::ONE,
        );
    }
}

/// The row of a step's gates, and the row of the states before it (states have one row more in front).
#[inline(always)]
pub(crate) fn rows_of(direction: usize, step: usize, positions: usize) -> (usize, usize) {
    if direction == 0 {
        (step, step)
    } else {
        let t = positions - 1 - step;
        (t, t + 2)
    }
}

/// Two distinct rows of one buffer, the first to be written.
#[inline(always)]
fn two_rows<R>(data: &mut [R], write: usize, read: usize, width: usize) -> (&mut [R], &[R]) {
    if write < read {
        let (low, high) = data.split_at_mut(read);
        (&mut low[write..write + width], &high[..width])
    } else {
        let (low, high) = data.split_at_mut(write);
        (&mut high[..width], &low[read..read + width])
    }
}
