//! The tables of a run, from the outcomes of its stages.

mod comparison;
mod counts;
mod decoys;
mod delong;
mod ensembles;
mod latex;
mod learning_curve;
mod motifs;
mod over_seeds;
mod predictions;
mod recovery;
mod results;
mod truth;

pub(crate) use comparison::{BOTH_PROTOCOLS, Comparison, DEEPBIND, ProtocolComparison, summary};
pub(crate) use counts::motif_counts;
pub(crate) use decoys::decoys;
pub(crate) use delong::delong;
pub(crate) use ensembles::{ensemble_delong, ensembles};
pub(crate) use latex::{explanations as latex_explanations, summary as latex_summary};
pub(crate) use learning_curve::LearningCurve;
pub(crate) use motifs::motifs;
pub(crate) use predictions::predictions;
pub(crate) use recovery::recovery;
pub(crate) use results::{CALIBRATION, results, timings};
pub(crate) use truth::{TruthSummary, truth};
