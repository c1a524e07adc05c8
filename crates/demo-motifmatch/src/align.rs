//! Alignments of a query with one strand of a target.
//!
//! Cost: one addition for each pair of columns, sixteen at a time.

use std::ops::Range;

use crate::bins::LANES;
use crate::wide::wide;

/// Which alignments are searched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) min_overlap: usize,
    pub(crate) internal: bool,
}

/// One way to lay a target beside a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// The first query column aligned.
    pub(crate) start: usize,
    /// How many query columns are aligned.
    pub(crate) overlap: usize,
    /// The target column that lies at query column 0, possibly outside the target.
    pub(crate) offset: isize,
    /// The summed steps of the aligned pairs above the zero bin.
    pub(crate) score: i32,
}

impl Allowed {
    /// The allowed shifts, counted from the lowest offset, where only the query's last column and the target's
    /// first are aligned. Overlaps rise by one from one column, stay at the narrower width and fall again, so
    /// what is allowed is one run of shifts.
    fn shifts(self, query: usize, target: usize) -> Range<usize> {
        let narrower = query.min(target);
        let least = if self.internal { narrower } else { self.min_overlap.min(narrower) };
        least - 1..query + target - least
    }
}

impl Alignment {
    #[inline(always)]
    fn at(shift: usize, query: usize, target: usize, score: i32) -> Self {
        let start = (query - 1).saturating_sub(shift);
        let end = (query + target - 1 - shift).min(query);
        Self { start, overlap: end - start, offset: shift.cast_signed() - (query - 1).cast_signed(), score }
    }
}

/// Every allowed alignment of a query with the target columns `span`, from the lowest offset; `scratch` is reused.
///
/// `rows` holds, for each query column, its steps over all target columns, [`LANES`] of padding before and behind.
pub(crate) fn alignments(
    rows: &[&[i8]],
    span: Range<usize>,
    allowed: Allowed,
    scratch: &mut Scratch,
) -> impl Iterator<Item = Alignment> {
    let (query, target) = (rows.len(), span.len());
    fill_sums(rows, span, scratch);
    allowed.shifts(query, target).map(move |shift| Alignment::at(shift, query, target, scratch.sums[shift]))
}

wide! {
    /// For each of `spans` the alignment of the highest score; of equals the one with the larger overlap, then
    /// the lowest offset.
    fn best_of_each<'a>(
        rows: &'a [&'a [i8]],
        spans: &'a mut dyn Iterator<Item = Range<usize>>,
        allowed: Allowed,
        scratch: &'a mut Scratch,
        best: &'a mut Vec<Alignment>,
    ) -> () {
        let query = rows.len();
        for span in spans {
            let target = span.len();
            fill_sums(rows, span, scratch);
            let shifts = allowed.shifts(query, target);
            let sums = &scratch.sums[shifts.clone()];
            let score = sums.iter().copied().fold(i32::MIN, i32::max);
            let equals = shifts.zip(sums).filter(|&(_, &sum)| sum == score);
            let wider = |best: Alignment, next: Alignment| if next.overlap > best.overlap { next } else { best };
            best.extend(equals.map(|(shift, _)| Alignment::at(shift, query, target, score)).reduce(wider));
        }
    }
}

wide! {
    /// For each of `spans` the highest score of its alignments.
    fn highest_of_each<'a>(
        rows: &'a [&'a [i8]],
        spans: &'a [Range<usize>],
        allowed: Allowed,
        scratch: &'a mut Scratch,
        highest: &'a mut Vec<i32>,
    ) -> () {
        for span in spans {
            fill_sums(rows, span.clone(), scratch);
            let sums = &scratch.sums[allowed.shifts(rows.len(), span.len())];
            highest.push(sums.iter().copied().fold(i32::MIN, i32::max));
        }
    }
}

/// The best alignment with each span of target columns.
pub(crate) fn best_alignments(
    rows: &[&[i8]],
    mut spans: impl Iterator<Item = Range<usize>>,
    allowed: Allowed,
    scratch: &mut Scratch,
) -> Vec<Alignment> {
    let mut best = Vec::with_capacity(spans.size_hint().0);
    best_of_each(rows, &mut spans, allowed, scratch, &mut best);
    best
}

/// The highest score with each span of target columns.
pub(crate) fn highest_scores(
    rows: &[&[i8]],
    spans: &[Range<usize>],
    allowed: Allowed,
    scratch: &mut Scratch,
) -> Vec<i32> {
    let mut highest = Vec::with_capacity(spans.len());
    highest_of_each(rows, spans, allowed, scratch, &mut highest);
    highest
}

/// The summed steps of every alignment, from the lowest offset; behind them some that mean nothing.
///
/// A block of neighbouring shifts is summed over the query's columns before it is stored. What a block reads to
/// either side of the target is blanked.
#[inline(always)]
fn fill_sums(rows: &[&[i8]], span: Range<usize>, scratch: &mut Scratch) {
    let (query, target) = (rows.len(), span.len());
    scratch.keep_columns(target);
    scratch.sums.clear();
    for first in (0..query + target - 1).step_by(LANES) {
        let mut block = [0i32; LANES];
        // At this block's first shift the query's column i meets the target's column first + i + 1 - query.
        let mut from = (query - 1).saturating_sub(first + LANES - 1);
        let end = query.min((query + target - 1).saturating_sub(first));
        while from < end {
            let until = end.min(from + RUN);
            let mut run = [0i16; LANES];
            for i in from..until {
                let padded = LANES + first + i + 1 - query;
                let keep: Option<&[i8; LANES]> = scratch.keep[padded..].first_chunk();
                let steps: Option<&[i8; LANES]> = rows[i][span.start + padded..].first_chunk();
                if let (Some(keep), Some(steps)) = (keep, steps) {
                    for lane in 0..LANES {
                        run[lane] = run[lane].wrapping_add(i16::from(steps[lane] & keep[lane]));
                    }
                }
            }
            for lane in 0..LANES {
                block[lane] = block[lane].wrapping_add(i32::from(run[lane]));
            }
            from = until;
        }
        scratch.sums.extend_from_slice(&block);
    }
}

/// Steps of at most 102 either way that sixteen bits can sum.
const RUN: usize = 256;

/// What is reused from target to target.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    sums: Vec<i32>,
    /// All bits set for the columns of a target, none for a block's length to either side.
    keep: Vec<i8>,
}

impl Scratch {
    fn keep_columns(&mut self, target: usize) {
        if self.keep.len() != target + 2 * LANES {
            self.keep.clear();
            self.keep.resize(LANES, 0);
            self.keep.resize(LANES + target, -1);
            self.keep.resize(LANES + target + LANES, 0);
        }
    }
}
