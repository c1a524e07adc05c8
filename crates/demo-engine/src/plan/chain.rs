//! A network as the steps that a plan walks: each linear map, what follows it in one pass, reductions.
//!
//! Value i is the input of step i, and its layout is what that step asks for; so no step copies its
//! input into another layout first.

use std::ops::Range;

use crate::kernels::plain::Layout;
use crate::kernels::plain::attention::Attention;
use crate::kernels::plain::convolution::Convolution;
use crate::kernels::plain::embedding::Tables;
use crate::kernels::plain::lstm::Lstm;
use crate::{Activation, Layer, Network, Padding};

use super::truncate::{JOINED, NO_MEAN};

/// Where the parameters of one direction of an LSTM lie within a member's.
#[derive(Debug, Clone)]
pub(crate) struct DirectionRanges {
    pub(crate) input: Range<usize>,
    pub(crate) recurrent: Range<usize>,
    pub(crate) bias: Range<usize>,
}

/// Where the parameters of a linear map lie within a member's.
#[derive(Debug, Clone)]
pub(crate) struct MapRanges {
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
}

/// What follows a linear map: bias, pool, activation, dropout.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    pub(crate) bias: Option<Range<usize>>,
    pub(crate) pool: usize,
    pub(crate) function: Activation,
    /// Index of the layer, and rate.
    pub(crate) dropout: Option<(usize, f32)>,
    /// Whether an activation layer is in it already.
    activated: bool,
}

impl Finish {
    fn new(bias: Option<Range<usize>>) -> Self {
        Self { bias, pool: 1, function: Activation::Linear, dropout: None, activated: false }
    }
}

/// Where the parameters of a batch normalisation lie within a member's.
#[derive(Debug, Clone)]
pub(crate) struct Normalise {
    pub(crate) scale: Range<usize>,
    pub(crate) shift: Range<usize>,
    pub(crate) mean: Range<usize>,
    pub(crate) variance: Range<usize>,
    pub(crate) epsilon: f32,
    pub(crate) momentum: f32,
}

/// One step of a plan.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Convolve {
        kernel: Convolution,
        weight: Range<usize>,
    },
    Lstm {
        kernel: Lstm,
        directions: [DirectionRanges; 2],
    },
    /// The maps to queries, keys, values and to the output.
    Attend {
        kernel: Attention,
        maps: [MapRanges; 4],
    },
    Dense {
        inputs: usize,
        outputs: usize,
        weight: Range<usize>,
    },
    Finish(Finish),
    Normalise(Normalise),
    GlobalMax,
    Mean,
}

/// How the first step takes codes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Codes {
    /// A convolution, by look-up in tables.
    Tables(Tables),
    /// An LSTM, by look-up of rows of its input weights.
    Rows,
    /// Any other step, from one-hot numbers.
    OneHot,
}

/// The steps of a network and the layouts of the values between them.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) steps: Vec<Step>,
    pub(crate) layouts: Vec<Layout>,
    pub(crate) codes: Codes,
    pub(crate) length: usize,
    pub(crate) outputs: usize,
    pub(crate) parameters: usize,
    /// Where a self-attention stands before the LSTM of a truncation: the chain for each number of
    /// positions, from one on, that may reach it. None where some layer up to the mean cannot be cut short.
    pub(crate) shortened: Vec<Self>,
}

