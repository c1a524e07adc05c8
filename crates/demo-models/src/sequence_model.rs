//! What interpretation asks of any model, in host arrays.

use demo_core::DnaSequence;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Engine(#[from] demo_engine::Error),
}
pub type Result<T> = std::result::Result<T, Error>;

/// Sequences as a model takes them.
#[derive(Debug, Clone, Copy)]
pub enum ModelInput<'a> {
    /// Observed sequences.
    Hard(&'a [DnaSequence]),
    /// Real-valued sequences (n, l, 4), row-major.
    Soft(&'a [f32]),
}

/// Logits and their gradient with respect to the input.
#[derive(Debug, Clone)]
pub struct InputGradients {
    /// (n, classes)
    pub logits: Vec<f32>,
    /// (n, l, 4): derivative with respect to each base of each position, at the input.
    pub bases: Vec<f32>,
}

/// Logits of truncated inputs.
#[derive(Debug, Clone)]
pub struct TruncatedLogits {
    /// (n, l, classes): the model on x[..=i].
    pub prefixes: Vec<f32>,
    /// (n, l, classes): the model on x[i..].
    pub suffixes: Vec<f32>,
}

/// What the first convolution says, after its activation.
#[derive(Debug, Clone)]
pub struct FirstLayer {
    /// (n, positions, filters)
    pub activations: Vec<f32>,
    pub positions: usize,
    pub filters: usize,
    /// Filter width.
    pub width: usize,
    /// Position p reads the bases p - padding .. p - padding + width.
    pub padding: usize,
}

/// A classifier of sequences of one length, asked in host arrays. Class 0 is unbound, class 1 bound.
/// Methods take `&mut self` because a model reuses its scratch.
pub trait SequenceModel {
    /// Length of the sequences it takes, l.
    fn length(&self) -> usize;
    /// Number of classes.
    fn classes(&self) -> usize;
    /// (n, classes)
    fn logits(&mut self, input: ModelInput<'_>) -> Result<Vec<f32>>;
    /// Gradient of sum_k cotangent_k logit_k for every sequence, one cotangent (classes) for all.
    fn input_gradients(&mut self, input: ModelInput<'_>, cotangent: &[f32]) -> Result<InputGradients>;
    /// `None` where the network has no recurrent layer.
    fn truncated_logits(&mut self, sequences: &[DnaSequence]) -> Result<Option<TruncatedLogits>>;
    /// `None` where the network does not begin with a convolution.
    fn first_layer(&mut self, sequences: &[DnaSequence]) -> Result<Option<FirstLayer>>;
}
