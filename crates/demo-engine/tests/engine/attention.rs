//! Self-attention against the formulas as they read, and against candle's autograd.

use candle_core::{D, Tensor, Var};
use demo_engine::*;

use crate::common::*;

/// Heads and their size: single numbers, rests of vectors, whole vectors.
const SIZES: [(usize, usize); 5] = [(1, 1), (2, 3), (3, 5), (5, 2), (2, 16)];

/// A parameter of a member.
fn parameter<'a>(case: &'a Case, member: usize, name: &str) -> &'a [f64] {
    let spec = case.network.parameters().iter().find(|spec| spec.name == name).unwrap();
    &case.values[member * case.network.parameter_count() + spec.offset..][..spec.len()]
}

/// `x W + b` of one row.
fn map(x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let n = bias.len();
    (0..n).map(|j| bias[j] + x.iter().enumerate().map(|(i, x)| x * weight[i * n + j]).sum::<f64>()).collect()
}

/// The layer `layer` of a member on the rows of a sequence, position by position and head by head.
fn attend(
    case: &Case,
    (member, layer): (usize, usize),
    (heads, size): (usize, usize),
    x: &[Vec<f64>],
) -> Vec<Vec<f64>> {
    let get = |name: &str| parameter(case, member, &format!("layer{layer}.{name}"));
    let mapped = |name: &str| -> Vec<Vec<f64>> {
        let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        x.iter().map(|row| map(row, weight, bias)).collect()
    };
    let (queries, keys, values) = (mapped("query"), mapped("key"), mapped("value"));
    (0..x.len())
        .map(|t| {
            let mut side_by_side = Vec::new();
            for columns in (0..heads).map(|head| head * size..(head + 1) * size) {
                let exponentials: Vec<f64> = keys
                    .iter()
                    .map(|key| {
                        let pairs = queries[t][columns.clone()].iter().zip(&key[columns.clone()]);
                        (pairs.map(|(q, k)| q * k).sum::<f64>() / (size as f64).sqrt()).exp()
                    })
                    .collect();
                let sum: f64 = exponentials.iter().sum();
                side_by_side.extend(columns.map(|j| {
                    exponentials.iter().zip(&values).map(|(e, value)| e / sum * value[j]).sum::<f64>()
                }));
            }
            let mut y = map(&side_by_side, get("output.weight"), get("output.bias"));
            y.iter_mut().zip(&x[t]).for_each(|(y, x)| *y += x);
            y
        })
        .collect()
}

#[test]
fn values_are_those_of_the_formulas() {
    for (heads, size) in SIZES {
        for length in [1, 2, 15, 16, 33] {
            let layer = Layer::SelfAttention { heads, size };
            let case = Case::new(Network::new(length, vec![layer, layer]).unwrap(), 2, 9, 83);
            let soft = Random(4).numbers(2 * 9 * length * 4);
            let mut wanted = Vec::new();
            for (row, sequence) in soft.chunks_exact(length * 4).enumerate() {
                let x: Vec<Vec<f64>> = sequence.chunks_exact(4).map(<[f64]>::to_vec).collect();
                let between = attend(&case, (row / 9, 0), (heads, size), &x);
                wanted.extend(attend(&case, (row / 9, 1), (heads, size), &between).concat());
            }
            let of = Objective::Logit(0);
            let found = |dtype| case.run_soft(dtype, Route::Soft, &soft, of, Mode::Evaluate).logits;
            assert!(difference(&found(DType::F64), &wanted) < 1e-13);
            assert!(difference(&found(DType::F32), &wanted) < 2e-6);
            let mut predicted = Vec::new();
            for (row, sequence) in case.one_hot().chunks_exact(length * 4).enumerate() {
                let x: Vec<Vec<f64>> = sequence.chunks_exact(4).map(<[f64]>::to_vec).collect();
                let between = attend(&case, (row / 9, 0), (heads, size), &x);
                predicted.extend(attend(&case, (row / 9, 1), (heads, size), &between).concat());
            }
            // Nothing is kept for a way back.
            assert!(difference(&case.run_codes(DType::F64, Task::Predict), &predicted) < 1e-13);
        }
    }
}

/// The same by candle, for one member of the network of [`gradients_are_those_of_autograd`].
struct Autograd {
    /// In the order of the network's parameters.
    parameters: Vec<Var>,
    input: Var,
}

impl Autograd {
    fn new(case: &Case, member: usize, soft: &[f64]) -> Self {
        let var = |numbers: &[f64], shape: &[usize]| {
            Var::from_tensor(&Tensor::from_slice(numbers, shape, &candle_core::Device::Cpu).unwrap()).unwrap()
        };
        let parameters = case.network.parameters().iter();
        let parameters =
            parameters.map(|spec| var(parameter(case, member, &spec.name), &spec.shape)).collect();
        let (n, l) = (case.size, case.network.length());
        let input = var(&soft[member * n * l * 4..][..n * l * 4], &[n, l, 4]);
        Self { parameters, input }
    }

