//! Scratch of a plan: what a thread needs for one slice, what a lane hands back, and weights rearranged
//! for one member. All sizes are known when the plan is made.

use crate::kernels::plain::attention::{AttentionStates, AttentionWeights};
use crate::kernels::plain::lstm::{LstmStates, LstmWeights};
use crate::kernels::plain::normalise::Statistics;
use crate::kernels::plain::peak::{CODES, spread_by_filter};
use crate::kernels::plain::skip::{Nonzeros, Windows};
use crate::kernels::plain::sparse::Nonzero;
use crate::kernels::plain::transpose::transpose;
use crate::kernels::plain::winograd::{AtPoints, Tiles};
use crate::numbers::{Numbers, zeros};
use crate::real::Real;
use crate::store::UNKNOWN;

use super::chain::{Chain, Codes, Step};
use super::mutants::Mutants;
use super::truncate::Truncated;

/// What a thread needs to take a slice through the chain.
#[derive(Debug)]
pub(crate) struct Workspace<R> {
    /// Sequences that there is room for.
    pub(crate) sequences: usize,
    /// Codes in the layout of value 0, unknown where it is padded, and a few beyond.
    pub(crate) codes: Vec<u8>,
    /// Rows of the tables that they index.
    pub(crate) index: Vec<u8>,
    /// Value i, the input of step i.
    pub(crate) values: Vec<Numbers<R>>,
    /// Gradient of value i, where it does not overwrite the value.
    pub(crate) gradients: Vec<Numbers<R>>,
    /// Dropout bits of step i, a sequence at a time.
    pub(crate) bits: Vec<Vec<u32>>,
    /// States of step i, where it is an LSTM.
    pub(crate) states: Vec<Option<LstmStates<R>>>,
    /// States of step i, where it is a self-attention.
    pub(crate) attention: Vec<Option<AttentionStates<R>>>,
    /// Gradient of the weights of step i by filter, where it is a convolution with a sparse gradient.
    pub(crate) by_filter: Vec<Numbers<R>>,
    /// Room to find the gradients of step i that are not zero, where they are few.
    pub(crate) nonzero: Vec<Option<Nonzero>>,
    /// Room for the numbers that a product does not skip.
    pub(crate) nonzeros: Nonzeros<R>,
    /// Room for the tiles of convolutions.
    pub(crate) tiles: Tiles<R>,
    /// Gathered gradient of the first step on codes.
    pub(crate) gathered: Numbers<R>,
    /// Where the maxima of a first convolution on codes are, if a global maximum is right after it.
    pub(crate) places: Vec<u32>,
    /// Room for truncated runs.
    pub(crate) truncated: Option<Truncated<R>>,
    /// Room for mutants; none before the first run that wants them.
    pub(crate) mutants: Option<Box<Mutants<R>>>,
}

impl<R: Real> Workspace<R> {
    /// Room for slices of so many sequences.
    pub(crate) fn new(chain: &Chain, slice: usize) -> Self {
        let rows = chain.layouts[0].lead + slice * chain.layouts[0].pitch;
        let peaks = chain.peaks().map_or(0, |tables| tables.filters);
        let gathered = match (&chain.codes, &chain.steps[0]) {
            (Codes::Tables(tables), _) if peaks > 0 => tables.width * CODES * peaks,
            (Codes::Tables(tables), _) => tables.size(),
            (Codes::Rows, Step::Lstm { kernel, .. }) => 5 * 8 * kernel.hidden,
            _ => 0,
        };
        let all_steps = std::iter::once(chain).chain(&chain.shortened).flat_map(|chain| &chain.steps);
        let convolutions = all_steps.clone().filter_map(|step| match step {
            Step::Convolve { kernel, .. } => Some(kernel),
            _ => None,
        });
        let gradient = |i: usize| if chain.in_place(i) { 0 } else { chain.layouts[i].size(slice) };
        Self {
            sequences: slice,
            codes: vec![UNKNOWN; rows + 2],
            index: vec![0; rows],
            values: chain.layouts.iter().map(|layout| zeros(layout.size(slice))).collect(),
            gradients: (0..chain.layouts.len()).map(|i| zeros(gradient(i))).collect(),
            bits: (0..chain.steps.len()).map(|i| vec![0; slice * bit_words(chain, i)]).collect(),
            states: chain.steps.iter().map(|step| states(step, slice)).collect(),
            attention: chain.steps.iter().map(|step| attention(step, slice)).collect(),
            by_filter: (0..chain.steps.len()).map(|i| zeros(sparse_weights(chain, i))).collect(),
            nonzero: (0..chain.steps.len()).map(|i| nonzero(chain, i)).collect(),
            nonzeros: Nonzeros::new(all_steps.clone().flat_map(|step| windows(step, slice))),
            tiles: Tiles::new(convolutions, slice),
            gathered: zeros(gathered),
            places: vec![0; slice * peaks],
            truncated: Truncated::new(chain, slice),
            mutants: None,
        }
    }
}

