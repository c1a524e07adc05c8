//! Gapped k-mers and a logistic regression, exact and fast.
//!
//! A gapped k-mer (Ghandi et al., `PLoS` Computational Biology 10, 2014) is a choice of k informative
//! positions of l and a base at each: `G-TA--`. A sequence's features count them over all words of
//! length l of both strands, scaled to length 1. There are C(l, k) 4^k features, but the regression
//! needs none of them written down:
//!
//! - a sequence's log-odds are a sum over its words of a table with 4^l entries, the weights of all
//!   gapped k-mers that a word shows;
//! - two words share C(l - d, k) gapped k-mers when d of their bases differ. That matrix is a sum of
//!   Kronecker products of 4 × 4 identities and matrices of ones, so the 4-letter Walsh-Hadamard
//!   transform makes it diagonal: a pattern of j letters has the value 4^(l - k) C(l - j, k - j).
//!
//! Hence with a table S = H D v (H the transform, D² those values), penalising |v|² is the same as
//! penalising the squared weights of all gapped k-mers, and a step costs one pass over the words and two
//! transforms of 2 l 4^l additions. The penalty is chosen by AUROC on the validation split, from strong
//! to weak, each fit starting from the one before; then all training examples are fitted. The penalty
//! that ranks best leaves log-odds too small, so they are divided by the temperature that fits the
//! validation split.

use demo_core::DnaSequence;
use demo_data::Example;
use demo_eval::{ScoredLabels, fit_temperature};
use serde::{Deserialize, Serialize};

use super::lbfgs::minimise;
use crate::{Error, Result};

/// Penalties in a row that are no better than the best, after which none weaker is tried.
const PATIENCE: usize = 2;

/// A validation split too small to err would ask for certainty; it does not get more than this.
const TEMPERATURES: (f64, f64) = (0.1, 10.0);

/// How gapped k-mers are made and fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GkmConfig {
    /// Length of a word.
    pub(crate) length: usize,
    /// Informative positions in it.
    pub(crate) informative: usize,
    /// Penalties to choose from, strong to weak: loss is mean log loss + penalty / 2 times the squared
    /// length of the weights.
    pub(crate) penalties: Vec<f64>,
    /// The gradient, as a share of that at the start, at which a fit ends.
    pub(crate) tolerance: f64,
    /// The most iterations of a fit.
    pub(crate) iterations: usize,
}

impl Default for GkmConfig {
    /// Words of 8 with 6 informative positions.
    fn default() -> Self {
        let penalties = vec![3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6];
        Self { length: 8, informative: 6, penalties, tolerance: 1e-4, iterations: 300 }
    }
}

/// The fitted regression.
#[derive(Debug, Clone)]
pub(crate) struct Gkm {
    pub(super) words: Words,
    /// What each word adds, both strands taken together.
    pub(super) table: Vec<f64>,
    pub(super) intercept: f64,
    pub(super) penalty: f64,
}

impl Gkm {
    pub(super) fn new(
        length: usize,
        informative: usize,
        table: Vec<f64>,
        intercept: f64,
        penalty: f64,
    ) -> Self {
        Self { words: Words::new(length, informative), table, intercept, penalty }
    }

    /// Chooses the penalty on `validation`, then fits all.
    pub(super) fn fit(training: &[&Example], validation: &[&Example], config: &GkmConfig) -> Result<Self> {
        if !(1..=config.length).contains(&config.informative) || config.length > 11 {
            let found = format!("{} informative of {}", config.informative, config.length);
            let wanted = "1 to the length, which is at most 11".to_owned();
            return Err(Error::Setting { flag: "gkm", found, wanted });
        }
        let words = Words::new(config.length, config.informative);
        let (seen, held) = (Coded::new(&words, training), Coded::new(&words, validation));
        let mut state = vec![0.0; words.count() + 1];
        let mut best: Option<(f64, f64, Vec<f64>)> = None;
        let mut worse = 0;
        for &penalty in &config.penalties {
            words.fit(&seen, penalty, config, &mut state);
            let auroc = ScoredLabels::new(&held.bound, &held.log_odds(&words, &state))?.auroc();
            if best.as_ref().is_none_or(|(highest, ..)| auroc > *highest) {
                best = Some((auroc, penalty, state.clone()));
                worse = 0;
            } else {
                worse += 1;
            }
            if worse == PATIENCE {
                break;
            }
        }
        let Some((_, penalty, mut state)) = best else {
            let (found, wanted) = ("no penalty".to_owned(), "at least one".to_owned());
            return Err(Error::Setting { flag: "gkm", found, wanted });
        };
        let temperature = fit_temperature(&held.bound, &held.log_odds(&words, &state))?;
        let temperature = temperature.clamp(TEMPERATURES.0, TEMPERATURES.1);
        let all = Coded::new(&words, &[training, validation].concat());
        words.fit(&all, penalty, config, &mut state);
        for value in &mut state {
            *value /= temperature;
        }
        let (table, intercept) = (words.table(&state), state[words.count()]);
        Ok(Self { words, table, intercept, penalty })
    }

