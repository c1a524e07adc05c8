//! In-silico mutagenesis: what each single mutation does to the score (Zhou and Troyanskaya, *Predicting
//! effects of noncoding variants with deep learning-based sequence model*, Nature Methods 2015).
//!
//! With S the [`Target`] and x the sequence, the effect of base b at position i is S(x with b at i) -
//! S(x): finite, where a gradient is only the slope at x. The effect of the base that is there is 0. At an
//! unknown base all four are mutations.
//!
//! Cost: 3 l mutants a sequence; models of this project recompute only what a mutation touches.

use demo_core::{Attribution, DnaSequence};
use demo_models::{ModelInput, SequenceModel};

use crate::ask;
use crate::{Result, Target};

/// The method's name, as reports print it.
const METHOD: &str = "in-silico-mutagenesis";

/// Sequences a question: an answer has 8 l numbers a sequence.
const BATCH: usize = 32;

/// What every single mutation of a sequence does to its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutagenesis {
    /// logit(bound) - logit(unbound) of the sequence itself.
    pub score: f32,
    /// Position × base: the mutant's score less that of the sequence.
    pub effects: Vec<[f32; 4]>,
}

impl Mutagenesis {
    /// How much each position matters: minus the mean effect of its mutations, positive where a mutation
    /// costs score. Base scores are the effects.
    ///
    /// # Errors
    /// None that effects of one sequence can cause.
    pub fn to_attribution(&self, sequence: &DnaSequence) -> Result<Attribution> {
        let mean = |(effects, &code): (&[f32; 4], &u8)| {
            let mutations = if code < 4 { 3.0 } else { 4.0 };
            // Without the minus sign of a zero.
            0.0 - effects.iter().sum::<f32>() / mutations
        };
        let scores = self.effects.iter().zip(sequence.as_codes()).map(mean).collect();
        let attribution = Attribution::new(METHOD, Target::Binding.name(), scores);
        Ok(attribution.with_base_scores(self.effects.clone())?)
    }
}

/// The effects of every single mutation of every sequence.
///
/// # Errors
/// Without sequences, at a sequence of another length, at a score that is not finite, and where the
/// model fails.
pub fn in_silico_mutagenesis(
    model: &mut dyn SequenceModel,
    sequences: &[DnaSequence],
) -> Result<Vec<Mutagenesis>> {
    ask::check_sequences(model, sequences, "in-silico mutagenesis")?;
    let each = model.length() * 4;
    let mut all = Vec::with_capacity(sequences.len());
    for (number, batch) in sequences.chunks(BATCH).enumerate() {
        let in_set = |error| ask::in_set(error, number * BATCH);
        let scores =
            ask::scores(model, ModelInput::Hard(batch), batch.len(), Target::Binding).map_err(in_set)?;
        let mutants = ask::mutants(model, batch, Target::Binding).map_err(in_set)?;
        for (score, mutants) in scores.into_iter().zip(mutants.chunks_exact(each)) {
            let effects = mutants.as_chunks::<4>().0.iter().map(|row| row.map(|mutant| mutant - score));
            all.push(Mutagenesis { score, effects: effects.collect() });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{LogLinear, Toy, word_weights};

    #[test]
    fn effects_of_a_linear_model_are_differences_of_weights() {
        let weights = word_weights("GATTACA");
        let mut model = Toy::new(7, LogLinear { weights: weights.clone(), bias: 0.5 });
        let sequence: DnaSequence = "GATNCCA".parse().unwrap();
        let found = in_silico_mutagenesis(&mut model, std::slice::from_ref(&sequence)).unwrap();
        let codes = sequence.as_codes();
        for (i, (effects, weights)) in found[0].effects.iter().zip(&weights).enumerate() {
            let own = weights.get(usize::from(codes[i])).copied().unwrap_or(0.0);
            for (effect, weight) in effects.iter().zip(weights) {
                assert!((effect - (weight - own)).abs() < 1e-6);
            }
        }
        let attribution = found[0].to_attribution(&sequence).unwrap();
        // G for each of the others costs 2 at the first position; at the fourth nothing is there to lose.
        assert!((attribution.scores()[0] - 2.0).abs() < 1e-6);
        let sum: f32 = weights[3].iter().sum();
        assert!((attribution.scores()[3] + sum / 4.0).abs() < 1e-6);
        assert_eq!(attribution.method, "in-silico-mutagenesis");
        assert_eq!(attribution.base_scores().unwrap(), found[0].effects);
    }

    #[test]
    fn sequences_that_do_not_fit_are_refused() {
        let mut model = Toy::new(7, LogLinear { weights: word_weights("GATTACA"), bias: 0.0 });
        let short: DnaSequence = "GATT".parse().unwrap();
        assert!(in_silico_mutagenesis(&mut model, &[short]).is_err());
        assert!(in_silico_mutagenesis(&mut model, &[]).is_err());
    }
}
