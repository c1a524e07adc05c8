//! Aligning windows that hold a motif somewhere, on either strand: a small motif finder.
//!
//! The windows are those at which an explanation points, one a sequence, so almost every one holds a
//! site and it suffices to look a few bases around. The method is hard-assignment
//! expectation-maximisation with at most one site a sequence (the model of Bailey and Elkan 1994; they
//! weight all placements, here the best one counts):
//!
//! 1. Seeds are the words of six letters that most exceed their expectation over the windows, under a
//!    first-order Markov chain of all sequences, both strands together.
//! 2. From each seed: place every window where the log-odds matrix scores highest among all shifts and
//!    strands; a window is a site where that score exceeds log2(placements), the score at which chance
//!    alone would explain it; count the sites anew, until the sites stay the same.
//! 3. The frame moves to the columns with the most information, and 2. is repeated.
//! 4. The seed with the largest sum of score - log2(placements) wins; the first of equals.
//! 5. Windows that are no site of it are aligned again, for a further motif.
//!
//! Placements may reach over the edge of a sequence, where bases are unknown: they score 0 and count a
//! quarter each. Everything is deterministic. Cost: seeds × iterations × windows × placements × width additions.

use demo_core::{Background, CountMatrix, DnaSequence, Strand};
use serde::{Deserialize, Serialize};

use crate::error::check_setting;
use crate::seeds::{WORD, frequent_words};
use crate::sites::{Site, code_at, count, count_span, informative_span};
use crate::{Error, Result};

/// The probability of a seed's own letter in the first matrix.
const SEED_LETTER: f64 = 0.7;

/// Observations of the background that every column is mixed with, so that no score is infinite.
const PSEUDOCOUNT: f64 = 1.0;

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
            seeds: 8,
            iterations: 30,
            motifs: 3,
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
    /// [`Error::Setting`] where the width is less than 6, [`Error::Span`] where a window does not lie
    /// within its sequence.
    pub fn align(
        &self,
        sequences: &[DnaSequence],
        windows: &[(usize, usize)],
        width: usize,
    ) -> Result<Vec<AlignedMotif>> {
        check_setting("width", width as f64, width >= WORD, "at least 6")?;
        for &(sequence, start) in windows {
            let length = sequences.get(sequence).map_or(0, DnaSequence::len);
            if start + width > length {
                return Err(Error::Span { span: start..start + width, length });
            }
        }
        let mut motifs = Vec::new();
        let mut left = windows.to_vec();
        while motifs.len() < self.config.motifs && left.len() >= self.config.minimum_sites {
            let search = Search::new(&self.config, sequences, &left, width);
            let Some(placed) = search.best() else { break };
            left = left.iter().zip(&placed).filter(|(_, p)| p.is_none()).map(|(w, _)| *w).collect();
            motifs.extend(self.finish(sequences, placed.into_iter().flatten().collect(), width)?);
        }
        Ok(motifs)
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

/// Scores of a site's bases: four log-odds and 0 for an unknown base, column by column.
type Scores = Vec<[f32; 5]>;

/// The search for one motif.
struct Search<'a> {
    config: &'a AlignmentConfig,
    sequences: &'a [DnaSequence],
    windows: &'a [(usize, usize)],
    /// What each window's placements read, `shift` bases further than the window on both sides.
    regions: Vec<Vec<u8>>,
    width: usize,
}

impl<'a> Search<'a> {
    fn new(
        config: &'a AlignmentConfig,
        sequences: &'a [DnaSequence],
        windows: &'a [(usize, usize)],
        width: usize,
    ) -> Self {
        let region = |&(sequence, start): &(usize, usize)| {
            let first = start.cast_signed() - config.shift.cast_signed();
            let last = (start + width + config.shift).cast_signed();
            (first..last).map(|p| code_at(sequences[sequence].as_codes(), p)).collect()
        };
        Self { config, sequences, windows, regions: windows.iter().map(region).collect(), width }
    }

    /// The sites of the best seed, one entry a window; `None` where no seed has enough sites.
    fn best(&self) -> Option<Vec<Option<Site>>> {
        let background = base_frequencies(self.sequences);
        let words = frequent_words(self.sequences, self.windows, self.width, self.config.seeds);
        let mut best: Option<(f64, Vec<Option<Site>>)> = None;
        for word in words {
            let found = self.climb(word, &background);
            if found.1.iter().flatten().count() < self.config.minimum_sites {
                continue;
            }
            if best.as_ref().is_none_or(|best| found.0 > best.0) {
                best = Some(found);
            }
        }
        best.map(|(_, placed)| placed)
    }

    /// From a seed word to sites that no longer change, with the sum of what they score above chance.
    fn climb(&self, word: [u8; WORD], background: &Background) -> (f64, Vec<Option<Site>>) {
        let before = (self.width - WORD) / 2;
        let mut rows = vec![background.frequencies(); self.width];
        for (row, &letter) in rows[before..].iter_mut().zip(&word) {
            *row = std::array::from_fn(|base| {
                if base == usize::from(letter) { SEED_LETTER } else { (1.0 - SEED_LETTER) / 3.0 }
            });
        }
        let found = self.iterate(self.place(&log_odds(&rows, background)), background);
        // A seed's letters sit in the middle of the frame, the motif need not.
        let sites: Vec<Site> = found.1.iter().flatten().copied().collect();
        let reach = self.width / 2;
        let rows = count(self.sequences, &sites, self.width, (reach, reach));
        let first = most_informative(&rows, self.width, background);
        if first == reach || sites.is_empty() {
            return found;
        }
        let rows = &rows[first..first + self.width];
        let moved = self.iterate(self.place(&log_odds(rows, background)), background);
        if moved.0 > found.0 { moved } else { found }
    }

