//! The true sites of a simulated sequence, in the form that scores are compared with.

use std::ops::Range;

use crate::{Error, Result};

/// One flag a position: whether it lies in any of the true sites (0-based, half-open).
///
/// With an attribution's scores beside it, a site is found as well as the flags are ranked: AUROC and
/// AUPRC over positions.
///
/// ```
/// let mask = demo_interpret::site_mask(6, &[1..3, 2..4])?;
/// assert_eq!(mask, [false, true, true, true, false, false]);
/// # Ok::<(), demo_interpret::Error>(())
/// ```
///
/// # Errors
/// [`Error::Span`] at the first site that is empty or leaves the sequence.
pub fn site_mask(length: usize, sites: &[Range<usize>]) -> Result<Vec<bool>> {
    let mut mask = vec![false; length];
    for span in sites {
        match mask.get_mut(span.clone()) {
            Some(positions) if !positions.is_empty() => positions.fill(true),
            _ => return Err(Error::Span { span: span.clone(), length }),
        }
    }
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_outside_the_sequence_are_named() {
        for span in [4..7, 3..3, 9..10] {
            match site_mask(6, std::slice::from_ref(&span)) {
                Err(Error::Span { span: found, length: 6 }) => assert_eq!(found, span),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(site_mask(2, &[]).unwrap(), [false, false]);
    }
}
