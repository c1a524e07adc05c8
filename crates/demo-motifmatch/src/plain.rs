//! The comparison once more, rule by rule and without haste: the slow twin that the fast path is tested by.

#![expect(clippy::cast_possible_wrap, reason = "widths and bins are small")]

use std::ops::Range;

use crate::dirichlet::Prior;
use crate::prepare::Prepared;
use crate::twister::Twister;
use crate::{Distance, Scale, Scoring};

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
    pub(crate) distance: Distance,
    pub(crate) background: Vec<f64>,
    pub(crate) scale: Scale,
}

/// Scores a query against every strand, `strands` in the order t0+, t0-, t1+, t1- and so on.
pub(crate) fn compare(query: &Prepared, strands: &[Prepared], rules: &Rules) -> Vec<Plain> {
    let (bins, zero) = bins(query, strands, rules);
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
    let spans = (0..query.width())
        .map(|start| (start..query.width()).map(|last| distribution(start..last + 1)).collect())
        .collect();
    let pair = |strand: usize| {
        let bins = bins.iter().map(|row| row[strand].clone()).collect();
        Pair { bins, zero, width: strands[strand].width() as isize, spans: &spans }.compare(rules)
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
fn bins(query: &Prepared, strands: &[Prepared], rules: &Rules) -> (Vec<Vec<Vec<usize>>>, i64) {
    let centred = rules.scoring == Scoring::Complete;
    let scores: Vec<Vec<Vec<f64>>> = query
        .rows()
        .map(|x| {
            let score = |strand: &Prepared, y: &[f64]| rules.score(x, query.sites, y, strand.sites);
            let row: Vec<Vec<f64>> =
                strands.iter().map(|strand| strand.rows().map(|y| score(strand, y)).collect()).collect();
            let mut sorted: Vec<f64> = row.iter().flatten().copied().collect();
            sorted.sort_by(f64::total_cmp);
            let rank = |half: usize| sorted[half.max(1) - 1];
            let centre = f64::midpoint(rank(sorted.len() / 2), rank(sorted.len().div_ceil(2)));
            let centre = if centred { centre } else { 0.0 };
            row.iter().map(|strand| strand.iter().map(|score| score - centre).collect()).collect()
        })
        .collect();
    let all = || scores.iter().flatten().flatten().copied();
    let smallest = all().fold(f64::INFINITY, f64::min);
    let largest = all().fold(f64::NEG_INFINITY, f64::max);
    let mut small = smallest.floor();
    let mut scale = if largest > small { (100.0 / (largest - small)).floor() } else { 0.0 };
    if scale == 0.0 && largest > smallest && rules.scale == Scale::Sound {
        scale = if centred { 99.0 } else { 100.0 } / (largest - smallest);
        small = if centred { -((-smallest * scale).ceil() / scale) } else { smallest };
    }
    let bin = |score: &f64| ((score - small) * scale + 0.5).trunc() as usize;
    let bins = scores
        .iter()
        .map(|row| row.iter().map(|strand| strand.iter().map(bin).collect()).collect())
        .collect();
    // Beyond a hundred the scale is a fraction, and zero was moved to the middle of a bin but for rounding.
    (bins, if scale < 1.0 { (-small * scale).round() } else { (-small * scale).trunc() } as i64)
}

impl Rules {
    /// How alike two columns of so many sites are.
    fn score(&self, x: &[f64], n: f64, y: &[f64], m: f64) -> f64 {
        let letters = 0..x.len();
        let sum = |term: &dyn Fn(usize) -> f64| letters.clone().map(term).fold(0.0, |sum, t| sum + t);
        let rounded = |term: &dyn Fn(usize) -> f64| {
            letters.clone().map(term).fold(0.0, |sum, t| fourteen_digits(sum + t))
        };
        let log = |p: f64| p.max(1e-10);
        match self.distance {
            Distance::Euclidean => -sum(&|k| (x[k] - y[k]).powi(2)).sqrt(),
            Distance::SandelinWasserman => 2.0 - sum(&|k| (x[k] - y[k]).powi(2)),
            Distance::Pearson => {
                let mean = 1.0 / x.len() as f64;
                let (dx, dy) = (|k: usize| x[k] - mean, |k: usize| y[k] - mean);
                let size = rounded(&|k| dx(k) * dx(k)) * rounded(&|k| dy(k) * dy(k));
                let score = rounded(&|k| dx(k) * dy(k)) / size.sqrt();
                if score.is_finite() { score } else { 0.0 }
            }
            Distance::KullbackLeibler => {
                let logs = |k: usize| (log(x[k]).log10(), log(y[k]).log10());
                -sum(&|k| x[k] * (logs(k).0 - logs(k).1) + y[k] * (logs(k).1 - logs(k).0)) / 2.0
            }
            Distance::AverageLogLikelihoodRatio => {
                let odds = |p: f64, k: usize| log(p).ln() - self.background[k].ln();
                sum(&|k| n * x[k] * odds(y[k], k) + m * y[k] * odds(x[k], k))
                    / (n * sum(&|k| x[k]) + m * sum(&|k| y[k]))
            }
            Distance::Blic1 | Distance::Blic5 | Distance::Llr1 | Distance::Llr5 => self.bayesian(x, n, y, m),
        }
    }

    fn bayesian(&self, x: &[f64], n: f64, y: &[f64], m: f64) -> f64 {
        let prior = match self.distance {
            Distance::Blic1 | Distance::Llr1 => Prior::Single,
            _ => Prior::Mixture,
        };
        let counts = |p: &[f64], n: f64| p.iter().map(|p| p * n).collect::<Vec<f64>>();
        let (x, y) = (counts(x, n), counts(y, m));
        let both: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
        let logs = |counts: &[f64]| {
            let mut mean = vec![0.0; counts.len()];
            prior.fill_mean(counts, &mut mean);
            mean.into_iter().map(f64::ln).collect::<Vec<f64>>()
        };
        let (of_x, of_y, of_both) = (logs(&x), logs(&y), logs(&both));
        let background = matches!(self.distance, Distance::Blic1 | Distance::Blic5);
        (0..x.len()).fold(0.0, |sum, k| {
            let own = x[k] * of_x[k] + y[k] * of_y[k];
            let common = both[k] * of_both[k];
            sum + if background {
                2.0 * common - own - both[k] * self.background[k].ln()
            } else {
                common - own
            }
        })
    }
}

/// Rounded by printing.
fn fourteen_digits(x: f64) -> f64 {
    format!("{x:.13e}").parse().unwrap()
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
