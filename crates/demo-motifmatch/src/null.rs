//! How often chance reaches a score: the distribution of alignment scores and of their maximum.
//!
//! A query column's bins give a histogram; a span of query columns has the convolution of its histograms,
//! and a query column left unaligned counts as the zero bin. The best of many alignments reaches a score
//! as t ← t + x - t·x over their survival functions, never as one minus a distribution function, so that
//! the far tails stay. Scores here are totals: summed bins plus the zero bin for each query column left
//! out. Only totals that some target reached, and the sums that can still lead to them, are computed.
//! Cost: for a query of width w, w²/2 convolutions of some 50 by 50·w/4 numbers.

/// The null distribution of one query: a histogram for each of its columns.
pub(crate) struct Null<'a> {
    histograms: &'a [Vec<f64>],
    zero: usize,
    /// The lowest total that is asked for.
    low: usize,
    /// One more than the highest total there is.
    end: usize,
}

/// The distribution of a span's summed bins, as far as it is needed.
#[derive(Debug, Default)]
struct Sums {
    /// The sum that the first number is the probability of.
    from: usize,
    mass: Vec<f64>,
}

impl<'a> Null<'a> {
    /// Totals from `low` on; `histograms` holds one distribution a query column, `zero` is the zero bin.
    pub(crate) fn new(histograms: &'a [Vec<f64>], zero: usize, low: usize) -> Self {
        let top: usize = histograms.iter().map(|histogram| (histogram.len() - 1).max(zero)).sum();
        Self { histograms, zero, low, end: (top + 1).max(low + 1) }
    }

    /// P(max over all alignments with a target of each of these widths ≥ total), from the total `low` on;
    /// `widths` is sorted. With `both_strands` those of both strands of the target count.
    pub(crate) fn best_of_target(&self, widths: &[usize], both_strands: bool) -> Vec<Vec<f64>> {
        let query = self.histograms.len();
        let size = self.end - self.low;
        // By length: spans at either end of the query, which every wider target has, and all spans.
        let mut edges = vec![vec![0.0; size]; query];
        let mut spans = vec![vec![0.0; size]; query + 1];
        let is_edge = |start, length| length < query && (start == 0 || start + length == query);
        let is_span = |length| length == query || widths.binary_search(&length).is_ok();
        let wanted = |start, length| is_edge(start, length) || is_span(length);
        self.for_each_span(wanted, |start, length, survival| {
            if is_edge(start, length) {
                either(&mut edges[length], survival);
            }
            if is_span(length) {
                either(&mut spans[length], survival);
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

    /// Calls `visit` with the start, the length and the survival function, from the total `low` on, of every
    /// span that is `wanted` by its start and length.
    pub(crate) fn for_each_span(
        &self,
        wanted: impl Fn(usize, usize) -> bool,
        mut visit: impl FnMut(usize, usize, &[f64]),
    ) {
        let query = self.histograms.len();
        let mut survival = vec![0.0; self.end - self.low];
        let (mut sums, mut next) = (Sums::default(), Sums::default());
        for start in 0..query {
            let least = self.least_sums(start);
            sums.from = 0;
            sums.mass.clear();
            sums.mass.push(1.0);
            for length in 1..=query - start {
                next.from = least[length - 1];
                pulp::Arch::new().dispatch(
                    #[inline(always)]
                    || convolve(&sums, &self.histograms[start + length - 1], &mut next),
                );
                std::mem::swap(&mut sums, &mut next);
                if wanted(start, length) {
                    self.fill_survival(&sums, length, &mut survival);
                    visit(start, length, &survival);
                }
            }
        }
    }

    /// What query columns left unaligned count in the total of a span.
    fn unaligned(&self, length: usize) -> usize {
        (self.histograms.len() - length) * self.zero
    }

    /// For the spans from `start` on, by length less one: the least sum that matters to a total of `low`, of
    /// that span or of a longer one even if all further columns match best.
    fn least_sums(&self, start: usize) -> Vec<usize> {
        let longest = self.histograms.len() - start;
        let mut least: Vec<usize> =
            (1..=longest).map(|length| self.low.saturating_sub(self.unaligned(length))).collect();
        for i in (1..longest).rev() {
            let top = self.histograms[start + i].len() - 1;
            least[i - 1] = least[i - 1].min(least[i].saturating_sub(top));
        }
        least
    }

    fn fill_survival(&self, sums: &Sums, length: usize, survival: &mut [f64]) {
        // Where the sums held lie in `survival`: possibly from below `low` on.
        let first = sums.from + self.unaligned(length);
        let skip = self.low.saturating_sub(first).min(sums.mass.len());
        let start = first.saturating_sub(self.low).min(survival.len());
        let (below, rest) = survival.split_at_mut(start);
        let (held, above) = rest.split_at_mut(sums.mass.len() - skip);
        above.fill(0.0);
        let mut tail = 0.0;
        for (p, mass) in held.iter_mut().zip(&sums.mass[skip..]).rev() {
            tail += mass;
            *p = tail;
        }
        below.fill(tail);
    }
}

/// P(either of two independent events), element by element, precise where both are rare.
fn either(total: &mut [f64], other: &[f64]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (t, x) in total.iter_mut().zip(other) {
                *t += x - *t * x;
            }
        },
    );
}

/// Adds a column to a span: `next` from its sum `from` on.
#[inline(always)]
fn convolve(sums: &Sums, histogram: &[f64], next: &mut Sums) {
    let end = sums.from + sums.mass.len() + histogram.len() - 1;
    next.mass.clear();
    next.mass.resize(end.saturating_sub(next.from), 0.0);
    for (bin, share) in histogram.iter().enumerate().filter(|(_, share)| **share > 0.0) {
        // The sum of the first number of `mass` that leads to a sum held in `next`.
        let skip = next.from.saturating_sub(sums.from + bin);
        let Some(mass) = sums.mass.get(skip..) else { continue };
        let to = sums.from + skip + bin - next.from;
        for (out, x) in next.mass[to..].iter_mut().zip(mass) {
            *out += share * x;
        }
    }
}
