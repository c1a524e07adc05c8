//! A network as the steps that a device walks. Layers become a step each, but for what follows a linear
//! map: bias, pool, activation and dropout are one.
//!
//! Values are compact, (n, l, c). A dense layer is a convolution of width one over one position.

use std::ops::Range;

use crate::plan::truncate::{JOINED, NO_MEAN};
use crate::{Activation, Error, Layer, Network, Padding, Result};

/// Shared memory that tables of a first convolution may take: what every device gives without asking.
const TABLES: usize = 48 << 10;

/// A convolution from (l, c) to (positions, filters).
#[derive(Debug, Clone)]
pub(crate) struct Convolve {
    pub(crate) width: usize,
    pub(crate) inputs: usize,
    pub(crate) filters: usize,
    /// Positions of the input.
    pub(crate) length: usize,
    /// Positions of the output.
    pub(crate) positions: usize,
    /// Zeros before the first position.
    pub(crate) lead: usize,
    /// Place of the weights in a member's parameters.
    pub(crate) weight: usize,
}

impl Convolve {
    /// Numbers in a window.
    pub(crate) fn depth(&self) -> usize {
        self.width * self.inputs
    }
}

/// An LSTM from (l, c) to (l, 2 hidden).
#[derive(Debug, Clone)]
pub(crate) struct Lstm {
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    pub(crate) length: usize,
    /// Places of input weights, recurrent weights and bias, of both directions.
    pub(crate) places: [usize; 6],
}

/// What follows a linear map: pool, bias, activation, dropout.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    pub(crate) positions: usize,
    pub(crate) channels: usize,
    pub(crate) bias: Option<usize>,
    pub(crate) pool: usize,
    pub(crate) function: Activation,
    /// Index of the layer, and rate.
    pub(crate) dropout: Option<(usize, f32)>,
    activated: bool,
}

impl Finish {
    fn new((positions, channels): (usize, usize), bias: Option<usize>) -> Self {
        let function = Activation::Linear;
        Self { positions, channels, bias, pool: 1, function, dropout: None, activated: false }
    }

    /// Positions it gives.
    pub(crate) fn windows(&self) -> usize {
        self.positions / self.pool
    }

    /// Words of dropout bits of a sequence: whole Philox blocks.
    pub(crate) fn words(&self) -> usize {
        match self.dropout {
            Some(_) => (self.windows() * self.channels).div_ceil(128) * 4,
            None => 0,
        }
    }
}

/// A batch normalisation of (l, c).
#[derive(Debug, Clone)]
pub(crate) struct Normalise {
    pub(crate) positions: usize,
    pub(crate) channels: usize,
    /// Places of scale, shift, running mean and running variance.
    pub(crate) places: [usize; 4],
    pub(crate) epsilon: f32,
    pub(crate) momentum: f32,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Convolve(Convolve),
    Lstm(Lstm),
    Finish(Finish),
    Normalise(Normalise),
    GlobalMax { positions: usize, channels: usize },
    Mean { positions: usize, channels: usize },
}

/// How the first step takes codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codes {
    /// By look-up of weights, it being a convolution or an LSTM.
    LookUp,
    /// From one-hot numbers.
    OneHot,
}

/// The steps of a network.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    pub(crate) list: Vec<Step>,
    /// Numbers a sequence has before each step, and after the last.
    pub(crate) counts: Vec<usize>,
    pub(crate) codes: Codes,
    pub(crate) length: usize,
    pub(crate) outputs: usize,
    pub(crate) parameters: usize,
}

impl Steps {
    /// Compiles a network.
    ///
    /// # Errors
    /// A layer that there are no kernels for.
    pub(crate) fn new(network: &Network) -> Result<Self> {
        let mut list = Vec::new();
        let mut shape = (network.length(), 4);
        for (index, layer) in network.layers().iter().enumerate() {
            push(&mut list, &Places { network, layer: index }, layer, shape)?;
            shape = network.shape_after(index);
        }
        let mut counts = vec![network.length() * 4];
        counts.extend(list.iter().map(outputs_of));
        let codes = match &list[0] {
            Step::Convolve(step) if step.inputs == 4 && step.width * 5 * 32 * 4 <= TABLES => Codes::LookUp,
            Step::Lstm(_) => Codes::LookUp,
            _ => Codes::OneHot,
        };
        let (length, outputs) = (network.length(), network.outputs());
        Ok(Self { list, counts, codes, length, outputs, parameters: network.parameter_count() })
    }

    /// Whether the gradient of value i overwrites the value: it is the output of a linear map, which its
    /// own way back does not need.
    pub(crate) fn in_place(&self, value: usize) -> bool {
        let linear = value > 0 && matches!(self.list[value - 1], Step::Convolve(_));
        linear && matches!(self.list.get(value), Some(Step::Finish(_) | Step::Normalise(_)))
    }

    /// Its batch normalisations, with their steps.
    pub(crate) fn normalisations(&self) -> impl Iterator<Item = (usize, &Normalise)> {
        self.list.iter().enumerate().filter_map(|(i, step)| match step {
            Step::Normalise(step) => Some((i, step)),
            _ => None,
        })
    }

