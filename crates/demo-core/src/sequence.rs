//! DNA: one base, one sequence, two strands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The code of an unknown base, a zero column to every network.
pub const UNKNOWN: u8 = 4;

/// One of the four bases; the discriminant is its code and its column in every matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Nucleotide {
    /// Adenine, code 0.
    A = 0,
    /// Cytosine, code 1.
    C = 1,
    /// Guanine, code 2.
    G = 2,
    /// Thymine, code 3.
    T = 3,
}

impl Nucleotide {
    /// The four bases in the project's order.
    pub const ALL: [Self; 4] = [Self::A, Self::C, Self::G, Self::T];

    /// The base with this code, `None` for [`UNKNOWN`] and above.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The code, 0 to 3.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The base that pairs with this one.
    #[must_use]
    pub fn complement(self) -> Self {
        Self::ALL[3 - self as usize]
    }

    /// The upper-case letter.
    pub fn letter(self) -> char {
        ['A', 'C', 'G', 'T'][self as usize]
    }
}

/// Which of the two strands something lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Strand {
    /// As written, `+`.
    Forward,
    /// The reverse complement, `-`.
    Reverse,
}

impl Strand {
    /// `+` or `-`, as MEME and BED print it.
    pub fn symbol(self) -> char {
        match self {
            Self::Forward => '+',
            Self::Reverse => '-',
        }
    }

    /// The other strand.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }
}

impl fmt::Display for Strand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.symbol())
    }
}

/// A DNA sequence as codes: A C G T are 0 to 3, an unknown base is [`UNKNOWN`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DnaSequence {
    codes: Box<[u8]>,
}

impl DnaSequence {
    /// Takes codes as they are.
    ///
    /// # Errors
    /// [`Error::Code`] where a code is above 4.
    pub fn from_codes(codes: impl Into<Box<[u8]>>) -> Result<Self> {
        let codes = codes.into();
        match codes.iter().position(|&code| code > UNKNOWN) {
            Some(position) => Err(Error::Code { position, found: codes[position] }),
            None => Ok(Self { codes }),
        }
    }

    /// Reads letters of either case; every IUPAC code that is not A, C, G or T is an unknown base.
    ///
    /// # Errors
    /// [`Error::Letter`] at the first character that is no IUPAC DNA code.
    pub fn from_ascii(letters: &[u8]) -> Result<Self> {
        // Without a branch a letter; what is wrong is looked for only where something is.
        let codes: Box<[u8]> = letters.iter().map(|&letter| CODES[usize::from(letter)]).collect();
        if codes.iter().fold(0, |most, &code| code.max(most)) > UNKNOWN {
            let foreign = codes.iter().position(|&code| code > UNKNOWN).unwrap_or(0);
            return Err(Error::Letter { position: foreign, found: character_at(letters, foreign) });
        }
        Ok(Self { codes })
    }

    /// Number of bases.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is no base at all.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// One code a base.
    pub fn as_codes(&self) -> &[u8] {
        &self.codes
    }

    /// The other strand, read in its own direction; unknown bases stay unknown.
    #[must_use]
    pub fn to_reverse_complement(&self) -> Self {
        let complement = |&code: &u8| if code < UNKNOWN { 3 - code } else { code };
        Self { codes: self.codes.iter().rev().map(complement).collect() }
    }

    /// This sequence or its reverse complement, whichever comes first: equal for both strands.
    #[must_use]
    pub fn to_canonical(&self) -> Self {
        self.to_reverse_complement().min(self.clone())
    }

    /// The sequence with another base at a position.
    ///
    /// # Panics
    /// Where the position is not in the sequence.
    #[must_use]
    pub fn to_mutant(&self, position: usize, base: Nucleotide) -> Self {
        let mut codes = self.codes.clone();
        codes[position] = base.code();
        Self { codes }
    }

