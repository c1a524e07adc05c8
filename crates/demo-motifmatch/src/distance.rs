//! How alike two columns are: every distance, exactly in f64 and roughly in f32.
//!
//! [`TargetColumns`] holds what a distance needs of each target column, letter by letter, so that a row of
//! scores is a run over a few slices. [`TargetColumns::exact`] is the definition. [`TargetColumns::fill`] gives
//! the same scores in single precision and says how far they may be off; whoever rounds them asks for the exact
//! score where that could matter. Sums run over the letters in their order. Cost: for `ed` a square root in f32
//! for each pair of columns; for `blic` and `llr` a logarithm for each letter besides.

use crate::Distance;
use crate::dirichlet::Prior;
use crate::prepare::Prepared;
use crate::simd::{ends, euclidean};

/// Probabilities below it count as it in logarithms, so that a motif without pseudocounts has finite scores.
const LEAST: f64 = 1e-10;

/// What a distance needs of one query column.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct QueryColumn {
    values: Vec<f64>,
    sites: f64,
    /// Deviations, logarithms or counts, as the distance has it.
    derived: Vec<f64>,
    /// Logarithms of the letters' probabilities behind the counts.
    logs: Vec<f64>,
    /// The column's own sum.
    sum: f64,
}

impl QueryColumn {
    /// Whether the other column scores the same with every target.
    pub(crate) fn is_same(&self, values: &[f64], sites: f64) -> bool {
        self.values == values && self.sites.to_bits() == sites.to_bits()
    }
}

/// The columns of all targets, by letter.
#[derive(Debug)]
pub(crate) struct TargetColumns {
    distance: Distance,
    background: Vec<f64>,
    count: usize,
    values: Vec<Vec<f64>>,
    /// The same in single precision, for the distances that have a kernel of their own.
    singles: Vec<Vec<f32>>,
    derived: Vec<Vec<f64>>,
    logs: Vec<Vec<f64>>,
    sites: Vec<f64>,
    sums: Vec<f64>,
}

impl TargetColumns {
    /// Gathers the columns of prepared motifs.
    pub(crate) fn new<'a>(
        motifs: impl Iterator<Item = &'a Prepared> + Clone,
        distance: Distance,
        background: &[f64],
    ) -> Self {
        let letters = background.len();
        let mut columns = Self {
            distance,
            background: background.to_vec(),
            count: 0,
            values: vec![Vec::new(); letters],
            singles: Vec::new(),
            derived: vec![Vec::new(); letters],
            logs: vec![Vec::new(); letters],
            sites: Vec::new(),
            sums: Vec::new(),
        };
        for motif in motifs {
            for row in motif.rows() {
                let column = columns.query_column(row, motif.sites);
                columns.count += 1;
                columns.sites.push(column.sites);
                columns.sums.push(column.sum);
                let append = |all: &mut Vec<Vec<f64>>, one: &[f64]| {
                    for (all, &one) in all.iter_mut().zip(one) {
                        all.push(one);
                    }
                };
                append(&mut columns.values, &column.values);
                append(&mut columns.derived, &column.derived);
                append(&mut columns.logs, &column.logs);
            }
        }
        if distance == Distance::Euclidean {
            let single = |letter: &Vec<f64>| letter.iter().map(|&p| p as f32).collect();
            columns.singles = columns.values.iter().map(single).collect();
        }
        columns
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// What the distance needs of a column; for all but the direction of comparison both sides are alike.
    pub(crate) fn query_column(&self, values: &[f64], sites: f64) -> QueryColumn {
        let mut column = QueryColumn { values: values.to_vec(), sites, ..QueryColumn::default() };
        match self.distance {
            Distance::Euclidean | Distance::SandelinWasserman => {}
            Distance::Pearson => {
                let mean = 1.0 / values.len() as f64;
                column.derived = values.iter().map(|p| p - mean).collect();
                column.sum = rounded_sum(column.derived.iter().map(|d| d * d));
            }
            Distance::KullbackLeibler => {
                column.derived = values.iter().map(|p| p.max(LEAST).log10()).collect();
            }
            Distance::AverageLogLikelihoodRatio => {
                let odds = values.iter().zip(&self.background);
                column.derived = odds.map(|(p, b)| p.max(LEAST).ln() - b.ln()).collect();
                column.sum = sites * values.iter().fold(0.0, |sum, p| sum + p);
            }
            Distance::Blic1 | Distance::Blic5 | Distance::Llr1 | Distance::Llr5 => {
                column.derived = values.iter().map(|p| p * sites).collect();
                column.logs = vec![0.0; values.len()];
                prior(self.distance).fill_mean(&column.derived, &mut column.logs);
                for p in &mut column.logs {
                    *p = p.ln();
                }
            }
        }
        column
    }

    /// The score of a query column against the target column `i`.
    pub(crate) fn exact(&self, query: &QueryColumn, i: usize) -> f64 {
        let x = &query.values;
        match self.distance {
            Distance::Euclidean => -self.squares(x, i).sqrt(),
            Distance::SandelinWasserman => 2.0 - self.squares(x, i),
            Distance::Pearson => {
                let products = query.derived.iter().zip(&self.derived).map(|(x, y)| x * y[i]);
                or_zero(rounded_sum(products) / (query.sum * self.sums[i]).sqrt())
            }
            Distance::KullbackLeibler => {
                let logs = query.derived.iter().zip(&self.derived);
                let terms = logs
                    .zip(x.iter().zip(&self.values))
                    .map(|((log_x, log_y), (x, y))| x * (log_x - log_y[i]) + y[i] * (log_y[i] - log_x));
                -sum(terms) / 2.0
            }
            Distance::AverageLogLikelihoodRatio => {
                let odds = query.derived.iter().zip(&self.derived);
                let terms = odds.zip(x.iter().zip(&self.values)).map(|((odds_x, odds_y), (x, y))| {
                    query.sites * x * odds_y[i] + self.sites[i] * y[i] * odds_x
                });
                sum(terms) / (query.sum + self.sums[i])
            }
            Distance::Blic1 | Distance::Blic5 | Distance::Llr1 | Distance::Llr5 => self.bayesian(query, i),
        }
    }

    fn squares(&self, x: &[f64], i: usize) -> f64 {
        sum(x.iter().zip(&self.values).map(|(x, y)| (x - y[i]) * (x - y[i])))
    }

    /// The score of `blic` and `llr`: how much better one source explains both columns' counts than two do, and
    /// for `blic` how much better it does so than the background.
    fn bayesian(&self, query: &QueryColumn, i: usize) -> f64 {
        let letters = query.derived.len();
        let (mut both, mut mean) = ([0.0; MAX_LETTERS], [0.0; MAX_LETTERS]);
        for (both, (n, m)) in both.iter_mut().zip(query.derived.iter().zip(&self.derived)) {
            *both = n + m[i];
        }
        prior(self.distance).fill_mean(&both[..letters], &mut mean[..letters]);
        let against_background = matches!(self.distance, Distance::Blic1 | Distance::Blic5);
        let term = |k: usize| {
            let own = query.derived[k] * query.logs[k] + self.derived[k][i] * self.logs[k][i];
            if against_background {
                2.0 * (both[k] * mean[k].ln()) - own - both[k] * self.background[k].ln()
            } else {
                both[k] * mean[k].ln() - own
            }
        };
        sum((0..letters).map(term))
    }

    /// The scores of query columns in single precision, how far each may be from the exact one, and the lowest
    /// and the highest of them.
    pub(crate) fn fill<const N: usize>(
        &self,
        queries: [&QueryColumn; N],
        mut scores: [&mut [f32]; N],
    ) -> [(f32, (f32, f32)); N] {
        let singles = queries.map(|query| <[f64; 4]>::try_from(query.values.as_slice()).ok());
        if let ([a, c, g, t], true) = (self.singles.as_slice(), singles.iter().all(Option::is_some)) {
            let queries = singles.map(|values| values.unwrap_or_default().map(|p| p as f32));
            return euclidean(queries, [a, c, g, t], scores).map(|ends| (EUCLIDEAN_ERROR, ends));
        }
        std::array::from_fn(|query| {
            let scores = &mut *scores[query];
            for (i, score) in scores.iter_mut().enumerate() {
                *score = self.exact(queries[query], i) as f32;
            }
            let (low, high) = ends(scores);
            (low.abs().max(high.abs()) * f32::EPSILON, (low, high))
        })
    }
}