impl<R: Real> Workspace<R> {
    /// Forgets what was gathered.
    pub(crate) fn clear(&mut self) {
        self.gathered.fill(R::ZERO);
        self.by_filter.iter_mut().for_each(|weights| weights.fill(R::ZERO));
    }
}

/// Words of dropout bits that a sequence needs at a step: whole Philox blocks.
pub(crate) fn bit_words(chain: &Chain, step: usize) -> usize {
    match &chain.steps[step] {
        Step::Finish(finish) if finish.dropout.is_some() => chain.layouts[step + 1].count().div_ceil(128) * 4,
        _ => 0,
    }
}

/// Weights of step i, where it is a convolution with a sparse gradient.
fn sparse_weights(chain: &Chain, i: usize) -> usize {
    match &chain.steps[i] {
        Step::Convolve { weight, .. } if chain.sparse(i, true) => weight.len(),
        _ => 0,
    }
}

fn nonzero(chain: &Chain, i: usize) -> Option<Nonzero> {
    let layout = chain.layouts[i + 1];
    chain.sparse(i, true).then(|| Nonzero::new(layout.positions, layout.channels))
}

/// The windows that the products of a step read.
fn windows(step: &Step, slice: usize) -> Vec<Windows> {
    match step {
        Step::Convolve { kernel, .. } => vec![kernel.ahead(slice), kernel.back(slice)],
        Step::Lstm { kernel, .. } => vec![kernel.rows(slice)],
        Step::Attend { kernel, .. } => vec![kernel.input_rows(slice)],
        _ => Vec::new(),
    }
}

fn states<R: Real>(step: &Step, slice: usize) -> Option<LstmStates<R>> {
    match step {
        Step::Lstm { kernel, .. } => Some(kernel.states(slice)),
        _ => None,
    }
}

fn attention<R: Real>(step: &Step, slice: usize) -> Option<AttentionStates<R>> {
    match step {
        Step::Attend { kernel, .. } => Some(kernel.states(slice)),
        _ => None,
    }
}

/// Weights of one member, rearranged once a run and shared by its lanes.
#[derive(Debug)]
pub(crate) struct Prepared<R> {
    /// Tables of a first convolution on codes.
    pub(crate) tables: Numbers<R>,
    /// Weights of step i for the way forward, where it is a convolution of numbers, not codes.
    pub(crate) ahead: Vec<Numbers<R>>,
    /// The same at the points of its tiles, for evaluation.
    pub(crate) at_points: Vec<AtPoints<R>>,
    /// Weights by filter of a first convolution on codes, if a global maximum is right after it.
    pub(crate) by_filter: Numbers<R>,
    /// Weights of step i for the way back: of a convolution reversed, of a dense layer transposed.
    pub(crate) back: Vec<Numbers<R>>,
    /// Weights of step i, where it is an LSTM.
    pub(crate) lstm: Vec<Option<LstmWeights<R>>>,
    /// Weights of step i, where it is a self-attention.
    pub(crate) attention: Vec<Option<AttentionWeights<R>>>,
    /// Statistics of step i, where it is a batch normalisation.
    pub(crate) statistics: Vec<Option<Statistics<R>>>,
    /// One over the sum of the member's row weights.
    pub(crate) weight_scale: f64,
}

impl<R: Real> Prepared<R> {
    /// Room for one member.
    pub(crate) fn new(chain: &Chain) -> Self {
        let tables = match chain.codes {
            Codes::Tables(tables) => tables.size(),
            _ => 0,
        };
        let by_filter = chain.peaks().map_or(0, |tables| tables.width * CODES * tables.filters);
        let ahead = |step: &Step| match step {
            Step::Convolve { weight, .. } => zeros(weight.len()),
            _ => zeros(0),
        };
        let at_points = |(i, step): (usize, &Step)| match step {
            Step::Convolve { kernel, .. } if i > 0 => AtPoints::new(Some(kernel)),
            _ => AtPoints::new(None),
        };
        let back = |step: &Step| match step {
            Step::Convolve { weight, .. } | Step::Dense { weight, .. } => zeros(weight.len()),
            _ => zeros(0),
        };
        let lstm = |step: &Step| match step {
            Step::Lstm { kernel, .. } => Some(kernel.weights()),
            _ => None,
        };
        let attention = |step: &Step| match step {
            Step::Attend { kernel, .. } => Some(kernel.weights()),
            _ => None,
        };
        Self {
            tables: zeros(tables),
            by_filter: zeros(by_filter),
            ahead: chain.steps.iter().map(ahead).collect(),
            at_points: chain.steps.iter().enumerate().map(at_points).collect(),
            back: chain.steps.iter().map(back).collect(),
            lstm: chain.steps.iter().map(lstm).collect(),
            attention: chain.steps.iter().map(attention).collect(),
            statistics: (0..chain.steps.len()).map(|i| statistics(chain, i)).collect(),
            weight_scale: 0.0,
        }
    }

