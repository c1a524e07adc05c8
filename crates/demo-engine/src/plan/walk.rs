//! One slice through the chain, forwards and back.

use crate::kernels::plain::embedding::{Tables, observed};
use crate::kernels::plain::lstm::Steps;
use crate::kernels::plain::peak::{PeakGradient, Peaks};
use crate::kernels::plain::sparse::SparseGradient;
use crate::kernels::plain::winograd::AheadWeights;
use crate::kernels::plain::{dropout, finish, normalise, reduce};
use crate::kernels::vectorised;
use crate::philox::layer_key;
use crate::product::{Strided, product};
use crate::real::Real;

use super::chain::{Chain, Codes, Finish, MapRanges, Normalise, Step};
use super::workspace::{Prepared, Workspace, bit_words};

/// The sequences of a slice, as its steps need them.
#[derive(Clone, Copy)]
pub(crate) struct Slice<'a, R> {
    /// The chain.
    pub(crate) chain: &'a Chain,
    /// The member's parameters.
    pub(crate) weights: &'a [R],
    /// The same, rearranged.
    pub(crate) prepared: &'a Prepared<R>,
    /// Whether the input is codes, so that the first step looks them up.
    pub(crate) codes: bool,
    /// In training, step and seed of the member.
    pub(crate) train: Option<(u64, u64)>,
    /// Whether a backward pass follows.
    pub(crate) keep: bool,
    /// Whether all values are wanted afterwards.
    pub(crate) entire: bool,
    /// Place of the first sequence in the member's batch.
    pub(crate) first: usize,
    /// Sequences, those that fill the slice up included.
    pub(crate) sequences: usize,
    /// Sequences of the batch.
    pub(crate) rows: usize,
}

/// Which form of input gradient is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputForm {
    None,
    Observed,
    Bases,
}

