//! The published experiments as data: sets, models, protocols, figures, the plan of jobs and its
//! journal.
//!
//! [`reproduce`] takes a [`RunConfig`] through the stages verify, train, evaluate, explain, class-alternatives,
//! untrained, match, truth, recover and report, and leaves in the output folder:
//!
//! | file | holds |
//! |---|---|
//! | `results.tsv` | one row per set, model, protocol, fold and number of the seed |
//! | `ensembles.tsv` | each model on each set as the mean over its networks, with their spread, and as their ensemble; the ensemble of all architectures |
//! | `ensemble_delong.tsv` | DeLong's test of every ensemble against every single model and ensemble on every set |
//! | `predictions/` | for each set the log-odds of every test sequence by every network and ensemble |
//! | `summary.tsv` | each model over all sets, paired tests, published figures with their status |
//! | `delong.tsv` | DeLong's test of every pair of models on every set |
//! | `learning_curve.tsv`, `learning_curve_summary.tsv` | AUROC by the number of training sequences, network by network and over sets, where sizes are asked for |
//! | `motifs.tsv` | every motif got out of a network, with its best JASPAR match; sources named `untrained-…` are controls: the network before its first step of training |
//! | `motif_counts.tsv` | sets whose factor's own motif was found, beside the number that chance would find |
//! | `truth.tsv`, `truth_summary.tsv` | simulated sets: how well each explanation finds the planted sites, by set and over all |
//! | `recovery.tsv` | simulated sets: the planted matrices, and their distance, among the motifs of each source |
//! | `decoys.tsv` | simulated sets: how often negatives with broken grammar pass for positives |
//! | `timings.tsv`, `manifest.json` | durations and how the run was made; the only files that differ between equal runs |
//! | `models/` | a checkpoint for each network |
//! | `report/index.html` | the page |
//! | `report/summary.tex`, `truth_summary.tex`, `recovery.tex`, `decoys.tex`, `motif_counts.tex` | tables as a paper prints them |
//! | `journal/` | what is finished, for a run that is continued |
//!
//! [`search()`] looks for a better regime on training halves alone; it leaves `trials.tsv`, and `regime.json`,
//! which [`reproduce`] takes.
//!
//! The same settings give the same tables byte for byte, for any number of threads and however often
//! the run was interrupted.

mod banks;
mod baselines;
mod checksum;
mod config;
mod contrast;
mod ensembles;
mod error;
mod files;
mod interrupt;
mod journal;
mod manifest;
mod models;
mod motif_counts;
mod names;
mod outcomes;
mod output;
mod page;
mod plan;
mod progress;
mod published;
mod ranks;
mod run;
mod search;
mod sets;
mod sizes;
mod stages;
mod tables;
mod training;
mod workers;

pub use baselines::Baseline;
pub use config::{Profile, Protocol, RunConfig, Settings};
pub use contrast::{Contrast, ContrastConfig, contrast};
pub use demo_data::simulate::Placement;
pub use demo_models::{Balance, DeviceChoice};
pub use error::{Error, Result};
pub use interrupt::Interrupt;
pub use models::{Method, ModelKind};
pub use ranks::HeldOut;
pub use run::{Written, reproduce};
pub use search::{Fall, Found, Regime, SearchConfig, Strategy, search};
pub use stages::class_alternatives::ClassAlternative;
