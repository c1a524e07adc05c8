//! Scores along a sequence against true sites: does an explanation point at what was planted?
//!
//! Positions are examples, those of sites positive. Two things tell this from a classifier: some
//! positions are neither (a hit by chance that no one planted) and are masked; and positions of a site
//! weigh as much as they say, by their information. AUROC and AUPRC are those of scikit-learn with
//! `sample_weight`. One sort: O(n log n).

use serde::{Deserialize, Serialize};

use crate::error::{check_finite, check_length};
use crate::{Error, Result};

/// How well scores find true positions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PositionMetrics {
    /// Weighted area under the ROC curve, ties counting one half.
    pub auroc: f64,
    /// Weighted average precision.
    pub auprc: f64,
    /// The average precision of scores that know nothing: the true positions' share of the weight.
    pub chance_auprc: f64,
    /// Positions that count.
    pub positions: usize,
    /// True ones among them.
    pub true_positions: usize,
}

/// Measures scores along one sequence, or along several laid end to end.
///
/// `weights` are those of positions, not negative; a position of weight 0 is masked, and so is one whose
/// weight is 0 to a computer beside the largest (less than about 1e-308 of it). `None` where no true or no
/// other position is left.
///
/// ```
/// use demo_eval::position_metrics;
///
/// // A site of three positions; a chance hit on the right is masked.
/// let scores = [0.1, 0.9, 0.8, 0.7, 0.0, 0.9];
/// let site = [false, true, true, true, false, false];
/// let weights = [1.0, 2.0, 0.5, 1.5, 1.0, 0.0];
/// let found = position_metrics(&scores, &site, &weights)?.unwrap();
/// assert_eq!((found.auroc, found.auprc, found.positions), (1.0, 1.0, 5));
/// # Ok::<(), demo_eval::Error>(())
/// ```
///
/// # Errors
///
/// When lengths differ, a score or weight is not finite, or a weight is negative.
pub fn position_metrics(scores: &[f64], site: &[bool], weights: &[f64]) -> Result<Option<PositionMetrics>> {
    check_length("positions with truth", site.len(), scores.len())?;
    check_length("weights of positions", weights.len(), scores.len())?;
    check_finite("score of position", scores)?;
    check_finite("weight of position", weights)?;
    if let Some(index) = weights.iter().position(|weight| *weight < 0.0) {
        return Err(Error::NegativeWeight { index, found: weights[index] });
    }
    let weights = scaled(weights);
    let mut order: Vec<usize> = (0..scores.len()).filter(|&place| weights[place] > 0.0).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let weight = |class: bool| -> f64 {
        order.iter().filter(|&&place| site[place] == class).map(|&place| weights[place]).sum()
    };
    let (positives, negatives) = (weight(true), weight(false));
    let true_positions = order.iter().filter(|&&place| site[place]).count();
    if true_positions == 0 || true_positions == order.len() {
        return Ok(None);
    }
    let (mut above_true, mut above_false) = (0.0, 0.0);
    let (mut area, mut precision) = (0.0, 0.0);
    // From the top: each true position beats the negatives below it, and half of those it ties with.
    for tie in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let of = |class: bool| -> f64 {
            tie.iter().filter(|&&place| site[place] == class).map(|&place| weights[place]).sum()
        };
        let (tied_true, tied_false) = (of(true), of(false));
        area += tied_true * (negatives - above_false - tied_false / 2.0);
        above_true += tied_true;
        above_false += tied_false;
        precision += tied_true / positives * above_true / (above_true + above_false);
    }
    Ok(Some(PositionMetrics {
        auroc: (area / (positives * negatives)).clamp(0.0, 1.0),
        auprc: precision.clamp(0.0, 1.0),
        chance_auprc: positives / (positives + negatives),
        positions: order.len(),
        true_positions,
    }))
}

