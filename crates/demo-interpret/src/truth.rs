//! The true sites of a simulated sequence, in the form that scores are compared with.
//!
//! Plain flags say which positions lie in a site. [`SiteTruth`] says more: a position of a site weighs
//! as much as its column says, bits / 2, so that a column without information is nothing to be found
//! and one that always holds the same base weighs as much as a position outside; and a hit by chance,
//! which an explanation is right to point at although no one planted it, can be masked. Cost: linear.

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

/// A site and what its columns say.
#[derive(Debug, Clone, PartialEq)]
pub struct InformativeSite {
    /// The positions, 0-based and half-open.
    pub span: Range<usize>,
    /// The bits of information of the column at each position, in the order of the positions.
    pub information: Vec<f64>,
}

/// What lies at each position of a sequence, and how much it weighs.
///
/// ```
/// use demo_interpret::{InformativeSite, SiteTruth};
///
/// let site = InformativeSite { span: 2..4, information: vec![2.0, 0.5] };
/// let truth = SiteTruth::new(6, &[site], &[3..5])?;
/// assert_eq!(truth.site(), [false, false, true, true, false, false]);
/// // A hit by chance at 3..5 masks what lies outside the site.
/// assert_eq!(truth.weights(), [1.0, 1.0, 1.0, 0.25, 0.0, 1.0]);
/// # Ok::<(), demo_interpret::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SiteTruth {
    site: Vec<bool>,
    weights: Vec<f64>,
}

impl SiteTruth {
    /// The truth of a sequence of `length` bases. Where sites overlap, the larger weight counts; spans
    /// of chance hits mask the positions that are in no site.
    ///
    /// # Errors
    /// [`Error::Span`] at the first site or hit that is empty or leaves the sequence,
    /// [`Error::Information`] where a site has more or fewer columns than positions.
    pub fn new(length: usize, sites: &[InformativeSite], chance_hits: &[Range<usize>]) -> Result<Self> {
        let spans: Vec<Range<usize>> = sites.iter().map(|site| site.span.clone()).collect();
        let site = site_mask(length, &spans)?;
        let masked = site_mask(length, chance_hits)?;
        let mut weights: Vec<f64> =
            site.iter().zip(masked).map(|(&site, masked)| if site || masked { 0.0 } else { 1.0 }).collect();
        for InformativeSite { span, information } in sites {
            if span.len() != information.len() {
                return Err(Error::Information { span: span.clone(), found: information.len() });
            }
            for (weight, bits) in weights[span.clone()].iter_mut().zip(information) {
                *weight = weight.max(bits / MOST_BITS);
            }
        }
        Ok(Self { site, weights })
    }

    /// Whether each position lies in a site.
    pub fn site(&self) -> &[bool] {
        &self.site
    }

    /// The weight of each position, 0 where it is masked.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }
}

/// Bits of a column that always holds the same base.
const MOST_BITS: f64 = 2.0;

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

    #[test]
    fn a_site_weighs_what_it_says_and_is_never_masked() {
        let site = |span: Range<usize>, bits: &[f64]| InformativeSite { span, information: bits.to_vec() };
        let sites = [site(1..4, &[0.0, 1.0, 2.0]), site(3..5, &[0.5, 0.5])];
        let truth = SiteTruth::new(7, &sites, &[0..2, 2..6]).unwrap();
        assert_eq!(truth.site(), [false, true, true, true, true, false, false]);
        assert_eq!(truth.weights(), [0.0, 0.0, 0.5, 1.0, 0.25, 0.0, 1.0]);
        assert!(matches!(SiteTruth::new(7, &[site(5..8, &[1.0; 3])], &[]), Err(Error::Span { .. })));
        let error = SiteTruth::new(7, &[site(1..4, &[1.0])], &[]).unwrap_err();
        assert_eq!(error.to_string(), "site 1..4: found the information of 1 positions, wanted that of 3");
    }
}
