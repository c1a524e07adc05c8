//! Queries from temporal scores: the bases before the steepest rise of each sequence.
//!
//! As published, nine bases up to and with the one at which the prefix scores rise most; read from the
//! other end, the nine bases from the one at which the suffix scores rise most. A rise at which the
//! window would leave the sequence is passed over for the steepest one at which it fits. A site of
//! either strand makes the scores rise, and not always at its last base, so windows are aligned unless
//! they are to be stacked as they are. Cost: one pass over the scores, then that of [`Aligner`].

use demo_core::{Background, CountMatrix, DnaSequence, Motif, Strand};
use serde::{Deserialize, Serialize};

use super::{QueryMotif, QuerySource, aligned_queries, check_width};
use crate::align::{Aligner, AlignmentConfig};
use crate::error::check_setting;
use crate::sites::{Site, count};
use crate::{Error, Result, TemporalScores};

/// Which scores are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemporalSide {
    /// The prefix scores, as published.
    Prefixes,
    /// The suffix scores, mirrored.
    Suffixes,
    /// Both, as separate motifs.
    Both,
}

/// How motifs are made of temporal scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemporalQueryConfig {
    /// Width of the windows, in bases.
    pub width: usize,
    /// Which scores are read.
    pub side: TemporalSide,
    /// P(bound) must rise by more than this.
    pub minimum_rise: f32,
    /// How windows are aligned; `None` stacks them as they are, one motif a side.
    pub alignment: Option<AlignmentConfig>,
    /// With windows stacked, fewer sites are no motif.
    pub minimum_sites: usize,
}

impl Default for TemporalQueryConfig {
    fn default() -> Self {
        Self {
            width: 9,
            side: TemporalSide::Prefixes,
            minimum_rise: 0.0,
            alignment: Some(AlignmentConfig { shift: 4, ..AlignmentConfig::default() }),
            minimum_sites: 10,
        }
    }
}

/// Motifs of the windows before the steepest rises, named `temporal_prefix_1`, `temporal_suffix_1` and
/// so on, the first of each side with the strongest alignment.
///
/// # Errors
/// Without sequences, where scores and sequences do not agree, and at a setting outside its range; the
/// width lies between 1, or 6 where windows are aligned, and the sequences' length.
pub fn temporal_queries(
    sequences: &[DnaSequence],
    scores: &[TemporalScores],
    config: &TemporalQueryConfig,
) -> Result<Vec<QueryMotif>> {
    let rise = config.minimum_rise;
    check_setting("minimum_rise", rise.into(), (0.0..1.0).contains(&rise), "at least 0, below 1")?;
    if sequences.is_empty() {
        return Err(Error::NoSequences { method: "temporal queries" });
    }
    if scores.len() != sequences.len() {
        return Err(Error::Count { what: "temporal scores", found: scores.len(), wanted: sequences.len() });
    }
    for (sequence, (dna, scores)) in sequences.iter().zip(scores).enumerate() {
        let wanted = dna.len();
        for found in [scores.prefix.len(), scores.suffix.len()] {
            if found != wanted {
                return Err(Error::AttributionLength { sequence, found, wanted });
            }
        }
        check_width(config.width, wanted, config.alignment.as_ref())?;
    }
    let mut queries = Vec::new();
    if config.side != TemporalSide::Suffixes {
        queries.extend(motifs(sequences, &prefix_windows(scores, config), "temporal_prefix", config)?);
    }
    if config.side != TemporalSide::Prefixes {
        queries.extend(motifs(sequences, &suffix_windows(scores, config), "temporal_suffix", config)?);
    }
    Ok(queries)
}

/// (sequence, start) of the window that ends at each sequence's steepest prefix rise.
fn prefix_windows(scores: &[TemporalScores], config: &TemporalQueryConfig) -> Vec<(usize, usize)> {
    let window = |(sequence, scores): (usize, &TemporalScores)| {
        let positions = config.width - 1..scores.prefix.len();
        let rise = scores.prefix_rise(positions).filter(|rise| rise.height > config.minimum_rise)?;
        Some((sequence, rise.position + 1 - config.width))
    };
    scores.iter().enumerate().filter_map(window).collect()
}

/// (sequence, start) of the window that begins at each sequence's steepest suffix rise.
fn suffix_windows(scores: &[TemporalScores], config: &TemporalQueryConfig) -> Vec<(usize, usize)> {
    let window = |(sequence, scores): (usize, &TemporalScores)| {
        let positions = 0..(scores.suffix.len() + 1).saturating_sub(config.width);
        let rise = scores.suffix_rise(positions).filter(|rise| rise.height > config.minimum_rise)?;
        Some((sequence, rise.position))
    };
    scores.iter().enumerate().filter_map(window).collect()
}

