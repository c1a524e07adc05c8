//! From a motif as a file gives it to the columns that are compared.

use demo_core::{Background, Motif};

/// The number of sites assumed where a motif does not say.
const DEFAULT_SITES: f64 = 100.0;
/// Rows whose sum is nearer to 1 than this are taken as they are printed.
const SUM_TOLERANCE: f64 = 1e-5;

/// The motif's rows, renormalised where they need it and mixed with `pseudocount` sites of background.
pub(crate) fn columns(motif: &Motif, pseudocount: f64, background: &Background) -> Vec<[f64; 4]> {
    let sites = motif.site_count().filter(|&sites| sites.is_finite() && sites > 0.0).unwrap_or(DEFAULT_SITES);
    let background = background.frequencies();
    let prepared = |row: &[f64; 4]| {
        let sum: f64 = row.iter().sum();
        let row = if (sum - 1.0).abs() > SUM_TOLERANCE { row.map(|p| p / sum) } else { *row };
        std::array::from_fn(|base| {
            (row[base] * sites + pseudocount * background[base]) / (sites + pseudocount)
        })
    };
    motif.probabilities().rows().iter().map(prepared).collect()
}

/// The columns as the other strand shows them.
pub(crate) fn reverse_complement(columns: &[[f64; 4]]) -> Vec<[f64; 4]> {
    columns.iter().rev().map(|&[a, c, g, t]| [t, g, c, a]).collect()
}

/// The most probable base of each column, in the order A, C, G, T.
///
/// Among equals Tomtom names the first or the last: the largest value so far is kept in single precision, so
/// that an equal one further on exceeds it where the rounding went down. The rule was found from its tables.
pub(crate) fn consensus(columns: &[[f64; 4]]) -> String {
    let letter = |row: &[f64; 4]| {
        let mut best = ('A', row[0] as f32);
        for (letter, &p) in ['C', 'G', 'T'].into_iter().zip(&row[1..]) {
            if p > f64::from(best.1) {
                best = (letter, p as f32);
            }
        }
        best.0
    };
    columns.iter().map(letter).collect()
}
