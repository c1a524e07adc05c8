//! The paired t test (Student 1908), with the effect size that belongs to it.

use serde::{Deserialize, Serialize};

use crate::interval::student_two_sided;
use crate::{Result, Summary};

/// A standard deviation below this share of the largest difference is rounding.
const ROUNDING: f64 = 1e-10;

/// The outcome of a paired t test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedT {
    /// Mean difference over its standard error.
    pub t: f64,
    /// Degrees of freedom, pairs less one.
    pub degrees: usize,
    /// Two-sided p.
    pub p: f64,
    /// Cohen's d for pairs: mean difference over the differences' standard deviation.
    pub cohens_d: f64,
}

/// Tests whether differences have mean zero; `None` for fewer than two, or when all are equal but for rounding.
///
/// # Errors
///
/// When a difference is not finite.
pub fn paired_t(differences: &[f64]) -> Result<Option<PairedT>> {
    if differences.is_empty() {
        return Ok(None);
    }
    let summary = Summary::new(differences)?;
    // Differences that are equal on paper differ by the rounding of what was subtracted, which may be far larger
    // than they are; that is no spread to test with.
    let largest = differences.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let Some(sd) = summary.sd.filter(|&sd| sd > ROUNDING * largest) else {
        return Ok(None);
    };
    let cohens_d = summary.mean / sd;
    let t = cohens_d * (summary.count as f64).sqrt();
    let degrees = summary.count - 1;
    Ok(student_two_sided(t, degrees as f64).map(|p| PairedT { t, degrees, p, cohens_d }))
}

#[cfg(test)]
mod tests {
    use super::*;

    // SciPy 1.17.1:
    //   x = [.91, .87, .95, .79, .88, .93]; y = [.90, .85, .96, .75, .84, .90]
    //   scipy.stats.ttest_rel(x, y)
    //   d = np.subtract(x, y); d.mean() / d.std(ddof=1)
    #[test]
    fn agrees_with_scipy() {
        let x = [0.91, 0.87, 0.95, 0.79, 0.88, 0.93];
        let y = [0.90, 0.85, 0.96, 0.75, 0.84, 0.90];
        let differences: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
        let test = paired_t(&differences).unwrap().unwrap();
        assert!((test.t - 2.734_570_552_425_863_4).abs() < 1e-12);
        assert!((test.p - 0.041_056_337_480_218_676).abs() < 1e-12);
        assert!((test.cohens_d - 1.116_383_753_180_680_2).abs() < 1e-12);
        assert_eq!(test.degrees, 5);
    }

    #[test]
    fn no_spread_has_no_test() {
        assert_eq!(paired_t(&[]), Ok(None));
        assert_eq!(paired_t(&[0.1]), Ok(None));
        assert_eq!(paired_t(&[0.0, 0.0]), Ok(None));
        assert_eq!(paired_t(&[0.9 - 0.8, 0.8 - 0.7, 0.5 - 0.4]), Ok(None));
        assert_eq!(paired_t(&[0.95 - 0.9, 0.75 - 0.7, 0.6 - 0.55]), Ok(None));
        assert!(paired_t(&[0.1, f64::INFINITY]).is_err());
    }
}
