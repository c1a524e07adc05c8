//! Motifs as queries of a motif search such as Tomtom, from every explanation.
//!
//! | source | windows | matrix |
//! |---|---|---|
//! | [`filter_queries`] | where a filter fires | counts |
//! | [`saliency_queries`] | of highest total attribution, one a sequence | counts after alignment |
//! | [`temporal_queries`] | before the steepest rise of the temporal scores, one a sequence | counts, aligned or stacked |
//! | [`class_optimisation_queries`] | around information peaks, and the whole | columns as they are |
//! | [`shared_queries`] | that optimised inputs share, at any shift and on either strand | mean of their columns |

mod class_optimisation;
mod saliency;
mod shared;
mod temporal;

use std::fmt;

use demo_core::{Background, Motif};
use serde::{Deserialize, Serialize};

pub use class_optimisation::{ClassQueryConfig, class_optimisation_queries};
pub use saliency::{SaliencyQueryConfig, saliency_queries};
pub use shared::shared_queries;
pub use temporal::{TemporalQueryConfig, TemporalSide, temporal_queries};

use crate::align::{AlignedMotif, AlignmentConfig};
use crate::error::check_setting;
use crate::seeds::WORD;
use crate::{FilterMotif, Result};

/// Where a query comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuerySource {
    /// What a filter of the first convolution responds to.
    Filter,
    /// The same before the first step of training, a control: windows are cut from the same sequences, which
    /// hold their motifs whatever a network has learned.
    UntrainedFilter,
    /// Windows of high saliency.
    Saliency,
    /// The same before the first step of training.
    UntrainedSaliency,
    /// Windows before a rise of the temporal scores.
    Temporal,
    /// The same before the first step of training.
    UntrainedTemporal,
    /// The most typical bound input, as published.
    ClassOptimisation,
    /// What inputs share that were optimised as published, from several starts.
    ClassShared,
    /// What inputs share that were optimised as base probabilities.
    ClassSoftmax,
    /// What inputs share whose base probabilities were optimised by sequences drawn from them.
    ClassStraightThrough,
    /// What inputs share that were optimised as base probabilities of falling temperature.
    ClassAnnealed,
}

impl QuerySource {
    /// Every source, in the order of the tables.
    pub const ALL: [Self; 11] = [
        Self::Filter,
        Self::UntrainedFilter,
        Self::Saliency,
        Self::UntrainedSaliency,
        Self::Temporal,
        Self::UntrainedTemporal,
        Self::ClassOptimisation,
        Self::ClassShared,
        Self::ClassSoftmax,
        Self::ClassStraightThrough,
        Self::ClassAnnealed,
    ];

    /// The name as tables print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::UntrainedFilter => "untrained-filter",
            Self::Saliency => "saliency",
            Self::UntrainedSaliency => "untrained-saliency",
            Self::Temporal => "temporal",
            Self::UntrainedTemporal => "untrained-temporal",
            Self::ClassOptimisation => "class-optimisation",
            Self::ClassShared => "class-shared",
            Self::ClassSoftmax => "class-softmax",
            Self::ClassStraightThrough => "class-straight-through",
            Self::ClassAnnealed => "class-annealed",
        }
    }

    /// Whether its motifs are of a network that has learned nothing, to be counted beside those of one that has.
    pub fn is_control(self) -> bool {
        matches!(self, Self::UntrainedFilter | Self::UntrainedSaliency | Self::UntrainedTemporal)
    }

    /// The control of a source whose windows are cut from sequences; `None` for optimised inputs, which see none.
    pub fn untrained(self) -> Option<Self> {
        match self {
            Self::Filter => Some(Self::UntrainedFilter),
            Self::Saliency => Some(Self::UntrainedSaliency),
            Self::Temporal => Some(Self::UntrainedTemporal),
            _ => None,
        }
    }
}

