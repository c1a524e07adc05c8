//! The weights training starts from, drawn on the host from ChaCha streams, so that they are the same
//! on every device. Rules: Torch7's `nn` for convolutions, dense layers and the maps of self-attention; Karpathy, Johnson, Li
//! (arXiv 1506.02078) for the LSTM. A first layer whose activation is exponential has a scale of its own.

use demo_core::Seed;
use demo_engine::{Activation, DType, Device, Layer, Network, ParameterSpec, Params};
use rand::RngCore;

use crate::{LstmStart, Result};

/// The members of a bank, each from its seed; see [`crate::Architecture::initial_parameters`] for the rules.
pub(crate) fn initialise(
    network: &Network,
    members: &[(Seed, LstmStart)],
    device: &Device,
) -> Result<Params> {
    let mut params = Params::zeros(network, members.len(), DType::F32, device)?;
    for (member, &(seed, start)) in members.iter().enumerate() {
        for spec in network.parameters() {
            let mut stream = seed.child("initial weights").stream(&spec.name);
            let values = draw(network, spec, start, &mut stream);
            params.set(member, &spec.name, &values)?;
        }
    }
    Ok(params)
}

fn draw(network: &Network, spec: &ParameterSpec, start: LstmStart, stream: &mut impl RngCore) -> Vec<f32> {
    let count = spec.shape.iter().product();
    if matches!(network.layers()[spec.layer], Layer::BatchNormalisation { .. }) {
        // It begins as a network without one would be: scale and running variance 1, shift and mean 0.
        let one = spec.name.ends_with("scale") || spec.name.ends_with("variance");
        return vec![f32::from(u8::from(one)); count];
    }
    let bias = spec.name.ends_with("bias");
    if let Layer::BidirectionalLstm { hidden } = network.layers()[spec.layer] {
        if bias {
            // The gates stand in the order i, f, g, o.
            return (0..count).map(|at| if at / hidden == 1 { 1.0 } else { 0.0 }).collect();
        }
        let (_, inputs) = input_shape(network, spec.layer);
        let entering = match start {
            LstmStart::Published => inputs + hidden,
            LstmStart::Scaled if spec.name.ends_with("input_weight") => inputs,
            LstmStart::Scaled => hidden,
        };
        let deviation = 1.0 / (entering as f64).sqrt();
        return (0..count).map(|_| (deviation * normal(stream)) as f32).collect();
    }
    if matches!(network.layers()[spec.layer], Layer::SelfAttention { .. }) {
        if bias {
            return vec![0.0; count];
        }
        // (numbers that enter, numbers that leave)
        let bound = 1.0 / (spec.shape[0] as f64).sqrt();
        return (0..count).map(|_| (bound * (2.0 * unit(stream) - 1.0)) as f32).collect();
    }
    let mut bound = 1.0 / (fan_in(network, spec.layer) as f64).sqrt();
    if let Some(width) = exponential_width(network, spec.layer) {
        let start = ExponentialStart::of_width(width);
        if bias {
            return vec![start.bias as f32; count];
        }
        bound = start.bound;
    }
    (0..count).map(|_| (bound * (2.0 * unit(stream) - 1.0)) as f32).collect()
}

/// The bases that a filter of this layer reads, where the layer reads the sequence itself and its activation is
/// the exponential.
fn exponential_width(network: &Network, layer: usize) -> Option<usize> {
    let next = network.layers().get(layer + 1)?;
    match (layer, &network.layers()[layer], next) {
        (0, Layer::Convolution { width, .. }, Layer::Activation { function: Activation::Exponential }) => {
            Some(*width)
        }
        _ => None,
    }
}

/// How filters below an exponential start.
///
/// Under Torch7's rule their sums have a standard deviation of about .3, from which the exponential makes numbers
/// near 1 for every sequence. Each step of the optimiser then moves the sums of the next layer all together by
/// far more than sequences differ in, until its rectifiers, or those above, are silent for good. Koo and Ploenzke
/// normalise the sums over batches, to a standard deviation of 1; here they start with that one.
struct ExponentialStart {
    /// Weights are uniform in plus or minus this.
    bound: f64,
    /// Every filter's bias.
    bias: f64,
}

impl ExponentialStart {
    fn of_width(width: usize) -> Self {
        let width = width as f64;
        // One weight a base enters the sum, of variance bound^2 / 3.
        let bound = (3.0 / width).sqrt();
        // The mean square that a rectifier would hand on, so that the layers above start as they do there: half
        // the variance of `width` weights and a bias, all uniform in ±1/sqrt(4 width).
        let rectified = (1.0 + 1.0 / width) / 24.0;
        // That of exp(bias + z), z standard normal, is exp(2 bias + 2).
        Self { bound, bias: 0.5 * rectified.ln() - 1.0 }
    }
}

