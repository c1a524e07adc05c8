//! The recover stage: are the motifs got out of a network those that were planted, at their distance?
//!
//! For each source, the query nearest a planted matrix ([`recovery`]: correlation over the planted
//! columns at the best alignment, both strands), for the factor's motif and for its partner. As the
//! nearest of many queries is near by chance too, the mean over motifs of other families, each with its
//! own nearest query, stands beside, and the share of them (one added to both numbers) that is as near.
//!
//! The distance: what was found for motif and partner is laid onto every positive of the test half, each
//! at its best window on either strand, and the most frequent distance in the site's direction, with the
//! partner's strand, is the one that was found. As one of them is the most frequent by chance too, it
//! counts where it is more so than it would be among distances that are all alike probable (Poisson's
//! tail, times the number of distances, below .05) and both matrices are nearer than chance.
//!
//! Filters and windows are read off positives, which hold the motif whatever the network has learned: the
//! rows of filters before the first step of training show what that alone brings. Cost: queries × motifs × columns².

use std::collections::BTreeMap;

use demo_core::{Background, LogOddsMatrix, Motif, ProbabilityMatrix, Strand};
use demo_data::DataSet;
use demo_data::simulate::{LENGTH, PlantedMotif, TrueGrammar};
use demo_interpret::{QueryMotif, QuerySource, Recovery, recovery};

use crate::Result;
use crate::checksum::identity;
use crate::motif_counts::Factors;
use crate::outcomes::{ExplainOutcome, FoundSpacing, RecoverOutcome, Recovered};
use crate::plan::Job;
use crate::run::Run;
use crate::stages::compare::Targets;

/// Raised when the figures change although no motif did.
const VERSION: &str = "recover 2";
/// The share of a uniform column that is mixed into what was found, so that no base is impossible.
const UNIFORM_SHARE: f64 = 0.02;
/// A motif or a distance counts where its p is below this.
pub(crate) const SIGNIFICANT: f64 = 0.05;

impl Run {
    /// Measures the motifs of every explained network on a simulated set, one outcome a job.
    pub(crate) fn recover(
        &self,
        primary: &[Job],
        explained: &[ExplainOutcome],
    ) -> Result<Vec<(Job, RecoverOutcome)>> {
        let simulated = |(job, _): &(&Job, &ExplainOutcome)| self.sets[job.set].grammar.is_some();
        let pieces: Vec<(&Job, &ExplainOutcome)> = primary.iter().zip(explained).filter(simulated).collect();
        if pieces.is_empty() {
            return Ok(Vec::new());
        }
        let id = |(job, explain): &(&Job, &ExplainOutcome)| {
            identity(&(VERSION, &job.id, self.settings.placement, &explain.queries, self.targets.checksum()))
        };
        let outcomes = self.stage("recover", &pieces, id, |(job, explain)| {
            let set = &self.sets[job.set];
            Ok(match &set.grammar {
                Some(grammar) => recover(&self.targets, &set.data, grammar, &explain.queries),
                None => RecoverOutcome::default(),
            })
        })?;
        Ok(pieces.into_iter().zip(outcomes).map(|((job, _), outcome)| (job.clone(), outcome)).collect())
    }
}

