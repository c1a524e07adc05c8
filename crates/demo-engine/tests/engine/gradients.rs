//! Every gradient against central differences, in f64.

use demo_engine::*;

use crate::common::*;

/// Bound on the relative error of each derivative; derivatives below a hundredth of the largest are
/// compared with that hundredth, since the quotient's own rounding is absolute.
const BOUND: f64 = 1e-6;
const STEP: f64 = 1e-5;

fn compare(what: &str, index: usize, found: f64, wanted: f64, largest: f64) {
    let scale = found.abs().max(wanted.abs()).max(1e-2 * largest);
    let error = (found - wanted).abs() / scale;
    assert!(error < BOUND, "{what} {index}: {found} against {wanted}, relative error {error}");
}

/// What the objective sums: the losses of members, or weighted outputs of every sequence. Differences
/// are taken before summing, so that what does not depend on a number adds no rounding.
fn terms(case: &Case, soft: &[f64], of: Objective, mode: Mode) -> Vec<f64> {
    let mut plan = Plan::new(&case.network, case.shape(), DType::F64, &Device::Cpu).unwrap();
    let shape = [case.members, case.size, case.network.length(), 4];
    let soft = Buffer::from_f64(soft, &shape, DType::F64, &Device::Cpu).unwrap();
    let batch = Batch {
        input: Input::Soft(&soft),
        size: case.size,
        labels: Some(&case.labels),
        weights: Some(&case.weights),
    };
    let outputs = case.network.outputs();
    let mut logits = Buffer::zeros(&[case.members, case.size, outputs], DType::F64, &Device::Cpu).unwrap();
    let task = Task::Gradient { of, mode, params: None, input: None };
    plan.run(&case.params(DType::F64), &batch, task, &mut logits).unwrap();
    let logits = logits.to_f64().unwrap();
    match of {
        Objective::Loss(_) => plan.losses().unwrap().to_vec(),
        Objective::Logit(index) => logits.into_iter().skip(index).step_by(outputs).collect(),
        Objective::Cotangent(weights) => {
            logits.into_iter().zip(weights.to_f64().unwrap()).map(|(x, w)| x * w).collect()
        }
    }
}

fn quotient(above: &[f64], below: &[f64]) -> f64 {
    above.iter().zip(below).map(|(a, b)| a - b).sum::<f64>() / (2.0 * STEP)
}

/// Some sixty indices of a list, the ends among them.
fn sample(count: usize, seed: u64) -> Vec<usize> {
    let mut random = Random(seed);
    let mut list: Vec<usize> = (0..58).map(|_| random.below(count)).collect();
    list.extend([0, count - 1]);
    list.sort_unstable();
    list.dedup();
    list
}

/// The gradient of the parameters, on codes: equal windows tie, but move together.
fn check_params(case: &mut Case, of: Objective, mode: Mode) {
    let parameters = case.network.parameters().to_vec();
    let count = case.network.parameter_count();
    let trained = |index: usize| {
        let place = index % count;
        parameters.iter().any(|spec| spec.trained && (spec.offset..spec.offset + spec.len()).contains(&place))
    };
    let found = case.run(DType::F64, Route::Codes, of, mode).params;
    let soft = case.one_hot();
    let largest = found.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    assert!(largest > 0.0);
    for index in sample(case.values.len(), 7) {
        if !trained(index) {
            assert_eq!(found[index], 0.0);
            continue;
        }
        let value = case.values[index];
        case.values[index] = value + STEP;
        let above = terms(case, &soft, of, mode);
        case.values[index] = value - STEP;
        let below = terms(case, &soft, of, mode);
        case.values[index] = value;
        compare("parameter", index, found[index], quotient(&above, &below), largest);
    }
}

/// The gradient of the input, on random numbers: nothing ties.
fn check_input(case: &Case, of: Objective, mode: Mode) {
    let mut soft = Random(5).numbers(case.one_hot().len());
    let found = case.run_soft(DType::F64, Route::Soft, &soft, of, mode).bases;
    let largest = found.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    assert!(largest > 0.0);
    for index in sample(soft.len(), 8) {
        let value = soft[index];
        soft[index] = value + STEP;
        let above = terms(case, &soft, of, mode);
        soft[index] = value - STEP;
        let below = terms(case, &soft, of, mode);
        soft[index] = value;
        compare("input", index, found[index], quotient(&above, &below), largest);
    }
}

