//! What each finished piece of work leaves in the journal.

use demo_core::ProbabilityMatrix;
use demo_data::Site;
use demo_eval::Interval;
use demo_interpret::{Iteration, QueryMotif, QuerySource};
use demo_models::{Ending, TrainingSummary};
use serde::{Deserialize, Serialize};

use crate::motif_counts::OwnHits;

/// A trained network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainOutcome {
    pub(crate) summary: TrainingSummary,
    /// SHA-256 of the checkpoint's weights.
    pub(crate) weights_sha256: String,
    pub(crate) seconds: f64,
}

impl TrainOutcome {
    /// Whether the network takes part in orderings: it converged, or its protocol does not ask.
    pub(crate) fn counts(&self) -> bool {
        self.summary.converged.unwrap_or(true) && self.summary.ending != Some(Ending::Diverged)
    }

    /// `yes`, `no`, or `NA` where the protocol does not ask.
    pub(crate) fn converged_name(&self) -> &'static str {
        match self.summary.converged {
            _ if self.summary.ending == Some(Ending::Diverged) => "no",
            Some(true) => "yes",
            Some(false) => "no",
            None => "NA",
        }
    }
}

/// A network's test half, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EvaluateOutcome {
    /// logit(bound) - logit(unbound) of each test sequence, in file order.
    pub(crate) scores: Vec<f32>,
    pub(crate) auroc: f64,
    /// 95 % by the bootstrap over positive-shuffle pairs.
    pub(crate) bootstrap: Interval,
    /// 95 % by `DeLong`; none for a perfect separation.
    pub(crate) delong: Option<Interval>,
    pub(crate) auprc: f64,
    pub(crate) accuracy: f64,
    pub(crate) mcc: Option<f64>,
    pub(crate) log_loss: f64,
    pub(crate) brier: f64,
    /// AUROC on the held-out fold, where there is one.
    pub(crate) cv_auroc: Option<f64>,
    /// The temperature that fits the validation split best, where a network has one.
    pub(crate) temperature: Option<f64>,
    pub(crate) seconds: f64,
}

/// What a network has learned of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExplainOutcome {
    pub(crate) queries: Vec<QueryMotif>,
    /// Filters that never fired above the threshold.
    pub(crate) silent_filters: usize,
    /// The class optimum, all positions.
    pub(crate) class_optimum: ProbabilityMatrix,
    /// The objective of class optimisation, every so many steps.
    pub(crate) iterations: Vec<Iteration>,
    pub(crate) examples: Vec<Explained>,
    /// Mean over positives of the AUROC of |gradient| x input against the true sites.
    pub(crate) saliency_truth: Option<f64>,
    pub(crate) seconds: f64,
}

/// How near the motifs of each source are to what was planted in a simulated set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecoverOutcome {
    pub(crate) recovered: Vec<Recovered>,
    /// Distances to the partner, of sources that have queries.
    pub(crate) spacings: Vec<FoundSpacing>,
}

/// The query of one source that is most like one planted matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recovered {
    pub(crate) source: QuerySource,
    /// The planted motif.
    pub(crate) planted: String,
    /// Whether it is the partner, or else the factor's own.
    pub(crate) partner: bool,
    /// Queries of the source.
    pub(crate) queries: usize,
    pub(crate) query: String,
    pub(crate) correlation: f64,
    /// Whether the query reads as the planted motif's other strand.
    pub(crate) reverse: bool,
    /// Mean over motifs of other families of the correlation of the query nearest each.
    pub(crate) chance: Option<f64>,
    /// The share of them that is as near, one added to both numbers.
    pub(crate) p: f64,
}

/// The most frequent distance from motif to partner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FoundSpacing {
    pub(crate) source: QuerySource,
    pub(crate) gap: usize,
    pub(crate) same_strand: bool,
    /// Its share of the positives.
    pub(crate) share: f64,
    /// How often some distance is as frequent where all are alike probable.
    pub(crate) p: f64,
    /// Whether both motifs are nearer and it is more frequent than by chance, and distance and strand are among the planted.
    pub(crate) right: bool,
}

/// How well maps of positions find the true sites of a simulated set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TruthOutcome {
    pub(crate) maps: Vec<MapFigures>,
    /// Positives with sites that were looked at.
    pub(crate) sequences: usize,
    /// Mean over them of the AUPRC of a map that says nothing.
    pub(crate) chance_auprc: f64,
    pub(crate) seconds: f64,
}

/// Means of one map over positives, with 95 % intervals by the bootstrap over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MapFigures {
    pub(crate) map: String,
    pub(crate) auroc: (f64, Interval),
    pub(crate) auprc: (f64, Interval),
}

/// One test sequence with what a network looks at in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Explained {
    /// Position in the test half, from 0.
    pub(crate) index: usize,
    pub(crate) sequence: demo_core::DnaSequence,
    pub(crate) score: f32,
    pub(crate) saliency: Vec<f32>,
    pub(crate) prefixes: Option<Vec<f32>>,
    pub(crate) suffixes: Option<Vec<f32>>,
    /// Bases beyond the end of a prefix or suffix that its score has seen.
    pub(crate) lookahead: usize,
    pub(crate) sites: Vec<Site>,
}

/// The best JASPAR match of each query of one (set, model, source).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchOutcome {
    pub(crate) rows: Vec<MatchRow>,
    pub(crate) hits: OwnHits,
    pub(crate) seconds: f64,
}

/// One query with its best match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchRow {
    /// Position in the queries of the explanation.
    pub(crate) query: usize,
    pub(crate) best: Option<Hit>,
    /// The best match among the factor's own motifs.
    pub(crate) own: Option<Hit>,
    pub(crate) relation: String,
}

/// One target a query was found to resemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) p: f64,
    pub(crate) e: f64,
    pub(crate) q: f64,
    pub(crate) offset: i64,
    pub(crate) reverse: bool,
}
