//! Explains sequence classifiers: saliency, in-silico mutagenesis, temporal scores, class optimisation,
//! filter motifs, and the motifs these give.
//!
//! Every method asks a model through [`demo_models::SequenceModel`] and answers in plain values; none
//! knows an architecture. What is explained is logit(bound) - logit(unbound), see [`Target`].
//!
//! ```
//! use demo_core::DnaSequence;
//! use demo_interpret::{Result, SaliencyQueryConfig, saliency, saliency_queries};
//! use demo_models::SequenceModel;
//!
//! fn motifs(model: &mut dyn SequenceModel, bound: &[DnaSequence]) -> Result<()> {
//!     let maps = saliency(model, bound)?;
//!     for query in saliency_queries(bound, &maps, &SaliencyQueryConfig::default())? {
//!         println!("{} {}", query.motif.id(), query.motif.probabilities().consensus());
//!     }
//!     Ok(())
//! }
//! ```

mod align;
mod ask;
mod class_optimisation;
mod error;
mod filters;
mod mutagenesis;
mod queries;
mod recovery;
mod relaxation;
mod relaxed;
mod saliency;
mod search;
mod seeds;
mod shared;
mod sites;
mod target;
mod temporal;
#[cfg(test)]
mod toy;
mod truth;

pub use align::{AlignedMotif, Aligner, AlignmentConfig};
pub use class_optimisation::{
    ClassOptimisationConfig, ClassOptimiser, ClassOptimum, Iteration, best_optimum,
};
pub use error::{Error, Result};
pub use filters::{FilterConfig, FilterFinder, FilterMotif, FilterOutcome, PartialWindows, SitesPerSequence};
pub use mutagenesis::{Mutagenesis, in_silico_mutagenesis};
pub use queries::{
    ClassQueryConfig, QueryMotif, QuerySource, SaliencyQueryConfig, TemporalQueryConfig, TemporalSide,
    class_optimisation_queries, filter_queries, saliency_queries, shared_queries, temporal_queries,
};
pub use recovery::{Recovery, recovery};
pub use relaxed::{Relaxation, RelaxedConfig, RelaxedIteration, RelaxedOptimiser, RelaxedOptimum};
pub use saliency::{Gradients, SaliencyMethod, saliency};
pub use shared::{SharedMotif, SharedMotifConfig, shared_motifs};
pub use sites::Site;
pub use target::Target;
pub use temporal::{Reading, Rise, TemporalScores, temporal_scores};
pub use truth::{InformativeSite, SiteTruth, site_mask};