/// `(positions, channels)` that enter a layer.
fn input_shape(network: &Network, layer: usize) -> (usize, usize) {
    if layer == 0 { (network.length(), 4) } else { network.shape_after(layer - 1) }
}

/// Numbers that enter one output of a convolution or a dense layer.
fn fan_in(network: &Network, layer: usize) -> usize {
    let (positions, channels) = input_shape(network, layer);
    match network.layers()[layer] {
        Layer::Convolution { width, .. } => width * channels,
        // A dense layer reads all positions that there are.
        Layer::Dense { .. } => positions * channels,
        _ => channels,
    }
}

/// Uniform, strictly between 0 and 1, so that its logarithm is finite.
fn unit(stream: &mut impl RngCore) -> f64 {
    (f64::from(stream.next_u32()) + 0.5) / 4_294_967_296.0
}

/// Standard normal by Box and Muller; the second number of each pair is left, so that a value's place
/// in the stream depends on its index alone.
fn normal(stream: &mut impl RngCore) -> f64 {
    let radius = (-2.0 * unit(stream).ln()).sqrt();
    radius * (std::f64::consts::TAU * unit(stream)).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, CnnConfig, CnnRnnConfig};

    fn published(seed: u64) -> (Seed, LstmStart) {
        (Seed::new(seed), LstmStart::Published)
    }

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }

    #[test]
    fn weights_follow_the_published_rules() {
        let architecture = Architecture::CnnRnn(CnnRnnConfig::default());
        let network = architecture.network(20).unwrap();
        let params = initialise(&network, &[published(5), published(6)], &Device::Cpu).unwrap();

        let weight = params.get(0, "layer0.weight").unwrap();
        let bound = 1.0 / 6.0;
        assert!(weight.iter().all(|w| w.abs() <= bound));
        // A uniform distribution in ±b has standard deviation b / sqrt(3).
        let (mean, deviation) = moments(&weight);
        assert!(mean.abs() < 0.01 && (deviation - f64::from(bound) / 3f64.sqrt()).abs() < 0.005);

        let recurrent = params.get(0, "layer2.forward.recurrent_weight").unwrap();
        let (mean, deviation) = moments(&recurrent);
        assert!(mean.abs() < 0.01 && (deviation - 1.0 / 160f64.sqrt()).abs() < 0.005);

        let bias = params.get(0, "layer2.backward.bias").unwrap();
        assert!(bias.iter().enumerate().all(|(at, &b)| b == if (32..64).contains(&at) { 1.0 } else { 0.0 }));
        assert_ne!(params.get(1, "layer0.weight").unwrap(), weight);
        assert_ne!(params.get(0, "layer2.backward.recurrent_weight").unwrap(), recurrent);
    }

    #[test]
    fn a_first_dense_layer_reads_every_base() {
        let network = Network::new(50, vec![Layer::Dense { outputs: 2 }]).unwrap();
        let params = initialise(&network, &[published(5)], &Device::Cpu).unwrap();
        let weight = params.get(0, "layer0.weight").unwrap();
        let most = weight.iter().fold(0.0f32, |most, w| most.max(w.abs()));
        let bound = 1.0 / 200f32.sqrt();
        assert!((0.9 * bound..=bound).contains(&most), "{most}");
    }

    #[test]
    fn a_scaled_start_gives_each_matrix_of_an_lstm_its_own_deviation_and_changes_nothing_else() {
        let network = Architecture::CnnRnn(CnnRnnConfig::default()).network(20).unwrap();
        let both = [published(5), (Seed::new(5), LstmStart::Scaled)];
        let params = initialise(&network, &both, &Device::Cpu).unwrap();
        for (name, wanted) in [("input", 128f64), ("recurrent", 32.0)] {
            let of = |member| params.get(member, &format!("layer2.forward.{name}_weight")).unwrap();
            let ratio = wanted.sqrt().recip() * 160f64.sqrt();
            for (scaled, published) in of(1).iter().zip(of(0)) {
                assert!((f64::from(*scaled) - ratio * f64::from(published)).abs() < 1e-6);
            }
        }
        for name in ["layer0.weight", "layer0.bias", "layer2.backward.bias"] {
            assert_eq!(params.get(1, name).unwrap(), params.get(0, name).unwrap());
        }
    }

    /// Mean and standard deviation of the first layer's sums on random sequences, and the mean square of what
    /// its activation makes of them.
    fn first_layer(architecture: &Architecture) -> (f64, f64, f64) {
        let network = architecture.network(101).unwrap();
        let params = initialise(&network, &[published(7)], &Device::Cpu).unwrap();
        let (weight, bias) = (params.get(0, "layer0.weight").unwrap(), params.get(0, "layer0.bias").unwrap());
        let Layer::Activation { function } = network.layers()[1] else { panic!("{network:?}") };
        let (filters, mut stream) = (bias.len(), Seed::new(8).stream("bases"));
        let mut sums = Vec::new();
        for _ in 0..200 {
            let window: Vec<usize> = (0..9).map(|_| stream.next_u32() as usize % 4).collect();
            sums.extend((0..filters).map(|filter| {
                let read = |(at, base): (usize, &usize)| weight[(at * 4 + base) * filters + filter];
                bias[filter] + window.iter().enumerate().map(read).sum::<f32>()
            }));
        }
        let (mean, deviation) = moments(&sums);
        let activate = |sum: f32| match function {
            Activation::Exponential => f64::from(sum).exp(),
            _ => f64::from(sum.max(0.0)),
        };
        let square = sums.iter().map(|&sum| activate(sum).powi(2)).sum::<f64>() / sums.len() as f64;
        (mean, deviation, square)
    }

    #[test]
    fn the_exponential_starts_with_contrast_and_no_louder_than_the_rectifier() {
        let first_activation = Activation::Exponential;
        let pairs = [
            (
                Architecture::Cnn(CnnConfig::default()),
                Architecture::Cnn(CnnConfig { first_activation, ..CnnConfig::default() }),
            ),
            (
                Architecture::CnnRnn(CnnRnnConfig::default()),
                Architecture::CnnRnn(CnnRnnConfig { first_activation, ..CnnRnnConfig::default() }),
            ),
        ];
        for (rectified, exponential) in pairs {
            let (_, small, wanted) = first_layer(&rectified);
            let (mean, deviation, square) = first_layer(&exponential);
            // sqrt((1 + 1/9) / 12), and what follows from it.
            assert!((small - 0.304).abs() < 0.02, "{small}");
            assert!((mean + 2.536).abs() < 0.05 && (deviation - 1.0).abs() < 0.05, "{mean} {deviation}");
            // A sum of nine uniform numbers has thinner tails than the normal distribution, hence less.
            assert!((0.7..1.2).contains(&(square / wanted)), "{square} {wanted}");
        }
    }

    #[test]
    fn self_attention_starts_with_weights_by_fan_in_and_no_bias() {
        let network = "attention".parse::<Architecture>().unwrap().network(40).unwrap();
        let params = initialise(&network, &[published(5)], &Device::Cpu).unwrap();
        let layer =
            network.layers().iter().position(|layer| matches!(layer, Layer::SelfAttention { .. })).unwrap();
        for (name, fan_in) in [("query", 128.0f32), ("key", 128.0), ("value", 128.0), ("output", 64.0)] {
            let of = |part: &str| params.get(0, &format!("layer{layer}.{name}.{part}")).unwrap();
            let (weights, bound) = (of("weight"), fan_in.sqrt().recip());
            assert_eq!(weights.len(), 128 * 64);
            assert!(weights.iter().all(|weight| weight.abs() <= bound));
            assert!(weights.iter().any(|weight| *weight > 0.9 * bound));
            assert!(weights.iter().any(|weight| *weight < -0.9 * bound));
            assert!(of("bias").iter().all(|bias| *bias == 0.0));
        }
    }

    #[test]
    fn a_batch_normalisation_starts_as_none() {
        let layers = vec![
            Layer::Convolution { filters: 3, width: 4, padding: demo_engine::Padding::Valid },
            Layer::BatchNormalisation { epsilon: 1e-5, momentum: 0.1 },
            Layer::Activation { function: Activation::Exponential },
        ];
        let network = Network::new(9, layers).unwrap();
        let params = initialise(&network, &[published(5)], &Device::Cpu).unwrap();
        let of = |name: &str| params.get(0, &format!("layer1.{name}")).unwrap();
        assert_eq!((of("scale"), of("running_variance")), (vec![1.0; 3], vec![1.0; 3]));
        assert_eq!((of("shift"), of("running_mean")), (vec![0.0; 3], vec![0.0; 3]));
        // Sums are normalised, so that filters need no width of their own below an exponential.
        let weights = params.get(0, "layer0.weight").unwrap();
        assert!(weights.iter().all(|w| *w != 0.0 && w.abs() <= 0.25));
    }

    #[test]
    fn a_member_starts_the_same_in_every_bank() {
        let network = "cnn-rnn".parse::<Architecture>().unwrap().network(20).unwrap();
        let alone = initialise(&network, &[published(6)], &Device::Cpu).unwrap();
        let second = initialise(&network, &[published(5), published(6)], &Device::Cpu).unwrap();
        for spec in network.parameters() {
            assert_eq!(alone.get(0, &spec.name).unwrap(), second.get(1, &spec.name).unwrap());
        }
    }
}
