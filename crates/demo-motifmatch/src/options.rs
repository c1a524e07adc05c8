//! What a comparison can be asked to do differently.

use demo_core::Background;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How far apart two motif columns are; higher scores are always more alike.
///
/// X and Y are the columns' probabilities mixed with background, b the background, n their site counts, K the
/// number of letters. The first five are as Gupta et al. 2007 name them, `blic` and `llr` as Habib, Kaplan,
/// Margalit and Friedman, *A novel Bayesian DNA motif comparison method*, PLOS Computational Biology 2008.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Distance {
    /// `ed`: the Euclidean distance, -√Σ(X - Y)².
    #[default]
    Euclidean,
    /// `pearson`: Pearson's correlation, deviations taken from 1/K; a column without deviations scores 0.
    Pearson,
    /// `sandelin`: 2 - Σ(X - Y)², of Sandelin and Wasserman 2004.
    SandelinWasserman,
    /// `kullback`: the mean Kullback-Leibler divergence, -½ Σ(X log₁₀(X/Y) + Y log₁₀(Y/X)).
    KullbackLeibler,
    /// `allr`: the average log-likelihood ratio of Wang and Stormo 2003,
    /// (Σ nX ln(Y/b) + Σ mY ln(X/b)) / Σ(nX + mY).
    AverageLogLikelihoodRatio,
    /// `blic1`: the Bayesian likelihood 2-component score with one Dirichlet prior, one pseudocount a letter.
    Blic1,
    /// `blic5`: the same with a mixture of a flat prior and one for each letter.
    Blic5,
    /// `llr1`: the log-likelihood ratio of one common source to two, with the prior of `blic1`.
    Llr1,
    /// `llr5`: the same with the prior of `blic5`.
    Llr5,
}

impl Distance {
    /// All distances.
    pub const ALL: [Self; 9] = [
        Self::Euclidean,
        Self::Pearson,
        Self::SandelinWasserman,
        Self::KullbackLeibler,
        Self::AverageLogLikelihoodRatio,
        Self::Blic1,
        Self::Blic5,
        Self::Llr1,
        Self::Llr5,
    ];

    /// The name on Tomtom's command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Euclidean => "ed",
            Self::Pearson => "pearson",
            Self::SandelinWasserman => "sandelin",
            Self::KullbackLeibler => "kullback",
            Self::AverageLogLikelihoodRatio => "allr",
            Self::Blic1 => "blic1",
            Self::Blic5 => "blic5",
            Self::Llr1 => "llr1",
            Self::Llr5 => "llr5",
        }
    }

    /// The distance of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|distance| distance.name() == name)
    }
}

/// How p-values become q-values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QValues {
    /// Benjamini and Hochberg's rate times Storey's estimate of the share of true nulls, from the bootstrap
    /// draws that Tomtom makes; they depend, in their last digits, on the order of the queries.
    #[default]
    Bootstrap,
    /// Benjamini and Hochberg's rate alone: exact, without random numbers, the same for any order.
    BenjaminiHochberg,
}

/// What chance is taken to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NullModel {
    /// Tomtom's: every aligned column is drawn on its own from the columns of all targets.
    #[default]
    Meme,
    /// The target's own columns in random order, and no p-value below 4⁻ᴵ for a query of I bits: a target poor in
    /// information resembles a query poor in information in any order, and that is no finding. A target of one
    /// base throughout is not found either, not even by itself: it has no order. Complete scores only.
    Calibrated,
}

/// How scores become whole numbers where their range exceeds a hundred, as `blic` and `llr` scores of motifs
/// with thousands of sites do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scale {
    /// A hundred steps whatever the range.
    #[default]
    Sound,
    /// A whole number of steps a unit, as MEME Suite's tomtom has it: none at all beyond a range of a hundred,
    /// where every p-value is 1.
    Meme,
}

/// What columns of the query that an alignment leaves unaligned are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scoring {
    /// They count as a score of zero, the median match of that column (Tanaka et al. 2011), so that
    /// alignments of different length compare.
    #[default]
    Complete,
    /// They do not count; each alignment gets a p-value of its own (Gupta et al. 2007). Each thread holds the
    /// distributions of all spans of its query that targets can lie beside: with JASPAR's targets, of up to 21
    /// columns, 18 MB for a query of 100 columns and 52 MB for one of 300, with targets of all widths up to the
    /// query's own up to w³ · 133 bytes for w columns.
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

/// How motifs are compared; the default is what Tomtom does, but with at least five columns aligned and with
/// p-values below 1 for scores of a wide range, too ([`Scale::Meme`] has none).
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
    /// How p-values become q-values.
    pub q_values: QValues,
    /// What chance is taken to be.
    pub null: NullModel,
    /// How scores of a wide range become whole numbers.
    pub scale: Scale,
    /// The most matches listed for a query, where not all up to the threshold are wanted.
    pub nearest: Option<usize>,
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
            q_values: QValues::default(),
            null: NullModel::default(),
            scale: Scale::default(),
            nearest: None,
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
        if self.nearest == Some(0) {
            return Err(Error::Nearest);
        }
        if self.null == NullModel::Calibrated && self.scoring == Scoring::Incomplete {
            return Err(Error::CalibratedIncomplete);
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
