//! The scan itself: motifs prepared once, then any number of sequences.

use std::ops::Range;

use demo_core::{CountMatrix, DnaSequence, Motif, Strand};
use rayon::prelude::*;

use super::coded::Coded;
use super::kernel::{Tables, candidates};
use super::weights::Weights;
use super::{ScanOptions, ScanQValues, ScanThreshold, Tally};
use crate::{Error, Result};

/// Windows that are scanned with all motifs before the next ones: their pairs stay in the fastest cache.
const SPAN: usize = 1 << 14;

/// The number of sites assumed where a motif does not say.
const SITES: f64 = 100.0;

/// A window of a sequence that a motif matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The motif's index in the list of motifs.
    pub motif: usize,
    /// The first base, from 0.
    pub start: usize,
    /// One past the last base.
    pub end: usize,
    /// The strand that reads as the motif does.
    pub strand: Strand,
    /// Log-odds in bits.
    pub score: f64,
    /// How often a random window of the background scores as high.
    pub p_value: f64,
    /// What it loses against the motif's best window, in the motif's own steps.
    pub(super) loss: u32,
}

/// A hit in one of several sequences, with its q-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequenceHit {
    /// The sequence's index in the list of sequences.
    pub sequence: usize,
    /// The window.
    pub hit: Hit,
    /// The false discovery rate among the motif's windows that score at least as high.
    pub q_value: f64,
}

/// A sequence, or the part of a longer one that is in memory.
///
/// A part holds the bases that follow its windows' starts, so that windows across its end are whole; the next
/// part starts where its windows' starts end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch<'a> {
    /// The bases.
    pub sequence: &'a DnaSequence,
    /// Where they begin in the whole sequence; hits count from its beginning.
    pub first: usize,
    /// How many of the bases may start a window.
    pub starts: usize,
}

impl<'a> From<&'a DnaSequence> for Stretch<'a> {
    fn from(sequence: &'a DnaSequence) -> Self {
        Self { sequence, first: 0, starts: sequence.len() }
    }
}

/// One strand of a motif.
#[derive(Debug, Clone)]
struct MotifStrand {
    strand: Strand,
    losses: Vec<[u32; 4]>,
    tables: Tables,
}

/// A motif as it is scanned for.
#[derive(Debug, Clone)]
struct Prepared {
    weights: Weights,
    /// The p-value of every loss that a hit may have.
    tail: Vec<f64>,
    strands: Vec<MotifStrand>,
}

impl Prepared {
    fn new(weights: Weights, tail: Vec<f64>, both_strands: bool) -> Self {
        let largest = tail.len().saturating_sub(1);
        let reverse = both_strands.then(|| (Strand::Reverse, weights.to_reverse_complement()));
        let strands = std::iter::once((Strand::Forward, weights.clone()))
            .chain(reverse)
            .map(|(strand, weights)| MotifStrand {
                strand,
                losses: weights.losses().to_vec(),
                tables: Tables::new(weights.losses(), largest),
            })
            .collect();
        Self { weights, tail, strands }
    }

    /// Calls `found` with strand, start and loss of every window that loses no more than the tail has.
    fn visit(
        &self,
        coded: &Coded,
        starts: &Range<usize>,
        scratch: &mut Vec<u32>,
        mut found: impl FnMut(Strand, usize, u32),
    ) {
        if self.tail.is_empty() {
            return;
        }
        let width = self.weights.width();
        for MotifStrand { strand, losses, tables } in &self.strands {
            for windows in coded.windows(starts.clone(), width) {
                scratch.clear();
                candidates(&coded.pairs()[windows.start..], tables, windows.len(), scratch);
                for &window in &*scratch {
                    let start = windows.start + window as usize;
                    let bases = coded.codes()[start..start + width].iter();
                    let lost: u64 =
                        bases.zip(losses).map(|(&base, row)| u64::from(row[usize::from(base & 3)])).sum();
                    if lost < self.tail.len() as u64 {
                        found(*strand, start, lost as u32);
                    }
                }
            }
        }
    }
}

/// What is reused from span to span.
#[derive(Debug, Default)]
struct Scratch {
    coded: Coded,
    candidates: Vec<u32>,
}

/// Motifs ready to be looked for.
///
/// ```
/// use demo_core::{DnaSequence, Motif, ProbabilityMatrix};
/// use demo_motifmatch::{ScanOptions, Scanner};
///
/// let row = |letter| std::array::from_fn(|base| if "ACGT".find(letter) == Some(base) { 0.97 } else { 0.01 });
/// let motif = Motif::new("gata", ProbabilityMatrix::new("AGATAAG".chars().map(row).collect())?);
/// let scanner = Scanner::new(&[motif], ScanOptions::default())?;
/// let hits = scanner.scan(&"CCCTTATCTCNNAGATAAG".parse::<DnaSequence>()?);
/// assert_eq!((hits[0].start, hits[0].end, hits[0].strand.symbol()), (2, 9, '-'));
/// assert_eq!((hits[1].start, hits[1].end, hits[1].strand.symbol()), (12, 19, '+'));
/// assert_eq!(hits[0].p_value, 0.25f64.powi(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Scanner {
    options: ScanOptions,
    motifs: Vec<Prepared>,
    widest: usize,
}

