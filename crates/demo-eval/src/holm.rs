//! Holm's step-down correction for a family of tests (Holm 1979).

/// The corrected p of each test, in the order given.
///
/// A test without a p counts as a member of the family, which can only raise the others, and stays
/// without one.
///
/// ```
/// let corrected = demo_eval::holm(&[Some(0.01), Some(0.04), Some(0.03)]);
/// assert_eq!(corrected, [Some(0.03), Some(0.06), Some(0.06)]);
/// ```
pub fn holm(family: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(f64, usize)> =
        family.iter().enumerate().filter_map(|(index, p)| p.map(|p| (p, index))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut corrected = vec![None; family.len()];
    let mut largest = 0.0_f64;
    for (step, (p, index)) in order.into_iter().enumerate() {
        largest = largest.max(p * (family.len() - step) as f64).min(1.0);
        corrected[index] = Some(largest);
    }
    corrected
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // From the definition, in NumPy 2.4.6:
    //   p = np.array([.04, .001, .03, .02, .5]); o = p.argsort(); m = len(p)
    //   np.minimum(1, np.maximum.accumulate(p[o] * (m - np.arange(m))))[o.argsort()]
    #[test]
    fn agrees_with_the_definition_in_numpy() {
        let family = [0.04, 0.001, 0.03, 0.02, 0.5].map(Some);
        let wanted = [0.09, 0.005, 0.09, 0.08, 0.5];
        for (found, wanted) in holm(&family).into_iter().zip(wanted) {
            assert!((found.unwrap() - wanted).abs() < 1e-15);
        }
    }

    #[test]
    fn what_has_no_p_still_counts() {
        assert_eq!(holm(&[Some(0.01), None, Some(0.9)]), [Some(0.03), None, Some(1.0)]);
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn corrected_p_are_ordered_and_no_smaller(family in proptest::collection::vec(0.0_f64..=1.0, 1..8)) {
            let given: Vec<Option<f64>> = family.iter().copied().map(Some).collect();
            let corrected: Vec<f64> = holm(&given).into_iter().flatten().collect();
            prop_assert_eq!(corrected.len(), family.len());
            for (i, a) in corrected.iter().enumerate() {
                prop_assert!(*a >= family[i] && *a <= 1.0);
                for (j, b) in corrected.iter().enumerate() {
                    prop_assert!(family[i] > family[j] || a <= b);
                }
            }
        }
    }
}
