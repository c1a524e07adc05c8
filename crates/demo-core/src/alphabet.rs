//! Alphabets of motif files, and motifs over any of them.
//!
//! DNA has types of its own ([`Motif`], four letters in a fixed order), which the rest of the project speaks of.
//! Motif files may declare RNA, proteins or DNA with modified bases too; [`Alphabet`] holds what such a file
//! declares and [`AlphabetMotif`] a motif with a column for each of its letters.

use std::sync::Arc;

use crate::{Error, Motif, Result};

/// How far a probability row's sum may lie from 1 before it is an error.
const ROW_SUM_TOLERANCE: f64 = 0.01;

/// The core letters of an alphabet, in the order of a matrix's columns, and which of them pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alphabet {
    name: String,
    letters: Vec<char>,
    complements: Option<Vec<usize>>,
}

impl Alphabet {
    /// DNA: A, C, G, T, with A opposite T and C opposite G.
    pub fn dna() -> Self {
        let letters = vec!['A', 'C', 'G', 'T'];
        Self { name: "DNA".into(), letters, complements: Some(vec![3, 2, 1, 0]) }
    }

    /// RNA: A, C, G, U, on one strand.
    pub fn rna() -> Self {
        Self { name: "RNA".into(), letters: vec!['A', 'C', 'G', 'U'], complements: None }
    }

    /// The twenty amino acids in the order of their letters.
    pub fn protein() -> Self {
        Self { name: "Protein".into(), letters: "ACDEFGHIKLMNPQRSTVWY".chars().collect(), complements: None }
    }

    /// An alphabet of letters, each with the one opposite to it; either all letters have one or none has.
    ///
    /// # Errors
    /// [`Error::Alphabet`] with fewer than two letters, one letter twice, or pairs that do not match.
    pub fn new(name: impl Into<String>, pairs: &[(char, Option<char>)]) -> Result<Self> {
        let name = name.into();
        let error = |wanted| Error::Alphabet { name: name.clone(), wanted };
        let letters: Vec<char> = pairs.iter().map(|&(letter, _)| letter).collect();
        if letters.len() < 2 {
            return Err(error("two core letters or more"));
        }
        if (1..letters.len()).any(|i| letters[..i].contains(&letters[i])) {
            return Err(error("each letter once"));
        }
        let place = |letter: char| letters.iter().position(|&other| other == letter);
        let opposite: Vec<Option<usize>> = pairs.iter().map(|&(_, other)| other.and_then(place)).collect();
        let complements = match opposite.iter().copied().collect::<Option<Vec<usize>>>() {
            Some(all) if all.iter().enumerate().all(|(letter, &other)| all[other] == letter) => Some(all),
            Some(_) => return Err(error("complements that are each other's")),
            None if pairs.iter().all(|(_, other)| other.is_none()) => None,
            None => return Err(error("a complement for every core letter or for none")),
        };
        Ok(Self { name, letters, complements })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The letters, in the order of a matrix's columns.
    pub fn letters(&self) -> &[char] {
        &self.letters
    }

    /// Which letter lies opposite to each, where there is a second strand.
    pub fn complements(&self) -> Option<&[usize]> {
        self.complements.as_deref()
    }

    /// Whether these are A, C, G and T with their complements, whatever the name.
    pub fn is_dna(&self) -> bool {
        let dna = Self::dna();
        self.letters == dna.letters && self.complements == dna.complements
    }

    /// Whether matrices over both have the same columns and strands.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.letters == other.letters && self.complements == other.complements
    }
}

/// A motif over any alphabet: an identifier and the probability of each letter at each position.
#[derive(Debug, Clone, PartialEq)]
pub struct AlphabetMotif {
    id: String,
    name: Option<String>,
    alphabet: Arc<Alphabet>,
    probabilities: Vec<f64>,
    site_count: Option<f64>,
    e_value: Option<f64>,
}

