//! The layers a network is made of, as serde data: a configuration file's vocabulary.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A function applied to every element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `max(x, 0)`, with slope 0 at 0.
    Relu,
    /// `exp(x)`.
    Exponential,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// `x`.
    Linear,
    /// `x` above zero, `exp(x) - 1` below.
    Elu,
}

/// What a convolution does at the ends of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// Only whole windows: `l` positions become `l - width + 1`.
    Valid,
    /// Zeros around the sequence, `(width - 1) / 2` of them before it: `l` positions stay `l`.
    Same,
}

/// One layer; [`crate::Network::new`] checks a chain of them.
///
/// Shapes are `(positions, channels)` of one sequence; after a reduction there is one position.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "kebab-case")]
pub enum Layer {
    /// `(l, c)` to `(l', filters)`, stride 1, with a bias: `y[t] = b + sum_j x[t + j] W[j]`.
    Convolution {
        /// Output channels.
        filters: usize,
        /// Positions in a window.
        width: usize,
        /// What happens at the ends.
        padding: Padding,
    },
    /// A function of every element.
    Activation {
        /// The function.
        function: Activation,
    },
    /// `(l, c)` to `(l / width, c)`: the largest of each `width` positions. Windows do not overlap, a
    /// rest at the end is dropped, and the gradient goes to the first maximum.
    MaxPool {
        /// Positions in a window, and from one window to the next.
        width: usize,
    },
    /// In training zeroes each element with probability `rate` and divides the others by `1 - rate`.
    Dropout {
        /// Probability that an element is dropped.
        rate: f32,
    },
    /// `(l, c)` to `(1, c)`: the largest of all positions; the gradient goes to the first maximum.
    GlobalMaxPool,
    /// `(l, c)` to `(l, 2 hidden)`: at each position the forward states, then the backward states.
    BidirectionalLstm {
        /// Units of each direction.
        hidden: usize,
    },
    /// `(l, c)` to `(l, c)`: what the positions find at each other (Vaswani et al., 2017), added to the
    /// input. Each head maps every position to a query, a key and a value of `size` numbers, linear maps
    /// with bias; a position takes the mean of all values, weighted by the softmax of `q . k / sqrt(size)`;
    /// the heads' `heads * size` numbers side by side are mapped, with a bias, to the `c` that are added.
    /// Positions are not told apart but by their channels.
    SelfAttention {
        /// Heads.
        heads: usize,
        /// Numbers of a query, a key and a value of a head.
        size: usize,
    },
    /// `(l, c)` to `(1, c)`: the mean over positions.
    MeanOverTime,
    /// Normalises each channel over batch and positions (Ioffe and Szegedy, 2015), then scales and
    /// shifts it: in training by the mean and variance of the batch, in evaluation by running ones. A
    /// convolution or dense layer right before it has no bias: the shift takes its place.
    BatchNormalisation {
        /// Added to the variance.
        epsilon: f32,
        /// Part that the newest batch has in the running statistics.
        momentum: f32,
    },
    /// `(l, c)` to `(1, outputs)`: a linear map, with a bias, of all `l * c` numbers, position by
    /// position.
    Dense {
        /// Output channels.
        outputs: usize,
    },
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convolution { filters, width, padding } => {
                let padding = match padding {
                    Padding::Valid => "valid",
                    Padding::Same => "same",
                };
                write!(f, "convolution of {filters} filters of width {width}, {padding} padding")
            }
            Self::Activation { function } => write!(f, "activation {function:?}"),
            Self::MaxPool { width } => write!(f, "max-pool of width {width}"),
            Self::Dropout { rate } => write!(f, "dropout of rate {rate}"),
            Self::GlobalMaxPool => f.write_str("global max-pool"),
            Self::BidirectionalLstm { hidden } => write!(f, "bidirectional LSTM of {hidden} units"),
            Self::SelfAttention { heads, size } => {
                write!(f, "self-attention of {heads} heads of size {size}")
            }
            Self::BatchNormalisation { .. } => f.write_str("batch normalisation"),
            Self::MeanOverTime => f.write_str("mean over time"),
            Self::Dense { outputs } => write!(f, "dense layer of {outputs} outputs"),
        }
    }
}
