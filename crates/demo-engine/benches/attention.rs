//! Forward and backward passes of a self-attention layer, beside candle's autograd over the same
//! computation: the gradient of all parameters of a map from bases to channels, the layer, the mean over
//! positions and a dense layer, in f32, on all threads. In both the input is soft. candle's softmax is
//! `exp(x) / sum(exp(x))`: it is spared the search for the largest score, which the engine's makes.
//!
//! It is here since only this crate and `demo-models` name candle.
//!
//! `cargo bench -p demo-engine --bench attention`; `RAYON_NUM_THREADS=1` for one thread.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros; a benchmark fails like a test")]

use candle_core::{D, Result, Tensor, Var};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use demo_engine::{
    BankShape, Batch, Buffer, DType, Device, Input, Layer, Mode, Network, Objective, Padding, Params, Plan,
    Task,
};

/// What is timed: sequences, positions, channels, heads and their size.
#[derive(Clone, Copy)]
struct Case {
    batch: usize,
    length: usize,
    channels: usize,
    heads: usize,
    size: usize,
}

impl Case {
    fn network(&self) -> Network {
        let Self { length, channels: filters, heads, size, .. } = *self;
        let layers = vec![
            Layer::Convolution { filters, width: 1, padding: Padding::Valid },
            Layer::SelfAttention { heads, size },
            Layer::MeanOverTime,
            Layer::Dense { outputs: 2 },
        ];
        Network::new(length, layers).unwrap()
    }

    /// candle's first logits, summed; parameters in the order of the network's.
    fn logits(&self, input: &Tensor, parameters: &[Var]) -> Result<Tensor> {
        let Self { batch: n, length: l, channels: c, heads, size } = *self;
        let map = |x: &Tensor, first: usize| {
            x.matmul(parameters[first].as_tensor())?.broadcast_add(parameters[first + 1].as_tensor())
        };
        let rows = map(&input.reshape((n * l, 4))?, 0)?;
        let part = |first| -> Result<Tensor> {
            map(&rows, first)?.reshape((n, l, heads, size))?.transpose(1, 2)?.contiguous()
        };
        let (queries, keys, values) = (part(2)?, part(4)?, part(6)?); // (n, heads, l, size)
        let queries = (queries / (size as f64).sqrt())?;
        let exponentials = queries.matmul(&keys.transpose(2, 3)?.contiguous()?)?.exp()?;
        let weights = exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)?;
        let joined =
            weights.matmul(&values)?.transpose(1, 2)?.contiguous()?.reshape((n * l, heads * size))?;
        let outputs = rows.add(&map(&joined, 8)?)?.reshape((n, l, c))?;
        map(&outputs.mean(1)?, 10)?.narrow(1, 0, 1)?.sum_all()
    }
}

/// A linear congruential generator: the numbers only need to be ordinary.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..count).map(next).collect()
}

fn bench(criterion: &mut Criterion, case: Case) {
    let Case { batch: n, length: l, channels, heads, size } = case;
    let network = case.network();
    let count = network.parameter_count();
    let start: Vec<f32> = numbers(count).iter().map(|x| 0.4 * x - 0.2).collect();
    let input = numbers(n * l * 4);

    let buffer = |numbers: &[f32], shape: &[usize]| {
        Buffer::from_f32(numbers, shape, DType::F32, &Device::Cpu).unwrap()
    };
    let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
    *params.buffer_mut() = buffer(&start, &[1, count]);
    let soft = buffer(&input, &[1, n, l, 4]);
    let batch = Batch { input: Input::Soft(&soft), size: n, labels: None, weights: None };
    let mut plan = Plan::new(&network, BankShape { members: 1, batch: n }, DType::F32, &Device::Cpu).unwrap();
    let (mut logits, mut gradient) = (buffer(&vec![0.0; n * 2], &[1, n, 2]), buffer(&start, &[1, count]));
    let mut engine = |gradient: &mut Buffer| {
        let (of, mode) = (Objective::Logit(0), Mode::Evaluate);
        let task = Task::Gradient { of, mode, params: Some(gradient), input: None };
        plan.run(&params, &batch, task, &mut logits).unwrap();
    };

    let input = Tensor::from_vec(input, (n, l, 4), &Device::Cpu).unwrap();
    let specs = network.parameters().iter();
    let parameters: Vec<Var> = specs
        .map(|spec| {
            // A convolution of width one is a matrix.
            let shape = if spec.shape.len() == 3 { &spec.shape[1..] } else { &spec.shape[..] };
            let numbers = &start[spec.offset..spec.offset + spec.len()];
            Var::from_tensor(&Tensor::from_slice(numbers, shape, &Device::Cpu).unwrap()).unwrap()
        })
        .collect();
    let candle = || case.logits(&input, &parameters).unwrap().backward().unwrap();

    let name = format!("attention {n}x{l}x{channels}, {heads} heads of {size}");
    // What is timed is the same.
    engine(&mut gradient);
    let gradients = candle();
    let found = gradient.to_f32().unwrap();
    let pairs = network.parameters().iter().zip(&parameters).flat_map(|(spec, var)| {
        let wanted: Vec<f32> = gradients.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        found[spec.offset..spec.offset + spec.len()].iter().copied().zip(wanted)
    });
    let pairs: Vec<(f32, f32)> = pairs.collect();
    let largest = pairs.iter().fold(0.0f32, |most, (_, wanted)| most.max(wanted.abs()));
    assert!(pairs.iter().all(|(found, wanted)| (found - wanted).abs() < 1e-4 * largest), "{name}");

    let mut group = criterion.benchmark_group(&name);
    group.throughput(Throughput::Elements(n as u64)).sample_size(20);
    group.bench_function("engine", |bencher| bencher.iter(|| engine(&mut gradient)));
    group.bench_function("candle", |bencher| bencher.iter(candle));
    group.finish();
}

fn attention(criterion: &mut Criterion) {
    let small = Case { batch: 256, length: 46, channels: 64, heads: 4, size: 16 };
    let large = Case { batch: 64, length: 101, channels: 128, heads: 8, size: 16 };
    for case in [small, large] {
        bench(criterion, case);
    }
}

criterion_group!(benches, attention);
criterion_main!(benches);
