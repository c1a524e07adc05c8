//! Banks on a CUDA device against the CPU: whole networks, every task. The device is a real one where the
//! build has the feature `cuda` and the machine a device, else the emulated one; where there is neither,
//! these tests pass, and `cargo xtask test` says that they had nothing to run on.

use demo_engine::*;

use crate::common::*;

/// Error relative to the largest number of an array.
const BOUND: f64 = 1e-4;
const LOSS: Objective = Objective::Loss(&Loss::CrossEntropy);

/// The device to compare with.
fn device() -> Option<Device> {
    let device = if cfg!(feature = "cuda") {
        Device::new_cuda_with_stream(0).map_err(|error| error.to_string())
    } else {
        emulated_device(2 << 30).map_err(|error| error.to_string())
    };
    device.inspect_err(|reason| eprintln!("not tested: {reason}")).ok()
}

fn agree(what: &str, found: &[f64], wanted: &[f64]) {
    let error = difference(found, wanted);
    assert!(error < BOUND, "{what}: relative error {error}\n{found:?}\n{wanted:?}");
}

fn compare(what: &str, found: &Outcome, wanted: &Outcome) {
    agree(&format!("{what}, logits"), &found.logits, &wanted.logits);
    agree(&format!("{what}, losses"), &found.losses, &wanted.losses);
    agree(&format!("{what}, parameters"), &found.params, &wanted.params);
    agree(&format!("{what}, bases"), &found.bases, &wanted.bases);
    agree(&format!("{what}, observed"), &found.observed, &wanted.observed);
}

/// Values and gradients on both devices, codes and soft input, in training and in evaluation.
fn check(network: &Network, members: usize, size: usize) {
    let Some(device) = device() else { return };
    let here = Case::new(network.clone(), members, size, 31);
    let there = here.on(&device);
    let names: Vec<String> = network.layers().iter().map(ToString::to_string).collect();
    let numbers = Random(3).numbers(members * size * network.outputs());
    let shape = [members, size, network.outputs()];
    let cotangent = |device| Buffer::from_f64(&numbers, &shape, DType::F32, device).unwrap();
    let cotangents = [cotangent(&Device::Cpu), cotangent(&device)];
    let train = Mode::Train { step: 1 << 33 | 5, seeds: &here.seeds };
    for route in [Route::Codes, Route::Soft] {
        let what = format!("{names:?}, {}", if route == Route::Codes { "codes" } else { "soft" });
        let run = |case: &Case, of, mode| case.run(DType::F32, route, of, mode);
        let (found, wanted) = (run(&there, LOSS, train), run(&here, LOSS, train));
        compare(&format!("{what}, loss"), &found, &wanted);
        let of = cotangents.each_ref().map(Objective::Cotangent);
        let (found, wanted) = (run(&there, of[1], Mode::Evaluate), run(&here, of[0], Mode::Evaluate));
        compare(&format!("{what}, cotangent"), &found, &wanted);
    }
    let logit = Objective::Logit(network.outputs() - 1);
    let run = |case: &Case| case.run(DType::F32, Route::Codes, logit, Mode::Evaluate);
    compare(&format!("{names:?}, logit"), &run(&there), &run(&here));
}

/// One step of training on codes, twice on the device.
fn check_training(network: &Network, members: usize, size: usize) {
    let Some(device) = device() else { return };
    let here = Case::new(network.clone(), members, size, 31);
    let there = here.on(&device);
    let run = |case: &Case| {
        let mode = Mode::Train { step: 2, seeds: &here.seeds };
        case.run(DType::F32, Route::Codes, LOSS, mode)
    };
    let found = run(&there);
    compare("a large network", &found, &run(&here));
    assert_eq!(run(&there), found, "a second run");
}

fn chain(length: usize, layers: &[Layer]) -> Network {
    Network::new(length, layers.to_vec()).unwrap()
}

const DENSE: Layer = Layer::Dense { outputs: 3 };
const NORM: Layer = Layer::BatchNormalisation { epsilon: 0.01, momentum: 0.1 };

