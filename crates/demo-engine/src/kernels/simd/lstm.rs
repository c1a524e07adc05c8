//! The steps of an LSTM with gates in registers: a block of sequences goes through all its steps; the
//! recurrent product, the activations and the cell of one vector of units are one loop body.
//!
//! Weights and states of a block stay in the first-level cache. Bound by the exponentials.

use pulp::{Simd, WithSimd};

use crate::kernels::plain::Layout;
use crate::kernels::plain::cell::CellSteps;
use crate::kernels::plain::lstm::{Lstm, LstmStates, LstmWeights, Steps, rows_of};

use super::math;

/// Sequences that go forward together: four gates of each fill sixteen registers.
const FORWARD: usize = 4;
/// Sequences that go back together: two vectors of each fill sixteen registers.
const BACKWARD: usize = 8;

/// All steps of a slice; false where no vector is filled, so that nothing was done.
pub(crate) struct Forward<'a> {
    pub(crate) kernel: Lstm,
    pub(crate) weights: &'a LstmWeights<f32>,
    pub(crate) states: &'a mut LstmStates<f32>,
    pub(crate) steps: Steps<'a>,
}

impl WithSimd for Forward<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { kernel, weights, states, steps } = self;
        let sequences = steps.sequences;
        if S::F32_LANES == 1 || !kernel.hidden.is_multiple_of(S::F32_LANES) {
            return false;
        }
        for direction in 0..2 {
            // Fewer registers hold the gates of fewer sequences.
            let whole = if S::REGISTER_COUNT >= 32 { sequences / FORWARD * FORWARD } else { 0 };
            for first in (0..whole).step_by(FORWARD) {
                forward_block::<S, FORWARD>(simd, kernel, weights, states, steps, direction, first);
            }
            let pairs = whole + (sequences - whole) / 2 * 2;
            for first in (whole..pairs).step_by(2) {
                forward_block::<S, 2>(simd, kernel, weights, states, steps, direction, first);
            }
            for first in pairs..sequences {
                forward_block::<S, 1>(simd, kernel, weights, states, steps, direction, first);
            }
        }
        true
    }
}

/// All steps of `N` sequences in one direction.
#[inline(always)]
fn forward_block<S: Simd, const N: usize>(
    simd: S,
    kernel: Lstm,
    weights: &LstmWeights<f32>,
    states: &mut LstmStates<f32>,
    steps: Steps,
    direction: usize,
    first: usize,
) {
    let (h, l, pitch) = (kernel.hidden, kernel.positions, kernel.pitch());
    let bias = &weights.bias[direction * 4 * h..][..4 * h];
    for step in 0..l {
        let (t, before) = rows_of(direction, step, l);
        let mut at = [At::default(); N];
        for (b, at) in at.iter_mut().enumerate() {
            let row = (first + b) * pitch;
            *at = At {
                gates: (row + t) * 8 * h + direction * 4 * h,
                state: (row + t + 1) * 2 * h + direction * h,
                before: (row + before) * 2 * h + direction * h,
            };
        }
        for v in 0..h / S::F32_LANES {
            let mut inputs = [bias; N];
            for b in 0..N {
                let row = match steps.codes {
                    Some(codes) => {
                        let code = usize::from(codes[(first + b) * pitch + t]);
                        &weights.input[code * 8 * h + direction * 4 * h..]
                    }
                    None => &states.gates[at[b].gates..],
                };
                inputs[b] = &row[..4 * h];
            }
            let mut sums = input_sums::<S, N>(simd, &inputs, bias, v);
            if step > 0 {
                let mut hidden = [bias; N];
                for b in 0..N {
                    hidden[b] = &states.hidden[at[b].before..][..h];
                }
                add_recurrent::<S, N>(simd, &hidden, &weights.recurrent[direction], v, &mut sums);
            }
            for b in 0..N {
                cell(simd, sums[b], states, at[b], (h, v), steps.keep);
            }
        }
    }
}

/// Where one step of one sequence lies: its gates, its states, and the states before it.
#[derive(Clone, Copy, Default)]
struct At {
    gates: usize,
    state: usize,
    before: usize,
}

/// One vector of each gate: the input's part and the bias.
#[inline(always)]
fn input_sums<S: Simd, const N: usize>(
    simd: S,
    inputs: &[&[f32]; N],
    bias: &[f32],
    v: usize,
) -> [[S::f32s; 4]; N] {
    let bias = S::as_simd_f32s(bias).0;
    let vectors = bias.len() / 4;
    let mut sums = [[simd.splat_f32s(0.0); 4]; N];
    for b in 0..N {
        let row = S::as_simd_f32s(inputs[b]).0;
        for g in 0..4 {
            sums[b][g] = simd.add_f32s(row[g * vectors + v], bias[g * vectors + v]);
        }
    }
    sums
}

