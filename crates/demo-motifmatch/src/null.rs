//! How often chance reaches a score: the distribution of alignment scores and of their maximum.
//!
//! A query column's bins give a histogram; a span of query columns has the convolution of its histograms,
//! and a query column left unaligned counts as the zero bin. The best of many alignments reaches a score
//! as t ← t + x - t·x over their survival functions, never as one minus a distribution function, so that
//! the far tails stay. Scores here are totals: summed bins plus the zero bin for each query column left
//! out. Only totals that some target reached, and the sums that can still lead to them, are computed.
//! Cost: for a query of width w and targets of width v, some w·v convolutions of 50 by 50·v/4 numbers, and 2·w of
//! 50 by 50·w/4.

use crate::shared::Shared;
use crate::simd::{Mass, SHARES, SUMS, convolve};
use crate::wide::wide;

/// The null distribution of one query: a histogram for each of its columns.
pub(crate) struct Null<'a> {
    histograms: &'a [Vec<f64>],
    /// The same as they are added to sums, where spans are not shared.
    columns: Vec<Column>,
    /// Distributions kept from other queries.
    shared: &'a mut Shared,
    zero: usize,
    /// The lowest total that is asked for.
    low: usize,
    /// One more than the highest total there is.
    end: usize,
}

/// The distribution of a span's summed bins, as far as it is needed.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// The sum that the first number is the probability of.
    from: usize,
    /// How many numbers there are.
    count: usize,
    /// [`PADDING`] zeros before and behind them, so that a block may read past either end.
    padded: Vec<f64>,
}

/// No less than a column and two blocks of sums reach beyond the numbers.
const PADDING: usize = 256;

impl Sums {
    /// No columns: the sum is zero for certain.
    pub(crate) fn certain() -> Self {
        let mut padded = vec![0.0; 2 * PADDING + 1];
        padded[PADDING] = 1.0;
        Self { from: 0, count: 1, padded }
    }

    fn mass(&self) -> &[f64] {
        &self.padded[PADDING..PADDING + self.count]
    }

    /// Adds a column: `next` from the sum `least` on, or the lowest there is.
    pub(crate) fn add(&self, column: &Column, least: usize, next: &mut Self) {
        next.from = least.max(self.from + column.taken.start);
        let shift = next.from - self.from;
        next.count = (self.count + column.taken.end).saturating_sub(shift + 1);
        let whole = next.count.next_multiple_of(SUMS);
        next.padded.clear();
        next.padded.resize(2 * PADDING + whole, 0.0);
        let mass = Mass { padded: &self.padded, start: PADDING, count: self.count };
        let sums = &mut next.padded[PADDING..PADDING + whole];
        convolve(mass, shift, &column.shares, column.taken.clone(), sums);
    }
}

/// A query column's histogram, as it is added to sums.
#[derive(Debug)]
pub(crate) struct Column {
    /// The bins from the lowest to the highest one taken.
    taken: std::ops::Range<usize>,
    /// The share of each bin.
    shares: [f64; SHARES],
}

impl Column {
    /// A histogram from bin 0 up to the highest bin taken.
    pub(crate) fn new(histogram: &[f64]) -> Self {
        let lowest = histogram.iter().position(|&share| share > 0.0).unwrap_or(0);
        let mut shares = [0.0; SHARES];
        shares[..histogram.len()].copy_from_slice(histogram);
        Self { taken: lowest..histogram.len(), shares }
    }
}

/// P(sum ≥ s) from the sum 0 on.
pub(crate) fn survival(sums: &Sums) -> Vec<f64> {
    let mut tails = vec![0.0; sums.from + sums.count];
    let (below, held) = tails.split_at_mut(sums.from);
    below.fill(fill_tails(sums.mass(), held));
    tails
}

/// The sums of each number and all behind it; four at a time, so that they wait for each other only once.
fn fill_tails(mass: &[f64], tails: &mut [f64]) -> f64 {
    let mut tail = 0.0;
    let (rest, fours) = mass.as_rchunks::<4>();
    let (rest_tails, fours_tails) = tails.as_rchunks_mut::<4>();
    for (&[a, b, c, d], out) in fours.iter().zip(fours_tails).rev() {
        let (cd, ab) = (c + d, a + b);
        *out = [tail + (ab + cd), tail + (b + cd), tail + cd, tail + d];
        tail = out[0];
    }
    for (p, mass) in rest_tails.iter_mut().zip(rest).rev() {
        tail += mass;
        *p = tail;
    }
    tail
}

