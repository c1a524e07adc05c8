//! The families of networks that can be trained, one file each, every size a configuration value.
//!
//! The defaults are the networks of the Deep Motif Dashboard (Lanchantin, Singh, Wang, Qi, PSB 2017,
//! 22:254-265). All end in two logits, unbound and bound; the log-softmax of the published networks
//! is part of the loss here.

mod attention;
mod cnn;
mod cnn_rnn;
mod rnn;

use std::fmt;
use std::str::FromStr;

use demo_core::Seed;
use demo_engine::{Activation, Device, Layer, Network, Params};
use serde::{Deserialize, Serialize};

pub use attention::AttentionConfig;
pub use cnn::{CnnConfig, ConvolutionBlock};
pub use cnn_rnn::CnnRnnConfig;
pub use rnn::RnnConfig;

use crate::init::initialise;
use crate::{Error, LstmStart, Result};

/// Unbound and bound.
pub const CLASSES: usize = 2;

/// A family of networks with its sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Architecture {
    /// Three convolutions and a maximum over positions.
    Cnn(CnnConfig),
    /// A bidirectional LSTM on the bases, averaged over time.
    Rnn(RnnConfig),
    /// A bidirectional LSTM on the maps of one convolution, averaged over time.
    CnnRnn(CnnRnnConfig),
    /// Self-attention over the maps of one convolution, then the maximum over positions. Not published.
    Attention(AttentionConfig),
}

impl Architecture {
    /// The names of the published families, in the order of the published tables.
    pub const NAMES: [&'static str; 3] = ["cnn", "rnn", "cnn-rnn"];

    /// `cnn`, `rnn`, `cnn-rnn` or `attention`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cnn(_) => Self::NAMES[0],
            Self::Rnn(_) => Self::NAMES[1],
            Self::CnnRnn(_) => Self::NAMES[2],
            Self::Attention(_) => "attention",
        }
    }

    /// The network for sequences of this length.
    ///
    /// # Errors
    /// [`Error::Config`] where a size is out of range, [`Error::Engine`] where the sequences are too
    /// short for the layers.
    pub fn network(&self, length: usize) -> Result<Network> {
        let layers = match self {
            Self::Cnn(config) => config.layers()?,
            Self::Rnn(config) => config.layers()?,
            Self::CnnRnn(config) => config.layers()?,
            Self::Attention(config) => config.layers()?,
        };
        Ok(Network::new(length, layers)?)
    }

    /// The weights a bank starts from, one seed a member.
    ///
    /// Weights and biases of convolutions and dense layers are uniform in ±1/sqrt(fan-in), the fan-in
    /// being the numbers that enter one output: Torch7's rule, which the published networks used. LSTM
    /// weights are normal with the standard deviation that `start` names ([`LstmStart`]);
    /// the forget gate's biases are 1, the other LSTM biases 0. Where the first activation is exponential, the
    /// first layer's weights are wider, its sums then having standard deviation 1, and its biases such that the
    /// exponential's mean square is that of a rectifier: -2.54 for filters of 9 bases. The maps of self-attention have
    /// weights uniform in ±1/sqrt(fan-in), too, and biases 0. Batch normalisations start with
    /// scale and running variance 1, shift and running mean 0. Every parameter has a stream of its
    /// own, named after it, so that a change to one layer leaves the others' weights alone.
    ///
    /// # Errors
    /// [`Error::Engine`] where the device has no room.
    pub fn initial_parameters(
        &self,
        network: &Network,
        seeds: &[Seed],
        start: LstmStart,
        device: &Device,
    ) -> Result<Params> {
        let members: Vec<(Seed, LstmStart)> = seeds.iter().map(|&seed| (seed, start)).collect();
        initialise(network, &members, device)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = Error;

    /// The published network of this name, or `attention` in its default size.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "cnn" => Ok(Self::Cnn(CnnConfig::default())),
            "rnn" => Ok(Self::Rnn(RnnConfig::default())),
            "cnn-rnn" => Ok(Self::CnnRnn(CnnRnnConfig::default())),
            "attention" => Ok(Self::Attention(AttentionConfig::default())),
            _ => Err(Error::UnknownArchitecture { found: name.to_owned() }),
        }
    }
}

/// How large a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Size {
    /// Fewer filters and units than published.
    Small,
    /// As published.
    Medium,
    /// More than published.
    Large,
}

impl Size {
    fn pick<T>(self, small: T, medium: T, large: T) -> T {
        match self {
            Self::Small => small,
            Self::Medium => medium,
            Self::Large => large,
        }
    }
}

