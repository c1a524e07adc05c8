//! Aligning windows that hold a motif somewhere, on either strand: a small motif finder.
//!
//! The windows are those at which an explanation points, one a sequence, so almost every one holds a
//! site and it suffices to look a few bases around. The method is hard-assignment
//! expectation-maximisation with at most one site a sequence (the model of Bailey and Elkan 1994; they
//! weight all placements, here the best one counts):
//!
//! 1. Seeds are the words of six letters that most exceed their expectation over the windows, under a
//!    first-order Markov chain of all sequences, both strands together. Where sites may lie on both
//!    strands, a word and its reverse complement are counted as one.
//! 2. From each seed: place every window where the log-odds matrix scores highest among all shifts and
//!    strands; a window is a site where that score exceeds log2(placements), the score at which chance
//!    alone would explain it; count the sites anew, until the sites stay the same.
//! 3. The frame moves to the columns with the most information, and 2. is repeated.
//! 4. The seed with the largest sum of score - log2(placements) wins; the first of equals.
//! 5. Any windows give some alignment. That sum must exceed, by a margin, those of the same search in
//!    controls, windows drawn from the Markov chain; otherwise there is no further motif.
//! 6. Windows that are no site of it are aligned again, for a further motif.
//!
//! Placements may reach over the edge of a sequence, where bases are unknown: they score 0 and count a
//! quarter each. Everything is deterministic. Cost: (1 + controls) × seeds × iterations × windows ×
//! placements × width additions for each motif.

use demo_core::{Background, CountMatrix, DnaSequence, Seed, Strand};
use serde::{Deserialize, Serialize};

use crate::error::check_setting;
use crate::search::{Alignment, Search};
use crate::seeds::{Chain, WORD};
use crate::sites::{Site, count, count_span, informative_span};
use crate::{Error, Result};

/// How windows are aligned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlignmentConfig {
    /// How far a site may lie from its window's start, in bases.
    pub shift: usize,
    /// Whether sites may lie on the reverse strand.
    pub both_strands: bool,
    /// Number of seeds tried for each motif.
    pub seeds: usize,
    /// Rounds of placing and counting at most.
    pub iterations: usize,
    /// Number of motifs at most.
    pub motifs: usize,
    /// Number of controls that a motif must be stronger than.
    pub controls: usize,
    /// How many times stronger than each of them.
    pub margin: f64,
    /// Alignments of fewer sites are no motif.
    pub minimum_sites: usize,
    /// Columns at both ends with less information than this, in bits, are cut off.
    pub trim: f64,
    /// Motifs narrower than this after trimming are dropped.
    pub minimum_width: usize,
}

impl Default for AlignmentConfig {
    fn default() -> Self {
        Self {
            shift: 7,
            both_strands: true,
            seeds: 6,
            iterations: 30,
            motifs: 3,
            controls: 2,
            margin: 1.25,
            minimum_sites: 10,
            trim: 0.25,
            minimum_width: 6,
        }
    }
}

/// A motif of aligned windows.
#[derive(Debug, Clone, PartialEq)]
pub struct AlignedMotif {
    /// Base counts, trimmed.
    pub counts: CountMatrix,
    /// The windows of the same columns, in the order in which they were given.
    pub sites: Vec<Site>,
}

/// Alignment with settings that were checked.
#[derive(Debug, Clone)]
pub struct Aligner {
    config: AlignmentConfig,
}