impl<'a> Null<'a> {
    /// Totals from `low` on; `histograms` holds one distribution a query column, `zero` is the zero bin.
    pub(crate) fn new(histograms: &'a [Vec<f64>], zero: usize, low: usize, shared: &'a mut Shared) -> Self {
        let top: usize = histograms.iter().map(|histogram| (histogram.len() - 1).max(zero)).sum();
        Self { histograms, columns: Vec::new(), shared, zero, low, end: (top + 1).max(low + 1) }
    }

    /// P(max over all alignments with a target of each of these widths ≥ total), from the total `low` on;
    /// `widths` is sorted, `lows` holds the lowest total that is asked for of each: below it numbers mean nothing.
    /// With `both_strands` those of both strands of the target count.
    pub(crate) fn best_of_target(
        &mut self,
        widths: &[usize],
        lows: &[usize],
        both_strands: bool,
    ) -> Vec<Vec<f64>> {
        let query = self.histograms.len();
        let size = self.end - self.low;
        // By length: spans at either end of the query, which every wider target has, and all spans.
        let mut edges = vec![Vec::new(); query];
        let mut spans = vec![Vec::new(); query + 1];
        let is_edge = |start, length| length < query && (start == 0 || start + length == query);
        let from = |width: usize| widths.partition_point(|&other| other < width);
        let low_from = |first: usize| lows[first..].iter().copied().min();
        let edge_lows: Vec<Option<usize>> = (0..query).map(|length| low_from(from(length + 1))).collect();
        let span_lows: Vec<Option<usize>> = (0..query)
            .map(|length| widths.binary_search(&length).ok().map(|width| lows[width]))
            .chain([low_from(from(query))])
            .collect();
        let all = edges.iter_mut().zip(&edge_lows).chain(spans.iter_mut().zip(&span_lows));
        for (totals, _) in all.filter(|(_, low)| low.is_some()) {
            totals.resize(size, 0.0);
        }
        let needed = |start, length: usize| {
            let edge = edge_lows.get(length).copied().flatten().filter(|_| is_edge(start, length));
            edge.into_iter().chain(span_lows[length]).min()
        };
        let longest = widths.iter().copied().filter(|&width| width < query).max().unwrap_or(0);
        self.for_each_span(longest, needed, |start, length, survival| {
            if is_edge(start, length) {
                survival.join(&mut edges[length]);
            }
            if span_lows[length].is_some() {
                survival.join(&mut spans[length]);
            }
        });
        let mut outer = vec![0.0; size];
        let (mut length, mut whole) = (1, 0);
        let finish = |&width: &usize| {
            while length < width.min(query) {
                either(&mut outer, &edges[length]);
                length += 1;
            }
            // A target wider than the query has the whole query aligned once more for each column more.
            let mut best;
            if width < query {
                best = outer.clone();
                either(&mut best, &spans[width]);
            } else {
                while whole <= width - query {
                    either(&mut outer, &spans[query]);
                    whole += 1;
                }
                best = outer.clone();
            }
            if both_strands {
                for t in &mut best {
                    *t += *t - *t * *t;
                }
            }
            best
        };
        widths.iter().map(finish).collect()
    }

