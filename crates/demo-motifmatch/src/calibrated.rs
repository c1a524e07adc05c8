//! The calibrated null: how well a query matches a target's own columns in random order.
//!
//! Tomtom's null draws each aligned column on its own from those of all targets. A target whose columns are all
//! poor in information then resembles a query poor in information far better than chance has it, in any order of
//! its columns. Here every target is shuffled column by column [`SHUFFLES`] times and the query's best score with
//! each shuffle is taken, over the same alignments and both strands. A target's scores are measured in standard
//! deviations from the mean of its own shuffles; the measures of all targets' shuffles together are the null
//! distribution, which is counted where it is dense and continued as an exponential beyond its last hundredth.
//! Maxima of sums of bounded terms fall off faster than that, so that far p-values are too large rather than too
//! small.
//!
//! Columns of motifs are not in random order either: poor ones stand together at the flanks, which still favours a
//! query without information. A query of I bits is therefore given no p-value below 4⁻ᴵ, the chance that two
//! sites drawn from equal bases both agree with all that it says.
//!
//! The shuffles come from a fixed seed and are those of a target's width: results repeat, for any order of queries
//! and targets and any threads. Cost: [`SHUFFLES`] times the alignments of a plain comparison.

use std::collections::BTreeMap;

use demo_core::{Seed, Strand};
use rand::seq::SliceRandom as _;

use crate::align::{self, Alignment, Allowed, highest_scores};
use crate::bins::{Bins, LANES};
use crate::targets::{Scored, TargetStrand};

/// How often each target is shuffled.
pub(crate) const SHUFFLES: usize = 64;
/// The share of the null distribution from which on its tail is an exponential.
const TAIL: f64 = 0.01;
/// The fewest measures that a tail is fitted to.
const FEWEST: usize = 20;

/// Random orders of the columns of each strand of each target.
#[derive(Debug)]
pub(crate) struct Shuffles {
    /// For each shuffle, the column that stands at each place.
    orders: Vec<Vec<u32>>,
    spans: Vec<std::ops::Range<usize>>,
    /// The target of each strand.
    targets: Vec<usize>,
}

impl Shuffles {
    /// Draws the orders; both strands of a target are shuffled alike.
    pub(crate) fn new(strands: &[TargetStrand]) -> Self {
        let columns = strands.last().map_or(0, |strand| strand.span.end);
        let mut of_width: BTreeMap<usize, Vec<Vec<usize>>> = BTreeMap::new();
        let mut orders = vec![vec![0; columns]; SHUFFLES];
        for strand in strands {
            let span = strand.span.clone();
            let shuffled = of_width.entry(span.len()).or_insert_with(|| draw(span.len()));
            for (order, places) in orders.iter_mut().zip(shuffled) {
                for (i, at) in span.clone().enumerate() {
                    // The other strand shows the shuffled columns from the other end.
                    let place = match strand.strand {
                        Strand::Forward => places[i],
                        Strand::Reverse => span.len() - 1 - places[span.len() - 1 - i],
                    };
                    order[at] = (span.start + place) as u32;
                }
            }
        }
        let spans = strands.iter().map(|strand| strand.span.clone()).collect();
        Self { orders, spans, targets: strands.iter().map(|strand| strand.target).collect() }
    }

