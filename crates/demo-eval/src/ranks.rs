//! Ranks in which ties share their mean: what Wilcoxon's and DeLong's statistics are made of.

/// The 1-based rank of each value, ties sharing the mean of theirs. O(n log n).
///
/// Values must not be NaN, and zeros must have one sign.
pub(crate) fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for tie in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = f64::midpoint((below + 1) as f64, (below + tie.len()) as f64);
        for &index in tie {
            ranks[index] = rank;
        }
        below += tie.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    // SciPy 1.17.1: scipy.stats.rankdata([3, 1, 3, 2, 3]) -> [4, 1, 4, 2, 4]
    #[test]
    fn ties_share_the_mean() {
        assert_eq!(midranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(midranks(&[1.0, 1.0]), [1.5, 1.5]);
        assert!(midranks(&[]).is_empty());
    }
}
