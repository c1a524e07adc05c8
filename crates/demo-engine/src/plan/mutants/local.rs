//! The rows that a mutation changes, step by step: of each value of the chain one span of positions,
//! the same for all bases of a mutated position.

use std::ops::Range;

use crate::kernels::plain::{Layout, finish, normalise};
use crate::kernels::vectorised;
use crate::numbers::{Numbers, zeros};
use crate::plan::chain::{Chain, Codes, Finish, Step};
use crate::plan::walk::Slice;
use crate::plan::workspace::Workspace;
use crate::real::Real;
use crate::store::UNKNOWN;

use super::taps::Taps;
use super::{BASES, Mutations};

/// Room for the rows of the mutants of one position.
#[derive(Debug)]
pub(crate) struct Local<R> {
    /// Steps that are local.
    steps: usize,
    /// Rows of the last value, at most.
    width: usize,
    /// `(mutants, span, c)`: the new rows.
    rows: Numbers<R>,
    /// The same with the old rows around them that a step reads too.
    around: Numbers<R>,
    /// Of the convolutions after the first.
    taps: Vec<Option<Taps<R>>>,
    codes: Vec<u8>,
    index: Vec<u8>,
}

impl<R: Real> Local<R> {
    /// Room for the first steps of a chain.
    pub(crate) fn new(chain: &Chain, steps: usize) -> Self {
        let (mut width, mut rows, mut around, mut codes) = (1, 0, 0, 0);
        let mut taps = Vec::new();
        for (i, step) in chain.steps[..steps].iter().enumerate() {
            let (layout, next) = (chain.layouts[i], chain.layouts[i + 1]);
            let read = match step {
                Step::Convolve { kernel, .. } => {
                    let shape = (kernel.width, kernel.filters);
                    taps.resize_with(i, || None);
                    taps.push((i > 0).then(|| Taps::new(layout, shape, BASES * width)));
                    width = (width + kernel.width - 1).min(next.positions);
                    codes = codes.max(width + kernel.width + 1);
                    0
                }
                Step::Finish(finish) => {
                    width = (width.div_ceil(finish.pool) + 1).min(next.positions);
                    width * finish.pool
                }
                _ => width,
            };
            around = around.max(read * layout.channels);
            rows = rows.max(width * next.channels);
        }
        // Some steps swap the two.
        let room = BASES * rows.max(around);
        Self {
            steps,
            width,
            rows: zeros(room),
            around: zeros(room),
            taps,
            codes: vec![UNKNOWN; BASES * codes],
            index: vec![0; BASES * codes],
        }
    }

    /// Positions of the last value that a mutation changes, at most.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// `(mutants, span, c)`: the rows that the last run gave.
    pub(crate) fn rows(&self) -> &[R] {
        &self.rows
    }

    /// Takes a sequence, whose own values are in the workspace.
    pub(crate) fn begin(&mut self, slice: &Slice<R>, work: &Workspace<R>, a: usize) {
        for (i, taps) in self.taps.iter_mut().enumerate() {
            let (Some(taps), Step::Convolve { kernel, .. }) = (taps, &slice.chain.steps[i]) else { continue };
            let layout = slice.chain.layouts[i];
            let read = slice.chain.layouts[i + 1].positions + kernel.width - 1;
            let rows = &work.values[i][a * layout.pitch * layout.channels..][..read * layout.channels];
            taps.begin(rows, &slice.prepared.ahead[i]);
        }
    }

    /// Computes the changed rows of the last local value for all mutations of a position of the
    /// sequence that was taken; returns where they lie.
    pub(crate) fn run(
        &mut self,
        slice: &Slice<R>,
        work: &Workspace<R>,
        (a, position): (usize, usize),
        mutations: Mutations,
    ) -> Range<usize> {
        let mut span = position..position + 1;
        for i in 0..self.steps {
            let place = Place { slice, work, a, i, mutants: mutations.count(), span };
            span = vectorised(
                #[inline(always)]
                || match &slice.chain.steps[i] {
                    Step::Convolve { .. } if i == 0 => self.look_up(&place, mutations),
                    Step::Convolve { .. } => self.convolve(&place),
                    Step::Finish(step) => self.finish(&place, step),
                    Step::Normalise(_) => self.normalise(&place),
                    _ => 0..0,
                },
            );
            if span.is_empty() {
                break;
            }
        }
        span
    }