/// Adds the part of the states before a step; this is where the time goes that exponentials leave.
#[inline(always)]
fn add_recurrent<S: Simd, const N: usize>(
    simd: S,
    hidden: &[&[f32]; N],
    recurrent: &[f32],
    v: usize,
    sums: &mut [[S::f32s; 4]; N],
) {
    let (h, recurrent) = (hidden[0].len(), S::as_simd_f32s(recurrent).0);
    let vectors = h / S::F32_LANES;
    let mut local = *sums;
    for k in 0..h {
        let row = &recurrent[k * 4 * vectors..][..4 * vectors];
        let row = [row[v], row[vectors + v], row[2 * vectors + v], row[3 * vectors + v]];
        for b in 0..N {
            let state = simd.splat_f32s(hidden[b][k]);
            for g in 0..4 {
                local[b][g] = simd.mul_add_f32s(state, row[g], local[b][g]);
            }
        }
    }
    *sums = local;
}

/// Activations and new states of vector `v` of `h` units of one sequence.
#[inline(always)]
fn cell<S: Simd>(
    simd: S,
    sums: [S::f32s; 4],
    states: &mut LstmStates<f32>,
    at: At,
    (h, v): (usize, usize),
    keep: bool,
) {
    let vectors = h / S::F32_LANES;
    let [i, f, g, o] = math::gates(simd, sums);
    let old = S::as_simd_f32s(&states.cell[at.before..][..h]).0[v];
    let new = simd.mul_add_f32s(f, old, simd.mul_f32s(i, g));
    let tanh = math::tanh(simd, new);
    if keep {
        let row = S::as_mut_simd_f32s(&mut states.gates[at.gates..][..4 * h]).0;
        row[v] = i;
        row[vectors + v] = f;
        row[2 * vectors + v] = g;
        row[3 * vectors + v] = o;
        S::as_mut_simd_f32s(&mut states.squashed[at.state..][..h]).0[v] = tanh;
    }
    S::as_mut_simd_f32s(&mut states.cell[at.state..][..h]).0[v] = new;
    S::as_mut_simd_f32s(&mut states.hidden[at.state..][..h]).0[v] = simd.mul_f32s(o, tanh);
}

/// One step of many runs; false where no vector is filled, so that nothing was done.
pub(crate) struct Restarted<'a, 'b>(pub(crate) &'a mut CellSteps<'b, f32>);

impl WithSimd for Restarted<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let steps = self.0;
        let units = steps.bias.len() / 4;
        if S::F32_LANES == 1 || !units.is_multiple_of(S::F32_LANES) {
            return false;
        }
        let runs = steps.places.len();
        let whole = if S::REGISTER_COUNT >= 32 { runs / FORWARD * FORWARD } else { 0 };
        for first in (0..whole).step_by(FORWARD) {
            restarted_block::<S, FORWARD>(simd, steps, first);
        }
        let pairs = whole + (runs - whole) / 2 * 2;
        for first in (whole..pairs).step_by(2) {
            restarted_block::<S, 2>(simd, steps, first);
        }
        for first in pairs..runs {
            restarted_block::<S, 1>(simd, steps, first);
        }
        true
    }
}

/// One step of `N` runs. The new h waits in the room for gates, since all of the old one is read for
/// each vector.
#[inline(always)]
fn restarted_block<S: Simd, const N: usize>(simd: S, steps: &mut CellSteps<f32>, first: usize) {
    let h = steps.bias.len() / 4;
    let (mut inputs, mut before) = ([steps.bias; N], [steps.bias; N]);
    for b in 0..N {
        inputs[b] = &steps.inputs[steps.places[first + b]..][..4 * h];
        before[b] = &steps.hidden[(first + b) * h..][..h];
    }
    for v in 0..h / S::F32_LANES {
        let mut sums = input_sums::<S, N>(simd, &inputs, steps.bias, v);
        add_recurrent::<S, N>(simd, &before, steps.recurrent, v, &mut sums);
        for (b, sums) in sums.into_iter().enumerate() {
            let row = (first + b) * h..(first + b + 1) * h;
            let [i, f, g, o] = math::gates(simd, sums);
            let cell = &mut S::as_mut_simd_f32s(&mut steps.cell[row.clone()]).0[v];
            *cell = simd.mul_add_f32s(f, *cell, simd.mul_f32s(i, g));
            let hidden = simd.mul_f32s(o, math::tanh(simd, *cell));
            S::as_mut_simd_f32s(&mut steps.gates[b * h..(b + 1) * h]).0[v] = hidden;
            let sum = &mut S::as_mut_simd_f32s(&mut steps.sums[row]).0[v];
            *sum = simd.add_f32s(*sum, hidden);
        }
    }
    steps.hidden[first * h..(first + N) * h].copy_from_slice(&steps.gates[..N * h]);
}