    /// The p-value of each strand's best alignment: that of the target's better strand, which both share; none
    /// below what the query's `information`, in bits, allows.
    pub(crate) fn score(
        &self,
        bins: &Bins,
        information: f64,
        aligned: &[Alignment],
        allowed: Allowed,
        scratch: &mut align::Scratch,
    ) -> Vec<Scored> {
        let observed = self.best_of_targets(aligned.iter().map(|alignment| alignment.score));
        let (rows, places) = bins.distinct_steps();
        let mut shuffled: Vec<Vec<i8>> = rows.iter().map(|row| row.to_vec()).collect();
        let mut null: Vec<Vec<i32>> = Vec::with_capacity(SHUFFLES);
        for order in &self.orders {
            for (shuffled, row) in shuffled.iter_mut().zip(&rows) {
                for (to, &from) in shuffled[LANES..].iter_mut().zip(order) {
                    *to = row[LANES + from as usize];
                }
            }
            let columns: Vec<&[i8]> = places.iter().map(|&place| shuffled[place].as_slice()).collect();
            let highest = highest_scores(&columns, self.spans.iter().cloned(), allowed, scratch);
            null.push(self.best_of_targets(highest.into_iter()));
        }
        let measures: Vec<Measure> = (0..observed.len())
            .map(|target| Measure::of(null.iter().map(|shuffle| shuffle[target])))
            .collect();
        let pooled =
            null.iter().flat_map(|shuffle| shuffle.iter().zip(&measures).map(|(&s, m)| m.of_score(s)));
        let distribution = Distribution::new(pooled.collect());
        let least = (-2.0 * information.max(0.0)).exp2();
        let p_value =
            |(&score, measure): (&i32, &Measure)| distribution.p(measure.of_score(score)).max(least);
        let p: Vec<f64> = observed.iter().zip(&measures).map(p_value).collect();
        let scored = |(alignment, &target): (&Alignment, &usize)| {
            let p = if alignment.score == observed[target] { p[target] } else { 1.0 };
            Scored { alignment: *alignment, p, ranked: p }
        };
        aligned.iter().zip(&self.targets).map(scored).collect()
    }

    /// The better of each target's strands.
    fn best_of_targets(&self, scores: impl Iterator<Item = i32>) -> Vec<i32> {
        let mut best: Vec<i32> = Vec::new();
        for (score, &target) in scores.zip(&self.targets) {
            match best.get_mut(target) {
                Some(best) => *best = (*best).max(score),
                None => best.push(score),
            }
        }
        best
    }
}

/// Random orders of so many columns.
fn draw(width: usize) -> Vec<Vec<usize>> {
    let mut stream = Seed::new(0).stream(&format!("shuffles of {width} columns"));
    let shuffle = |_| {
        let mut places: Vec<usize> = (0..width).collect();
        places.shuffle(&mut stream);
        places
    };
    (0..SHUFFLES).map(shuffle).collect()
}

/// A target's own scale of scores.
#[derive(Debug, Clone, Copy)]
struct Measure {
    mean: f64,
    deviation: f64,
}

impl Measure {
    fn of(scores: impl Iterator<Item = i32> + Clone) -> Self {
        let count = scores.clone().count() as f64;
        let mean = scores.clone().map(f64::from).sum::<f64>() / count;
        let squares: f64 = scores.map(|score| (f64::from(score) - mean).powi(2)).sum();
        // Scores are whole numbers: a spread below one step is that of their rounding.
        Self { mean, deviation: (squares / (count - 1.0)).sqrt().max(1.0) }
    }

    fn of_score(self, score: i32) -> f64 {
        (f64::from(score) - self.mean) / self.deviation
    }
}

/// The measures of all shuffles, and how they go on.
struct Distribution {
    sorted: Vec<f64>,
    /// Where the exponential begins, its probability there and its mean excess.
    tail: Option<(f64, f64, f64)>,
}

impl Distribution {
    fn new(mut measures: Vec<f64>) -> Self {
        measures.sort_unstable_by(f64::total_cmp);
        let above = (measures.len() as f64 * TAIL) as usize;
        let tail = (above >= FEWEST).then(|| {
            let from = measures[measures.len() - above - 1];
            let beyond = &measures[measures.partition_point(|&m| m <= from)..];
            let excess = beyond.iter().map(|m| m - from).sum::<f64>() / beyond.len().max(1) as f64;
            (from, beyond.len() as f64 / (measures.len() + 1) as f64, excess)
        });
        Self { sorted: measures, tail: tail.filter(|&(.., excess)| excess > 0.0) }
    }

    /// How often a shuffled target measures as much; the observed one counts as one of them.
    fn p(&self, measure: f64) -> f64 {
        match self.tail {
            Some((from, at, excess)) if measure > from => at * (-(measure - from) / excess).exp(),
            _ => {
                let reached = self.sorted.len() - self.sorted.partition_point(|&m| m < measure);
                (reached + 1) as f64 / (self.sorted.len() + 1) as f64
            }
        }
    }
}
