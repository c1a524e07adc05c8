//! Spearman's rank correlation (1904).

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::error::{check_finite, check_length};
use crate::interval::student_two_sided;
use crate::ranks::midranks;

/// How two quantities rise together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spearman {
    /// Pearson's correlation of the ranks, ties sharing the mean of theirs; -1 to 1.
    pub rho: f64,
    /// Two-sided p, by Student's t with two degrees of freedom less than there are pairs; `None` at -1 or 1.
    pub p: Option<f64>,
    /// Pairs.
    pub count: usize,
}

/// The rank correlation of `x` and `y`; `None` for fewer than three pairs, or when all of one are equal.
///
/// # Errors
///
/// When the lists differ in length, or a number is not finite.
pub fn spearman(x: &[f64], y: &[f64]) -> Result<Option<Spearman>> {
    check_length("numbers to correlate", y.len(), x.len())?;
    check_finite("number", x)?;
    check_finite("number", y)?;
    let count = x.len();
    if count < 3 {
        return Ok(None);
    }
    // Adding 0 gives zeros one sign.
    let ranks = |values: &[f64]| midranks(&values.iter().map(|value| value + 0.0).collect::<Vec<f64>>());
    let (x, y) = (ranks(x), ranks(y));
    let mean = (count + 1) as f64 / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let (of_x, of_y) = (product(&x, &x), product(&y, &y));
    if of_x == 0.0 || of_y == 0.0 {
        return Ok(None);
    }
    let rho = (product(&x, &y) / (of_x * of_y).sqrt()).clamp(-1.0, 1.0);
    let degrees = (count - 2) as f64;
    let rest = 1.0 - rho * rho;
    let p = if rest > 0.0 { student_two_sided(rho * (degrees / rest).sqrt(), degrees) } else { None };
    Ok(Some(Spearman { rho, p, count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    // SciPy 1.17.1: scipy.stats.spearmanr(x, y), of these lists and of the first three pairs.
    #[test]
    fn agrees_with_scipy() {
        let x = [1.0, 2.0, 2.0, 4.0, 5.0, 3.0, 7.0, 8.0];
        let y = [2.0, 1.0, 3.0, 3.0, 6.0, 2.5, 5.0, 9.0];
        let found = spearman(&x, &y).unwrap().unwrap();
        assert!((found.rho - 0.873_493_975_903_614_3).abs() < 1e-12, "{}", found.rho);
        assert!((found.p.unwrap() - 0.004_593_358_423_880_395).abs() < 1e-12, "{:?}", found.p);
        assert_eq!(found.count, 8);
    }

    #[test]
    fn what_has_no_order_has_no_correlation() {
        assert_eq!(spearman(&[1.0, 2.0], &[1.0, 2.0]), Ok(None));
        assert_eq!(spearman(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), Ok(None));
        assert_eq!(spearman(&[0.0, -0.0, 0.0], &[1.0, 2.0, 3.0]), Ok(None));
        let whole = spearman(&[1.0, 2.0, 3.0], &[9.0, 5.0, 1.0]).unwrap().unwrap();
        assert_eq!((whole.rho, whole.p), (-1.0, None));
        assert!(spearman(&[1.0, 2.0, 3.0], &[1.0, 2.0]).is_err());
        assert!(spearman(&[1.0, f64::NAN, 3.0], &[1.0, 2.0, 3.0]).is_err());
    }
}
