//! Sequences a second of the engine, for the three networks of the Deep Motif Dashboard: training (one
//! step with Adam), prediction and saliency (the gradient at the observed bases) of a batch of 256
//! sequences of 101 bp, in f32, on all threads.
//!
//! `cargo bench -p demo-benches --bench engine`; `RAYON_NUM_THREADS=1` for one thread.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a benchmark fails like a test")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use demo_engine::{
    Activation, Adam, AdamConfig, BankShape, Batch, Buffer, CodeStore, DType, Device, Input, InputGradient,
    Layer, Loss, Mode, Network, Objective, Padding, Params, Plan, Task,
};

const BATCH: usize = 256;
const LENGTH: usize = 101;

fn network(name: &str) -> Network {
    let relu = Layer::Activation { function: Activation::Relu };
    let drop = Layer::Dropout { rate: 0.5 };
    let pool = Layer::MaxPool { width: 2 };
    let lstm = Layer::BidirectionalLstm { hidden: 32 };
    let convolution = |width, padding| Layer::Convolution { filters: 128, width, padding };
    let valid = |width| convolution(width, Padding::Valid);
    let mut layers = match name {
        "cnn" => vec![valid(9), relu, pool, drop, valid(5), relu, pool, drop, valid(3), relu, drop],
        "rnn" => vec![lstm, drop],
        _ => vec![convolution(9, Padding::Same), relu, lstm, drop],
    };
    layers.push(if name == "cnn" { Layer::GlobalMaxPool } else { Layer::MeanOverTime });
    layers.push(Layer::Dense { outputs: 2 });
    Network::new(LENGTH, layers).unwrap()
}

/// A linear congruential generator: the numbers only need to be ordinary.
fn numbers(count: usize) -> impl Iterator<Item = f32> {
    let mut state = 1u64;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    })
}

fn bench(criterion: &mut Criterion, name: &str) {
    let network = network(name);
    let shape = BankShape { members: 1, batch: BATCH };
    let zeros = |shape: &[usize]| Buffer::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let count = network.parameter_count();
    let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
    let start: Vec<f32> = numbers(count).map(|x| 0.2 * x - 0.1).collect();
    *params.buffer_mut() = Buffer::from_f32(&start, &[1, count], DType::F32, &Device::Cpu).unwrap();
    let codes: Vec<u8> = numbers(BATCH * LENGTH).map(|x| (x * 4.0) as u8).collect();
    let store = CodeStore::new(&codes, LENGTH, &Device::Cpu).unwrap();
    let rows: Vec<u32> = (0..BATCH as u32).collect();
    let labels: Vec<u8> = (0..BATCH).map(|i| (i % 2) as u8).collect();
    let input = Input::Rows { store: &store, rows: &rows };
    let batch = Batch { input, size: BATCH, labels: Some(&labels), weights: None };
    let mut plan = Plan::new(&network, shape, DType::F32, &Device::Cpu).unwrap();
    let (mut logits, mut gradient) = (zeros(&[1, BATCH, 2]), zeros(&[1, count]));
    let mut observed = zeros(&[1, BATCH, LENGTH]);
    let mut adam = Adam::new(AdamConfig::default(), &params).unwrap();

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(20);
    let mut step = 0;
    group.bench_function("train", |bencher| {
        bencher.iter(|| {
            step += 1;
            let mode = Mode::Train { step, seeds: &[1] };
            let of = Objective::Loss(&Loss::CrossEntropy);
            let task = Task::Gradient { of, mode, params: Some(&mut gradient), input: None };
            plan.run(&params, &batch, task, &mut logits).unwrap();
            adam.step(&mut params, &gradient, &[1e-4], &[true]).unwrap();
        });
    });
    group.bench_function("predict", |bencher| {
        bencher.iter(|| plan.run(&params, &batch, Task::Predict, &mut logits).unwrap());
    });
    group.bench_function("saliency", |bencher| {
        bencher.iter(|| {
            let input = Some(InputGradient::Observed(&mut observed));
            let task = Task::Gradient { of: Objective::Logit(1), mode: Mode::Evaluate, params: None, input };
            plan.run(&params, &batch, task, &mut logits).unwrap();
        });
    });
    group.finish();
}

fn engine(criterion: &mut Criterion) {
    for name in ["cnn", "rnn", "cnn-rnn"] {
        bench(criterion, name);
    }
}

criterion_group!(benches, engine);
criterion_main!(benches);
