//! Logits of single mutants against separate runs.

use demo_engine::*;
use proptest::prelude::*;

use crate::common::*;

/// The logits of a case's sequences, and of their mutants `(m, n, l, 4, outputs)`.
fn mutants(case: &Case, dtype: DType) -> (Vec<f64>, Vec<f64>) {
    let (m, n, l, outputs) = (case.members, case.size, case.network.length(), case.network.outputs());
    let mut found = Buffer::zeros(&[m, n, l, 4, outputs], dtype, &Device::Cpu).unwrap();
    let logits = case.run_codes(dtype, Task::Mutants { mutants: &mut found });
    (logits, found.to_f64().unwrap())
}

/// The same, each mutant a sequence of its own.
fn separate(case: &Case) -> Vec<f64> {
    let (l, each) = (case.network.length(), case.network.length() * 4);
    let mut codes = Vec::new();
    for &row in &case.rows {
        let own = &case.codes[row as usize * l..][..l];
        for number in 0..each {
            let mut mutant = own.to_vec();
            mutant[number / 4] = (number % 4) as u8;
            codes.extend(mutant);
        }
    }
    let size = case.size * each;
    let zeros = |shape: &[usize]| Buffer::zeros(shape, DType::F64, &Device::Cpu).unwrap();
    let store = CodeStore::new(&codes, l, &Device::Cpu).unwrap();
    let rows: Vec<u32> = (0..(case.members * size) as u32).collect();
    let input = Input::Rows { store: &store, rows: &rows };
    let batch = Batch { input, size, labels: None, weights: None };
    let shape = BankShape { members: case.members, batch: size };
    let mut plan = Plan::new(&case.network, shape, DType::F64, &Device::Cpu).unwrap();
    let mut logits = zeros(&[case.members, size, case.network.outputs()]);
    plan.run(&case.params(DType::F64), &batch, Task::Predict, &mut logits).unwrap();
    logits.to_f64().unwrap()
}

fn check(network: Network, members: usize, size: usize) {
    let case = Case::new(network, members, size, 71);
    let wanted = separate(&case);
    let (logits, found) = mutants(&case, DType::F64);
    let error = difference(&found, &wanted);
    assert!(error < 1e-12, "{error}");
    assert!(difference(&mutants(&case, DType::F32).1, &wanted) < 2e-5);
    // The base that is there gives the sequence's own logits, bit for bit.
    let (l, outputs) = (case.network.length(), case.network.outputs());
    for (n, &row) in case.rows.iter().enumerate() {
        for (p, &code) in case.codes[row as usize * l..][..l].iter().enumerate() {
            if code < 4 {
                let at = ((n * l + p) * 4 + usize::from(code)) * outputs;
                assert_eq!(found[at..at + outputs], logits[n * outputs..][..outputs]);
            }
        }
    }
}

#[test]
fn mutants_are_runs_on_mutated_sequences() {
    check(published("cnn", 41, 5, 0), 2, 19);
    check(published("rnn", 13, 0, 5), 2, 9);
    check(published("cnn-rnn", 23, 6, 4), 1, 17);
    check(published("cnn", 101, 4, 0), 1, 1);
    check(attentive(23, 6, (2, 3)), 2, 9);
}

