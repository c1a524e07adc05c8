//! What a network is trained on: sequences of one length with a label each, as codes.

use demo_core::DnaSequence;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Sequences of one length, each bound (1) or unbound (0), at least one of each.
///
/// ```
/// use demo_models::LabelledSequences;
///
/// let sequences = ["ACGT".parse()?, "TTTT".parse()?];
/// let set = LabelledSequences::new(&sequences, &[1, 0])?;
/// assert_eq!((set.len(), set.length()), (2, 4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledSequences {
    codes: Vec<u8>,
    labels: Vec<u8>,
    /// What each sequence weighs in the loss; none where all weigh the same.
    weights: Option<Vec<Weight>>,
    length: usize,
}

/// A positive, finite number.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Weight(f32);

/// None is a NaN.
impl Eq for Weight {}

impl LabelledSequences {
    /// Checks and copies the sequences, in their order.
    ///
    /// # Errors
    /// [`Error::LabelCount`], [`Error::Label`], [`Error::UnequalLengths`] and [`Error::OneClass`].
    pub fn new<'a>(sequences: impl IntoIterator<Item = &'a DnaSequence>, labels: &[u8]) -> Result<Self> {
        let (mut codes, mut count, mut length) = (Vec::new(), 0, 0);
        for (at, sequence) in sequences.into_iter().enumerate() {
            if at == 0 {
                length = sequence.len();
            } else if sequence.len() != length {
                return Err(Error::UnequalLengths {
                    first: 0,
                    first_length: length,
                    second: at,
                    second_length: sequence.len(),
                });
            }
            codes.extend_from_slice(sequence.as_codes());
            count += 1;
        }
        if count != labels.len() {
            return Err(Error::LabelCount { sequences: count, labels: labels.len() });
        }
        if let Some(sequence) = labels.iter().position(|&label| label > 1) {
            return Err(Error::Label { sequence, found: labels[sequence] });
        }
        let positives: usize = labels.iter().map(|&label| usize::from(label)).sum();
        if positives == 0 || positives == count {
            return Err(Error::OneClass { positives, negatives: count - positives });
        }
        Ok(Self { codes, labels: labels.to_vec(), weights: None, length })
    }

    /// The same sequences, each with its weight in the loss, of training and of validation. A step's loss is
    /// divided by the sum of its weights, so that only their ratios matter; class weights ([`crate::Balance`])
    /// multiply them.
    ///
    /// # Errors
    /// [`Error::WeightCount`], and [`Error::Weight`] where one is no positive, finite number.
    pub fn with_weights(self, weights: &[f32]) -> Result<Self> {
        if weights.len() != self.len() {
            return Err(Error::WeightCount { sequences: self.len(), weights: weights.len() });
        }
        let good = |weight: &f32| weight.is_finite() && *weight > 0.0;
        if let Some(sequence) = weights.iter().position(|weight| !good(weight)) {
            return Err(Error::Weight { sequence, found: weights[sequence] });
        }
        Ok(Self { weights: Some(weights.iter().map(|&weight| Weight(weight)).collect()), ..self })
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never: a set holds at least one sequence of each class.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of bases of every sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// 1 is bound, 0 unbound.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// What a sequence weighs in the loss.
    pub(crate) fn weight(&self, sequence: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[sequence].0)
    }

    /// (n, length)
    pub(crate) fn codes(&self) -> &[u8] {
        &self.codes
    }

    /// The codes of every sequence's reverse complement, (n, length).
    pub(crate) fn reverse_complement_codes(&self) -> Vec<u8> {
        self.codes.chunks_exact(self.length).flat_map(reverse_complement).collect()
    }

    /// A fingerprint of sequences, order, labels and weights, by which a resumed training knows its data.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update((self.length as u64).to_le_bytes());
        hash.update(&self.codes);
        hash.update(&self.labels);
        for weight in self.weights.iter().flatten() {
            hash.update(weight.0.to_le_bytes());
        }
        hex(&hash.finalize())
    }
}

/// The codes of the other strand.
pub(crate) fn reverse_complement(codes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    codes.iter().rev().map(|&code| if code < demo_core::UNKNOWN { 3 - code } else { code })
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequences(letters: &[&str]) -> Vec<DnaSequence> {
        letters.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn faults_are_named() {
        let message = |letters: &[&str], labels: &[u8]| {
            LabelledSequences::new(&sequences(letters), labels).unwrap_err().to_string()
        };
        assert_eq!(
            message(&["ACG", "ACG", "AC"], &[0, 1, 1]),
            "sequence 1 has 3 bases and sequence 3 has 2, wanted equal lengths"
        );
        assert_eq!(message(&["ACG"], &[0, 1]), "found 2 labels for 1 sequences, wanted one each");
        assert_eq!(
            message(&["ACG", "ACG"], &[0, 2]),
            "sequence 2: found label 2, wanted 0 (unbound) or 1 (bound)"
        );
        assert_eq!(
            message(&["ACG", "ACG"], &[1, 1]),
            "found 2 bound and 0 unbound sequences, wanted at least one of each"
        );
        assert!(message(&[], &[]).starts_with("found 0 bound"));
        let weighted = |weights: &[f32]| {
            let set = LabelledSequences::new(&sequences(&["ACG", "CCG"]), &[0, 1]).unwrap();
            set.with_weights(weights).unwrap_err().to_string()
        };
        assert_eq!(weighted(&[1.0]), "found 1 weights for 2 sequences, wanted one each");
        assert_eq!(weighted(&[1.0, 0.0]), "sequence 2: found weight 0, wanted a positive, finite number");
        assert!(weighted(&[f32::NAN, 1.0]).starts_with("sequence 1: found weight NaN"));
    }

    #[test]
    fn both_strands_and_the_fingerprint() {
        let set = LabelledSequences::new(&sequences(&["AACN", "TTTT"]), &[1, 0]).unwrap();
        assert_eq!(set.reverse_complement_codes(), [4, 2, 3, 3, 0, 0, 0, 0]);
        let swapped = LabelledSequences::new(&sequences(&["AACN", "TTTT"]), &[0, 1]).unwrap();
        assert_ne!(set.digest(), swapped.digest());
        assert_eq!(set.digest().len(), 64);
        assert_ne!(set.digest(), set.clone().with_weights(&[1.0, 1.0]).unwrap().digest());
    }
}