    /// The first convolution, on codes.
    #[inline(always)]
    fn look_up(&mut self, place: &Place<R>, mutations: Mutations) -> Range<usize> {
        let Place { slice, work, a, i, mutants, .. } = *place;
        let (Step::Convolve { kernel, .. }, Codes::Tables(tables)) =
            (&slice.chain.steps[i], slice.chain.codes)
        else {
            return 0..0;
        };
        let (layout, next) = (slice.chain.layouts[i], slice.chain.layouts[i + 1]);
        let at = layout.lead + place.span.start;
        let span = (at + 1).saturating_sub(kernel.width)..(at + 1).min(next.positions);
        if span.is_empty() {
            return span;
        }
        // Tables of three bases read two codes beyond the last window, whatever they are.
        let length = span.len() + kernel.width + 1;
        let from = a * layout.pitch + span.start;
        for (codes, base) in self.codes.chunks_exact_mut(length).zip(mutations.iter()) {
            for (to, row) in codes.iter_mut().zip(from..) {
                *to = work.codes.get(row).copied().unwrap_or(UNKNOWN);
            }
            codes[at - span.start] = base;
        }
        let (codes, index) = (&self.codes[..mutants * length], &mut self.index[..mutants * length - 2]);
        tables.index(codes, index);
        let to = Layout::compact(span.len(), next.channels);
        tables.forward(&slice.prepared.tables, index, length, &mut self.rows, to, mutants);
        span
    }

    /// Any other convolution.
    #[inline(always)]
    fn convolve(&mut self, place: &Place<R>) -> Range<usize> {
        let Step::Convolve { kernel, .. } = &place.slice.chain.steps[place.i] else { return 0..0 };
        let next = place.slice.chain.layouts[place.i + 1];
        // In rows of the sequence's pitch, padding included.
        let lead = place.layout().lead;
        let rows = lead + place.span.start..lead + place.span.end;
        let span = (rows.start + 1).saturating_sub(kernel.width)..rows.end.min(next.positions);
        if span.is_empty() {
            return span;
        }
        let Some(Some(taps)) = self.taps.get_mut(place.i) else { return 0..0 };
        let panels = &place.slice.prepared.ahead[place.i];
        taps.run((&self.rows, rows, place.mutants), panels, span.clone(), &mut self.around);
        std::mem::swap(&mut self.rows, &mut self.around);
        span
    }

    /// Bias, pool and activation.
    #[inline(always)]
    fn finish(&mut self, place: &Place<R>, step: &Finish) -> Range<usize> {
        let (layout, next) = (place.layout(), place.slice.chain.layouts[place.i + 1]);
        let span = place.span.start / step.pool..place.span.end.div_ceil(step.pool).min(next.positions);
        if span.is_empty() {
            return span;
        }
        // In rows of the sequence's pitch.
        let read = layout.lead + span.start * step.pool..layout.lead + span.end * step.pool;
        let rows = layout.lead + place.span.start..layout.lead + place.span.end;
        place.surround(&self.rows, rows, read.clone(), &mut self.around);
        let bias = step.bias.clone().map(|range| &place.slice.weights[range]);
        let (from, to) =
            (Layout::compact(read.len(), layout.channels), Layout::compact(span.len(), next.channels));
        let (around, mutants) = (&self.around, place.mutants);
        finish::finish(around, from, bias, step.pool, step.function, &mut self.rows, to, mutants);
        span
    }

    /// Batch normalisation.
    #[inline(always)]
    fn normalise(&mut self, place: &Place<R>) -> Range<usize> {
        let Step::Normalise(step) = &place.slice.chain.steps[place.i] else { return 0..0 };
        let Some(statistics) = &place.slice.prepared.statistics[place.i] else { return 0..0 };
        let layout = Layout::compact(place.span.len(), place.layout().channels);
        let size = layout.size(place.mutants);
        self.around[..size].copy_from_slice(&self.rows[..size]);
        let weights = place.slice.weights;
        let affine = (&weights[step.scale.clone()], &weights[step.shift.clone()]);
        let to = (&mut self.rows[..], layout);
        normalise::normalise(&self.around, layout, statistics, affine, to, place.mutants);
        place.span.clone()
    }
}

/// A step of a sequence, and the positions of its input that are new.
struct Place<'a, 'b, R> {
    slice: &'a Slice<'b, R>,
    work: &'a Workspace<R>,
    a: usize,
    i: usize,
    mutants: usize,
    span: Range<usize>,
}

impl<R: Real> Place<'_, '_, R> {
    /// The layout of the step's input.
    fn layout(&self) -> Layout {
        self.slice.chain.layouts[self.i]
    }

    /// For each mutant, the rows `read` of the sequence's pitch: the new ones, which are `rows`, and the
    /// sequence's own around them. New rows that are not read are left out.
    #[inline(always)]
    fn surround(&self, new: &[R], rows: Range<usize>, read: Range<usize>, to: &mut [R]) {
        let (layout, c) = (self.layout(), self.layout().channels);
        // Input of a convolution has its padding within the pitch; output of one has it before the
        // first sequence.
        let own = &self.work.values[self.i][self.a * layout.pitch * c..];
        let kept = rows.start.max(read.start)..rows.end.min(read.end);
        for mutant in 0..self.mutants {
            let to = &mut to[mutant * read.len() * c..][..read.len() * c];
            to.copy_from_slice(&own[read.start * c..read.end * c]);
            let new = &new[(mutant * rows.len() + kept.start - rows.start) * c..][..kept.len() * c];
            to[(kept.start - read.start) * c..][..kept.len() * c].copy_from_slice(new);
        }
    }
}
