//! Predictions against explicit runs, both strands, gradients by finite differences, and refused input.

use demo_core::{DnaSequence, Seed};
use demo_engine::{Activation, DType, Device, Layer, Network, Padding, Params};
use rand::Rng;

use super::{Predictor, bound_probability};
use crate::{
    Architecture, AttentionConfig, CnnConfig, CnnRnnConfig, ConvolutionBlock, Error, LstmStart, ModelInput,
    RnnConfig, SequenceModel, Strands,
};

const LENGTH: usize = 17;

fn architectures() -> [Architecture; 4] {
    let blocks = vec![
        ConvolutionBlock { filters: 5, width: 4, pool: 2 },
        ConvolutionBlock { filters: 3, width: 3, pool: 1 },
    ];
    [
        Architecture::Cnn(CnnConfig { blocks, ..CnnConfig::default() }),
        Architecture::Rnn(RnnConfig { hidden: 3, dropout: 0.5 }),
        Architecture::CnnRnn(CnnRnnConfig { filters: 4, width: 5, hidden: 3, ..CnnRnnConfig::default() }),
        Architecture::Attention(AttentionConfig {
            filters: 5,
            width: 4,
            heads: 2,
            size: 3,
            ..AttentionConfig::default()
        }),
    ]
}

/// Random bases, one in twenty unknown.
fn sequences(count: usize, length: usize) -> Vec<DnaSequence> {
    let mut stream = Seed::new(1).stream("sequences");
    let code = |draw: u8| if draw == 80 { 4 } else { draw % 4 };
    (0..count)
        .map(|_| {
            let codes: Vec<u8> = (0..length).map(|_| code(stream.random_range(0..=80))).collect();
            DnaSequence::from_codes(codes).unwrap()
        })
        .collect()
}

fn predictor(architecture: &Architecture, length: usize, strands: Strands, dtype: DType) -> Predictor {
    let network = architecture.network(length).unwrap();
    let params = architecture
        .initial_parameters(&network, &[Seed::new(9)], LstmStart::Published, &Device::Cpu)
        .unwrap();
    Predictor::with_dtype(&network, &params, strands, dtype, &Device::Cpu).unwrap()
}

