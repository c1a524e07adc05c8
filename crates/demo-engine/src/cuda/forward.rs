//! A batch forward through the steps.

use super::bank::{BLOCK, Pass};
use super::machine::{Argument, At, Stride, arguments};
use super::memory::{BackWeights, Chunks, DEPTH, Extra};
use super::steps::{Convolve, Finish, Lstm, Normalise, Step, table_filters};
use crate::{Activation, Result};

/// Sequences that a block of an LSTM takes: `GROUP` of the kernels.
pub(crate) const GROUP: usize = 8;

/// The left side of a product: windows of an input.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    /// Address of the input `(m, n, ..)`.
    pub(crate) input: At,
    /// Numbers of a sequence.
    pub(crate) sequence: usize,
    /// Numbers of a position.
    pub(crate) row: usize,
    /// Positions that a window begins before its own.
    pub(crate) lead: isize,
    /// Numbers that it begins after that position's first.
    pub(crate) shift: usize,
    /// Windows of a sequence.
    pub(crate) positions: usize,
}

impl Windows {
    /// Those of a convolution's input.
    pub(crate) fn of(step: &Convolve, input: At) -> Self {
        Self {
            input,
            sequence: step.length * step.inputs,
            row: step.inputs,
            lead: step.lead.cast_signed(),
            shift: 0,
            positions: step.positions,
        }
    }

    /// Whether every window begins where four numbers can be read at once.
    pub(crate) fn in_fours(&self) -> bool {
        in_fours([self.row, self.sequence, self.shift], [self.input])
    }

    /// As the arguments of a product over n sequences.
    pub(crate) fn arguments(&self, n: usize) -> [Argument; 8] {
        [
            self.input.into(),
            Stride(n * self.sequence).into(),
            self.sequence.into(),
            self.row.into(),
            Argument::Int((self.lead as i32).cast_unsigned()),
            self.shift.into(),
            self.positions.into(),
            (n * self.positions).into(),
        ]
    }
}

/// The right side of a product and where it goes.
#[derive(Clone, Copy)]
pub(crate) struct Weights {
    /// Address of the weights `(depth, columns)` of the first member.
    pub(crate) at: At,
    pub(crate) stride: Stride,
    pub(crate) depth: usize,
    pub(crate) columns: usize,
}

