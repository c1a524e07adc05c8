//! Queries from class optimisation: windows around information peaks, and the whole matrix.
//!
//! Windows are found one after another. The most informative span of the least width that touches no
//! earlier window is taken, then grows by the more informative of its two neighbours for as long as
//! that column holds a fraction of the span's mean, up to the greatest width. Optimised inputs are noisy
//! between their motifs, so all windows but the first must stand out of the median column; spans whose
//! mean is too low end the search. Cost: windows × length.

use std::ops::Range;

use demo_core::{Motif, ProbabilityMatrix};
use serde::{Deserialize, Serialize};

use super::{QueryMotif, QuerySource};
use crate::Result;
use crate::error::check_setting;

/// How windows are cut out of an optimised input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassQueryConfig {
    /// Least number of columns.
    pub minimum_width: usize,
    /// Greatest number of columns.
    pub maximum_width: usize,
    /// Number of windows at most.
    pub windows: usize,
    /// Mean information a window must have at its least width, in bits.
    pub minimum_information: f64,
    /// How many times the median column's information every window but the first must have.
    pub prominence: f64,
    /// The fraction of the window's mean information that a further column must hold.
    pub extension: f64,
    /// Whether the whole matrix is a query too, as published.
    pub whole: bool,
}

impl Default for ClassQueryConfig {
    fn default() -> Self {
        Self {
            minimum_width: 8,
            maximum_width: 21,
            windows: 5,
            minimum_information: 0.25,
            prominence: 2.0,
            extension: 0.5,
            whole: true,
        }
    }
}

/// The whole matrix, named `class_optimisation`, then its windows in the order in which they were
/// found, named `class_optimisation_1` and so on, each anchored at its first column.
///
/// # Errors
/// [`crate::Error::Setting`] at the first setting that is outside its range.
pub fn class_optimisation_queries(
    optimum: &ProbabilityMatrix,
    config: &ClassQueryConfig,
) -> Result<Vec<QueryMotif>> {
    check(config)?;
    let query = |id: String, span: Range<usize>| -> Result<QueryMotif> {
        let motif = Motif::new(id, optimum.to_span(span.clone())?);
        Ok(QueryMotif::new(motif, QuerySource::ClassOptimisation, Some(span.start), None))
    };
    let mut queries = Vec::new();
    if config.whole {
        queries.push(query("class_optimisation".to_owned(), 0..optimum.width())?);
    }
    for (number, span) in peaks(&optimum.information(), config).into_iter().enumerate() {
        queries.push(query(format!("class_optimisation_{}", number + 1), span)?);
    }
    Ok(queries)
}

fn check(config: &ClassQueryConfig) -> Result<()> {
    let (least, greatest) = (config.minimum_width, config.maximum_width);
    check_setting("minimum_width", least as f64, least > 0, "at least 1")?;
    check_setting("maximum_width", greatest as f64, greatest >= least, "at least the minimum width")?;
    let bits = config.minimum_information;
    check_setting("minimum_information", bits, (0.0..=2.0).contains(&bits), "between 0 and 2 bits")?;
    check_setting("prominence", config.prominence, config.prominence >= 0.0, "at least 0")?;
    let extension = config.extension;
    check_setting("extension", extension, extension >= 0.0, "at least 0")
}

fn peaks(information: &[f64], config: &ClassQueryConfig) -> Vec<Range<usize>> {
    let mut taken = vec![false; information.len()];
    let mut found = Vec::new();
    let mut least = config.minimum_information;
    while found.len() < config.windows {
        let Some(start) = richest(information, &taken, config.minimum_width, least) else { break };
        least = least.max(config.prominence * median(information));
        let span = grow(information, &taken, start..start + config.minimum_width, config);
        taken[span.clone()].fill(true);
        found.push(span);
    }
    found
}

/// Start of the richest free span of this width, the first of equals, where its mean is high enough.
fn richest(information: &[f64], taken: &[bool], width: usize, least: f64) -> Option<usize> {
    let spans = information.windows(width).zip(taken.windows(width)).enumerate();
    let free = spans.filter(|(_, (_, taken))| !taken.contains(&true));
    let sums = free.map(|(start, (bits, _))| (start, bits.iter().sum::<f64>()));
    let best = sums.reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    (best.1 >= least * width as f64).then_some(best.0)
}

