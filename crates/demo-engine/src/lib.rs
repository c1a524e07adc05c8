//! Computes: layers, losses and the optimiser for banks of small sequence networks, with
//! hand-written gradients.
#![allow(missing_docs, unused_variables, dead_code, clippy::all, clippy::pedantic)]

pub use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    Relu,
    Exponential,
    Sigmoid,
    Tanh,
    Softplus,
    Linear,
    Elu,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    Valid,
    Same,
}

/// Serde data; `Network::new` checks a chain of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "kebab-case")]
pub enum Layer {
    Convolution {
        filters: usize,
        width: usize,
        padding: Padding,
    },
    Activation {
        function: Activation,
    },
    MaxPool {
        width: usize,
    },
    Dropout {
        rate: f32,
    },
    GlobalMaxPool,
    /// (l, c) -> (l, 2 hidden): forward states, then backward states, at each position.
    BidirectionalLstm {
        hidden: usize,
    },
    MeanOverTime,
    Dense {
        outputs: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    layers: Vec<Layer>,
    length: usize,
    channels: usize,
}
impl Network {
    /// A chain over one-hot DNA (length, 4).
    pub fn new(length: usize, layers: Vec<Layer>) -> Result<Self> {
        todo!()
    }
    pub fn layers(&self) -> &[Layer] {
        todo!()
    }
    pub fn length(&self) -> usize {
        todo!()
    }
    /// (positions, channels) after layer i; positions is 1 after a reduction over positions.
    pub fn shape_after(&self, layer: usize) -> (usize, usize) {
        todo!()
    }
    /// Numbers a sequence gives: positions x channels after the last layer.
    pub fn outputs(&self) -> usize {
        todo!()
    }
    pub fn parameters(&self) -> &[ParameterSpec] {
        todo!()
    }
    pub fn parameter_count(&self) -> usize {
        todo!()
    }
    /// The first `layers` layers as a network of their own (filter activations of a first layer).
    pub fn to_prefix(&self, layers: usize) -> Result<Self> {
        todo!()
    }
}

/// Names are the checkpoint format: "0.weight" style names "layer<index>.weight", ".bias",
/// ".forward.input_weight", ".forward.recurrent_weight", ".forward.bias", ".backward...".
/// Shapes: convolution weight (width, c_in, filters); dense (c_in, outputs);
/// LSTM input_weight (c_in, 4h), recurrent_weight (h, 4h), bias (4h), gates i, f, g, o.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSpec {
    pub name: String,
    pub layer: usize,
    pub shape: Vec<usize>,
    pub offset: usize,
}

/// Owns a candle storage; becomes a Tensor uncopied.
#[derive(Debug, Clone)]
pub struct Buffer {}
impl Buffer {
    pub fn zeros(shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        todo!()
    }
    pub fn from_f32(values: &[f32], shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        todo!()
    }
    pub fn from_f64(values: &[f64], shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        todo!()
    }
    pub fn shape(&self) -> &[usize] {
        todo!()
    }
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        todo!()
    }
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        todo!()
    }
    pub fn as_f32(&self) -> Option<&[f32]> {
        todo!()
    }
    pub fn as_f32_mut(&mut self) -> Option<&mut [f32]> {
        todo!()
    }
    pub fn as_f64_mut(&mut self) -> Option<&mut [f64]> {
        todo!()
    }
    pub fn into_tensor(self) -> candle_core::Tensor {
        todo!()
    }
}

/// All parameters of all members: one (m, p) buffer.
#[derive(Debug, Clone)]
pub struct Params {}
impl Params {
    pub fn zeros(network: &Network, members: usize, dtype: DType, device: &Device) -> Result<Self> {
        todo!()
    }
    pub fn members(&self) -> usize {
        todo!()
    }
    pub fn specs(&self) -> &[ParameterSpec] {
        todo!()
    }
    pub fn get(&self, member: usize, name: &str) -> Result<Vec<f32>> {
        todo!()
    }
    pub fn set(&mut self, member: usize, name: &str, values: &[f32]) -> Result<()> {
        todo!()
    }
    pub fn buffer(&self) -> &Buffer {
        todo!()
    }
    pub fn buffer_mut(&mut self) -> &mut Buffer {
        todo!()
    }
    /// The parameters of one member, as a bank of one.
    pub fn to_member(&self, member: usize) -> Result<Self> {
        todo!()
    }
}

