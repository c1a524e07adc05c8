//! Cutting windows out of sequences and counting their bases.

use demo_core::{CountMatrix, DnaSequence, ProbabilityMatrix, Strand, UNKNOWN};

use crate::Result;

/// A window of a sequence that supports a motif.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Index of the sequence.
    pub sequence: usize,
    /// First base of the window, on the forward strand; negative where it begins before the sequence.
    pub start: isize,
    /// The strand on which the motif is read.
    pub strand: Strand,
}

/// The base code at a position, unknown outside the sequence.
pub(crate) fn code_at(codes: &[u8], position: isize) -> u8 {
    usize::try_from(position).ok().and_then(|p| codes.get(p)).copied().unwrap_or(UNKNOWN)
}

/// Counts the bases of sites of one width, `before` columns further left and `after` further right
/// than the sites themselves, in the motif's direction. An unknown base counts a quarter each, so that
/// every row sums to the number of sites.
pub(crate) fn count(
    sequences: &[DnaSequence],
    sites: &[Site],
    width: usize,
    (before, after): (usize, usize),
) -> Vec<[f64; 4]> {
    let mut rows = vec![[0.0; 4]; before + width + after];
    for site in sites {
        let codes = sequences[site.sequence].as_codes();
        for (column, row) in rows.iter_mut().enumerate() {
            let offset = column.cast_signed() - before.cast_signed();
            let code = match site.strand {
                Strand::Forward => code_at(codes, site.start + offset),
                Strand::Reverse => match code_at(codes, site.start + width.cast_signed() - 1 - offset) {
                    UNKNOWN => UNKNOWN,
                    code => 3 - code,
                },
            };
            match row.get_mut(usize::from(code)) {
                Some(count) => *count += 1.0,
                None => row.iter_mut().for_each(|count| *count += 0.25),
            }
        }
    }
    rows
}

/// What is left of a matrix without the columns at both ends that hold less than `bits`; `None` where
/// fewer than `minimum_width` columns are left.
pub(crate) fn informative_span(
    probabilities: &ProbabilityMatrix,
    bits: f64,
    minimum_width: usize,
) -> Option<std::ops::Range<usize>> {
    let information = probabilities.information();
    let first = information.iter().position(|&i| i >= bits)?;
    let last = information.iter().rposition(|&i| i >= bits)?;
    (last + 1 - first >= minimum_width).then_some(first..last + 1)
}

/// The columns `span` of a count matrix.
pub(crate) fn count_span(rows: &[[f64; 4]], span: std::ops::Range<usize>) -> Result<CountMatrix> {
    Ok(CountMatrix::new(rows.get(span).unwrap_or_default().to_vec())?)
}
