//! A convolution as products over overlapping rows.
//!
//! The input of a sequence has `pitch = l' + k - 1` rows of c numbers, padding included; window t is the
//! `k * c` numbers from row t. The output keeps the pitch of the input and has k - 1 zero rows before
//! it, so that the input gradient, a convolution of the zero-padded output gradient with reversed
//! weights, is one product over a whole slice; so is the weights' gradient, in which windows that
//! straddle two sequences meet gradients of zero.
//!
//! Cost: `2 * pitch * k * c * filters` operations a sequence, for each of the three; the output of short
//! filters takes fewer in evaluation, see [`super::winograd`].

use crate::product::{Groups, PANEL, Strided, pack_panels, panel_product, product};
use crate::real::Real;

use super::Layout;
use super::skip::{Nonzeros, SkippingProduct, Windows};
use super::transpose::transpose;

/// The sizes of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// Positions in a window.
    pub(crate) width: usize,
    /// Channels of the input.
    pub(crate) inputs: usize,
    /// Channels of the output.
    pub(crate) filters: usize,
    /// Rows of a sequence, padding included, in input and output.
    pub(crate) pitch: usize,
}

impl Convolution {
    /// Layout of the output.
    pub(crate) fn output(&self) -> Layout {
        Layout {
            positions: self.pitch + 1 - self.width,
            channels: self.filters,
            lead: self.width - 1,
            pitch: self.pitch,
        }
    }

    /// `weight` `(k, c, filters)` with positions reversed and channels transposed, `(k * filters, c)`, in
    /// panels.
    #[inline(always)]
    pub(crate) fn reverse<R: Real>(&self, weight: &[R], panels: &mut [R]) {
        let (k, c, filters) = (self.width, self.inputs, self.filters);
        for (first, panel) in (0..c).step_by(PANEL).zip(panels.chunks_mut(k * filters * PANEL)) {
            let size = PANEL.min(c - first) * filters;
            let blocks = weight.chunks_exact(c * filters).zip(panel.chunks_exact_mut(size).rev());
            for (from, to) in blocks {
                transpose(&from[first * filters..][..size], filters, to, |to, from| *to = from);
            }
        }
    }

    /// Windows of the slice that lie within it.
    fn windows(&self, sequences: usize) -> usize {
        sequences * self.pitch + 1 - self.width
    }

    /// Weights `(k, c, filters)` as [`Self::forward`] reads them.
    #[inline(always)]
    pub(crate) fn pack<R: Real>(&self, weight: &[R], panels: &mut [R]) {
        let sizes = (self.width * self.inputs, self.filters);
        pack_panels(Strided::rows(weight, self.filters), sizes, panels);
    }

    /// The windows that the output is made of.
    pub(crate) fn ahead(&self, sequences: usize) -> Windows {
        let (rows, pitch) = (self.output().positions, self.pitch);
        Windows { sequences, rows, pitch, width: self.width, columns: self.inputs }
    }

    /// Those, of the output's gradient, that the input's gradient is made of.
    pub(crate) fn back(&self, sequences: usize) -> Windows {
        let pitch = self.pitch;
        Windows { sequences, rows: pitch, pitch, width: self.width, columns: self.filters }
    }

    /// Adds the gradient of the weights. Rows of `gradient` that belong to no position must be zero.
    pub(crate) fn weight_gradient<R: Real>(
        &self,
        input: &[R],
        gradient: &[R],
        weight: &mut [R],
        sequences: usize,
    ) {
        product(
            (self.width * self.inputs, self.windows(sequences), self.filters),
            weight,
            self.filters,
            true,
            Strided::rows(input, self.inputs).transposed(),
            Strided::rows(&gradient[(self.width - 1) * self.filters..], self.filters),
        );
    }

    /// The gradient of every input row, padding included, from reversed weights. Rows of `gradient`
    /// that belong to no position must be zero, those before the first sequence too.
    pub(crate) fn input_gradient<R: Real>(
        &self,
        gradient: &[R],
        reversed: &[R],
        input: &mut [R],
        sequences: usize,
        nonzeros: &mut Nonzeros<R>,
    ) {
        windows_product(self.back(sequences), gradient, (reversed, self.inputs), input, nonzeros);
    }
}

/// The product of windows with a matrix in panels; skips zeros where that pays.
pub(crate) fn windows_product<R: Real>(
    windows: Windows,
    input: &[R],
    (panels, filters): (&[R], usize),
    to: &mut [R],
    nonzeros: &mut Nonzeros<R>,
) {
    let Windows { sequences, rows, pitch, width, columns } = windows;
    let input = &input[..windows.input_rows(sequences) * columns];
    if Nonzeros::pay(input, columns) {
        let mut product = SkippingProduct { windows, input, panels, filters, to: &mut *to, nonzeros };
        if R::skipping_product(&mut product) {
            return;
        }
    }
    panel_product(
        (sequences * rows, width * columns, filters),
        (to, filters, false),
        Strided::rows(input, columns),
        panels,
        Groups { rows, left: pitch * columns, to: pitch * filters },
    );
}