    /// Counts and places until the sites stay the same.
    fn iterate(
        &self,
        mut found: (f64, Vec<Option<Site>>),
        background: &Background,
    ) -> (f64, Vec<Option<Site>>) {
        for _ in 0..self.config.iterations {
            let sites: Vec<Site> = found.1.iter().flatten().copied().collect();
            let rows = count(self.sequences, &sites, self.width, (0, 0));
            let next = self.place(&log_odds(&rows, background));
            let settled = next.1 == found.1;
            found = next;
            if settled {
                break;
            }
        }
        found
    }

    /// The best placement of every window, where it scores above chance, and the sum of what they do.
    fn place(&self, forward: &Scores) -> (f64, Vec<Option<Site>>) {
        let reverse: Scores = forward.iter().rev().map(|&[a, c, g, t, n]| [t, g, c, a, n]).collect();
        let strands: &[(Strand, &Scores)] = if self.config.both_strands {
            &[(Strand::Forward, forward), (Strand::Reverse, &reverse)]
        } else {
            &[(Strand::Forward, forward)]
        };
        let placements = (2 * self.config.shift + 1) * strands.len();
        let mut sum = 0.0;
        let place = |(codes, &(sequence, start)): (&Vec<u8>, &(usize, usize))| {
            let mut best = (f32::NEG_INFINITY, 0, Strand::Forward);
            for &(strand, scores) in strands {
                for (offset, codes) in codes.windows(self.width).enumerate() {
                    let score = score(scores, codes);
                    if score > best.0 {
                        best = (score, offset, strand);
                    }
                }
            }
            let above = f64::from(best.0) - (placements as f64).log2();
            if above <= 0.0 {
                return None;
            }
            sum += above;
            let start = (start + best.1).cast_signed() - self.config.shift.cast_signed();
            Some(Site { sequence, start, strand: best.2 })
        };
        let placed = self.regions.iter().zip(self.windows).map(place).collect();
        (sum, placed)
    }
}

fn score(scores: &[[f32; 5]], codes: &[u8]) -> f32 {
    scores.iter().zip(codes).map(|(row, &code)| row[usize::from(code)]).sum()
}

/// Base frequencies of the sequences, both strands together; every base is taken to occur.
fn base_frequencies(sequences: &[DnaSequence]) -> Background {
    let mut counts = [1.0; 4];
    for &code in sequences.iter().flat_map(DnaSequence::as_codes) {
        if let Some(count) = counts.get_mut(usize::from(code)) {
            *count += 1.0;
        }
    }
    let total: f64 = counts.iter().sum();
    Background::new(counts.map(|c| c / total)).map_or(Background::UNIFORM, |b| b.to_both_strands())
}

fn log_odds(rows: &[[f64; 4]], background: &Background) -> Scores {
    let frequencies = background.frequencies();
    let column = |row: &[f64; 4]| {
        let total: f64 = row.iter().sum::<f64>() + PSEUDOCOUNT;
        std::array::from_fn(|base| match frequencies.get(base) {
            Some(f) => ((row[base] + PSEUDOCOUNT * f) / total / f).log2() as f32,
            None => 0.0,
        })
    };
    rows.iter().map(column).collect()
}

/// The first of the `width` adjacent rows that together differ most from the background.
fn most_informative(rows: &[[f64; 4]], width: usize, background: &Background) -> usize {
    let frequencies = background.frequencies();
    let information: Vec<f64> = rows
        .iter()
        .map(|row| {
            let total: f64 = row.iter().sum::<f64>() + PSEUDOCOUNT;
            let p = |base: usize| (row[base] + PSEUDOCOUNT * frequencies[base]) / total;
            (0..4).map(|base| p(base) * (p(base) / frequencies[base]).log2()).sum()
        })
        .collect();
    let sums = information.windows(width).map(|w| w.iter().sum::<f64>());
    sums.enumerate().fold((0, f64::NEG_INFINITY), |a, b| if b.1 > a.1 { b } else { a }).0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn two_motifs_are_two_alignments() {
        let (mut sequences, mut starts) = planted(WORD, 100, 60, true, 1);
        let (others, their_starts) = planted("TTCAGAAC", 60, 60, true, 2);
        sequences.extend(others);
        starts.extend(their_starts);
        let motifs = align(AlignmentConfig::default(), &sequences, &windows(&starts, 60));
        assert!(either_strand(&motifs[0]).contains(&WORD.to_owned()));
        assert!(either_strand(&motifs[1]).iter().any(|c| c.contains("TTCAGAAC")), "{motifs:?}");
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
        let error = aligner.align(&sequences, &[(3, 30)], 15).unwrap_err();
        assert_eq!(error.to_string(), "site 30..45: wanted a span of at least one base within 0..40");
        assert!(aligner.align(&sequences, &[(20, 0)], 15).is_err());
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