#[test]
fn published_networks() {
    check(&published("cnn", 47, 20, 0), 3, 21);
    check(&published("rnn", 13, 0, 17), 2, 21);
    check(&published("rnn", 13, 0, 32), 2, 9);
    check(&published("cnn-rnn", 13, 20, 16), 2, 19);
    // Tiles of every size, whole and in part; sums over several chunks.
    check_training(&published("cnn", 41, 130, 0), 1, 5);
    check_training(&published("cnn-rnn", 9, 70, 33), 1, 9);
    // Rows in fours, and an LSTM with its weights in registers.
    check_training(&published("cnn", 41, 132, 0), 2, 5);
    check_training(&published("cnn-rnn", 9, 72, 32), 2, 9);
}

#[test]
fn layers() {
    let lstm = Layer::BidirectionalLstm { hidden: 3 };
    let same = |filters, width| convolution(filters, width, Padding::Same);
    let valid = |filters, width| convolution(filters, width, Padding::Valid);
    let tanh = activation(Activation::Tanh);
    let cases: [&[Layer]; 12] = [
        &[DENSE],
        &[Layer::Dense { outputs: 40 }, tanh, DENSE],
        &[Layer::Dense { outputs: 4 }, tanh, Layer::GlobalMaxPool, DENSE],
        // Padding odd and even, pools that leave positions over, pools alone, two finishes in a row.
        &[same(5, 7), RELU, Layer::MaxPool { width: 4 }, DROP, same(3, 4), RELU, DENSE],
        &[valid(4, 6), Layer::MaxPool { width: 3 }, POOL, Layer::Dropout { rate: 0.2 }, DENSE],
        &[Layer::Dropout { rate: 0.75 }, valid(6, 3), activation(Activation::Sigmoid), DROP, DROP, DENSE],
        &[valid(33, 3), RELU, Layer::MeanOverTime, DENSE],
        &[Layer::MeanOverTime, DENSE],
        // A window too long for tables.
        &[same(2, 90), RELU, Layer::GlobalMaxPool, DENSE],
        &[lstm, Layer::BidirectionalLstm { hidden: 2 }, Layer::MeanOverTime, DENSE],
        &[lstm, same(3, 3), Layer::GlobalMaxPool, DENSE],
        &[same(4, 3), RELU, lstm, RELU, DROP, Layer::GlobalMaxPool, DENSE],
    ];
    for layers in cases {
        check(&chain(15, layers), 2, 9);
    }
    check(&chain(1, &[lstm, DENSE]), 2, 3);
    // Recurrent weights that do not fit on chip.
    check_training(&chain(5, &[Layer::BidirectionalLstm { hidden: 140 }, Layer::MeanOverTime, DENSE]), 1, 3);
}

#[test]
fn activations() {
    for function in [
        Activation::Relu,
        Activation::Exponential,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softplus,
        Activation::Linear,
        Activation::Elu,
    ] {
        let first = convolution(6, 3, Padding::Valid);
        check(&chain(9, &[first, POOL, activation(function), DENSE]), 1, 7);
    }
}

#[test]
fn batch_normalisations() {
    let first = convolution(6, 3, Padding::Valid);
    let tanh = activation(Activation::Tanh);
    check(&chain(13, &[first, NORM, RELU, POOL, DROP, DENSE]), 2, 19);
    check(&chain(13, &[first, tanh, NORM, convolution(40, 2, Padding::Same), NORM, tanh, DENSE]), 2, 9);
    check(&chain(7, &[Layer::BidirectionalLstm { hidden: 3 }, NORM, Layer::MeanOverTime, DENSE]), 2, 9);
    check(&chain(7, &[NORM, convolution(3, 3, Padding::Same), NORM, Layer::GlobalMaxPool, NORM]), 2, 9);
}

