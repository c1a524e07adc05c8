//! Multi-head self-attention (Vaswani et al., *Attention is all you need*, 2017) with its residual,
//! forwards and back by hand.
//!
//! Of the rows x `(l, c)` of a sequence each head makes queries q, keys k and values v `(l, s)`, linear
//! maps with bias. Scores are `a = q k^T / sqrt(s)`, weights `p = softmax(a)` over the positions of the
//! keys, and the head gives `p v`. The heads' numbers lie side by side, `o` `(l, heads s)`, and
//! `y = x + o W + b`.
//!
//! With g the gradient of y, that of o is `g W^T`; of a head's part d of it, that of v is `p^T d`, that of
//! p is `e = d v^T`, that of a is `p (e - sum(p e))`, the sum over a row, and those of q and k follow. The
//! division by `sqrt(s)` is part of q.
//!
//! Rows of scores are filled up to whole vectors, with weights of zero, so that products and softmax take
//! no rest. Cost: `8 c heads s + 4 l heads s` operations a position forwards, some twice that back, and
//! `l heads` exponentials.

use crate::numbers::{Numbers, zeros};
use crate::product::{Groups, Strided, pack_panels, panel_product, product};
use crate::real::Real;

use super::Layout;
use super::convolution::windows_product;
use super::skip::{Nonzeros, Windows};
use super::transpose::transpose;

/// Numbers that are added or compared side by side in a row of scores.
const LANES: usize = 16;

/// The sizes of a self-attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attention {
    /// Channels of the input, and of the output.
    pub(crate) inputs: usize,
    pub(crate) heads: usize,
    /// Numbers of a query, a key and a value.
    pub(crate) size: usize,
    pub(crate) positions: usize,
}

/// The weights of one member, prepared for a run; w is `heads * size`.
#[derive(Debug, Clone)]
pub(crate) struct AttentionWeights<R> {
    /// `(c, 3w)`: those of queries, keys and values side by side.
    joined: Numbers<R>,
    /// The same in panels.
    ahead: Numbers<R>,
    /// `(3w, c)`, its transpose, in panels.
    back: Numbers<R>,
    /// `(3w)`: biases.
    bias: Numbers<R>,
    /// `(w, c)`, of the output, in panels.
    output: Numbers<R>,
    /// `(c, w)`, its transpose, in panels.
    output_back: Numbers<R>,
}

/// What a slice leaves for the backward pass, and room for it.
#[derive(Debug, Clone)]
pub(crate) struct AttentionStates<R> {
    /// `(sequences * l, 3w)`: queries, divided already, keys and values.
    projected: Numbers<R>,
    /// `(sequences, heads, l, stride)`: weights p; after the backward pass the gradient of scores. Without
    /// a backward pass those of one head.
    scores: Numbers<R>,
    /// `(sequences * l, w)`: what the heads give.
    heads: Numbers<R>,
    /// The gradients of `projected` and `heads`.
    of_projected: Numbers<R>,
    of_heads: Numbers<R>,
    /// `(l, stride)`: the gradient of one head's weights p.
    of_weights: Numbers<R>,
    /// `(stride, w)` and `(w, stride)`: keys or values of a sequence, and their transpose.
    rows: Numbers<R>,
    columns: Numbers<R>,
}

impl Attention {
    /// Numbers of all heads: w.
    pub(crate) fn width(&self) -> usize {
        self.heads * self.size
    }

    /// Numbers from one row of scores to the next.
    fn stride(&self) -> usize {
        self.positions.next_multiple_of(LANES)
    }

    /// What scores are multiplied by.
    fn scale<R: Real>(&self) -> R {
        R::from_f64(1.0 / (self.size as f64).sqrt())
    }

    /// Weights of zero.
    pub(crate) fn weights<R: Real>(&self) -> AttentionWeights<R> {
        let (c, w) = (self.inputs, self.width());
        AttentionWeights {
            joined: zeros(3 * c * w),
            ahead: zeros(3 * c * w),
            back: zeros(3 * c * w),
            bias: zeros(3 * w),
            output: zeros(c * w),
            output_back: zeros(c * w),
        }
    }

    /// Room for a slice.
    pub(crate) fn states<R: Real>(&self, sequences: usize) -> AttentionStates<R> {
        let (l, w, stride) = (self.positions, self.width(), self.stride());
        let rows = sequences * l;
        AttentionStates {
            projected: zeros(rows * 3 * w),
            scores: zeros(rows * self.heads * stride),
            heads: zeros(rows * w),
            of_projected: zeros(rows * 3 * w),
            of_heads: zeros(rows * w),
            of_weights: zeros(l * stride),
            rows: zeros(stride * w),
            columns: zeros(w * stride),
        }
    }

