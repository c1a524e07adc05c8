//! Batch normalisation: statistics of a batch and running ones.

use demo_engine::*;

use crate::common::*;

const NORM: Layer = Layer::BatchNormalisation { epsilon: 1e-3, momentum: 0.25 };

/// The one-hot input itself, normalised.
fn case(members: usize, size: usize) -> Case {
    Case::new(Network::new(9, vec![NORM]).unwrap(), members, size, 61)
}

#[test]
fn a_batch_is_normalised_by_its_own_statistics() {
    // A batch that fills no slice: what fills it up must not count.
    let case = case(1, 21);
    let mode = Mode::Train { step: 0, seeds: &case.seeds };
    let found = case.run(DType::F64, Route::Codes, Objective::Logit(0), mode).logits;
    let input = case.one_hot();
    let (scale, shift) = (&case.values[..4], &case.values[4..8]);
    for base in 0..4 {
        let of = |numbers: &[f64]| numbers.iter().skip(base).step_by(4).copied().collect::<Vec<f64>>();
        let (found, input) = (of(&found), of(&input));
        let mean = input.iter().sum::<f64>() / input.len() as f64;
        let variance = input.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / input.len() as f64;
        for (y, x) in found.iter().zip(&input) {
            let wanted = scale[base] * (x - mean) / (variance + f64::from(1e-3f32)).sqrt() + shift[base];
            assert!((y - wanted).abs() < 1e-12);
        }
    }
}

#[test]
fn running_statistics_of_what_took_no_part_stay() {
    let moves = |case: &Case, weights: Option<&[f32]>| {
        let store = CodeStore::new(&case.codes, case.network.length(), &Device::Cpu).unwrap();
        let input = Input::Rows { store: &store, rows: &case.rows };
        let batch = Batch { input, size: case.size, labels: Some(&case.labels), weights };
        let mut plan = Plan::new(&case.network, case.shape(), DType::F64, &Device::Cpu).unwrap();
        let mut params = case.params(DType::F64);
        // Nothing was trained on yet.
        plan.update_running(&mut params, &[true, true]).unwrap();
        assert_eq!(params.buffer().to_f64().unwrap(), case.values);
        let shape = [2, case.size, case.network.outputs()];
        let mut logits = Buffer::zeros(&shape, DType::F64, &Device::Cpu).unwrap();
        let mode = Mode::Train { step: 0, seeds: &case.seeds };
        let of = Objective::Loss(&Loss::CrossEntropy);
        let task = Task::Gradient { of, mode, params: None, input: None };
        plan.run(&params, &batch, task, &mut logits).unwrap();
        plan.update_running(&mut params, &[true, true]).unwrap();
        let (found, each) = (params.buffer().to_f64().unwrap(), case.network.parameter_count());
        [0, 1].map(|member| found[member * each..][..each] != case.values[member * each..][..each])
    };
    let norm = Layer::BatchNormalisation { epsilon: 1e-3, momentum: 0.25 };
    let layers = vec![norm, Layer::GlobalMaxPool, Layer::Dense { outputs: 2 }];
    let case = Case::new(Network::new(9, layers).unwrap(), 2, 6, 5);
    assert_eq!(moves(&case, None), [true, true]);
    let weights: Vec<f32> = (0..12).map(|row| f32::from(u8::from(row < 6))).collect();
    assert_eq!(moves(&case, Some(&weights)), [true, false]);
    // A network without parameters has nothing to move.
    let none = Case::new(Network::new(9, vec![Layer::GlobalMaxPool]).unwrap(), 2, 6, 5);
    assert_eq!(moves(&none, None), [false, false]);
}

