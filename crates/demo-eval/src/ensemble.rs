//! The ensemble of several classifiers: the mean of their probabilities, kept as log-odds.
//!
//! The mean probability is what a deep ensemble predicts (Lakshminarayanan, Pritzel, Blundell 2017). No
//! member can outvote the others by being sure of itself, as it can in a mean of log-odds. The mean is
//! formed from logarithms and handed on as log-odds, because probabilities of confident members round to 1
//! and would tie. O(members × examples).

use crate::error::{check_finite, check_length};
use crate::predictions::softplus;
use crate::{Error, Result};

/// Log-odds of the mean of the members' probabilities, example by example; one member is returned as it is.
///
/// The ensemble of ensembles is a mean of means: each of them weighs the same, whatever its size.
///
/// ```
/// // Probabilities of 0.5 and 0.9 have the mean 0.7.
/// let log_odds = demo_eval::ensemble_log_odds(&[&[0.0], &[9f64.ln()]])?;
/// assert!((log_odds[0] - (0.7f64 / 0.3).ln()).abs() < 1e-12);
/// # Ok::<(), demo_eval::Error>(())
/// ```
///
/// # Errors
///
/// Without members, when their lengths differ, or when a number is not finite.
pub fn ensemble_log_odds(members: &[&[f64]]) -> Result<Vec<f64>> {
    let Some(first) = members.first() else {
        return Err(Error::TooFew { what: "members of an ensemble", found: 0, wanted: 1 });
    };
    for member in members {
        check_length("log-odds of a member", member.len(), first.len())?;
        check_finite("log-odds of a member", member)?;
    }
    if members.len() == 1 {
        return Ok(first.to_vec());
    }
    let mut bound = vec![0.0; members.len()];
    let mut unbound = vec![0.0; members.len()];
    let log_odds = |example: usize| {
        for (place, member) in members.iter().enumerate() {
            bound[place] = -softplus(-member[example]);
            unbound[place] = -softplus(member[example]);
        }
        log_sum_exp(&bound) - log_sum_exp(&unbound)
    };
    Ok((0..first.len()).map(log_odds).collect())
}

/// ln Σ eˣ without overflow.
fn log_sum_exp(values: &[f64]) -> f64 {
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    highest + values.iter().map(|value| (value - highest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // SciPy 1.17.1:
    //   from scipy.special import expit, logit; import numpy as np
    //   x = np.array([[1.5, -2, .3], [-.5, -4, 2], [3, 1, .1]]); logit(expit(x).mean(0))
    #[test]
    fn agrees_with_scipy() {
        let members: [&[f64]; 3] = [&[1.5, -2.0, 0.3], &[-0.5, -4.0, 2.0], &[3.0, 1.0, 0.1]];
        let found = ensemble_log_odds(&members).unwrap();
        for (found, wanted) in
            found.iter().zip([0.924_196_621_076_007, -0.898_222_536_729_318_5, 0.663_619_222_828_081_5])
        {
            assert!((found - wanted).abs() < 1e-12, "{found} {wanted}");
        }
    }

    #[test]
    fn the_surest_examples_do_not_tie() {
        // The probabilities of all three round to 1.
        let found = ensemble_log_odds(&[&[50.0, 60.0, 400.0], &[70.0, 61.0, 900.0]]).unwrap();
        assert!(found[0] < found[1] && found[1] < found[2] && found[2].is_finite(), "{found:?}");
        assert_eq!(ensemble_log_odds(&[&[50.0, -800.0]]).unwrap(), [50.0, -800.0]);
    }

    #[test]
    fn members_must_fit() {
        assert!(ensemble_log_odds(&[]).is_err());
        assert!(ensemble_log_odds(&[&[0.0, 1.0], &[0.0]]).is_err());
        assert!(ensemble_log_odds(&[&[0.0], &[f64::NAN]]).is_err());
    }

    proptest! {
        #[test]
        fn it_is_the_mean_of_probabilities(members in prop::collection::vec(prop::array::uniform4(-20.0f64..20.0), 1..6)) {
            let slices: Vec<&[f64]> = members.iter().map(<[f64; 4]>::as_slice).collect();
            let found = ensemble_log_odds(&slices).unwrap();
            for example in 0..4 {
                let mean = members.iter().map(|m| 1.0 / (1.0 + (-m[example]).exp())).sum::<f64>() / members.len() as f64;
                let probability = 1.0 / (1.0 + (-found[example]).exp());
                prop_assert!((probability - mean).abs() < 1e-12);
            }
        }
    }
}
