//! Temperature scaling: one number that makes a network's probabilities honest.
//!
//! Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern Neural Networks* (ICML 2017): log-odds
//! are divided by a temperature, fitted by the log loss on examples that were not trained on. Ranks,
//! hence AUROC, stay as they are. With b = 1/T the loss is convex, its derivative the mean of
//! z (sigmoid(b z) - y), whose root is found by halving an interval: some 100 passes.

use crate::error::{check_finite, check_length};
use crate::predictions::sigmoid;
use crate::{Error, Result};

/// Temperatures outside are not worth telling apart: all but certain, or all but a coin.
const RANGE: (f64, f64) = (1e-3, 1e3);

/// The temperature that fits log-odds to labels best; above 1 the predictions were too sure.
///
/// Where even the extreme is not enough (a perfect separation wants 0, a model worse than chance
/// infinity), the nearer end of .001 to 1,000 is given.
///
/// ```
/// let labels = [true, false, true, false];
/// // Right three times of four at log-odds of 3, which promises nineteen of twenty.
/// let temperature = demo_eval::fit_temperature(&labels, &[3.0, -3.0, 3.0, 3.0])?;
/// assert!((temperature - 3.0 / 3.0_f64.ln()).abs() < 1e-9);
/// # Ok::<(), demo_eval::Error>(())
/// ```
///
/// # Errors
///
/// When the lengths differ, there are no examples, or log-odds are not finite.
pub fn fit_temperature(labels: &[bool], log_odds: &[f64]) -> Result<f64> {
    check_length("log-odds", log_odds.len(), labels.len())?;
    check_finite("log-odds", log_odds)?;
    if labels.is_empty() {
        return Err(Error::TooFew { what: "examples to fit a temperature to", found: 0, wanted: 1 });
    }
    let slope = |inverse: f64| -> f64 {
        let of = |(&label, &z): (&bool, &f64)| z * (sigmoid(inverse * z) - f64::from(u8::from(label)));
        labels.iter().zip(log_odds).map(of).sum()
    };
    let (mut low, mut high) = (1.0 / RANGE.1, 1.0 / RANGE.0);
    if slope(low) >= 0.0 {
        return Ok(RANGE.1);
    }
    if slope(high) <= 0.0 {
        return Ok(RANGE.0);
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Ok(1.0 / middle);
        }
        if slope(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Predictions;
    use crate::calibration::tests::example;

    // SciPy 1.17.1, y and z as in calibration.rs:
    //   b = optimize.brentq(lambda b: np.sum(z * (special.expit(b * z) - y)), 1e-6, 10, xtol=1e-15, rtol=8.9e-16)
    //   1 / b; np.mean(np.logaddexp(0, -(2 * y - 1) * z * b))
    #[test]
    fn agrees_with_scipy() {
        let (labels, log_odds) = example();
        let temperature = fit_temperature(&labels, &log_odds).unwrap();
        assert!((temperature - 0.945_319_268_592_646_5).abs() < 1e-13, "{temperature}");
        let cooled: Vec<f64> = log_odds.iter().map(|z| z / temperature).collect();
        let loss = Predictions::from_log_odds(&labels, &cooled).unwrap().metrics().log_loss;
        assert!((loss - 0.453_574_309_591_624_9).abs() < 1e-14, "{loss}");
    }

    #[test]
    fn extremes_are_named_not_reached() {
        assert_eq!(fit_temperature(&[true, false], &[1.0, -1.0]), Ok(RANGE.0));
        assert_eq!(fit_temperature(&[true, false], &[-1.0, 1.0]), Ok(RANGE.1));
        assert_eq!(fit_temperature(&[true, false], &[0.0, 0.0]), Ok(RANGE.1));
        assert!(fit_temperature(&[], &[]).is_err());
        assert!(fit_temperature(&[true], &[f64::NAN]).is_err());
    }

    proptest! {
        /// The fitted temperature is no worse than those around it, and scales with the log-odds.
        #[test]
        fn the_loss_is_lowest_there(
            examples in prop::collection::vec((any::<bool>(), -6.0..6.0_f64), 4..40),
            scale in 0.1..10.0_f64,
        ) {
            let (labels, log_odds): (Vec<bool>, Vec<f64>) = examples.into_iter().unzip();
            let temperature = fit_temperature(&labels, &log_odds).unwrap();
            let loss = |temperature: f64| -> f64 {
                let of = |(&label, &z): (&bool, &f64)| {
                    let margin = if label { z } else { -z } / temperature;
                    (-margin).exp().ln_1p()
                };
                labels.iter().zip(&log_odds).map(of).sum::<f64>()
            };
            for other in [0.9 * temperature, 1.1 * temperature] {
                let inside = (RANGE.0..=RANGE.1).contains(&other);
                prop_assert!(!inside || loss(temperature) <= loss(other) + 1e-9);
            }
            let inside = temperature * scale > 2.0 * RANGE.0 && temperature * scale < RANGE.1 / 2.0;
            if inside && temperature > RANGE.0 && temperature < RANGE.1 {
                let scaled: Vec<f64> = log_odds.iter().map(|z| z * scale).collect();
                let found = fit_temperature(&labels, &scaled).unwrap();
                prop_assert!((found / (temperature * scale) - 1.0).abs() < 1e-9);
            }
        }
    }
}