#[test]
fn running_statistics() {
    let Some(device) = device() else { return };
    let network = chain(9, &[convolution(5, 3, Padding::Valid), NORM, Layer::GlobalMaxPool, NORM, DENSE]);
    let here = Case::new(network, 3, 8, 61);
    let moved = |case: &Case| {
        let device = &case.device;
        let mut params = case.params(DType::F32);
        let mut plan = Plan::new(&case.network, case.shape(), DType::F32, device).unwrap();
        let store = CodeStore::new(&case.codes, 9, device).unwrap();
        let input = Input::Rows { store: &store, rows: &case.rows };
        // The last member takes no part in a loss.
        let mut weights = case.weights.clone();
        weights[2 * 8..].fill(0.0);
        let mut logits = Buffer::zeros(&[3, 8, 3], DType::F32, device).unwrap();
        for (of, weights) in [(LOSS, Some(&weights[..])), (Objective::Logit(0), None)] {
            let mode = Mode::Train { step: 0, seeds: &case.seeds };
            let batch = Batch { input, size: case.size, labels: Some(&case.labels), weights };
            let task = Task::Gradient { of, mode, params: None, input: None };
            plan.run(&params, &batch, task, &mut logits).unwrap();
            plan.update_running(&mut params, &[true, false, weights.is_some()]).unwrap();
        }
        params.buffer().to_f64().unwrap()
    };
    let (found, wanted) = (moved(&here.on(&device)), moved(&here));
    agree("running statistics", &found, &wanted);
    let of = |values: &[f64], member: usize| values.chunks(values.len() / 3).nth(member).unwrap().to_vec();
    let before = here.params(DType::F32).buffer().to_f64().unwrap();
    let moves = [0, 1, 2].map(|member| of(&found, member) != of(&before, member));
    assert_eq!(moves, [true, false, false]);
}

#[test]
fn mutants_and_truncations() {
    let Some(device) = device() else { return };
    for (network, members, size) in [
        (published("cnn", 33, 5, 0), 2, 3),
        (published("rnn", 13, 0, 5), 2, 5),
        (published("cnn-rnn", 17, 6, 4), 1, 4),
        (chain(9, &[DENSE, RELU, DENSE]), 1, 2),
        (chain(11, &[convolution(4, 3, Padding::Same), NORM, RELU, Layer::GlobalMaxPool, DENSE]), 2, 3),
    ] {
        let here = Case::new(network, members, size, 71);
        let (l, outputs) = (here.network.length(), here.network.outputs());
        let numbers = |case: &Case, shape: &[usize]| Buffer::zeros(shape, DType::F32, &case.device).unwrap();
        let mutants = |case: &Case| {
            let mut found = numbers(case, &[members, size, l, 4, outputs]);
            let logits = case.run_codes(DType::F32, Task::Mutants { mutants: &mut found });
            (logits, found.to_f64().unwrap())
        };
        let (found, wanted) = (mutants(&here.on(&device)), mutants(&here));
        agree("logits", &found.0, &wanted.0);
        agree("mutants", &found.1, &wanted.1);
        let recurrent = |layer: &Layer| matches!(layer, Layer::BidirectionalLstm { .. });
        if !here.network.layers().iter().any(recurrent) {
            continue;
        }
        let truncations = |case: &Case| {
            let shape = [members, size, l, outputs];
            let (mut prefixes, mut suffixes) = (numbers(case, &shape), numbers(case, &shape));
            let task = Task::Truncations { prefixes: &mut prefixes, suffixes: &mut suffixes };
            let logits = case.run_codes(DType::F32, task);
            [logits, prefixes.to_f64().unwrap(), suffixes.to_f64().unwrap()]
        };
        let (found, wanted) = (truncations(&here.on(&device)), truncations(&here));
        for (found, wanted) in found.iter().zip(&wanted) {
            agree("truncations", found, wanted);
        }
    }
}

/// Steps of training with members that rest, stop, and lose their loss.
#[test]
fn a_bank_trains_as_on_the_cpu() {
    let Some(device) = device() else { return };
    for name in ["cnn", "rnn", "cnn-rnn"] {
        let mut here = Case::new(published(name, 31, 6, 5), 4, 13, 37);
        // Member 3 begins where its loss is none.
        let count = here.network.parameter_count();
        here.values[3 * count] = f64::NAN;
        here.weights[2 * 13..3 * 13].fill(0.0);
        let (found, wanted) = (train(&here.on(&device)), train(&here));
        for (member, (found, wanted)) in found.0.chunks(count).zip(wanted.0.chunks(count)).enumerate() {
            match member {
                3 => assert!(found.iter().zip(wanted).all(|(x, y)| x.to_bits() == y.to_bits())),
                _ => agree(&format!("{name}, member {member}"), found, wanted),
            }
        }
        for (found, wanted) in found.1.chunks(count).zip(wanted.1.chunks(count)).take(3) {
            agree(&format!("{name}, means"), found, wanted);
        }
        for (found, wanted) in found.2.iter().zip(&wanted.2) {
            agree("losses", &found.losses[..3], &wanted.losses[..3]);
            assert!(found.losses[3].is_nan() && wanted.losses[3].is_nan());
        }
    }
}