    /// Takes the weights `(c, w)` and the bias `(w)` of queries (0), keys (1) or values (2).
    pub(crate) fn prepare<R: Real>(
        &self,
        part: usize,
        (weight, bias): (&[R], &[R]),
        weights: &mut AttentionWeights<R>,
    ) {
        let w = self.width();
        for (to, from) in weights.joined.chunks_exact_mut(3 * w).zip(weight.chunks_exact(w)) {
            to[part * w..][..w].copy_from_slice(from);
        }
        weights.bias[part * w..][..w].copy_from_slice(bias);
    }

    /// Arranges those of all three, and the output's `(w, c)`, for products; transposes too where it goes
    /// back.
    #[inline(always)]
    pub(crate) fn arrange<R: Real>(&self, output: &[R], weights: &mut AttentionWeights<R>, backward: bool) {
        let (c, w) = (self.inputs, self.width());
        if backward {
            // Transposes first stand where the panels will.
            transpose(&weights.joined, 3 * w, &mut weights.ahead, |to, from| *to = from);
            pack_panels(Strided::rows(&weights.ahead, c), (3 * w, c), &mut weights.back);
            transpose(output, c, &mut weights.output, |to, from| *to = from);
            pack_panels(Strided::rows(&weights.output, w), (c, w), &mut weights.output_back);
        }
        pack_panels(Strided::rows(&weights.joined, 3 * w), (c, 3 * w), &mut weights.ahead);
        pack_panels(Strided::rows(output, c), (w, c), &mut weights.output);
    }

    /// The input rows of a slice, each a window of its own.
    pub(crate) fn input_rows(&self, sequences: usize) -> Windows {
        let l = self.positions;
        Windows { sequences, rows: l, pitch: l, width: 1, columns: self.inputs }
    }

    /// The output of a slice, from input rows `(sequences * l, c)`; `keep` if a backward pass follows.
    #[inline(always)]
    pub(crate) fn forward<R: Real>(
        &self,
        (input, sequences): (&[R], usize),
        (weights, bias): (&AttentionWeights<R>, &[R]),
        states: &mut AttentionStates<R>,
        (to, layout): (&mut [R], Layout),
        (keep, nonzeros): (bool, &mut Nonzeros<R>),
    ) {
        let (c, w, l) = (self.inputs, self.width(), self.positions);
        self.project(input, weights, states, sequences, nonzeros);
        for a in 0..sequences {
            self.attend(states, a, keep);
        }
        for a in 0..sequences {
            let rows = layout.sequence_mut(to, a).chunks_exact_mut(c);
            for (to, x) in rows.zip(input[a * l * c..].chunks_exact(c)) {
                for ((to, &x), &b) in to.iter_mut().zip(x).zip(bias) {
                    *to = x + b;
                }
            }
        }
        panel_product(
            (sequences * l, w, c),
            (&mut to[layout.at(0, 0)..], c, true),
            Strided::rows(&states.heads, w),
            &weights.output,
            Groups { rows: l, left: l * w, to: layout.pitch * c },
        );
    }

    /// Queries, keys and values of all input rows.
    #[inline(always)]
    fn project<R: Real>(
        &self,
        input: &[R],
        weights: &AttentionWeights<R>,
        states: &mut AttentionStates<R>,
        sequences: usize,
        nonzeros: &mut Nonzeros<R>,
    ) {
        let (w, scale) = (self.width(), self.scale::<R>());
        let rows = self.input_rows(sequences);
        let projected = &mut states.projected[..sequences * self.positions * 3 * w];
        windows_product(rows, input, (&weights.ahead, 3 * w), projected, nonzeros);
        let (of_queries, of_rest) = weights.bias.split_at(w);
        for row in projected.chunks_exact_mut(3 * w) {
            let (queries, rest) = row.split_at_mut(w);
            queries.iter_mut().zip(of_queries).for_each(|(x, &b)| *x = (*x + b) * scale);
            rest.iter_mut().zip(of_rest).for_each(|(x, &b)| *x += b);
        }
    }

    /// What the heads make of one sequence.
    #[inline(always)]
    fn attend<R: Real>(&self, states: &mut AttentionStates<R>, a: usize, keep: bool) {
        let (l, s, w, stride) = (self.positions, self.size, self.width(), self.stride());
        self.transpose_part(states, a, 1);
        let AttentionStates { projected, scores, heads, columns, .. } = states;
        let projected = &projected[a * l * 3 * w..][..l * 3 * w];
        for head in 0..self.heads {
            let place = if keep { a * self.heads + head } else { 0 };
            let scores = &mut scores[place * l * stride..][..l * stride];
            let queries = Strided::rows(&projected[head * s..], 3 * w);
            let keys = Strided::rows(&columns[head * s * stride..], stride);
            product((l, s, stride), scores, stride, false, queries, keys);
            for row in scores.chunks_exact_mut(stride) {
                softmax(row, l);
            }
            let values = Strided::rows(&projected[2 * w + head * s..], 3 * w);
            let to = &mut heads[a * l * w + head * s..];
            product((l, l, s), to, w, false, Strided::rows(scores, stride), values);
        }
    }