    /// `x W + b` of rows, by the parameters from `first` on.
    fn map(&self, x: &Tensor, first: usize) -> candle_core::Result<Tensor> {
        x.matmul(self.parameters[first].as_tensor())?.broadcast_add(self.parameters[first + 1].as_tensor())
    }

    /// The self-attention whose parameters begin at `first`.
    fn attend(&self, x: &Tensor, first: usize, (heads, size): (usize, usize)) -> candle_core::Result<Tensor> {
        let (n, l, c) = x.dims3()?;
        let rows = x.reshape((n * l, c))?;
        let part = |first| -> candle_core::Result<Tensor> {
            self.map(&rows, first)?.reshape((n, l, heads, size))?.transpose(1, 2)?.contiguous()
        };
        let (queries, keys, values) = (part(first)?, part(first + 2)?, part(first + 4)?); // (n, heads, l, size)
        let scores = queries.matmul(&keys.transpose(2, 3)?.contiguous()?)?;
        let scores = (scores / (size as f64).sqrt())?; // (n, heads, l, l)
        let exponentials = scores.exp()?;
        let weights = exponentials.broadcast_div(&exponentials.sum_keepdim(D::Minus1)?)?;
        let joined =
            weights.matmul(&values)?.transpose(1, 2)?.contiguous()?.reshape((n * l, heads * size))?;
        rows.add(&self.map(&joined, first + 6)?)?.reshape((n, l, c))
    }

    /// The weighted mean of the cross-entropies.
    fn loss(&self, case: &Case, member: usize, sizes: (usize, usize)) -> candle_core::Result<Tensor> {
        let x = self.attend(self.input.as_tensor(), 0, sizes)?.tanh()?;
        let x = self.attend(&x, 8, sizes)?;
        let logits = self.map(&x.mean(1)?, 16)?; // (n, 2)
        let sums = logits.exp()?.sum_keepdim(1)?.log()?;
        let own = member * case.size..(member + 1) * case.size;
        let total: f64 = case.weights[own.clone()].iter().map(|&w| f64::from(w)).sum();
        let chosen: Vec<f64> = own
            .flat_map(|row| {
                (0..2).map(move |k| {
                    f64::from(u8::from(case.labels[row] == k)) * f64::from(case.weights[row]) / total
                })
            })
            .collect();
        let chosen = Tensor::from_vec(chosen, (case.size, 2), &candle_core::Device::Cpu)?;
        sums.broadcast_sub(&logits)?.mul(&chosen)?.sum_all()
    }
}

#[test]
fn gradients_are_those_of_autograd() {
    for (heads, size) in SIZES {
        let attention = Layer::SelfAttention { heads, size };
        let rest =
            [activation(Activation::Tanh), attention, Layer::MeanOverTime, Layer::Dense { outputs: 2 }];
        let layers = [attention].into_iter().chain(rest).collect();
        let case = Case::new(Network::new(19, layers).unwrap(), 2, 11, 89);
        let soft = Random(6).numbers(2 * 11 * 19 * 4);
        let of = Objective::Loss(&Loss::CrossEntropy);
        let outcome = |dtype| case.run_soft(dtype, Route::Soft, &soft, of, Mode::Evaluate);
        let (long, short) = (outcome(DType::F64), outcome(DType::F32));
        let (mut losses, mut params, mut bases) = (Vec::new(), Vec::new(), Vec::new());
        for member in 0..2 {
            let twin = Autograd::new(&case, member, &soft);
            let loss = twin.loss(&case, member, (heads, size)).unwrap();
            losses.push(loss.to_scalar::<f64>().unwrap());
            let gradients = loss.backward().unwrap();
            let read = |var: &Var| -> Vec<f64> {
                gradients.get(var).unwrap().flatten_all().unwrap().to_vec1().unwrap()
            };
            twin.parameters.iter().for_each(|var| params.extend(read(var)));
            bases.extend(read(&twin.input));
        }
        for (what, long, short, wanted) in [
            ("losses", &long.losses, &short.losses, &losses),
            ("parameters", &long.params, &short.params, &params),
            ("input", &long.bases, &short.bases, &bases),
        ] {
            let errors = (difference(long, wanted), difference(short, wanted));
            assert!(errors.0 < 1e-12 && errors.1 < 2e-5, "{heads} heads of {size}, {what}: {errors:?}");
        }
    }
}
