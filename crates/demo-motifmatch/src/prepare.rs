//! From a motif as a file gives it to the columns that are compared.

use demo_core::{AlphabetMotif, Motif};

/// The number of sites assumed where a motif does not say.
const DEFAULT_SITES: f64 = 100.0;
/// The most sites of a motif: with hundreds of orders of magnitude more, scores would not be finite.
pub(crate) const MOST_SITES: f64 = 1e12;
/// Rows whose sum is nearer to 1 than this are taken as they are printed.
pub(crate) const SUM_TOLERANCE: f64 = 1e-5;

/// Bits beneath which a query is too poor in information for Tomtom's null: as much as two and a half certain bases,
/// which chance finds in most targets. The poorest motif of JASPAR 2016 has 5.4.
pub const LOW_INFORMATION: f64 = 5.0;

/// A motif's columns, letter by letter, renormalised where they need it and mixed with background.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prepared {
    pub(crate) letters: usize,
    /// Position × letter.
    pub(crate) values: Vec<f64>,
    /// How many sites it was made from.
    pub(crate) sites: f64,
}

/// A motif of whatever alphabet, as its rows and what the file says of its sites.
pub(crate) trait Source {
    fn letters(&self) -> usize;
    fn values(&self) -> &[f64];
    fn sites(&self) -> Option<f64>;
}

impl Source for Motif {
    fn letters(&self) -> usize {
        4
    }

    fn values(&self) -> &[f64] {
        self.probabilities().rows().as_flattened()
    }

    fn sites(&self) -> Option<f64> {
        self.site_count()
    }
}

impl Source for AlphabetMotif {
    fn letters(&self) -> usize {
        self.alphabet().letters().len()
    }

    fn values(&self) -> &[f64] {
        self.probabilities()
    }

    fn sites(&self) -> Option<f64> {
        self.site_count()
    }
}

impl Prepared {
    /// Mixes the motif with `pseudocount` sites of background; more than [`MOST_SITES`] count as so many.
    pub(crate) fn new(motif: &impl Source, pseudocount: f64, background: &[f64]) -> Self {
        let sites = motif
            .sites()
            .filter(|&sites| sites.is_finite() && sites > 0.0)
            .unwrap_or(DEFAULT_SITES)
            .min(MOST_SITES);
        let letters = motif.letters();
        let mut values = Vec::with_capacity(motif.values().len());
        for row in motif.values().chunks_exact(letters) {
            let sum: f64 = row.iter().sum();
            let divisor = if (sum - 1.0).abs() > SUM_TOLERANCE { sum } else { 1.0 };
            let mixed =
                |(p, b): (&f64, &f64)| (p / divisor * sites + pseudocount * b) / (sites + pseudocount);
            values.extend(row.iter().zip(background).map(mixed));
        }
        Self { letters, values, sites }
    }

    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.letters)
    }

    pub(crate) fn width(&self) -> usize {
        self.values.len() / self.letters
    }

    /// The columns as the other strand shows them; `complements` names the letter opposite to each.
    pub(crate) fn to_reverse_complement(&self, complements: &[usize]) -> Self {
        let values = self.rows().rev().flat_map(|row| complements.iter().map(|&other| row[other])).collect();
        Self { values, ..*self }
    }

    /// The most probable letter of each column.
    ///
    /// Among equals Tomtom names the first or the last: the largest value so far is kept in single precision,
    /// so that an equal one further on exceeds it where the rounding went down. The rule was found from its
    /// tables.
    pub(crate) fn consensus(&self, names: &[char]) -> String {
        let letter = |row: &[f64]| {
            let mut best = (names[0], row[0] as f32);
            for (&name, &p) in names.iter().zip(row).skip(1) {
                if p > f64::from(best.1) {
                    best = (name, p as f32);
                }
            }
            best.0
        };
        self.rows().map(letter).collect()
    }

    /// The information content in bits against equal shares of all letters, summed over the columns.
    pub(crate) fn information(&self) -> f64 {
        let column = |row: &[f64]| {
            let sum: f64 = row.iter().sum();
            let entropy: f64 = row.iter().map(|p| p / sum).filter(|&p| p > 0.0).map(|p| -p * p.log2()).sum();
            (self.letters as f64).log2() - entropy
        };
        self.rows().map(column).sum()
    }
}

/// The mean of a background and its complement, equal on both strands.
pub(crate) fn on_both_strands(background: &[f64], complements: &[usize]) -> Vec<f64> {
    complements.iter().zip(background).map(|(&other, &p)| f64::midpoint(p, background[other])).collect()
}