/// The activation that every published network has.
fn rectifier() -> Activation {
    Activation::Relu
}

/// A dropout layer, or none where the rate is zero.
fn dropout(rate: f32) -> Result<Option<Layer>> {
    if !(0.0..1.0).contains(&rate) {
        return Err(Error::Config {
            field: "dropout",
            found: rate.to_string(),
            wanted: "at least 0, below 1",
        });
    }
    Ok((rate > 0.0).then_some(Layer::Dropout { rate }))
}

/// A size that must not be zero.
fn positive(field: &'static str, value: usize) -> Result<usize> {
    if value == 0 {
        return Err(Error::Config { field, found: value.to_string(), wanted: "at least 1" });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_networks_have_the_published_numbers_of_parameters() {
        // Counted by hand from the layer table of the paper's code: a convolution has
        // (width c_in + 1) filters, an LSTM direction 4 h (d + h + 1), the last layer (c + 1) 2.
        for (name, wanted) in [("cnn", 136_322), ("rnn", 9_602), ("cnn-rnn", 46_082)] {
            let network = name.parse::<Architecture>().unwrap().network(101).unwrap();
            assert_eq!(network.parameter_count(), wanted, "{name}");
            assert_eq!(network.outputs(), CLASSES);
        }
    }

    #[test]
    fn other_sizes_have_the_numbers_of_parameters_that_their_layers_add_up_to() {
        // By hand, from the same formulas: small and large CNN, RNN and CNN-RNN, and 16 (24 4 + 1) + 34.
        let of = |architecture: Architecture| architecture.network(101).unwrap().parameter_count();
        let counts = [Size::Small, Size::Large].map(|size| {
            [
                of(Architecture::Cnn(CnnConfig::of_size(size))),
                of(Architecture::Rnn(RnnConfig::of_size(size))),
                of(Architecture::CnnRnn(CnnRnnConfig::of_size(size))),
            ]
        });
        assert_eq!(counts, [[9_506, 2_754, 7_522], [534_786, 35_586, 174_082]]);
        assert_eq!(of(Architecture::Cnn(CnnConfig::deepbind_like())), 1_586);
        // 128 (9 4 + 1), three maps of 128 to 64 and one back with their biases, and 129 2.
        let attention = 4_736 + 3 * 64 * 129 + 128 * 65 + 258;
        assert_eq!(of(Architecture::Attention(AttentionConfig::default())), attention);
    }

    #[test]
    fn a_configuration_without_first_activation_has_rectifiers() {
        let json = r#"{"family":"cnn","blocks":[{"filters":128,"width":9,"pool":2},{"filters":128,"width":5,"pool":2},{"filters":128,"width":3,"pool":1}],"dropout":0.5}"#;
        let found: Architecture = serde_json::from_str(json).unwrap();
        assert_eq!(found, Architecture::Cnn(CnnConfig::default()));
    }

    #[test]
    fn the_exponential_stands_in_the_first_layer_only() {
        let config = CnnConfig { first_activation: Activation::Exponential, ..CnnConfig::default() };
        let network = Architecture::Cnn(config).network(101).unwrap();
        let functions: Vec<Activation> = network
            .layers()
            .iter()
            .filter_map(|layer| match layer {
                Layer::Activation { function } => Some(*function),
                _ => None,
            })
            .collect();
        assert_eq!(functions, [Activation::Exponential, Activation::Relu, Activation::Relu]);
    }

    #[test]
    fn configurations_survive_json() {
        for name in Architecture::NAMES.into_iter().chain(["attention"]) {
            let architecture: Architecture = name.parse().unwrap();
            assert_eq!(architecture.name(), name);
            let json = serde_json::to_string(&architecture).unwrap();
            assert!(json.contains(&format!("\"family\":\"{name}\"")), "{json}");
            assert_eq!(serde_json::from_str::<Architecture>(&json).unwrap(), architecture);
        }
        assert!(matches!("gru".parse::<Architecture>(), Err(Error::UnknownArchitecture { .. })));
    }

    #[test]
    fn sizes_out_of_range_are_named() {
        let hidden = Architecture::Rnn(RnnConfig { hidden: 0, ..RnnConfig::default() }).network(9);
        assert_eq!(hidden.unwrap_err().to_string(), "hidden: found 0, wanted at least 1");
        let rate = Architecture::Rnn(RnnConfig { dropout: 1.0, ..RnnConfig::default() }).network(9);
        assert_eq!(rate.unwrap_err().to_string(), "dropout: found 1, wanted at least 0, below 1");
    }
}
