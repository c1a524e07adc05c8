//! Two ways to the same numbers: codes looked up and one-hot numbers multiplied, f32 and f64.

use demo_engine::*;

use crate::common::*;

const LOSS: Objective = Objective::Loss(&Loss::CrossEntropy);

fn networks() -> Vec<Network> {
    let width = |width, padding| {
        Network::new(29, vec![convolution(5, width, padding), RELU, POOL, Layer::Dense { outputs: 2 }])
            .unwrap()
    };
    let mut list =
        vec![published("cnn", 47, 20, 0), published("rnn", 13, 0, 17), published("cnn-rnn", 13, 20, 16)];
    list.extend([attentive(29, 20, (3, 7)), attentive(43, 32, (2, 16))]);
    let attention = Layer::SelfAttention { heads: 2, size: 5 };
    list.push(Network::new(19, vec![attention, RELU, Layer::Dense { outputs: 2 }]).unwrap());
    // Filters that fill vectors.
    list.extend([published("cnn", 47, 80, 0), published("cnn-rnn", 13, 48, 16)]);
    for k in [1, 2, 3, 4, 5, 9, 10, 13] {
        list.extend([width(k, Padding::Valid), width(k, Padding::Same)]);
    }
    // Only one position of each filter has a gradient below a global maximum.
    let (head, dense) = (convolution(6, 4, Padding::Same), Layer::Dense { outputs: 2 });
    for layers in [
        vec![head, RELU, Layer::GlobalMaxPool, dense],
        vec![convolution(48, 12, Padding::Same), RELU, Layer::GlobalMaxPool, DROP, dense],
        vec![head, RELU, POOL, DROP, Layer::GlobalMaxPool, dense],
        vec![head, Layer::GlobalMaxPool, RELU, dense],
    ] {
        list.push(Network::new(29, layers).unwrap());
    }
    list
}

#[test]
fn looking_codes_up_equals_multiplying() {
    for network in networks() {
        // A small batch looks single bases up, a large one three at a time.
        for size in [2, 70] {
            let case = Case::new(network.clone(), 2, size, 17);
            let mode = Mode::Train { step: 1, seeds: &case.seeds };
            let codes = case.run(DType::F64, Route::Codes, LOSS, mode);
            let soft = case.run(DType::F64, Route::Soft, LOSS, mode);
            assert!(difference(&codes.logits, &soft.logits) < 1e-12);
            assert!(difference(&codes.losses, &soft.losses) < 1e-12);
            assert!(difference(&codes.params, &soft.params) < 1e-11);
            assert!(difference(&codes.bases, &soft.bases) < 1e-11);
            let observed: Vec<f64> = case
                .one_hot()
                .chunks_exact(4)
                .zip(soft.bases.chunks_exact(4))
                .map(|(x, g)| x.iter().zip(g).map(|(x, g)| x * g).sum())
                .collect();
            assert!(difference(&codes.observed, &observed) < 1e-11);
        }
    }
}

#[test]
fn f32_is_f64_rounded() {
    for network in networks() {
        let case = Case::new(network, 2, 21, 19);
        let mode = Mode::Train { step: 1, seeds: &case.seeds };
        let short = case.run(DType::F32, Route::Codes, LOSS, mode);
        let long = case.run(DType::F64, Route::Codes, LOSS, mode);
        assert!(difference(&short.logits, &long.logits) < 1e-5);
        assert!(difference(&short.losses, &long.losses) < 1e-5);
        assert!(difference(&short.params, &long.params) < 1e-4);
        assert!(difference(&short.bases, &long.bases) < 1e-4);
        assert!(difference(&short.observed, &long.observed) < 1e-4);
    }
}

#[test]
fn a_diverged_network_says_so() {
    for network in [published("cnn", 47, 20, 0), published("rnn", 13, 0, 16), published("rnn", 13, 0, 17)] {
        let mut case = Case::new(network, 1, 3, 19);
        case.values[..8].fill(f64::NAN);
        for dtype in [DType::F32, DType::F64] {
            let found = case.run(dtype, Route::Codes, LOSS, Mode::Evaluate);
            assert!(found.losses[0].is_nan());
        }
    }
}