    /// The transpose of a sequence's keys (1) or values (2), columns filled up with zeros.
    #[inline(always)]
    fn transpose_part<R: Real>(&self, states: &mut AttentionStates<R>, a: usize, part: usize) {
        let (l, w, stride) = (self.positions, self.width(), self.stride());
        let AttentionStates { projected, rows, columns, .. } = states;
        let (rows, columns) = (&mut rows[..stride * w], &mut columns[..w * stride]);
        let from = projected[a * l * 3 * w..][..l * 3 * w].chunks_exact(3 * w);
        for (to, from) in rows.chunks_exact_mut(w).zip(from) {
            to.copy_from_slice(&from[part * w..][..w]);
        }
        rows[l * w..].fill(R::ZERO);
        transpose(rows, w, columns, |to, from| *to = from);
    }

    /// Takes the gradient `(sequences * l, c)` of the output back to queries, keys and values. The slice
    /// has gone forward with `keep`.
    #[inline(always)]
    pub(crate) fn backward<R: Real>(
        &self,
        (gradient, sequences): (&[R], usize),
        weights: &AttentionWeights<R>,
        states: &mut AttentionStates<R>,
    ) {
        let (c, w, l) = (self.inputs, self.width(), self.positions);
        let rows = sequences * l;
        let to = (&mut states.of_heads[..rows * w], w, false);
        panel_product((rows, c, w), to, Strided::rows(gradient, c), &weights.output_back, Groups::ONE);
        for a in 0..sequences {
            self.transpose_part(states, a, 2);
            for head in 0..self.heads {
                self.head_gradient(states, a, head);
            }
        }
        let scale = self.scale::<R>();
        for row in states.of_projected[..rows * 3 * w].chunks_exact_mut(3 * w) {
            row[..w].iter_mut().for_each(|x| *x *= scale);
        }
    }

    /// The gradients of a head's queries, keys and values in one sequence, whose values stand transposed.
    #[inline(always)]
    fn head_gradient<R: Real>(&self, states: &mut AttentionStates<R>, a: usize, head: usize) {
        let (l, s, w, stride) = (self.positions, self.size, self.width(), self.stride());
        let AttentionStates { projected, scores, of_projected, of_heads, of_weights, columns, .. } = states;
        let projected = &projected[a * l * 3 * w + head * s..];
        let of_projected = &mut of_projected[a * l * 3 * w + head * s..];
        let scores = &mut scores[(a * self.heads + head) * l * stride..][..l * stride];
        let of_weights = &mut of_weights[..l * stride];
        let of_head = Strided::rows(&of_heads[a * l * w + head * s..], w);
        let weights = Strided::rows(scores, stride).transposed();
        product((l, l, s), &mut of_projected[2 * w..], 3 * w, false, weights, of_head);
        let values = Strided::rows(&columns[head * s * stride..], stride);
        product((l, s, stride), of_weights, stride, false, of_head, values);
        for (row, gradient) in scores.chunks_exact_mut(stride).zip(of_weights.chunks_exact(stride)) {
            softmax_gradient(row, gradient);
        }
        let scores = Strided::rows(scores, stride);
        let (queries, keys) = (Strided::rows(projected, 3 * w), Strided::rows(&projected[w..], 3 * w));
        product((l, l, s), of_projected, 3 * w, false, scores, keys);
        product((l, l, s), &mut of_projected[w..], 3 * w, false, scores.transposed(), queries);
    }

    /// Adds the gradient of the weights `(c, w)` and of the bias of queries (0), keys (1) or values (2).
    #[inline(always)]
    pub(crate) fn part_gradient<R: Real>(
        &self,
        (input, sequences): (&[R], usize),
        states: &AttentionStates<R>,
        part: usize,
        (weight, bias): (&mut [R], &mut [R]),
    ) {
        let (c, w, rows) = (self.inputs, self.width(), sequences * self.positions);
        let gradient = &states.of_projected[part * w..];
        let input = Strided::rows(input, c).transposed();
        product((c, rows, w), weight, w, true, input, Strided::rows(gradient, 3 * w));
        add_rows(&states.of_projected[..rows * 3 * w], 3 * w, part * w, bias);
    }