/// The most letters an alphabet of motifs to be compared may have.
pub(crate) const MAX_LETTERS: usize = 64;

/// How far a Euclidean distance of four letters in single precision may be off: rounding the eight numbers moves
/// it by at most 2·√4·2⁻²⁵, and the arithmetic by less than four units of 2⁻²⁴ of √2.
const EUCLIDEAN_ERROR: f32 = 1e-6;

fn prior(distance: Distance) -> Prior {
    match distance {
        Distance::Blic5 | Distance::Llr5 => Prior::Mixture,
        _ => Prior::Single,
    }
}

/// A correlation with a column that has no deviations is none.
fn or_zero(score: f64) -> f64 {
    if score.is_finite() { score } else { 0.0 }
}

#[inline(always)]
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    terms.fold(0.0, |sum, term| sum + term)
}

/// A sum rounded to fourteen significant digits after each term, as the tables of correlations have it: bins on
/// exact edges need the same rounding.
fn rounded_sum(terms: impl Iterator<Item = f64>) -> f64 {
    terms.fold(0.0, |sum, term| fourteen_digits(sum + term))
}

/// The number rounded to fourteen significant digits, as printing and reading it would round it.
fn fourteen_digits(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let shift = 13 - x.abs().log10().floor() as i32;
    if (0..=EXACT_POWER).contains(&shift) {
        let factor = 10f64.powi(shift);
        let scaled = x * factor;
        let nearest = scaled.round_ties_even();
        // The product is within 1/64 of the exact one; nearer to a tie than that it may round the other way.
        if (scaled - nearest).abs() < 0.48 {
            return nearest / factor;
        }
    }
    format!("{x:.13e}").parse().unwrap_or(x)
}

/// The highest power of ten that is a double.
const EXACT_POWER: i32 = 22;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn fourteen_digits_are_those_that_printing_gives(digits in 1i64..1_000_000_000_000_000, power in -30i32..0) {
            // The fifteenth digit is a five in a tenth of the cases, so that many are ties but for the binary rest.
            for digits in [digits, digits / 10 * 10 + 5] {
                let x = digits as f64 * 10f64.powi(power);
                prop_assert_eq!(fourteen_digits(x), format!("{x:.13e}").parse::<f64>().unwrap(), "{}", x);
                prop_assert_eq!(fourteen_digits(-x), -fourteen_digits(x));
            }
        }
    }
}
