//! The tables of a run, from the outcomes of its stages.

mod comparison;
mod motifs;
mod results;

pub(crate) use comparison::{Comparison, DEEPBIND, summary};
pub(crate) use motifs::motifs;
pub(crate) use results::{results, timings};
