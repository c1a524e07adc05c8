//! Column scores of a query as small integers: rough scores, exact centres, exact bins.
//!
//! Every query column is scored against every target column, both strands; for complete scores those of a
//! query column are centred near their median; the whole query's scores share one scale of about a hundred
//! steps. Scores are computed in single precision; where one lies so near to the edge of a bin, to the centre or
//! to an end of the range that its error could matter, the exact one decides, so that bins are those of double
//! precision. Query columns that come again, as in one-hot seqlets, are scored once. Cost: a few passes over
//! single-precision numbers and bytes for each distinct query column.

use crate::Scale;
use crate::centre::{Classes, Rough, within};
use crate::distance::{QueryColumn, TargetColumns};
use crate::pairs::Pairs;
use crate::prepare::Prepared;
use crate::simd::{Quantising, quantise};

/// How many steps are read at once; so many may be read past either end of a row.
pub(crate) const LANES: usize = 32;
/// Steps between the lowest and the highest score of a query.
const STEPS: f64 = 100.0;
/// One more than the highest bin.
pub(crate) const BINS: usize = 102;
/// Rows kept for queries to come, at least.
const KEPT: usize = 8;
/// Rows that are scored together, so that the target columns are read once for all of them.
const TOGETHER: usize = 4;
/// A query's scores as integers from 0 to about 100, query column × target column; reused from query to query.
#[derive(Debug, Default)]
pub(crate) struct Bins {
    /// The rows of this query's columns and of some before.
    rows: Vec<Row>,
    /// The row of each query column.
    order: Vec<usize>,
    /// The rows that are to be scored.
    fresh: Vec<usize>,
    /// How many queries were filled in.
    queries: u64,
    /// The bin that a score of zero has, what an unaligned query column counts.
    zero: usize,
    classes: Classes,
    near_edges: Vec<u32>,
    pairs: Pairs,
}

/// The scores of one query column.
#[derive(Debug)]
struct Row {
    query: QueryColumn,
    /// The number of the last query that had it.
    used: u64,
    scores: Vec<f32>,
    error: f32,
    ends: (f32, f32),
    /// The exact ends, where they were asked for.
    exact_ends: (Option<f64>, Option<f64>),
    centre: f64,
    binned: Option<Binning>,
    /// Each bin less the zero bin, what an aligned pair of columns adds to a score; blank before and behind.
    steps: Vec<i8>,
    /// How many target columns are in each bin.
    counts: [u32; BINS],
}

/// How scores become bins: ⌊(score - small) · scale + ½⌋.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Binning {
    small: f64,
    scale: f64,
    zero: usize,
}

impl Bins {
    /// Scores and bins a query.
    pub(crate) fn fill(&mut self, query: &Prepared, targets: &TargetColumns, centred: bool, scale: Scale) {
        self.queries += 1;
        self.order.clear();
        self.fresh.clear();
        for column in query.rows() {
            let row = self.row_of(column, query.sites, targets);
            self.order.push(row);
        }
        let fresh = std::mem::take(&mut self.fresh);
        let (together, alone) = fresh.as_chunks::<TOGETHER>();
        for &rows in together {
            self.score(rows, targets, centred);
        }
        for &row in alone {
            self.score([row], targets, centred);
        }
        self.fresh = fresh;
        let (smallest, largest) = self.exact_ends(targets);
        let binning = Binning::new(smallest, largest, centred, scale);
        self.zero = binning.zero;
        for &row in &self.order {
            self.rows[row].bin(binning, targets, &mut self.near_edges, &mut self.pairs);
        }
    }

