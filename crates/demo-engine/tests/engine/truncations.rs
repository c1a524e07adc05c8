//! Temporal output scores against separate runs.

use demo_engine::*;

use crate::common::*;

/// Prefix and suffix logits, each `(n, l, outputs)`.
fn truncations(case: &Case, dtype: DType) -> (Vec<f64>, Vec<f64>) {
    let (m, n, l, outputs) = (case.members, case.size, case.network.length(), case.network.outputs());
    let zeros = || Buffer::zeros(&[m, n, l, outputs], dtype, &Device::Cpu).unwrap();
    let (mut prefixes, mut suffixes) = (zeros(), zeros());
    let task = Task::Truncations { prefixes: &mut prefixes, suffixes: &mut suffixes };
    let logits = case.run_codes(dtype, task);
    let (prefixes, suffixes) = (prefixes.to_f64().unwrap(), suffixes.to_f64().unwrap());
    // The whole sequence is its own last prefix and first suffix.
    let bound = if dtype == DType::F64 { 1e-12 } else { 1e-5 };
    for (row, whole) in logits.chunks_exact(outputs).enumerate() {
        assert!(difference(&prefixes[(row * l + l - 1) * outputs..][..outputs], whole) < bound);
        assert!(difference(&suffixes[row * l * outputs..][..outputs], whole) < bound);
    }
    (prefixes, suffixes)
}

/// The logits of sequences of another length under the same parameters.
fn separate(case: &Case, network: &Network, codes: &[u8]) -> Vec<f64> {
    let mut params = Params::zeros(network, 1, DType::F64, &Device::Cpu).unwrap();
    *params.buffer_mut() = case.params(DType::F64).buffer().clone();
    let store = CodeStore::new(codes, network.length(), &Device::Cpu).unwrap();
    let batch =
        Batch { input: Input::Rows { store: &store, rows: &[0] }, size: 1, labels: None, weights: None };
    let shape = BankShape { members: 1, batch: 1 };
    let mut plan = Plan::new(network, shape, DType::F64, &Device::Cpu).unwrap();
    let mut logits = Buffer::zeros(&[1, 1, network.outputs()], DType::F64, &Device::Cpu).unwrap();
    plan.run(&params, &batch, Task::Predict, &mut logits).unwrap();
    logits.to_f64().unwrap()
}

#[test]
fn truncations_are_runs_on_truncated_sequences() {
    let same = convolution(6, 1, Padding::Same);
    let (lstm, dense) = (Layer::BidirectionalLstm { hidden: 5 }, Layer::Dense { outputs: 2 });
    let second = [Layer::Dense { outputs: 4 }, RELU, DROP, dense];
    let pointwise = [same, RELU, lstm, DROP, Layer::MeanOverTime].into_iter().chain(second).collect();
    let attention = Layer::SelfAttention { heads: 2, size: 3 };
    let norm = Layer::BatchNormalisation { epsilon: 1e-3, momentum: 0.1 };
    let rest = [lstm, DROP, Layer::MeanOverTime, dense];
    let attentive = [same, RELU, attention].into_iter().chain(rest).collect();
    // What stands between a self-attention and the LSTM sees the cut as the end.
    let between = [attention, norm, convolution(4, 4, Padding::Same), RELU, attention, lstm];
    let twice = between.into_iter().chain(rest).collect();
    // Convolved by tiles in sequences of 3 and 4 columns, not in the whole.
    let wide = Layer::SelfAttention { heads: 2, size: 16 };
    let tiled = [wide, convolution(32, 3, Padding::Same), RELU].into_iter();
    let tiled = tiled.chain([lstm, Layer::MeanOverTime, dense]).collect();
    let published = published("rnn", 9, 0, 5).layers().to_vec();
    for (l, layers) in [(9, published), (9, pointwise), (9, attentive), (9, twice), (5, tiled)] {
        let case = Case::new(Network::new(l, layers.clone()).unwrap(), 1, 21, 47);
        let (prefixes, suffixes) = truncations(&case, DType::F64);
        for n in [0, 7, 20] {
            let codes = &case.codes[case.rows[n] as usize * l..][..l];
            for i in 0..l {
                let at = (n * l + i) * 2;
                let network = Network::new(i + 1, layers.clone()).unwrap();
                let wanted = separate(&case, &network, &codes[..=i]);
                assert!(difference(&prefixes[at..at + 2], &wanted) < 1e-12);
                let network = Network::new(l - i, layers.clone()).unwrap();
                let wanted = separate(&case, &network, &codes[i..]);
                assert!(difference(&suffixes[at..at + 2], &wanted) < 1e-12);
            }
        }
    }
}