impl Pass<'_> {
    /// Takes the batch through steps `from..to`.
    pub(crate) fn forward(&self, from: usize, to: usize) -> Result<()> {
        if from == 0 && self.codes.is_some() && self.looked_up(0).is_none() {
            self.one_hot()?;
        }
        for i in from..to {
            let (from, to) = (self.value(i), self.value(i + 1));
            match &self.bank.steps.list[i] {
                Step::Convolve(step) => self.convolve(i, step)?,
                Step::Lstm(step) => self.lstm(i, step)?,
                Step::Finish(step) => self.finish(i, step)?,
                Step::Normalise(step) => self.normalise(i, step)?,
                &Step::GlobalMax { positions, channels } => {
                    let Extra::GlobalMax { places } = &self.bank.scratch.extra[i] else { continue };
                    self.sequences(
                        "global_max",
                        channels,
                        arguments![self.who(), from, self.n, positions, channels, to, places],
                    )?;
                }
                &Step::Mean { positions, channels } => {
                    let arguments = arguments![self.who(), from, self.n, positions, channels, to];
                    self.sequences("mean", channels, arguments)?;
                }
            }
        }
        Ok(())
    }

    fn one_hot(&self) -> Result<()> {
        let count = self.n * self.bank.steps.length;
        let codes = At(self.codes.unwrap_or(0));
        self.numbers("one_hot", count * 4, arguments![self.who(), codes, At(self.input), count])
    }

    /// `to[r, c]` of rows of `to_row` numbers: every window times the weights.
    pub(crate) fn product(&self, windows: &Windows, weights: Weights, to: At, to_row: usize) -> Result<()> {
        let rows = self.n * windows.positions;
        let fours = windows.in_fours() && in_fours([weights.depth, weights.columns, to_row], [to]);
        let (kernel, tile) = match weights.columns {
            ..=12 => ("window_product_128_8_1", (128, 8)),
            13..=48 => ("window_product_128_32_1", (128, 32)),
            _ if fours => ("window_product_128_128_4", (128, 128)),
            _ => ("window_product_128_128_1", (128, 128)),
        };
        let mut list = [Argument::NULL; 16];
        list[0] = self.who().into();
        list[1..9].copy_from_slice(&windows.arguments(self.n));
        let stride = Stride(rows * to_row);
        let (depth, columns) = (weights.depth, weights.columns);
        list[9..].copy_from_slice(arguments![weights.at, weights.stride, to, stride, to_row, depth, columns]);
        let grid = (rows.div_ceil(tile.0), weights.columns.div_ceil(tile.1));
        self.launch(kernel, grid, BLOCK, tile_numbers(tile), &list)
    }

    fn convolve(&self, i: usize, step: &Convolve) -> Result<()> {
        let to = self.value(i + 1);
        let Some(codes) = self.looked_up(i) else {
            let weights = Weights {
                at: self.parameter(step.weight),
                stride: self.parameters(),
                depth: step.depth(),
                columns: step.filters,
            };
            return self.product(&Windows::of(step, self.value(i)), weights, to, step.filters);
        };
        let (tile, rows) = (table_filters(step), self.n * step.positions);
        // A block fills its tables once for some hundred rows.
        let grid = (rows.div_ceil(512), step.filters.div_ceil(tile));
        self.launch(
            if in_fours([step.filters], [to]) { "look_up_4" } else { "look_up_1" },
            grid,
            BLOCK,
            step.width * 5 * tile,
            arguments![
                self.who(),
                At(codes),
                step.length,
                step.lead,
                step.positions,
                rows,
                self.parameter(step.weight),
                self.parameters(),
                step.width,
                step.filters,
                tile,
                to,
            ],
        )
    }

    fn lstm(&self, i: usize, step: &Lstm) -> Result<()> {
        let Extra::Lstm { gates, places } = &self.bank.scratch.extra[i] else { return Ok(()) };
        let (h, codes) = (step.hidden, self.looked_up(i));
        if codes.is_none() {
            self.project(i, step)?;
        }
        let cell = match self.bank.back.as_ref().map(|back| &back.weights[i]) {
            Some(BackWeights::Lstm { cell, .. }) if self.keep => At(cell.at(0)),
            _ => At(0),
        };
        let places = arguments![
            self.who(),
            gates,
            self.value(i + 1),
            cell,
            At(self.params),
            self.parameters(),
            places,
            At(codes.unwrap_or(0)),
            self.n,
            step.length,
        ];
        let table = if codes.is_some() { 20 * h } else { 0 };
        let grid = (self.n.div_ceil(GROUP), 2);
        let mut list = [Argument::NULL; 13];
        list[..10].copy_from_slice(places);
        if let Some(kernel) = in_registers(h, ["lstm_forward_16", "lstm_forward_32"]) {
            list[10] = self.keep.into();
            return self.launch(kernel, grid, 4 * h, GROUP * 2 * h + table, &list[..11]);
        }
        let state = GROUP * (h.next_multiple_of(4) + 5 * h);
        let (shared, on_chip) = self.room(state + table, 4 * h * h);
        list[10..].copy_from_slice(arguments![h, self.keep, on_chip]);
        self.launch("lstm_forward", grid, lstm_threads(h), shared, &list)
    }

    /// The input's part of the gates, of both directions.
    pub(crate) fn project(&self, i: usize, step: &Lstm) -> Result<()> {
        let Extra::Lstm { gates, .. } = &self.bank.scratch.extra[i] else { return Ok(()) };
        let h = step.hidden;
        for direction in 0..2 {
            let weights = Weights {
                at: self.parameter(step.places[direction * 3]),
                stride: self.parameters(),
                depth: step.inputs,
                columns: 4 * h,
            };
            let windows = rows_of(self.value(i), step.length, step.inputs);
            self.product(&windows, weights, At(gates.at(direction * 4 * h)), 8 * h)?;
        }
        Ok(())
    }

    /// Shared numbers of a block that needs some, and wants others on chip; whether those fit too.
    pub(crate) fn room(&self, needed: usize, wanted: usize) -> (usize, bool) {
        let fits = (needed + wanted) * 4 <= self.bank.machine.shared_memory();
        (if fits { needed + wanted } else { needed }, fits)
    }

    fn finish(&self, i: usize, step: &Finish) -> Result<()> {
        let (n, words) = (self.n, step.words());
        let mut bits = At(0);
        let mut scale = 1.0;
        if let (Extra::Dropout { bits: room, keys }, Some((_, rate)), Some(number)) =
            (&self.bank.scratch.extra[i], step.dropout, self.step)
        {
            bits = At(room.at(0));
            scale = dropout_scale(rate);
            let threshold = if rate == 0.5 { u32::MAX } else { (f64::from(rate) * 65536.0).round() as u32 };
            self.numbers(
                "dropout_bits",
                n * (words / 4),
                arguments![
                    self.who(),
                    room,
                    n,
                    words,
                    keys,
                    Argument::Long(number),
                    Argument::Int(threshold)
                ],
            )?;
        }
        let (from, to) = (self.value(i), self.value(i + 1));
        let (kernel, each) =
            if in_fours([step.channels], [from, to]) { ("finish_4", 4) } else { ("finish_1", 1) };
        let count = step.windows() * step.channels / each;
        let block = count.next_multiple_of(32).min(BLOCK);
        // A thread takes some sequences, for which it finds its place once.
        let grid = (count.div_ceil(block), n.div_ceil(4));
        self.launch(
            kernel,
            grid,
            block,
            0,
            arguments![
                self.who(),
                from,
                n,
                step.positions,
                step.channels,
                step.pool,
                function_number(step.function),
                step.bias.map_or(At(0), |bias| self.parameter(bias)),
                self.parameters(),
                bits,
                words,
                scale,
                to,
            ],
        )
    }

    fn normalise(&self, i: usize, step: &Normalise) -> Result<()> {
        let Extra::Normalise { statistics, running } = &self.bank.scratch.extra[i] else { return Ok(()) };
        let (rows, c, who) = (self.n * step.positions, step.channels, self.who());
        let [scale, shift, mean, variance] = step.places.map(|place| self.parameter(place));
        if self.step.is_some() {
            let chunks = self.moments(i, step, At(0))?;
            let Some(back) = &self.bank.back else { return Ok(()) };
            self.numbers(
                "take_moments",
                c,
                arguments![who, &back.partials, chunks, rows, c, step.epsilon, statistics, running, false],
            )?;
        } else {
            self.numbers(
                "take_running",
                c,
                arguments![who, mean, variance, self.parameters(), c, step.epsilon, statistics],
            )?;
        }
        let count = rows * c;
        let (from, to) = (self.value(i), self.value(i + 1));
        let arguments = arguments![who, from, count, c, statistics, scale, shift, self.parameters(), to];
        self.numbers("normalise", count, arguments)
    }

    /// Queues sums for a batch normalisation, of its input or of the gradient of its output; their chunks.
    pub(crate) fn moments(&self, i: usize, step: &Normalise, gradient: At) -> Result<usize> {
        let (Extra::Normalise { statistics, .. }, Some(back)) =
            (&self.bank.scratch.extra[i], &self.bank.back)
        else {
            return Ok(0);
        };
        let (rows, c) = (self.n * step.positions, step.channels);
        let chunks = Chunks::of_columns(rows, c, self.bank.shape.members);
        self.launch(
            "moments",
            (c.div_ceil(32), chunks.count),
            BLOCK,
            4 * BLOCK,
            arguments![self.who(), self.value(i), gradient, statistics, rows, c, &back.partials, chunks.rows],
        )?;
        Ok(chunks.count)
    }
}

