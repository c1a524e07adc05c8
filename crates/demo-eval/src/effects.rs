//! Effect sizes of paired differences: how much, where a p says how surely.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::error::check_finite;
use crate::ranks::midranks;
use crate::{Result, Summary};

/// Effect sizes of paired differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EffectSizes {
    /// Cohen's d for pairs, `d_z`: mean over standard deviation (n - 1) of the differences.
    pub cohens_dz: f64,
    /// Hedges' g: `d_z` without its bias in small samples, by the exact factor (Hedges 1981).
    pub hedges_g: f64,
    /// The matched-pairs rank-biserial correlation (Kerby 2014), from -1 to 1: positive less negative
    /// rank sum, over both. Zero differences are left out, as in Wilcoxon's test.
    pub rank_biserial: f64,
}

/// Effect sizes of differences; `None` for fewer than three, or where all are equal but for rounding.
///
/// ```
/// let effects = demo_eval::effect_sizes(&[0.02, 0.01, 0.03, 0.02])?.unwrap();
/// assert_eq!(effects.rank_biserial, 1.0);
/// assert!(effects.hedges_g < effects.cohens_dz);
/// # Ok::<(), demo_eval::Error>(())
/// ```
///
/// # Errors
///
/// When a difference is not finite.
pub fn effect_sizes(differences: &[f64]) -> Result<Option<EffectSizes>> {
    check_finite("difference", differences)?;
    // Hedges' factor is defined from two degrees of freedom on.
    if differences.len() < 3 {
        return Ok(None);
    }
    let Some(test) = crate::paired_t(differences)? else { return Ok(None) };
    let degrees = Summary::new(differences)?.count as f64 - 1.0;
    let factor = (ln_gamma(degrees / 2.0) - ln_gamma((degrees - 1.0) / 2.0)).exp() / (degrees / 2.0).sqrt();
    let nonzero: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let sizes: Vec<f64> = nonzero.iter().map(|d| d.abs()).collect();
    let ranks = midranks(&sizes);
    let signed: f64 = nonzero.iter().zip(&ranks).map(|(d, rank)| d.signum() * rank).sum();
    let rank_biserial = signed / ranks.iter().sum::<f64>();
    Ok(Some(EffectSizes { cohens_dz: test.cohens_d, hedges_g: factor * test.cohens_d, rank_biserial }))
}

#[cfg(test)]
mod tests {
    use super::*;

    // NumPy 2.4.6 and SciPy 1.17.1:
    //   x = np.array([.012, -.004, .031, .008, 0, .022, -.011, .017, .005, .029]); m = len(x) - 1
    //   d = x.mean() / x.std(ddof=1)
    //   d * np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    //   y = x[x != 0]; r = stats.rankdata(abs(y)); (r[y > 0].sum() - r[y < 0].sum()) / r.sum()
    #[test]
    fn agrees_with_scipy() {
        let x = [0.012, -0.004, 0.031, 0.008, 0.0, 0.022, -0.011, 0.017, 0.005, 0.029];
        let effects = effect_sizes(&x).unwrap().unwrap();
        assert!((effects.cohens_dz - 0.780_143_027_294_373_2).abs() < 1e-13);
        assert!((effects.hedges_g - 0.712_953_124_651_359_6).abs() < 1e-12, "{}", effects.hedges_g);
        assert!((effects.rank_biserial - 0.777_777_777_777_777_8).abs() < 1e-15);
        let turned = effect_sizes(&x.map(|d| -d)).unwrap().unwrap();
        assert_eq!(turned.rank_biserial, -effects.rank_biserial);
        assert_eq!(turned.hedges_g, -effects.hedges_g);
    }

    #[test]
    fn without_spread_there_is_no_effect_size() {
        assert_eq!(effect_sizes(&[0.1, 0.2]).unwrap(), None);
        assert_eq!(effect_sizes(&[0.1; 5]).unwrap(), None);
        assert!(effect_sizes(&[0.1, f64::INFINITY, 0.2]).is_err());
    }
}