/// One direction of an LSTM over columns, as the formulas have it: the mean of its states.
fn lstm_mean(columns: &[Vec<f64>], weights: &[f64], hidden: usize) -> Vec<f64> {
    let inputs = columns[0].len();
    let (input, rest) = weights.split_at(inputs * 4 * hidden);
    let (recurrent, bias) = rest.split_at(hidden * 4 * hidden);
    let (mut h, mut c, mut sum) = (vec![0.0; hidden], vec![0.0; hidden], vec![0.0; hidden]);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for column in columns {
        let gates: Vec<f64> = (0..4 * hidden)
            .map(|j| {
                let x: f64 = column.iter().enumerate().map(|(i, x)| x * input[i * 4 * hidden + j]).sum();
                let r: f64 = h.iter().enumerate().map(|(i, x)| x * recurrent[i * 4 * hidden + j]).sum();
                x + r + bias[j]
            })
            .collect();
        for u in 0..hidden {
            c[u] = sigmoid(gates[hidden + u]) * c[u] + sigmoid(gates[u]) * gates[2 * hidden + u].tanh();
            h[u] = sigmoid(gates[3 * hidden + u]) * c[u].tanh();
            sum[u] += h[u] / columns.len() as f64;
        }
    }
    sum
}

#[test]
fn convolved_columns_are_truncated() {
    let (l, filters, hidden) = (15, 6, 4);
    let case = Case::new(published("cnn-rnn", l, filters, hidden), 1, 3, 53);
    let (prefixes, suffixes) = truncations(&case, DType::F64);
    let (short_prefixes, short_suffixes) = truncations(&case, DType::F32);
    assert!(difference(&short_prefixes, &prefixes) < 1e-5);
    assert!(difference(&short_suffixes, &suffixes) < 1e-5);

    let features = Case {
        network: case.network.to_prefix(2).unwrap(),
        values: case.values[..37 * filters].to_vec(),
        codes: case.codes.clone(),
        rows: case.rows.clone(),
        labels: case.labels.clone(),
        weights: case.weights.clone(),
        seeds: case.seeds.clone(),
        ..case
    };
    let features = features.run(DType::F64, Route::Codes, Objective::Logit(0), Mode::Evaluate).logits;
    let values = &case.values[37 * filters..];
    let size = (filters + hidden + 1) * 4 * hidden;
    let (forward, backward) = (&values[..size], &values[size..2 * size]);
    let (weight, bias) = values[2 * size..].split_at(2 * hidden * 2);
    for n in 0..3 {
        let columns: Vec<Vec<f64>> =
            features[n * l * filters..][..l * filters].chunks_exact(filters).map(<[f64]>::to_vec).collect();
        let score = |columns: &[Vec<f64>]| -> Vec<f64> {
            let reversed: Vec<Vec<f64>> = columns.iter().rev().cloned().collect();
            let mut mean = lstm_mean(columns, forward, hidden);
            mean.extend(lstm_mean(&reversed, backward, hidden));
            (0..2)
                .map(|k| bias[k] + mean.iter().enumerate().map(|(i, x)| x * weight[i * 2 + k]).sum::<f64>())
                .collect()
        };
        for i in 0..l {
            let at = (n * l + i) * 2;
            assert!(difference(&prefixes[at..at + 2], &score(&columns[..=i])) < 1e-12);
            assert!(difference(&suffixes[at..at + 2], &score(&columns[i..])) < 1e-12);
        }
    }
}