    /// Log-odds of a sequence.
    pub(super) fn log_odds(&self, sequence: &DnaSequence) -> f64 {
        let words = self.words.of(sequence);
        let sum: f64 = words.iter().map(|&word| self.table[word as usize]).sum();
        self.intercept + self.words.scale(&words) * sum
    }
}

/// Words of one length with the values of their transform.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) length: usize,
    pub(super) informative: usize,
    /// Roots of the values that the shared k-mers take under the transform, over C(l, k).
    roots: Vec<f64>,
    /// The share of gapped k-mers that two words have in common, by the number of differing bases.
    shared: Vec<f64>,
}

impl Words {
    fn new(length: usize, informative: usize) -> Self {
        let all = binomial(length, informative);
        let root = |index: usize| {
            let letters = differing(index as u32, 0, length);
            if letters > informative {
                return 0.0;
            }
            let ways = binomial(length - letters, informative - letters);
            (f64::from(1_u32 << (2 * (length - informative))) * ways / all).sqrt()
        };
        let shared = (0..=length).map(|d| binomial(length - d, informative) / all).collect();
        Self { length, informative, roots: (0..1 << (2 * length)).map(root).collect(), shared }
    }

    fn count(&self) -> usize {
        self.roots.len()
    }

    /// The words of a sequence's own strand; those with an unknown base are left out.
    fn of(&self, sequence: &DnaSequence) -> Vec<u32> {
        let mask = (self.count() - 1) as u32;
        let (mut word, mut known) = (0, 0);
        let mut words = Vec::with_capacity(sequence.len());
        for &code in sequence.as_codes() {
            if code < 4 {
                word = (word << 2 | u32::from(code)) & mask;
                known += 1;
            } else {
                known = 0;
            }
            if known >= self.length {
                words.push(word);
            }
        }
        words
    }

    /// The word as the other strand shows it.
    fn reverse_complement(&self, word: u32) -> u32 {
        let turned = (0..self.length).fold(0, |turned, place| turned << 2 | (3 - (word >> (2 * place) & 3)));
        turned & (self.count() - 1) as u32
    }

    /// One over the length of the features of both strands.
    fn scale(&self, words: &[u32]) -> f64 {
        let both: Vec<u32> =
            words.iter().copied().chain(words.iter().map(|&word| self.reverse_complement(word))).collect();
        // The features' inner product is twice the one of one strand with both.
        let square: f64 = words
            .iter()
            .map(|&a| both.iter().map(|&b| self.shared[differing(a, b, self.length)]).sum::<f64>())
            .sum();
        if square > 0.0 { 1.0 / (2.0 * square).sqrt() } else { 0.0 }
    }

    /// The table of both strands for a state: transform, then each word with its reverse complement.
    fn table(&self, state: &[f64]) -> Vec<f64> {
        let mut table: Vec<f64> = state.iter().zip(&self.roots).map(|(v, root)| v * root).collect();
        transform(&mut table);
        self.with_other_strand(&table)
    }

    fn with_other_strand(&self, table: &[f64]) -> Vec<f64> {
        let both = |word: usize| table[word] + table[self.reverse_complement(word as u32) as usize];
        (0..table.len()).map(both).collect()
    }