impl AlphabetMotif {
    /// A motif with rows of one probability a letter, which are kept as they are given.
    ///
    /// # Errors
    /// [`Error::ZeroWidth`] without rows, [`Error::LetterRow`] where a row has another number of columns or
    /// something other than finite non-negative numbers, not all zero, and [`Error::RowSum`] where a sum is off
    /// by more than 0.01.
    pub fn new(id: impl Into<String>, alphabet: Arc<Alphabet>, rows: &[Vec<f64>]) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::ZeroWidth);
        }
        let letters = alphabet.letters.len();
        for (row, probabilities) in rows.iter().enumerate() {
            let usable = probabilities.iter().all(|p| p.is_finite() && *p >= 0.0);
            let sum: f64 = probabilities.iter().sum();
            if probabilities.len() != letters || !usable || sum == 0.0 {
                return Err(Error::LetterRow { row, found: probabilities.clone(), letters });
            }
            if (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
                return Err(Error::RowSum { row, sum });
            }
        }
        let probabilities = rows.concat();
        Ok(Self { id: id.into(), name: None, alphabet, probabilities, site_count: None, e_value: None })
    }

    /// The same motif with a name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same motif with the number of sites it was made from.
    #[must_use]
    pub fn with_site_count(mut self, site_count: f64) -> Self {
        self.site_count = Some(site_count);
        self
    }

    /// The same motif with the E-value its finder gave it.
    #[must_use]
    pub fn with_e_value(mut self, e_value: f64) -> Self {
        self.e_value = Some(e_value);
        self
    }

    /// The identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name, where the file gives one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The letters its columns stand for.
    pub fn alphabet(&self) -> &Arc<Alphabet> {
        &self.alphabet
    }

    /// The positions one after the other, each a probability for every letter.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.probabilities.chunks_exact(self.alphabet.letters.len())
    }

    /// All rows in one run, position × letter.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Number of positions.
    pub fn width(&self) -> usize {
        self.probabilities.len() / self.alphabet.letters.len()
    }

    /// The number of sites the matrix was made from, where it is known.
    pub fn site_count(&self) -> Option<f64> {
        self.site_count
    }

    /// The E-value its finder gave it, where it is known.
    pub fn e_value(&self) -> Option<f64> {
        self.e_value
    }
}

impl From<&Motif> for AlphabetMotif {
    fn from(motif: &Motif) -> Self {
        Self {
            id: motif.id().to_owned(),
            name: motif.name().map(str::to_owned),
            alphabet: Arc::new(Alphabet::dna()),
            probabilities: motif.probabilities().rows().concat(),
            site_count: motif.site_count(),
            e_value: motif.e_value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_checked() {
        let paired = [('A', Some('T')), ('C', Some('G')), ('G', Some('C')), ('T', Some('A'))];
        let dna = Alphabet::new("mine", &paired).unwrap();
        assert!(dna.is_dna() && dna.is_same_as(&Alphabet::dna()) && !dna.is_same_as(&Alphabet::rna()));
        let wanted = |pairs: &[(char, Option<char>)]| match Alphabet::new("x", pairs).unwrap_err() {
            Error::Alphabet { wanted, .. } => wanted,
            other => panic!("{other}"),
        };
        assert_eq!(wanted(&[('A', None)]), "two core letters or more");
        assert_eq!(wanted(&[('A', None), ('A', None)]), "each letter once");
        let half = [('A', Some('T')), ('T', Some('A')), ('C', None)];
        assert_eq!(wanted(&half), "a complement for every core letter or for none");
        let crossed = [('A', Some('T')), ('T', Some('C')), ('C', Some('A'))];
        assert_eq!(wanted(&crossed), "complements that are each other's");
    }

    #[test]
    fn rows_are_checked() {
        let rna = Arc::new(Alphabet::rna());
        let motif = |rows: &[Vec<f64>]| AlphabetMotif::new("m", Arc::clone(&rna), rows);
        let good = motif(&[vec![0.25; 4], vec![1.0, 0.0, 0.0, 0.0]]).unwrap();
        assert_eq!((good.width(), good.rows().nth(1)), (2, Some([1.0, 0.0, 0.0, 0.0].as_slice())));
        assert_eq!(motif(&[]).unwrap_err(), Error::ZeroWidth);
        assert!(matches!(motif(&[vec![0.5; 3]]), Err(Error::LetterRow { letters: 4, .. })));
        assert!(matches!(motif(&[vec![f64::NAN; 4]]), Err(Error::LetterRow { .. })));
        assert!(matches!(motif(&[vec![0.0; 4]]), Err(Error::LetterRow { .. })));
        assert!(matches!(motif(&[vec![0.5; 4]]), Err(Error::RowSum { row: 0, .. })));
    }
}