impl Scanner {
    /// Prepares the motifs.
    ///
    /// # Errors
    /// [`Error::NoMotifs`] without motifs, and what [`ScanOptions`] cannot ask for.
    pub fn new(motifs: &[Motif], options: ScanOptions) -> Result<Self> {
        options.check()?;
        if motifs.is_empty() {
            return Err(Error::NoMotifs);
        }
        let background =
            if options.both_strands { options.background.to_both_strands() } else { options.background };
        let limit = options.threshold.largest_p();
        let prepare = |motif: &Motif| {
            let matrix = counts(motif)
                .map_err(|source| Error::Motif { id: motif.id().to_owned(), source })?
                .to_probabilities(options.motif_pseudocount, &background);
            let weights = Weights::new(&matrix.to_log_odds(&background));
            let tail = weights.tail(&background, limit);
            Ok(Prepared::new(weights, tail, options.both_strands))
        };
        let prepared = motifs.par_iter().map(prepare).collect::<Result<_>>()?;
        let widest = motifs.iter().map(Motif::width).max().unwrap_or(0);
        Ok(Self { options, motifs: prepared, widest })
    }

    /// What was asked for.
    pub fn options(&self) -> &ScanOptions {
        &self.options
    }

    /// Width of the widest motif; a [`Stretch`] needs one base fewer beyond its windows' starts.
    pub fn widest(&self) -> usize {
        self.widest
    }

    /// The indices of motifs that cannot have a hit: even their best window is more frequent than the threshold
    /// allows.
    pub fn without_hits(&self) -> impl Iterator<Item = usize> {
        (0..self.motifs.len()).filter(|&motif| self.motifs[motif].tail.is_empty())
    }

    /// The least score of a hit of a motif; `None` where it cannot have one.
    ///
    /// # Panics
    /// Where there is no such motif.
    pub fn least_score(&self, motif: usize) -> Option<f64> {
        let prepared = &self.motifs[motif];
        prepared.tail.len().checked_sub(1).map(|loss| prepared.weights.score(loss))
    }

    /// The hits in one sequence, by start, motif and strand.
    ///
    /// With a threshold on q these are the windows that may be hits, those whose p-value does not exceed it;
    /// [`Scanner::search`] and [`Scanner::at_q_value`] tell which of them are.
    pub fn scan(&self, sequence: &DnaSequence) -> Vec<Hit> {
        self.scan_all(&[sequence.into()]).pop().unwrap_or_default()
    }