/// The motifs of every source against what was planted in a set.
fn recover(
    targets: &Targets,
    set: &DataSet,
    grammar: &TrueGrammar,
    queries: &[QueryMotif],
) -> RecoverOutcome {
    let factors = Factors::new(targets, set.tf(), Some(grammar));
    let others: Vec<&ProbabilityMatrix> =
        factors.other_motifs().filter_map(|place| targets.at(place)).map(Motif::probabilities).collect();
    let mut outcome = RecoverOutcome::default();
    for source in QuerySource::ALL {
        let queries: Vec<&QueryMotif> = queries.iter().filter(|query| query.source == source).collect();
        let chances = others.iter().filter_map(|other| Some(nearest(&queries, other)?.1.correlation));
        let chances: Vec<f64> = chances.collect();
        let chance = (!chances.is_empty()).then(|| chances.iter().sum::<f64>() / chances.len() as f64);
        let mut found = |planted: &PlantedMotif, partner: bool| {
            let (query, recovery) = nearest(&queries, &planted.instances)?;
            let as_near = chances.iter().filter(|&&chance| chance >= recovery.correlation).count();
            let p = (as_near + 1) as f64 / (chances.len() + 1) as f64;
            outcome.recovered.push(Recovered {
                source,
                planted: planted.id.clone(),
                partner,
                queries: queries.len(),
                query: query.motif.id().to_owned(),
                correlation: recovery.correlation,
                reverse: recovery.strand == Strand::Reverse,
                chance,
                p,
            });
            Some((recovery, p < SIGNIFICANT))
        };
        let own = found(&grammar.motif(), false);
        let Some((planted, spacing)) = grammar.partner() else { continue };
        let Some((own, partner)) = own.zip(found(&planted, true)) else { continue };
        if let Some(mut found) = distance(set, source, &own.0, &partner.0) {
            let planted = spacing.gaps.contains(&found.gap) && found.same_strand == spacing.same_strand;
            found.right = planted && own.1 && partner.1 && found.p < SIGNIFICANT;
            outcome.spacings.push(found);
        }
    }
    outcome
}

/// The query that is most like a planted matrix, the first of equals.
fn nearest<'a>(
    queries: &[&'a QueryMotif],
    planted: &ProbabilityMatrix,
) -> Option<(&'a QueryMotif, Recovery)> {
    let all = queries.iter().map(|query| (*query, recovery(query.motif.probabilities(), planted)));
    all.reduce(|best, next| if next.1.correlation > best.1.correlation { next } else { best })
}

/// The most frequent distance from motif to partner over positives; of equals the shortest.
fn distance(set: &DataSet, source: QuerySource, own: &Recovery, partner: &Recovery) -> Option<FoundSpacing> {
    let [own, partner] = [own, partner].map(|recovery| Strands::new(&recovery.aligned));
    let mut seen: BTreeMap<(usize, bool), usize> = BTreeMap::new();
    let mut positives = 0usize;
    for example in set.test().iter().filter(|example| example.bound) {
        positives += 1;
        let codes = example.sequence.as_codes();
        let Some(((start, strand), (at, reads))) = own.best(codes).zip(partner.best(codes)) else { continue };
        let gap = match strand {
            Strand::Forward => at.checked_sub(start + own.width),
            Strand::Reverse => start.checked_sub(at + partner.width),
        };
        if let Some(gap) = gap.filter(|&gap| gap < LENGTH) {
            *seen.entry((gap, reads == strand)).or_default() += 1;
        }
    }
    let placed: usize = seen.values().sum();
    let distances = 2 * (LENGTH + 1).saturating_sub(own.width + partner.width).max(1);
    let most = seen.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let ((gap, same_strand), count) = most;
    let tail = poisson_tail(placed as f64 / distances as f64, count);
    let p = (distances as f64 * tail).min(1.0);
    let share = count as f64 / positives.max(1) as f64;
    Some(FoundSpacing { source, gap, same_strand, share, p, right: false })
}

/// The probability of at least `count` where `mean` are expected.
fn poisson_tail(mean: f64, count: usize) -> f64 {
    // From the far end on, where the terms are small, so that a small sum keeps its digits.
    let last = count + 100 + (10.0 * mean) as usize;
    let mut term = (1..=count).fold((-mean).exp(), |term, k| term * mean / k as f64);
    let mut terms = Vec::with_capacity(last - count);
    for k in count..last {
        terms.push(term);
        term *= mean / (k + 1) as f64;
    }
    terms.iter().rev().sum::<f64>().min(1.0)
}

/// A found matrix as both strands read it.
struct Strands {
    width: usize,
    rows: [LogOddsMatrix; 2],
}

impl Strands {
    fn new(found: &ProbabilityMatrix) -> Self {
        let mixed = |row: &[f64; 4]| row.map(|p| (1.0 - UNIFORM_SHARE) * p + UNIFORM_SHARE / 4.0);
        let mixed = ProbabilityMatrix::new(found.rows().iter().map(mixed).collect());
        let rows = mixed.as_ref().unwrap_or(found).to_log_odds(&Background::UNIFORM);
        Self { width: rows.width(), rows: [rows.clone(), rows.to_reverse_complement()] }
    }

