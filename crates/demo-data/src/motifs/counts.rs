//! From counts to motifs, the same for every format that holds counts.

use demo_core::{CountMatrix, Motif};

use super::format::MotifReading;
use super::rows::{Lines, matrix_error};
use crate::{Place, Result, Warning};

/// No motif has as many sites. With far more, the logarithms of gamma functions in Tomtom's scores overflow.
pub(super) const MOST_SITES: f64 = 1e12;

/// The motifs read so far from a file of counts.
#[derive(Default)]
pub(super) struct CountMotifs {
    pub(super) motifs: Vec<(Place, Motif)>,
    pub(super) warnings: Vec<Warning>,
}

/// A matrix of counts as it stands in a file, position by base.
pub(super) struct CountRecord {
    pub(super) id: String,
    pub(super) name: Option<String>,
    /// Line of the record's header.
    pub(super) line: usize,
    pub(super) rows: Vec<[f64; 4]>,
    /// Line of each row.
    pub(super) row_lines: Vec<usize>,
}

impl CountMotifs {
    /// Turns counts into a motif with the reading's pseudocount.
    pub(super) fn push(
        &mut self,
        lines: &Lines<'_>,
        record: CountRecord,
        reading: &MotifReading,
    ) -> Result<()> {
        let CountRecord { id, name, line, rows, row_lines } = record;
        let counts =
            CountMatrix::new(rows).map_err(|source| matrix_error(lines, &id, line, &row_lines, source))?;
        check_sites(lines, &id, &counts, &row_lines)?;
        let probabilities = counts.to_probabilities(reading.pseudocount.max(0.0), &reading.background);
        let mut motif = Motif::new(id, probabilities);
        if are_probabilities(&counts) {
            let message = format!(
                "motif {} holds probabilities where its format has counts; its number of sites is not known",
                motif.id()
            );
            self.warnings.push(Warning::new(lines.place(line), message));
        } else {
            motif = motif.with_site_count(counts.site_count());
        }
        if let Some(name) = name {
            motif = motif.with_name(name);
        }
        self.motifs.push((lines.place(line), motif));
        Ok(())
    }
}

/// Refuses a position of more sites than [`MOST_SITES`].
fn check_sites(lines: &Lines<'_>, id: &str, counts: &CountMatrix, row_lines: &[usize]) -> Result<()> {
    for (row, &line) in counts.rows().iter().zip(row_lines) {
        let sum = row.iter().sum::<f64>();
        if sum > MOST_SITES {
            let found = format!("counts {row:?} in motif {id}, which sum to {sum:e}");
            return Err(lines.error(line, found, format!("at most {MOST_SITES:e} sites")));
        }
    }
    Ok(())
}

/// Whether all rows sum to 1 and some entry is no whole number: a single site gives only zeros and ones.
fn are_probabilities(counts: &CountMatrix) -> bool {
    let rows = counts.rows();
    let sums_to_one = |row: &[f64; 4]| (row.iter().sum::<f64>() - 1.0).abs() <= 0.01;
    rows.iter().all(sums_to_one) && rows.iter().flatten().any(|value| value.fract() != 0.0)
}

/// The identifier and the name of a `>` line.
pub(super) fn split_header(header: &str) -> (String, Option<String>) {
    let mut words = header.trim_start_matches('>').split_whitespace();
    let id = words.next().unwrap_or_default().to_owned();
    let name = words.collect::<Vec<_>>().join(" ");
    (id, (!name.is_empty()).then_some(name))
}
