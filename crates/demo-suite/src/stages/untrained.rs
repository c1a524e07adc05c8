//! The untrained stage: the motifs of every explained network before its first step, a control.
//!
//! The motifs of filters, of saliency and of temporal scores are counted from windows of test positives, which
//! hold the factor's sites whatever the network has learned. The same architecture with the weights that its
//! training started from, drawn from the job's seed, has learned nothing: what is found with it, read in the
//! same way off the same positives, is what the positives alone bring. Chance levels by other factors' motifs
//! do not include that. Class optimisation sees no positives and wants no such control. Cost: one gradient of
//! the positives, their first layer, and the temporal scores of the strongest.

use demo_core::DnaSequence;
use demo_data::DataSet;
use demo_interpret::QueryMotif;
use demo_models::{Device, Predictor};

use crate::Result;
use crate::checksum::identity;
use crate::plan::Job;
use crate::run::Run;
use crate::stages::explain::{ExplainConfig, Reading};

/// Raised when the motifs change although no setting did.
const VERSION: &str = "untrained 2";

impl Run {
    /// The motifs of each job's network before its first step, as queries.
    pub(crate) fn untrained(&self, primary: &[Job]) -> Result<Vec<Vec<QueryMotif>>> {
        let config = ExplainConfig::default();
        self.stage(
            "untrained",
            primary,
            |job| identity(&(VERSION, &job.id, &config.filters, &config.saliency, &config.temporal)),
            |job| untrained(job, &self.sets[job.set].data, &config, &self.device),
        )
    }
}

/// The motifs of a job's network with its initial weights, over the positives of the test half.
fn untrained(job: &Job, set: &DataSet, config: &ExplainConfig, device: &Device) -> Result<Vec<QueryMotif>> {
    let Some(mut network) = initial(job, device)? else { return Ok(Vec::new()) };
    let bound = set.test().iter().filter(|example| example.bound);
    let positives: Vec<DnaSequence> = bound.map(|example| example.sequence.clone()).collect();
    let queries = Reading::new(&mut network, &positives, config)?.queries.into_iter();
    Ok(queries.filter_map(|query| Some(QueryMotif { source: query.source.untrained()?, ..query })).collect())
}

