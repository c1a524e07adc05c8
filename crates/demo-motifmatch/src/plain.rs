//! The comparison once more, rule by rule and without haste: the slow twin that the fast path is tested by.

#![expect(clippy::cast_possible_wrap, reason = "widths and bins are small")]

use std::ops::Range;

use crate::Scoring;
use crate::twister::Twister;

/// What a query scores against one strand of a target, by the rules alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plain {
    pub(crate) offset: isize,
    pub(crate) overlap: usize,
    pub(crate) p: f64,
}

pub(crate) struct Rules {
    pub(crate) min_overlap: usize,
    pub(crate) internal: bool,
    pub(crate) scoring: Scoring,
    pub(crate) both_strands: bool,
}

/// Scores a query against every strand, `strands` in the order t0+, t0-, t1+, t1- and so on.
pub(crate) fn compare(query: &[[f64; 4]], strands: &[Vec<[f64; 4]>], rules: &Rules) -> Vec<Plain> {
    let (bins, zero) = bins(query, strands, rules.scoring == Scoring::Complete);
    let histograms: Vec<Vec<f64>> = bins.iter().map(|row| histogram(row)).collect();
    let distribution = |span: Range<usize>| {
        let sums = histograms[span].iter().fold(vec![1.0], |sums, histogram| convolve(&sums, histogram));
        let tails = sums.iter().rev().scan(0.0, |tail, p| {
            *tail += p;
            Some(*tail)
        });
        let mut survival: Vec<f64> = tails.collect();
        survival.reverse();
        survival
    };
    let spans = (0..query.len())
        .map(|start| (start..query.len()).map(|last| distribution(start..last + 1)).collect())
        .collect();
    let pair = |strand: usize| {
        let bins = bins.iter().map(|row| row[strand].clone()).collect();
        Pair { bins, zero, width: strands[strand].len() as isize, spans: &spans }.compare(rules)
    };
    (0..strands.len()).map(pair).collect()
}

/// A query and one strand of a target.
struct Pair<'a> {
    /// Query column × target column.
    bins: Vec<Vec<usize>>,
    zero: i64,
    width: isize,
    /// P(summed bins ≥ sum) of each span of query columns, by its start and its length less one.
    spans: &'a Vec<Vec<Vec<f64>>>,
}

impl Pair<'_> {
    /// The query columns aligned where the target's column `offset` lies at query column 0.
    fn span(&self, offset: isize) -> Range<usize> {
        (-offset).max(0) as usize..(self.width - offset).min(self.bins.len() as isize) as usize
    }

    fn overlap(&self, offset: isize) -> usize {
        self.span(offset).len()
    }

    fn summed(&self, offset: isize) -> i64 {
        self.span(offset).map(|i| self.bins[i][(i as isize + offset) as usize] as i64).sum()
    }

    fn score(&self, offset: isize) -> i64 {
        self.summed(offset) - self.overlap(offset) as i64 * self.zero
    }

    /// P(summed bins of the alignment ≥ sum).
    fn survival(&self, offset: isize, sum: i64) -> f64 {
        let survival = &self.spans[self.span(offset).start][self.overlap(offset) - 1];
        match usize::try_from(sum) {
            Ok(sum) => survival.get(sum).copied().unwrap_or(0.0),
            Err(_) => 1.0,
        }
    }

    fn own_p(&self, offset: isize) -> f64 {
        self.survival(offset, self.summed(offset))
    }

    fn compare(&self, rules: &Rules) -> Plain {
        let narrower = self.bins.len().min(self.width as usize);
        let least = if rules.internal { narrower } else { rules.min_overlap.min(narrower) };
        let offsets = 1 - self.bins.len() as isize..self.width;
        let tried: Vec<isize> = offsets.clone().filter(|&offset| self.overlap(offset) >= least).collect();
        let better = |best: isize, next: isize| {
            let order = match rules.scoring {
                Scoring::Complete => self.score(next).cmp(&self.score(best)),
                Scoring::Incomplete => self.own_p(best).total_cmp(&self.own_p(next)),
            };
            if order.then(self.overlap(next).cmp(&self.overlap(best))).is_gt() { next } else { best }
        };
        let best = tried.iter().copied().reduce(better).unwrap();
        let strands = if rules.both_strands { 2 } else { 1 };
        let p = match rules.scoring {
            Scoring::Complete => (0..strands).flat_map(|_| offsets.clone()).fold(0.0, |t, offset| {
                let sum = self.score(best) + self.overlap(offset) as i64 * self.zero;
                let x = self.survival(offset, sum);
                t + x - t * x
            }),
            Scoring::Incomplete => {
                let (p, n) = (self.own_p(best).min(1.0), (strands * tried.len()) as f64);
                if n * p < 1e-3 { n * p } else { 1.0 - (1.0 - p).powf(n) }
            }
        };
        Plain { offset: best, overlap: self.overlap(best), p }
    }
}