    /// Start and strand of the best window; the first of equals, the forward strand before the other.
    fn best(&self, codes: &[u8]) -> Option<(usize, Strand)> {
        let mut best: Option<(f64, usize, Strand)> = None;
        for (rows, strand) in self.rows.iter().zip([Strand::Forward, Strand::Reverse]) {
            for (start, window) in codes.windows(self.width).enumerate() {
                let score = window
                    .iter()
                    .zip(rows.rows())
                    .filter_map(|(&code, row)| row.get(usize::from(code)))
                    .sum();
                if best.is_none_or(|(highest, ..)| score > highest) {
                    best = Some((score, start, strand));
                }
            }
        }
        best.map(|(_, start, strand)| (start, strand))
    }
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;
    use demo_data::simulate::{Placement, SimulationSize, simulated57};

    use super::*;

    const SET: &str = "CTCF_K562_CTCF_Broad";

    fn query(id: &str, matrix: ProbabilityMatrix) -> QueryMotif {
        QueryMotif::new(Motif::new(id, matrix), QuerySource::Saliency, None, None)
    }

    #[test]
    fn the_planted_matrices_themselves_are_recovered_at_their_distance() {
        let set = simulated57(SET, SimulationSize { train: 1, test: 200 }, Seed::new(1)).unwrap();
        let grammar = TrueGrammar::of(SET, Placement::Centred).unwrap();
        let targets = Targets::jaspar2016().unwrap();
        let (partner, spacing) = grammar.partner().unwrap();
        let queries = [
            query("flat", ProbabilityMatrix::new(vec![[0.25; 4]; 12]).unwrap()),
            query("own", grammar.motif().instances.to_reverse_complement()),
            query("partner", partner.instances.clone()),
        ];
        let outcome = recover(&targets, &set, &grammar, &queries);
        let names: Vec<&str> = outcome.recovered.iter().map(|found| found.query.as_str()).collect();
        assert_eq!(names, ["own", "partner"]);
        for found in &outcome.recovered {
            assert!((found.correlation - 1.0).abs() < 1e-9);
            assert!(found.chance.unwrap() < 0.7, "{:?}", found.chance);
        }
        assert!(outcome.recovered[0].reverse);
        let [found] = outcome.spacings.as_slice() else { panic!("one source has queries") };
        assert!(found.right && spacing.gaps.contains(&found.gap) && found.same_strand == spacing.same_strand);
        assert!(found.share > 0.15 && found.p < 1e-12, "{} {}", found.share, found.p);
        // A control beside them changes none of their figures.
        let control = query("flat", ProbabilityMatrix::new(vec![[0.25; 4]; 9]).unwrap());
        let control = QueryMotif { source: QuerySource::UntrainedFilter, ..control };
        let mut beside = recover(&targets, &set, &grammar, &[&queries[..], &[control]].concat());
        assert_eq!(beside.recovered.iter().filter(|found| found.source.is_control()).count(), 2);
        beside.recovered.retain(|found| !found.source.is_control());
        beside.spacings.retain(|found| !found.source.is_control());
        assert_eq!(beside, outcome);
        // With another motif in the partner's place there is no such distance.
        let queries = [queries[0].clone(), queries[1].clone()];
        let wrong = recover(&targets, &set, &grammar, &queries);
        assert!(wrong.recovered[1].correlation < 0.7);
        assert!(wrong.spacings.iter().all(|found| !found.right));
    }

    // SciPy 1.17.1: scipy.stats.poisson.sf(count - 1, mean)
    #[test]
    fn the_tail_is_that_of_poissons_distribution() {
        let wanted = [
            (0.5, 0, 1.0),
            (0.5, 3, 0.014_387_677_966_970_684),
            (2.25, 1, 0.894_600_775_438_135_7),
            (2.25, 40, 1.670_977_310_625_387_5e-35),
            (12.0, 9, 0.844_972_218_232_537),
        ];
        for (mean, count, wanted) in wanted {
            let found = poisson_tail(mean, count);
            assert!((found - wanted).abs() < 1e-12 * wanted, "{found} {wanted}");
        }
    }
}
