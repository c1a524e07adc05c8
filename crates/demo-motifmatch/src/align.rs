//! Alignments of a query with one strand of a target.
//!
//! Cost: one addition for each pair of columns.

use std::ops::Range;

use crate::bins::Bins;

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
    /// The fewest columns that an alignment of these widths may have.
    fn least_overlap(self, query: usize, target: usize) -> usize {
        let narrower = query.min(target);
        if self.internal { narrower } else { self.min_overlap.min(narrower) }
    }
}

impl Alignment {
    /// The alignment at `shift`, counted from the lowest offset, where only the query's last column and the
    /// target's first are aligned.
    fn at(shift: usize, query: usize, target: usize, score: i32) -> Self {
        let start = (query - 1).saturating_sub(shift);
        let end = (query + target - 1 - shift).min(query);
        Self { start, overlap: end - start, offset: shift.cast_signed() - (query - 1).cast_signed(), score }
    }
}

/// Every allowed alignment of a query with the target columns `span`, from the lowest offset; `sums` is scratch.
pub(crate) fn alignments(
    bins: &Bins,
    query: usize,
    span: Range<usize>,
    allowed: Allowed,
    sums: &mut Vec<i32>,
) -> impl Iterator<Item = Alignment> {
    let target = span.len();
    sums.clear();
    sums.resize(query + target - 1, 0);
    for (i, row) in bins.rows().enumerate() {
        for (sum, &step) in sums[query - 1 - i..].iter_mut().zip(&row[span.clone()]) {
            *sum += i32::from(step);
        }
    }
    // Overlaps rise by one from one column, stay at the narrower width and fall again, so what is allowed is
    // one run of shifts.
    let least = allowed.least_overlap(query, target);
    let shifts = least - 1..query + target - least;
    shifts.map(move |shift| Alignment::at(shift, query, target, sums[shift]))
}

/// The alignment of the highest score; of equals the one with the larger overlap, then the lowest offset.
pub(crate) fn best(alignments: impl Iterator<Item = Alignment>) -> Option<Alignment> {
    alignments.reduce(
        |best, next| {
            if (next.score, next.overlap) > (best.score, best.overlap) { next } else { best }
        },
    )
}
