//! The motif that several optimised inputs share, wherever each of them holds it and on either strand.
//!
//! An optimum of [`crate::RelaxedOptimiser`] holds its motif where its start happened to be nearest to
//! one, may hold it more than once, and may be full of bases that mean nothing. What restarts have in
//! common is therefore looked for as a motif is in sequences. With d = p - 1/4, the agreement of two
//! windows is Σ d · d': high where both are informative and say the same, 0 on average where either is
//! uniform or they are unrelated. A window a restart is chosen such that the mean agreement of pairs is
//! high:
//!
//! 1. Each window of the core's width of each restart is a seed; every other restart is placed where it
//!    agrees most with the seed, over all shifts and both strands. The seed of highest mean agreement wins.
//! 2. Each restart is placed anew against the mean of the others, in turn, until nothing moves. No move
//!    lowers the mean agreement.
//! 3. Restarts that agree with the others less than half as well as restarts do on average hold something else
//!    and are left out.
//! 4. The frame grows by the better of its neighbouring columns for as long as the agreement of that column
//!    is a fraction of the frame's mean.
//! 5. The motif is the mean of the windows' probabilities. Where restarts differ, its columns are less sure.
//!
//! Then every copy of the motif, in all restarts, is made uniform, and the search is repeated for a further one.
//! Any inputs give some first motif; beside its agreement stands that of the same search in controls, the
//! letters of every column permuted at random, so that only what agrees is lost. Further motifs are
//! given only where they exceed it. Cost: (1 + controls) × motifs × (restarts × length)² × core.

use demo_core::{ProbabilityMatrix, Seed, Strand};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::error::check_setting;
use crate::sites::Site;

/// Windows less informative than this share of the most informative one are no seeds.
const SEED_SHARE: f32 = 0.25;
/// The share of the usual agreement at which a window counts as holding the motif.
const HOLDS: f32 = 0.5;

/// How shared motifs are looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SharedMotifConfig {
    /// Number of columns that are aligned.
    pub core: usize,
    /// Greatest number of columns of a motif.
    pub maximum_width: usize,
    /// The fraction of the frame's mean agreement that a further column must have.
    pub extension: f64,
    /// Number of motifs at most.
    pub motifs: usize,
    /// Rounds of placing anew at most.
    pub rounds: usize,
    /// Number of controls.
    pub controls: usize,
    /// How many times the highest agreement of the controls a further motif must have.
    pub margin: f64,
}

impl Default for SharedMotifConfig {
    fn default() -> Self {
        Self { core: 8, maximum_width: 21, extension: 0.25, motifs: 3, rounds: 20, controls: 2, margin: 1.25 }
    }
}

/// A motif that restarts share.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedMotif {
    /// The mean of the windows' base probabilities.
    pub probabilities: ProbabilityMatrix,
    /// Where it lies in each restart that holds it; `sequence` is the restart.
    pub places: Vec<Site>,
    /// Mean agreement of pairs of restarts over the core, as a share of what equal one-hot windows have.
    pub agreement: f64,
    /// The highest of controls.
    pub control: f64,
}

/// The motifs that optimised inputs share, the one of highest agreement first; the first is given whatever
/// its agreement, further ones where it exceeds the controls'.
///
/// # Errors
/// [`crate::Error::Setting`] at a setting outside its range, with fewer than two inputs, and where one is
/// narrower than the core.
pub fn shared_motifs(inputs: &[ProbabilityMatrix], config: &SharedMotifConfig) -> Result<Vec<SharedMotif>> {
    check(inputs, config)?;
    // The stream is fixed: what inputs share is a property of them alone.
    let mut stream = Seed::new(0).stream("shared motif controls");
    let mut left: Vec<Vec<f32>> = inputs.iter().map(deviations).collect();
    let mut motifs = Vec::new();
    for number in 0..config.motifs {
        let found = Placement::best(&left, config);
        let control = (0..config.controls).map(|_| {
            let permuted: Vec<Vec<f32>> = left.iter().map(|rows| permute(rows, &mut stream)).collect();
            Placement::best(&permuted, config).agreement(config.core)
        });
        let control = control.fold(0.0, f64::max);
        let agreement = found.agreement(config.core);
        if number > 0 && agreement <= config.margin * control {
            break;
        }
        let frame = found.frame(&left, config);
        let probabilities = frame.mean(inputs)?;
        frame.silence(&mut left, &found.template(), config.core);
        motifs.push(SharedMotif { probabilities, places: frame.places, agreement, control });
    }
    Ok(motifs)
}

