//! The three stages of a motif matrix, each a type of its own: counts, probabilities, log-odds.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How far a probability row's sum may lie from 1 before it is an error.
const ROW_SUM_TOLERANCE: f64 = 0.01;

/// Base frequencies against which a motif stands out; positive, in the order A, C, G, T, summing to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f64; 4]", into = "[f64; 4]")]
pub struct Background([f64; 4]);

impl Background {
    /// A quarter each.
    pub const UNIFORM: Self = Self([0.25; 4]);

    /// Checks the frequencies and scales them to sum to 1 exactly.
    ///
    /// # Errors
    /// [`Error::Background`] where one is not positive or the sum is off by more than 0.01.
    pub fn new(frequencies: [f64; 4]) -> Result<Self> {
        let sum: f64 = frequencies.iter().sum();
        let positive = frequencies.iter().all(|&p| p.is_finite() && p > 0.0);
        if !positive || (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
            return Err(Error::Background { found: frequencies });
        }
        Ok(Self(frequencies.map(|p| p / sum)))
    }

    /// The frequencies, in the order A, C, G, T.
    pub fn frequencies(&self) -> [f64; 4] {
        self.0
    }

    /// The mean of this background and its complement, equal on both strands.
    #[must_use]
    pub fn to_both_strands(&self) -> Self {
        let [a, c, g, t] = self.0;
        let (at, cg) = (f64::midpoint(a, t), f64::midpoint(c, g));
        Self([at, cg, cg, at])
    }
}

impl TryFrom<[f64; 4]> for Background {
    type Error = Error;

    fn try_from(frequencies: [f64; 4]) -> Result<Self> {
        Self::new(frequencies)
    }
}

impl From<Background> for [f64; 4] {
    fn from(background: Background) -> Self {
        background.0
    }
}

/// How often each base was seen at each position of aligned sites (a PFM); counts may be fractional.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f64; 4]>", into = "Vec<[f64; 4]>")]
pub struct CountMatrix {
    rows: Vec<[f64; 4]>,
}

impl CountMatrix {
    /// Checks the rows, position × base.
    ///
    /// # Errors
    /// [`Error::ZeroWidth`] without rows, [`Error::Row`] at a row that is negative, not finite, all zero, or too large to be summed.
    pub fn new(rows: Vec<[f64; 4]>) -> Result<Self> {
        check_rows(&rows)?;
        Ok(Self { rows })
    }

    /// Position × base.
    pub fn rows(&self) -> &[[f64; 4]] {
        &self.rows
    }

    /// Number of positions.
    pub fn width(&self) -> usize {
        self.rows.len()
    }

    /// The largest row sum: the number of sites, where every site covers every position.
    pub fn site_count(&self) -> f64 {
        self.rows.iter().map(|row| row.iter().sum::<f64>()).fold(0.0, f64::max)
    }

    /// Probabilities (count + pseudocount · background) / (row sum + pseudocount), row by row.
    ///
    /// # Panics
    /// When `pseudocount` is negative or not finite.
    pub fn to_probabilities(&self, pseudocount: f64, background: &Background) -> ProbabilityMatrix {
        assert!(pseudocount.is_finite() && pseudocount >= 0.0, "pseudocount {pseudocount} is negative");
        let probabilities = |row: &[f64; 4]| {
            let total = row.iter().sum::<f64>() + pseudocount;
            std::array::from_fn(|base| (row[base] + pseudocount * background.0[base]) / total)
        };
        ProbabilityMatrix { rows: self.rows.iter().map(probabilities).collect() }
    }

    /// The matrix of the other strand.
    #[must_use]
    pub fn to_reverse_complement(&self) -> Self {
        Self { rows: reverse_complement(&self.rows) }
    }
}

impl TryFrom<Vec<[f64; 4]>> for CountMatrix {
    type Error = Error;

    fn try_from(rows: Vec<[f64; 4]>) -> Result<Self> {
        Self::new(rows)
    }
}

impl From<CountMatrix> for Vec<[f64; 4]> {
    fn from(matrix: CountMatrix) -> Self {
        matrix.rows
    }
}

