//! Alignments of a query with one strand of a target.
//!
//! Cost: one addition for each pair of columns, sixteen at a time.

use std::cmp::Reverse;
use std::ops::Range;

use crate::bins::LANES;
use crate::simd::sum_steps;
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
        scratch.orders.clear();
        for span in spans {
            let target = span.len();
            fill_sums(rows, span, scratch);
            let shifts = allowed.shifts(query, target);
            if scratch.orders.len() <= target {
                scratch.orders.resize_with(target + 1, Order::default);
            }
            let order = &mut scratch.orders[target];
            if order.ranks.is_empty() {
                *order = Order::new(shifts.clone(), query, target);
            }
            // The score above, and below it the rank among equals: the highest of both at once.
            let ranked = scratch.sums[shifts].iter().zip(&order.ranks);
            let (score, rank) = if query <= NARROW && order.ranks.len() < 1 << RANK_BITS {
                let mut highest = i32::MIN;
                for (&sum, &rank) in ranked {
                    highest = highest.max(sum << RANK_BITS | rank.cast_signed());
                }
                (highest >> RANK_BITS, highest & ((1 << RANK_BITS) - 1))
            } else {
                let best = ranked.map(|(&sum, &rank)| (sum, rank.cast_signed())).max();
                best.unwrap_or((0, 0))
            };
            let shift = order.shifts[rank as usize];
            best.push(Alignment::at(shift, query, target, score));
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
        // At this block's first shift the query's column i meets the target's column first + i + 1 - query.
        let from = (query - 1).saturating_sub(first + LANES - 1);
        let until = query.min((query + target - 1).saturating_sub(first));
        let padded = LANES + first + from + 1 - query;
        let mut block = [0i32; LANES];
        sum_steps(&rows[from..until], span.start + padded, &scratch.keep[padded..], &mut block);
        scratch.sums.extend_from_slice(&block);
    }
}

/// Bits of a rank beside a score of a query of at most [`NARROW`] columns, 102 steps each, in a word of 32.
const RANK_BITS: u32 = 16;
const NARROW: usize = 300;

/// Which of several shifts of equal scores is better.
#[derive(Debug, Default)]
struct Order {
    /// The rank of each allowed shift, higher for a larger overlap, then for a lower offset.
    ranks: Vec<u32>,
    /// The shift of each rank.
    shifts: Vec<usize>,
}

impl Order {
    fn new(allowed: Range<usize>, query: usize, target: usize) -> Self {
        let mut shifts: Vec<usize> = allowed.clone().collect();
        shifts.sort_by_key(|&shift| (Alignment::at(shift, query, target, 0).overlap, Reverse(shift)));
        let mut ranks = vec![0; shifts.len()];
        for (&shift, rank) in shifts.iter().zip(0u32..) {
            ranks[shift - allowed.start] = rank;
        }
        Self { ranks, shifts }
    }
}

/// What is reused from target to target.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    sums: Vec<i32>,
    /// By the width of the target, for the query at hand.
    orders: Vec<Order>,
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