/// All steps of a slice backwards: gates become their gradient. False where no vector is filled.
pub(crate) struct Backward<'a> {
    pub(crate) kernel: Lstm,
    pub(crate) weights: &'a LstmWeights<f32>,
    pub(crate) states: &'a mut LstmStates<f32>,
    pub(crate) gradient: &'a [f32],
    pub(crate) layout: Layout,
    pub(crate) sequences: usize,
}

impl WithSimd for Backward<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        if S::F32_LANES == 1 || !self.kernel.hidden.is_multiple_of(S::F32_LANES) {
            return false;
        }
        let mut this = self;
        for direction in 0..2 {
            let whole = if S::REGISTER_COUNT >= 32 { this.sequences / BACKWARD * BACKWARD } else { 0 };
            for first in (0..whole).step_by(BACKWARD) {
                this.block::<S, BACKWARD>(simd, direction, first);
            }
            let fours = whole + (this.sequences - whole) / 4 * 4;
            for first in (whole..fours).step_by(4) {
                this.block::<S, 4>(simd, direction, first);
            }
            for first in fours..this.sequences {
                this.block::<S, 1>(simd, direction, first);
            }
        }
        true
    }
}

impl Backward<'_> {
    /// All steps of `N` sequences in one direction.
    #[inline(always)]
    fn block<S: Simd, const N: usize>(&mut self, simd: S, direction: usize, first: usize) {
        let (h, l) = (self.kernel.hidden, self.kernel.positions);
        self.states.carried[first * 2 * h..(first + N) * 2 * h].fill(0.0);
        for step in (0..l).rev() {
            for b in first..first + N {
                self.cell(simd, direction, step, b);
            }
            if step > 0 {
                let vectors = h / S::F32_LANES;
                for v in (0..vectors / 2 * 2).step_by(2) {
                    self.recur::<S, N, 2>(simd, direction, step, first, v);
                }
                if vectors % 2 == 1 {
                    self.recur::<S, N, 1>(simd, direction, step, first, vectors - 1);
                }
            }
        }
    }

    /// The gradient of one step's gates of one sequence.
    #[inline(always)]
    fn cell<S: Simd>(&mut self, simd: S, direction: usize, step: usize, sequence: usize) {
        let (h, l, pitch) = (self.kernel.hidden, self.kernel.positions, self.kernel.pitch());
        let (t, before) = rows_of(direction, step, l);
        let at = (sequence * pitch + t + 1) * 2 * h + direction * h;
        let from = (sequence * pitch + before) * 2 * h + direction * h;
        let LstmStates { gates, cell, squashed, carried, .. } = &mut *self.states;
        let gates = &mut gates[(sequence * pitch + t) * 8 * h + direction * 4 * h..][..4 * h];
        let (input, gates) = gates.split_at_mut(h);
        let (forget, gates) = gates.split_at_mut(h);
        let (candidate, output) = gates.split_at_mut(h);
        let (from_hidden, from_cell) = carried[sequence * 2 * h..][..2 * h].split_at_mut(h);
        let of_output = &self.gradient[self.layout.at(sequence, t) + direction * h..][..h];
        let read = |row| S::as_simd_f32s(row).0;
        let (before, squashed) = (read(&cell[from..from + h]), read(&squashed[at..at + h]));
        let (of_output, from_hidden) = (read(of_output), read(from_hidden));
        let write = |row| S::as_mut_simd_f32s(row).0;
        let (input, forget, candidate) = (write(input), write(forget), write(candidate));
        let (output, from_cell) = (write(output), write(from_cell));
        let one = simd.splat_f32s(1.0);
        let mul = |x, y| simd.mul_f32s(x, y);
        // z - x y, for slopes: i (1 - i) of a sigmoid, 1 - g g of a tanh.
        let rest = |x, y, z| simd.negate_mul_add_f32s(x, y, z);
        for v in 0..h / S::F32_LANES {
            let (i, f, g, o) = (input[v], forget[v], candidate[v], output[v]);
            let tanh = squashed[v];
            let of_hidden = simd.add_f32s(of_output[v], from_hidden[v]);
            let of_cell = simd.mul_add_f32s(mul(of_hidden, o), rest(tanh, tanh, one), from_cell[v]);
            input[v] = mul(mul(of_cell, g), rest(i, i, i));
            forget[v] = mul(mul(of_cell, before[v]), rest(f, f, f));
            candidate[v] = mul(mul(of_cell, i), rest(g, g, one));
            output[v] = mul(mul(of_hidden, tanh), rest(o, o, o));
            from_cell[v] = mul(of_cell, f);
        }
    }

    /// The gradient that `V` vectors of the states before a step get through the recurrent weights.
    #[inline(always)]
    fn recur<S: Simd, const N: usize, const V: usize>(
        &mut self,
        simd: S,
        direction: usize,
        step: usize,
        first: usize,
        v: usize,
    ) {
        let (h, l, pitch) = (self.kernel.hidden, self.kernel.positions, self.kernel.pitch());
        let (t, _) = rows_of(direction, step, l);
        let vectors = h / S::F32_LANES;
        let transposed = S::as_simd_f32s(&self.weights.transposed[direction]).0;
        let LstmStates { gates, carried, .. } = &mut *self.states;
        let mut rows = [&gates[..4 * h]; N];
        for b in 0..N {
            rows[b] = &gates[((first + b) * pitch + t) * 8 * h + direction * 4 * h..][..4 * h];
        }
        let mut sums = [[simd.splat_f32s(0.0); V]; N];
        for k in 0..4 * h {
            let row = &transposed[k * vectors + v..][..V];
            for b in 0..N {
                let gate = simd.splat_f32s(rows[b][k]);
                for j in 0..V {
                    sums[b][j] = simd.mul_add_f32s(gate, row[j], sums[b][j]);
                }
            }
        }
        for b in 0..N {
            let to = &mut carried[(first + b) * 2 * h..][..h];
            S::as_mut_simd_f32s(to).0[v..v + V].copy_from_slice(&sums[b]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn assert_close(found: &[f32], wanted: &[f32]) {
        for (x, y) in found.iter().zip(wanted) {
            assert!((x - y).abs() <= 2e-6 * y.abs().max(1.0), "{x} {y}");
        }
    }

    #[test]
    fn vectors_match_plain_numbers() {
        for hidden in [4, 7, 8, 16, 32, 48] {
            for sequences in [1, 2, 3, 7, 8, 13] {
                let kernel = Lstm { inputs: 3, hidden, positions: 5 };
                let mut weights = kernel.weights();
                for direction in 0..2 {
                    let parts = [3, hidden, 1].map(|rows| numbers(rows * 4 * hidden, direction as u32 + 1));
                    kernel.prepare(direction, (&parts[0], &parts[1], &parts[2]), &mut weights);
                }
                kernel.arrange(&mut weights, true);
                let codes: Vec<u8> = (0..sequences * 6).map(|i| (i * 7 % 4) as u8).collect();
                let input = numbers(sequences * 6 * 3, 9);
                let layout = Layout { pitch: 6, ..Layout::compact(5, 2 * hidden) };
                let gradient = numbers(layout.size(sequences), 11);
                for codes in [None, Some(&codes[..])] {
                    let steps = Steps { codes, keep: true, sequences };
                    let (mut fast, mut slow) = (kernel.states(sequences), kernel.states(sequences));
                    kernel.project_rows(&input, &weights, &mut fast.gates);
                    kernel.project_rows(&input, &weights, &mut slow.gates);
                    kernel.forward(&weights, &mut fast, steps);
                    kernel.plain_forward(&weights, &mut slow, steps);
                    assert_close(&fast.hidden, &slow.hidden);
                    assert_close(&fast.cell, &slow.cell);
                    kernel.backward(&weights, &mut fast, &gradient, layout, sequences);
                    kernel.plain_backward(&weights, &mut slow, &gradient, layout, sequences);
                    for a in 0..sequences {
                        let rows = a * 6 * 8 * hidden..(a * 6 + 5) * 8 * hidden;
                        assert_close(&fast.gates[rows.clone()], &slow.gates[rows]);
                    }
                }
            }
        }
    }

    #[test]
    fn restarted_steps_match_plain_numbers() {
        for units in [4, 7, 8, 16, 32, 48] {
            let run = |vectors: bool| {
                let [inputs, recurrent, bias] =
                    [12, units, 1].map(|rows| numbers(rows * 4 * units, rows as u32));
                let mut states = [7, 8, 9].map(|seed| numbers(10 * units, seed));
                let [cell, hidden, sums] = &mut states;
                let places: Vec<usize> = (0..10).map(|run| run * 7 % 11 * 4 * units).collect();
                let mut gates = vec![0.0; 4 * units];
                let mut steps = CellSteps {
                    inputs: &inputs,
                    places: &places,
                    recurrent: &recurrent,
                    bias: &bias,
                    cell,
                    hidden,
                    sums,
                    gates: &mut gates,
                };
                if !vectors || !pulp::Arch::new().dispatch(Restarted(&mut steps)) {
                    steps.plain_run();
                }
                states
            };
            for (fast, slow) in run(true).iter().zip(&run(false)) {
                assert_close(fast, slow);
            }
        }
    }
}