/// Codes (count, length) resident on the device: A C G T = 0-3, unknown = 4.
#[derive(Debug, Clone)]
pub struct CodeStore {}
impl CodeStore {
    pub fn new(codes: &[u8], length: usize, device: &Device) -> Result<Self> {
        todo!()
    }
    pub fn len(&self) -> usize {
        todo!()
    }
    pub fn length(&self) -> usize {
        todo!()
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Row numbers (m, n) into the store.
    Rows { store: &'a CodeStore, rows: &'a [u32] },
    /// (m, n, l, 4)
    Soft(&'a Buffer),
}
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    pub input: Input<'a>,
    /// n, at most the plan's batch.
    pub size: usize,
    /// (m, n); needed by a loss only.
    pub labels: Option<&'a [u8]>,
    /// (m, n) f32; none is 1 each; a row of weight 0 takes no part.
    pub weights: Option<&'a [f32]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Loss {
    /// Softmax cross-entropy, sum of weight x NLL over the sum of weights, a member at a time.
    CrossEntropy,
}
#[derive(Debug, Clone, Copy)]
pub enum Objective<'a> {
    Loss(&'a Loss),
    Logit(usize),
    /// (m, n, outputs)
    Cotangent(&'a Buffer),
}
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// Dropout on; one seed a member.
    Train {
        step: u64,
        seeds: &'a [u64],
    },
    Evaluate,
}
#[derive(Debug)]
pub enum InputGradient<'a> {
    /// (m, n, l)
    Observed(&'a mut Buffer),
    /// (m, n, l, 4)
    Bases(&'a mut Buffer),
}
#[derive(Debug)]
pub enum Task<'a> {
    Predict,
    Gradient {
        of: Objective<'a>,
        mode: Mode<'a>,
        params: Option<&'a mut Buffer>,
        input: Option<InputGradient<'a>>,
    },
    /// Logits of each prefix x[..=i] and each suffix x[i..], each (m, n, l, outputs); networks with an
    /// LSTM only. Columns before the LSTM are computed on the whole sequence and truncated.
    Truncations {
        prefixes: &'a mut Buffer,
        suffixes: &'a mut Buffer,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BankShape {
    pub members: usize,
    pub batch: usize,
}

#[derive(Debug)]
pub struct Plan {}
impl Plan {
    pub fn new(network: &Network, shape: BankShape, dtype: DType, device: &Device) -> Result<Self> {
        todo!()
    }
    /// logits (m, batch, outputs): rows beyond `batch.size` are left alone.
    pub fn run(&mut self, params: &Params, batch: &Batch, task: Task, logits: &mut Buffer) -> Result<()> {
        todo!()
    }
    /// The loss of each member in the last `Gradient` of a loss.
    pub fn losses(&self) -> &[f64] {
        todo!()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamConfig {
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
    pub gradient_clamp: Option<f64>,
}
/// First and second moments of a bank; the step count of each member.
#[derive(Debug, Clone)]
pub struct Adam {}
impl Adam {
    pub fn new(config: AdamConfig, params: &Params) -> Result<Self> {
        todo!()
    }
    /// One step for every member whose `active` is true; the others keep parameters and moments.
    pub fn step(
        &mut self,
        params: &mut Params,
        gradient: &Buffer,
        learning_rates: &[f64],
        active: &[bool],
    ) -> Result<()> {
        todo!()
    }
    /// (m, p) first and second moments and the steps done, for checkpoints.
    pub fn state(&self) -> (&Buffer, &Buffer, &[u64]) {
        todo!()
    }
    pub fn restore(config: AdamConfig, first: Buffer, second: Buffer, steps: Vec<u64>) -> Result<Self> {
        todo!()
    }
}