impl Chain {
    /// Compiles a network; `batch` sequences a run decide whether larger tables pay.
    pub(crate) fn new(network: &Network, batch: usize) -> Self {
        let mut steps = Vec::new();
        let mut shape = (network.length(), 4);
        // The shape after each step; the last step's may still shrink by a pool.
        let mut shapes = vec![shape];
        for (index, layer) in network.layers().iter().enumerate() {
            let ranges = Ranges { network, layer: index };
            push(&mut steps, &ranges, layer, shape);
            shape = network.shape_after(index);
            shapes.resize(steps.len() + 1, shape);
            if let Some(last) = shapes.last_mut() {
                *last = shape;
            }
            if let [.., Step::GlobalMax, Step::Finish(_)] = steps[..] {
                shapes[steps.len() - 1] = shape;
            }
        }
        restore_linear_shapes(&steps, &mut shapes);
        let layouts = (0..shapes.len()).map(|i| layout(&steps, &shapes, i)).collect::<Vec<_>>();
        let codes = match &steps[0] {
            Step::Convolve { kernel, .. } => Codes::Tables(tables(kernel, batch)),
            Step::Lstm { .. } => Codes::Rows,
            _ => Codes::OneHot,
        };
        let mut chain = Self {
            steps,
            layouts,
            codes,
            length: network.length(),
            outputs: network.outputs(),
            parameters: network.parameter_count(),
            shortened: Vec::new(),
        };
        if let (Some((_, mean)), Some(at)) = (chain.truncation(), chain.truncated_attention()) {
            let positions = 1..=chain.layouts[at].positions;
            let shortened = positions.map(|positions| chain.to_shortened(at..mean, positions));
            chain.shortened = shortened.collect::<Option<_>>().unwrap_or_default();
        }
        chain
    }

    /// The same for fewer positions at some steps, which must keep them all; none where one does not.
    fn to_shortened(&self, cut: Range<usize>, positions: usize) -> Option<Self> {
        let mut short = self.clone();
        let mut shapes: Vec<_> = self.layouts.iter().map(|x| (x.positions, x.channels)).collect();
        if self.layouts[cut.start].positions != self.length {
            return None;
        }
        for i in cut.clone() {
            match &mut short.steps[i] {
                Step::Attend { kernel, .. } => kernel.positions = positions,
                Step::Lstm { kernel, .. } => kernel.positions = positions,
                Step::Convolve { kernel, .. } if kernel.output().positions == self.length => {
                    kernel.pitch = positions + kernel.width - 1;
                }
                Step::Finish(finish) if finish.pool == 1 => {}
                Step::Normalise(_) => {}
                _ => return None,
            }
        }
        shapes[cut.start..=cut.end].iter_mut().for_each(|shape| shape.0 = positions);
        for i in cut.start..=cut.end {
            short.layouts[i] = layout(&short.steps, &shapes, i);
        }
        Some(short)
    }

    /// Whether the gradient of value i overwrites the value: it is the output of a linear map or of a
    /// self-attention, which its own backward pass does not need.
    pub(crate) fn in_place(&self, value: usize) -> bool {
        let linear = value > 0
            && matches!(
                self.steps[value - 1],
                Step::Convolve { .. } | Step::Dense { .. } | Step::Lstm { .. } | Step::Attend { .. }
            );
        linear && matches!(self.steps.get(value), Some(Step::Finish(_) | Step::Normalise(_)))
    }

    /// Its batch normalisations, with their steps.
    pub(crate) fn normalisations(&self) -> impl DoubleEndedIterator<Item = (usize, &Normalise)> {
        self.steps.iter().enumerate().filter_map(|(i, step)| match step {
            Step::Normalise(normalise) => Some((i, normalise)),
            _ => None,
        })
    }

    /// Whether the output of the convolution at step i has few gradients that are not zero: a global
    /// maximum follows it, or, in training, where dropout thins them more, that of a pool.
    pub(crate) fn sparse(&self, i: usize, train: bool) -> bool {
        let convolves = matches!(self.steps[i], Step::Convolve { .. });
        let pooled = matches!(self.steps.get(i + 1), Some(Step::Finish(finish)) if finish.pool > 1);
        let maximum = |i: usize| matches!(self.steps.get(i), Some(Step::GlobalMax));
        convolves && (train && pooled || maximum(i + 1) || maximum(i + 2))
    }

