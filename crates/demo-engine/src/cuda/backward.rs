//! A batch back through the steps.

use super::bank::{BLOCK, Pass, Run, Wanted};
use super::forward::{
    GROUP, Weights, Windows, dropout_scale, function_number, in_fours, in_registers, lstm_threads, rows_of,
    tile_numbers,
};
use super::machine::{Argument, At, Memory, Stride, arguments};
use super::memory::{Back, BackWeights, Chunks, Extra, gradient_tile};
use super::steps::{Convolve, Finish, Lstm, Normalise, Step, table_filters};
use crate::Result;

/// A pass with what going back needs.
#[derive(Clone, Copy)]
struct Return<'a> {
    pass: &'a Pass<'a>,
    back: &'a Back<Memory>,
    run: &'a Run<'a>,
}

impl Pass<'_> {
    /// Takes what is wanted back to the input; the batch has gone forward.
    pub(crate) fn backward(&self, run: &Run) -> Result<()> {
        let Some(back) = &self.bank.back else { return Ok(()) };
        let this = Return { pass: self, back, run };
        this.begin()?;
        for i in (0..self.bank.steps.list.len()).rev() {
            this.step(i)?;
        }
        match run.observed {
            Some(to) if self.looked_up(0).is_none() => {
                let codes = At(self.codes.unwrap_or(0));
                let count = self.n * self.bank.steps.length;
                let arguments = arguments![self.who(), codes, this.gradient(0), to, count];
                self.numbers("pick_observed", count, arguments)
            }
            _ => Ok(()),
        }
    }
}