/// Every position of `(n, l, c)` as a window of its own.
pub(crate) fn rows_of(input: At, length: usize, channels: usize) -> Windows {
    Windows { input, sequence: length * channels, row: channels, lead: 0, shift: 0, positions: length }
}

/// Whether these sizes and addresses keep groups of four numbers together.
pub(crate) fn in_fours<const S: usize, const A: usize>(sizes: [usize; S], addresses: [At; A]) -> bool {
    sizes.iter().all(|size| size % 4 == 0) && addresses.iter().all(|At(address)| address % 16 == 0)
}

/// Shared numbers of a product: two slabs of its tiles.
pub(crate) fn tile_numbers((rows, columns): (usize, usize)) -> usize {
    2 * DEPTH * (rows + 4 + columns)
}

/// Of a kernel's forms for 16 and for 32 hidden units, with the weights in registers, that for so many.
pub(crate) fn in_registers(hidden: usize, forms: [&'static str; 2]) -> Option<&'static str> {
    match hidden {
        16 => Some(forms[0]),
        32 => Some(forms[1]),
        _ => None,
    }
}

/// Threads of a block of an LSTM: one for each gate, where there are not too many. They hold some 140
/// registers each, of which a multiprocessor has 65,536.
pub(crate) fn lstm_threads(hidden: usize) -> usize {
    (4 * hidden).next_multiple_of(32).min(BLOCK)
}

/// What dropout multiplies by.
pub(crate) fn dropout_scale(rate: f32) -> f32 {
    (1.0 / (1.0 - f64::from(rate))) as f32
}

/// The number of an activation in the kernels.
pub(crate) fn function_number(function: Activation) -> usize {
    match function {
        Activation::Relu => 0,
        Activation::Exponential => 1,
        Activation::Sigmoid => 2,
        Activation::Tanh => 3,
        Activation::Softplus => 4,
        Activation::Linear => 5,
        Activation::Elu => 6,
    }
}
