//! The published motif table: in how many sets a model's motifs hit the factor's own, beside chance.
//!
//! A set counts where a query hits a JASPAR motif named after the set's factor, at q < .05, E < .05 or
//! E < 10 of Tomtom. *Any hit* lets the own motif stand anywhere in a query's list; *top hit* asks that
//! it be the best match of a query. With many queries some hit comes by chance, so each count stands
//! beside its chance level: the same queries, with the own motifs of another factor in place of those of
//! the set's own. Other factors are those of the 57 sets whose motifs are of another family; in a
//! simulated set not the planted partner's either, whose motif is there to be found. The mean over them
//! is a set's probability of a hit by chance, and the sum over sets the level. Bonferroni's correction
//! multiplies q and E by the number of queries. Sets whose factor has no own motif are left out.
//!
//! That chance level does not say what the positives bring by themselves, off which the motifs of filters,
//! saliency and temporal scores are read: the rows of the same networks before training do
//! (`stages::untrained`). Networks that did not converge are counted in, and how many they are.

use std::collections::BTreeSet;

use demo_data::embedded::panel57;
use demo_data::simulate::TrueGrammar;
use demo_data::{FigureStatus, Relation};
use demo_interpret::QuerySource;
use demo_motifmatch::Match;
use serde::{Deserialize, Serialize};

use crate::models::ModelKind;
use crate::published::published_counts;
use crate::run::{ExplainedModel, Run};
use crate::stages::compare::Targets;

/// The published criteria.
pub(crate) const CRITERIA: [&str; 3] = ["q05", "e05", "e10"];

/// Where a hit has to stand in the list of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Top,
    Any,
}

impl Standing {
    pub(crate) const ALL: [Self; 2] = [Self::Top, Self::Any];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::Any => "any",
        }
    }
}

/// The least q and E at which queries hit one factor's motifs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeastHit {
    /// Among best matches; none where no best match is the factor's.
    top: Option<(f64, f64)>,
    /// Among all matches.
    any: Option<(f64, f64)>,
}

impl LeastHit {
    fn add(&mut self, found: &Match, best: bool) {
        let lower = |least: &mut Option<(f64, f64)>| {
            let (q, e) = least.unwrap_or((f64::MAX, f64::MAX));
            *least = Some((q.min(found.q_value), e.min(found.e_value)));
        };
        lower(&mut self.any);
        if best {
            lower(&mut self.top);
        }
    }

    /// Whether each criterion is met, with q and E taken `times` over.
    fn meets(&self, standing: Standing, times: f64) -> [bool; 3] {
        let least = if standing == Standing::Top { self.top } else { self.any };
        least.map_or([false; 3], |(q, e)| [q * times < 0.05, e * times < 0.05, e * times < 10.0])
    }
}

/// What the queries of one set, model and source hit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnHits {
    /// Whether the factor has own motifs, so that the set counts.
    counted: bool,
    queries: usize,
    own: LeastHit,
    /// The same for each other factor in place of the own one.
    others: Vec<LeastHit>,
}

/// Whose motifs are looked for in the matches of one set's queries.
pub(crate) struct Factors {
    own: BTreeSet<usize>,
    others: Vec<BTreeSet<usize>>,
}

impl Factors {
    /// Those for a set of this factor; `grammar` is that of a simulated set.
    pub(crate) fn new(targets: &Targets, tf: &str, grammar: Option<&TrueGrammar>) -> Self {
        let partner = grammar.and_then(TrueGrammar::partner);
        let partner = partner.and_then(|(motif, _)| targets.relations().motif(&motif.id));
        // Whose motifs, and whose relatives', are there to be found.
        let planted: Vec<&str> =
            std::iter::once(tf).chain(partner.iter().flat_map(|p| p.factors())).collect();
        let unrelated = |motif: &&str| {
            planted.iter().all(|factor| {
                matches!(targets.relations().relation(factor, motif), Relation::Other | Relation::None)
            })
        };
        let names: BTreeSet<&str> = panel57().iter().map(|row| row.tf.as_str()).collect();
        let mut others: Vec<BTreeSet<usize>> = Vec::new();
        for name in names {
            let ids = targets.relations().own(name);
            let places = targets.places(&ids);
            // Two names of one factor's motif are one factor.
            if !places.is_empty() && ids.iter().all(|id| unrelated(&id.as_str())) && !others.contains(&places)
            {
                others.push(places);
            }
        }
        Self { own: targets.places(&targets.relations().own(tf)), others }
    }

