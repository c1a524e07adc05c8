//! A checked chain of layers: shapes after each layer, and the names, shapes and places of its
//! parameters.

use serde::{Deserialize, Serialize};

use crate::{Error, Layer, Padding, ParameterSpec, Result};

/// Channels of one-hot DNA.
const BASES: usize = 4;
/// Parameters of a layer, numbers that it gives, or weights of pairs of positions in a self-attention, at most:
/// 4 TiB, beyond what a machine has.
const MOST_NUMBERS: f64 = (1u64 << 40) as f64;

/// A chain of layers over one-hot DNA that is known to fit together.
///
/// Serialised it is its length and layers; reading it back checks them again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Chain", into = "Chain")]
pub struct Network {
    layers: Vec<Layer>,
    length: usize,
    shapes: Vec<(usize, usize)>,
    parameters: Vec<ParameterSpec>,
}

impl Network {
    /// A chain over one-hot DNA of shape `(length, 4)`.
    ///
    /// # Errors
    /// An empty chain, a layer whose sizes make no sense or that no machine could hold, or one that cannot take what the layer
    /// before it gives; the error names the layer and the shape that reaches it.
    pub fn new(length: usize, layers: Vec<Layer>) -> Result<Self> {
        if layers.is_empty() {
            return Err(Error::EmptyNetwork);
        }
        if length == 0 {
            return Err(Error::EmptySequence);
        }
        let mut shapes = Vec::with_capacity(layers.len());
        let mut parameters = Vec::new();
        let mut shape = (length, BASES);
        for (index, layer) in layers.iter().enumerate() {
            check_size(index, layer, shape)?;
            let next = output_shape(index, layer, shape)?;
            let normalised = matches!(layers.get(index + 1), Some(Layer::BatchNormalisation { .. }));
            add_parameters(index, layer, shape, normalised, &mut parameters);
            shapes.push(next);
            shape = next;
        }
        Ok(Self { layers, length, shapes, parameters })
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Bases in a sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// `(positions, channels)` after a layer; positions is 1 after a reduction over positions.
    ///
    /// # Panics
    /// When there is no such layer.
    pub fn shape_after(&self, layer: usize) -> (usize, usize) {
        self.shapes[layer]
    }

    /// Numbers a sequence gives: positions times channels after the last layer.
    pub fn outputs(&self) -> usize {
        self.shapes.last().map_or(0, |&(l, c)| l * c)
    }

    /// Every parameter, in the order of [`crate::Params`].
    pub fn parameters(&self) -> &[ParameterSpec] {
        &self.parameters
    }

    /// Numbers in all parameters of one member.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |last| last.offset + last.len())
    }

    /// The first `layers` layers as a network of their own, such as a first convolution with its
    /// activation. Its parameters are the first of this network's, at the same places.
    ///
    /// # Errors
    /// No layers, or more than there are; a last one whose bias is in the shift of the batch normalisation that
    /// follows it here, so that alone it would have one of its own.
    pub fn to_prefix(&self, layers: usize) -> Result<Self> {
        if layers > self.layers.len() {
            return Err(Error::Prefix { found: layers, layers: self.layers.len() });
        }
        let prefix = Self::new(self.length, self.layers[..layers].to_vec())?;
        if self.parameters.starts_with(&prefix.parameters) {
            return Ok(prefix);
        }
        Err(Error::PrefixBeforeNormalisation { found: layers })
    }
}

/// What a network is in a file.
#[derive(Serialize, Deserialize)]
struct Chain {
    length: usize,
    layers: Vec<Layer>,
}

impl TryFrom<Chain> for Network {
    type Error = Error;

    fn try_from(chain: Chain) -> Result<Self> {
        Self::new(chain.length, chain.layers)
    }
}

impl From<Network> for Chain {
    fn from(network: Network) -> Self {
        Self { length: network.length, layers: network.layers }
    }
}

