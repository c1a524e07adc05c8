//! Saliency maps: how much each observed base moves the score, from one gradient.
//!
//! With X the one-hot sequence (l × 4), S(X) the [`Target`] and g = dS/dX (l × 4), position i holding
//! base b scores
//!
//! | method | score | reference |
//! |---|---|---|
//! | [`SaliencyMethod::Absolute`] | abs(g\[i, b\]) | Simonyan et al. 2013; Lanchantin et al. 2017, as their text has it |
//! | [`SaliencyMethod::Loss`] | abs(d NLL(true label) / dX\[i, b\]) | Lanchantin et al. 2017, as their code has it |
//! | [`SaliencyMethod::Signed`] | g\[i, b\] | Shrikumar et al. 2016 |
//! | [`SaliencyMethod::MeanCentred`] | g\[i, b\] - mean over bases of g\[i, ·\] | Majdandzic et al. 2023 |
//!
//! Of two classes, NLL(y) = log(1 + exp(∓S)), so d NLL(y) / dX = (P(bound) - y) g with y 1 for bound
//! and 0 for unbound: the same map up to one factor a sequence, which vanishes as the prediction
//! saturates. One-hot sequences lie on the plane where each position sums to 1, and what g says
//! across that plane is not learned from data; centring takes it away.
//!
//! An unknown base is a zero column and scores 0. The base scores hold the same number for each base,
//! as if it were the observed one. The signed methods are first-order expansions of S(X) - S(R), at R
//! = 0 and at R = a quarter each; the gap between sum and difference is reported, not bounded.
//!
//! Cost: one gradient a sequence for all methods together, and one prediction a set for the
//! references (one more for each sequence with an unknown base).

use demo_core::{Attribution, DnaSequence, UNKNOWN};
use demo_models::{ModelInput, SequenceModel};
use serde::{Deserialize, Serialize};

use crate::ask::{self, BATCH};
use crate::target::probability;
use crate::{Error, Result, Target};

/// What signed maps are compared with.
const ZERO: &str = "zero input";
/// What mean-centred maps are compared with.
const QUARTER: &str = "a quarter of each base";

/// How a gradient becomes one number a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaliencyMethod {
    /// |gradient| × input.
    Absolute,
    /// |gradient of the true label's loss| × input.
    Loss,
    /// Gradient × input.
    Signed,
    /// (Gradient minus its mean over the four bases) × input.
    MeanCentred,
}

impl SaliencyMethod {
    /// The name as reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absolute => "saliency",
            Self::Loss => "loss-saliency",
            Self::Signed => "gradient-x-input",
            Self::MeanCentred => "mean-centred-gradient",
        }
    }
}

/// The scores of sequences and their gradients, from which every saliency map is read off.
#[derive(Debug, Clone)]
pub struct Gradients {
    target: Target,
    codes: Vec<u8>,           // (n, l)
    bases: Vec<f32>,          // (n, l, 4)
    scores: Vec<f32>,         // (n)
    zero_score: f32,          // of the all-zero input
    uniform_scores: Vec<f32>, // (n), of a quarter at each known base
    length: usize,
}