/// A job's network as its training begins; none of a baseline.
fn initial(job: &Job, device: &Device) -> Result<Option<Predictor>> {
    let Some((architecture, training)) = job.network() else { return Ok(None) };
    let network = architecture.network(job.length)?;
    let weights = architecture.initial_parameters(&network, &[job.seed], training.lstm_start, device)?;
    Ok(Some(Predictor::new(&network, &weights, training.strands, device)?))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use demo_core::{ProbabilityMatrix, Seed};
    use demo_data::simulate::{SimulationSize, simulated57};
    use demo_interpret::QuerySource;
    use demo_models::{LstmStart, Member, Trainer, TrainingConfig};

    use super::*;
    use crate::config::Protocol;
    use crate::models::{Method, ModelKind};
    use crate::motif_counts::Factors;
    use crate::outcomes::ExplainOutcome;
    use crate::plan::Recipe;
    use crate::ranks::RankUse;
    use crate::stages::compare::{Targets, compare};
    use crate::stages::train::labelled;

    fn set() -> DataSet {
        let size = SimulationSize { train: 4, test: 40 };
        simulated57("USF1_K562_USF-1_HudsonAlpha", size, Seed::new(1)).unwrap()
    }

    fn job(model: ModelKind, set: &DataSet) -> Job {
        let Method::Network(architecture) = model.method() else { panic!("{model} is a network") };
        Job {
            set: 0,
            model,
            protocol: Protocol::Honest,
            fold: 0,
            seed_number: 1,
            size: None,
            seed: Seed::new(3),
            recipe: Recipe::Network {
                architecture,
                training: Box::new(TrainingConfig::as_published()),
                ranks: RankUse::default(),
            },
            id: model.name().to_owned(),
            folder: PathBuf::new(),
            cost: 1,
            length: set.test()[0].sequence.len(),
            examples: set.train().len(),
        }
    }

    #[test]
    fn the_weights_are_those_that_training_starts_from() {
        let set = set();
        let places: Vec<usize> = (0..set.train().len()).collect();
        let data = labelled((set.name(), set.train()), &places, RankUse::default()).unwrap();
        let published = [
            ModelKind::CnnSmall,
            ModelKind::CnnExp,
            ModelKind::RnnSmall,
            ModelKind::CnnRnnSmall,
            ModelKind::DeepbindLike,
        ];
        let cases = published.map(|model| (model, LstmStart::Published));
        for (model, start) in cases.into_iter().chain([(ModelKind::RnnSmall, LstmStart::Scaled)]) {
            let mut job = job(model, &set);
            if let Recipe::Network { training, .. } = &mut job.recipe {
                training.lstm_start = start;
            }
            let (architecture, config) = job.network().unwrap();
            let member = Member { training: &data, validation: None, config, seed: job.seed };
            let trainer = Trainer::new(architecture, &[member], &Device::Cpu).unwrap();
            let (started, wanted) =
                (initial(&job, &Device::Cpu).unwrap().unwrap(), trainer.model(0).unwrap());
            let weights = started.params().buffer().to_f64().unwrap();
            let wanted = wanted.params.buffer().to_f64().unwrap();
            assert_eq!(weights, wanted, "{model}");
            assert!(weights.iter().any(|&weight| weight != 0.0));
            assert_eq!(started.strands(), config.strands);
        }
    }

    #[test]
    fn motifs_are_of_what_a_network_has() {
        let size = SimulationSize { train: 4, test: 200 };
        let set = simulated57("USF1_K562_USF-1_HudsonAlpha", size, Seed::new(1)).unwrap();
        let (config, mut found) = (ExplainConfig::default(), [0, 0]);
        let cases = [
            (ModelKind::CnnSmall, 32, false),
            (ModelKind::CnnExp, 128, false),
            (ModelKind::RnnSmall, 0, true),
            (ModelKind::CnnRnnSmall, 32, true),
        ];
        for (model, most, recurrent) in cases {
            let queries = untrained(&job(model, &set), &set, &config, &Device::Cpu).unwrap();
            let of = |source| queries.iter().filter(move |query| query.source == source);
            let filters = of(QuerySource::UntrainedFilter).count();
            assert!(filters <= most && filters >= most / 2, "{model}: {filters}");
            assert!(
                of(QuerySource::UntrainedFilter).all(|query| query.width == 9 && query.sites >= Some(10))
            );
            let temporal = of(QuerySource::UntrainedTemporal).count();
            assert!(recurrent || temporal == 0, "{model}");
            found[0] += of(QuerySource::UntrainedSaliency).count();
            found[1] += temporal;
            assert!(queries.iter().all(|query| query.source.is_control()));
        }
        // Windows of a network that has learned nothing need not have a motif in common, but some do.
        assert!(found.iter().all(|&motifs| motifs > 0), "{found:?}");
    }

    #[test]
    fn a_control_leaves_the_matches_of_other_sources_as_they_are() {
        let (set, config) = (set(), ExplainConfig::default());
        let mut control = untrained(&job(ModelKind::CnnSmall, &set), &set, &config, &Device::Cpu).unwrap();
        control.retain(|query| query.source == QuerySource::UntrainedFilter);
        let trained = control.iter().map(|query| QueryMotif { source: QuerySource::Filter, ..query.clone() });
        let mut explain = ExplainOutcome {
            queries: trained.collect(),
            silent_filters: 0,
            class_optimum: ProbabilityMatrix::new(vec![[0.25; 4]]).unwrap(),
            iterations: Vec::new(),
            examples: Vec::new(),
            saliency_truth: None,
            seconds: 0.0,
        };
        let targets = Targets::jaspar2016().unwrap();
        let factors = Factors::new(&targets, set.tf(), None);
        let matches = |explain: &ExplainOutcome, source| {
            let outcome = compare(&targets, (set.tf(), &factors), explain, source);
            (outcome.rows, outcome.hits)
        };
        let before = matches(&explain, QuerySource::Filter);
        assert!(matches(&explain, QuerySource::UntrainedFilter).0.is_empty());
        let filters = explain.queries.len();
        explain.queries.extend(control);
        assert_eq!(matches(&explain, QuerySource::Filter), before);
        // The same motifs give the same matches under either name.
        let (mut rows, hits) = matches(&explain, QuerySource::UntrainedFilter);
        for row in &mut rows {
            row.query -= filters;
        }
        assert_eq!((rows, hits), before);
    }
}