fn gap(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn both_strands_have_the_same_score() {
    let given = sequences(20, LENGTH);
    let others: Vec<DnaSequence> = given.iter().map(DnaSequence::to_reverse_complement).collect();
    for architecture in architectures() {
        let mut both = predictor(&architecture, LENGTH, Strands::Both, DType::F32);
        assert_eq!(both.scores(&given).unwrap(), both.scores(&others).unwrap());
        let mut forward = predictor(&architecture, LENGTH, Strands::Forward, DType::F32);
        let scores = [forward.scores(&given).unwrap(), forward.scores(&others).unwrap()];
        assert_ne!(scores[0], scores[1]);
        let mean: Vec<f32> = scores[0].iter().zip(&scores[1]).map(|(a, b)| f32::midpoint(*a, *b)).collect();
        assert!(gap(&mean, &both.scores(&given).unwrap()) < 1e-6);
    }
}

#[test]
fn a_sequence_is_scored_the_same_in_any_company() {
    let given = sequences(300, LENGTH);
    for architecture in architectures() {
        let mut model = predictor(&architecture, LENGTH, Strands::Both, DType::F32);
        let together = model.scores(&given).unwrap();
        for at in [0, 17, 255, 256, 299] {
            assert_eq!(model.scores(&given[at..=at]).unwrap(), [together[at]]);
        }
        assert!(model.scores(&[]).unwrap().is_empty());
        let probabilities = model.probabilities(&given[..1]).unwrap();
        assert_eq!(probabilities, [bound_probability(together[0])]);
    }
}

#[test]
fn hard_and_soft_input_agree() {
    let given = sequences(9, LENGTH);
    let soft: Vec<f32> = given.iter().flat_map(DnaSequence::to_one_hot).flatten().collect();
    for architecture in architectures() {
        for strands in [Strands::Forward, Strands::Both] {
            let mut model = predictor(&architecture, LENGTH, strands, DType::F32);
            let hard = model.input_gradients(ModelInput::Hard(&given), &[-1.0, 1.0]).unwrap();
            let real = model.input_gradients(ModelInput::Soft(&soft), &[-1.0, 1.0]).unwrap();
            assert!(gap(&hard.logits, &real.logits) < 1e-5);
            assert!(gap(&hard.bases, &real.bases) < 1e-5);
            assert_eq!(hard.logits, model.logits(ModelInput::Hard(&given)).unwrap());
        }
    }
}

#[test]
fn gradients_equal_central_differences() {
    let step = 1.0 / 65_536.0;
    let mut stream = Seed::new(2).stream("soft");
    // Multiples of 1/64 and the step are exact in f32, the type of the interface.
    let soft: Vec<f32> =
        (0..2 * LENGTH * 4).map(|_| f32::from(stream.random_range(1u8..64)) / 64.0).collect();
    let cotangent = [-0.5, 1.25];
    for architecture in architectures() {
        for strands in [Strands::Forward, Strands::Both] {
            let mut model = predictor(&architecture, LENGTH, strands, DType::F64);
            let (_, gradient) = model.precise_input_gradients(ModelInput::Soft(&soft), &cotangent).unwrap();
            let scale = gradient.iter().fold(0.0f64, |scale, g| scale.max(g.abs()));
            for at in (0..soft.len()).step_by(5) {
                let mut moved = |by: f32| {
                    let mut input = soft.clone();
                    input[at] += by;
                    let logits = model.precise_logits(ModelInput::Soft(&input)).unwrap();
                    let own = &logits[at / (LENGTH * 4) * 2..][..2];
                    own[0] * cotangent[0] + own[1] * cotangent[1]
                };
                let difference = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                let error = (difference - gradient[at]).abs();
                assert!(error < 1e-6 * scale, "{architecture}: {difference} against {}", gradient[at]);
            }
        }
    }
}

#[test]
fn truncations_equal_runs_on_the_truncated_sequences() {
    let given = sequences(3, LENGTH);
    let architecture = &architectures()[1];
    for strands in [Strands::Forward, Strands::Both] {
        let mut model = predictor(architecture, LENGTH, strands, DType::F32);
        let truncated = model.truncated_logits(&given).unwrap().unwrap();
        for at in 0..LENGTH {
            let part = |span: std::ops::Range<usize>| -> Vec<DnaSequence> {
                let cut = |sequence: &DnaSequence| {
                    DnaSequence::from_codes(&sequence.as_codes()[span.clone()]).unwrap()
                };
                given.iter().map(cut).collect()
            };
            let logits = |span: std::ops::Range<usize>| {
                let mut shorter = predictor(architecture, span.len(), strands, DType::F32);
                shorter.logits(ModelInput::Hard(&part(span))).unwrap()
            };
            let (prefix, suffix) = (logits(0..at + 1), logits(at..LENGTH));
            for sequence in 0..given.len() {
                let own = sequence * 2..sequence * 2 + 2;
                let place = (sequence * LENGTH + at) * 2;
                assert!(gap(&truncated.prefixes[place..place + 2], &prefix[own.clone()]) < 1e-5);
                assert!(gap(&truncated.suffixes[place..place + 2], &suffix[own]) < 1e-5);
            }
        }
    }
}

#[test]
fn whole_truncations_are_the_sequence_itself() {
    let given = sequences(3, LENGTH);
    for strands in [Strands::Forward, Strands::Both] {
        let mut model = predictor(&architectures()[2], LENGTH, strands, DType::F32);
        let truncated = model.truncated_logits(&given).unwrap().unwrap();
        let logits = model.logits(ModelInput::Hard(&given)).unwrap();
        for (sequence, logits) in logits.chunks_exact(2).enumerate() {
            let (first, last) = (sequence * LENGTH * 2, ((sequence + 1) * LENGTH - 1) * 2);
            assert!(gap(&truncated.prefixes[last..last + 2], logits) < 1e-5);
            assert!(gap(&truncated.suffixes[first..first + 2], logits) < 1e-5);
        }
    }
    let mut convolutional = predictor(&architectures()[0], LENGTH, Strands::Both, DType::F32);
    assert_eq!(convolutional.truncated_logits(&given).unwrap(), None);
}

#[test]
fn the_first_layer_is_the_convolution_rectified() {
    let given = sequences(70, LENGTH);
    for (architecture, padding) in [(&architectures()[0], 0), (&architectures()[2], 2)] {
        let mut model = predictor(architecture, LENGTH, Strands::Both, DType::F32);
        let layer = model.first_layer(&given).unwrap().unwrap();
        assert_eq!(layer.padding, padding);
        assert_eq!(layer.positions, LENGTH + 2 * padding + 1 - layer.width);
        let weight = model.params().get(0, "layer0.weight").unwrap();
        let bias = model.params().get(0, "layer0.bias").unwrap();
        let mut wanted = Vec::new();
        for sequence in &given {
            let rows = sequence.to_one_hot();
            for (position, filter) in
                (0..layer.positions).flat_map(|p| (0..layer.filters).map(move |f| (p, f)))
            {
                let mut sum = bias[filter];
                for offset in 0..layer.width {
                    let Some(row) = (position + offset).checked_sub(padding).and_then(|at| rows.get(at))
                    else {
                        continue;
                    };
                    for (base, value) in row.iter().enumerate() {
                        sum += value * weight[(offset * 4 + base) * layer.filters + filter];
                    }
                }
                wanted.push(sum.max(0.0));
            }
        }
        assert!(gap(&layer.activations, &wanted) < 1e-5);
    }
    let mut recurrent = predictor(&architectures()[1], LENGTH, Strands::Both, DType::F32);
    assert_eq!(recurrent.first_layer(&given).unwrap(), None);
}

#[test]
fn the_first_layer_is_normalised_where_the_network_does_so() {
    let given = sequences(30, LENGTH);
    let convolution = Layer::Convolution { filters: 3, width: 4, padding: Padding::Valid };
    let normalisation = Layer::BatchNormalisation { epsilon: 1e-3, momentum: 0.1 };
    let activation = |function| Layer::Activation { function };
    let rest = [Layer::GlobalMaxPool, Layer::Dense { outputs: 2 }];
    let model = |first: &[Layer]| {
        let network = Network::new(LENGTH, [first, &rest].concat()).unwrap();
        let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
        let weights: Vec<f32> = (0..4 * 4 * 3).map(|at| ((at * 37) % 23) as f32 / 10.0 - 1.0).collect();
        params.set(0, "layer0.weight", &weights).unwrap();
        let statistics = [
            ("scale", [1.5, -0.5, 2.0]),
            ("shift", [0.5, 0.0, -1.0]),
            ("running_mean", [0.25, -1.0, 0.5]),
            ("running_variance", [0.5, 2.0, 1.0]),
        ];
        if first.contains(&normalisation) {
            for (name, values) in statistics {
                params.set(0, &format!("layer1.{name}"), &values).unwrap();
            }
        }
        let mut model = Predictor::new(&network, &params, Strands::Forward, &Device::Cpu).unwrap();
        model.first_layer(&given).unwrap().unwrap()
    };
    let sums = model(&[convolution, activation(Activation::Linear)]);
    let normalised = |(at, sum): (usize, &f32)| {
        let filter = at % 3;
        let (mean, variance) = ([0.25, -1.0, 0.5][filter], [0.5f32, 2.0, 1.0][filter]);
        [1.5, -0.5, 2.0][filter] * (sum - mean) / (variance + 1e-3).sqrt() + [0.5, 0.0, -1.0][filter]
    };
    let wanted: Vec<f32> = sums.activations.iter().enumerate().map(normalised).collect();
    assert!(gap(&model(&[convolution, normalisation]).activations, &wanted) < 1e-5);
    let exponential = model(&[convolution, normalisation, activation(Activation::Exponential)]);
    let wanted: Vec<f32> = wanted.iter().map(|sum| sum.exp()).collect();
    let scale = wanted.iter().fold(1.0f32, |scale, value| scale.max(*value));
    assert!(gap(&exponential.activations, &wanted) < 1e-5 * scale);
    assert_eq!((exponential.positions, exponential.filters), (LENGTH - 3, 3));
}

#[test]
fn input_that_does_not_fit_is_refused() {
    let mut model = predictor(&architectures()[0], LENGTH, Strands::Both, DType::F32);
    let mut given = sequences(2, LENGTH);
    given.push("ACGT".parse().unwrap());
    let error = model.scores(&given).unwrap_err();
    assert_eq!(error.to_string(), "sequence 3 has 4 bases, wanted 17, the length of this model");
    let error = model.logits(ModelInput::Soft(&[0.0; 5])).unwrap_err();
    assert!(matches!(error, Error::ArraySize { found: 5, .. }));
    let error = model.input_gradients(ModelInput::Hard(&given[..1]), &[1.0]).unwrap_err();
    assert_eq!(error.to_string(), "cotangent: found 1 numbers, wanted 2, one a class");
    let network = architectures()[1].network(LENGTH).unwrap();
    let error = Predictor::new(&network, model.params(), Strands::Both, &Device::Cpu).unwrap_err();
    assert!(matches!(error, Error::Bank { .. }));
    for outputs in [1, 3] {
        let network = Network::new(LENGTH, vec![Layer::Dense { outputs }]).unwrap();
        let params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
        let mut model = Predictor::new(&network, &params, Strands::Both, &Device::Cpu).unwrap();
        assert_eq!(model.precise_logits(ModelInput::Hard(&given[..1])).unwrap().len(), outputs);
        let error = model.probabilities(&given[..1]).unwrap_err();
        assert!(matches!(error, Error::Classes { found } if found == outputs));
    }
}

#[test]
fn parameters_mean_what_the_table_for_pytorch_says() {
    // Made with NumPy 2.4.6 by the equations of torch.nn.Conv1d, LSTM and Linear, on parameters brought
    // to PyTorch's layout by the transposes that the checkpoint's documentation names:
    //   w = (((j * 37 + 11 * len(name)) % 101 - 50) / 100).reshape(shape)
    //   conv(x, w.transpose(2, 1, 0), b)
    //   i, f, g, o = split(w_ih.T @ x + b + w_hh.T @ h, 4)
    //   c = s(f) * c + s(i) * tanh(g); h = s(o) * tanh(c)
    let sequence: DnaSequence = "ACGTTGCANACCGTATG".parse().unwrap();
    let wanted = [(0, [-0.629_767, -0.020_163]), (2, [-0.384_482_63, 0.090_993_97])];
    for (at, wanted) in wanted {
        let architecture = &architectures()[at];
        let network = architecture.network(LENGTH).unwrap();
        let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
        for spec in network.parameters() {
            let value = |j: usize| ((j * 37 + 11 * spec.name.len()) % 101) as f32 / 100.0 - 0.5;
            let values: Vec<f32> = (0..spec.shape.iter().product()).map(value).collect();
            params.set(0, &spec.name, &values).unwrap();
        }
        let mut model =
            Predictor::with_dtype(&network, &params, Strands::Forward, DType::F64, &Device::Cpu).unwrap();
        let logits = model.precise_logits(ModelInput::Hard(std::slice::from_ref(&sequence))).unwrap();
        for (logit, wanted) in logits.iter().zip(wanted) {
            assert!((logit - wanted).abs() < 1e-6, "{architecture}: {logit} against {wanted}");
        }
    }
}

/// A model that scores mutants one by one.
struct Slow(Predictor);

impl SequenceModel for Slow {
    fn length(&self) -> usize {
        self.0.length()
    }

    fn classes(&self) -> usize {
        self.0.classes()
    }

    fn logits(&mut self, input: ModelInput<'_>) -> crate::Result<Vec<f32>> {
        self.0.logits(input)
    }

    fn input_gradients(
        &mut self,
        input: ModelInput<'_>,
        cotangent: &[f32],
    ) -> crate::Result<crate::InputGradients> {
        self.0.input_gradients(input, cotangent)
    }

    fn truncated_logits(
        &mut self,
        sequences: &[DnaSequence],
    ) -> crate::Result<Option<crate::TruncatedLogits>> {
        self.0.truncated_logits(sequences)
    }

    fn first_layer(&mut self, sequences: &[DnaSequence]) -> crate::Result<Option<crate::FirstLayer>> {
        self.0.first_layer(sequences)
    }
}

#[test]
fn mutants_have_the_logits_of_separate_runs() {
    let given = sequences(150, LENGTH);
    for architecture in architectures() {
        for strands in [Strands::Forward, Strands::Both] {
            let mut model = predictor(&architecture, LENGTH, strands, DType::F32);
            let found = model.mutant_logits(&given).unwrap();
            let wanted = Slow(model).mutant_logits(&given).unwrap();
            assert_eq!(found.len(), 150 * LENGTH * 4 * 2);
            assert!(gap(&found, &wanted) < 2e-6);
        }
    }
}

#[test]
fn a_device_predicts_and_explains_as_the_cpu() {
    let device = if cfg!(feature = "cuda") {
        Device::new_cuda_with_stream(0).map_err(|error| error.to_string())
    } else {
        demo_engine::emulated_device(1 << 30).map_err(|error| error.to_string())
    };
    let device = match device {
        Ok(device) => device,
        Err(reason) => return eprintln!("not tested: {reason}"),
    };
    let given = sequences(3, LENGTH);
    let [cnn, rnn, cnn_rnn, attention] = architectures();
    for architecture in [cnn, rnn, cnn_rnn] {
        let mut here = predictor(&architecture, LENGTH, Strands::Both, DType::F32);
        let (network, params) = (here.network().clone(), here.params().clone());
        let mut there = Predictor::new(&network, &params, Strands::Both, &device).unwrap();
        let agree = |found: &[f32], wanted: &[f32]| {
            let largest = wanted.iter().fold(0.0f32, |most, x| most.max(x.abs()));
            assert!(gap(found, wanted) <= 1e-4 * largest, "{architecture}: {found:?} {wanted:?}");
        };
        let hard = ModelInput::Hard(&given);
        agree(&there.logits(hard).unwrap(), &here.logits(hard).unwrap());
        let gradients = |model: &mut Predictor| model.input_gradients(hard, &[-1.0, 1.0]).unwrap();
        agree(&gradients(&mut there).bases, &gradients(&mut here).bases);
        agree(&there.mutant_logits(&given).unwrap(), &here.mutant_logits(&given).unwrap());
        let truncated = |model: &mut Predictor| model.truncated_logits(&given).unwrap();
        if let (Some(found), Some(wanted)) = (truncated(&mut there), truncated(&mut here)) {
            agree(&found.prefixes, &wanted.prefixes);
            agree(&found.suffixes, &wanted.suffixes);
        }
        let first = |model: &mut Predictor| model.first_layer(&given).unwrap();
        if let (Some(found), Some(wanted)) = (first(&mut there), first(&mut here)) {
            agree(&found.activations, &wanted.activations);
        }
        let refused = Predictor::with_dtype(&network, &params, Strands::Both, DType::F64, &device);
        assert!(refused.unwrap_err().to_string().contains("use the CPU for F64"));
    }
    let here = predictor(&attention, LENGTH, Strands::Both, DType::F32);
    let refused = Predictor::new(here.network(), here.params(), Strands::Both, &device).unwrap_err();
    assert!(refused.to_string().contains("self-attention of 2 heads"), "{refused}");
}
