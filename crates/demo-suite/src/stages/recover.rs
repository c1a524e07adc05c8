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
//! counts where it is more frequent than any distance is when each positive's motif stands beside another
//! one's partner, drawn anew 999 times (p of that permutation test below .05), and both matrices are nearer
//! than chance.
//!
//! Filters and windows are read off positives, which hold the motif whatever the network has learned: the
//! rows of the same network before its first step of training show what that alone brings. Cost: queries ×
//! motifs × columns², and 999 passes over the positives' places.

use demo_core::{Background, LogOddsMatrix, Motif, ProbabilityMatrix, Seed, Strand};
use demo_data::DataSet;
use demo_data::simulate::{LENGTH, PlantedMotif, TrueGrammar};
use demo_interpret::{QueryMotif, QuerySource, Recovery, recovery};
use rand::seq::SliceRandom;

use crate::Result;
use crate::checksum::identity;
use crate::motif_counts::Factors;
use crate::outcomes::{ExplainOutcome, FoundSpacing, RecoverOutcome, Recovered};
use crate::plan::Job;
use crate::run::Run;
use crate::stages::compare::Targets;

/// Raised when the figures change although no motif did.
const VERSION: &str = "recover 3";
/// The share of a uniform column that is mixed into what was found, so that no base is impossible.
const UNIFORM_SHARE: f64 = 0.02;
/// Permutations behind the p of a distance.
const PERMUTATIONS: usize = 999;
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

/// The most frequent distance from motif to partner over positives, of equals the shortest; none where the
/// partner never follows the motif.
fn distance(set: &DataSet, source: QuerySource, own: &Recovery, partner: &Recovery) -> Option<FoundSpacing> {
    let [own, partner] = [own, partner].map(|recovery| Strands::new(&recovery.aligned));
    let bound = set.test().iter().filter(|example| example.bound);
    let best = |codes: &[u8]| own.best(codes).zip(partner.best(codes));
    let (own_places, mut partner_places): (Vec<Place>, Vec<Place>) =
        bound.clone().filter_map(|example| best(example.sequence.as_codes())).unzip();
    let widths = (own.width, partner.width);
    let ((gap, same_strand), count) = most_frequent(&own_places, &partner_places, widths)?;
    let p = by_chance(count, &own_places, &mut partner_places, widths);
    let share = count as f64 / bound.count() as f64;
    Some(FoundSpacing { source, gap, same_strand, share, p, right: false })
}

/// The probability that some distance is seen as often where the places of motif and partner are as they are,
/// each by itself, and go together by chance; at least one in [`PERMUTATIONS`] and one.
fn by_chance(count: usize, own: &[Place], partner: &mut [Place], widths: (usize, usize)) -> f64 {
    let mut stream = Seed::new(1).stream("distances by chance");
    let as_frequent = (0..PERMUTATIONS).filter(|_| {
        partner.shuffle(&mut stream);
        most_frequent(own, partner, widths).is_some_and(|(_, found)| found >= count)
    });
    (as_frequent.count() + 1) as f64 / (PERMUTATIONS + 1) as f64
}

/// Start and strand of a window.
type Place = (usize, Strand);

/// The most frequent distance and relation of strands, with its count; none where no partner follows.
fn most_frequent(
    own: &[Place],
    partner: &[Place],
    (own_width, partner_width): (usize, usize),
) -> Option<((usize, bool), usize)> {
    // The other strand before the same one.
    let mut counts = [[0usize; 2]; LENGTH];
    for (&(start, strand), &(at, reads)) in own.iter().zip(partner) {
        let gap = match strand {
            Strand::Forward => at.checked_sub(start + own_width),
            Strand::Reverse => start.checked_sub(at + partner_width),
        };
        if let Some(counts) = gap.and_then(|gap| counts.get_mut(gap)) {
            counts[usize::from(reads == strand)] += 1;
        }
    }
    let all = counts.iter().enumerate();
    let all = all.flat_map(|(gap, counts)| [((gap, false), counts[0]), ((gap, true), counts[1])]);
    let most = all.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    (most.1 > 0).then_some(most)
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
    fn best(&self, codes: &[u8]) -> Option<Place> {
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
    use demo_data::simulate::{Placement, SimulationSize, simulated57};
    use rand::Rng;

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
        assert!(found.share > 0.15 && found.p == 0.001, "{} {}", found.share, found.p);
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

    #[test]
    fn places_that_go_together_by_chance_have_a_distance_one_time_in_twenty() {
        let mut stream = Seed::new(3).stream("places");
        // Both near the middle, where a short distance is more probable than a long one.
        let mut places = |around: usize| -> Vec<Place> {
            let mut place = || (around + stream.random_range(0..12), stream.random_bool(0.5));
            let strand = |forward| if forward { Strand::Forward } else { Strand::Reverse };
            (0..80).map(|_| place()).map(|(start, forward)| (start, strand(forward))).collect()
        };
        let widths = (6, 5);
        let p = (0..200).map(|_| {
            let (own, mut partner) = (places(40), places(45));
            let (_, count) = most_frequent(&own, &partner, widths).unwrap();
            by_chance(count, &own, &mut partner, widths)
        });
        let below = p.filter(|&p| p < SIGNIFICANT).count();
        assert!((3..=18).contains(&below), "{below} of 200, where 10 are expected");
    }
}
