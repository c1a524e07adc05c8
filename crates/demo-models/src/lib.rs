//! Architectures, training, checkpoints and prediction for banks of sequence classifiers.
#![allow(missing_docs, unused_variables, dead_code, clippy::all, clippy::pedantic)]

mod sequence_model;
pub use sequence_model::*;