#[test]
fn every_kind_of_layer_is_passed() {
    let dense = Layer::Dense { outputs: 2 };
    let norm = Layer::BatchNormalisation { epsilon: 1e-3, momentum: 0.1 };
    let lstm = Layer::BidirectionalLstm { hidden: 3 };
    let exponential = activation(Activation::Exponential);
    let same = |filters, width| convolution(filters, width, Padding::Same);
    let valid = |filters, width| convolution(filters, width, Padding::Valid);
    let attention = Layer::SelfAttention { heads: 2, size: 3 };
    let cases: [Vec<Layer>; 18] = [
        // Positions that a pool leaves over, padding, normalisation, and flattened columns.
        vec![same(5, 7), norm, exponential, Layer::MaxPool { width: 4 }, DROP, same(3, 5), RELU, dense],
        vec![
            valid(4, 6),
            RELU,
            Layer::MaxPool { width: 3 },
            valid(4, 2),
            norm,
            RELU,
            Layer::MeanOverTime,
            dense,
        ],
        // A maximum of an LSTM, an LSTM of codes without a mean, two of them.
        vec![same(4, 3), RELU, lstm, Layer::GlobalMaxPool, dense],
        vec![lstm, Layer::GlobalMaxPool, dense],
        vec![lstm, lstm, Layer::MeanOverTime, dense],
        // A self-attention of codes, of columns, before and after an LSTM, and of a single column.
        vec![attention, Layer::GlobalMaxPool, dense],
        vec![same(4, 3), norm, RELU, Layer::MaxPool { width: 2 }, attention, attention, dense],
        vec![same(4, 3), RELU, attention, lstm, Layer::MeanOverTime, dense],
        vec![same(4, 3), RELU, lstm, attention, Layer::MeanOverTime, dense],
        vec![lstm, Layer::MeanOverTime, attention, dense],
        // No convolution at all, and nothing but one.
        vec![dense, RELU, dense],
        vec![valid(2, 9), RELU],
        // What stands before the first convolution, or in the place of one.
        vec![RELU, same(3, 5), RELU, dense],
        vec![norm, valid(3, 4), RELU, Layer::GlobalMaxPool, dense],
        vec![Layer::MaxPool { width: 2 }, same(3, 3), RELU, dense],
        vec![DROP, lstm, Layer::MeanOverTime, dense],
        vec![Layer::GlobalMaxPool, dense],
        vec![Layer::MaxPool { width: 3 }, Layer::GlobalMaxPool, dense],
    ];
    for layers in cases {
        check(Network::new(15, layers).unwrap(), 1, 18);
    }
}

#[test]
fn soft_input_has_no_mutants() {
    let network = published("rnn", 5, 0, 2);
    let shape = BankShape { members: 1, batch: 1 };
    let mut plan = Plan::new(&network, shape, DType::F32, &Device::Cpu).unwrap();
    let params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
    let zeros = |shape: &[usize]| Buffer::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let (soft, mut logits, mut mutants) = (zeros(&[1, 1, 5, 4]), zeros(&[1, 1, 2]), zeros(&[1, 1, 5, 4, 2]));
    let batch = Batch { input: Input::Soft(&soft), size: 1, labels: None, weights: None };
    let task = Task::Mutants { mutants: &mut mutants };
    let error = plan.run(&params, &batch, task, &mut logits).unwrap_err();
    assert!(error.to_string().contains("soft input has no bases to mutate"), "{error}");
}

/// A convolution, an activation and a pool, of any shape.
fn block() -> impl Strategy<Value = Vec<Layer>> {
    let padding = prop_oneof![Just(Padding::Valid), Just(Padding::Same)];
    let functions = [Activation::Relu, Activation::Tanh, Activation::Elu];
    (1usize..=90, 0usize..=15, padding, prop::sample::select(functions.to_vec()), 1usize..=4).prop_map(
        |(filters, half, padding, function, pool)| {
            let pooled = (pool > 1).then_some(Layer::MaxPool { width: pool });
            [convolution(filters, 2 * half + 1, padding), activation(function)]
                .into_iter()
                .chain(pooled)
                .collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn convolutions_of_any_shape_are_passed(
        blocks in prop::collection::vec(block(), 1..4), length in 31usize..44, size in 1usize..4,
        recurrent: bool,
    ) {
        let mut layers = blocks.concat();
        if recurrent {
            layers.extend([Layer::BidirectionalLstm { hidden: 5 }, Layer::MeanOverTime]);
        } else {
            layers.push(Layer::GlobalMaxPool);
        }
        layers.push(Layer::Dense { outputs: 2 });
        // Windows longer than what they read make no network.
        if let Ok(network) = Network::new(length, layers) {
            check(network, 1, size);
        }
    }
}