fn median(information: &[f64]) -> f64 {
    let mut sorted = information.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

fn grow(
    information: &[f64],
    taken: &[bool],
    mut span: Range<usize>,
    config: &ClassQueryConfig,
) -> Range<usize> {
    // A column that is taken, or beyond an end, is never worth adding.
    let free = |column: Option<usize>| {
        let column = column.filter(|&c| taken.get(c) == Some(&false));
        column.map_or(f64::NEG_INFINITY, |c| information[c])
    };
    while span.len() < config.maximum_width {
        let mean = information[span.clone()].iter().sum::<f64>() / span.len() as f64;
        let (left, right) = (free(span.start.checked_sub(1)), free(Some(span.end)));
        if left.max(right) < config.extension * mean {
            break;
        }
        if left > right {
            span.start -= 1;
        } else {
            span.end += 1;
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix whose columns hold an A with these probabilities.
    fn matrix(a: &[f64]) -> ProbabilityMatrix {
        let row = |&p: &f64| [p, (1.0 - p) / 3.0, (1.0 - p) / 3.0, (1.0 - p) / 3.0];
        ProbabilityMatrix::new(a.iter().map(row).collect()).unwrap()
    }

    fn spans(queries: &[QueryMotif]) -> Vec<(usize, usize)> {
        queries.iter().map(|q| (q.anchor.unwrap(), q.width)).collect()
    }

    #[test]
    fn windows_cover_the_peaks_and_the_whole_comes_first() {
        let mut a = vec![0.25; 101];
        a[10..22].fill(0.9); // a peak of 12 columns
        a[60..63].fill(1.0); // one that is narrower than the least width
        let queries = class_optimisation_queries(&matrix(&a), &ClassQueryConfig::default()).unwrap();
        // The first of equal spans of 8 columns that hold 60..63 begins at 55.
        assert_eq!(spans(&queries), [(0, 101), (10, 12), (55, 8)]);
        assert_eq!(queries[0].motif.id(), "class_optimisation");
        assert_eq!(queries[2].motif.id(), "class_optimisation_2");
        assert!(queries.iter().all(|q| q.source == QuerySource::ClassOptimisation && q.sites.is_none()));
    }

    #[test]
    fn widths_stay_within_their_limits() {
        let config = ClassQueryConfig { prominence: 1.0, ..ClassQueryConfig::default() };
        let queries = class_optimisation_queries(&matrix(&[0.97; 50]), &config).unwrap();
        assert_eq!(spans(&queries), [(0, 50), (0, 21), (21, 21), (42, 8)]);
    }

    #[test]
    fn noise_between_motifs_gives_no_window() {
        let mut a: Vec<f64> = (0..101).map(|i| 0.6 + 0.1 * f64::from(i % 3)).collect();
        a[40..50].fill(0.99);
        let queries = class_optimisation_queries(&matrix(&a), &ClassQueryConfig::default()).unwrap();
        assert_eq!(queries.len(), 2);
        assert!(queries[1].anchor.unwrap() <= 40 && queries[1].anchor.unwrap() + queries[1].width >= 50);
    }

    #[test]
    fn a_flat_matrix_gives_no_window() {
        let config = ClassQueryConfig { whole: false, ..ClassQueryConfig::default() };
        assert!(class_optimisation_queries(&matrix(&[0.3; 101]), &config).unwrap().is_empty());
        assert!(class_optimisation_queries(&matrix(&[1.0; 7]), &config).unwrap().is_empty());
    }

    #[test]
    fn wrong_settings_are_named() {
        let config = ClassQueryConfig { maximum_width: 7, ..ClassQueryConfig::default() };
        let error = class_optimisation_queries(&matrix(&[0.3; 20]), &config).unwrap_err();
        assert_eq!(error.to_string(), "maximum_width: found 7, wanted at least the minimum width");
    }
}
