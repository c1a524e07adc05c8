//! What interpretation asks of any model, in host arrays.
//!
//! Tensors, devices and strands stay behind this trait: an explanation method needs numbers, and
//! works on whatever can give them. Arrays are `f32`, row-major.

use demo_core::{DnaSequence, Nucleotide};

use crate::Result;

/// Sequences as a model takes them.
#[derive(Debug, Clone, Copy)]
pub enum ModelInput<'a> {
    /// Observed sequences.
    Hard(&'a [DnaSequence]),
    /// Real-valued sequences (n, l, 4), bases in the order A, C, G, T.
    Soft(&'a [f32]),
}

/// Logits and their gradient with respect to the input.
#[derive(Debug, Clone, PartialEq)]
pub struct InputGradients {
    /// (n, classes)
    pub logits: Vec<f32>,
    /// (n, l, 4): derivative with respect to each base of each position, at the input.
    pub bases: Vec<f32>,
}

/// Logits of truncated inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct TruncatedLogits {
    /// (n, l, classes): the model on `x[..=i]`.
    pub prefixes: Vec<f32>,
    /// (n, l, classes): the model on `x[i..]`.
    pub suffixes: Vec<f32>,
}

/// What the first convolution says, after its normalisation, where there is one, and its activation.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstLayer {
    /// (n, positions, filters)
    pub activations: Vec<f32>,
    /// Number of positions at which a filter is read.
    pub positions: usize,
    /// Number of filters.
    pub filters: usize,
    /// Filter width.
    pub width: usize,
    /// Position p reads the bases p - padding .. p - padding + width.
    pub padding: usize,
}

/// A classifier of sequences of one length, asked in host arrays. Class 0 is unbound, class 1 bound.
///
/// Methods take `&mut self` because a model reuses its scratch.
pub trait SequenceModel {
    /// Length of the sequences it takes, l.
    fn length(&self) -> usize;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// The logits of each sequence, (n, classes).
    ///
    /// # Errors
    /// [`Error::SequenceLength`](crate::Error::SequenceLength) and
    /// [`Error::ArraySize`](crate::Error::ArraySize) where the input does not fit the model.
    fn logits(&mut self, input: ModelInput<'_>) -> Result<Vec<f32>>;

    /// The gradient of Σₖ cotangentₖ logitₖ for every sequence, one cotangent (classes) for all.
    ///
    /// # Errors
    /// As [`SequenceModel::logits`], and where the cotangent has another number of classes.
    fn input_gradients(&mut self, input: ModelInput<'_>, cotangent: &[f32]) -> Result<InputGradients>;

    /// The logits of every prefix and suffix; `None` where the network has no recurrent layer.
    ///
    /// # Errors
    /// As [`SequenceModel::logits`].
    fn truncated_logits(&mut self, sequences: &[DnaSequence]) -> Result<Option<TruncatedLogits>>;

    /// The logits of every single mutant, (n, l, 4, classes): of the sequence with each base at each
    /// position. The base that is there gives the logits of the sequence itself.
    ///
    /// Unless a model knows better, each mutant is scored like any other sequence.
    ///
    /// # Errors
    /// As [`SequenceModel::logits`].
    fn mutant_logits(&mut self, sequences: &[DnaSequence]) -> Result<Vec<f32>> {
        let mut all = Vec::new();
        for sequence in sequences {
            all.extend(self.logits(ModelInput::Hard(&single_mutants(sequence)))?);
        }
        Ok(all)
    }

    /// The activations of the first convolution; `None` where the network does not begin with one.
    ///
    /// # Errors
    /// As [`SequenceModel::logits`].
    fn first_layer(&mut self, sequences: &[DnaSequence]) -> Result<Option<FirstLayer>>;
}

/// The sequence with each base at each position, 4 l of them.
fn single_mutants(sequence: &DnaSequence) -> Vec<DnaSequence> {
    let mutants = |position| Nucleotide::ALL.map(|base| sequence.to_mutant(position, base));
    (0..sequence.len()).flat_map(mutants).collect()
}