    /// Places of the other factors' motifs.
    pub(crate) fn other_motifs(&self) -> impl Iterator<Item = usize> {
        self.others.iter().flatten().copied()
    }

    /// Nothing hit so far.
    pub(crate) fn no_hits(&self) -> OwnHits {
        OwnHits {
            counted: !self.own.is_empty(),
            queries: 0,
            own: LeastHit::default(),
            others: vec![LeastHit::default(); self.others.len()],
        }
    }

    /// Adds the matches of one query, the best first.
    pub(crate) fn add(&self, hits: &mut OwnHits, matches: &[Match]) {
        hits.queries += 1;
        for (place, found) in matches.iter().enumerate() {
            if self.own.contains(&found.target) {
                hits.own.add(found, place == 0);
            }
            for (motifs, least) in self.others.iter().zip(&mut hits.others) {
                if motifs.contains(&found.target) {
                    least.add(found, place == 0);
                }
            }
        }
    }
}

/// How many sets meet a criterion, and how many would by chance.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Count {
    pub(crate) found: usize,
    pub(crate) chance: f64,
}

/// Counts of one model and source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CountRow {
    pub(crate) model: ModelKind,
    pub(crate) source: QuerySource,
    pub(crate) bonferroni: bool,
    pub(crate) standing: Standing,
    /// Sets whose factor has a motif.
    pub(crate) sets: usize,
    /// Those of them whose network did not converge; none of a control.
    pub(crate) not_converged: Option<usize>,
    /// Queries of all sets.
    pub(crate) queries: usize,
    /// By criterion.
    pub(crate) counts: [Count; 3],
    pub(crate) published: Option<(usize, usize, FigureStatus)>,
}

impl CountRow {
    /// Whether a page has room for it: Bonferroni's correction is shown for filters alone, trained or not, of
    /// which there are many; `motif_counts.tsv` has it for all.
    pub(crate) fn is_shown(&self) -> bool {
        !self.bonferroni || matches!(self.source, QuerySource::Filter | QuerySource::UntrainedFilter)
    }
}

/// Rows of every model and source that has queries, in the order of the tables.
pub(crate) fn motif_counts(run: &Run, models: &[ExplainedModel]) -> Vec<CountRow> {
    let mut rows = Vec::new();
    for &model in &run.settings.models {
        for source in QuerySource::ALL {
            let of_model = models.iter().filter(|explained| explained.job.model == model);
            let found: Vec<(bool, &OwnHits)> =
                of_model.filter_map(|model| Some((model.converged, model.hits(source)?))).collect();
            let left = found.iter().filter(|(converged, hits)| !converged && hits.counted).count();
            let not_converged = (!source.is_control()).then_some(left);
            let hits: Vec<&OwnHits> = found.into_iter().map(|(_, hits)| hits).collect();
            if hits.iter().all(|hits| hits.queries == 0) {
                continue;
            }
            for bonferroni in [false, true] {
                for standing in Standing::ALL {
                    let (sets, queries, counts) = count(&hits, bonferroni, standing);
                    let published = if bonferroni { None } else { published(model, source) };
                    rows.push(CountRow {
                        model,
                        source,
                        bonferroni,
                        standing,
                        sets,
                        not_converged,
                        queries,
                        counts,
                        published,
                    });
                }
            }
        }
    }
    rows
}