    /// The hits in each sequence or part of one, by start, motif and strand; the work is shared out among the
    /// threads of the rayon pool. The result does not depend on their number.
    pub fn scan_all(&self, stretches: &[Stretch<'_>]) -> Vec<Vec<Hit>> {
        let spans = spans(stretches);
        let hits: Vec<Vec<Hit>> = spans
            .par_iter()
            .map_init(Scratch::default, |scratch, (index, span)| {
                self.scan_span(&stretches[*index], span, scratch)
            })
            .collect();
        let mut all: Vec<Vec<Hit>> = vec![Vec::new(); stretches.len()];
        for ((index, _), hits) in spans.into_iter().zip(hits) {
            // Most sequences are one span, whose list is taken as it is.
            if all[index].is_empty() { all[index] = hits } else { all[index].extend(hits) }
        }
        all
    }

    /// The hits in a set of sequences with their q-values, by p-value, then motif, sequence, start and strand.
    pub fn search(&self, sequences: &[DnaSequence]) -> Vec<SequenceHit> {
        let stretches: Vec<Stretch<'_>> = sequences.iter().map(Stretch::from).collect();
        let mut tally = Tally::new(self);
        let (hits, q_values) = match self.options.threshold {
            ScanThreshold::PValue(_) => {
                let hits = self.scan_all(&stretches);
                tally.add_windows(&stretches);
                for hits in &hits {
                    tally.add_hits(hits);
                }
                (hits, tally.q_values(self))
            }
            ScanThreshold::QValue(limit) => {
                self.count(&stretches, &mut tally);
                let q_values = tally.q_values(self);
                (self.at_q_value(&q_values, limit).scan_all(&stretches), q_values)
            }
        };
        let mut found: Vec<SequenceHit> = hits
            .into_iter()
            .enumerate()
            .flat_map(|(sequence, hits)| hits.into_iter().map(move |hit| (sequence, hit)))
            .map(|(sequence, hit)| SequenceHit { sequence, hit, q_value: q_values.of(&hit) })
            .collect();
        found.par_sort_by(SequenceHit::order);
        found
    }

    /// Counts the windows of these sequences and their losses, without a list of them.
    ///
    /// # Panics
    /// Where the tally was made for a scanner of other motifs, strands or another threshold.
    pub fn count(&self, stretches: &[Stretch<'_>], tally: &mut Tally) {
        tally.check(self);
        tally.add_windows(stretches);
        let spans = spans(stretches);
        let coded: Vec<(Coded, Range<usize>)> = spans
            .par_iter()
            .map(|(index, span)| {
                let mut coded = Coded::default();
                coded.fill(self.bases(&stretches[*index], span), self.widest);
                (coded, 0..span.len())
            })
            .collect();
        // Motifs are shared out, so that none is counted twice at a time; where they are few, spans are too.
        let threads = rayon::current_num_threads();
        let parts = if self.motifs.len() >= 4 * threads { 1 } else { threads };
        let part_length = coded.len().div_ceil(parts).max(1);
        let tasks: Vec<_> = (0..self.motifs.len())
            .flat_map(|motif| coded.chunks(part_length).map(move |part| (motif, part)))
            .collect();
        let count = |scratch: &mut Vec<u32>, (motif, part): (usize, &[(Coded, Range<usize>)])| {
            let mut counts = vec![0u64; self.motifs[motif].tail.len()];
            for (coded, starts) in part {
                self.motifs[motif].visit(coded, starts, scratch, |_, _, loss| counts[loss as usize] += 1);
            }
            (motif, counts)
        };
        let counted: Vec<(usize, Vec<u64>)> = tasks.into_par_iter().map_init(Vec::new, count).collect();
        for (motif, counts) in counted {
            tally.add_counts(motif, &counts);
        }
    }

    /// A scanner of the same motifs whose hits are the windows with a q-value up to `limit`.
    ///
    /// # Panics
    /// Where the q-values are of other motifs or strands.
    #[must_use]
    pub fn at_q_value(&self, q_values: &ScanQValues, limit: f64) -> Self {
        q_values.check(self);
        let both_strands = self.options.both_strands;
        let narrow = |(motif, prepared): (usize, &Prepared)| {
            let within = q_values.within(motif, limit).min(prepared.tail.len());
            let tail = prepared.tail[..within].to_vec();
            Prepared::new(prepared.weights.clone(), tail, both_strands)
        };
        let motifs = self.motifs.iter().enumerate().map(narrow).collect();
        Self { options: self.options.clone(), motifs, widest: self.widest }
    }

    /// Number of motifs, and of each the columns and the p-values of the losses that are looked for.
    pub(super) fn tails(&self) -> impl Iterator<Item = (usize, &[f64])> {
        self.motifs.iter().map(|motif| (motif.weights.width(), motif.tail.as_slice()))
    }

    /// The motifs as they are scored.
    pub(super) fn weights(&self) -> impl Iterator<Item = &Weights> {
        self.motifs.iter().map(|motif| &motif.weights)
    }

    fn scan_span(&self, stretch: &Stretch<'_>, span: &Range<usize>, scratch: &mut Scratch) -> Vec<Hit> {
        let Scratch { coded, candidates } = scratch;
        coded.fill(self.bases(stretch, span), self.widest);
        let first = stretch.first + span.start;
        let mut hits = Vec::new();
        for (index, motif) in self.motifs.iter().enumerate() {
            motif.visit(coded, &(0..span.len()), candidates, |strand, start, loss| {
                hits.push(Hit {
                    motif: index,
                    start: first + start,
                    end: first + start + motif.weights.width(),
                    strand,
                    score: motif.weights.score(loss as usize),
                    p_value: motif.tail[loss as usize],
                    loss,
                });
            });
        }
        hits.sort_unstable_by_key(|hit| (hit.start, hit.motif, hit.strand));
        hits
    }

    /// The bases of the windows that start in a span.
    fn bases<'a>(&self, stretch: &Stretch<'a>, span: &Range<usize>) -> &'a [u8] {
        let codes = stretch.sequence.as_codes();
        &codes[span.start..(span.end + self.widest - 1).min(codes.len())]
    }
}

impl SequenceHit {
    /// By p-value, then motif, sequence, start and strand.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        let place = |found: &Self| (found.hit.motif, found.sequence, found.hit.start, found.hit.strand);
        self.hit.p_value.total_cmp(&other.hit.p_value).then_with(|| place(self).cmp(&place(other)))
    }
}

/// The matrix as counts of sites, a hundred of them where the motif does not say.
fn counts(motif: &Motif) -> demo_core::Result<CountMatrix> {
    let sites = motif.site_count().filter(|&sites| sites.is_finite() && sites > 0.0).unwrap_or(SITES);
    CountMatrix::new(
        motif.probabilities().to_normalised().rows().iter().map(|row| row.map(|p| p * sites)).collect(),
    )
}

/// The windows' starts of each stretch, [`SPAN`] at a time.
fn spans(stretches: &[Stretch<'_>]) -> Vec<(usize, Range<usize>)> {
    let cut = |(index, stretch): (usize, &Stretch<'_>)| {
        let starts = stretch.starts.min(stretch.sequence.len());
        (0..starts).step_by(SPAN).map(move |start| (index, start..(start + SPAN).min(starts)))
    };
    stretches.iter().enumerate().flat_map(cut).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