    /// The step of the last LSTM and that of the mean over time after it, where nothing but dropout stands
    /// between them.
    pub(crate) fn truncation(&self) -> Option<(usize, usize)> {
        let lstm = self.list.iter().rposition(|step| matches!(step, Step::Lstm(_)))?;
        let mut next = lstm + 1;
        while let Some(Step::Finish(finish)) = self.list.get(next) {
            if finish.pool != 1 || finish.function != Activation::Linear {
                return None;
            }
            next += 1;
        }
        matches!(self.list.get(next), Some(Step::Mean { .. })).then_some((lstm, next))
    }

    /// Why there are no truncations, if there are none.
    pub(crate) fn no_truncation(&self) -> Option<&'static str> {
        match self.truncation().map(|(step, _)| &self.list[step]) {
            None => Some(NO_MEAN),
            Some(Step::Lstm(lstm)) if lstm.length != self.length => Some(JOINED),
            Some(_) => None,
        }
    }
}

/// Filters whose tables a block of a first convolution holds together.
pub(crate) fn table_filters(step: &Convolve) -> usize {
    let fits = |filters: &usize| step.width * 5 * filters * 4 <= TABLES && *filters < 2 * step.filters;
    [128, 64].into_iter().find(fits).unwrap_or(32)
}

fn outputs_of(step: &Step) -> usize {
    match step {
        Step::Convolve(step) => step.positions * step.filters,
        Step::Lstm(step) => step.length * 2 * step.hidden,
        Step::Finish(step) => step.windows() * step.channels,
        Step::Normalise(step) => step.positions * step.channels,
        Step::GlobalMax { channels, .. } | Step::Mean { channels, .. } => *channels,
    }
}

/// The parameters of one layer, by name.
struct Places<'a> {
    network: &'a Network,
    layer: usize,
}

impl Places<'_> {
    fn range(&self, name: &str) -> Option<Range<usize>> {
        let wanted = format!("layer{}.{name}", self.layer);
        let spec = self.network.parameters().iter().find(|spec| spec.name == wanted)?;
        Some(spec.offset..spec.offset + spec.len())
    }

    fn get(&self, name: &str) -> usize {
        self.range(name).map_or(0, |range| range.start)
    }
}

/// Appends the step of a layer that takes `(l, c)`, or adds it to the last step.
fn push(list: &mut Vec<Step>, places: &Places, layer: &Layer, (l, c): (usize, usize)) -> Result<()> {
    let bias = places.range("bias").map(|range| range.start);
    let weight = places.get("weight");
    match *layer {
        Layer::Convolution { filters, width, padding } => {
            let (positions, lead) = match padding {
                Padding::Same => (l, (width - 1) / 2),
                Padding::Valid => (l - width + 1, 0),
            };
            let step = Convolve { width, inputs: c, filters, length: l, positions, lead, weight };
            list.push(Step::Convolve(step));
            list.extend(bias.map(|bias| Step::Finish(Finish::new((positions, filters), Some(bias)))));
        }
        Layer::Dense { outputs } => {
            let (inputs, filters) = (l * c, outputs);
            let step = Convolve { width: 1, inputs, filters, length: 1, positions: 1, lead: 0, weight };
            list.push(Step::Convolve(step));
            list.extend(bias.map(|bias| Step::Finish(Finish::new((1, outputs), Some(bias)))));
        }
        Layer::BatchNormalisation { epsilon, momentum } => {
            let places = ["scale", "shift", "running_mean", "running_variance"].map(|name| places.get(name));
            list.push(Step::Normalise(Normalise { positions: l, channels: c, places, epsilon, momentum }));
        }
        Layer::BidirectionalLstm { hidden } => {
            let names = [
                "forward.input_weight",
                "forward.recurrent_weight",
                "forward.bias",
                "backward.input_weight",
                "backward.recurrent_weight",
                "backward.bias",
            ];
            let places = names.map(|name| places.get(name));
            list.push(Step::Lstm(Lstm { inputs: c, hidden, length: l, places }));
        }
        Layer::SelfAttention { .. } => {
            return Err(Error::LayerOnDevice { layer: places.layer, description: layer.to_string() });
        }
        Layer::GlobalMaxPool => list.push(Step::GlobalMax { positions: l, channels: c }),
        Layer::MeanOverTime => list.push(Step::Mean { positions: l, channels: c }),
        Layer::Activation { function } => {
            let last = open(list, (l, c), |last| !last.activated);
            last.function = function;
            last.activated = true;
        }
        Layer::MaxPool { width } => open(list, (l, c), |last| last.pool == 1).pool = width,
        Layer::Dropout { rate } => {
            open(list, (l, c), |_| true).dropout = (rate > 0.0).then_some((places.layer, rate));
        }
    }
    Ok(())
}

/// The last step, if it is a finish without dropout that takes one thing more; else a new one.
fn open(list: &mut Vec<Step>, shape: (usize, usize), takes: impl Fn(&Finish) -> bool) -> &mut Finish {
    let free = matches!(list.last(), Some(Step::Finish(last)) if last.dropout.is_none() && takes(last));
    if !free {
        list.push(Step::Finish(Finish::new(shape, None)));
    }
    match list.last_mut() {
        Some(Step::Finish(last)) => last,
        _ => unreachable!("a finish was just pushed"),
    }
}