    /// The row of a query column, one to be scored unless it was before.
    fn row_of(&mut self, column: &[f64], sites: f64, targets: &TargetColumns) -> usize {
        if let Some(found) = self.rows.iter().position(|row| row.query.is_same(column, sites)) {
            self.rows[found].used = self.queries;
            return found;
        }
        // Rows beyond the kept ones were for a wide query; taking the lowest that is free keeps to those in cache.
        let is_free = |&row: &usize| self.rows[row].used < self.queries;
        let kept = (0..self.rows.len().min(KEPT)).filter(is_free).min_by_key(|&row| self.rows[row].used);
        let free = kept.or_else(|| (KEPT..self.rows.len()).find(is_free));
        let row = free.filter(|_| self.rows.len() >= KEPT).unwrap_or_else(|| {
            self.rows.push(Row::new(targets.len()));
            self.rows.len() - 1
        });
        self.rows[row].query = targets.query_column(column, sites);
        self.rows[row].used = self.queries;
        self.fresh.push(row);
        row
    }

    /// Scores and centres new rows.
    fn score<const N: usize>(&mut self, rows: [usize; N], targets: &TargetColumns, centred: bool) {
        let mut scores = rows.map(|row| std::mem::take(&mut self.rows[row].scores));
        let queries = rows.map(|row| &self.rows[row].query);
        let filled = targets.fill(queries, scores.each_mut().map(Vec::as_mut_slice));
        for ((row, scores), (error, ends)) in rows.into_iter().zip(scores).zip(filled) {
            let row = &mut self.rows[row];
            (row.scores, row.error, row.ends) = (scores, error, ends);
            (row.exact_ends, row.binned) = ((None, None), None);
            row.centre = if centred {
                let rough = Rough { scores: &row.scores, error, ends };
                self.classes.centre(rough, |i| targets.exact(&row.query, i))
            } else {
                0.0
            };
        }
    }

    /// The lowest and the highest centred score of the query.
    fn exact_ends(&mut self, targets: &TargetColumns) -> (f64, f64) {
        let rough_low = |row: &Row| f64::from(row.ends.0) - row.centre;
        let rough_high = |row: &Row| f64::from(row.ends.1) - row.centre;
        // Only rows whose rough end is this near to the outermost one can hold the exact end.
        let reach = 2.0 * self.used_rows().map(|row| f64::from(row.error)).fold(0.0, f64::max);
        let least = self.used_rows().map(rough_low).fold(f64::INFINITY, f64::min) + reach;
        let most = self.used_rows().map(rough_high).fold(f64::NEG_INFINITY, f64::max) - reach;
        let (mut smallest, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for row in self.rows.iter_mut().filter(|row| row.used == self.queries) {
            if rough_low(row) <= least {
                smallest = smallest.min(row.exact_low(targets, &mut self.near_edges) - row.centre);
            }
            if rough_high(row) >= most {
                largest = largest.max(row.exact_high(targets, &mut self.near_edges) - row.centre);
            }
        }
        (smallest, largest)
    }

    fn used_rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.used == self.queries)
    }

    /// How many query columns there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// For each query column the steps above the zero bin over all target columns, [`LANES`] blank ones before and
    /// behind.
    pub(crate) fn steps(&self) -> Vec<&[i8]> {
        self.order.iter().map(|&row| self.rows[row].steps.as_slice()).collect()
    }

    /// The distinct rows of [`Self::steps`], and which of them each query column has.
    pub(crate) fn distinct_steps(&self) -> (Vec<&[i8]>, Vec<usize>) {
        let mut used: Vec<usize> = self.order.clone();
        used.sort_unstable();
        used.dedup();
        let place = |row: &usize| used.binary_search(row).unwrap_or(0);
        let order = self.order.iter().map(place).collect();
        (used.iter().map(|&row| self.rows[row].steps.as_slice()).collect(), order)
    }

    /// The share of target columns in each bin up to the highest one taken, for each query column.
    pub(crate) fn histograms(&self) -> Vec<Vec<f64>> {
        let share = |&row: &usize| {
            let Row { counts, scores, .. } = &self.rows[row];
            let top = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
            counts[..=top].iter().map(|&count| f64::from(count) / scores.len() as f64).collect()
        };
        self.order.iter().map(share).collect()
    }

    /// The bin that a score of zero has.
    pub(crate) fn zero(&self) -> usize {
        self.zero
    }

    /// The total of an alignment: its steps above the zero bin, and the zero bin for each query column.
    pub(crate) fn total(&self, score: i32) -> usize {
        (self.order.len() * self.zero).saturating_add_signed(score as isize)
    }
}