/// Refuses a layer whose parameters, output or weights of pairs of positions no machine could hold.
fn check_size(index: usize, layer: &Layer, (l, c): (usize, usize)) -> Result<()> {
    let (positions, channels) = (l as f64, c as f64);
    let (parameters, output) = match *layer {
        Layer::Convolution { filters, width, .. } => {
            let filters = filters as f64;
            (width as f64 * channels * filters, positions * filters)
        }
        Layer::BidirectionalLstm { hidden } => {
            let hidden = hidden as f64;
            (8.0 * hidden * (channels + hidden), 2.0 * positions * hidden)
        }
        Layer::SelfAttention { heads, size } => {
            let (heads, width) = (heads as f64, heads as f64 * size as f64);
            (4.0 * channels * width, positions * width.max(heads * positions))
        }
        Layer::Dense { outputs } => (positions * channels * outputs as f64, outputs as f64),
        _ => (4.0 * channels, positions * channels),
    };
    if parameters.max(output) > MOST_NUMBERS {
        let wanted = "at most 2^40 parameters, and as many outputs or weights of pairs of positions";
        return Err(Error::LayerConfig { layer: index, description: layer.to_string(), wanted });
    }
    Ok(())
}

/// The shape after a layer, or why the layer cannot stand there.
fn output_shape(index: usize, layer: &Layer, (l, c): (usize, usize)) -> Result<(usize, usize)> {
    let config = |wanted| Err(Error::LayerConfig { layer: index, description: layer.to_string(), wanted });
    let input = |wanted| {
        let description = layer.to_string();
        Err(Error::LayerInput { layer: index, description, positions: l, channels: c, wanted })
    };
    match *layer {
        Layer::BatchNormalisation { epsilon, momentum } => {
            if !(epsilon > 0.0 && momentum > 0.0 && momentum <= 1.0) {
                return config("epsilon must be positive, momentum positive and at most 1");
            }
            Ok((l, c))
        }
        Layer::Convolution { filters: 0, .. } => config("a convolution needs at least one filter"),
        Layer::Convolution { width: 0, .. } => config("a convolution needs a width of at least one"),
        Layer::Convolution { filters, padding: Padding::Same, .. } => Ok((l, filters)),
        Layer::Convolution { filters, width, padding: Padding::Valid } => {
            if width > l {
                return input("without padding the width may not exceed the positions");
            }
            Ok((l - width + 1, filters))
        }
        Layer::MaxPool { width: 0 } => config("a max-pool needs a width of at least one"),
        Layer::MaxPool { width } if width > l => input("the width may not exceed the positions"),
        Layer::MaxPool { width } => Ok((l / width, c)),
        Layer::Dropout { rate } if !(0.0..1.0).contains(&rate) => {
            config("the rate must be at least 0 and below 1")
        }
        Layer::GlobalMaxPool | Layer::MeanOverTime => Ok((1, c)),
        Layer::BidirectionalLstm { hidden: 0 } => config("an LSTM needs at least one unit"),
        Layer::BidirectionalLstm { hidden } => Ok((l, 2 * hidden)),
        Layer::SelfAttention { heads: 0, .. } => config("a self-attention needs at least one head"),
        Layer::SelfAttention { size: 0, .. } => config("a self-attention needs heads of size at least one"),
        Layer::Activation { .. } | Layer::Dropout { .. } | Layer::SelfAttention { .. } => Ok((l, c)),
        Layer::Dense { outputs: 0 } => config("a dense layer needs at least one output"),
        Layer::Dense { outputs } => Ok((1, outputs)),
    }
}