impl Return<'_> {
    /// Address of the gradient of value i.
    fn gradient(&self, i: usize) -> At {
        match (self.run.bases, &self.back.gradients[i]) {
            (Some(bases), _) if i == 0 => At(bases.at(0)),
            (_, Some(gradient)) => At(gradient.at(0)),
            (_, None) => self.pass.value(i),
        }
    }

    /// Whether the gradient of value i is wanted.
    fn onward(&self, i: usize) -> bool {
        i > 0 || self.run.bases.is_some() || self.run.observed.is_some()
    }

    /// The gradient of the last value.
    fn begin(&self) -> Result<()> {
        let (pass, steps, scratch) = (self.pass, &self.pass.bank.steps, &self.pass.bank.scratch);
        let (last, n, outputs) = (steps.list.len(), self.pass.n, steps.outputs);
        let to = self.gradient(last);
        match self.run.wanted {
            Wanted::Loss => {
                let weights = self.run.batch.weights.map_or(At(0), |_| At(scratch.weights.at(0)));
                let logits = pass.value(last);
                let (labels, losses) = (&scratch.labels, &scratch.losses);
                let arguments = arguments![pass.who(), logits, labels, weights, n, outputs, to, losses];
                pass.launch("cross_entropy", (1, 1), BLOCK, 2 * BLOCK, arguments)
            }
            Wanted::Logit(index) => {
                let count = n * outputs;
                pass.numbers("one_output", count, arguments![pass.who(), to, count, outputs, index])
            }
            Wanted::Cotangent(from) => {
                let At(to) = to;
                pass.bank.machine.copy(from.at(0), to, pass.bank.shape.members * n * outputs * 4)
            }
            Wanted::Logits | Wanted::Truncations(_) | Wanted::Mutants(_) => Ok(()),
        }
    }

    fn step(&self, i: usize) -> Result<()> {
        let (pass, n) = (self.pass, self.pass.n);
        match &pass.bank.steps.list[i] {
            Step::Convolve(step) => self.convolve(i, step),
            Step::Lstm(step) => self.lstm(i, step),
            Step::Normalise(step) => self.normalise(i, step),
            _ if !self.onward(i) => Ok(()),
            Step::Finish(step) => self.finish(i, step),
            &Step::GlobalMax { positions, channels } => {
                let Extra::GlobalMax { places } = &pass.bank.scratch.extra[i] else { return Ok(()) };
                let (from, to) = (self.gradient(i + 1), self.gradient(i));
                let arguments = arguments![pass.who(), from, places, n, positions, channels, to];
                pass.sequences("global_max_gradient", channels, arguments)
            }
            &Step::Mean { positions, channels } => {
                let (from, to) = (self.gradient(i + 1), self.gradient(i));
                let arguments = arguments![pass.who(), from, n, positions, channels, to];
                pass.sequences("mean_gradient", channels, arguments)
            }
        }
    }

    /// Adds sums over chunks to the gradient of parameters that begin at a place.
    fn add_partials(&self, chunks: usize, place: usize, count: usize) -> Result<()> {
        self.add_partials_from(0, chunks, place, count)
    }

    /// The same where the sums begin at a number of the partials.
    fn add_partials_from(&self, from: usize, chunks: usize, place: usize, count: usize) -> Result<()> {
        let Some(gradient) = self.run.gradient else { return Ok(()) };
        let (who, to, stride) = (self.pass.who(), At(gradient.at(place)), self.pass.parameters());
        let from = At(self.back.partials.at(from));
        self.pass.numbers("add_partials", count, arguments![who, from, chunks, to, stride, count])
    }

    /// The gradient of weights `(depth, columns)` from windows and the gradient of their products, which
    /// stands in rows of `row` numbers.
    fn weight_gradient(
        &self,
        windows: &Windows,
        (gradient, row): (At, usize),
        (depth, columns): (usize, usize),
        place: usize,
    ) -> Result<()> {
        let pass = self.pass;
        let fours = windows.in_fours() && in_fours([depth, columns, row], [gradient]);
        let (kernel, tile) = match gradient_tile(depth, columns) {
            (128, 8) => ("window_gradient_128_8_1", (128, 8)),
            (128, 32) => ("window_gradient_128_32_1", (128, 32)),
            (32, _) if fours => ("window_gradient_32_128_4", (32, 128)),
            (32, _) => ("window_gradient_32_128_1", (32, 128)),
            _ if fours => ("window_gradient_128_128_4", (128, 128)),
            _ => ("window_gradient_128_128_1", (128, 128)),
        };
        let rows = pass.n * windows.positions;
        let chunks = Chunks::of_product(rows, (depth, columns), pass.bank.shape.members);
        let mut list = [Argument::NULL; 17];
        list[0] = pass.who().into();
        list[1..9].copy_from_slice(&windows.arguments(pass.n));
        list[9..].copy_from_slice(arguments![
            gradient,
            Stride(rows * row),
            row,
            &self.back.partials,
            chunks.count,
            chunks.rows,
            depth,
            columns
        ]);
        // The grid's z counts chunks within members.
        let members = Pass { active: pass.active * chunks.count, ..*pass };
        let grid = (depth.div_ceil(tile.0), columns.div_ceil(tile.1));
        members.launch(kernel, grid, BLOCK, tile_numbers(tile), &list)?;
        self.add_partials(chunks.count, place, depth * columns)
    }

    /// The gradient of weights that codes looked up, `(width, 4, filters)`, and, where its place is given,
    /// of a bias.
    fn code_gradient(
        &self,
        codes: u64,
        look_up: &Convolve,
        (gradient, row): (At, usize),
        bias: Option<usize>,
    ) -> Result<()> {
        let Convolve { width, filters, length, positions, lead, weight, .. } = *look_up;
        let (pass, tile) = (self.pass, table_filters(look_up));
        let tiles = filters.div_ceil(tile);
        let chunks = Chunks::of_codes(pass.n, tiles, pass.bank.shape.members);
        // The totals of all members stand after all sums.
        let sums = pass.bank.shape.members * chunks.count * width * 4 * filters;
        let totals = bias.map_or(At(0), |_| At(self.back.partials.at(sums)));
        let grid = (chunks.count, tiles);
        let head = arguments![pass.who(), At(codes), length, lead, positions, pass.n, gradient, row];
        let tail = arguments![filters, &self.back.partials, totals, chunks.rows];
        let mut list = [Argument::NULL; 13];
        list[..8].copy_from_slice(head);
        let in_registers = match width {
            1 => Some("gather_gradient_1"),
            9 => Some("gather_gradient_9"),
            _ => None,
        };
        if let Some(kernel) = in_registers {
            list[8..12].copy_from_slice(tail);
            pass.launch(kernel, grid, tile, 0, &list[..12])?;
        } else {
            list[8] = width.into();
            list[9..].copy_from_slice(tail);
            pass.launch("gather_gradient", grid, tile, width * 5 * tile, &list)?;
        }
        self.add_partials(chunks.count, weight, width * 4 * filters)?;
        bias.map_or(Ok(()), |bias| self.add_partials_from(sums, chunks.count, bias, filters))
    }

    /// The gradient of observed bases through weights that codes looked up.
    fn observe(
        &self,
        to: &Memory,
        codes: u64,
        look_up: &Convolve,
        (gradient, row): (At, usize),
        add: bool,
    ) -> Result<()> {
        let Convolve { width, filters, length, positions, lead, weight, .. } = *look_up;
        let pass = self.pass;
        pass.launch(
            "observed_gradient",
            ((pass.n * length).div_ceil(BLOCK / 32), 1),
            BLOCK,
            BLOCK,
            arguments![
                pass.who(),
                At(codes),
                length,
                lead,
                positions,
                pass.n,
                gradient,
                row,
                pass.parameter(weight),
                pass.parameters(),
                width,
                filters,
                to,
                add,
            ],
        )
    }

    /// Weights `(k, c, f)` of every member as `(k, f, c)`, the first k last.
    fn reverse(&self, place: usize, (k, c, f): (usize, usize, usize), to: At, stride: usize) -> Result<()> {
        let (who, from, parameters) = (self.pass.who(), self.pass.parameter(place), self.pass.parameters());
        let arguments = arguments![who, from, parameters, to, Stride(stride), k, c, f];
        self.pass.numbers("reverse_weights", k * c * f, arguments)
    }

    fn convolve(&self, i: usize, step: &Convolve) -> Result<()> {
        let (pass, of_output) = (self.pass, (self.gradient(i + 1), step.filters));
        let (depth, looked_up) = (step.depth(), self.pass.looked_up(i));
        if self.run.gradient.is_some() {
            if let Some(codes) = looked_up {
                self.code_gradient(codes, step, of_output, None)?;
            } else {
                let windows = Windows::of(step, pass.value(i));
                self.weight_gradient(&windows, of_output, (depth, step.filters), step.weight)?;
            }
        }
        if let (Some(codes), Some(to)) = (looked_up, self.run.observed) {
            return self.observe(to, codes, step, of_output, false);
        }
        let BackWeights::Convolve(reversed) = &self.back.weights[i] else { return Ok(()) };
        if !self.onward(i) {
            return Ok(());
        }
        let size = depth * step.filters;
        let sizes = (step.width, step.inputs, step.filters);
        self.reverse(step.weight, sizes, At(reversed.at(0)), size)?;
        let windows = Windows {
            input: of_output.0,
            sequence: step.positions * step.filters,
            row: step.filters,
            lead: (step.width - 1 - step.lead).cast_signed(),
            shift: 0,
            positions: step.length,
        };
        let weights = Weights {
            at: At(reversed.at(0)),
            stride: Stride(size),
            depth: step.width * step.filters,
            columns: step.inputs,
        };
        pass.product(&windows, weights, self.gradient(i), step.inputs)
    }

    fn lstm(&self, i: usize, step: &Lstm) -> Result<()> {
        let pass = self.pass;
        let (Extra::Lstm { gates, .. }, BackWeights::Lstm { recurrent, cell, .. }) =
            (&pass.bank.scratch.extra[i], &self.back.weights[i])
        else {
            return Ok(());
        };
        let h = step.hidden;
        for direction in 0..2 {
            let to = At(recurrent.at(direction * 4 * h * h));
            self.reverse(step.places[direction * 3 + 1], (1, h, 4 * h), to, 8 * h * h)?;
        }
        let (n, length, grid) = (pass.n, step.length, (pass.n.div_ceil(GROUP), 2));
        let gradient = self.gradient(i + 1);
        if let Some(kernel) = in_registers(h, ["lstm_backward_16", "lstm_backward_32"]) {
            let arguments = arguments![pass.who(), gates, cell, gradient, recurrent, n, length];
            pass.launch(kernel, grid, 4 * h, GROUP * 8 * h, arguments)?;
        } else {
            let (shared, on_chip) = pass.room(GROUP * 9 * h, 4 * h * h);
            let arguments = arguments![pass.who(), gates, cell, gradient, recurrent, n, length, h, on_chip];
            pass.launch("lstm_backward", grid, lstm_threads(h), shared, arguments)?;
        }
        if self.run.gradient.is_some() {
            for direction in 0..2 {
                self.lstm_parameters(i, step, direction)?;
            }
        }
        self.lstm_input(i, step)
    }

    /// The gradient of one direction's parameters, from that of the gates.
    fn lstm_parameters(&self, i: usize, step: &Lstm, direction: usize) -> Result<()> {
        let pass = self.pass;
        let Extra::Lstm { gates, .. } = &pass.bank.scratch.extra[i] else { return Ok(()) };
        let (h, l, members) = (step.hidden, step.length, pass.bank.shape.members);
        let of_gates = (At(gates.at(direction * 4 * h)), 8 * h);
        // The state of the step before stands a position earlier or later.
        let states = Windows {
            lead: if direction == 0 { 1 } else { -1 },
            shift: direction * h,
            ..rows_of(pass.value(i + 1), l, 2 * h)
        };
        let [input, recurrent, bias] = [0, 1, 2].map(|part| step.places[direction * 3 + part]);
        self.weight_gradient(&states, of_gates, (h, 4 * h), recurrent)?;
        if let Some(codes) = pass.looked_up(i) {
            return self.code_gradient(codes, &look_up_of(step, input), of_gates, Some(bias));
        }
        let rows = pass.n * l;
        let chunks = Chunks::of_columns(rows, 4 * h, members);
        let stride = Stride(rows * 8 * h);
        pass.launch(
            "column_sums",
            ((4 * h).div_ceil(32), chunks.count),
            BLOCK,
            BLOCK,
            arguments![pass.who(), of_gates.0, stride, 8 * h, rows, 4 * h, &self.back.partials, chunks.rows],
        )?;
        self.add_partials(chunks.count, bias, 4 * h)?;
        let windows = rows_of(pass.value(i), l, step.inputs);
        self.weight_gradient(&windows, of_gates, (step.inputs, 4 * h), input)
    }

    /// The gradient of an LSTM's input.
    fn lstm_input(&self, i: usize, step: &Lstm) -> Result<()> {
        let pass = self.pass;
        let (Extra::Lstm { gates, .. }, BackWeights::Lstm { input, .. }) =
            (&pass.bank.scratch.extra[i], &self.back.weights[i])
        else {
            return Ok(());
        };
        let (h, c) = (step.hidden, step.inputs);
        if let (Some(codes), Some(to)) = (pass.looked_up(i), self.run.observed) {
            for direction in 0..2 {
                let look_up = look_up_of(step, step.places[direction * 3]);
                let of_gates = (At(gates.at(direction * 4 * h)), 8 * h);
                self.observe(to, codes, &look_up, of_gates, direction > 0)?;
            }
            return Ok(());
        }
        if !self.onward(i) {
            return Ok(());
        }
        for direction in 0..2 {
            let to = At(input.at(direction * 4 * h * c));
            self.reverse(step.places[direction * 3], (1, c, 4 * h), to, 8 * h * c)?;
        }
        let weights = Weights { at: At(input.at(0)), stride: Stride(8 * h * c), depth: 8 * h, columns: c };
        let windows = rows_of(At(gates.at(0)), step.length, 8 * h);
        pass.product(&windows, weights, self.gradient(i), c)
    }

    fn finish(&self, i: usize, step: &Finish) -> Result<()> {
        let (pass, n) = (self.pass, self.pass.n);
        let (mut bits, mut scale, mut keep) = (At(0), 1.0, 1.0);
        if let (Extra::Dropout { bits: drawn, .. }, Some((_, rate)), Some(_)) =
            (&pass.bank.scratch.extra[i], step.dropout, pass.step)
        {
            (bits, scale, keep) = (At(drawn.at(0)), dropout_scale(rate), (1.0 - f64::from(rate)) as f32);
        }
        let chunks = Chunks::of_columns(n, step.channels, pass.bank.shape.members);
        let bias = step.bias.filter(|_| self.run.gradient.is_some());
        let partials = bias.map_or(At(0), |_| At(self.back.partials.at(0)));
        let (from, to) = (pass.value(i), self.gradient(i));
        let (outputs, gradient) = (pass.value(i + 1), self.gradient(i + 1));
        let fours = in_fours([step.channels], [from, to, outputs, gradient]);
        let (kernel, each) = if fours { ("finish_gradient_4", 4) } else { ("finish_gradient_1", 1) };
        pass.launch(
            kernel,
            (step.channels.div_ceil(32 * each), chunks.count),
            BLOCK,
            BLOCK * each,
            arguments![
                pass.who(),
                from,
                to,
                n,
                step.positions,
                step.channels,
                step.pool,
                function_number(step.function),
                outputs,
                gradient,
                bits,
                step.words(),
                scale,
                keep,
                partials,
                chunks.rows,
            ],
        )?;
        bias.map_or(Ok(()), |bias| self.add_partials(chunks.count, bias, step.channels))
    }

    fn normalise(&self, i: usize, step: &Normalise) -> Result<()> {
        let (pass, partials) = (self.pass, &self.back.partials);
        let Extra::Normalise { statistics, running } = &pass.bank.scratch.extra[i] else { return Ok(()) };
        let (rows, c, who) = (pass.n * step.positions, step.channels, pass.who());
        let gradient = self.gradient(i + 1);
        if pass.step.is_some() {
            let chunks = pass.moments(i, step, gradient)?;
            pass.numbers(
                "take_moments",
                c,
                arguments![who, partials, chunks, rows, c, step.epsilon, statistics, running, true],
            )?;
        }
        let chunks = Chunks::of_columns(rows, c, pass.bank.shape.members);
        let (from, to, scale) = (pass.value(i), self.gradient(i), pass.parameter(step.places[0]));
        pass.launch(
            "normalise_gradient",
            (c.div_ceil(32), chunks.count),
            BLOCK,
            2 * BLOCK,
            arguments![
                who,
                from,
                gradient,
                to,
                rows,
                c,
                statistics,
                scale,
                pass.parameters(),
                partials,
                chunks.rows
            ],
        )?;
        // The shift stands right after the scale.
        self.add_partials(chunks.count, step.places[0], 2 * c)
    }
}

/// One direction of an LSTM on codes as a convolution of width one.
fn look_up_of(step: &Lstm, weight: usize) -> Convolve {
    let (length, filters) = (step.length, 4 * step.hidden);
    Convolve { width: 1, inputs: 4, filters, length, positions: length, lead: 0, weight }
}