    /// Adds the gradient of the output's weights `(w, c)` and bias, from that of the output
    /// `(sequences * l, c)`.
    #[inline(always)]
    pub(crate) fn output_gradient<R: Real>(
        &self,
        (gradient, sequences): (&[R], usize),
        states: &AttentionStates<R>,
        (weight, bias): (&mut [R], &mut [R]),
    ) {
        let (c, w, rows) = (self.inputs, self.width(), sequences * self.positions);
        let heads = Strided::rows(&states.heads, w).transposed();
        product((w, rows, c), weight, c, true, heads, Strided::rows(gradient, c));
        add_rows(&gradient[..rows * c], c, 0, bias);
    }

    /// Adds the gradient of the input rows that goes through queries, keys and values.
    pub(crate) fn input_gradient<R: Real>(
        &self,
        weights: &AttentionWeights<R>,
        states: &AttentionStates<R>,
        (input, sequences): (&mut [R], usize),
    ) {
        let (c, w, rows) = (self.inputs, self.width(), sequences * self.positions);
        let gradient = Strided::rows(&states.of_projected, 3 * w);
        panel_product((rows, 3 * w, c), (input, c, true), gradient, &weights.back, Groups::ONE);
    }
}

/// Adds to `sums` the columns of a matrix with rows of `width` from column `first` on.
#[inline(always)]
fn add_rows<R: Real>(matrix: &[R], width: usize, first: usize, sums: &mut [R]) {
    for row in matrix.chunks_exact(width) {
        sums.iter_mut().zip(&row[first..]).for_each(|(sum, &x)| *sum += x);
    }
}

/// Replaces the first `count` numbers of a row, which is whole lanes long, by their softmax, the others by
/// zero.
#[inline(always)]
fn softmax<R: Real>(row: &mut [R], count: usize) {
    row[count..].fill(R::LOWEST);
    let lanes = row.as_chunks_mut::<LANES>().0;
    let mut most = [R::LOWEST; LANES];
    for lane in &*lanes {
        most.iter_mut().zip(lane).for_each(|(most, &x)| *most = if x > *most { x } else { *most });
    }
    let most = most.into_iter().fold(R::LOWEST, |most, x| if x > most { x } else { most });
    let mut sums = [R::ZERO; LANES];
    for lane in &mut *lanes {
        for (x, sum) in lane.iter_mut().zip(&mut sums) {
            *x = (*x - most).exp();
            *sum += *x;
        }
    }
    let scale = R::ONE / sum_of(sums);
    lanes.as_flattened_mut().iter_mut().for_each(|x| *x *= scale);
}

/// Replaces weights by the gradient of the scores that they are the softmax of, given their own.
#[inline(always)]
fn softmax_gradient<R: Real>(weights: &mut [R], gradient: &[R]) {
    let mut sums = [R::ZERO; LANES];
    for (weights, gradient) in weights.as_chunks::<LANES>().0.iter().zip(gradient.as_chunks::<LANES>().0) {
        for i in 0..LANES {
            sums[i] = weights[i].mul_add(gradient[i], sums[i]);
        }
    }
    let mean = sum_of(sums);
    weights.iter_mut().zip(gradient).for_each(|(p, &g)| *p *= g - mean);
}

/// The sum of all lanes, halves added to each other.
#[inline(always)]
fn sum_of<R: Real>(mut lanes: [R; LANES]) -> R {
    let mut width = LANES / 2;
    while width > 0 {
        let (low, high) = lanes.split_at_mut(width);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::vectorised;

    #[test]
    fn a_softmax_is_its_definition_and_ignores_what_fills_the_row() {
        for count in [1, 2, 15, 16, 17, 40] {
            let x: Vec<f64> = (0..count).map(|i| f64::from(i * 37 % 23) - 11.0).collect();
            let sum: f64 = x.iter().map(|x| x.exp()).sum();
            let mut row = x.clone();
            row.resize((count as usize).next_multiple_of(LANES), 7.0);
            let mut short: Vec<f32> = row.iter().map(|&x| x as f32).collect();
            softmax(&mut row, count as usize);
            vectorised(
                #[inline(always)]
                || softmax(&mut short, count as usize),
            );
            for (i, (&p, &short)) in row.iter().zip(&short).enumerate() {
                let wanted = x.get(i).map_or(0.0, |x| x.exp() / sum);
                assert!((p - wanted).abs() < 1e-15, "{p} {wanted}");
                assert!((f64::from(short) - wanted).abs() < 1e-6, "{short} {wanted}");
            }
        }
    }

    #[test]
    fn a_softmax_takes_large_scores_and_passes_on_what_is_no_number() {
        let mut row = [0.0f32; LANES];
        row[..3].copy_from_slice(&[1e4, -1e30, 1e4]);
        softmax(&mut row, 3);
        assert_eq!(row[..4], [0.5, 0.0, 0.5, 0.0]);
        for at in [0, 2] {
            let mut row = [1.0f32; LANES];
            row[at] = f32::NAN;
            softmax(&mut row, 3);
            assert!(row[..3].iter().all(|x| x.is_nan()));
        }
    }
}
