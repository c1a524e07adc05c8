//! Batch normalisation (Ioffe and Szegedy, 2015): `y = scale (x - mean) / sqrt(variance + e) + shift`,
//! each channel over all sequences and positions of a batch.
//!
//! With z the normalised input and g the gradient of y, that of x is
//! `scale / sqrt(variance + e) (g - mean(g) - z mean(g z))` in training; in evaluation, where the
//! statistics do not depend on x, both means count as zero. Sums over the batch are in f64.

use crate::numbers::{Numbers, zeros};
use crate::real::Real;

use super::Layout;

/// The statistics of one channel each, for one batch normalisation of one member.
#[derive(Debug, Clone)]
pub(crate) struct Statistics<R> {
    /// Mean of the input.
    pub(crate) mean: Numbers<R>,
    /// One over its standard deviation, epsilon included.
    pub(crate) over_deviation: Numbers<R>,
    /// Mean of the output's gradient.
    pub(crate) gradient: Numbers<R>,
    /// Mean of the output's gradient times the normalised input.
    pub(crate) projection: Numbers<R>,
}

impl<R: Real> Statistics<R> {
    /// Room for so many channels.
    pub(crate) fn new(channels: usize) -> Self {
        let zeros = || zeros(channels);
        Self { mean: zeros(), over_deviation: zeros(), gradient: zeros(), projection: zeros() }
    }

    /// Takes running statistics.
    pub(crate) fn fill(&mut self, mean: &[R], variance: &[R], epsilon: f32) {
        self.mean.copy_from_slice(mean);
        for (to, variance) in self.over_deviation.iter_mut().zip(variance) {
            *to = over_deviation(variance.to_f64(), epsilon);
        }
        self.gradient.fill(R::ZERO);
        self.projection.fill(R::ZERO);
    }

    /// Takes the sums and sums of squares of `count` numbers a channel; writes their mean and their
    /// variance, free of bias, for the running ones.
    pub(crate) fn take_moments(&mut self, sums: &[f64], count: f64, epsilon: f32, running: &mut [f64]) {
        let channels = self.mean.len();
        let (means, variances) = running.split_at_mut(channels);
        for c in 0..channels {
            let mean = sums[c] / count;
            let variance = (sums[channels + c] / count - mean * mean).max(0.0);
            self.mean[c] = R::from_f64(mean);
            self.over_deviation[c] = over_deviation(variance, epsilon);
            means[c] = mean;
            variances[c] = variance * count / (count - 1.0).max(1.0);
        }
    }

    /// Takes the sums of the output's gradient and of it times the normalised input.
    pub(crate) fn take_gradient(&mut self, sums: &[f64], count: f64) {
        let (of_gradient, of_projection) = sums.split_at(self.mean.len());
        self.gradient.iter_mut().zip(of_gradient).for_each(|(to, sum)| *to = R::from_f64(sum / count));
        self.projection.iter_mut().zip(of_projection).for_each(|(to, sum)| *to = R::from_f64(sum / count));
    }
}

fn over_deviation<R: Real>(variance: f64, epsilon: f32) -> R {
    R::from_f64(1.0 / (variance + f64::from(epsilon)).sqrt())
}

/// Adds the sum and the sum of squares of each channel.
#[inline(always)]
pub(crate) fn add_moments<R: Real>(from: &[R], layout: Layout, sums: &mut [f64], sequences: usize) {
    let c = layout.channels;
    let (sums, squares) = sums.split_at_mut(c);
    for a in 0..sequences {
        for row in layout.sequence(from, a).chunks_exact(c) {
            for ((sum, square), x) in sums.iter_mut().zip(&mut *squares).zip(row) {
                let x = x.to_f64();
                *sum += x;
                *square += x * x;
            }
        }
    }
}

/// Adds the sum of each channel's gradient, and of it times the normalised input.
#[inline(always)]
pub(crate) fn add_gradient_moments<R: Real>(
    from: &[R],
    layout: Layout,
    statistics: &Statistics<R>,
    (gradient, gradient_layout): (&[R], Layout),
    sums: &mut [f64],
    sequences: usize,
) {
    let c = layout.channels;
    let (sums, projections) = sums.split_at_mut(c);
    for a in 0..sequences {
        let gradients = gradient_layout.sequence(gradient, a).chunks_exact(c);
        for (row, gradients) in layout.sequence(from, a).chunks_exact(c).zip(gradients) {
            for i in 0..c {
                let g = gradients[i].to_f64();
                sums[i] += g;
                projections[i] += g * ((row[i] - statistics.mean[i]) * statistics.over_deviation[i]).to_f64();
            }
        }
    }
}

/// The normalised, scaled and shifted input.
#[inline(always)]
pub(crate) fn normalise<R: Real>(
    from: &[R],
    layout: Layout,
    statistics: &Statistics<R>,
    (scale, shift): (&[R], &[R]),
    (to, to_layout): (&mut [R], Layout),
    sequences: usize,
) {
    let c = layout.channels;
    let (mean, over_deviation) = (&statistics.mean[..c], &statistics.over_deviation[..c]);
    let (scale, shift) = (&scale[..c], &shift[..c]);
    for a in 0..sequences {
        let rows = layout.sequence(from, a).chunks_exact(c);
        for (to, row) in to_layout.sequence_mut(to, a).chunks_exact_mut(c).zip(rows) {
            for i in 0..c {
                to[i] = ((row[i] - mean[i]) * over_deviation[i]).mul_add(scale[i], shift[i]);
            }
        }
    }
}

/// Overwrites the input by its gradient, and adds that of scale and shift. Rows that belong to no
/// position become zero, and so do all of the sequences that only fill the slice up.
#[inline(always)]
pub(crate) fn normalise_gradient<R: Real>(
    from: &mut [R],
    layout: Layout,
    statistics: &Statistics<R>,
    scale: &[R],
    (gradient, gradient_layout): (&[R], Layout),
    mut parameters: Option<(&mut [R], &mut [R])>,
    (sequences, filled): (usize, usize),
) {
    let c = layout.channels;
    for a in 0..filled {
        let start = layout.at(a, 0);
        let end = from.len().min(start + layout.pitch * c);
        let (rows, rest) = from[start..end].split_at_mut(layout.count());
        rest.fill(R::ZERO);
        if a >= sequences {
            rows.fill(R::ZERO);
            continue;
        }
        let gradients = gradient_layout.sequence(gradient, a).chunks_exact(c);
        for (row, gradients) in rows.chunks_exact_mut(c).zip(gradients) {
            for i in 0..c {
                let (g, over_deviation) = (gradients[i], statistics.over_deviation[i]);
                let z = (row[i] - statistics.mean[i]) * over_deviation;
                if let Some((of_scale, of_shift)) = &mut parameters {
                    of_scale[i] += g * z;
                    of_shift[i] += g;
                }
                let centred = g - statistics.gradient[i] - z * statistics.projection[i];
                row[i] = scale[i] * over_deviation * centred;
            }
        }
    }
}
