//! The search for one motif in windows, by hard-assignment expectation-maximisation from several seeds.
//! What it does and costs is told in [`crate::align`].

use demo_core::{Background, DnaSequence, Strand};
use rand::Rng;

use crate::AlignmentConfig;
use crate::seeds::{Chain, WORD, frequent_words};
use crate::sites::{Site, code_at, count};

/// The probability of a seed's own letter in the first matrix.
const SEED_LETTER: f64 = 0.7;

/// Observations of the background that every column is mixed with, so that no score is infinite.
const PSEUDOCOUNT: f64 = 1.0;

/// Scores of a site's bases, column by column: four log-odds and 0 for an unknown base, in eight places
/// so that the compiler sees that a code cut to three bits is within them.
type Scores = Vec<[f32; 8]>;

/// Where every window of an alignment holds the motif.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alignment {
    /// The sum over sites of their score above chance, in bits.
    pub(crate) strength: f64,
    /// One entry a window; `None` where it is no site.
    pub(crate) placed: Vec<Option<Site>>,
}

impl Alignment {
    pub(crate) fn to_sites(&self) -> Vec<Site> {
        self.placed.iter().flatten().copied().collect()
    }
}

/// The search for one motif in windows of one width.
pub(crate) struct Search<'a> {
    config: &'a AlignmentConfig,
    /// What sequences without a motif look like.
    pub(crate) chain: &'a Chain,
    sequences: &'a [DnaSequence],
    windows: &'a [(usize, usize)],
    /// What each window's placements read, `shift` bases further than the window on both sides.
    regions: Vec<Vec<u8>>,
    pub(crate) width: usize,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        config: &'a AlignmentConfig,
        chain: &'a Chain,
        sequences: &'a [DnaSequence],
        windows: &'a [(usize, usize)],
        width: usize,
    ) -> Self {
        let region = |&(sequence, start): &(usize, usize)| {
            let first = start.cast_signed() - config.shift.cast_signed();
            let last = (start + width + config.shift).cast_signed();
            (first..last).map(|p| code_at(sequences[sequence].as_codes(), p)).collect()
        };
        let regions = windows.iter().map(region).collect();
        Self { config, chain, sequences, windows, regions, width }
    }

    /// The alignment of the best seed; `None` where no seed has enough sites.
    pub(crate) fn best(&self) -> Option<Alignment> {
        let background = self.chain.to_background();
        let words = frequent_words(self.sequences, self.windows, self.width, self.chain, self.config);
        let found = words.into_iter().map(|word| self.climb(word, &background));
        found
            .filter(|found| found.placed.iter().flatten().count() >= self.config.minimum_sites)
            .reduce(|best, found| if found.strength > best.strength { found } else { best })
    }

    /// As many windows as there are, drawn from the chain, unknown where these are unknown.
    pub(crate) fn control(&self, stream: &mut impl Rng) -> (Vec<DnaSequence>, Vec<(usize, usize)>) {
        let sequences =
            self.regions.iter().filter_map(|region| self.chain.draw_like(region, stream)).collect();
        (sequences, (0..self.regions.len()).map(|n| (n, self.config.shift)).collect())
    }

    /// From a seed word to sites that no longer change, with the sum of what they score above chance.
    fn climb(&self, word: [u8; WORD], background: &Background) -> Alignment {
        let before = (self.width - WORD) / 2;
        let mut rows = vec![background.frequencies(); self.width];
        for (row, &letter) in rows[before..].iter_mut().zip(&word) {
            *row = std::array::from_fn(|base| {
                if base == usize::from(letter) { SEED_LETTER } else { (1.0 - SEED_LETTER) / 3.0 }
            });
        }
        let found = self.iterate(self.place(&log_odds(&rows, background)), background);
        // A seed's letters sit in the middle of the frame, the motif need not.
        let sites = found.to_sites();
        let reach = self.width / 2;
        let rows = count(self.sequences, &sites, self.width, (reach, reach));
        let first = most_informative(&rows, self.width, background);
        if first == reach || sites.is_empty() {
            return found;
        }
        let rows = &rows[first..first + self.width];
        let moved = self.iterate(self.place(&log_odds(rows, background)), background);
        if moved.strength > found.strength { moved } else { found }
    }

    /// Counts and places until the sites stay the same.
    fn iterate(&self, mut found: Alignment, background: &Background) -> Alignment {
        for _ in 0..self.config.iterations {
            let sites = found.to_sites();
            let rows = count(self.sequences, &sites, self.width, (0, 0));
            let next = self.place(&log_odds(&rows, background));
            let settled = next.placed == found.placed;
            found = next;
            if settled {
                break;
            }
        }
        found
    }

    /// The best placement of every window, where it scores above chance, and the sum of what they do.
    fn place(&self, forward: &Scores) -> Alignment {
        let turn = |&[a, c, g, t, n, ..]: &[f32; 8]| [t, g, c, a, n, 0.0, 0.0, 0.0];
        let reverse: Scores = forward.iter().rev().map(turn).collect();
        let strands: &[(Strand, &Scores)] = if self.config.both_strands {
            &[(Strand::Forward, forward), (Strand::Reverse, &reverse)]
        } else {
            &[(Strand::Forward, forward)]
        };
        let offsets = 2 * self.config.shift + 1;
        let chance = ((offsets * strands.len()) as f64).log2();
        let mut scores = vec![0.0; offsets];
        let mut strength = 0.0;
        let place = |(codes, &(sequence, start)): (&Vec<u8>, &(usize, usize))| {
            let mut best = (f32::NEG_INFINITY, 0, Strand::Forward);
            for &(strand, columns) in strands {
                score_all(columns, codes, &mut scores);
                for (offset, &score) in scores.iter().enumerate() {
                    if score > best.0 {
                        best = (score, offset, strand);
                    }
                }
            }
            let above = f64::from(best.0) - chance;
            if above <= 0.0 {
                return None;
            }
            strength += above;
            let start = (start + best.1).cast_signed() - self.config.shift.cast_signed();
            Some(Site { sequence, start, strand: best.2 })
        };
        let placed = self.regions.iter().zip(self.windows).map(place).collect();
        Alignment { strength, placed }
    }
}

/// The score of every offset. Offsets run inside columns, so that their sums do not wait for each other.
fn score_all(columns: &[[f32; 8]], codes: &[u8], scores: &mut [f32]) {
    scores.fill(0.0);
    for (first, column) in columns.iter().enumerate() {
        for (score, &code) in scores.iter_mut().zip(&codes[first..]) {
            *score += column[usize::from(code & 7)];
        }
    }
}

fn log_odds(rows: &[[f64; 4]], background: &Background) -> Scores {
    let frequencies = background.frequencies();
    let column = |row: &[f64; 4]| {
        let total: f64 = row.iter().sum::<f64>() + PSEUDOCOUNT;
        let mut scores = [0.0; 8];
        for (score, (count, f)) in scores.iter_mut().zip(row.iter().zip(frequencies)) {
            *score = ((count + PSEUDOCOUNT * f) / total / f).log2() as f32;
        }
        scores
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
