//! Mean, median and standard deviation of a list of figures.

use serde::{Deserialize, Serialize};

use crate::error::check_finite;
use crate::{Error, Result};

/// What a list of figures comes to.
///
/// ```
/// let summary = demo_eval::Summary::new(&[0.8, 0.9, 0.95])?;
/// assert_eq!(summary.median, 0.9);
/// # Ok::<(), demo_eval::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many figures.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their median: the mean of the two middle ones when the count is even.
    pub median: f64,
    /// Their standard deviation with n - 1; `None` for a single figure.
    pub sd: Option<f64>,
}

impl Summary {
    /// Sums up a list of figures.
    ///
    /// # Errors
    ///
    /// When the list is empty or holds a number that is not finite.
    pub fn new(values: &[f64]) -> Result<Self> {
        check_finite("value", values)?;
        if values.is_empty() {
            return Err(Error::TooFew { what: "values", found: 0, wanted: 1 });
        }
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        let variance = squares.sum::<f64>() / (count as f64 - 1.0);
        Ok(Self { count, mean, median: median(values), sd: (count > 1).then(|| variance.sqrt()) })
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // NumPy 2.4.6: x = [.91, .87, .95, .79]; np.mean(x), np.median(x), np.std(x, ddof=1)
    #[test]
    fn agrees_with_numpy() {
        let summary = Summary::new(&[0.91, 0.87, 0.95, 0.79]).unwrap();
        assert!((summary.mean - 0.88).abs() < 1e-15);
        assert!((summary.median - 0.89).abs() < 1e-15);
        assert!((summary.sd.unwrap() - 0.068_313_005_106_397_29).abs() < 1e-15);
    }

    #[test]
    fn one_value_has_no_deviation() {
        let summary = Summary::new(&[0.5]).unwrap();
        assert_eq!((summary.mean, summary.median, summary.sd), (0.5, 0.5, None));
    }

    #[test]
    fn nothing_and_nan_are_errors() {
        assert!(Summary::new(&[]).is_err());
        assert!(Summary::new(&[0.1, f64::NAN]).is_err());
    }
}