    /// Minimises mean loss + penalty / 2 |v|²; the last number of the state is the intercept.
    fn fit(&self, coded: &Coded, penalty: f64, config: &GkmConfig, state: &mut [f64]) {
        let count = self.count();
        minimise(state, config.tolerance, config.iterations, |state, gradient| {
            let table = self.table(state);
            let mut loss = 0.0;
            let mut by_word = vec![0.0; count];
            let mut by_intercept = 0.0;
            for row in coded.rows() {
                let log_odds = state[count] + row.scale * row.sum(&table);
                let margin = if row.bound { log_odds } else { -log_odds };
                loss += softplus(-margin);
                let error = sigmoid(log_odds) - f64::from(u8::from(row.bound));
                by_intercept += error;
                for &word in row.words {
                    by_word[word as usize] += row.scale * error;
                }
            }
            let n = coded.bound.len() as f64;
            // The way back of the table: both strands, then the transform, which is its own inverse.
            let mut back = self.with_other_strand(&by_word);
            transform(&mut back);
            let mut square = 0.0;
            for (((g, back), root), v) in gradient.iter_mut().zip(&back).zip(&self.roots).zip(state) {
                *g = back * root / n + penalty * v;
                square += v * v;
            }
            gradient[count] = by_intercept / n;
            loss / n + penalty / 2.0 * square
        });
    }
}

/// Examples as words.
struct Coded {
    words: Vec<u32>,
    ends: Vec<usize>,
    scales: Vec<f64>,
    bound: Vec<bool>,
}

struct Row<'a> {
    words: &'a [u32],
    scale: f64,
    bound: bool,
}

impl Row<'_> {
    fn sum(&self, table: &[f64]) -> f64 {
        self.words.iter().map(|&word| table[word as usize]).sum()
    }
}

impl Coded {
    fn new(words: &Words, examples: &[&Example]) -> Self {
        let mut coded = Self { words: Vec::new(), ends: Vec::new(), scales: Vec::new(), bound: Vec::new() };
        for example in examples {
            let own = words.of(&example.sequence);
            coded.scales.push(words.scale(&own));
            coded.words.extend(own);
            coded.ends.push(coded.words.len());
            coded.bound.push(example.bound);
        }
        coded
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .zip(&self.scales)
            .zip(&self.bound)
            .map(|(((start, &end), &scale), &bound)| Row { words: &self.words[start..end], scale, bound })
    }

    /// Log-odds of every example.
    fn log_odds(&self, words: &Words, state: &[f64]) -> Vec<f64> {
        let table = words.table(state);
        self.rows().map(|row| state[words.count()] + row.scale * row.sum(&table)).collect()
    }
}

