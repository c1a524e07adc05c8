//! Queries from saliency: the window of highest total attribution of each sequence, aligned.
//!
//! Cost: one pass over the attributions, then that of [`Aligner`].

use demo_core::{Attribution, DnaSequence};
use serde::{Deserialize, Serialize};

use super::{QueryMotif, QuerySource, aligned_queries, check_width};
use crate::align::{Aligner, AlignmentConfig};
use crate::{Error, Result};

/// How motifs are made of attributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaliencyQueryConfig {
    /// Width of the windows, in bases.
    pub width: usize,
    /// How they are aligned.
    pub alignment: AlignmentConfig,
}

impl Default for SaliencyQueryConfig {
    fn default() -> Self {
        Self { width: 15, alignment: AlignmentConfig::default() }
    }
}

/// Motifs of the windows at which attributions are highest, named `saliency_1` and so on, the first
/// with the strongest alignment.
///
/// # Errors
/// Without sequences, where attributions and sequences do not agree, at a score that is not finite, and
/// at a setting outside its range; the width lies between 6 and the sequences' length.
pub fn saliency_queries(
    sequences: &[DnaSequence],
    attributions: &[Attribution],
    config: &SaliencyQueryConfig,
) -> Result<Vec<QueryMotif>> {
    let aligner = Aligner::new(config.alignment.clone())?;
    if sequences.is_empty() {
        return Err(Error::NoSequences { method: "saliency queries" });
    }
    if attributions.len() != sequences.len() {
        let (found, wanted) = (attributions.len(), sequences.len());
        return Err(Error::Count { what: "attributions", found, wanted });
    }
    let mut windows = Vec::with_capacity(sequences.len());
    for (sequence, (dna, attribution)) in sequences.iter().zip(attributions).enumerate() {
        let (found, wanted) = (attribution.scores().len(), dna.len());
        if found != wanted {
            return Err(Error::AttributionLength { sequence, found, wanted });
        }
        check_width(config.width, wanted, Some(&config.alignment))?;
        windows.push((sequence, highest(sequence, attribution.scores(), config.width)?));
    }
    let motifs = aligner.align(sequences, &windows, config.width)?;
    Ok(aligned_queries(&motifs, "saliency", QuerySource::Saliency))
}

/// Start of the window with the largest sum, the first of equals.
fn highest(sequence: usize, scores: &[f32], width: usize) -> Result<usize> {
    if let Some(index) = scores.iter().position(|s| !s.is_finite()) {
        return Err(Error::NonFinite { what: "attribution", sequence, index, found: scores[index] });
    }
    // Sums over each window anew: a running sum would carry rounding errors along and break ties.
    let sums = scores.windows(width).map(|w| w.iter().map(|&s| f64::from(s)).sum::<f64>());
    let best = sums.enumerate().fold((0, f64::NEG_INFINITY), |a, b| if b.1 > a.1 { b } else { a });
    Ok(best.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saliency;
    use crate::toy::{MaxScan, Toy, planted, word_weights};

    const WORD: &str = "CGATTACGCA";

    #[test]
    fn a_planted_motif_is_recovered_from_both_strands() {
        let (sequences, _) = planted(WORD, 80, 60, true, 7);
        let mut model = Toy::new(60, MaxScan { weights: word_weights(WORD), bias: -4.0 });
        let maps = saliency(&mut model, &sequences).unwrap();
        let queries = saliency_queries(&sequences, &maps, &SaliencyQueryConfig::default()).unwrap();
        let best = &queries[0];
        let matrix = best.motif.probabilities();
        assert!([matrix.consensus(), matrix.to_reverse_complement().consensus()].contains(&WORD.to_owned()));
        assert_eq!((best.sites, best.width, best.anchor), (Some(80), 10, None));
        assert_eq!((best.motif.id(), best.source), ("saliency_1", QuerySource::Saliency));
        assert_eq!(best.motif.site_count(), Some(80.0));
        let again = saliency_queries(&sequences, &maps, &SaliencyQueryConfig::default()).unwrap();
        assert_eq!(again, queries);
    }

    #[test]
    fn the_highest_window_is_the_first_of_equals() {
        assert_eq!(highest(0, &[0.0, 1.0, 2.0, 2.0, 1.0, 0.0], 2).unwrap(), 2);
        assert_eq!(highest(0, &[1.0; 9], 3).unwrap(), 0);
        let error = highest(4, &[0.0, f32::INFINITY], 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "attribution of sequence 5, value 1: found inf, wanted a finite number"
        );
    }

    #[test]
    fn attributions_must_belong_to_the_sequences() {
        let (sequences, _) = planted(WORD, 2, 20, true, 7);
        let config = SaliencyQueryConfig::default();
        let map = |length| Attribution::new("m", "t", vec![0.0; length]);
        let ask =
            |sequences: &[DnaSequence], maps: &[Attribution]| saliency_queries(sequences, maps, &config);
        assert!(matches!(ask(&[], &[]), Err(Error::NoSequences { .. })));
        assert!(matches!(ask(&sequences, &[map(20)]), Err(Error::Count { found: 1, wanted: 2, .. })));
        let wrong = [map(20), map(19)];
        assert!(matches!(ask(&sequences, &wrong), Err(Error::AttributionLength { sequence: 1, .. })));
        // Two windows are fewer than the least number of sites.
        assert!(ask(&sequences, &[map(20), map(20)]).unwrap().is_empty());
        for width in [0, 5, 21] {
            let config = SaliencyQueryConfig { width, ..config.clone() };
            let error = saliency_queries(&sequences, &[map(20), map(20)], &config).unwrap_err();
            let wanted = format!("width: found {width}, wanted between 6 and the sequences' length");
            assert_eq!(error.to_string(), wanted);
        }
    }
}
