//! The tables of a run, from the outcomes of its stages.

mod comparison;
mod counts;
mod decoys;
mod delong;
mod latex;
mod motifs;
mod recovery;
mod results;
mod truth;

pub(crate) use comparison::{Comparison, DEEPBIND, ProtocolComparison, summary};
pub(crate) use counts::motif_counts;
pub(crate) use decoys::decoys;
pub(crate) use delong::delong;
pub(crate) use latex::latex;
pub(crate) use motifs::motifs;
pub(crate) use recovery::recovery;
pub(crate) use results::{CALIBRATION, results, timings};
pub(crate) use truth::{TruthSummary, truth};
