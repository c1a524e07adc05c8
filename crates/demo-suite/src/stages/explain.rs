//! The explain stage: what a trained network looks at, and the motifs to be got out of it.

use std::ops::Range;
use std::time::Instant;

use demo_core::{Attribution, DnaSequence, Seed};
use demo_data::simulate::is_true_site;
use demo_data::{DataSet, Example, Site};
use demo_eval::ScoredLabels;
use demo_interpret::{
    ClassOptimisationConfig, ClassOptimiser, ClassQueryConfig, FilterConfig, FilterFinder, FilterOutcome,
    Gradients, QueryMotif, SaliencyQueryConfig, TemporalQueryConfig, TemporalScores, best_optimum,
    class_optimisation_queries, filter_queries, saliency_queries, site_mask, temporal_queries,
    temporal_scores,
};
use demo_models::Predictor;
use serde::Serialize;

use crate::Result;
use crate::outcomes::{ExplainOutcome, Explained};

/// What is explained and how; part of the identity of an explanation.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct ExplainConfig {
    pub(crate) filters: FilterConfig,
    pub(crate) saliency: SaliencyQueryConfig,
    pub(crate) temporal: TemporalQueryConfig,
    pub(crate) class_optimisation: ClassOptimisationConfig,
    pub(crate) class_queries: ClassQueryConfig,
}

/// Temporal scores take a run of the recurrent layer for every prefix, so only so many of the
/// positives with the highest scores are read.
const TEMPORAL_SEQUENCES: usize = 100;

/// Explains the positives of the test half.
pub(crate) fn explain(
    predictor: &mut Predictor,
    set: &DataSet,
    config: &ExplainConfig,
    seed: Seed,
) -> Result<ExplainOutcome> {
    let started = Instant::now();
    let places: Vec<usize> = (0..set.test().len()).filter(|&place| set.test()[place].bound).collect();
    let positives: Vec<DnaSequence> =
        places.iter().map(|&place| set.test()[place].sequence.clone()).collect();
    let Reading { scores, saliency, strongest, temporal, silent_filters, mut queries } =
        Reading::new(predictor, &positives, config)?;

    let optimiser = ClassOptimiser::new(config.class_optimisation.clone())?;
    let optima = optimiser.run(predictor, class_seed(seed))?;
    let optimum = best_optimum(&optima).unwrap_or(&optima[0]);
    queries.extend(class_optimisation_queries(&optimum.probabilities, &config.class_queries)?);

    // The surest positive, and one in the middle: what works best is not what is usual.
    let shown = [strongest[0], strongest[strongest.len() / 2]];
    let example = |&positive: &usize| {
        let read = strongest.iter().position(|&other| other == positive).zip(temporal.as_ref());
        let read = read.map(|(place, temporal)| &temporal[place]);
        let place = places[positive];
        Explained {
            index: place,
            sequence: positives[positive].clone(),
            score: scores[positive],
            saliency: saliency[positive].scores().to_vec(),
            prefixes: read.map(|scores| scores.prefix.clone()),
            suffixes: read.map(|scores| scores.suffix.clone()),
            lookahead: read.map_or(0, |scores| scores.lookahead),
            sites: true_sites(&set.test()[place]).cloned().collect(),
        }
    };
    let examples = shown.iter().map(example).collect();
    let maps = saliency.iter().map(Attribution::scores);
    let saliency_truth = truth(places.iter().map(|&place| &set.test()[place]).zip(maps))?;
    Ok(ExplainOutcome {
        silent_filters,
        class_optimum: optimum.probabilities.clone(),
        iterations: optimum.iterations.clone(),
        examples,
        saliency_truth,
        queries,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The seed of every way of class optimisation of a job.
pub(super) fn class_seed(job: Seed) -> Seed {
    job.child("class optimisation")
}

/// What a network makes of positives, with the motifs whose windows are cut from them.
pub(super) struct Reading {
    /// Score of each.
    scores: Vec<f32>,
    saliency: Vec<Attribution>,
    /// Places of those with the highest scores, the highest first.
    strongest: Vec<usize>,
    /// Of the strongest; none of networks without memory.
    temporal: Option<Vec<TemporalScores>>,
    silent_filters: usize,
    /// From filters, saliency and temporal scores.
    pub(super) queries: Vec<QueryMotif>,
}

impl Reading {
    pub(super) fn new(
        predictor: &mut Predictor,
        positives: &[DnaSequence],
        config: &ExplainConfig,
    ) -> Result<Self> {
        let gradients = Gradients::new(predictor, positives)?;
        let (scores, saliency) = (gradients.scores().to_vec(), gradients.absolute()?);
        let mut queries = Vec::new();
        let mut silent_filters = 0;
        if let Some(filters) = FilterFinder::new(config.filters.clone())?.find(predictor, positives)? {
            let silent = |outcome: &FilterOutcome| matches!(outcome, FilterOutcome::Silent);
            silent_filters = filters.iter().filter(|filter| silent(&filter.outcome)).count();
            queries.extend(filter_queries(&filters));
        }
        queries.extend(saliency_queries(positives, &saliency, &config.saliency)?);

        let mut strongest: Vec<usize> = (0..positives.len()).collect();
        strongest.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        strongest.truncate(TEMPORAL_SEQUENCES);
        let sequences: Vec<DnaSequence> = strongest.iter().map(|&place| positives[place].clone()).collect();
        let temporal = temporal_scores(predictor, &sequences)?;
        if let Some(temporal) = &temporal {
            queries.extend(temporal_queries(&sequences, temporal, &config.temporal)?);
        }
        Ok(Self { scores, saliency, strongest, temporal, silent_filters, queries })
    }
}

/// Mean over positives with true sites of the AUROC of scores over positions; `None` without any.
fn truth<'a>(positives: impl Iterator<Item = (&'a Example, &'a [f32])>) -> Result<Option<f64>> {
    let mut aurocs = Vec::new();
    for (example, scores) in positives {
        let spans: Vec<Range<usize>> = true_sites(example).map(|site| site.start..site.end).collect();
        let mask = site_mask(scores.len(), &spans)?;
        if mask.contains(&true) && mask.contains(&false) {
            let scores: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
            aurocs.push(ScoredLabels::new(&mask, &scores)?.auroc());
        }
    }
    let count = aurocs.len() as f64;
    Ok((!aurocs.is_empty()).then(|| aurocs.iter().sum::<f64>() / count))
}

/// The sites a network should look at: those of the set's own grammar.
fn true_sites(example: &Example) -> impl Iterator<Item = &Site> {
    example.sites.iter().filter(|site| is_true_site(site))
}