impl<R: Real> Slice<'_, R> {
    /// Takes the slice through steps `from..to`.
    pub(crate) fn forward(&self, work: &mut Workspace<R>, from: usize, to: usize) {
        if from == 0 && self.codes {
            self.prepare_codes(work);
        }
        for i in from..to {
            vectorised(
                #[inline(always)]
                || self.forward_step(work, i),
            );
        }
    }

    /// Takes a gradient back through steps `from..to`, from the last to the first. Adds the
    /// gradient of the parameters to `gradient`; leaves that of the input in value 0's buffer, or, of
    /// observed bases looked up by a convolution or LSTM, in `input`.
    pub(crate) fn backward(
        &self,
        work: &mut Workspace<R>,
        (from, to): (usize, usize),
        mut gradient: Option<&mut [R]>,
        form: InputForm,
        input: &mut [R],
    ) {
        for i in (from..to).rev() {
            vectorised(
                #[inline(always)]
                || self.backward_step(work, i, gradient.as_deref_mut(), form, &mut *input),
            );
        }
    }

    /// Whether step i looks codes up.
    fn looks_up(&self, i: usize) -> bool {
        i == 0 && self.codes && !matches!(self.chain.codes, Codes::OneHot)
    }

    /// The tables, where the first convolution and the global maximum after it are one step.
    fn peaks(&self) -> Option<Tables> {
        self.chain.peaks().filter(|_| self.codes && !self.entire)
    }

    /// Index of the tables, or one-hot numbers, from the codes in the workspace.
    fn prepare_codes(&self, work: &mut Workspace<R>) {
        let layout = self.chain.layouts[0];
        let rows = self.sequences * layout.pitch;
        match self.chain.codes {
            Codes::Tables(tables) => tables.index(&work.codes, &mut work.index[..rows]),
            Codes::Rows => {}
            Codes::OneHot => {
                let one_hot = work.values[0].as_chunks_mut::<4>().0;
                for (to, &code) in one_hot.iter_mut().zip(&work.codes) {
                    *to =
                        std::array::from_fn(|base| if usize::from(code) == base { R::ONE } else { R::ZERO });
                }
            }
        }
    }

    #[inline(always)]
    fn forward_step(&self, work: &mut Workspace<R>, i: usize) {
        let (chain, n) = (self.chain, self.sequences);
        let (layout, next) = (chain.layouts[i], chain.layouts[i + 1]);
        match (self.peaks(), i) {
            (Some(_), 0) => return,
            (Some(tables), 1) => return self.find_peaks(work, tables),
            _ => {}
        }
        let (low, high) = work.values.split_at_mut(i + 1);
        let (from, to) = (&low[i][..], &mut high[0][..]);
        match &chain.steps[i] {
            Step::Convolve { kernel, .. } => match chain.codes {
                Codes::Tables(tables) if self.looks_up(i) => {
                    tables.forward(&self.prepared.tables, &work.index, layout.pitch, to, next, n);
                }
                _ => {
                    // In training dropout leaves few numbers, and weights change at every step.
                    let at_points = self.train.is_none().then_some(&self.prepared.at_points[i]);
                    let weights = AheadWeights { panels: &self.prepared.ahead[i], at_points };
                    kernel.forward(from, weights, to, n, (&mut work.nonzeros, &mut work.tiles));
                }
            },
            Step::Lstm { kernel, .. } => {
                if let (Some(states), Some(weights)) = (&mut work.states[i], &self.prepared.lstm[i]) {
                    let codes = self.looks_up(i).then_some(&work.codes[..]);
                    if codes.is_none() {
                        kernel.project(from, weights, &mut states.gates, n, &mut work.nonzeros);
                    }
                    kernel.forward(weights, states, Steps { codes, keep: self.keep, sequences: n });
                    kernel.output(states, to, next, n);
                }
            }
            Step::Attend { kernel, maps: [.., output] } => {
                if let (Some(states), Some(weights)) = (&mut work.attention[i], &self.prepared.attention[i]) {
                    let weights = (weights, &self.weights[output.bias.clone()]);
                    let how = (self.keep, &mut work.nonzeros);
                    kernel.forward((from, n), weights, states, (to, next), how);
                }
            }
            Step::Dense { inputs, outputs, weight } => product(
                (n, *inputs, *outputs),
                to,
                *outputs,
                false,
                Strided::rows(&from[layout.at(0, 0)..], layout.pitch * layout.channels),
                Strided::rows(&self.weights[weight.clone()], *outputs),
            ),
            Step::Finish(step) => {
                let bias = step.bias.clone().map(|range| &self.weights[range]);
                finish::finish(from, layout, bias, step.pool, step.function, to, next, n);
                self.drop_out(step, to, &mut work.bits[i], i);
            }
            Step::Normalise(step) => {
                if let Some(statistics) = &self.prepared.statistics[i] {
                    let scale = &self.weights[step.scale.clone()];
                    let shift = &self.weights[step.shift.clone()];
                    normalise::normalise(from, layout, statistics, (scale, shift), (to, next), n);
                }
            }
            Step::GlobalMax => reduce::global_max(from, layout, to, next, n),
            Step::Mean => reduce::mean(from, layout, to, next, n),
        }
    }

    /// The first convolution and the global maximum after it.
    #[inline(always)]
    fn find_peaks(&self, work: &mut Workspace<R>, tables: Tables) {
        let peaks = Peaks {
            tables,
            numbers: &self.prepared.tables,
            index: &work.index,
            pitch: self.chain.layouts[0].pitch,
            positions: self.chain.layouts[1].positions,
            to: &mut work.values[2],
            places: &mut work.places,
            sequences: self.sequences,
        };
        peaks.find();
    }

    /// The way back through both.
    #[inline(always)]
    fn peaks_gradient(
        &self,
        work: &mut Workspace<R>,
        tables: Tables,
        with_weights: bool,
        form: InputForm,
        input: &mut [R],
    ) {
        let (layout, n) = (self.chain.layouts[0], self.sequences);
        let (to, gradients) = work.gradients.split_at_mut(1);
        let gradient = PeakGradient {
            gradient: &gradients[1],
            places: &work.places,
            codes: &work.codes,
            pitch: layout.pitch,
            filters: tables.filters,
            width: tables.width,
        };
        if with_weights {
            gradient.gather(n, &mut work.gathered);
        }
        let by_filter = &self.prepared.by_filter;
        match form {
            InputForm::None => {}
            InputForm::Observed => {
                let to = &mut input[..n * layout.positions];
                gradient.observed(by_filter, layout.lead, layout.positions, to);
            }
            InputForm::Bases => gradient.bases(n, by_filter, &mut to[0]),
        }
    }

    /// Draws the bits of a step in training, and applies them.
    #[inline(always)]
    fn drop_out(&self, step: &Finish, values: &mut [R], bits: &mut [u32], i: usize) {
        let (Some((layer, rate)), Some((number, seed))) = (step.dropout, self.train) else { return };
        let (layout, words) = (self.chain.layouts[i + 1], bit_words(self.chain, i));
        let key = layer_key(seed, layer);
        let scale = R::from_f64(1.0 / (1.0 - f64::from(rate)));
        for (a, bits) in bits.chunks_exact_mut(words).take(self.sequences).enumerate() {
            let counter = dropout::Counter { key, step: number, slot: self.first + a };
            dropout::keep_bits(bits, rate, counter);
            dropout::apply(layout.sequence_mut(values, a), bits, scale);
        }
    }

    #[inline(always)]
    fn backward_step(
        &self,
        work: &mut Workspace<R>,
        i: usize,
        gradient: Option<&mut [R]>,
        form: InputForm,
        input: &mut [R],
    ) {
        let (chain, n) = (self.chain, self.sequences);
        let (layout, next) = (chain.layouts[i], chain.layouts[i + 1]);
        let onward = i > 0 || form != InputForm::None;
        match (self.peaks(), i) {
            (Some(tables), 0) => return self.peaks_gradient(work, tables, gradient.is_some(), form, input),
            (Some(_), 1) => return,
            _ => {}
        }
        match &chain.steps[i] {
            Step::Convolve { .. } => self.convolution_gradient(work, i, gradient, form, input),
            Step::Lstm { .. } => self.lstm_gradient(work, i, gradient, form, input),
            Step::Attend { .. } => self.attention_gradient(work, i, gradient, form),
            Step::Dense { inputs, outputs, weight } => {
                let row = layout.pitch * layout.channels;
                let (to, gradients) = work.gradients.split_at_mut(i + 1);
                let in_place = chain.in_place(i + 1);
                let of_output = if in_place { &work.values[i + 1] } else { &gradients[0] };
                let of_output = Strided::rows(of_output, *outputs);
                if let Some(gradient) = gradient {
                    let from = Strided::rows(&work.values[i][layout.at(0, 0)..], row);
                    let sizes = (*inputs, n, *outputs);
                    product(
                        sizes,
                        &mut gradient[weight.clone()],
                        *outputs,
                        true,
                        from.transposed(),
                        of_output,
                    );
                }
                if onward {
                    let weight = Strided::rows(&self.prepared.back[i], *inputs);
                    let to = &mut to[i][layout.at(0, 0)..];
                    product((n, *outputs, *inputs), to, row, false, of_output, weight);
                }
            }
            Step::Finish(step) => {
                if onward {
                    self.finish_gradient(work, i, step, gradient);
                }
            }
            Step::Normalise(step) => self.normalise_gradient(work, i, step, gradient),
            Step::GlobalMax | Step::Mean if !onward => {}
            Step::GlobalMax => {
                let (to, of_output) = work.gradients.split_at_mut(i + 1);
                let (to, of_output) = (&mut to[i], &of_output[0]);
                reduce::global_max_gradient(&work.values[i], layout, of_output, next, to, n);
            }
            Step::Mean => {
                let (to, of_output) = work.gradients.split_at_mut(i + 1);
                reduce::mean_gradient(&of_output[0], next, &mut to[i], layout, n);
            }
        }
    }

    #[inline(always)]
    fn finish_gradient(&self, work: &mut Workspace<R>, i: usize, step: &Finish, gradient: Option<&mut [R]>) {
        let (chain, n) = (self.chain, self.sequences);
        let (layout, next) = (chain.layouts[i], chain.layouts[i + 1]);
        let (to, of_output) = work.gradients.split_at_mut(i + 1);
        let of_output = &mut of_output[0][..];
        let mut keep = R::ONE;
        if let (Some((_, rate)), true) = (step.dropout, self.train.is_some()) {
            keep = R::from_f64(1.0 - f64::from(rate));
            let scale = R::from_f64(1.0 / (1.0 - f64::from(rate)));
            let bits = work.bits[i].chunks_exact(bit_words(chain, i));
            for (a, bits) in bits.take(n).enumerate() {
                dropout::apply(next.sequence_mut(of_output, a), bits, scale);
            }
        }
        let (values, outputs) = work.values.split_at_mut(i + 1);
        let to = if chain.in_place(i) {
            &mut values[i][..]
        } else {
            to[i].copy_from_slice(&values[i]);
            &mut to[i][..]
        };
        let bias = match (gradient, step.bias.clone()) {
            (Some(gradient), Some(range)) => Some(&mut gradient[range]),
            _ => None,
        };
        finish::finish_gradient(
            to,
            layout,
            bias,
            step.pool,
            step.function,
            &outputs[0],
            of_output,
            next,
            keep,
            n,
        );
    }

    #[inline(always)]
    fn normalise_gradient(
        &self,
        work: &mut Workspace<R>,
        i: usize,
        step: &Normalise,
        gradient: Option<&mut [R]>,
    ) {
        let Some(statistics) = &self.prepared.statistics[i] else { return };
        let (layout, next) = (self.chain.layouts[i], self.chain.layouts[i + 1]);
        let (to, of_output) = work.gradients.split_at_mut(i + 1);
        let to = if self.chain.in_place(i) {
            &mut work.values[i]
        } else {
            to[i].copy_from_slice(&work.values[i]);
            &mut to[i]
        };
        // Scale and shift lie one after the other.
        let parameters = gradient.map(|gradient| {
            let (low, high) = gradient.split_at_mut(step.shift.start);
            (&mut low[step.scale.clone()], &mut high[..step.shift.len()])
        });
        let (scale, of_output) = (&self.weights[step.scale.clone()], (&of_output[0][..], next));
        let sequences = (self.rows, self.sequences);
        normalise::normalise_gradient(to, layout, statistics, scale, of_output, parameters, sequences);
    }

    #[inline(always)]
    fn convolution_gradient(
        &self,
        work: &mut Workspace<R>,
        i: usize,
        gradient: Option<&mut [R]>,
        form: InputForm,
        input: &mut [R],
    ) {
        let Step::Convolve { kernel, weight } = &self.chain.steps[i] else { return };
        let (layout, next, n) = (self.chain.layouts[i], self.chain.layouts[i + 1], self.sequences);
        let (to, gradients) = work.gradients.split_at_mut(i + 1);
        let of_output = if self.chain.in_place(i + 1) { &work.values[i + 1] } else { &gradients[0] };
        if let Some(gradient) = gradient {
            match (self.chain.codes, &mut work.nonzero[i]) {
                (Codes::Tables(tables), _) if self.looks_up(i) => {
                    tables.gather(of_output, next, &work.index, layout.pitch, &mut work.gathered, n);
                }
                (_, Some(nonzero)) if self.chain.sparse(i, self.train.is_some()) => {
                    let run = SparseGradient {
                        kernel: *kernel,
                        input: &work.values[i],
                        gradient: of_output,
                        of_weights: &mut work.by_filter[i],
                        nonzero,
                        sequences: n,
                    };
                    run.run();
                }
                _ => kernel.weight_gradient(&work.values[i], of_output, &mut gradient[weight.clone()], n),
            }
        }
        if self.looks_up(i) && form == InputForm::Observed {
            let (weight, place) = (&self.weights[weight.clone()], (layout.lead, layout.positions));
            observed(weight, of_output, next, &work.codes, place, &mut input[..n * layout.positions]);
        } else if i > 0 || form != InputForm::None {
            let (back, of_input) = (&self.prepared.back[i], &mut to[i]);
            kernel.input_gradient(of_output, back, of_input, n, &mut work.nonzeros);
        }
    }

    #[inline(always)]
    fn attention_gradient(
        &self,
        work: &mut Workspace<R>,
        i: usize,
        gradient: Option<&mut [R]>,
        form: InputForm,
    ) {
        let Step::Attend { kernel, maps: [inputs @ .., output] } = &self.chain.steps[i] else { return };
        let (Some(states), Some(weights)) = (&mut work.attention[i], &self.prepared.attention[i]) else {
            return;
        };
        let (layout, next, n) = (self.chain.layouts[i], self.chain.layouts[i + 1], self.sequences);
        let (to, gradients) = work.gradients.split_at_mut(i + 1);
        let of_output = if self.chain.in_place(i + 1) { &work.values[i + 1] } else { &gradients[0] };
        // What goes past the attention; until the end of it also the gradient of the output, row by row.
        let to = &mut to[i][..];
        for a in 0..n {
            layout.sequence_mut(to, a).copy_from_slice(next.sequence(of_output, a));
        }
        kernel.backward((to, n), weights, states);
        if let Some(gradient) = gradient {
            let input = (&work.values[i][..], n);
            for (part, map) in inputs.iter().enumerate() {
                kernel.part_gradient(input, states, part, weight_and_bias(gradient, map));
            }
            kernel.output_gradient((to, n), states, weight_and_bias(gradient, output));
        }
        if i > 0 || form != InputForm::None {
            kernel.input_gradient(weights, states, (to, n));
        }
    }

    #[inline(always)]
    fn lstm_gradient(
        &self,
        work: &mut Workspace<R>,
        i: usize,
        gradient: Option<&mut [R]>,
        form: InputForm,
        input: &mut [R],
    ) {
        let Step::Lstm { kernel, directions } = &self.chain.steps[i] else { return };
        let (Some(states), Some(weights)) = (&mut work.states[i], &self.prepared.lstm[i]) else { return };
        let (next, n) = (self.chain.layouts[i + 1], self.sequences);
        let of_output = if self.chain.in_place(i + 1) { &work.values[i + 1] } else { &work.gradients[i + 1] };
        kernel.backward(weights, states, of_output, next, n);
        if let Some(gradient) = gradient {
            for (direction, ranges) in directions.iter().enumerate() {
                let (before, after) = gradient.split_at_mut(ranges.bias.start);
                let bias = &mut after[..ranges.bias.len()];
                let recurrent = &mut before[ranges.recurrent.clone()];
                kernel.recurrent_gradient(states, direction, recurrent, bias, n);
                if !self.looks_up(i) {
                    let weight = &mut gradient[ranges.input.clone()];
                    kernel.input_weight_gradient(states, direction, &work.values[i], weight, n);
                }
            }
            if self.looks_up(i) {
                kernel.gather(states, &work.codes, &mut work.gathered, n);
            }
        }
        if self.looks_up(i) && form == InputForm::Observed {
            kernel.observed(weights, states, &work.codes, input, n);
        } else if i > 0 || form != InputForm::None {
            kernel.input_gradient(weights, states, &mut work.gradients[i], n);
        }
    }
}

/// The gradients of a linear map's weights and bias, which lies right after them.
fn weight_and_bias<'a, R>(gradient: &'a mut [R], map: &MapRanges) -> (&'a mut [R], &'a mut [R]) {
    gradient[map.weight.start..map.bias.end].split_at_mut(map.weight.len())
}