fn motifs(
    sequences: &[DnaSequence],
    windows: &[(usize, usize)],
    name: &str,
    config: &TemporalQueryConfig,
) -> Result<Vec<QueryMotif>> {
    if let Some(alignment) = &config.alignment {
        let motifs = Aligner::new(alignment.clone())?.align(sequences, windows, config.width)?;
        return Ok(aligned_queries(&motifs, name, QuerySource::Temporal));
    }
    if windows.len() < config.minimum_sites.max(1) {
        return Ok(Vec::new());
    }
    let site = |&(sequence, start): &(usize, usize)| Site {
        sequence,
        start: start.cast_signed(),
        strand: Strand::Forward,
    };
    let sites: Vec<Site> = windows.iter().map(site).collect();
    let counts = CountMatrix::new(count(sequences, &sites, config.width, (0, 0)))?;
    let motif = Motif::new(format!("{name}_1"), counts.to_probabilities(0.0, &Background::UNIFORM))
        .with_site_count(sites.len() as f64);
    Ok(vec![QueryMotif::new(motif, QuerySource::Temporal, None, Some(sites.len()))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporal_scores;
    use crate::toy::{MaxScan, Toy, planted, word_weights};

    const WORD: &str = "CGATTACGC";

    fn scores(sequences: &[DnaSequence], length: usize) -> Vec<TemporalScores> {
        let mut model = Toy::new(length, MaxScan { weights: word_weights(WORD), bias: -8.0 });
        model.recurrent = true;
        temporal_scores(&mut model, sequences).unwrap().unwrap()
    }

    fn stacked(side: TemporalSide) -> TemporalQueryConfig {
        TemporalQueryConfig { side, alignment: None, ..TemporalQueryConfig::default() }
    }

    #[test]
    fn windows_lie_where_the_scores_rise() {
        let (sequences, starts) = planted(WORD, 30, 50, false, 3);
        let scores = scores(&sequences, 50);
        let expected: Vec<(usize, usize)> = starts.into_iter().enumerate().collect();
        assert_eq!(prefix_windows(&scores, &stacked(TemporalSide::Prefixes)), expected);
        assert_eq!(suffix_windows(&scores, &stacked(TemporalSide::Suffixes)), expected);
        // Of a model that reads ahead, whose scores rise as much earlier.
        let inner = |found: Vec<(usize, usize)>| -> Vec<(usize, usize)> {
            found.into_iter().filter(|(n, _)| (2..39).contains(&expected[*n].1)).collect()
        };
        let mut ahead = scores.clone();
        for scores in &mut ahead {
            scores.lookahead = 2;
            scores.prefix.rotate_left(2);
            let last = scores.prefix[47];
            scores.prefix[48..].fill(last);
            scores.suffix.rotate_right(2);
            let first = scores.suffix[2];
            scores.suffix[..2].fill(first);
        }
        let wanted = inner(expected.clone());
        assert!(wanted.len() > 20, "{wanted:?}");
        assert_eq!(inner(prefix_windows(&ahead, &stacked(TemporalSide::Prefixes))), wanted);
        assert_eq!(inner(suffix_windows(&ahead, &stacked(TemporalSide::Suffixes))), wanted);
    }

    #[test]
    fn a_planted_motif_is_recovered_stacked_and_aligned() {
        let (sequences, _) = planted(WORD, 60, 50, false, 3);
        let one = scores(&sequences, 50);
        let queries = temporal_queries(&sequences, &one, &stacked(TemporalSide::Both)).unwrap();
        let found: Vec<(&str, String)> =
            queries.iter().map(|q| (q.motif.id(), q.motif.probabilities().consensus())).collect();
        let expected = [("temporal_prefix_1", WORD.to_owned()), ("temporal_suffix_1", WORD.to_owned())];
        assert_eq!(found, expected);
        assert_eq!(queries[0].sites, Some(60));

        // Sites of both strands are told apart by the alignment alone.
        let (sequences, _) = planted(WORD, 60, 50, true, 3);
        let queries =
            temporal_queries(&sequences, &scores(&sequences, 50), &TemporalQueryConfig::default()).unwrap();
        let matrix = queries[0].motif.probabilities();
        let strands = [matrix.consensus(), matrix.to_reverse_complement().consensus()];
        assert!(strands.contains(&WORD.to_owned()), "{strands:?}");
        assert_eq!((queries[0].sites, queries[0].source), (Some(60), QuerySource::Temporal));
    }

    #[test]
    fn flat_scores_give_no_query() {
        let (sequences, _) = planted(WORD, 20, 50, false, 3);
        let flat = TemporalScores { prefix: vec![0.5; 50], suffix: vec![0.5; 50], lookahead: 0 };
        let scores = vec![flat; 20];
        for config in [stacked(TemporalSide::Both), TemporalQueryConfig::default()] {
            assert!(temporal_queries(&sequences, &scores, &config).unwrap().is_empty());
        }
        for (alignment, least) in [(None, 1), (Some(AlignmentConfig::default()), 6)] {
            for width in [least - 1, 51] {
                let config = TemporalQueryConfig {
                    width,
                    alignment: alignment.clone(),
                    ..stacked(TemporalSide::Both)
                };
                let error = temporal_queries(&sequences, &scores, &config).unwrap_err();
                let wanted =
                    format!("width: found {width}, wanted between {least} and the sequences' length");
                assert_eq!(error.to_string(), wanted);
            }
        }
        let error = temporal_queries(&sequences, &scores[..3], &stacked(TemporalSide::Both)).unwrap_err();
        assert_eq!(error.to_string(), "found 3 temporal scores for 20 sequences, wanted one each");
    }
}
