//! An interval of confidence, and the two distributions that intervals and tests ask for.

use serde::{Deserialize, Serialize};
use statrs::function::{beta, erf, gamma};

use crate::{Error, Result};

/// An interval with its level of confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The level of confidence, such as 0.95.
    pub level: f64,
}

/// Checks a level of confidence.
pub(crate) fn check_level(level: f64) -> Result<()> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(Error::Level { found: level }) }
}

/// The normal quantile that leaves half of `1 - level` above it (1.96 for 0.95).
pub(crate) fn normal_quantile(level: f64) -> f64 {
    std::f64::consts::SQRT_2 * erf::erfc_inv(1.0 - level)
}

/// The two-sided probability of a standard normal at least as far from 0 as `z`.
///
/// Taken as the chance that a chi-square of one degree exceeds z squared, whose incomplete gamma
/// function is good to 13 digits here; statrs' `erfc` is good to 10.
pub(crate) fn normal_two_sided(z: f64) -> f64 {
    let half_square = z * z / 2.0;
    let chance = if half_square > 0.0 && half_square.is_finite() {
        gamma::checked_gamma_ur(0.5, half_square).ok()
    } else {
        None
    };
    chance.unwrap_or_else(|| erf::erfc(z.abs() / std::f64::consts::SQRT_2)).clamp(0.0, 1.0)
}

/// The two-sided probability of Student's t at least as far from 0 as `t`.
///
/// Taken from the regularised incomplete beta function, so that small values keep their digits.
pub(crate) fn student_two_sided(t: f64, degrees: f64) -> Option<f64> {
    let p = beta::checked_beta_reg(degrees / 2.0, 0.5, degrees / (degrees + t * t)).ok()?;
    p.is_finite().then_some(p.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_close(found: f64, wanted: f64, relative: f64) {
        assert!((found / wanted - 1.0).abs() < relative, "{found} != {wanted}");
    }

    // SciPy 1.17.1:
    //   from scipy import stats
    //   stats.norm.isf(.025); stats.norm.isf(.005)
    //   2 * stats.norm.sf(1.5); 2 * stats.norm.sf(8)
    //   2 * stats.t.sf(2.5, 7); 2 * stats.t.sf(12, 56)
    #[test]
    fn agrees_with_scipy() {
        assert_close(normal_quantile(0.95), 1.959_963_984_540_054_5, 1e-10);
        assert_close(normal_quantile(0.99), 2.575_829_303_548_901, 1e-10);
        assert_close(normal_two_sided(-1.5), 0.133_614_402_537_716_14, 1e-12);
        assert_close(normal_two_sided(8.0), 1.244_192_114_854_348e-15, 1e-11);
        assert_close(student_two_sided(2.5, 7.0).unwrap(), 0.040_992_218_585_752_89, 1e-12);
        assert_close(student_two_sided(-12.0, 56.0).unwrap(), 4.119_073_178_494_099e-17, 1e-11);
    }

    #[test]
    fn the_ends_of_the_normal_are_reached() {
        assert_eq!(normal_two_sided(0.0), 1.0);
        assert_eq!(normal_two_sided(1e-200), 1.0);
        assert_eq!(normal_two_sided(60.0), 0.0);
        assert_eq!(normal_two_sided(f64::INFINITY), 0.0);
    }

    #[test]
    fn levels_are_between_zero_and_one() {
        assert_eq!(check_level(0.95), Ok(()));
        assert_eq!(check_level(95.0), Err(Error::Level { found: 95.0 }));
        assert!(check_level(f64::NAN).is_err());
    }
}
