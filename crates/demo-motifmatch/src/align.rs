//! Alignments of a query with one strand of a target.
//!
//! Cost: one addition for each pair of columns, sixteen at a time.

use std::cmp::Reverse;
use std::ops::Range;

use crate::bins::LANES;
use crate::simd::{RANK_BITS, Ranked, Ranking, best_keys, blocks, sum_steps};

/// Which alignments are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The best alignment with each span of target columns: of equal scores the one with the larger overlap, then the
/// lowest offset.
pub(crate) fn best_alignments(
    rows: &[&[i8]],
    spans: impl Iterator<Item = Range<usize>> + Clone,
    allowed: Allowed,
    scratch: &mut Scratch,
) -> Vec<Alignment> {
    let query = rows.len();
    if !scratch.frame(query, spans.clone(), allowed) {
        let best = |span: Range<usize>| best_of_all(alignments(rows, span, allowed, scratch));
        return spans.filter_map(best).collect();
    }
    let Scratch { frames, keys, .. } = scratch;
    let frames = &frames[query];
    best_keys(rows, ranked(frames, spans.clone()), keys);
    let best = |(span, &key): (Range<usize>, &i32)| {
        let frame = frames[span.len()].as_ref()?;
        let rank = key & ((1 << RANK_BITS) - 1);
        Some(Alignment::at(frame.shifts[rank as usize], query, span.len(), key >> RANK_BITS))
    };
    spans.zip(&*keys).filter_map(best).collect()
}

/// The highest score with each span of target columns.
pub(crate) fn highest_scores(
    rows: &[&[i8]],
    spans: impl Iterator<Item = Range<usize>> + Clone,
    allowed: Allowed,
    scratch: &mut Scratch,
) -> Vec<i32> {
    best_alignments(rows, spans, allowed, scratch).into_iter().map(|alignment| alignment.score).collect()
}

fn best_of_all(alignments: impl Iterator<Item = Alignment>) -> Option<Alignment> {
    // Alignments come from the lowest offset, so the first of equals stays.
    alignments.reduce(
        |best, next| {
            if (next.score, next.overlap) > (best.score, best.overlap) { next } else { best }
        },
    )
}

/// Spans of target columns, with the frames of their widths.
fn ranked(
    frames: &[Option<Frame>],
    spans: impl Iterator<Item = Range<usize>>,
) -> impl Iterator<Item = Ranked<'_>> {
    spans.filter_map(|span| {
        let frame = frames[span.len()].as_ref()?;
        Some(Ranked { start: span.start, width: span.len(), ranking: frame.ranks() })
    })
}

/// The summed steps of every alignment, from the lowest offset; behind them some that mean nothing.
///
/// A block of neighbouring shifts is summed over the query's columns before it is stored. What a block reads to
/// either side of the target is blanked.
fn fill_sums(rows: &[&[i8]], span: Range<usize>, scratch: &mut Scratch) {
    let (query, target) = (rows.len(), span.len());
    let keep = kept(target);
    scratch.sums.clear();
    for (_, own, padded) in blocks(query, target) {
        let mut block = [0i32; LANES];
        sum_steps(&rows[own], span.start + padded, &keep[padded..], &mut block);
        scratch.sums.extend_from_slice(&block);
    }
}

/// Columns of a query whose score, of at most 102 steps each, has room beside a rank.
const NARROW: usize = 300;

/// What alignments with all targets of one width have in common, for one width of query.
#[derive(Debug)]
struct Frame {
    /// All bits set for the columns of a target, none for a block's length to either side.
    keep: Vec<i8>,
    /// For each shift, up to whole blocks, its rank among equal scores, higher for a larger overlap, then for a
    /// lower offset.
    ranks: Vec<i32>,
    /// For each shift the largest number where it is allowed, else the smallest.
    caps: Vec<i32>,
    /// The shift of each rank.
    shifts: Vec<usize>,
}

impl Frame {
    fn new(query: usize, target: usize, allowed: Allowed) -> Self {
        let padded = (query + target - 1).next_multiple_of(LANES);
        let (mut ranks, mut caps) = (vec![0; padded], vec![i32::MIN; padded]);
        let mut shifts: Vec<usize> = allowed.shifts(query, target).collect();
        shifts.sort_by_key(|&shift| (Alignment::at(shift, query, target, 0).overlap, Reverse(shift)));
        for (&shift, rank) in shifts.iter().zip(0..) {
            (ranks[shift], caps[shift]) = (rank, i32::MAX);
        }
        Self { keep: kept(target), ranks, caps, shifts }
    }

    fn ranks(&self) -> Ranking<'_> {
        Ranking { keep: &self.keep, ranks: &self.ranks, caps: &self.caps }
    }
}

/// All bits set for the columns of a target, none for a block's length to either side.
fn kept(target: usize) -> Vec<i8> {
    let mut keep = vec![0; target + 2 * LANES];
    keep[LANES..LANES + target].fill(-1);
    keep
}

/// What is reused from target to target.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    sums: Vec<i32>,
    /// By the width of the query, then of the target.
    frames: Vec<Vec<Option<Frame>>>,
    /// The alignments that the frames allow.
    framed: Option<Allowed>,
    keys: Vec<i32>,
}

impl Scratch {
    /// Makes the frames of these spans, unless one of them is too wide.
    fn frame(&mut self, query: usize, spans: impl Iterator<Item = Range<usize>>, allowed: Allowed) -> bool {
        if query > NARROW {
            return false;
        }
        if self.framed != Some(allowed) {
            self.framed = Some(allowed);
            self.frames.clear();
        }
        if self.frames.len() <= query {
            self.frames.resize_with(query + 1, Vec::new);
        }
        let frames = &mut self.frames[query];
        for target in spans.map(|span| span.len()) {
            if query + target > 1 << RANK_BITS {
                return false;
            }
            if frames.len() <= target {
                frames.resize_with(target + 1, || None);
            }
            frames[target].get_or_insert_with(|| Frame::new(query, target, allowed));
        }
        true
    }
}