impl Gradients {
    /// Asks the model for the score and the gradient of every sequence.
    ///
    /// # Errors
    /// Without sequences, at a sequence of another length, at a gradient that is not finite, and where
    /// the model fails.
    pub fn new(model: &mut dyn SequenceModel, sequences: &[DnaSequence]) -> Result<Self> {
        ask::check_sequences(model, sequences, "saliency")?;
        let target = Target::Binding;
        let length = model.length();
        let mut scores = Vec::with_capacity(sequences.len());
        let mut bases = Vec::with_capacity(sequences.len() * length * 4);
        for (number, batch) in sequences.chunks(BATCH).enumerate() {
            let (s, g) = ask::gradients(model, ModelInput::Hard(batch), batch.len(), target)
                .map_err(|error| ask::in_set(error, number * BATCH))?;
            scores.extend(s); // (n)
            bases.extend(g); // (n, l, 4)
        }
        let zero = vec![0.0; length * 4];
        let zero_score = reference_score(model, &zero, target, ZERO)?;
        let uniform_scores = uniform_scores(model, sequences, target)?;
        let codes = sequences.iter().flat_map(DnaSequence::as_codes).copied().collect();
        Ok(Self { target, codes, bases, scores, zero_score, uniform_scores, length })
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there is no sequence; never so for a value of [`Gradients::new`].
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// The score of every sequence, logit(bound) - logit(unbound).
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// |gradient| × input of every sequence.
    ///
    /// # Errors
    /// None that a finite gradient can cause.
    pub fn absolute(&self) -> Result<Vec<Attribution>> {
        let build =
            |n| self.attribution(n, SaliencyMethod::Absolute, self.target.name(), |row| row.map(f32::abs));
        (0..self.len()).map(build).collect()
    }

    /// |gradient of the loss of the true label| × input of every sequence; a label is whether it is bound.
    ///
    /// # Errors
    /// [`Error::Count`] where there is not one label a sequence.
    pub fn loss(&self, bound: &[bool]) -> Result<Vec<Attribution>> {
        if bound.len() != self.len() {
            return Err(Error::Count { what: "labels", found: bound.len(), wanted: self.len() });
        }
        let build = |(n, &bound): (usize, &bool)| {
            // P(bound) - y, written so that it keeps its digits near 0.
            let residual = if bound { probability(-self.scores[n]) } else { probability(self.scores[n]) };
            let target = "negative log-likelihood of the true label";
            self.attribution(n, SaliencyMethod::Loss, target, |row| row.map(|g| (g * residual).abs()))
        };
        bound.iter().enumerate().map(build).collect()
    }

    /// Gradient × input of every sequence, with its gap to S(X) - S(0).
    ///
    /// # Errors
    /// None that a finite gradient can cause.
    pub fn signed(&self) -> Result<Vec<Attribution>> {
        let build = |n: usize| {
            let map = self.attribution(n, SaliencyMethod::Signed, self.target.name(), |row| row)?;
            Ok(with_gap(map, ZERO, self.scores[n], self.zero_score))
        };
        (0..self.len()).map(build).collect()
    }

    /// Mean-centred gradient × input of every sequence, with its gap to S(X) - S(a quarter each).
    ///
    /// # Errors
    /// None that a finite gradient can cause.
    pub fn mean_centred(&self) -> Result<Vec<Attribution>> {
        let centred = |row: [f32; 4]| {
            let mean = row.iter().sum::<f32>() / 4.0;
            row.map(|g| g - mean)
        };
        let build = |n: usize| {
            let map = self.attribution(n, SaliencyMethod::MeanCentred, self.target.name(), centred)?;
            Ok(with_gap(map, QUARTER, self.scores[n], self.uniform_scores[n]))
        };
        (0..self.len()).map(build).collect()
    }

    fn attribution(
        &self,
        n: usize,
        method: SaliencyMethod,
        target: &str,
        to_scores: impl Fn([f32; 4]) -> [f32; 4],
    ) -> Result<Attribution> {
        let codes = &self.codes[n * self.length..(n + 1) * self.length];
        let rows = self.bases[n * self.length * 4..(n + 1) * self.length * 4].chunks_exact(4);
        let hypothetical: Vec<[f32; 4]> = rows.map(|g| to_scores([g[0], g[1], g[2], g[3]])).collect(); // (l, 4)
        let observed = |(row, &code): (&[f32; 4], &u8)| row.get(usize::from(code)).copied().unwrap_or(0.0);
        let scores = hypothetical.iter().zip(codes).map(observed).collect(); // (l)
        Ok(Attribution::new(method.name(), target, scores).with_base_scores(hypothetical)?)
    }
}

/// |gradient| × input of every sequence: the saliency map of the comparison. See [`Gradients`] for
/// the other methods, which share its one pass.
///
/// # Errors
/// As [`Gradients::new`].
pub fn saliency(model: &mut dyn SequenceModel, sequences: &[DnaSequence]) -> Result<Vec<Attribution>> {
    Gradients::new(model, sequences)?.absolute()
}

/// The score of each sequence with every known base replaced by a quarter of each.
fn uniform_scores(
    model: &mut dyn SequenceModel,
    sequences: &[DnaSequence],
    target: Target,
) -> Result<Vec<f32>> {
    let blurred = |sequence: &DnaSequence| -> Vec<f32> {
        let row = |&code: &u8| if code == UNKNOWN { [0.0; 4] } else { [0.25; 4] };
        sequence.as_codes().iter().flat_map(row).collect() // (l, 4)
    };
    let complete = vec![0.25; model.length() * 4];
    let shared = reference_score(model, &complete, target, QUARTER)?;
    let mut scores = vec![shared; sequences.len()];
    let partial: Vec<usize> =
        (0..sequences.len()).filter(|&n| sequences[n].as_codes().contains(&UNKNOWN)).collect();
    for batch in partial.chunks(BATCH) {
        let input: Vec<f32> = batch.iter().flat_map(|&n| blurred(&sequences[n])).collect(); // (n, l, 4)
        let found =
            ask::scores(model, ModelInput::Soft(&input), batch.len(), target).map_err(
                |error| match error {
                    Error::NonFinite { sequence, index, found, .. } => {
                        let what = "logits of the reference (a quarter of each base)";
                        Error::NonFinite { what, sequence: batch[sequence], index, found }
                    }
                    other => other,
                },
            )?;
        for (&n, score) in batch.iter().zip(found) {
            scores[n] = score;
        }
    }
    Ok(scores)
}

/// The score of one input that stands for no sequence.
fn reference_score(
    model: &mut dyn SequenceModel,
    input: &[f32],
    target: Target,
    reference: &'static str,
) -> Result<f32> {
    let scores = ask::scores(model, ModelInput::Soft(input), 1, target).map_err(|error| match error {
        Error::NonFinite { index, found, .. } => Error::Reference { reference, index, found },
        other => other,
    })?;
    Ok(scores[0])
}

fn with_gap(mut map: Attribution, reference: &str, score: f32, reference_score: f32) -> Attribution {
    let sum: f64 = map.scores().iter().map(|&s| f64::from(s)).sum();
    map.completeness_error = Some(sum - (f64::from(score) - f64::from(reference_score)));
    map.reference = Some(reference.to_owned());
    map
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::toy::{Leaky, LogLinear, MaxScan, Score, Toy, random_sequences, word_weights};

    fn dna(text: &str) -> DnaSequence {
        text.parse().unwrap()
    }

    fn log_linear() -> Toy<LogLinear> {
        let weights = vec![[1.0, -2.0, 0.5, 0.0], [0.25, 3.0, -1.0, -0.25], [0.0, 0.0, 0.0, 0.0]];
        Toy::new(3, LogLinear { weights, bias: 0.75 })
    }

    #[test]
    fn a_log_linear_model_gives_its_weights() {
        let mut model = log_linear();
        let sequences = [dna("CGA"), dna("NCT")];
        let gradients = Gradients::new(&mut model, &sequences).unwrap();
        assert_eq!(gradients.scores(), [-2.0 - 1.0 + 0.75, 3.0 + 0.75]);
        let absolute = gradients.absolute().unwrap();
        assert_eq!(absolute[0].scores(), [2.0, 1.0, 0.0]);
        assert_eq!(absolute[1].scores(), [0.0, 3.0, 0.0]);
        let signed = gradients.signed().unwrap();
        assert_eq!(signed[0].scores(), [-2.0, -1.0, 0.0]);
        assert_eq!(signed[0].base_scores().unwrap(), model.score.weights);
        // The means over bases are -1/8, 1/2 and 0.
        let centred = gradients.mean_centred().unwrap();
        assert_eq!(centred[0].scores(), [-2.0 + 0.125, -1.0 - 0.5, 0.0]);
        assert_eq!(saliency(&mut model, &sequences).unwrap(), absolute);
        assert_eq!(absolute[0].method, "saliency");
        assert_eq!(absolute[0].target, "logit(bound) - logit(unbound)");
        assert_eq!(absolute[0].completeness_error, None);
    }

    #[test]
    fn first_order_methods_are_complete_for_a_linear_model() {
        let gradients = Gradients::new(&mut log_linear(), &[dna("CGA"), dna("NCT")]).unwrap();
        for map in gradients.signed().unwrap().iter().chain(&gradients.mean_centred().unwrap()) {
            assert!(map.completeness_error.unwrap().abs() < 1e-6, "{map:?}");
            assert!(map.reference.is_some());
        }
    }

    #[test]
    fn the_loss_map_is_the_saliency_map_times_what_the_prediction_misses() {
        let sequences = [dna("CGA"), dna("CGA")];
        let gradients = Gradients::new(&mut log_linear(), &sequences).unwrap();
        let maps = gradients.loss(&[true, false]).unwrap();
        // S = -2.25, so that P(bound) = 1 / (1 + e^2.25); dNLL/dS is P - 1 for bound and P for unbound.
        let p = 1.0 / (1.0 + 2.25_f32.exp());
        for (map, residual) in maps.iter().zip([1.0 - p, p]) {
            for (score, weight) in map.scores().iter().zip([2.0, 1.0, 0.0]) {
                assert!((score - weight * residual).abs() < 1e-6);
            }
            assert_eq!(map.target, "negative log-likelihood of the true label");
        }
        assert!(matches!(gradients.loss(&[true]), Err(Error::Count { found: 1, wanted: 2, .. })));
    }

    #[test]
    fn a_leaky_sum_fades_to_the_left() {
        let mut model = Toy::new(5, Leaky { weights: [1.0, 2.0, -3.0, 0.5], decay: 0.5 });
        let maps = saliency(&mut model, &[dna("GCATG")]).unwrap();
        assert_eq!(maps[0].scores(), [3.0 / 16.0, 2.0 / 8.0, 1.0 / 4.0, 0.5 / 2.0, 3.0]);
    }

    #[test]
    fn a_scan_marks_its_best_site_alone() {
        let mut model = Toy::new(12, MaxScan { weights: word_weights("GATTACA"), bias: -3.0 });
        let maps = saliency(&mut model, &[dna("CCGATTACACCC"), dna("CTGTAATCCCCC")]).unwrap();
        assert_eq!(maps[0].scores(), [0., 0., 1., 1., 1., 1., 1., 1., 1., 0., 0., 0.]);
        assert_eq!(maps[1].scores(), [0., 1., 1., 1., 1., 1., 1., 1., 0., 0., 0., 0.]);
    }

    #[test]
    fn wrong_input_is_named() {
        let mut model = log_linear();
        assert!(matches!(saliency(&mut model, &[]), Err(Error::NoSequences { .. })));
        let error = saliency(&mut model, &[dna("ACG"), dna("ACGT")]).unwrap_err();
        assert_eq!(error.to_string(), "sequence 2: found 4 bases, the model takes 3");
        model.score.weights[1][2] = f32::NAN;
        let many = vec![dna("ACA"); BATCH + 1];
        let error = saliency(&mut model, &many).unwrap_err();
        assert!(error.to_string().contains("of sequence 1, value"), "{error}");
    }

    #[test]
    fn indices_count_over_the_whole_set() {
        // A weight so large that the sequences with three of it overflow.
        let weights = vec![[0.0, f32::MAX / 2.0, 0.0, 0.0]; 3];
        let mut model = Toy::new(3, LogLinear { weights, bias: 0.0 });
        let mut many = vec![dna("AAA"); 2 * BATCH];
        many[BATCH + 3] = dna("CCC");
        match Gradients::new(&mut model, &many) {
            Err(Error::NonFinite { sequence, what: "logits", .. }) => assert_eq!(sequence, BATCH + 3),
            other => panic!("{other:?}"),
        }
    }

    /// Infinite for an input that holds this much of the first base at the first position.
    struct Trap(f32);

    impl Score for Trap {
        fn score(&self, x: &[[f32; 4]]) -> (f32, Vec<[f32; 4]>) {
            let unknown = x.iter().flatten().sum::<f32>() < x.len() as f32;
            let at = if unknown { x[0][0] + 2.0 } else { x[0][0] };
            (if at == self.0 { f32::INFINITY } else { 0.0 }, vec![[0.0; 4]; x.len()])
        }
    }

    #[test]
    fn the_reference_is_named_that_has_no_finite_score() {
        let mut many = vec![dna("CCC"); 5];
        many[3] = dna("CNC");
        let refuse = |trap| Gradients::new(&mut Toy::new(3, Trap(trap)), &many).unwrap_err().to_string();
        let end = "value 0: found -inf, wanted a finite number";
        assert_eq!(refuse(0.25), format!("logits of the reference (a quarter of each base), {end}"));
        assert_eq!(
            refuse(2.25),
            format!("logits of the reference (a quarter of each base) of sequence 4, {end}")
        );
        // An empty input is the zero reference, and no sequence is empty.
        let error = Gradients::new(&mut Toy::new(3, Trap(2.0)), &many[..2]).unwrap_err().to_string();
        assert_eq!(error, format!("logits of the reference (zero input), {end}"));
    }

    proptest! {
        #[test]
        fn centred_bases_sum_to_zero(weights in proptest::collection::vec([-3.0_f32..3.0, -3.0..3.0, -3.0..3.0, -3.0..3.0], 4), seed in 0_u64..100) {
            let codes = random_sequences(3, 4, seed);
            let sequences: Vec<DnaSequence> =
                codes.into_iter().map(|c| DnaSequence::from_codes(c).unwrap()).collect();
            let mut model = Toy::new(4, LogLinear { weights, bias: 0.0 });
            for map in Gradients::new(&mut model, &sequences).unwrap().mean_centred().unwrap() {
                for row in map.base_scores().unwrap() {
                    prop_assert!(row.iter().sum::<f32>().abs() < 1e-5);
                }
            }
        }
    }
}
