//! What follows a linear map, in one pass while its output is in cache: bias, max-pool, activation.
//!
//! All activations rise, so that the maximum may be taken first and the activation applied to fewer
//! numbers; where an activation is flat, and would make ties, its slope is zero. Slopes are found from
//! the output. The backward pass finds the maxima again from the linear map's output and overwrites that
//! with its gradient.

use crate::Activation;
use crate::real::Real;

use super::Layout;

/// Channels that are worked on together on the way back.
const BLOCK: usize = 64;

/// The value of an activation; a NaN stays one.
#[inline(always)]
fn value<R: Real>(function: Activation, x: R) -> R {
    match function {
        Activation::Relu => {
            if x < R::ZERO {
                R::ZERO
            } else {
                x
            }
        }
        Activation::Exponential => x.exp(),
        Activation::Sigmoid => x.sigmoid(),
        Activation::Tanh => x.tanh(),
        // max(x, 0) + ln(1 + exp(-|x|)) neither overflows nor cancels.
        Activation::Softplus => {
            let size = if x < R::ZERO { x } else { -x };
            x.larger(R::ZERO) + size.exp().ln_1p()
        }
        Activation::Linear => x,
        Activation::Elu => {
            let below = if x < R::ZERO { x } else { R::ZERO };
            if x < R::ZERO { below.exp_m1() } else { x }
        }
    }
}

/// The slope of an activation where its value is `y`.
#[inline(always)]
fn slope<R: Real>(function: Activation, y: R) -> R {
    match function {
        Activation::Relu => {
            if y > R::ZERO {
                R::ONE
            } else {
                R::ZERO
            }
        }
        Activation::Exponential => y,
        Activation::Sigmoid => y * (R::ONE - y),
        Activation::Tanh => R::ONE - y * y,
        // y = ln(1 + exp(x)), so that the slope, sigmoid(x), is 1 - exp(-y).
        Activation::Softplus => -((-y).exp_m1()),
        Activation::Linear => R::ONE,
        Activation::Elu => {
            if y < R::ZERO {
                y + R::ONE
            } else {
                R::ONE
            }
        }
    }
}