#[test]
fn a_prefix_gives_the_activations_of_its_last_layer() {
    let network = published("cnn", 30, 4, 0).to_prefix(2).unwrap();
    let case = Case::new(network, 1, 3, 23);
    let found = case.run(DType::F64, Route::Codes, Objective::Logit(0), Mode::Evaluate);
    let soft = case.one_hot();
    let (weight, bias) = case.values.split_at(9 * 4 * 4);
    for n in 0..3 {
        for t in 0..22 {
            for f in 0..4 {
                let window = &soft[(n * 30 + t) * 4..][..36];
                let sum: f64 = window.iter().enumerate().map(|(i, x)| x * weight[i * 4 + f]).sum();
                let wanted = (sum + bias[f]).max(0.0);
                assert!((found.logits[(n * 22 + t) * 4 + f] - wanted).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn a_plan_runs_other_weights_as_a_new_one_does() {
    // Channels and widths that go by tiles in evaluation; nothing makes zeros between them.
    let layers = vec![
        convolution(48, 5, Padding::Same),
        convolution(32, 3, Padding::Same),
        Layer::GlobalMaxPool,
        Layer::Dense { outputs: 2 },
    ];
    let network = Network::new(29, layers).unwrap();
    let cases = [31, 37].map(|seed| Case::new(network.clone(), 1, 8, seed));
    let plan = || Plan::new(&network, cases[0].shape(), DType::F64, &Device::Cpu).unwrap();
    let store = CodeStore::new(&cases[0].codes, 29, &Device::Cpu).unwrap();
    let rows: Vec<u32> = (0..8).collect();
    let input = Input::Rows { store: &store, rows: &rows };
    let predict = |plan: &mut Plan, case: &Case| {
        let batch = Batch { input, size: 8, labels: None, weights: None };
        let mut logits = Buffer::zeros(&[1, 8, 2], DType::F64, &Device::Cpu).unwrap();
        plan.run(&case.params(DType::F64), &batch, Task::Predict, &mut logits).unwrap();
        logits.to_f64().unwrap()
    };
    let mut used = plan();
    let found: Vec<Vec<f64>> = cases.iter().map(|case| predict(&mut used, case)).collect();
    assert_ne!(found[0], found[1]);
    for (found, case) in found.iter().zip(&cases) {
        assert_eq!(*found, predict(&mut plan(), case));
    }
}

#[test]
fn misfitting_arguments_are_refused() {
    let case = Case::new(published("rnn", 7, 0, 3), 1, 2, 29);
    let shape = case.shape();
    let mut plan = Plan::new(&case.network, shape, DType::F32, &Device::Cpu).unwrap();
    let params = case.params(DType::F32);
    let store = CodeStore::new(&case.codes, 7, &Device::Cpu).unwrap();
    let mut logits = Buffer::zeros(&[1, 2, 2], DType::F32, &Device::Cpu).unwrap();
    let batch =
        |rows| Batch { input: Input::Rows { store: &store, rows }, size: 2, labels: None, weights: None };
    let mut refuse = |batch: Batch, task: Task, part: &str| {
        let error = plan.run(&params, &batch, task, &mut logits).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    let loss = || Task::Gradient { of: LOSS, mode: Mode::Evaluate, params: None, input: None };
    refuse(batch(&[0]), Task::Predict, "the rows of a batch has shape [1], wanted [1, 2]");
    refuse(batch(&[0, 99]), Task::Predict, "row 99 is out of range");
    refuse(Batch { size: 3, ..batch(&[0, 0, 0]) }, Task::Predict, "a batch's size");
    refuse(batch(&[0, 1]), loss(), "needs labels");
    refuse(Batch { labels: Some(&[0, 2]), ..batch(&[0, 1]) }, loss(), "label 2 is out of range");
    let logit = Task::Gradient { of: Objective::Logit(2), mode: Mode::Evaluate, params: None, input: None };
    refuse(batch(&[0, 1]), logit, "logit 2 is out of range");
    let seeds = Mode::Train { step: 0, seeds: &[] };
    let train = Task::Gradient { of: Objective::Logit(0), mode: seeds, params: None, input: None };
    refuse(batch(&[0, 1]), train, "seeds");
    let double = case.params(DType::F64);
    assert!(plan.run(&double, &batch(&[0, 1]), Task::Predict, &mut logits).is_err());
    assert!(Plan::new(&case.network, shape, DType::U8, &Device::Cpu).is_err());
    assert!(Plan::new(&case.network, BankShape { batch: 0, ..shape }, DType::F32, &Device::Cpu).is_err());
}
