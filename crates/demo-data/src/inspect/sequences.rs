//! What a sequence file holds.

use std::fmt;
use std::path::{Path, PathBuf};

use demo_core::DnaSequence;

use super::range;
use crate::sequences::{pair_by_composition, read_deepbind, read_fasta};
use crate::{Example, Result};

/// The formats of sequence files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceFormat {
    /// `DeepBind`'s table.
    DeepBind,
    /// FASTA whose headers are labels.
    LabelledFasta,
    /// FASTA without labels.
    Fasta,
}

impl fmt::Display for SequenceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DeepBind => "DeepBind table",
            Self::LabelledFasta => "FASTA with labels",
            Self::Fasta => "FASTA",
        })
    }
}

/// What a sequence file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceInspection {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: SequenceFormat,
    /// Number of sequences.
    pub sequences: usize,
    /// Number of bound and of unbound sequences, where the file has labels.
    pub labels: Option<(usize, usize)>,
    /// Number of positives with a negative of the same dinucleotides.
    pub pairs: usize,
    /// The shortest and the longest length.
    pub lengths: (usize, usize),
    /// How often A, C, G, T and unknown bases occur.
    pub composition: [u64; 5],
    /// Number of sequences that repeat an earlier one or its reverse complement.
    pub copies: usize,
}

/// Reads a sequence file and counts.
pub(super) fn inspect(path: &Path, format: SequenceFormat) -> Result<SequenceInspection> {
    let mut examples = match format {
        SequenceFormat::DeepBind => read_deepbind(path)?,
        SequenceFormat::LabelledFasta | SequenceFormat::Fasta => read_fasta(path)?
            .into_iter()
            .map(|record| Example::new(record.sequence, record.header == "1"))
            .collect(),
    };
    let labels = (format != SequenceFormat::Fasta).then(|| {
        let bound = examples.iter().filter(|example| example.bound).count();
        (bound, examples.len() - bound)
    });
    if examples.iter().all(|example| example.pair.is_none()) {
        pair_by_composition(&mut examples);
    }
    let mut composition = [0; 5];
    for &code in examples.iter().flat_map(|example| example.sequence.as_codes()) {
        composition[usize::from(code)] += 1;
    }
    let lengths = examples.iter().map(|example| example.sequence.len());
    let mut canonical: Vec<DnaSequence> =
        examples.iter().map(|example| example.sequence.to_canonical()).collect();
    canonical.sort_unstable();
    Ok(SequenceInspection {
        path: path.to_owned(),
        format,
        sequences: examples.len(),
        labels,
        pairs: examples.iter().filter(|example| example.bound && example.pair.is_some()).count(),
        lengths: (lengths.clone().min().unwrap_or(0), lengths.max().unwrap_or(0)),
        composition,
        copies: canonical.windows(2).filter(|pair| pair[0] == pair[1]).count(),
    })
}

impl fmt::Display for SequenceInspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.path.display(), self.format)?;
        writeln!(f, "  sequences    {}", self.sequences)?;
        if let Some((bound, unbound)) = self.labels {
            writeln!(f, "  labels       {bound} bound, {unbound} unbound")?;
            if unbound > 0 {
                writeln!(
                    f,
                    "  pairs        {} (a positive and a negative of its dinucleotides)",
                    self.pairs
                )?;
            }
        }
        let (shortest, longest) = self.lengths;
        let unequal = if shortest == longest { "" } else { " (a data set needs one length)" };
        writeln!(f, "  length       {}{unequal}", range(&shortest, &longest))?;
        let total: u64 = self.composition.iter().sum();
        let parts: Vec<String> = ["A", "C", "G", "T", "unknown"]
            .into_iter()
            .zip(self.composition)
            .map(|(base, count)| format!("{base} {:.2} %", 100.0 * count as f64 / total.max(1) as f64))
            .collect();
        writeln!(f, "  composition  {}", parts.join(", "))?;
        if self.copies > 0 {
            writeln!(f, "  copies       {} of an earlier sequence or its reverse complement", self.copies)?;
        }
        Ok(())
    }
}
