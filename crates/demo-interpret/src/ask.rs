//! Asking a model and checking what it answers, in batches that bound the memory of an answer.

use demo_core::DnaSequence;
use demo_models::{FirstLayer, ModelInput, SequenceModel, TruncatedLogits};

use crate::{Error, Result, Target};

/// Sequences a question. An answer holds at most some tens of thousands of numbers a sequence.
pub(crate) const BATCH: usize = 128;

/// Checks that there are sequences and that all have the model's length.
pub(crate) fn check_sequences(
    model: &dyn SequenceModel,
    sequences: &[DnaSequence],
    method: &'static str,
) -> Result<()> {
    if sequences.is_empty() {
        return Err(Error::NoSequences { method });
    }
    let wanted = model.length();
    match sequences.iter().position(|s| s.len() != wanted) {
        Some(sequence) => Err(Error::Length { sequence, found: sequences[sequence].len(), wanted }),
        None => Ok(()),
    }
}

/// The target's scores of `n` inputs.
pub(crate) fn scores(
    model: &mut dyn SequenceModel,
    input: ModelInput<'_>,
    n: usize,
    target: Target,
) -> Result<Vec<f32>> {
    target.cotangent(model.classes())?;
    let logits = model.logits(input)?;
    to_scores(&logits, n, target)
}

/// The target's scores (n) and their gradients (n, l, 4).
pub(crate) fn gradients(
    model: &mut dyn SequenceModel,
    input: ModelInput<'_>,
    n: usize,
    target: Target,
) -> Result<(Vec<f32>, Vec<f32>)> {
    let cotangent = target.cotangent(model.classes())?;
    let answer = model.input_gradients(input, &cotangent)?;
    let scores = to_scores(&answer.logits, n, target)?;
    check_answer("input gradients", &answer.bases, n, model.length() * 4)?;
    Ok((scores, answer.bases))
}

/// The logits of every prefix and suffix, where the model is recurrent.
pub(crate) fn truncated(
    model: &mut dyn SequenceModel,
    sequences: &[DnaSequence],
) -> Result<Option<TruncatedLogits>> {
    Target::Binding.cotangent(model.classes())?;
    let Some(answer) = model.truncated_logits(sequences)? else { return Ok(None) };
    let each = model.length() * 2;
    check_answer("prefix logits", &answer.prefixes, sequences.len(), each)?;
    check_answer("suffix logits", &answer.suffixes, sequences.len(), each)?;
    Ok(Some(answer))
}

/// The target's scores of all single mutants, (n, l, 4).
pub(crate) fn mutants(
    model: &mut dyn SequenceModel,
    sequences: &[DnaSequence],
    target: Target,
) -> Result<Vec<f32>> {
    target.cotangent(model.classes())?;
    let logits = model.mutant_logits(sequences)?;
    let each = model.length() * 4;
    check_answer("mutants' logits", &logits, sequences.len(), each * 2)?;
    to_scores(&logits, sequences.len() * each, target)
}

/// The first convolution's activations, where the model begins with one.
pub(crate) fn first_layer(
    model: &mut dyn SequenceModel,
    sequences: &[DnaSequence],
) -> Result<Option<FirstLayer>> {
    let Some(answer) = model.first_layer(sequences)? else { return Ok(None) };
    check_answer("activations", &answer.activations, sequences.len(), answer.positions * answer.filters)?;
    Ok(Some(answer))
}

/// Moves the index within a batch to the index within the set.
pub(crate) fn in_set(error: Error, first: usize) -> Error {
    match error {
        Error::NonFinite { what, sequence, index, found } => {
            Error::NonFinite { what, sequence: sequence + first, index, found }
        }
        other => other,
    }
}

fn to_scores(logits: &[f32], n: usize, target: Target) -> Result<Vec<f32>> {
    check_answer("logits", logits, n, 2)?;
    Ok(logits.chunks_exact(2).map(|pair| target.score([pair[0], pair[1]])).collect())
}

fn check_answer(what: &'static str, values: &[f32], n: usize, each: usize) -> Result<()> {
    if values.len() != n * each {
        return Err(Error::Answer { what, found: values.len(), wanted: n * each });
    }
    match values.iter().position(|v| !v.is_finite()) {
        Some(at) => Err(Error::NonFinite { what, sequence: at / each, index: at % each, found: values[at] }),
        None => Ok(()),
    }
}