/// The weights over the largest one's power of two, so that no product of their sums leaves the range of
/// numbers. Such a division is exact: it changes no figure.
fn scaled(weights: &[f64]) -> Vec<f64> {
    let largest = weights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    // The exponent's bits alone are the power of two.
    let power = f64::from_bits(largest.to_bits() & f64::INFINITY.to_bits());
    weights.iter().map(|weight| weight / power).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ScoredLabels;
    use crate::roc::tests::scored_examples;

    const SCORES: [f64; 10] = [0.1, 0.9, 0.8, 0.3, 0.3, 0.05, 0.7, 0.2, 0.4, 0.6];
    const SITE: [bool; 10] = [false, true, true, true, false, false, false, false, true, false];
    const WEIGHTS: [f64; 10] = [1.0, 1.5, 0.2, 0.9, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0];

    // scikit-learn 1.9.1, s, t, w as above, keep = all but position 6 in the last:
    //   roc_auc_score(t, s), average_precision_score(t, s)
    //   roc_auc_score(t, s, sample_weight=w), average_precision_score(t, s, sample_weight=w)
    //   roc_auc_score(t[keep], s[keep], sample_weight=w[keep]); average_precision_score likewise
    //   (w * t)[keep].sum() / w[keep].sum()
    #[test]
    fn agrees_with_scikit_learn() {
        let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-14, "{found} {wanted}");
        let plain = position_metrics(&SCORES, &SITE, &[1.0; 10]).unwrap().unwrap();
        close(plain.auroc, 0.8125);
        close(plain.auprc, 0.792_857_142_857_142_9);
        close(plain.chance_auprc, 0.4);
        let weighted = position_metrics(&SCORES, &SITE, &WEIGHTS).unwrap().unwrap();
        close(weighted.auroc, 0.773_550_724_637_681_2);
        close(weighted.auprc, 0.770_213_577_421_815_3);
        let mut masked = WEIGHTS;
        masked[6] = 0.0;
        let masked = position_metrics(&SCORES, &SITE, &masked).unwrap().unwrap();
        close(masked.auroc, 0.854_347_826_086_956_5);
        close(masked.auprc, 0.848_204_524_430_241_4);
        close(masked.chance_auprc, 0.479_166_666_666_666_63);
        assert_eq!((masked.positions, masked.true_positions), (9, 4));
    }

    #[test]
    fn one_class_is_none_and_bad_weights_are_named() {
        assert_eq!(position_metrics(&[0.1, 0.2], &[true, true], &[1.0, 1.0]).unwrap(), None);
        assert_eq!(position_metrics(&[0.1, 0.2], &[true, false], &[0.0, 1.0]).unwrap(), None);
        let error = position_metrics(&[0.1, 0.2], &[true, false], &[1.0, -1.0]).unwrap_err();
        assert!(error.to_string().contains("weight 2: found -1"), "{error}");
        assert!(position_metrics(&[0.1], &[true, false], &[1.0, 1.0]).is_err());
        assert!(position_metrics(&[f64::NAN, 0.2], &[true, false], &[1.0, 1.0]).is_err());
    }

    #[test]
    fn weights_of_any_size_give_figures() {
        for weight in [5e-324, 1e-310, 1e-200, 1e200, f64::MAX] {
            let found = position_metrics(&[1.0, 0.0], &[true, false], &[weight; 2]).unwrap().unwrap();
            assert_eq!((found.auroc, found.auprc, found.chance_auprc), (1.0, 1.0, 0.5), "{weight}");
        }
        let tiny = position_metrics(&[1.0, 0.0], &[true, false], &[1e-300, 1.0]).unwrap().unwrap();
        assert_eq!((tiny.auroc, tiny.auprc), (1.0, 1.0));
        assert_eq!(position_metrics(&[1.0, 0.0], &[true, false], &[1e-300, 1e300]).unwrap(), None);
    }

    proptest! {
        #[test]
        fn a_power_of_two_changes_nothing((labels, scores) in scored_examples(), power in -900_i32..900) {
            let weights: Vec<f64> = (0..labels.len()).map(|place| 0.1 + (place % 7) as f64).collect();
            let large: Vec<f64> = weights.iter().map(|weight| weight * 2f64.powi(power)).collect();
            let found = position_metrics(&scores, &labels, &large).unwrap();
            prop_assert_eq!(found, position_metrics(&scores, &labels, &weights).unwrap());
        }

        #[test]
        fn equal_weights_give_the_unweighted_figures((labels, scores) in scored_examples()) {
            let plain = ScoredLabels::new(&labels, &scores).unwrap();
            let found = position_metrics(&scores, &labels, &vec![0.7; labels.len()]).unwrap().unwrap();
            prop_assert!((found.auroc - plain.auroc()).abs() < 1e-12);
            prop_assert!((found.auprc - plain.auprc()).abs() < 1e-12);
        }

        #[test]
        fn a_masked_position_might_as_well_be_absent((labels, scores) in scored_examples(), at in 0_usize..40) {
            let at = at % labels.len();
            let mut weights = vec![1.0; labels.len()];
            weights[at] = 0.0;
            let without = |place: &usize| *place != at;
            let places: Vec<usize> = (0..labels.len()).filter(without).collect();
            let rest: Vec<f64> = places.iter().map(|&place| scores[place]).collect();
            let truth: Vec<bool> = places.iter().map(|&place| labels[place]).collect();
            let masked = position_metrics(&scores, &labels, &weights).unwrap();
            let absent = position_metrics(&rest, &truth, &vec![1.0; rest.len()]).unwrap();
            prop_assert_eq!(masked, absent);
        }
    }
}