fn check(inputs: &[ProbabilityMatrix], config: &SharedMotifConfig) -> Result<()> {
    let counted = |name, value: usize| check_setting(name, value as f64, value > 0, "at least 1");
    let number = inputs.len();
    check_setting("restarts that share a motif", number as f64, number >= 2, "at least 2")?;
    counted("core", config.core)?;
    let narrowest = inputs.iter().map(ProbabilityMatrix::width).min().unwrap_or(0);
    check_setting("core", config.core as f64, config.core <= narrowest, "at most the width of every input")?;
    let (core, widest) = (config.core, config.maximum_width);
    check_setting("maximum_width", widest as f64, widest >= core, "at least the core")?;
    check_setting("extension", config.extension, config.extension >= 0.0, "at least 0")?;
    counted("motifs", config.motifs)?;
    counted("rounds", config.rounds)?;
    check_setting("margin", config.margin, config.margin >= 1.0, "at least 1")
}

/// p - 1/4, row after row.
fn deviations(input: &ProbabilityMatrix) -> Vec<f32> {
    input.to_normalised().rows().iter().flatten().map(|p| (p - 0.25) as f32).collect()
}

/// The letters of every column in a random order.
fn permute(rows: &[f32], stream: &mut impl rand::Rng) -> Vec<f32> {
    let mut permuted = rows.to_vec();
    permuted.chunks_exact_mut(4).for_each(|row| row.shuffle(stream));
    permuted
}

/// The same columns as the other strand reads them: columns and letters both reversed.
fn turned(rows: &[f32]) -> Vec<f32> {
    rows.iter().rev().copied().collect()
}

/// The sum of products, in eight parts that do not wait for each other.
fn product(a: &[f32], b: &[f32]) -> f32 {
    let mut parts = [0.0_f32; 8];
    let (a, b) = (a.chunks(8), b.chunks(8));
    for (a, b) in a.zip(b) {
        for (part, (a, b)) in parts.iter_mut().zip(a.iter().zip(b)) {
            *part += a * b;
        }
    }
    parts.iter().sum()
}

/// A window: its first column and the strand on which it is read.
type Window = (usize, Strand);

/// A window of every input.
struct Placement {
    windows: Vec<Window>,
    /// What each window says, as the motif reads it.
    rows: Vec<Vec<f32>>,
}

impl Placement {
    /// The placement of highest mean agreement that the seeds lead to.
    fn best(inputs: &[Vec<f32>], config: &SharedMotifConfig) -> Self {
        let width = config.core * 4;
        let windows = |input: usize| inputs[input].windows(width).step_by(4).enumerate();
        let seeds =
            || (0..inputs.len()).flat_map(move |input| windows(input).map(move |(at, w)| (input, at, w)));
        let richest = seeds().map(|(_, _, window)| product(window, window)).fold(0.0, f32::max);
        let mut best: Option<(f64, Self)> = None;
        for (input, at, window) in seeds() {
            if product(window, window) < SEED_SHARE * richest {
                continue;
            }
            let place = |(other, rows): (usize, &Vec<f32>)| {
                if other == input { (at, Strand::Forward) } else { nearest(rows, window).1 }
            };
            let found = Self::new(inputs, inputs.iter().enumerate().map(place).collect(), config.core);
            let agreement = found.agreement(config.core);
            if best.as_ref().is_none_or(|(highest, _)| agreement > *highest) {
                best = Some((agreement, found));
            }
        }
        // The richest window is a seed, so there is one.
        let first = || Self::new(inputs, vec![(0, Strand::Forward); inputs.len()], config.core);
        let mut best = best.map_or_else(first, |(_, found)| found);
        best.settle(inputs, config);
        best
    }