impl Binning {
    fn new(smallest: f64, largest: f64, centred: bool, scale: Scale) -> Self {
        let small = smallest.floor();
        // Where every score is the same there is nothing to tell apart: all bins are zero and every p is 1.
        let whole = if largest > small { (STEPS / (largest - small)).floor() } else { 0.0 };
        if whole > 0.0 || largest <= smallest || scale == Scale::Meme {
            // Centred scores reach zero, so its bin is no higher than the highest; others leave nothing unaligned.
            let zero = if centred { (-small * whole) as usize } else { 0 };
            return Self { small, scale: whole, zero };
        }
        if !centred {
            return Self { small: smallest, scale: STEPS / (largest - smallest), zero: 0 };
        }
        // One step is left for moving the range until zero lies in the middle of a bin.
        let scale = (STEPS - 1.0) / (largest - smallest);
        let zero = (-smallest * scale).ceil().max(0.0);
        Self { small: -zero / scale, scale, zero: zero as usize }
    }

    /// The bin of an exact score.
    fn exact(self, score: f64, centre: f64) -> usize {
        ((score - centre - self.small) * self.scale + 0.5) as usize
    }
}

impl Row {
    fn new(columns: usize) -> Self {
        Self {
            query: QueryColumn::default(),
            used: 0,
            scores: vec![0.0; columns],
            error: 0.0,
            ends: (0.0, 0.0),
            exact_ends: (None, None),
            centre: 0.0,
            binned: None,
            steps: vec![0; columns + 2 * LANES],
            counts: [0; BINS],
        }
    }

    fn exact_low(&mut self, targets: &TargetColumns, places: &mut Vec<u32>) -> f64 {
        if let Some(low) = self.exact_ends.0 {
            return low;
        }
        places.clear();
        within(&self.scores, f32::NEG_INFINITY, self.ends.0 + 2.0 * self.error, places);
        let low = self.exact_scores(targets, places).fold(f64::INFINITY, f64::min);
        self.exact_ends.0 = Some(low);
        low
    }

    fn exact_high(&mut self, targets: &TargetColumns, places: &mut Vec<u32>) -> f64 {
        if let Some(high) = self.exact_ends.1 {
            return high;
        }
        places.clear();
        within(&self.scores, self.ends.1 - 2.0 * self.error, f32::INFINITY, places);
        let high = self.exact_scores(targets, places).fold(f64::NEG_INFINITY, f64::max);
        self.exact_ends.1 = Some(high);
        high
    }

    fn exact_scores(&self, targets: &TargetColumns, places: &[u32]) -> impl Iterator<Item = f64> {
        places.iter().map(|&place| targets.exact(&self.query, place as usize))
    }

    fn bin(
        &mut self,
        binning: Binning,
        targets: &TargetColumns,
        near_edges: &mut Vec<u32>,
        pairs: &mut Pairs,
    ) {
        if self.binned == Some(binning) {
            return;
        }
        self.binned = Some(binning);
        let offset = self.centre + binning.small;
        let unit = f64::from(f32::EPSILON);
        // The scores' own error, that of the offset, and a few roundings of numbers up to the highest bin.
        let error = (f64::from(self.error) + offset.abs() * unit) * binning.scale + 4.0 * BINS as f64 * unit;
        let edge = (0.5 - error) as f32;
        let steps = &mut self.steps[LANES..LANES + self.scores.len()];
        near_edges.clear();
        let zero = binning.zero as i8;
        let how = Quantising { offset: offset as f32, scale: binning.scale as f32, zero, edge };
        quantise(&self.scores, how, steps, near_edges);
        for &place in near_edges.iter() {
            let bin = binning.exact(targets.exact(&self.query, place as usize), self.centre);
            steps[place as usize] = (bin as i8).wrapping_sub(zero);
        }
        self.counts = pairs.count(steps, zero);
    }
}