/// Two members; a batch below a slice, one that fills none, and, where nothing is normalised by the
/// batch, a single sequence.
fn check(network: Network) {
    for size in [3, 19] {
        let mut case = Case::new(network.clone(), 2, size, 11);
        let seeds = case.seeds.clone();
        let train = Mode::Train { step: 5, seeds: &seeds };
        check_params(&mut case, Objective::Loss(&Loss::CrossEntropy), train);
        check_params(&mut case, Objective::Logit(1), Mode::Evaluate);
        // Random weights of the outputs: the plain sum of a normalised batch hardly depends on its input.
        let shape = [2, size, network.outputs()];
        let numbers = Random(3).numbers(shape.iter().product());
        let cotangent = Buffer::from_f64(&numbers, &shape, DType::F64, &Device::Cpu).unwrap();
        check_input(&case, Objective::Cotangent(&cotangent), train);
    }
    if network.layers().iter().any(|layer| matches!(layer, Layer::BatchNormalisation { .. })) {
        return;
    }
    let case = Case::new(network, 2, 1, 12);
    let train = Mode::Train { step: 5, seeds: &case.seeds };
    check_input(&case, Objective::Loss(&Loss::CrossEntropy), train);
}

fn chain(length: usize, layers: &[Layer]) -> Network {
    Network::new(length, layers.to_vec()).unwrap()
}

const DENSE: Layer = Layer::Dense { outputs: 3 };

#[test]
fn dense() {
    check(chain(5, &[DENSE]));
    let (dense, tanh) = (Layer::Dense { outputs: 4 }, activation(Activation::Tanh));
    check(chain(5, &[dense, tanh, DENSE]));
    check(chain(5, &[dense, tanh, Layer::GlobalMaxPool, DENSE]));
}

#[test]
fn convolutions() {
    for padding in [Padding::Valid, Padding::Same] {
        for width in [1, 2, 4, 7, 9] {
            let first = convolution(5, width, padding);
            check(chain(13, &[first, activation(Activation::Tanh), DENSE]));
        }
        let second = convolution(3, 4, padding);
        check(chain(13, &[convolution(5, 3, padding), activation(Activation::Tanh), second, DENSE]));
    }
}

#[test]
fn activations() {
    use Activation::{Elu, Exponential, Linear, Relu, Sigmoid, Softplus, Tanh};
    for function in [Relu, Exponential, Sigmoid, Tanh, Softplus, Linear, Elu] {
        let first = convolution(6, 3, Padding::Valid);
        check(chain(9, &[first, activation(function), DENSE]));
        check(chain(9, &[first, activation(function), POOL, DROP, DENSE]));
    }
}

#[test]
fn pools() {
    let first = convolution(6, 3, Padding::Valid);
    for width in [1, 2, 3, 5] {
        let pool = Layer::MaxPool { width };
        check(chain(13, &[first, pool, RELU, DENSE]));
        check(chain(13, &[first, RELU, pool, convolution(4, 2, Padding::Same), DENSE]));
    }
    check(chain(13, &[first, Layer::GlobalMaxPool, DENSE]));
    let second = convolution(5, 4, Padding::Same);
    check(chain(13, &[first, RELU, second, POOL, activation(Activation::Tanh), Layer::GlobalMaxPool, DENSE]));
    check(chain(13, &[first, Layer::MeanOverTime, DENSE]));
    check(chain(13, &[Layer::MeanOverTime, DENSE]));
}

#[test]
fn dropouts() {
    let first = convolution(6, 3, Padding::Valid);
    for rate in [0.0, 0.2, 0.5, 0.75] {
        let drop = Layer::Dropout { rate };
        check(chain(13, &[drop, first, activation(Activation::Sigmoid), drop, DENSE]));
        check(chain(13, &[first, drop, POOL, drop, drop, DENSE]));
    }
}

#[test]
fn lstms() {
    let lstm = Layer::BidirectionalLstm { hidden: 3 };
    check(chain(7, &[lstm, DENSE]));
    check(chain(1, &[lstm, DENSE]));
    check(chain(7, &[lstm, Layer::BidirectionalLstm { hidden: 2 }, Layer::MeanOverTime, DENSE]));
    check(chain(7, &[lstm, convolution(3, 3, Padding::Same), Layer::GlobalMaxPool, DENSE]));
    check(chain(7, &[lstm, RELU, DROP, lstm, DENSE]));
}