#[test]
fn truncations_leave_a_plan_as_it_was() {
    // More than one slice, then a run of whole sequences.
    let layers = [Layer::SelfAttention { heads: 2, size: 3 }, Layer::BidirectionalLstm { hidden: 5 }];
    let rest = [Layer::MeanOverTime, Layer::Dense { outputs: 2 }];
    let network = Network::new(9, layers.into_iter().chain(rest).collect()).unwrap();
    let case = Case::new(network, 2, 19, 47);
    for dtype in [DType::F64, DType::F32] {
        let mut plan = Plan::new(&case.network, case.shape(), dtype, &Device::Cpu).unwrap();
        let store = CodeStore::new(&case.codes, 9, &Device::Cpu).unwrap();
        let batch = Batch {
            input: Input::Rows { store: &store, rows: &case.rows },
            size: 19,
            labels: None,
            weights: None,
        };
        let zeros = |shape: &[usize]| Buffer::zeros(shape, dtype, &Device::Cpu).unwrap();
        let (mut prefixes, mut suffixes) = (zeros(&[2, 19, 9, 2]), zeros(&[2, 19, 9, 2]));
        let mut logits = [zeros(&[2, 19, 2]), zeros(&[2, 19, 2]), zeros(&[2, 19, 2])];
        let params = case.params(dtype);
        plan.run(&params, &batch, Task::Predict, &mut logits[0]).unwrap();
        let task = Task::Truncations { prefixes: &mut prefixes, suffixes: &mut suffixes };
        plan.run(&params, &batch, task, &mut logits[1]).unwrap();
        plan.run(&params, &batch, Task::Predict, &mut logits[2]).unwrap();
        let [before, during, after] = logits.map(|logits| logits.to_f64().unwrap());
        assert_eq!(before, during);
        assert_eq!(before, after);
    }
}

#[test]
fn columns_that_a_layer_joined_are_not_truncated() {
    let attention = Layer::SelfAttention { heads: 1, size: 2 };
    let lstm = Layer::BidirectionalLstm { hidden: 2 };
    let convolution = Layer::Convolution { filters: 2, width: 3, padding: Padding::Valid };
    let behind = " behind a self-attention";
    for (layers, wanted) in [
        (vec![POOL, attention, lstm], behind),
        (vec![attention, POOL, lstm], behind),
        (vec![POOL, lstm], "and the LSTM"),
        (vec![convolution, lstm], "and the LSTM"),
    ] {
        let layers = layers.into_iter().chain([Layer::MeanOverTime]).collect();
        let case = Case::new(Network::new(9, layers).unwrap(), 1, 1, 59);
        let zeros = |shape: &[usize]| Buffer::zeros(shape, DType::F64, &Device::Cpu).unwrap();
        let (mut logits, mut a) = (zeros(&[1, 1, 4]), zeros(&[1, 1, 9, 4]));
        let mut b = a.clone();
        let mut plan = Plan::new(&case.network, case.shape(), DType::F64, &Device::Cpu).unwrap();
        let store = CodeStore::new(&case.codes, 9, &Device::Cpu).unwrap();
        let input = Input::Rows { store: &store, rows: &case.rows };
        let batch = Batch { input, size: 1, labels: None, weights: None };
        let task = Task::Truncations { prefixes: &mut a, suffixes: &mut b };
        let error = plan.run(&case.params(DType::F64), &batch, task, &mut logits).unwrap_err();
        assert!(error.to_string().ends_with(wanted), "{error}");
    }
}

#[test]
fn networks_without_a_mean_of_an_lstm_are_refused() {
    for network in [
        published("cnn", 30, 3, 0),
        Network::new(9, vec![Layer::BidirectionalLstm { hidden: 2 }, Layer::GlobalMaxPool]).unwrap(),
    ] {
        let case = Case::new(network, 1, 1, 59);
        let (l, outputs) = (case.network.length(), case.network.outputs());
        let mut plan = Plan::new(&case.network, case.shape(), DType::F64, &Device::Cpu).unwrap();
        let store = CodeStore::new(&case.codes, l, &Device::Cpu).unwrap();
        let input = Input::Rows { store: &store, rows: &case.rows };
        let batch = Batch { input, size: 1, labels: None, weights: None };
        let zeros = |shape: &[usize]| Buffer::zeros(shape, DType::F64, &Device::Cpu).unwrap();
        let (mut logits, mut a) = (zeros(&[1, 1, outputs]), zeros(&[1, 1, l, outputs]));
        let mut b = a.clone();
        let task = Task::Truncations { prefixes: &mut a, suffixes: &mut b };
        let error = plan.run(&case.params(DType::F64), &batch, task, &mut logits).unwrap_err();
        assert!(error.to_string().contains("no LSTM whose mean over time is taken"));
    }
}
