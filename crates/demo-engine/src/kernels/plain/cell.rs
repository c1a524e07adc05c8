//! One step of an LSTM, unit by unit: activations, states, and the way back through them.

use crate::real::Real;

/// One step of one sequence: gates get their activations, c and h their new states.
#[inline(always)]
pub(crate) fn cell_step<R: Real>(
    gates: &mut [R],
    bias: &[R],
    before: &[R],
    cell: &mut [R],
    squashed: &mut [R],
    hidden: &mut [R],
) {
    let h = cell.len();
    let (gates, bias) = (&mut gates[..4 * h], &bias[..4 * h]);
    let (before, squashed, hidden) = (&before[..h], &mut squashed[..h], &mut hidden[..h]);
    for u in 0..h {
        let input = (gates[u] + bias[u]).sigmoid();
        let forget = (gates[h + u] + bias[h + u]).sigmoid();
        let candidate = (gates[2 * h + u] + bias[2 * h + u]).tanh();
        let output = (gates[3 * h + u] + bias[3 * h + u]).sigmoid();
        let c = forget.mul_add(before[u], input * candidate);
        gates[u] = input;
        gates[h + u] = forget;
        gates[2 * h + u] = candidate;
        gates[3 * h + u] = output;
        cell[u] = c;
        squashed[u] = c.tanh();
        hidden[u] = output * squashed[u];
    }
}

/// One step of many runs, of which nothing but the states is kept.
pub(crate) struct CellSteps<'a, R> {
    /// The input's part of gates, in rows of 4h at these places, one a run.
    pub(crate) inputs: &'a [R],
    pub(crate) places: &'a [usize],
    /// `(h, 4h)` and `(4h)`.
    pub(crate) recurrent: &'a [R],
    pub(crate) bias: &'a [R],
    /// `(runs, h)`: c, and h, which are replaced, and a sum that the new h is added to.
    pub(crate) cell: &'a mut [R],
    pub(crate) hidden: &'a mut [R],
    pub(crate) sums: &'a mut [R],
    /// `(4h)`: room for the gates of a run.
    pub(crate) gates: &'a mut [R],
}

impl<R: Real> CellSteps<'_, R> {
    /// Does it.
    #[inline(always)]
    pub(crate) fn run(mut self) {
        if !R::cell_steps(&mut self) {
            self.plain_run();
        }
    }

    /// The same run by run, unit by unit.
    #[inline(always)]
    pub(crate) fn plain_run(&mut self) {
        let h = self.bias.len() / 4;
        for (run, &place) in self.places.iter().enumerate() {
            let rows = self.inputs[place..place + 4 * h].iter().zip(self.bias);
            self.gates.iter_mut().zip(rows).for_each(|(gate, (&x, &b))| *gate = x + b);
            let states = &mut self.hidden[run * h..(run + 1) * h];
            for (row, &state) in self.recurrent.chunks_exact(4 * h).zip(&*states) {
                self.gates.iter_mut().zip(row).for_each(|(gate, &w)| *gate = state.mul_add(w, *gate));
            }
            for (u, state) in states.iter_mut().enumerate() {
                let gate = |g: usize| self.gates[g * h + u];
                let cell = &mut self.cell[run * h + u];
                *cell = gate(1).sigmoid().mul_add(*cell, gate(0).sigmoid() * gate(2).tanh());
                *state = gate(3).sigmoid() * cell.tanh();
                self.sums[run * h + u] += *state;
            }
        }
    }
}

/// One step of one sequence backwards: gates get their gradient; `carried` holds the gradient of h and
/// of c from the later step and gets that of c for the earlier one.
#[inline(always)]
pub(crate) fn cell_gradient<R: Real>(
    gates: &mut [R],
    before: &[R],
    squashed: &[R],
    gradient: &[R],
    carried: &mut [R],
) {
    let h = squashed.len();
    let gates = &mut gates[..4 * h];
    let (before, gradient) = (&before[..h], &gradient[..h]);
    let (from_hidden, from_cell) = carried.split_at_mut(h);
    let (from_hidden, from_cell) = (&from_hidden[..h], &mut from_cell[..h]);
    for u in 0..h {
        let (input, forget, candidate, output) = (gates[u], gates[h + u], gates[2 * h + u], gates[3 * h + u]);
        let squashed = squashed[u];
        let dh = gradient[u] + from_hidden[u];
        let dc = (dh * output).mul_add(R::ONE - squashed * squashed, from_cell[u]);
        gates[u] = dc * candidate * input * (R::ONE - input);
        gates[h + u] = dc * before[u] * forget * (R::ONE - forget);
        gates[2 * h + u] = dc * input * (R::ONE - candidate * candidate);
        gates[3 * h + u] = dh * squashed * output * (R::ONE - output);
        from_cell[u] = dc * forget;
    }
}