#[test]
fn batch_normalisations() {
    let norm = Layer::BatchNormalisation { epsilon: 0.01, momentum: 0.1 };
    let first = convolution(6, 3, Padding::Valid);
    let tanh = activation(Activation::Tanh);
    check(chain(13, &[first, norm, RELU, POOL, DROP, DENSE]));
    check(chain(13, &[first, tanh, norm, convolution(4, 2, Padding::Same), norm, tanh, DENSE]));
    check(chain(
        13,
        &[first, norm, Layer::GlobalMaxPool, norm, Layer::Dense { outputs: 4 }, norm, tanh, DENSE],
    ));
    check(chain(7, &[Layer::BidirectionalLstm { hidden: 3 }, norm, Layer::MeanOverTime, DENSE]));
    check(chain(7, &[norm, convolution(3, 3, Padding::Same), norm]));
}

#[test]
fn self_attentions() {
    let attention = |heads, size| Layer::SelfAttention { heads, size };
    let norm = Layer::BatchNormalisation { epsilon: 0.01, momentum: 0.1 };
    let tanh = activation(Activation::Tanh);
    let first = convolution(6, 3, Padding::Valid);
    check(chain(7, &[attention(1, 1), DENSE]));
    check(chain(1, &[attention(2, 3), DENSE]));
    check(chain(9, &[attention(2, 3), attention(3, 1), tanh, Layer::MeanOverTime, DENSE]));
    check(chain(13, &[first, tanh, attention(3, 5), DENSE]));
    // More positions than fill a vector of scores, as well as fewer.
    check(chain(21, &[first, tanh, attention(2, 4), Layer::GlobalMaxPool, DENSE]));
    // Whatever stands after it reads or overwrites its output.
    check(chain(13, &[first, RELU, attention(2, 4), convolution(3, 4, Padding::Same), DENSE]));
    check(chain(13, &[first, RELU, DROP, attention(2, 4), POOL, tanh, DROP, DENSE]));
    check(chain(13, &[first, norm, RELU, attention(2, 4), norm, tanh, DENSE]));
    check(chain(9, &[attention(2, 2), Layer::BidirectionalLstm { hidden: 3 }, Layer::MeanOverTime, DENSE]));
    check(chain(9, &[Layer::BidirectionalLstm { hidden: 3 }, attention(2, 5), DENSE]));
}

#[test]
fn published_networks() {
    check(published("cnn", 47, 6, 0));
    check(published("rnn", 11, 0, 5));
    check(published("cnn-rnn", 11, 6, 4));
}

#[test]
fn the_first_maximum_takes_all() {
    // Equal bases give equal windows: the gradient of a pool of three goes to the first alone.
    let identity = convolution(1, 1, Padding::Valid);
    let unit = |network: &Network| {
        let mut params = Params::zeros(network, 1, DType::F64, &Device::Cpu).unwrap();
        params.set(0, "layer0.weight", &[1.0, 2.0, 2.0, 1.0]).unwrap();
        params
    };
    let run = |layers: &[Layer], codes: &[u8]| {
        let network = chain(codes.len(), layers);
        let store = CodeStore::new(codes, codes.len(), &Device::Cpu).unwrap();
        let shape = BankShape { members: 1, batch: 1 };
        let mut plan = Plan::new(&network, shape, DType::F64, &Device::Cpu).unwrap();
        let mut logits = Buffer::zeros(&[1, 1, network.outputs()], DType::F64, &Device::Cpu).unwrap();
        let mut observed = Buffer::zeros(&[1, 1, codes.len()], DType::F64, &Device::Cpu).unwrap();
        let input = Input::Rows { store: &store, rows: &[0] };
        let batch = Batch { input, size: 1, labels: None, weights: None };
        let task = Task::Gradient {
            of: Objective::Logit(0),
            mode: Mode::Evaluate,
            params: None,
            input: Some(InputGradient::Observed(&mut observed)),
        };
        plan.run(&unit(&network), &batch, task, &mut logits).unwrap();
        observed.to_f64().unwrap()
    };
    let pool = Layer::MaxPool { width: 3 };
    assert_eq!(run(&[identity, pool], &[0, 1, 2, 1]), [0.0, 2.0, 0.0, 0.0]);
    assert_eq!(run(&[identity, POOL], &[1, 2, 3]), [2.0, 0.0, 0.0]);
    assert_eq!(run(&[identity, Layer::GlobalMaxPool], &[0, 2, 1, 4]), [0.0, 2.0, 0.0, 0.0]);
    // ReLU has slope 0 at 0, which is the value at an unknown base.
    assert_eq!(run(&[identity, RELU], &[4, 1]), [0.0, 0.0]);
}
