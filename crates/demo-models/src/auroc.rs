//! The area under the ROC curve that training watches: the Mann-Whitney statistic, ties counting one
//! half. O(n log n). Published figures are computed elsewhere, with intervals; this one only steers.

/// `None` where one class is missing or a score is not a number.
pub(crate) fn auroc(scores: &[f64], labels: &[u8]) -> Option<f64> {
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let positives: usize = labels.iter().map(|&label| usize::from(label)).sum();
    let negatives = labels.len() - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut rank_sum, mut start) = (0.0, 0);
    // Every group of equal scores gets the mean of its ranks.
    for group in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let mean_rank = start as f64 + f64::midpoint(group.len() as f64, 1.0);
        rank_sum += mean_rank * group.iter().filter(|&&at| labels[at] == 1).count() as f64;
        start += group.len();
    }
    let (p, n) = (positives as f64, negatives as f64);
    Some((rank_sum - p * (p + 1.0) / 2.0) / (p * n))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(auroc(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1]), Some(0.75));
        assert_eq!(auroc(&[1.0; 4], &[0, 1, 0, 1]), Some(0.5));
        assert_eq!(auroc(&[0.0, -0.0, 1.0], &[0, 1, 1]), Some(0.75));
        assert_eq!(auroc(&[0.1, 0.2], &[1, 1]), None);
        assert_eq!(auroc(&[f64::NAN, 0.2], &[0, 1]), None);
    }

    proptest! {
        #[test]
        fn equals_the_share_of_pairs_won(
            pairs in prop::collection::vec((0u8..6, 0u8..2), 2..40),
        ) {
            let scores: Vec<f64> = pairs.iter().map(|&(score, _)| f64::from(score)).collect();
            let labels: Vec<u8> = pairs.iter().map(|&(_, label)| label).collect();
            let (mut won, mut all) = (0.0, 0.0);
            for (i, j) in (0..labels.len()).flat_map(|i| (0..labels.len()).map(move |j| (i, j))) {
                if labels[i] == 1 && labels[j] == 0 {
                    all += 1.0;
                    won += if scores[i] > scores[j] { 1.0 } else if scores[i] == scores[j] { 0.5 } else { 0.0 };
                }
            }
            let wanted = (all > 0.0).then_some(won / all);
            prop_assert_eq!(auroc(&scores, &labels).is_some(), wanted.is_some());
            let (area, wanted) = (auroc(&scores, &labels).unwrap_or(0.0), wanted.unwrap_or(0.0));
            prop_assert!((area - wanted).abs() < 1e-12);
        }
    }
}