fn count(hits: &[&OwnHits], bonferroni: bool, standing: Standing) -> (usize, usize, [Count; 3]) {
    let mut counts = [Count::default(); 3];
    let counted: Vec<&&OwnHits> = hits.iter().filter(|hits| hits.counted).collect();
    for hits in &counted {
        let times = if bonferroni { hits.queries as f64 } else { 1.0 };
        for (count, met) in counts.iter_mut().zip(hits.own.meets(standing, times)) {
            count.found += usize::from(met);
        }
        for other in &hits.others {
            for (count, met) in counts.iter_mut().zip(other.meets(standing, times)) {
                count.chance += f64::from(u8::from(met)) / hits.others.len() as f64;
            }
        }
    }
    (counted.len(), counted.iter().map(|hits| hits.queries).sum(), counts)
}

/// What was published of a model's motifs: sets, sets found and how well that is known.
fn published(model: ModelKind, source: QuerySource) -> Option<(usize, usize, FigureStatus)> {
    let of_model = |count: &crate::published::PublishedCount| count.model == model.title();
    let known = published_counts().into_iter().find(of_model);
    known
        .filter(|_| source == QuerySource::ClassOptimisation)
        .map(|count| (count.sets, count.found, count.status))
}

#[cfg(test)]
mod tests {
    use demo_core::Strand;

    use super::*;

    fn found(target: usize, e: f64) -> Match {
        Match {
            target,
            target_id: "".into(),
            offset: 0,
            p_value: e / 519.0,
            e_value: e,
            q_value: e / 10.0,
            overlap: 8,
            query_consensus: "".into(),
            target_consensus: "".into(),
            orientation: Strand::Forward,
        }
    }

    #[test]
    fn hits_are_counted_beside_those_of_other_factors() {
        let factors = Factors { own: [0, 1].into(), others: vec![[2].into(), [3].into(), [4, 5].into()] };
        let mut hits = factors.no_hits();
        // The best match of the first query is another factor's, that of the second the own one's.
        factors.add(&mut hits, &[found(2, 0.01), found(1, 0.02), found(5, 4.0)]);
        factors.add(&mut hits, &[found(0, 0.3), found(3, 12.0)]);
        let of = |bonferroni, standing| {
            let (sets, queries, counts) = count(&[&hits], bonferroni, standing);
            assert_eq!((sets, queries), (1, 2));
            (counts.map(|count| count.found), counts.map(|count| (count.chance * 3.0).round()))
        };
        assert_eq!(of(false, Standing::Any), ([1, 1, 1], [1.0, 1.0, 2.0]));
        assert_eq!(of(false, Standing::Top), ([1, 0, 1], [1.0, 1.0, 1.0]));
        assert_eq!(of(true, Standing::Any), ([1, 1, 1], [1.0, 1.0, 2.0]));
        assert_eq!(of(true, Standing::Top), ([0, 0, 1], [1.0, 1.0, 1.0]));
        // A factor without a motif of its own does not count.
        let none = Factors { own: BTreeSet::new(), others: Vec::new() };
        assert_eq!(count(&[&none.no_hits()], false, Standing::Any), (0, 0, [Count::default(); 3]));
    }

    #[test]
    fn other_factors_are_of_other_families_and_not_planted() {
        let targets = Targets::jaspar2016().unwrap();
        let place = |id: &str| *targets.places(&[id.to_owned()]).first().unwrap();
        let real = Factors::new(&targets, "GATA1", None);
        let has =
            |factors: &Factors, id: &str| factors.others.iter().any(|motifs| motifs.contains(&place(id)));
        // GATA2's motif is of the family, CTCF's is not.
        assert!(!has(&real, "MA0036.2") && has(&real, "MA0139.1") && !has(&real, "MA0035.3"));
        assert!(real.own.contains(&place("MA0035.3")));
        assert!(real.others.len() > 25, "{}", real.others.len());
        // The partner of the simulated NFYB sites is MEF2A.
        let placement = demo_data::simulate::Placement::Centred;
        let grammar = TrueGrammar::of("NFYB_K562_NF-YB_Stanford", placement).unwrap();
        assert!(has(&Factors::new(&targets, "NFYB", None), "MA0052.3"));
        assert!(!has(&Factors::new(&targets, "NFYB", Some(&grammar)), "MA0052.3"));
    }
}