/// Parameters, means and what every step left.
fn train(case: &Case) -> (Vec<f64>, Vec<f64>, Vec<StepTrace>) {
    let device = &case.device;
    let mut params = case.params(DType::F32);
    let mut means = params.clone();
    let mut plan = Plan::new(&case.network, case.shape(), DType::F32, device).unwrap();
    let store = CodeStore::new(&case.codes, case.network.length(), device).unwrap();
    let mut logits = Buffer::zeros(&[4, 13, 2], DType::F32, device).unwrap();
    let mut gradient = Buffer::zeros(&[4, case.network.parameter_count()], DType::F32, device).unwrap();
    let config = AdamConfig { weight_decay: 0.01, gradient_clamp: Some(0.05), ..AdamConfig::default() };
    // Each member has constants of its own.
    let configs = [0.01, 0.0, 0.03, 0.01].map(|weight_decay| AdamConfig { weight_decay, ..config });
    let mut adam = Adam::of_each(configs.to_vec(), &params).unwrap();
    let mut trace = Trace::new(&case.network, case.shape(), 3, device).unwrap();
    let mut steps = Vec::new();
    for step in 0..4 {
        let input = Input::Rows { store: &store, rows: &case.rows };
        let batch = Batch { input, size: 13, labels: Some(&case.labels), weights: Some(&case.weights) };
        let mode = Mode::Train { step, seeds: &case.seeds };
        let task = Task::Gradient { of: LOSS, mode, params: Some(&mut gradient), input: None };
        plan.run(&params, &batch, task, &mut logits).unwrap();
        trace.record(&plan, &logits).unwrap();
        let active = [true, step != 2, true, true];
        let rates = [0.01, 0.003, 0.01, 0.01];
        adam.guarded_step(&plan, &mut params, &gradient, &rates, &active).unwrap();
        adam.follow(&mut means, &params, &[0.5, 0.25, 0.5, 0.5]).unwrap();
        if trace.is_full() {
            steps.extend(trace.take().unwrap());
        }
    }
    steps.extend(trace.take().unwrap());
    let (_, _, counts) = adam.state();
    assert_eq!(counts[..3], [4, 3, 4]);
    (params.buffer().to_f64().unwrap(), means.buffer().to_f64().unwrap(), steps)
}

#[test]
fn dropout_keeps_the_same_elements() {
    let Some(device) = device() else { return };
    // Exponentials are never zero, so that zeros are what was dropped.
    for rate in [0.5, 0.2, 0.9] {
        let layers =
            [Layer::MaxPool { width: 1 }, activation(Activation::Exponential), Layer::Dropout { rate }];
        let here = Case::new(chain(37, &layers), 2, 9, 5);
        let mode = Mode::Train { step: 3, seeds: &here.seeds };
        let run = |case: &Case| case.run(DType::F32, Route::Codes, Objective::Logit(0), mode).logits;
        let dropped = |logits: Vec<f64>| logits.into_iter().map(|x| x == 0.0).collect::<Vec<_>>();
        assert_eq!(dropped(run(&here.on(&device))), dropped(run(&here)));
    }
}