/// Appends the parameters of a layer that takes `(l, c)`; `normalised` if a batch normalisation follows.
fn add_parameters(
    index: usize,
    layer: &Layer,
    (l, c): (usize, usize),
    normalised: bool,
    list: &mut Vec<ParameterSpec>,
) {
    let mut add = |name: &str, shape: Vec<usize>| {
        let offset = list.last().map_or(0, |last: &ParameterSpec| last.offset + last.len());
        let trained = !name.starts_with("running");
        list.push(ParameterSpec {
            name: format!("layer{index}.{name}"),
            layer: index,
            shape,
            offset,
            trained,
        });
    };
    match *layer {
        Layer::Convolution { filters, width, .. } => {
            add("weight", vec![width, c, filters]);
            if !normalised {
                add("bias", vec![filters]);
            }
        }
        Layer::BidirectionalLstm { hidden } => {
            for direction in ["forward", "backward"] {
                add(&format!("{direction}.input_weight"), vec![c, 4 * hidden]);
                add(&format!("{direction}.recurrent_weight"), vec![hidden, 4 * hidden]);
                add(&format!("{direction}.bias"), vec![4 * hidden]);
            }
        }
        Layer::SelfAttention { heads, size } => {
            for part in ["query", "key", "value"] {
                add(&format!("{part}.weight"), vec![c, heads * size]);
                add(&format!("{part}.bias"), vec![heads * size]);
            }
            add("output.weight", vec![heads * size, c]);
            add("output.bias", vec![c]);
        }
        Layer::Dense { outputs } => {
            add("weight", vec![l * c, outputs]);
            if !normalised {
                add("bias", vec![outputs]);
            }
        }
        Layer::BatchNormalisation { .. } => {
            for name in ["scale", "shift", "running_mean", "running_variance"] {
                add(name, vec![c]);
            }
        }
        Layer::Activation { .. }
        | Layer::MaxPool { .. }
        | Layer::Dropout { .. }
        | Layer::GlobalMaxPool
        | Layer::MeanOverTime => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activation;

    fn conv(filters: usize, width: usize, padding: Padding) -> Layer {
        Layer::Convolution { filters, width, padding }
    }

    fn published(name: &str) -> Network {
        let relu = Layer::Activation { function: Activation::Relu };
        let drop = Layer::Dropout { rate: 0.5 };
        let pool = Layer::MaxPool { width: 2 };
        let dense = Layer::Dense { outputs: 2 };
        let lstm = Layer::BidirectionalLstm { hidden: 32 };
        let valid = |width| conv(128, width, Padding::Valid);
        let layers = match name {
            "cnn" => vec![
                valid(9),
                relu,
                pool,
                drop,
                valid(5),
                relu,
                pool,
                drop,
                valid(3),
                relu,
                drop,
                Layer::GlobalMaxPool,
                dense,
            ],
            "rnn" => vec![lstm, drop, Layer::MeanOverTime, dense],
            _ => vec![conv(128, 9, Padding::Same), relu, lstm, drop, Layer::MeanOverTime, dense],
        };
        Network::new(101, layers).unwrap()
    }

    #[test]
    fn layers_that_no_machine_holds_are_refused() {
        let large = usize::MAX;
        for layer in [
            conv(large, 9, Padding::Same),
            conv(4, large, Padding::Same),
            conv(1 << 30, 1 << 30, Padding::Same),
            Layer::BidirectionalLstm { hidden: large },
            Layer::SelfAttention { heads: large, size: large },
            Layer::Dense { outputs: large },
        ] {
            let error = Network::new(101, vec![layer]).unwrap_err().to_string();
            assert!(error.contains("layer 0") && error.contains("at most 2^40"), "{error}");
        }
        assert!(Network::new(large, vec![Layer::Dense { outputs: 2 }]).is_err());
        // Few parameters and outputs, but 2^42 pairs.
        assert!(Network::new(1 << 20, vec![Layer::SelfAttention { heads: 4, size: 1 }]).is_err());
        assert!(Network::new(101, vec![conv(1 << 14, 31, Padding::Same)]).is_ok());
    }

    #[test]
    fn published_networks_have_their_parameter_counts() {
        // Recomputed by hand from the published architectures.
        assert_eq!(published("cnn").parameter_count(), 136_322);
        assert_eq!(published("rnn").parameter_count(), 9_602);
        assert_eq!(published("cnn-rnn").parameter_count(), 46_082);
    }

    #[test]
    fn names_and_shapes_are_the_checkpoint_format() {
        let listed = |network: &Network| {
            network
                .parameters()
                .iter()
                .map(|p| (p.name.clone(), p.shape.clone(), p.offset))
                .collect::<Vec<_>>()
        };
        let want = |list: &[(&str, &[usize], usize)]| {
            list.iter().map(|&(n, s, o)| (n.to_owned(), s.to_vec(), o)).collect::<Vec<_>>()
        };
        assert_eq!(
            listed(&published("cnn")),
            want(&[
                ("layer0.weight", &[9, 4, 128], 0),
                ("layer0.bias", &[128], 4608),
                ("layer4.weight", &[5, 128, 128], 4736),
                ("layer4.bias", &[128], 86656),
                ("layer8.weight", &[3, 128, 128], 86784),
                ("layer8.bias", &[128], 135_936),
                ("layer12.weight", &[128, 2], 136_064),
                ("layer12.bias", &[2], 136_320),
            ])
        );
        assert_eq!(
            listed(&published("rnn")),
            want(&[
                ("layer0.forward.input_weight", &[4, 128], 0),
                ("layer0.forward.recurrent_weight", &[32, 128], 512),
                ("layer0.forward.bias", &[128], 4608),
                ("layer0.backward.input_weight", &[4, 128], 4736),
                ("layer0.backward.recurrent_weight", &[32, 128], 5248),
                ("layer0.backward.bias", &[128], 9344),
                ("layer3.weight", &[64, 2], 9472),
                ("layer3.bias", &[2], 9600),
            ])
        );
    }

    #[test]
    fn self_attention_has_four_linear_maps() {
        let layers = vec![conv(6, 3, Padding::Valid), Layer::SelfAttention { heads: 3, size: 5 }];
        let network = Network::new(9, layers).unwrap();
        assert_eq!(network.shape_after(1), (7, 6));
        let listed: Vec<_> =
            network.parameters().iter().skip(2).map(|p| (p.name.as_str(), &p.shape[..], p.offset)).collect();
        let wanted: [(&str, &[usize], usize); 8] = [
            ("layer1.query.weight", &[6, 15], 78),
            ("layer1.query.bias", &[15], 168),
            ("layer1.key.weight", &[6, 15], 183),
            ("layer1.key.bias", &[15], 273),
            ("layer1.value.weight", &[6, 15], 288),
            ("layer1.value.bias", &[15], 378),
            ("layer1.output.weight", &[15, 6], 393),
            ("layer1.output.bias", &[6], 483),
        ];
        assert_eq!(listed, wanted);
        let text = |heads, size| {
            Network::new(9, vec![Layer::SelfAttention { heads, size }]).unwrap_err().to_string()
        };
        assert_eq!(
            text(0, 5),
            "layer 0 (self-attention of 0 heads of size 5): a self-attention needs at least one head"
        );
        assert_eq!(
            text(2, 0),
            "layer 0 (self-attention of 2 heads of size 0): \
             a self-attention needs heads of size at least one"
        );
    }

    #[test]
    fn misfits_are_refused_by_layer_and_shape() {
        let valid = Padding::Valid;
        let error = Network::new(8, vec![conv(3, 5, valid), conv(3, 5, valid)]).unwrap_err().to_string();
        assert_eq!(
            error,
            "layer 1 (convolution of 3 filters of width 5, valid padding) cannot take \
             (4 positions, 3 channels): without padding the width may not exceed the positions"
        );
        assert!(Network::new(8, vec![]).is_err());
        assert!(Network::new(0, vec![Layer::GlobalMaxPool]).is_err());
        assert!(Network::new(8, vec![Layer::Dropout { rate: 1.0 }]).is_err());
        assert!(Network::new(8, vec![Layer::Dropout { rate: f32::NAN }]).is_err());
        assert!(Network::new(8, vec![Layer::MaxPool { width: 9 }]).is_err());
        assert!(Network::new(8, vec![conv(0, 3, valid)]).is_err());
        assert!(published("cnn").to_prefix(14).is_err());
        assert_eq!(published("cnn").to_prefix(2).unwrap().outputs(), 93 * 128);
        for linear in [conv(3, 5, valid), Layer::Dense { outputs: 3 }] {
            let norm = Layer::BatchNormalisation { epsilon: 0.01, momentum: 0.1 };
            let network = Network::new(8, vec![linear, norm, Layer::GlobalMaxPool, norm]).unwrap();
            let error = network.to_prefix(1).unwrap_err().to_string();
            assert!(error.starts_with("a prefix of 1 layers ends between"), "{error}");
            for layers in 2..5 {
                let prefix = network.to_prefix(layers).unwrap();
                assert_eq!(prefix.parameters(), &network.parameters()[..prefix.parameters().len()]);
            }
        }
    }
}