/// Calls a generic function with the activation known at compile time.
macro_rules! by_activation {
    ($function:expr, $call:ident ( $($argument:expr),* $(,)? )) => {
        match $function {
            Activation::Relu => $call($($argument),*, #[inline(always)] |x| value(Activation::Relu, x), #[inline(always)] |y| slope(Activation::Relu, y)),
            Activation::Exponential => $call($($argument),*, #[inline(always)] |x| value(Activation::Exponential, x), #[inline(always)] |y| slope(Activation::Exponential, y)),
            Activation::Sigmoid => $call($($argument),*, #[inline(always)] |x| value(Activation::Sigmoid, x), #[inline(always)] |y| slope(Activation::Sigmoid, y)),
            Activation::Tanh => $call($($argument),*, #[inline(always)] |x| value(Activation::Tanh, x), #[inline(always)] |y| slope(Activation::Tanh, y)),
            Activation::Softplus => $call($($argument),*, #[inline(always)] |x| value(Activation::Softplus, x), #[inline(always)] |y| slope(Activation::Softplus, y)),
            Activation::Linear => $call($($argument),*, #[inline(always)] |x| value(Activation::Linear, x), #[inline(always)] |y| slope(Activation::Linear, y)),
            Activation::Elu => $call($($argument),*, #[inline(always)] |x| value(Activation::Elu, x), #[inline(always)] |y| slope(Activation::Elu, y)),
        }
    };
}

/// `to[q] = f(max_j from[q * pool + j] + bias)`.
#[inline(always)]
pub(crate) fn finish<R: Real>(
    from: &[R],
    layout: Layout,
    bias: Option<&[R]>,
    pool: usize,
    function: Activation,
    to: &mut [R],
    to_layout: Layout,
    sequences: usize,
) {
    by_activation!(function, finish_with(from, layout, bias, pool, to, to_layout, sequences));
}

#[inline(always)]
fn finish_with<R: Real>(
    from: &[R],
    layout: Layout,
    bias: Option<&[R]>,
    pool: usize,
    to: &mut [R],
    to_layout: Layout,
    sequences: usize,
    value: impl Fn(R) -> R,
    _slope: impl Fn(R) -> R,
) {
    let c = layout.channels;
    for a in 0..sequences {
        let windows = layout.sequence(from, a).chunks_exact(pool * c);
        for (row, window) in to_layout.sequence_mut(to, a).chunks_exact_mut(c).zip(windows) {
            let (first, others) = window.split_at(c);
            if let Some(bias) = bias {
                // The usual ones in one pass.
                if pool == 1 {
                    let numbers = first.iter().zip(bias);
                    row.iter_mut().zip(numbers).for_each(|(y, (&x, &b))| *y = value(x + b));
                    continue;
                }
                if pool == 2 {
                    let numbers = first.iter().zip(others).zip(bias);
                    for (y, ((&x, &other), &b)) in row.iter_mut().zip(numbers) {
                        *y = value(if other > x { other } else { x } + b);
                    }
                    continue;
                }
            }
            row.copy_from_slice(first);
            for other in others.chunks_exact(c) {
                row.iter_mut().zip(other).for_each(|(y, &x)| *y = if x > *y { x } else { *y });
            }
            match bias {
                Some(bias) => row.iter_mut().zip(bias).for_each(|(y, &b)| *y = value(*y + b)),
                None => row.iter_mut().for_each(|y| *y = value(*y)),
            }
        }
    }
}

/// Overwrites the linear map's output `from` with its gradient: `outputs` are what [`finish`] made of
/// it, `gradient` is theirs, without dropout. Adds the gradient of the bias.
///
/// Outputs that went through dropout come with `keep`, the probability of keeping, which undoes its
/// scale. Rows after the last window, and those between sequences, become zero.
#[inline(always)]
pub(crate) fn finish_gradient<R: Real>(
    from: &mut [R],
    layout: Layout,
    bias: Option<&mut [R]>,
    pool: usize,
    function: Activation,
    outputs: &[R],
    gradient: &[R],
    to_layout: Layout,
    keep: R,
    sequences: usize,
) {
    by_activation!(
        function,
        finish_gradient_with(from, layout, bias, pool, outputs, gradient, to_layout, keep, sequences)
    );
}

#[inline(always)]
fn finish_gradient_with<R: Real>(
    from: &mut [R],
    layout: Layout,
    mut bias: Option<&mut [R]>,
    pool: usize,
    outputs: &[R],
    gradient: &[R],
    to_layout: Layout,
    keep: R,
    sequences: usize,
    _value: impl Fn(R) -> R,
    slope: impl Fn(R) -> R,
) {
    let c = layout.channels;
    for a in 0..sequences {
        let start = layout.at(a, 0);
        let end = from.len().min(start + layout.pitch * c);
        let rows = &mut from[start..end];
        let outputs = to_layout.sequence(outputs, a).chunks_exact(c);
        let gradients = to_layout.sequence(gradient, a).chunks_exact(c);
        let used = outputs.len() * pool * c;
        for ((window, outputs), gradients) in rows.chunks_exact_mut(pool * c).zip(outputs).zip(gradients) {
            for first in (0..c).step_by(BLOCK) {
                let width = BLOCK.min(c - first);
                let mut numbers = [R::ZERO; BLOCK];
                let outputs = &outputs[first..first + width];
                let from = outputs.iter().zip(&gradients[first..first + width]);
                numbers.iter_mut().zip(from).for_each(|(to, (&y, &g))| *to = g * slope(y * keep));
                if let Some(bias) = &mut bias {
                    bias[first..].iter_mut().zip(&numbers[..width]).for_each(|(b, &g)| *b += g);
                }
                match pool {
                    1 => window[first..first + width].copy_from_slice(&numbers[..width]),
                    2 => {
                        let (low, high) = window.split_at_mut(c);
                        pair(&mut low[first..first + width], &mut high[first..first + width], &numbers);
                    }
                    _ => wide_pool(window, c, first, &numbers[..width]),
                }
            }
        }
        rows[used..].fill(R::ZERO);
    }
}

/// Gives each gradient to the larger of two numbers, the first if they tie.
#[inline(always)]
fn pair<R: Real>(first: &mut [R], second: &mut [R], gradients: &[R]) {
    for ((x, y), &g) in first.iter_mut().zip(second).zip(gradients) {
        let later = *y > *x;
        (*x, *y) = (if later { R::ZERO } else { g }, if later { g } else { R::ZERO });
    }
}

/// Gives the gradient of some channels from `first` on to their first maximum in a window of any width.
#[inline(always)]
fn wide_pool<R: Real>(window: &mut [R], c: usize, first: usize, gradients: &[R]) {
    let width = gradients.len();
    let mut best = [R::LOWEST; BLOCK];
    let mut place = [0u32; BLOCK];
    best[..width].copy_from_slice(&window[first..first + width]);
    for (j, row) in window.chunks_exact(c).enumerate() {
        for ((best, place), &x) in best.iter_mut().zip(&mut place).zip(&row[first..first + width]) {
            let greater = x > *best;
            *best = if greater { x } else { *best };
            *place = if greater { j as u32 } else { *place };
        }
    }
    for (j, row) in window.chunks_exact_mut(c).enumerate() {
        for ((x, &place), &g) in row[first..first + width].iter_mut().zip(&place).zip(gradients) {
            *x = if place == j as u32 { g } else { R::ZERO };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn each_gradient_goes_to_the_first_maximum(
            positions in 1usize..20, channels in 1usize..150, pool in 1usize..5, sequences in 1usize..3,
        ) {
            prop_assume!(positions >= pool);
            let layout = Layout { lead: 1, pitch: positions + 2, ..Layout::compact(positions, channels) };
            let next = Layout::compact(positions / pool, channels);
            // Few values, so that maxima tie.
            let from: Vec<f64> = (0..layout.size(sequences)).map(|i| (i * i % 7) as f64 - 3.0).collect();
            let gradient: Vec<f64> = (1..=next.size(sequences)).map(|i| i as f64).collect();
            let bias: Vec<f64> = (0..channels).map(|i| (i % 3) as f64 / 4.0).collect();
            let mut outputs = vec![0.0; gradient.len()];
            finish(&from, layout, Some(&bias), pool, Activation::Relu, &mut outputs, next, sequences);
            let (mut found, mut of_bias) = (from.clone(), vec![0.0; channels]);
            let of = (&mut found[..], Some(&mut of_bias[..]));
            finish_gradient(
                of.0, layout, of.1, pool, Activation::Relu, &outputs, &gradient, next, 1.0, sequences,
            );
            let (mut wanted, mut wanted_bias) = (vec![0.0; from.len()], vec![0.0; channels]);
            for a in 0..sequences {
                for t in 0..next.positions {
                    for c in 0..channels {
                        let at = |j: usize| layout.at(a, t * pool + j) + c;
                        let first = (1..pool).fold(0, |best, j| if from[at(j)] > from[at(best)] { j } else { best });
                        if from[at(first)] + bias[c] > 0.0 {
                            let g = gradient[next.at(a, t) + c];
                            wanted[at(first)] = g;
                            wanted_bias[c] += g;
                        }
                    }
                }
            }
            prop_assert_eq!(of_bias, wanted_bias);
            for a in 0..sequences {
                let rows = layout.at(a, 0)..layout.at(a, positions);
                prop_assert_eq!(&found[rows.clone()], &wanted[rows]);
            }
        }
    }
}