#[test]
fn members_do_not_see_each_other() {
    let Some(device) = device() else { return };
    let bank = Case::new(published("cnn", 31, 6, 0), 3, 9, 37).on(&device);
    let together = bank.run(DType::F32, Route::Codes, LOSS, Mode::Train { step: 9, seeds: &bank.seeds });
    let (count, n, l) = (bank.network.parameter_count(), 9, 31);
    let alone = Case {
        members: 1,
        values: bank.values[count..2 * count].to_vec(),
        rows: bank.rows[n..2 * n].to_vec(),
        labels: bank.labels[n..2 * n].to_vec(),
        weights: bank.weights[n..2 * n].to_vec(),
        seeds: vec![bank.seeds[1]],
        ..bank.clone()
    };
    let outcome = alone.run(DType::F32, Route::Codes, LOSS, Mode::Train { step: 9, seeds: &alone.seeds });
    // Sums over chunks depend on the size of the bank; nothing else does.
    agree("parameters", &outcome.params, &together.params[count..2 * count]);
    assert_eq!(outcome.logits, together.logits[n * 2..2 * n * 2]);
    assert_eq!(outcome.bases, together.bases[n * l * 4..2 * n * l * 4]);
}

#[test]
fn layers_without_kernels_are_refused_by_name() {
    let Some(device) = device() else { return };
    let network = attentive(27, 6, (2, 3));
    let shape = BankShape { members: 1, batch: 2 };
    let wanted = "layer 4 (self-attention of 2 heads of size 3) does not run on CUDA devices; use the CPU";
    let error = Plan::new(&network, shape, DType::F32, &device).unwrap_err().to_string();
    assert_eq!(error, wanted);
    assert_eq!(Plan::device_bytes(&network, shape, true).unwrap_err().to_string(), wanted);
}

#[test]
fn arguments_of_another_device_are_refused() {
    let Some(device) = device() else { return };
    let case = Case::new(published("rnn", 7, 0, 3), 1, 2, 29);
    let shape = case.shape();
    let on_device = case.on(&device);
    let params = on_device.params(DType::F32);
    let mut plan = Plan::new(&case.network, shape, DType::F32, &device).unwrap();
    let store = |device| CodeStore::new(&case.codes, 7, device).unwrap();
    let logits = |device| Buffer::zeros(&[1, 2, 2], DType::F32, device).unwrap();
    let mut refused = |store: &CodeStore, params: &Params, mut logits: Buffer| {
        let input = Input::Rows { store, rows: &case.rows };
        let batch = Batch { input, size: 2, labels: None, weights: None };
        plan.run(params, &batch, Task::Predict, &mut logits).unwrap_err().to_string()
    };
    let message = refused(&store(&Device::Cpu), &params, logits(&device));
    assert_eq!(message, "the store: found on the CPU, wanted on a CUDA device");
    let message = refused(&store(&device), &case.params(DType::F32), logits(&device));
    assert_eq!(message, "the parameters: found on the CPU, wanted on a CUDA device");
    let message = refused(&store(&device), &params, logits(&Device::Cpu));
    assert_eq!(message, "the logits: found on the CPU, wanted on a CUDA device");
    // Losses of another bank decide nothing, and are not read beyond its members.
    let (mut params, mut adam) = (params.clone(), Adam::new(AdamConfig::default(), &params).unwrap());
    let gradient = params.buffer().clone();
    let mut trace = Trace::new(&case.network, shape, 1, &device).unwrap();
    for (members, device, wanted) in [
        (1, &Device::Cpu, "the losses: found on the CPU, wanted on a CUDA device"),
        (3, &device, "the losses has shape [3], wanted [1]"),
    ] {
        let other = Plan::new(&case.network, BankShape { members, ..shape }, DType::F32, device).unwrap();
        let error = adam.guarded_step(&other, &mut params, &gradient, &[0.1], &[true]).unwrap_err();
        assert_eq!(error.to_string(), wanted);
        assert_eq!(trace.record(&other, &logits(&on_device.device)).unwrap_err().to_string(), wanted);
    }
    assert_eq!((adam.state().2, trace.len()), (&[0][..], 0));
    let error = Plan::new(&case.network, shape, DType::F64, &device).unwrap_err().to_string();
    assert_eq!(error, "CUDA devices compute in F32, not in F64; use the CPU for F64");
    // Petabytes.
    let huge = BankShape { members: 2000, batch: 1 << 23 };
    let error = Plan::new(&case.network, huge, DType::F32, &device).unwrap_err().to_string();
    assert!(error.contains("out of memory") || error.contains("out of range"), "{error}");
}