    /// Whether the chain begins with a convolution, on codes looked up, and a global maximum right after
    /// it: both are then one step, and the convolution's output is nowhere.
    pub(crate) fn peaks(&self) -> Option<Tables> {
        match (self.codes, &self.steps[..]) {
            (Codes::Tables(tables), [Step::Convolve { .. }, Step::GlobalMax, ..]) => Some(tables),
            _ => None,
        }
    }

    /// The first self-attention, if it stands before the LSTM of [`Self::truncation`]: of its columns, not
    /// of the LSTM's, truncations are made, since each of the latter has seen all of the former.
    pub(crate) fn truncated_attention(&self) -> Option<usize> {
        let (lstm, _) = self.truncation()?;
        self.steps[..lstm].iter().position(|step| matches!(step, Step::Attend { .. }))
    }

    /// Why there are no truncations, if there are none.
    pub(crate) fn no_truncation(&self) -> Option<&'static str> {
        let joined = |step: usize| match &self.steps[step] {
            Step::Lstm { kernel, .. } => kernel.positions != self.length,
            _ => false,
        };
        match (self.truncation(), self.truncated_attention()) {
            (None, _) => Some(NO_MEAN),
            (Some((lstm, _)), None) if joined(lstm) => Some(JOINED),
            (_, Some(_)) if self.shortened.is_empty() => Some(
                "a layer pools or joins positions between the input and the LSTM behind a self-attention",
            ),
            _ => None,
        }
    }

    /// The step of the LSTM and that of the mean over time after it, where nothing but dropout stands
    /// between them and nothing after the mean is another LSTM.
    pub(crate) fn truncation(&self) -> Option<(usize, usize)> {
        let lstm = self.steps.iter().rposition(|step| matches!(step, Step::Lstm { .. }))?;
        let mut next = lstm + 1;
        while let Some(Step::Finish(finish)) = self.steps.get(next) {
            if finish.pool != 1 || finish.function != Activation::Linear {
                return None;
            }
            next += 1;
        }
        matches!(self.steps.get(next), Some(Step::Mean)).then_some((lstm, next))
    }
}

/// The parameters of one layer, by name.
struct Ranges<'a> {
    network: &'a Network,
    layer: usize,
}

impl Ranges<'_> {
    fn get(&self, name: &str) -> Range<usize> {
        let wanted = format!("layer{}.{name}", self.layer);
        let spec = self.network.parameters().iter().find(|spec| spec.name == wanted);
        spec.map_or(0..0, |spec| spec.offset..spec.offset + spec.len())
    }

    /// What follows a linear map, unless a batch normalisation does, whose shift is the bias.
    fn bias(&self) -> Option<Step> {
        let bias = self.get("bias");
        (!bias.is_empty()).then(|| Step::Finish(Finish::new(Some(bias))))
    }

    fn map(&self, name: &str) -> MapRanges {
        MapRanges { weight: self.get(&format!("{name}.weight")), bias: self.get(&format!("{name}.bias")) }
    }

    fn direction(&self, name: &str) -> DirectionRanges {
        DirectionRanges {
            input: self.get(&format!("{name}.input_weight")),
            recurrent: self.get(&format!("{name}.recurrent_weight")),
            bias: self.get(&format!("{name}.bias")),
        }
    }
}