/// The share of each bin among all target columns.
fn histogram(row: &[Vec<usize>]) -> Vec<f64> {
    let columns = row.iter().map(Vec::len).sum::<usize>();
    let mut histogram = vec![0.0; 101];
    for &bin in row.iter().flatten() {
        histogram[bin] += 1.0 / columns as f64;
    }
    histogram
}

/// Query column × strand × column of it, and the bin of a score of zero.
fn bins(query: &[[f64; 4]], strands: &[Vec<[f64; 4]>], centred: bool) -> (Vec<Vec<Vec<usize>>>, i64) {
    let distance =
        |a: &[f64; 4], b: &[f64; 4]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let scores: Vec<Vec<Vec<f64>>> = query
        .iter()
        .map(|a| {
            let row: Vec<Vec<f64>> =
                strands.iter().map(|strand| strand.iter().map(|b| -distance(a, b)).collect()).collect();
            let mut sorted: Vec<f64> = row.iter().flatten().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let rank = |half: usize| sorted[half.max(1) - 1];
            let centre = f64::midpoint(rank(sorted.len() / 2), rank(sorted.len().div_ceil(2)));
            let centre = if centred { centre } else { 0.0 };
            row.iter().map(|strand| strand.iter().map(|score| score - centre).collect()).collect()
        })
        .collect();
    let all = || scores.iter().flatten().flatten().copied();
    let small = all().fold(f64::INFINITY, f64::min).floor();
    let largest = all().fold(f64::NEG_INFINITY, f64::max);
    let scale = if largest > small { (100.0 / (largest - small)).floor() } else { 0.0 };
    let bin = |score: &f64| ((score - small) * scale + 0.5).trunc() as usize;
    let bins = scores
        .iter()
        .map(|row| row.iter().map(|strand| strand.iter().map(bin).collect()).collect())
        .collect();
    (bins, (-small * scale) as i64)
}

fn convolve(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; a.len() + b.len() - 1];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            out[i + j] += x * y;
        }
    }
    out
}

/// Storey's π₀ from resamples that are drawn and counted one by one.
pub(crate) fn pi_zero(p: &[f64], stream: &mut Twister) -> f64 {
    let lambdas: Vec<f64> = (1..=100).map(|i| f64::from(i) * 0.5 / 100.0).collect();
    let estimate = |p: &[f64], lambda: f64| {
        p.iter().filter(|&&p| p >= lambda).count() as f64 / (p.len() as f64 * (1.0 - lambda))
    };
    let estimates: Vec<f64> = lambdas.iter().map(|&lambda| estimate(p, lambda)).collect();
    let least = estimates.iter().copied().fold(f64::INFINITY, f64::min);
    let mut errors = vec![0.0; 100];
    for _ in 0..100 {
        let sample: Vec<f64> = (0..1000).map(|_| p[(stream.next_unit() * p.len() as f64) as usize]).collect();
        for (error, &lambda) in errors.iter_mut().zip(&lambdas) {
            *error += (estimate(&sample, lambda) - least).powi(2);
        }
    }
    let smallest = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let best = errors.iter().position(|&error| error == smallest).unwrap();
    estimates[best].min(1.0)
}