    fn new(inputs: &[Vec<f32>], windows: Vec<Window>, core: usize) -> Self {
        let rows = inputs.iter().zip(&windows).map(|(input, window)| read(input, *window, core)).collect();
        Self { windows, rows }
    }

    /// Places every input against the others, in turn, until nothing moves.
    fn settle(&mut self, inputs: &[Vec<f32>], config: &SharedMotifConfig) {
        for _ in 0..config.rounds {
            let mut moved = false;
            for (place, input) in inputs.iter().enumerate() {
                let others = self.sum_without(Some(place));
                let (score, window) = nearest(input, &others);
                // Only what is better moves, so that equal windows do not take turns.
                if score > product(&others, &self.rows[place]) {
                    self.rows[place] = read(input, window, config.core);
                    self.windows[place] = window;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// The sum of all windows but one.
    fn sum_without(&self, without: Option<usize>) -> Vec<f32> {
        let mut sum = vec![0.0; self.rows.first().map_or(0, Vec::len)];
        for (place, rows) in self.rows.iter().enumerate() {
            if Some(place) != without {
                sum.iter_mut().zip(rows).for_each(|(sum, row)| *sum += row);
            }
        }
        sum
    }

    fn template(&self) -> Vec<f32> {
        let count = self.rows.len() as f32;
        self.sum_without(None).into_iter().map(|sum| sum / count).collect()
    }

    /// Mean agreement of pairs, 1 for equal one-hot windows.
    fn agreement(&self, core: usize) -> f64 {
        f64::from(pair_mean(&self.rows)) / (0.75 * core as f64)
    }

    /// The windows that agree, widened to the columns that do.
    fn frame(&self, inputs: &[Vec<f32>], config: &SharedMotifConfig) -> Frame {
        let usual = pair_mean(&self.rows);
        let others = (self.rows.len() - 1) as f32;
        let holds = |place: &usize| {
            product(&self.sum_without(Some(*place)), &self.rows[*place]) / others >= HOLDS * usual
        };
        let mut members: Vec<usize> = (0..self.rows.len()).filter(holds).collect();
        if members.len() < 2 {
            members = (0..self.rows.len()).collect();
        }
        let core = config.core;
        let site = |&sequence: &usize| {
            let (start, strand) = self.windows[sequence];
            Site { sequence, start: start.cast_signed(), strand }
        };
        let mut frame = Frame { places: members.iter().map(site).collect(), width: core, before: 0 };
        let mut total: f32 = (0..core.cast_signed()).map(|column| frame.column(inputs, column)).sum();
        while frame.width < config.maximum_width {
            let (before, after) = (frame.column(inputs, -1), frame.column(inputs, frame.width.cast_signed()));
            let better = before.max(after);
            if f64::from(better) < config.extension * f64::from(total) / frame.width as f64 || better <= 0.0 {
                break;
            }
            frame.grow(before > after);
            total += better;
        }
        frame
    }
}

/// Mean of the products of all pairs of different rows.
fn pair_mean(rows: &[Vec<f32>]) -> f32 {
    let mut sum = vec![0.0_f32; rows.first().map_or(0, Vec::len)];
    let mut own = 0.0;
    for row in rows {
        own += product(row, row);
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let count = rows.len() as f32;
    (product(&sum, &sum) - own) / (count * (count - 1.0)).max(1.0)
}

/// What a window says, as its strand reads it.
fn read(input: &[f32], (start, strand): Window, core: usize) -> Vec<f32> {
    let rows = &input[start * 4..(start + core) * 4];
    if strand == Strand::Forward { rows.to_vec() } else { turned(rows) }
}

/// The window that agrees most with a template; the first of equals, the forward strand before the other.
fn nearest(input: &[f32], template: &[f32]) -> (f32, Window) {
    let other = turned(template);
    let mut best = (f32::NEG_INFINITY, (0, Strand::Forward));
    for (strand, template) in [(Strand::Forward, template), (Strand::Reverse, &other)] {
        for (start, window) in input.windows(template.len()).step_by(4).enumerate() {
            let score = product(template, window);
            if score > best.0 {
                best = (score, (start, strand));
            }
        }
    }
    best
}

/// The windows of a motif, all of one width.
struct Frame {
    places: Vec<Site>,
    width: usize,
    /// Columns that the motif has before its core.
    before: usize,
}

impl Frame {
    /// The position in its input of a column of the motif, which may lie outside.
    fn position(&self, site: &Site, column: isize) -> isize {
        match site.strand {
            Strand::Forward => site.start + column,
            Strand::Reverse => site.start + self.width.cast_signed() - 1 - column,
        }
    }

    /// The mean agreement of pairs in one column; inputs say nothing beyond their ends.
    fn column(&self, inputs: &[Vec<f32>], column: isize) -> f32 {
        let at = |site: &Site| {
            let start = usize::try_from(self.position(site, column)).ok().map(|position| position * 4);
            let rows = start.and_then(|start| inputs[site.sequence].get(start..start + 4));
            rows.map_or_else(
                || vec![0.0; 4],
                |rows| if site.strand == Strand::Forward { rows.to_vec() } else { turned(rows) },
            )
        };
        pair_mean(&self.places.iter().map(at).collect::<Vec<_>>())
    }

    /// Takes in the column before the first, or that after the last.
    fn grow(&mut self, before: bool) {
        for site in &mut self.places {
            if before == (site.strand == Strand::Forward) {
                site.start -= 1;
            }
        }
        self.width += 1;
        self.before += usize::from(before);
    }

    /// The mean of the inputs' probabilities, a quarter each beyond their ends.
    fn mean(&self, inputs: &[ProbabilityMatrix]) -> Result<ProbabilityMatrix> {
        let column = |column: usize| {
            let mut sum = [0.0; 4];
            for site in &self.places {
                let position = usize::try_from(self.position(site, column.cast_signed())).ok();
                let row = position.and_then(|position| inputs[site.sequence].rows().get(position));
                let mut row = row.copied().unwrap_or([0.25; 4]);
                if site.strand == Strand::Reverse {
                    row.reverse();
                }
                sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += p);
            }
            sum.map(|sum| sum / self.places.len() as f64)
        };
        Ok(ProbabilityMatrix::new((0..self.width).map(column).collect())?.to_normalised())
    }

    /// Makes the motif's windows uniform, and further copies of it in any input, all in their whole width.
    fn silence(&self, inputs: &mut [Vec<f32>], template: &[f32], core: usize) {
        let silence = |input: &mut [f32], start: isize| {
            let columns =
                [start, start + self.width.cast_signed()].map(|column| column.max(0).cast_unsigned() * 4);
            let end = columns[1].min(input.len());
            input[columns[0]..end].fill(0.0);
        };
        for site in &self.places {
            silence(&mut inputs[site.sequence], site.start);
        }
        let after = self.width - core - self.before;
        let enough = HOLDS * product(template, template);
        for input in inputs {
            // Every copy has columns of its own, so there are no more than columns.
            for _ in 0..input.len() / 4 {
                let (score, (start, strand)) = nearest(input, template);
                if score <= enough {
                    break;
                }
                let before = if strand == Strand::Forward { self.before } else { after };
                silence(input, start.cast_signed() - before.cast_signed());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use demo_core::DnaSequence;
    use proptest::prelude::*;

    use super::*;
    use crate::relaxed::{Relaxation, RelaxedConfig, RelaxedOptimiser};
    use crate::toy::{MaxScan, Toy, generous_weights, planted};

    const WORD: &str = "GGATTACGCT";

    fn one_hot(sequence: &DnaSequence) -> ProbabilityMatrix {
        let rows = sequence.to_one_hot().into_iter().map(|row| row.map(f64::from)).collect();
        ProbabilityMatrix::new(rows).unwrap()
    }

    fn find(inputs: &[ProbabilityMatrix]) -> Vec<SharedMotif> {
        shared_motifs(inputs, &SharedMotifConfig::default()).unwrap()
    }

    fn either_strand(motif: &SharedMotif) -> [String; 2] {
        [motif.probabilities.consensus(), motif.probabilities.to_reverse_complement().consensus()]
    }

    fn holds(motif: &SharedMotif, word: &str) -> bool {
        either_strand(motif).iter().any(|consensus| consensus.contains(word))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn a_word_at_any_shift_and_strand_among_random_bases_is_found(seed in 0_u64..1000) {
            let (sequences, starts) = planted(WORD, 12, 40, true, seed);
            let inputs: Vec<ProbabilityMatrix> = sequences.iter().map(one_hot).collect();
            let motif = &find(&inputs)[0];
            prop_assert!(holds(motif, WORD), "{:?}", either_strand(motif));
            prop_assert!(motif.agreement > 0.99 && motif.agreement > 1.25 * motif.control, "{motif:?}");
            prop_assert_eq!(motif.places.len(), 12);
            let first = motif.places[0].strand;
            for site in &motif.places {
                let (start, width) = (starts[site.sequence].cast_signed(), motif.probabilities.width().cast_signed());
                prop_assert!(site.start <= start && start + 10 <= site.start + width);
                prop_assert_eq!(site.strand == first, site.sequence % 2 == 0);
            }
        }

        #[test]
        fn the_other_strand_of_every_input_gives_the_same_motif(seed in 0_u64..1000) {
            let (sequences, _) = planted(WORD, 8, 30, true, seed);
            let inputs: Vec<ProbabilityMatrix> = sequences.iter().map(one_hot).collect();
            let turned: Vec<ProbabilityMatrix> =
                inputs.iter().map(ProbabilityMatrix::to_reverse_complement).collect();
            let [there, back] = [find(&inputs), find(&turned)];
            prop_assert!((there[0].agreement - back[0].agreement).abs() < 1e-6);
            prop_assert!(holds(&there[0], WORD) && holds(&back[0], WORD));
        }
    }

    #[test]
    fn degenerate_columns_keep_their_frequencies() {
        // The third letter is A in three of four restarts and G in the other.
        let restarts = (0..12).map(|i| {
            let word = if i % 4 == 0 { "GCGTTACGCT" } else { "GCATTACGCT" };
            let text = format!("{}{word}{}", "ACGT".repeat(i % 3), "TGCA".repeat(3 - i % 3));
            let mut rows = vec![[0.25; 4]; text.len()];
            let word: DnaSequence = word.parse().unwrap();
            let start = 4 * (i % 3);
            for (row, code) in rows[start..].iter_mut().zip(word.as_codes()) {
                *row = [0.02; 4];
                row[usize::from(*code)] = 0.94;
            }
            ProbabilityMatrix::new(rows).unwrap()
        });
        let inputs: Vec<ProbabilityMatrix> = restarts.collect();
        let motifs = find(&inputs);
        let [motif] = motifs.as_slice() else { panic!("{motifs:?}") };
        let matrix = if motif.probabilities.consensus().starts_with("GC") {
            motif.probabilities.clone()
        } else {
            motif.probabilities.to_reverse_complement()
        };
        assert_eq!(matrix.consensus(), "GCATTACGCT");
        assert!((matrix.rows()[2][0] - (0.94 * 9.0 + 0.02 * 3.0) / 12.0).abs() < 1e-12);
        assert!((matrix.rows()[2][2] - (0.94 * 3.0 + 0.02 * 9.0) / 12.0).abs() < 1e-12);
    }

    #[test]
    fn a_second_motif_is_found_and_copies_of_the_first_are_not() {
        let (mut sequences, _) = planted(WORD, 10, 60, true, 3);
        for (i, sequence) in sequences.iter_mut().enumerate() {
            // A further copy of the word and another motif, wherever they come to lie.
            let mut codes = sequence.as_codes().to_vec();
            for (at, word) in [(i, WORD), (22 + i, "TTCAGAACTC")] {
                let word: DnaSequence = word.parse().unwrap();
                codes.splice(at..at, word.as_codes().iter().copied());
            }
            *sequence = DnaSequence::from_codes(codes).unwrap();
        }
        let motifs = find(&sequences.iter().map(one_hot).collect::<Vec<_>>());
        assert_eq!(motifs.len(), 2, "{motifs:?}");
        for word in [&WORD[1..9], "TCAGAACT"] {
            assert_eq!(motifs.iter().filter(|motif| holds(motif, word)).count(), 1, "{motifs:?}");
        }
    }

    #[test]
    fn copies_are_silenced_with_the_columns_around_their_core() {
        // The ends of a motif wider than the core, twice in each input, are no motifs of their own.
        let word: DnaSequence = "GATTACAGGCATTCC".parse().unwrap();
        let other = word.to_reverse_complement();
        let inputs = (0..12).map(|i| {
            let mut rows = vec![[0.25; 4]; 60];
            for (start, turned) in [(i, i % 2 == 0), (30 + (i * 5) % 14, i % 3 == 0)] {
                let word = if turned { &other } else { &word };
                for (row, code) in rows[start..].iter_mut().zip(word.as_codes()) {
                    *row = [0.0; 4];
                    row[usize::from(*code)] = 1.0;
                }
            }
            ProbabilityMatrix::new(rows).unwrap()
        });
        let motifs = find(&inputs.collect::<Vec<_>>());
        let [motif] = motifs.as_slice() else { panic!("{motifs:?}") };
        assert!(holds(motif, "GATTACAGGCATTCC"), "{:?}", either_strand(motif));
    }

    #[test]
    fn inputs_that_share_nothing_agree_no_more_than_controls() {
        for seed in 0..4 {
            let codes = crate::toy::random_sequences(12, 50, seed);
            let inputs: Vec<ProbabilityMatrix> =
                codes.into_iter().map(|codes| one_hot(&DnaSequence::from_codes(codes).unwrap())).collect();
            let motifs = find(&inputs);
            assert_eq!(motifs.len(), 1);
            assert!(motifs[0].agreement < 1.25 * motifs[0].control, "{}", motifs[0].agreement);
        }
        let flat = vec![ProbabilityMatrix::new(vec![[0.25; 4]; 20]).unwrap(); 3];
        let motifs = find(&flat);
        assert_eq!((motifs.len(), motifs[0].agreement), (1, 0.0));
    }

    #[test]
    fn optima_of_a_scanner_share_its_word_whatever_their_start() {
        for relaxation in Relaxation::ALL {
            let mut model = Toy::new(40, MaxScan { weights: generous_weights(WORD), bias: -4.0 });
            let config = RelaxedConfig { steps: 150, restarts: 8, ..RelaxedConfig::of(relaxation) };
            let optima = RelaxedOptimiser::new(config).unwrap().run(&mut model, Seed::new(7)).unwrap();
            assert!(optima.iter().all(|optimum| optimum.score > optimum.start_score), "{relaxation:?}");
            let inputs: Vec<ProbabilityMatrix> = optima.into_iter().map(|o| o.probabilities).collect();
            let motif = &find(&inputs)[0];
            assert!(holds(motif, WORD), "{relaxation:?}: {:?}", either_strand(motif));
            let starts: std::collections::BTreeSet<isize> = motif.places.iter().map(|p| p.start).collect();
            assert!(starts.len() > 2, "the starts should lead to different places: {starts:?}");
        }
    }

    #[test]
    fn wrong_settings_are_named() {
        let input = ProbabilityMatrix::new(vec![[0.25; 4]; 7]).unwrap();
        let error =
            shared_motifs(&[input.clone(), input.clone()], &SharedMotifConfig::default()).unwrap_err();
        assert_eq!(error.to_string(), "core: found 8, wanted at most the width of every input");
        let error = shared_motifs(&[input], &SharedMotifConfig::default()).unwrap_err();
        assert_eq!(error.to_string(), "restarts that share a motif: found 1, wanted at least 2");
    }
}