    /// Rearranges the weights of a member: for look-up of codes, for the way ahead, and for the way back.
    #[inline(always)]
    pub(crate) fn fill(&mut self, chain: &Chain, weights: &[R], codes: bool, backward: bool) {
        for (i, step) in chain.steps.iter().enumerate() {
            match step {
                Step::Convolve { kernel, weight } => {
                    if let (0, true, Codes::Tables(tables)) = (i, codes, chain.codes) {
                        tables.build(&weights[weight.clone()], &mut self.tables);
                    } else {
                        kernel.pack(&weights[weight.clone()], &mut self.ahead[i]);
                    }
                    self.at_points[i].forget();
                    if backward && codes && i == 0 && chain.peaks().is_some() {
                        spread_by_filter(&weights[weight.clone()], kernel.filters, &mut self.by_filter);
                    } else if backward {
                        kernel.reverse(&weights[weight.clone()], &mut self.back[i]);
                    }
                }
                Step::Lstm { kernel, directions } => {
                    let Some(prepared) = &mut self.lstm[i] else { continue };
                    for (direction, ranges) in directions.iter().enumerate() {
                        let part = |range: &std::ops::Range<usize>| &weights[range.clone()];
                        let parts = (part(&ranges.input), part(&ranges.recurrent), part(&ranges.bias));
                        kernel.prepare(direction, parts, prepared);
                    }
                    kernel.arrange(prepared, backward);
                }
                Step::Attend { kernel, maps: [inputs @ .., output] } => {
                    let Some(prepared) = &mut self.attention[i] else { continue };
                    for (part, map) in inputs.iter().enumerate() {
                        let parts = (&weights[map.weight.clone()], &weights[map.bias.clone()]);
                        kernel.prepare(part, parts, prepared);
                    }
                    kernel.arrange(&weights[output.weight.clone()], prepared, backward);
                }
                Step::Normalise(step) => {
                    let (mean, variance) = (&weights[step.mean.clone()], &weights[step.variance.clone()]);
                    if let Some(statistics) = &mut self.statistics[i] {
                        statistics.fill(mean, variance, step.epsilon);
                    }
                }
                Step::Dense { outputs, weight, .. } if backward => {
                    transpose(&weights[weight.clone()], *outputs, &mut self.back[i], |to, from| *to = from);
                }
                Step::Dense { .. } | Step::Finish(_) | Step::GlobalMax | Step::Mean => {}
            }
        }
    }
}

fn statistics<R: Real>(chain: &Chain, i: usize) -> Option<Statistics<R>> {
    match &chain.steps[i] {
        Step::Normalise(_) => Some(Statistics::new(chain.layouts[i].channels)),
        _ => None,
    }
}

/// What a lane hands back.
#[derive(Debug)]
pub(crate) struct Lane<R> {
    /// Gradient of the parameters, summed over its sequences.
    pub(crate) gradient: Numbers<R>,
    /// Logits of its sequences.
    pub(crate) logits: Numbers<R>,
    /// Input gradient of its sequences: `(l)` or `(l, 4)` each.
    pub(crate) input: Numbers<R>,
    /// Logits of the prefixes and of the suffixes of its sequences.
    pub(crate) truncated: [Numbers<R>; 2],
    /// Logits of the mutants of its sequences; none before the first run that wants them.
    pub(crate) mutants: Numbers<R>,
    /// Its part of the loss.
    pub(crate) loss: f64,
    /// Two sums of each channel of a batch normalisation.
    pub(crate) sums: Vec<f64>,
}

impl<R: Real> Lane<R> {
    /// Room for a lane of so many sequences.
    pub(crate) fn new(chain: &Chain, rows: usize) -> Self {
        let truncated = match chain.truncation() {
            Some(_) => rows * chain.length * chain.outputs,
            None => 0,
        };
        Self {
            gradient: zeros(chain.parameters),
            logits: zeros(rows * chain.outputs),
            input: zeros(rows * chain.length * 4),
            truncated: [zeros(truncated), zeros(truncated)],
            mutants: zeros(0),
            loss: 0.0,
            sums: vec![0.0; widest_normalisation(chain) * 2],
        }
    }
}

/// Channels of the widest batch normalisation.
fn widest_normalisation(chain: &Chain) -> usize {
    chain.normalisations().map(|(i, _)| chain.layouts[i].channels).max().unwrap_or(0)
}