/// The probability of each base at each position (a PPM); rows sum to 1 within 0.01, as they were given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f64; 4]>", into = "Vec<[f64; 4]>")]
pub struct ProbabilityMatrix {
    rows: Vec<[f64; 4]>,
}

impl ProbabilityMatrix {
    /// Checks the rows, position × base, and keeps them as they are: Tomtom's own renormalisation
    /// depends on the printed digits.
    ///
    /// # Errors
    /// [`Error::ZeroWidth`], [`Error::Row`], and [`Error::RowSum`] where a sum is off by more than 0.01.
    pub fn new(rows: Vec<[f64; 4]>) -> Result<Self> {
        check_rows(&rows)?;
        for (row, probabilities) in rows.iter().enumerate() {
            let sum: f64 = probabilities.iter().sum();
            if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
                return Err(Error::RowSum { row, sum });
            }
        }
        Ok(Self { rows })
    }

    /// Position × base.
    pub fn rows(&self) -> &[[f64; 4]] {
        &self.rows
    }

    /// Number of positions.
    pub fn width(&self) -> usize {
        self.rows.len()
    }

    /// Every row divided by its sum.
    #[must_use]
    pub fn to_normalised(&self) -> Self {
        let normalised = |row: &[f64; 4]| {
            let sum: f64 = row.iter().sum();
            row.map(|p| p / sum)
        };
        Self { rows: self.rows.iter().map(normalised).collect() }
    }

    /// The positions `start..end`.
    ///
    /// # Errors
    /// [`Error::ZeroWidth`] where the span is empty or reaches past the end.
    pub fn to_span(&self, span: std::ops::Range<usize>) -> Result<Self> {
        match self.rows.get(span) {
            Some(rows) if !rows.is_empty() => Ok(Self { rows: rows.to_vec() }),
            _ => Err(Error::ZeroWidth),
        }
    }

    /// log2(probability / background); a zero probability gives negative infinity.
    pub fn to_log_odds(&self, background: &Background) -> LogOddsMatrix {
        let log_odds = |row: &[f64; 4]| std::array::from_fn(|base| (row[base] / background.0[base]).log2());
        LogOddsMatrix { rows: self.rows.iter().map(log_odds).collect() }
    }

    /// The matrix of the other strand.
    #[must_use]
    pub fn to_reverse_complement(&self) -> Self {
        Self { rows: reverse_complement(&self.rows) }
    }

    /// Information content of each position in bits against a uniform background, 0 to 2.
    pub fn information(&self) -> Vec<f64> {
        let bits = |row: &[f64; 4]| {
            let sum: f64 = row.iter().sum();
            2.0 + row.iter().filter(|&&p| p > 0.0).map(|p| p / sum * (p / sum).log2()).sum::<f64>()
        };
        self.rows.iter().map(bits).collect()
    }

    /// The most probable base of each position as letters; the first of equals.
    pub fn consensus(&self) -> String {
        let letter = |row: &[f64; 4]| {
            let best = (1..4).fold(0, |best, base| if row[base] > row[best] { base } else { best });
            ['A', 'C', 'G', 'T'][best]
        };
        self.rows.iter().map(letter).collect()
    }
}

impl TryFrom<Vec<[f64; 4]>> for ProbabilityMatrix {
    type Error = Error;

    fn try_from(rows: Vec<[f64; 4]>) -> Result<Self> {
        Self::new(rows)
    }
}

impl From<ProbabilityMatrix> for Vec<[f64; 4]> {
    fn from(matrix: ProbabilityMatrix) -> Self {
        matrix.rows
    }
}

/// log2 of probability over background (a PWM), what a scan adds up; entries may be negative infinity.
#[derive(Debug, Clone, PartialEq)]
pub struct LogOddsMatrix {
    rows: Vec<[f64; 4]>,
}

impl LogOddsMatrix {
    /// Position × base, in bits.
    pub fn rows(&self) -> &[[f64; 4]] {
        &self.rows
    }

    /// Number of positions.
    pub fn width(&self) -> usize {
        self.rows.len()
    }

