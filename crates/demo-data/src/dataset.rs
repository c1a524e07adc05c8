//! Labelled sequences of one experiment, in a training and a test half.
//!
//! A [`DataSet`] is checked where it is made: both halves hold bound and unbound sequences, and all
//! sequences have one length. The order of the file is kept (a positive, its shuffle, the next
//! positive), because the published protocol trains in that order.

use std::fmt;

use demo_core::{DnaSequence, Strand};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Where a motif truly lies in a simulated sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// First base, 0-based.
    pub start: usize,
    /// One past the last base.
    pub end: usize,
    /// The strand the motif reads on.
    pub strand: Strand,
    /// Identifier of the motif, such as `MA0139.1`.
    pub motif: String,
}

/// One sequence with its label and what is known of its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The bases.
    pub sequence: DnaSequence,
    /// Whether the factor binds here.
    pub bound: bool,
    /// A number shared by a positive and the negative made from it, unique within its half.
    pub pair: Option<u32>,
    /// Rank of the peak, 1 the strongest, where the file says it.
    pub rank: Option<u32>,
    /// The true sites, known for simulated data only.
    pub sites: Vec<Site>,
}

impl Example {
    /// A sequence of which nothing but its label is known.
    pub fn new(sequence: DnaSequence, bound: bool) -> Self {
        Self { sequence, bound, pair: None, rank: None, sites: Vec::new() }
    }

    /// The same example as member of a pair.
    #[must_use]
    pub fn with_pair(self, pair: u32) -> Self {
        Self { pair: Some(pair), ..self }
    }
}

/// Whether the sequences were measured or made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Made by the simulator; never to be shown as anything else.
    Simulated,
    /// Read from a user's files.
    Real,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Simulated => "simulated",
            Self::Real => "real",
        })
    }
}

/// The parts of a [`DataSet`], before they are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSetParts {
    /// Name of the set, such as `ATF3_K562_ATF3_HudsonAlpha`.
    pub name: String,
    /// The transcription factor, such as `ATF3`.
    pub tf: String,
    /// Measured or simulated.
    pub source: Source,
    /// The training half.
    pub train: Vec<Example>,
    /// The test half.
    pub test: Vec<Example>,
}

/// A checked data set: two halves with both classes each, all sequences of one length.
///
/// ```
/// use demo_data::{DataSet, DataSetParts, Example, Source};
///
/// let half = || -> Result<Vec<Example>, demo_core::Error> {
///     Ok(vec![Example::new("GATTACA".parse()?, true), Example::new("CATTAGA".parse()?, false)])
/// };
/// let parts = DataSetParts {
///     name: "GATA1_K562".into(),
///     tf: "GATA1".into(),
///     source: Source::Real,
///     train: half()?,
///     test: half()?,
/// };
/// let set = DataSet::new(parts)?;
/// assert_eq!((set.length(), set.cell()), (7, Some("K562")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    parts: DataSetParts,
    length: usize,
}

impl DataSet {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`Error::SetClasses`] where a half is empty or lacks a class, [`Error::SetLength`] where a
    /// length differs, [`Error::SetSite`] where a site reaches past its sequence.
    pub fn new(parts: DataSetParts) -> Result<Self> {
        let length = parts.train.first().map_or(0, |example| example.sequence.len());
        for (half, examples) in [("training", &parts.train), ("test", &parts.test)] {
            check_classes(&parts.name, half, examples)?;
            check_lengths(&parts.name, half, examples, length)?;
        }
        Ok(Self { parts, length })
    }

    /// Name of the set.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// The transcription factor.
    pub fn tf(&self) -> &str {
        &self.parts.tf
    }

    /// The cell type, where the name has one as its second part.
    pub fn cell(&self) -> Option<&str> {
        cell_of(&self.parts.name)
    }

    /// Measured or simulated.
    pub fn source(&self) -> Source {
        self.parts.source
    }

    /// The training half, in the order of the file.
    pub fn train(&self) -> &[Example] {
        &self.parts.train
    }

    /// The test half, in the order of the file.
    pub fn test(&self) -> &[Example] {
        &self.parts.test
    }

    /// Number of bases of every sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The parts, to be changed and checked anew.
    pub fn into_parts(self) -> DataSetParts {
        self.parts
    }
}

/// The transcription factor a set's name begins with, in upper case: `Egr1_K562_…` gives `EGR1`.
pub fn tf_of(name: &str) -> String {
    name.split('_').next().unwrap_or(name).to_uppercase()
}

/// The cell type a set's name gives as its second part.
pub fn cell_of(name: &str) -> Option<&str> {
    name.split('_').nth(1).filter(|cell| !cell.is_empty())
}

fn check_classes(set: &str, half: &'static str, examples: &[Example]) -> Result<()> {
    for (bound, missing) in [(true, "bound"), (false, "unbound")] {
        if !examples.iter().any(|example| example.bound == bound) {
            return Err(Error::SetClasses { set: set.to_owned(), half, found: examples.len(), missing });
        }
    }
    Ok(())
}

fn check_lengths(set: &str, half: &'static str, examples: &[Example], wanted: usize) -> Result<()> {
    for (index, example) in examples.iter().enumerate() {
        let found = example.sequence.len();
        if found != wanted || found == 0 {
            return Err(Error::SetLength { set: set.to_owned(), half, index, found, wanted });
        }
        if let Some(site) = example.sites.iter().find(|site| site.start >= site.end || site.end > found) {
            let (set, start, end) = (set.to_owned(), site.start, site.end);
            return Err(Error::SetSite { set, half, index, start, end, length: found });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: &str, bound: bool) -> Example {
        Example::new(text.parse().unwrap(), bound)
    }

    fn parts() -> DataSetParts {
        DataSetParts {
            name: "Egr1_K562_x".into(),
            tf: tf_of("Egr1_K562_x"),
            source: Source::Real,
            train: vec![example("ACGT", true), example("AGCT", false)],
            test: vec![example("ACGA", true), example("AGCA", false)],
        }
    }

    #[test]
    fn names_give_factor_and_cell() {
        let set = DataSet::new(parts()).unwrap();
        assert_eq!((set.tf(), set.cell(), set.length()), ("EGR1", Some("K562"), 4));
        assert_eq!((tf_of("plain"), cell_of("plain")), ("PLAIN".to_owned(), None));
        assert_eq!(format!("{:>9}/{}", Source::Real, Source::Simulated), "     real/simulated");
        assert_eq!(set.clone().into_parts(), parts());
    }

    #[test]
    fn a_missing_class_is_named() {
        let mut bad = parts();
        bad.test.pop();
        let text = DataSet::new(bad).unwrap_err().to_string();
        assert_eq!(
            text,
            "set Egr1_K562_x: the test half has 1 sequences, none of them unbound, wanted both bound and unbound ones"
        );
        let bad = DataSetParts { train: vec![], ..parts() };
        assert!(matches!(DataSet::new(bad), Err(Error::SetClasses { found: 0, missing: "bound", .. })));
    }

    #[test]
    fn another_length_and_a_site_outside_are_named() {
        let mut bad = parts();
        bad.test.push(example("ACGTA", true));
        let text = DataSet::new(bad).unwrap_err().to_string();
        assert_eq!(text, "set Egr1_K562_x: test sequence 3 has 5 bases, wanted 4 as the first one has");
        let mut bad = parts();
        let site = Site { start: 2, end: 5, strand: Strand::Forward, motif: "MA0139.1".into() };
        bad.train[0].sites.push(site);
        assert!(matches!(DataSet::new(bad), Err(Error::SetSite { index: 0, end: 5, length: 4, .. })));
    }
}
