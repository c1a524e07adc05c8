//! Alternatives to the published class optimisation, side by side with it where a run asks for them.
//!
//! Each optimises several starts and looks for the motif that they share ([`shared_motifs`]): one that
//! optimises as published, which shows what this reading alone brings, and the three relaxations of
//! [`RelaxedOptimiser`]. Their motifs are queries of sources of their own, so that recovery of planted
//! matrices and counts of own motifs stand beside those of the published way. A way that is added to a finished run
//! is worked out beside the others, which stay.

use demo_core::{ProbabilityMatrix, Seed};
use demo_interpret::{
    ClassOptimisationConfig, ClassOptimiser, QueryMotif, QuerySource, Relaxation, RelaxedConfig,
    RelaxedOptimiser, SharedMotifConfig, shared_motifs, shared_queries,
};
use demo_models::SequenceModel;
use serde::{Deserialize, Serialize};

use super::explain::class_seed;
use crate::Result;
use crate::checksum::identity;
use crate::config::parse_by_name;
use crate::outcomes::TrainOutcome;
use crate::plan::Job;
use crate::run::{Cost, Run, with_training};

/// Raised when the motifs change although no setting did.
const VERSION: &str = "class alternative 1";

/// Starts of the published optimisation from which a shared motif is read.
const STARTS: usize = 8;

/// A way of class optimisation beside the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassAlternative {
    /// As published, from several starts, with the motif that they share.
    Shared,
    /// Over base probabilities.
    Softmax,
    /// By sequences drawn from base probabilities.
    StraightThrough,
    /// Over base probabilities of falling temperature.
    Annealed,
}

impl ClassAlternative {
    /// All alternatives.
    pub const ALL: [Self; 4] = [Self::Shared, Self::Softmax, Self::StraightThrough, Self::Annealed];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self.relaxation() {
            Some(relaxation) => relaxation.name(),
            None => "shared",
        }
    }

    fn relaxation(self) -> Option<Relaxation> {
        match self {
            Self::Shared => None,
            Self::Softmax => Some(Relaxation::Softmax),
            Self::StraightThrough => Some(Relaxation::StraightThrough),
            Self::Annealed => Some(Relaxation::Annealed),
        }
    }

    fn source(self) -> QuerySource {
        match self {
            Self::Shared => QuerySource::ClassShared,
            Self::Softmax => QuerySource::ClassSoftmax,
            Self::StraightThrough => QuerySource::ClassStraightThrough,
            Self::Annealed => QuerySource::ClassAnnealed,
        }
    }
}

parse_by_name!(ClassAlternative, "class optimisation");

/// A way of class optimisation of one network.
struct Piece<'a> {
    job: &'a Job,
    train: &'a TrainOutcome,
    config: &'a AlternativeConfig,
}

impl Cost for Piece<'_> {
    fn cost(&self) -> u64 {
        self.job.cost()
    }
}

impl Run {
    /// The motifs of each job's network by the ways that the run asks for, as queries.
    pub(crate) fn class_alternatives(
        &self,
        primary: &[Job],
        jobs: &[Job],
        trained: &[TrainOutcome],
    ) -> Result<Vec<Vec<QueryMotif>>> {
        let published = ClassOptimisationConfig::default();
        let configs: Vec<AlternativeConfig> = self
            .settings
            .class_optimisation
            .iter()
            .map(|&way| AlternativeConfig::new(way, &published))
            .collect();
        let networks = with_training(primary, jobs, trained);
        let of_network = |&(job, train)| configs.iter().map(move |config| Piece { job, train, config });
        let pieces: Vec<Piece<'_>> = networks.iter().flat_map(of_network).collect();
        let id = |piece: &Piece<'_>| {
            identity(&(VERSION, &piece.job.id, &piece.train.weights_sha256, piece.config))
        };
        if pieces.is_empty() {
            return Ok(vec![Vec::new(); primary.len()]);
        }
        let queries = self.stage("class-alternatives", &pieces, id, |piece| {
            piece.config.queries(&mut self.predictor(piece.job, piece.train)?, class_seed(piece.job.seed))
        })?;
        let mut queries = queries.into_iter();
        Ok(primary.iter().map(|_| queries.by_ref().take(configs.len()).flatten().collect()).collect())
    }
}

/// What an alternative is run with; part of the identity of what it finds.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct AlternativeConfig {
    alternative: ClassAlternative,
    published: Option<ClassOptimisationConfig>,
    relaxed: Option<RelaxedConfig>,
    shared: SharedMotifConfig,
}

impl AlternativeConfig {
    /// The settings of an alternative, `published` being those of the published optimisation.
    fn new(alternative: ClassAlternative, published: &ClassOptimisationConfig) -> Self {
        let relaxed = alternative.relaxation().map(RelaxedConfig::of);
        let from_several = || ClassOptimisationConfig { restarts: STARTS, ..published.clone() };
        let published = relaxed.is_none().then(from_several);
        Self { alternative, published, relaxed, shared: SharedMotifConfig::default() }
    }

    /// The motifs that the starts share.
    fn queries(&self, model: &mut dyn SequenceModel, seed: Seed) -> Result<Vec<QueryMotif>> {
        let inputs: Vec<ProbabilityMatrix> = match (&self.published, &self.relaxed) {
            (Some(config), _) => {
                let optima = ClassOptimiser::new(config.clone())?.run(model, seed)?;
                optima.into_iter().map(|optimum| optimum.probabilities).collect()
            }
            (None, Some(config)) => {
                let optima = RelaxedOptimiser::new(config.clone())?.run(model, seed)?;
                optima.into_iter().map(|optimum| optimum.probabilities).collect()
            }
            (None, None) => return Ok(Vec::new()),
        };
        let motifs = shared_motifs(&inputs, &self.shared)?;
        Ok(shared_queries(&motifs, self.alternative.source()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alternative_is_found_by_its_name_and_has_a_source_of_that_name() {
        for alternative in ClassAlternative::ALL {
            assert_eq!(alternative.name().parse::<ClassAlternative>().unwrap(), alternative);
            assert_eq!(serde_json::to_value(alternative).unwrap(), alternative.name());
            assert_eq!(alternative.source().name(), format!("class-{}", alternative.name()));
        }
    }
}