    /// The matrix of the other strand.
    #[must_use]
    pub fn to_reverse_complement(&self) -> Self {
        Self { rows: reverse_complement(&self.rows) }
    }
}

fn check_rows(rows: &[[f64; 4]]) -> Result<()> {
    if rows.is_empty() {
        return Err(Error::ZeroWidth);
    }
    for (row, values) in rows.iter().enumerate() {
        let numbers = values.iter().all(|v| v.is_finite() && *v >= 0.0);
        let sum: f64 = values.iter().sum();
        if !numbers || sum <= 0.0 || sum.is_infinite() {
            return Err(Error::Row { row, found: *values });
        }
    }
    Ok(())
}

fn reverse_complement(rows: &[[f64; 4]]) -> Vec<[f64; 4]> {
    rows.iter().rev().map(|&[a, c, g, t]| [t, g, c, a]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pseudocounts_follow_the_background() {
        let counts = CountMatrix::new(vec![[9.0, 0.0, 0.0, 0.0]]).unwrap();
        let background = Background::new([0.5, 0.125, 0.125, 0.25]).unwrap();
        let probabilities = counts.to_probabilities(7.0, &background);
        assert_eq!(probabilities.rows(), [[12.5 / 16.0, 0.875 / 16.0, 0.875 / 16.0, 1.75 / 16.0]]);
        assert_eq!(counts.site_count(), 9.0);
    }

    #[test]
    fn bad_rows_are_named() {
        assert_eq!(CountMatrix::new(vec![]), Err(Error::ZeroWidth));
        let rows = vec![[1.0; 4], [0.0; 4]];
        assert_eq!(CountMatrix::new(rows), Err(Error::Row { row: 1, found: [0.0; 4] }));
        // Finite numbers whose sum is not.
        let huge = vec![[1e308, 1e308, 0.0, 0.0]];
        assert!(matches!(CountMatrix::new(huge), Err(Error::Row { row: 0, .. })));
        let nan = CountMatrix::new(vec![[f64::NAN, 1.0, 1.0, 1.0]]).unwrap_err();
        assert!(nan.to_string().starts_with("matrix row 1: found [NaN"));
        let off = ProbabilityMatrix::new(vec![[0.25; 4], [0.5, 0.25, 0.25, 0.02]]).unwrap_err();
        assert!(matches!(off, Error::RowSum { row: 1, .. }));
        assert!(Background::new([0.5, 0.5, 0.0, 0.0]).is_err());
    }

    #[test]
    fn information_runs_from_zero_to_two_bits() {
        let matrix =
            ProbabilityMatrix::new(vec![[0.25; 4], [0.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]).unwrap();
        assert_eq!(matrix.information(), [0.0, 2.0, 1.0]);
        assert_eq!(matrix.consensus(), "ACA");
        let log_odds = matrix.to_log_odds(&Background::UNIFORM);
        assert_eq!(log_odds.rows()[1], [f64::NEG_INFINITY, 2.0, f64::NEG_INFINITY, f64::NEG_INFINITY]);
    }

    #[test]
    fn spans_are_checked() {
        let matrix = ProbabilityMatrix::new(vec![[0.25; 4]; 3]).unwrap();
        assert_eq!(matrix.to_span(1..3).unwrap().width(), 2);
        assert_eq!(matrix.to_span(2..4), Err(Error::ZeroWidth));
        assert_eq!(matrix.to_span(1..1), Err(Error::ZeroWidth));
    }

    proptest! {
        #[test]
        fn rows_sum_to_one_and_strands_return(
            rows in prop::collection::vec(prop::array::uniform4(0.1f64..50.0), 1..12),
            pseudocount in 0.0f64..2.0,
        ) {
            let counts = CountMatrix::new(rows).unwrap();
            let probabilities = counts.to_probabilities(pseudocount, &Background::UNIFORM);
            for row in probabilities.rows() {
                prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
            prop_assert_eq!(&probabilities.to_reverse_complement().to_reverse_complement(), &probabilities);
            prop_assert_eq!(counts.to_reverse_complement().to_reverse_complement(), counts);
        }
    }
}