impl fmt::Display for QuerySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A motif that a network gave, ready to be looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryMotif {
    /// The motif.
    pub motif: Motif,
    /// What it was taken from.
    pub source: QuerySource,
    /// Number of columns.
    pub width: usize,
    /// 0-based first column in the sequence, for motifs cut from one place; `None` for aligned sites.
    pub anchor: Option<usize>,
    /// Number of sites; `None` for motifs that were not counted.
    pub sites: Option<usize>,
}

impl QueryMotif {
    /// A query whose width is the motif's.
    pub fn new(motif: Motif, source: QuerySource, anchor: Option<usize>, sites: Option<usize>) -> Self {
        let width = motif.width();
        Self { motif, source, width, anchor, sites }
    }
}

/// The motifs of all filters that have one; silent filters are no queries.
pub fn filter_queries(filters: &[FilterMotif]) -> Vec<QueryMotif> {
    let query = |filter: &FilterMotif| {
        let motif = filter.motif()?.clone();
        Some(QueryMotif::new(motif, QuerySource::Filter, None, Some(filter.sites.len())))
    };
    filters.iter().filter_map(query).collect()
}

/// Refuses a width of windows that are cut from a sequence of `length`, to be aligned or to be stacked.
fn check_width(width: usize, length: usize, alignment: Option<&AlignmentConfig>) -> Result<()> {
    let (least, wanted) = match alignment {
        Some(_) => (WORD, "between 6 and the sequences' length"),
        None => (1, "between 1 and the sequences' length"),
    };
    check_setting("width", width as f64, (least..=length).contains(&width), wanted)
}

/// Aligned motifs as queries named `prefix_1`, `prefix_2`, ...
fn aligned_queries(motifs: &[AlignedMotif], prefix: &str, source: QuerySource) -> Vec<QueryMotif> {
    let query = |(number, aligned): (usize, &AlignedMotif)| {
        let sites = aligned.sites.len();
        let probabilities = aligned.counts.to_probabilities(0.0, &Background::UNIFORM);
        let motif =
            Motif::new(format!("{prefix}_{}", number + 1), probabilities).with_site_count(sites as f64);
        QueryMotif::new(motif, source, None, Some(sites))
    };
    motifs.iter().enumerate().map(query).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FilterOutcome;
    use demo_core::CountMatrix;

    #[test]
    fn silent_filters_are_no_queries() {
        let counts = CountMatrix::new(vec![[3.0, 0.0, 0.0, 1.0]; 6]).unwrap();
        let motif = Motif::new("filter_1", counts.to_probabilities(0.0, &Background::UNIFORM));
        let outcomes =
            [FilterOutcome::Silent, FilterOutcome::Motif { counts, motif }, FilterOutcome::FewSites];
        let filters: Vec<FilterMotif> = outcomes
            .into_iter()
            .enumerate()
            .map(|(filter, outcome)| FilterMotif { filter, maximum: 1.0, sites: Vec::new(), outcome })
            .collect();
        let queries = filter_queries(&filters);
        assert_eq!(queries.len(), 1);
        assert_eq!((queries[0].motif.id(), queries[0].width), ("filter_1", 6));
    }

    #[test]
    fn sources_print_as_the_tables_have_them() {
        let names: Vec<String> = QuerySource::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(names[..4], ["filter", "untrained-filter", "saliency", "untrained-saliency"]);
        assert_eq!(names[4..7], ["temporal", "untrained-temporal", "class-optimisation"]);
        let alternatives = ["class-shared", "class-softmax", "class-straight-through", "class-annealed"];
        assert_eq!(names[7..], alternatives);
    }

    #[test]
    fn each_control_is_that_of_one_source() {
        let controls: Vec<QuerySource> = QuerySource::ALL.into_iter().filter(|s| s.is_control()).collect();
        let of_sources: Vec<QuerySource> =
            QuerySource::ALL.into_iter().filter_map(QuerySource::untrained).collect();
        assert_eq!(of_sources, controls);
        for (source, control) in QuerySource::ALL.into_iter().zip(&QuerySource::ALL[1..]) {
            assert!(source.untrained().is_none_or(|untrained| untrained == *control), "{source}");
        }
    }
}