#[test]
fn running_statistics_follow_the_batches_and_serve_evaluation() {
    let case = case(2, 21);
    let l = 9;
    let store = CodeStore::new(&case.codes, l, &Device::Cpu).unwrap();
    let input = Input::Rows { store: &store, rows: &case.rows };
    let batch = Batch { input, size: 21, labels: None, weights: None };
    let mut plan = Plan::new(&case.network, case.shape(), DType::F64, &Device::Cpu).unwrap();
    let mut params = case.params(DType::F64);
    let mut logits = Buffer::zeros(&[2, 21, l * 4], DType::F64, &Device::Cpu).unwrap();
    let mode = Mode::Train { step: 0, seeds: &case.seeds };
    let task = Task::Gradient { of: Objective::Logit(0), mode, params: None, input: None };
    plan.run(&params, &batch, task, &mut logits).unwrap();
    let before = params.clone();
    plan.update_running(&mut params, &[false, true]).unwrap();
    let read = |params: &Params, member: usize, name: &str| params.get(member, name).unwrap();
    for name in ["layer0.scale", "layer0.shift"] {
        assert_eq!(read(&params, 1, name), read(&before, 1, name));
    }
    let one_hot = case.one_hot();
    let second = &one_hot[21 * l * 4..];
    for base in 0..4 {
        let numbers: Vec<f64> = second.iter().skip(base).step_by(4).copied().collect();
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0);
        for (name, batch) in [("layer0.running_mean", mean), ("layer0.running_variance", variance)] {
            assert_eq!(read(&params, 0, name), read(&before, 0, name));
            let wanted = 0.75 * f64::from(read(&before, 1, name)[base]) + 0.25 * batch;
            assert!((f64::from(read(&params, 1, name)[base]) - wanted).abs() < 1e-6);
        }
    }
    // Evaluation takes the running statistics, so that a sequence does not see its batch.
    for name in ["layer0.running_variance", "layer0.scale"] {
        params.set(0, name, &[2.0, 1.0, 0.5, 3.0]).unwrap();
    }
    plan.run(&params, &batch, Task::Predict, &mut logits).unwrap();
    let (mean, shift) = (read(&params, 0, "layer0.running_mean"), read(&params, 0, "layer0.shift"));
    for (i, (found, x)) in logits.to_f64().unwrap().iter().zip(&one_hot).take(21 * l * 4).enumerate() {
        let variance = [2.0f64, 1.0, 0.5, 3.0][i % 4];
        let z = (x - f64::from(mean[i % 4])) / (variance + f64::from(1e-3f32)).sqrt();
        let wanted = variance * z + f64::from(shift[i % 4]);
        assert!((found - wanted).abs() < 1e-6);
    }
}

#[test]
fn an_optimiser_leaves_running_statistics() {
    let case = case(1, 4);
    let mut params = case.params(DType::F32);
    let config = AdamConfig { weight_decay: 0.1, ..AdamConfig::default() };
    let mut adam = Adam::new(config, &params).unwrap();
    let gradient = Buffer::from_f32(&[1.0; 16], &[1, 16], DType::F32, &Device::Cpu).unwrap();
    let before = params.clone();
    adam.step(&mut params, &gradient, &[0.1], &[true]).unwrap();
    for (name, moves) in
        [("scale", true), ("shift", true), ("running_mean", false), ("running_variance", false)]
    {
        let name = format!("layer0.{name}");
        assert_eq!(params.get(0, &name).unwrap() != before.get(0, &name).unwrap(), moves);
    }
}

#[test]
fn threads_and_banks_change_no_bit() {
    let layers = vec![
        convolution(6, 5, Padding::Same),
        NORM,
        RELU,
        POOL,
        DROP,
        convolution(5, 3, Padding::Valid),
        NORM,
        RELU,
        Layer::GlobalMaxPool,
        Layer::Dense { outputs: 2 },
    ];
    let mut case = Case::new(Network::new(30, layers).unwrap(), 3, 150, 67);
    // Variances are positive.
    case.values.iter_mut().for_each(|x| *x = x.abs());
    let seeds = case.seeds.clone();
    let of = Objective::Loss(&Loss::CrossEntropy);
    let run = |case: &Case, threads, seeds: &[u64]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| case.run(DType::F32, Route::Codes, of, Mode::Train { step: 2, seeds }))
    };
    let one = run(&case, 1, &seeds);
    assert_eq!(one, run(&case, 2, &seeds));
    assert_eq!(one, run(&case, 5, &seeds));
    let count = case.network.parameter_count();
    let last = Case {
        members: 1,
        values: case.values[2 * count..].to_vec(),
        rows: case.rows[300..].to_vec(),
        labels: case.labels[300..].to_vec(),
        weights: case.weights[300..].to_vec(),
        ..case
    };
    let alone = run(&last, 2, &seeds[2..]);
    assert_eq!(alone.params, one.params[2 * count..]);
    assert_eq!(alone.logits, one.logits[600..]);
}
