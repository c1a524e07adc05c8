//! The comparison once more, rule by rule and without haste: the slow twin that the fast path is tested by.

#![expect(clippy::cast_possible_wrap, reason = "widths and bins are small")]

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
    let columns = bins[0].iter().map(Vec::len).sum::<usize>();
    let histograms: Vec<Vec<f64>> = bins
        .iter()
        .map(|row| {
            let mut histogram = vec![0.0; 101];
            for &bin in row.iter().flatten() {
                histogram[bin] += 1.0 / columns as f64;
            }
            histogram
        })
        .collect();
    let distribution = |span: std::ops::Range<usize>| {
        let spread = histograms[span].iter().fold(vec![1.0], |sum, histogram| convolve(&sum, histogram));
        let mut survival = spread.clone();
        for i in (0..survival.len() - 1).rev() {
            survival[i] += survival[i + 1];
        }
        survival
    };
    let survive = |survival: &[f64], score: i64| match usize::try_from(score) {
        Ok(score) => survival.get(score).copied().unwrap_or(0.0),
        Err(_) => 1.0,
    };
    let spans: Vec<Vec<Vec<f64>>> = (0..query.len())
        .map(|start| (start..query.len()).map(|last| distribution(start..last + 1)).collect())
        .collect();
    let score_strand = |t: usize| {
        let width = strands[t].len() as isize;
        let least = if rules.internal { usize::MAX } else { rules.min_overlap };
        let least = least.min(query.len()).min(strands[t].len());
        let offsets = 1 - query.len() as isize..width;
        let span = |offset: isize| {
            let start = (-offset).max(0) as usize;
            start..(width - offset).min(query.len() as isize) as usize
        };
        let summed = |offset: isize| -> i64 {
            span(offset).map(|i| bins[i][t][(i as isize + offset) as usize] as i64).sum()
        };
        let score = |offset: isize| summed(offset) - span(offset).len() as i64 * zero;
        let tried: Vec<isize> = offsets.clone().filter(|&offset| span(offset).len() >= least).collect();
        let own = |offset: isize| {
            let span = span(offset);
            survive(&spans[span.start][span.len() - 1], summed(offset))
        };
        let mut best = tried[0];
        for &offset in &tried[1..] {
            let better = match rules.scoring {
                Scoring::Complete => score(offset).cmp(&score(best)),
                Scoring::Incomplete => own(best).total_cmp(&own(offset)),
            };
            if better.then(span(offset).len().cmp(&span(best).len())).is_gt() {
                best = offset;
            }
        }
        let strands = if rules.both_strands { 2 } else { 1 };
        let p = match rules.scoring {
            Scoring::Complete => {
                let mut t = 0.0;
                for offset in (0..strands).flat_map(|_| offsets.clone()) {
                    let span = span(offset);
                    let x =
                        survive(&spans[span.start][span.len() - 1], score(best) + span.len() as i64 * zero);
                    t += x - t * x;
                }
                t
            }
            Scoring::Incomplete => {
                let (p, n) = (own(best), (strands * tried.len()) as f64);
                if n * p < 1e-3 { n * p } else { 1.0 - (1.0 - p.min(1.0)).powf(n) }
            }
        };
        Plain { offset: best, overlap: span(best).len(), p }
    };
    (0..strands.len()).map(score_strand).collect()
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