/// The Walsh-Hadamard transform of 4^l numbers, scaled to be its own inverse.
fn transform(values: &mut [f64]) {
    let mut half = 1;
    while half < values.len() {
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (values.len() as f64).sqrt();
    for value in values {
        *value *= scale;
    }
}

/// Letters in which two words differ.
fn differing(a: u32, b: u32, length: usize) -> usize {
    let bits = a ^ b;
    let letters = (bits | bits >> 1) & 0x5555_5555 & ((1_u64 << (2 * length)) - 1) as u32;
    letters.count_ones() as usize
}

/// Ways to choose; 0 where there are too few to choose from.
fn binomial(n: usize, k: usize) -> f64 {
    if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>().round() }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The features written down: each choice of positions with its bases, counted over both strands
    /// and scaled to length 1.
    fn explicit(sequence: &DnaSequence, length: usize, informative: usize) -> BTreeMap<(u32, Vec<u8>), f64> {
        let mut features: BTreeMap<(u32, Vec<u8>), f64> = BTreeMap::new();
        for strand in [sequence.clone(), sequence.to_reverse_complement()] {
            for word in strand.as_codes().windows(length).filter(|word| word.iter().all(|&code| code < 4)) {
                for choice in
                    (0_u32..1 << length).filter(|choice| choice.count_ones() as usize == informative)
                {
                    let bases = (0..length).filter(|place| choice >> place & 1 == 1).map(|place| word[place]);
                    *features.entry((choice, bases.collect())).or_default() += 1.0;
                }
            }
        }
        let norm = features.values().map(|count| count * count).sum::<f64>().sqrt();
        for count in features.values_mut() {
            *count /= norm;
        }
        features
    }

    fn inner(a: &BTreeMap<(u32, Vec<u8>), f64>, b: &BTreeMap<(u32, Vec<u8>), f64>) -> f64 {
        a.iter().filter_map(|(feature, x)| Some(x * b.get(feature)?)).sum()
    }

    #[test]
    fn the_transform_makes_the_shared_k_mers_diagonal() {
        for (length, informative) in [(1, 1), (3, 2), (4, 2), (4, 4)] {
            let words = Words::new(length, informative);
            for word in [0, 1, words.count() / 3, words.count() - 1] {
                let mut unit = vec![0.0; words.count()];
                unit[word] = 1.0;
                transform(&mut unit);
                unit.iter_mut().zip(&words.roots).for_each(|(value, root)| *value *= root * root);
                transform(&mut unit);
                for (other, value) in unit.iter().enumerate() {
                    let wanted = words.shared[differing(word as u32, other as u32, length)];
                    assert!((value - wanted).abs() < 1e-12, "{word} {other}: {value}, wanted {wanted}");
                }
            }
        }
    }

    #[test]
    fn scaled_words_have_the_inner_products_of_explicit_features() {
        let (length, informative) = (5, 3);
        let words = Words::new(length, informative);
        let sequences: Vec<DnaSequence> =
            ["ACGTTGCATTAGC", "TTTTTTTTTTTTT", "ACNGTTTACGGCA"].map(|text| text.parse().unwrap()).to_vec();
        for a in &sequences {
            for b in &sequences {
                let (wa, wb) = (words.of(a), words.of(b));
                let both = wb.iter().copied().chain(wb.iter().map(|&word| words.reverse_complement(word)));
                let both: Vec<u32> = both.collect();
                let sum: f64 = wa
                    .iter()
                    .map(|&x| both.iter().map(|&y| words.shared[differing(x, y, length)]).sum::<f64>())
                    .sum();
                let found = 2.0 * sum * words.scale(&wa) * words.scale(&wb);
                let wanted = inner(&explicit(a, length, informative), &explicit(b, length, informative));
                assert!((found - wanted).abs() < 1e-12, "{found}, wanted {wanted}");
            }
        }
    }

    // The temperature is one number over all, so the figures agree up to that factor.
    // scikit-learn 1.9.1, on the explicit features (l = 4, k = 2, both strands, rows scaled to length 1):
    //   LogisticRegression(C=1 / (12 * 0.02), tol=1e-14, max_iter=100000).fit(X, y).decision_function(X)
    #[test]
    fn the_optimum_agrees_with_scikit_learn_on_explicit_features() {
        let rows = [
            ("TGGTGATAACCTTA", 0.611_263_643_390_126_4),
            ("CTATACTCCCGCTC", -0.176_644_604_019_431_1),
            ("CGGGGACAGGCTCA", 0.486_198_037_080_743_4),
            ("TATGAACAAGTCTT", -0.062_391_969_255_709_78),
            ("TGCGGATATAAATG", 0.556_277_898_310_063_6),
            ("TAGCCAGTGAGCTT", -0.784_810_877_362_649_9),
            ("AGTTGACACAAGGG", 0.464_274_017_753_580_9),
            ("GTGCGGAAGCGCAA", -0.753_688_617_787_436_9),
            ("CTCCGATACGCGGG", 0.736_558_379_969_424),
            ("TAGCCAACTACTTA", -0.977_204_970_975_726_2),
            ("AGACGACAGATTCT", 0.607_374_947_029_531_1),
            ("GTTGCAGATTAGAA", -0.789_628_762_240_913_5),
        ];
        let example =
            |(place, (text, _)): (usize, &(&str, f64))| Example::new(text.parse().unwrap(), place % 2 == 0);
        let examples: Vec<Example> = rows.iter().enumerate().map(example).collect();
        let examples: Vec<&Example> = examples.iter().collect();
        let config = GkmConfig {
            length: 4,
            informative: 2,
            penalties: vec![0.02],
            tolerance: 1e-10,
            iterations: 1_000,
        };
        let fitted = Gkm::fit(&examples[..6], &examples[6..], &config).unwrap();
        let temperature = 0.182_247_618_709_083_74 / fitted.intercept;
        assert!(temperature > 0.0);
        for (example, (_, wanted)) in examples.iter().zip(rows) {
            let found = fitted.log_odds(&example.sequence) * temperature;
            assert!((found - wanted).abs() < 1e-6, "{found}, wanted {wanted}");
        }
    }

    #[test]
    fn sizes_that_make_no_words_are_refused() {
        let examples = super::super::tests::examples(8, 1);
        let all: Vec<&Example> = examples.iter().collect();
        for (length, informative) in [(4, 5), (4, 0), (12, 6)] {
            let config = GkmConfig { length, informative, ..GkmConfig::default() };
            assert!(Gkm::fit(&all, &all, &config).is_err());
        }
        let none = GkmConfig { length: 4, informative: 2, penalties: vec![], ..GkmConfig::default() };
        assert!(Gkm::fit(&all, &all, &none).is_err());
    }
}
