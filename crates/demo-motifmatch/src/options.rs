//! What a comparison can be asked to do differently.

use demo_core::Background;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How far apart two motif columns are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Distance {
    /// The Euclidean distance of the two probability rows, `ed` on the command line.
    #[default]
    Euclidean,
}

/// What columns of the query that an alignment leaves unaligned are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scoring {
    /// They count as a score of zero, the median match of that column (Tanaka et al. 2011), so that
    /// alignments of different length compare.
    #[default]
    Complete,
    /// They do not count; each alignment gets a p-value of its own (Gupta et al. 2007).
    Incomplete,
}

/// Where the list of a query's matches ends: at the first one above the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Threshold {
    /// The largest q-value listed, above 0 and up to 1.
    QValue(f64),
    /// The largest E-value listed, above 0.
    EValue(f64),
}

/// How motifs are compared; the default is what Tomtom does, with at least five columns aligned.
///
/// ```
/// use demo_motifmatch::{Options, Threshold};
///
/// let options = Options { threshold: Threshold::EValue(10.0), ..Options::default() };
/// assert_eq!(options.min_overlap, 5);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How far apart two columns are.
    pub distance: Distance,
    /// What unaligned columns are worth.
    pub scoring: Scoring,
    /// Whether the reverse complement of every target is searched too.
    pub both_strands: bool,
    /// The fewest columns an alignment may have; the width of the narrower motif where that is less.
    pub min_overlap: usize,
    /// Whether the narrower motif must lie wholly inside the wider one.
    pub internal: bool,
    /// How many sites' worth of background every matrix is mixed with.
    pub motif_pseudocount: f64,
    /// Base frequencies of the background, as the query file gives them; averaged with their complement
    /// where both strands are searched.
    pub background: Background,
    /// Where the list of matches ends.
    pub threshold: Threshold,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            distance: Distance::Euclidean,
            scoring: Scoring::Complete,
            both_strands: true,
            min_overlap: 5,
            internal: false,
            motif_pseudocount: 0.1,
            background: Background::UNIFORM,
            threshold: Threshold::QValue(0.5),
        }
    }
}

impl Options {
    /// Refuses what no comparison can be made with, as [`Tomtom::new`](crate::Tomtom::new) does.
    ///
    /// # Errors
    /// A pseudocount, an overlap or a threshold that is out of its range.
    pub fn check(&self) -> Result<()> {
        if !self.motif_pseudocount.is_finite() || self.motif_pseudocount < 0.0 {
            return Err(Error::Pseudocount { found: self.motif_pseudocount });
        }
        if self.min_overlap == 0 {
            return Err(Error::MinOverlap);
        }
        match self.threshold {
            Threshold::QValue(found) if !(found > 0.0 && found <= 1.0) => Err(Error::QThreshold { found }),
            Threshold::EValue(found) if !(found > 0.0 && found.is_finite()) => {
                Err(Error::EThreshold { found })
            }
            _ => Ok(()),
        }
    }
}