    /// The one-hot encoding, (length × 4), an unknown base a row of zeros.
    pub fn to_one_hot(&self) -> Vec<[f32; 4]> {
        let row = |&code: &u8| {
            let mut row = [0.0; 4];
            if let Some(base) = row.get_mut(usize::from(code)) {
                *base = 1.0;
            }
            row
        };
        self.codes.iter().map(row).collect()
    }
}

/// The character that begins at a byte; where the bytes are not UTF-8, the byte taken for Latin-1.
fn character_at(letters: &[u8], position: usize) -> char {
    let character = letters[position..].utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    character.unwrap_or(char::from(letters[position]))
}

/// The code of every letter; 255 where there is none.
const CODES: [u8; 256] = {
    let mut codes = [u8::MAX; 256];
    let letters = b"ACGTNRYSWKMBDHV";
    let mut i = 0;
    while i < letters.len() {
        let code = if i < 4 { i as u8 } else { UNKNOWN };
        codes[letters[i] as usize] = code;
        codes[letters[i].to_ascii_lowercase() as usize] = code;
        i += 1;
    }
    codes
};

impl FromStr for DnaSequence {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::from_ascii(text.as_bytes())
    }
}

impl TryFrom<String> for DnaSequence {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DnaSequence> for String {
    fn from(sequence: DnaSequence) -> Self {
        sequence.to_string()
    }
}

impl fmt::Display for DnaSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters: String = self
            .codes
            .iter()
            .map(|&code| Nucleotide::from_code(code).map_or('N', Nucleotide::letter))
            .collect();
        f.write_str(&letters)
    }
}

impl fmt::Debug for DnaSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DnaSequence({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn either_case_and_iupac_codes_are_read() {
        let sequence: DnaSequence = "acgTRyN".parse().unwrap();
        assert_eq!(sequence.as_codes(), [0, 1, 2, 3, 4, 4, 4]);
        assert_eq!(sequence.to_string(), "ACGTNNN");
    }

    #[test]
    fn a_foreign_letter_is_named_with_its_place() {
        let error = "ACXG".parse::<DnaSequence>().unwrap_err();
        assert_eq!(error, Error::Letter { position: 2, found: 'X' });
        assert!(error.to_string().starts_with("position 3: found 'X'"));
        for (letters, found) in [("ACé".as_bytes(), 'é'), ("AC€G".as_bytes(), '€'), (b"AC\xe9G", 'é')]
        {
            assert_eq!(DnaSequence::from_ascii(letters), Err(Error::Letter { position: 2, found }));
        }
    }

    #[test]
    fn an_unknown_base_is_a_zero_row() {
        let sequence: DnaSequence = "GN".parse().unwrap();
        assert_eq!(sequence.to_one_hot(), [[0., 0., 1., 0.], [0.; 4]]);
    }

    #[test]
    fn a_mutant_differs_at_one_position() {
        let sequence: DnaSequence = "GNA".parse().unwrap();
        assert_eq!(sequence.to_mutant(1, Nucleotide::T).to_string(), "GTA");
        assert_eq!(sequence.to_mutant(2, Nucleotide::A), sequence);
    }

    #[test]
    fn complements_pair() {
        assert_eq!(Nucleotide::A.complement(), Nucleotide::T);
        assert_eq!(Nucleotide::C.complement(), Nucleotide::G);
        assert_eq!(Nucleotide::from_code(UNKNOWN), None);
    }

    proptest! {
        #[test]
        fn text_and_reverse_complement_return(codes in prop::collection::vec(0u8..=4, 0..60)) {
            let sequence = DnaSequence::from_codes(codes).unwrap();
            prop_assert_eq!(&sequence.to_string().parse::<DnaSequence>().unwrap(), &sequence);
            let reverse = sequence.to_reverse_complement();
            prop_assert_eq!(&reverse.to_reverse_complement(), &sequence);
            prop_assert_eq!(reverse.to_canonical(), sequence.to_canonical());
        }
    }
}