impl Aligner {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] at the first that is outside its range.
    pub fn new(config: AlignmentConfig) -> Result<Self> {
        let counted = |name, value: usize| check_setting(name, value as f64, value > 0, "at least 1");
        let shift = config.shift as f64;
        check_setting("shift", shift, shift <= 1000.0, "at most 1000")?;
        counted("seeds", config.seeds)?;
        counted("iterations", config.iterations)?;
        counted("motifs", config.motifs)?;
        counted("minimum_sites", config.minimum_sites)?;
        check_setting("margin", config.margin, config.margin >= 1.0, "at least 1")?;
        let within = (0.0..=2.0).contains(&config.trim);
        check_setting("trim", config.trim, within, "between 0 and 2 bits")?;
        counted("minimum_width", config.minimum_width)?;
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &AlignmentConfig {
        &self.config
    }

    /// Finds motifs of `width` columns, before trimming, in windows (sequence, start) of that width.
    ///
    /// # Errors
    /// [`Error::Setting`] where the width is less than 6, [`Error::Window`] where a window does not lie
    /// within its sequence, [`Error::WindowSequence`] where there is no such sequence.
    pub fn align(
        &self,
        sequences: &[DnaSequence],
        windows: &[(usize, usize)],
        width: usize,
    ) -> Result<Vec<AlignedMotif>> {
        check_setting("width", width as f64, width >= WORD, "at least 6")?;
        for &(sequence, start) in windows {
            let Some(length) = sequences.get(sequence).map(DnaSequence::len) else {
                return Err(Error::WindowSequence { sequence, found: sequences.len() });
            };
            let end = start.saturating_add(width);
            if end > length {
                return Err(Error::Window { sequence, span: start..end, length });
            }
        }
        let chain = Chain::new(sequences);
        let mut motifs = Vec::new();
        let mut left = windows.to_vec();
        for _ in 0..self.config.motifs {
            let search = Search::new(&self.config, &chain, sequences, &left, width);
            let Some(found) = search.best().filter(|found| self.beats_controls(found, &search)) else {
                break;
            };
            let placed = left.iter().zip(&found.placed);
            left = placed.filter(|(_, site)| site.is_none()).map(|(window, _)| *window).collect();
            motifs.extend(self.finish(sequences, found.to_sites(), width)?);
        }
        Ok(motifs)
    }

    /// Whether an alignment is stronger than what the same search finds where there is no motif.
    fn beats_controls(&self, found: &Alignment, search: &Search<'_>) -> bool {
        // The stream is fixed: an alignment is a property of its windows alone.
        let mut stream = Seed::new(0).stream("alignment controls");
        (0..self.config.controls).all(|_| {
            let (sequences, windows) = search.control(&mut stream);
            let control = Search::new(&self.config, search.chain, &sequences, &windows, search.width);
            control.best().is_none_or(|control| found.strength > self.config.margin * control.strength)
        })
    }

    /// Counts the sites and cuts off what says nothing; `None` where too little is left.
    fn finish(
        &self,
        sequences: &[DnaSequence],
        sites: Vec<Site>,
        width: usize,
    ) -> Result<Option<AlignedMotif>> {
        let rows = count(sequences, &sites, width, (0, 0)); // (width, 4)
        let probabilities = CountMatrix::new(rows.clone())?.to_probabilities(0.0, &Background::UNIFORM);
        let Some(span) = informative_span(&probabilities, self.config.trim, self.config.minimum_width) else {
            return Ok(None);
        };
        let cut = |site: Site| {
            let skipped = match site.strand {
                Strand::Forward => span.start,
                Strand::Reverse => width - span.end,
            };
            Site { start: site.start + skipped.cast_signed(), ..site }
        };
        let counts = count_span(&rows, span.clone())?;
        Ok(Some(AlignedMotif { counts, sites: sites.into_iter().map(cut).collect() }))
    }
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;
    use proptest::prelude::*;
    use rand::Rng;

    use super::*;
    use crate::toy::{planted, random_sequences};

    const WORD: &str = "GGATTACGCT";

    fn align(
        config: AlignmentConfig,
        sequences: &[DnaSequence],
        windows: &[(usize, usize)],
    ) -> Vec<AlignedMotif> {
        Aligner::new(config).unwrap().align(sequences, windows, 15).unwrap()
    }

    /// Windows of 15 that hold the site, at different places within them.
    fn windows(starts: &[usize], length: usize) -> Vec<(usize, usize)> {
        let window = |(n, start): (usize, &usize)| (n, start.saturating_sub(n % 6).min(length - 15));
        starts.iter().enumerate().map(window).collect()
    }

    fn either_strand(motif: &AlignedMotif) -> [String; 2] {
        let matrix = motif.counts.to_probabilities(0.0, &Background::UNIFORM);
        [matrix.consensus(), matrix.to_reverse_complement().consensus()]
    }

    #[test]
    fn a_motif_on_both_strands_is_found_where_it_was_planted() {
        let (sequences, starts) = planted(WORD, 120, 60, true, 1);
        let motifs = align(AlignmentConfig::default(), &sequences, &windows(&starts, 60));
        assert!(either_strand(&motifs[0]).contains(&WORD.to_owned()), "{motifs:?}");
        assert_eq!(motifs[0].sites.len(), 120);
        for site in &motifs[0].sites {
            assert_eq!(site.start, starts[site.sequence].cast_signed());
        }
        let first = motifs[0].sites[0].strand;
        for site in &motifs[0].sites {
            assert_eq!(site.strand == first, site.sequence % 2 == 0);
        }
    }

    #[test]
    fn one_strand_finds_half_of_them() {
        let (sequences, starts) = planted(WORD, 120, 60, true, 1);
        let config = AlignmentConfig { both_strands: false, ..AlignmentConfig::default() };
        let motifs = align(config, &sequences, &windows(&starts, 60));
        assert_eq!(motifs[0].sites.len(), 60);
        assert!(motifs[0].sites.iter().all(|site| site.strand == Strand::Forward));
    }

    #[test]
    fn one_strand_is_searched_with_words_that_it_holds() {
        // The reverse complements of its words come first: folded with them, none would be in any window.
        let one_strand = AlignmentConfig { both_strands: false, controls: 0, ..AlignmentConfig::default() };
        let found = |seed: &u64| {
            let (sequences, starts) = planted("TTGTTTAC", 12, 40, false, *seed);
            let motifs = align(one_strand.clone(), &sequences, &windows(&starts, 40));
            motifs.first().is_some_and(|motif| either_strand(motif)[0].contains("TTGTTTAC"))
        };
        assert_eq!((0..12).filter(found).count(), 12);
    }

    #[test]
    fn two_motifs_are_two_alignments() {
        let (mut sequences, mut starts) = planted(WORD, 100, 60, true, 1);
        let (others, their_starts) = planted("TTCAGAAC", 60, 60, true, 2);
        sequences.extend(others);
        starts.extend(their_starts);
        let motifs = align(AlignmentConfig::default(), &sequences, &windows(&starts, 60));
        assert!(either_strand(&motifs[0]).contains(&WORD.to_owned()));
        assert!(either_strand(&motifs[1]).iter().any(|c| c.contains("TTCAGAAC")), "{motifs:?}");
    }

    /// Instances that keep each letter of the word with probability 0.8, on both strands, in two of
    /// three windows; the other windows are random.
    fn degenerate(word: &str, n: usize, seed: u64) -> (Vec<DnaSequence>, Vec<(usize, usize)>) {
        let word: DnaSequence = word.parse().unwrap();
        let mut stream = Seed::new(seed).stream("degenerate");
        let make = |(i, mut codes): (usize, Vec<u8>)| {
            let start = 20 + stream.random_range(0..8);
            let letter = |&code: &u8| if stream.random_bool(0.8) { code } else { stream.random_range(0..4) };
            let site: Vec<u8> = word.as_codes().iter().map(letter).collect();
            if i % 3 > 0 {
                codes[start..start + site.len()].copy_from_slice(&site);
            }
            let dna = DnaSequence::from_codes(codes).unwrap();
            if i % 2 == 0 { dna } else { dna.to_reverse_complement() }
        };
        let sequences = random_sequences(n, 60, seed).into_iter().enumerate().map(make).collect();
        let window = |n| (n, if n % 2 == 0 { 18 } else { 60 - 18 - 15 });
        (sequences, (0..n).map(window).collect())
    }

    #[test]
    fn degenerate_sites_among_random_windows_are_found() {
        for (word, seed) in [("TGAGTCAT", 1), ("CCAAGGTCAC", 2), ("AGATAAGA", 3), ("GCCCCGCCCC", 4)] {
            let (sequences, windows) = degenerate(word, 300, seed);
            let motifs = align(AlignmentConfig::default(), &sequences, &windows);
            let found = either_strand(&motifs[0]);
            assert!(found.iter().any(|c| c.contains(word)), "{word}: {found:?} {}", motifs[0].sites.len());
            assert!((140..=240).contains(&motifs[0].sites.len()), "{word}: {}", motifs[0].sites.len());
        }
    }

    #[test]
    fn windows_without_a_motif_give_none() {
        for seed in 0..5 {
            let codes = random_sequences(300, 60, seed).into_iter();
            let sequences: Vec<DnaSequence> = codes.map(|c| DnaSequence::from_codes(c).unwrap()).collect();
            let windows: Vec<(usize, usize)> = (0..300).map(|n| (n, 20)).collect();
            assert_eq!(align(AlignmentConfig::default(), &sequences, &windows), []);
            let unchecked = AlignmentConfig { controls: 0, ..AlignmentConfig::default() };
            assert!(!align(unchecked, &sequences, &windows).is_empty());
        }
    }

    #[test]
    fn sites_are_where_the_counts_come_from() {
        let (sequences, starts) = planted(WORD, 50, 40, true, 4);
        for motif in align(AlignmentConfig::default(), &sequences, &windows(&starts, 40)) {
            let rows = count(&sequences, &motif.sites, motif.counts.width(), (0, 0));
            assert_eq!(rows, motif.counts.rows());
        }
    }

    #[test]
    fn windows_outside_their_sequence_are_named() {
        let (sequences, _) = planted(WORD, 20, 40, true, 4);
        let aligner = Aligner::new(AlignmentConfig::default()).unwrap();
        let refuse = |window| aligner.align(&sequences, &[window], 15).unwrap_err().to_string();
        assert_eq!(refuse((3, 30)), "window 30..45 of sequence 4: wanted it within 0..40");
        assert_eq!(refuse((20, 0)), "window of sequence 21: found 20 sequences");
        assert!(aligner.align(&sequences, &[(0, 0)], 5).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn the_other_strand_gives_the_same_motif(seed in 0_u64..1000) {
            let (sequences, starts) = planted(WORD, 40, 40, true, seed);
            let forward = windows(&starts, 40);
            let turned: Vec<DnaSequence> = sequences.iter().map(DnaSequence::to_reverse_complement).collect();
            let backward: Vec<(usize, usize)> = forward.iter().map(|&(n, s)| (n, 40 - 15 - s)).collect();
            let config = AlignmentConfig { motifs: 1, ..AlignmentConfig::default() };
            let [a, b] = [align(config.clone(), &sequences, &forward), align(config, &turned, &backward)];
            prop_assert_eq!(a[0].sites.len(), b[0].sites.len());
            prop_assert!(either_strand(&a[0]).contains(&either_strand(&b[0])[0]));
        }

        #[test]
        fn noise_and_unknown_bases_are_survived(seed in 0_u64..1000, unknown in 0_usize..25) {
            let mut codes = random_sequences(30, 25, seed);
            for codes in &mut codes {
                codes[..unknown].fill(4);
            }
            let sequences: Vec<DnaSequence> = codes.into_iter().map(|c| DnaSequence::from_codes(c).unwrap()).collect();
            let windows: Vec<(usize, usize)> = (0..30).map(|n| (n, n % 11)).collect();
            for motif in align(AlignmentConfig::default(), &sequences, &windows) {
                for row in motif.counts.rows() {
                    prop_assert!((row.iter().sum::<f64>() - motif.sites.len() as f64).abs() < 1e-9);
                }
            }
        }
    }
}