/// Appends the steps of a layer that takes `(l, c)`, or adds it to the last step.
fn push(steps: &mut Vec<Step>, ranges: &Ranges, layer: &Layer, (l, c): (usize, usize)) {
    match *layer {
        Layer::Convolution { filters, width, padding } => {
            let pitch = if padding == Padding::Same { l + width - 1 } else { l };
            let kernel = Convolution { width, inputs: c, filters, pitch };
            steps.push(Step::Convolve { kernel, weight: ranges.get("weight") });
            steps.extend(ranges.bias());
        }
        Layer::Dense { outputs } => {
            steps.push(Step::Dense { inputs: l * c, outputs, weight: ranges.get("weight") });
            steps.extend(ranges.bias());
        }
        Layer::BatchNormalisation { epsilon, momentum } => steps.push(Step::Normalise(Normalise {
            scale: ranges.get("scale"),
            shift: ranges.get("shift"),
            mean: ranges.get("running_mean"),
            variance: ranges.get("running_variance"),
            epsilon,
            momentum,
        })),
        Layer::BidirectionalLstm { hidden } => steps.push(Step::Lstm {
            kernel: Lstm { inputs: c, hidden, positions: l },
            directions: [ranges.direction("forward"), ranges.direction("backward")],
        }),
        Layer::SelfAttention { heads, size } => steps.push(Step::Attend {
            kernel: Attention { inputs: c, heads, size, positions: l },
            maps: ["query", "key", "value", "output"].map(|name| ranges.map(name)),
        }),
        Layer::GlobalMaxPool => {
            // Activations rise, and so does adding a bias: the maximum may come first, which leaves them
            // one position. Dropout may not be passed.
            let passed =
                matches!(steps.last(), Some(Step::Finish(last)) if last.pool == 1 && last.dropout.is_none());
            steps.insert(steps.len() - usize::from(passed), Step::GlobalMax);
        }
        Layer::MeanOverTime => steps.push(Step::Mean),
        Layer::Activation { function } => {
            let last = open(steps, |last| !last.activated);
            last.function = function;
            last.activated = true;
        }
        Layer::MaxPool { width } => open(steps, |last| last.pool == 1).pool = width,
        Layer::Dropout { rate } => {
            let last = open(steps, |_| true);
            last.dropout = (rate > 0.0).then_some((ranges.layer, rate));
        }
    }
}

/// The last step, if it is a finish without dropout that takes one thing more; else a new one.
fn open(steps: &mut Vec<Step>, takes: impl Fn(&Finish) -> bool) -> &mut Finish {
    let free = matches!(steps.last(), Some(Step::Finish(last)) if last.dropout.is_none() && takes(last));
    if !free {
        steps.push(Step::Finish(Finish::new(None)));
    }
    match steps.last_mut() {
        Some(Step::Finish(last)) => last,
        _ => unreachable!("a finish was just pushed"),
    }
}

/// Layers were merged into the finish after a linear map; the map's own output has the shape that the
/// map gives.
fn restore_linear_shapes(steps: &[Step], shapes: &mut [(usize, usize)]) {
    for (i, step) in steps.iter().enumerate() {
        match step {
            Step::Convolve { kernel, .. } => {
                shapes[i + 1] = (kernel.output().positions, kernel.filters);
            }
            Step::Dense { outputs, .. } => shapes[i + 1] = (1, *outputs),
            _ => {}
        }
    }
}

/// The layout of value i: that of the convolution that gives it, else what the step that takes it wants.
fn layout(steps: &[Step], shapes: &[(usize, usize)], i: usize) -> Layout {
    let (positions, channels) = shapes[i];
    if let Some(Step::Convolve { kernel, .. }) = i.checked_sub(1).map(|before| &steps[before]) {
        return kernel.output();
    }
    let compact = Layout::compact(positions, channels);
    match steps.get(i) {
        Some(Step::Convolve { kernel, .. }) => {
            Layout { lead: (kernel.pitch - positions) / 2, pitch: kernel.pitch, ..compact }
        }
        Some(Step::Lstm { kernel, .. }) => Layout { pitch: kernel.pitch(), ..compact },
        _ => compact,
    }
}

/// Tables of three bases where a batch of look-ups saves more rows than building them adds.
fn tables(kernel: &Convolution, batch: usize) -> Tables {
    let of = |order| Tables { width: kernel.width, filters: kernel.filters, order };
    let (large, small) = (of(3), of(1));
    let saved = batch * kernel.output().positions * (small.count() - large.count());
    if saved > 3 * large.count() * large.rows() { large } else { small }
}