    /// Calls `visit` with the start, the length and the survival function of every span that is `needed`, from
    /// the total that is needed on, by its start and length: of those that begin or end the query, and of all up
    /// to `longest` columns.
    pub(crate) fn for_each_span(
        &mut self,
        longest: usize,
        needed: impl Fn(usize, usize) -> Option<usize>,
        mut visit: impl FnMut(usize, usize, Survival<'_>),
    ) {
        let query = self.histograms.len();
        let is_asked = |start, length| {
            let is_edge = start == 0 || start + length == query;
            (is_edge || length <= longest) && needed(start, length).is_some()
        };
        let longest_asked = (1..=query).rev().find(|&length| is_asked(0, length)).unwrap_or(0);
        let asked = |start| (1..=query - start).filter(|&length| is_asked(start, length)).count();
        let spans = || (0..query).map(asked).sum();
        if let Some(classes) = self.shared.classes(self.histograms, longest_asked, spans) {
            return self.for_each_shared_span(&classes, is_asked, visit);
        }
        self.columns = self.histograms.iter().map(|histogram| Column::new(histogram)).collect();
        let mut tails = Vec::new();
        let mut use_span = |start: usize, sums: &Sums, length: usize| {
            if needed(start, length).is_some() {
                // Sums may be held from below `low` on.
                let first = sums.from + self.unaligned(length);
                let mass = &sums.mass()[self.low.saturating_sub(first).min(sums.count)..];
                tails.resize(mass.len(), 0.0);
                let below = fill_tails(mass, &mut tails);
                visit(
                    start,
                    length,
                    Survival { below, first: first.saturating_sub(self.low), tails: &tails },
                );
            }
        };
        for start in 0..query {
            let end = if start == 0 { query } else { query.min(start + longest) };
            let low = |length| needed(start, length);
            self.grow(start..end, low, |sums, length| use_span(start, sums, length));
        }
        // Growing longer spans from the end takes one convolution each, not one for each start.
        if longest < query {
            let low = |length| needed(query - length, length).filter(|_| length > longest);
            self.grow((1..query).rev(), low, |sums, length| {
                if length > longest {
                    use_span(query - length, sums, length);
                }
            });
        }
    }

    /// The same from distributions that queries of these histograms share.
    fn for_each_shared_span(
        &mut self,
        classes: &[usize],
        is_asked: impl Fn(usize, usize) -> bool,
        mut visit: impl FnMut(usize, usize, Survival<'_>),
    ) {
        let query = classes.len();
        let most = classes.iter().max().map_or(0, |class| class + 1);
        for start in 0..query {
            let mut counts = vec![0u16; most];
            for (length, &class) in (1..).zip(&classes[start..]) {
                counts[class] += 1;
                if is_asked(start, length) {
                    let unaligned = self.unaligned(length);
                    let tails = self.shared.survival(&counts);
                    // Totals below those of a span are reached for certain, those above never.
                    let below = tails.first().copied().unwrap_or(0.0);
                    let tails = &tails[self.low.saturating_sub(unaligned).min(tails.len())..];
                    let first = unaligned.saturating_sub(self.low);
                    visit(start, length, Survival { below, first, tails });
                }
            }
        }
    }

    /// Adds one column after the other to a span and calls `visit` with its sums and length at each step, as long
    /// as a length is `needed`.
    fn grow(
        &self,
        columns: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + Clone,
        needed: impl Fn(usize) -> Option<usize>,
        mut visit: impl FnMut(&Sums, usize),
    ) {
        let least = self.least_sums(columns.clone(), needed);
        let mut sums = Sums::certain();
        let mut next = Sums::default();
        for (i, (column, least)) in columns.zip(least).enumerate() {
            let Some(least) = least else { break };
            sums.add(&self.columns[column], least, &mut next);
            std::mem::swap(&mut sums, &mut next);
            visit(&sums, i + 1);
        }
    }

    /// What query columns left unaligned count in the total of a span.
    fn unaligned(&self, length: usize) -> usize {
        (self.histograms.len() - length) * self.zero
    }

    /// For a span that grows by these columns, by its length less one: the least sum that matters to a total that
    /// is `needed`, now or later, even if all further columns match best; none from where no length is needed.
    fn least_sums(
        &self,
        columns: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator,
        needed: impl Fn(usize) -> Option<usize>,
    ) -> Vec<Option<usize>> {
        let own = |length| needed(length).map(|low: usize| low.saturating_sub(self.unaligned(length)));
        let mut least: Vec<Option<usize>> = (1..=columns.len()).map(own).collect();
        for (i, column) in columns.enumerate().skip(1).rev() {
            let top = self.histograms[column].len() - 1;
            let later = least[i].map(|least| least.saturating_sub(top));
            least[i - 1] = least[i - 1].into_iter().chain(later).min();
        }
        least
    }
}

/// P(total of a span ≥ total), from the total `low` on; beyond the tails it is 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Survival<'a> {
    /// Up to the total that the tails begin with.
    below: f64,
    /// Where the tails begin.
    first: usize,
    tails: &'a [f64],
}

impl Survival<'_> {
    /// Makes `total` the probability of either of two independent events, its own and this one.
    fn join(self, total: &mut [f64]) {
        let (below, rest) = total.split_at_mut(self.first.min(total.len()));
        either_constant(below, self.below);
        either(rest, self.tails);
    }

    /// The same, to be kept.
    pub(crate) fn to_tails(self) -> Tails {
        Tails { below: self.below, first: self.first, held: self.tails.to_vec() }
    }
}

/// A [`Survival`] that is kept: as many numbers as the span has sums, not one for each total there is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tails {
    below: f64,
    first: usize,
    held: Vec<f64>,
}

impl Tails {
    /// P(total of the span ≥ total).
    pub(crate) fn at(&self, total: usize) -> f64 {
        match total.checked_sub(self.first) {
            None => self.below,
            Some(place) => self.held.get(place).copied().unwrap_or(0.0),
        }
    }

    /// How many numbers are kept.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.held.len()
    }
}

wide! {
    /// P(either of two independent events), element by element, precise where both are rare.
    fn either<'a>(total: &'a mut [f64], other: &'a [f64]) -> () {
        for (t, x) in total.iter_mut().zip(other) {
            *t += x - *t * x;
        }
    }
}

wide! {
    /// The same with one probability throughout.
    fn either_constant<'a>(total: &'a mut [f64], x: f64) -> () {
        for t in total {
            *t += x - *t * x;
        }
    }
}
