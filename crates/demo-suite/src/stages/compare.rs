//! The match stage: every motif of an explanation against JASPAR 2016, one Tomtom run a source.
//!
//! Beside the best matches it keeps how well the factor's own motifs are hit, and those of other factors
//! in their place (`motif_counts`).

use std::collections::BTreeSet;
use std::time::Instant;

use demo_core::Motif;
use demo_data::embedded;
use demo_data::{JasparRelease, MotifRelations, Relation};
use demo_interpret::QuerySource;
use demo_motifmatch::{Match, Options, Threshold, Tomtom};

use crate::Result;
use crate::checksum::identity;
use crate::motif_counts::Factors;
use crate::outcomes::{ExplainOutcome, Hit, MatchOutcome, MatchRow};

/// The collection with what is known of its motifs' factors.
pub(crate) struct Targets {
    motifs: Vec<Motif>,
    relations: &'static MotifRelations,
    tomtom: Tomtom,
}

impl Targets {
    /// JASPAR 2016 CORE vertebrates, all targets listed whatever their significance.
    pub(crate) fn jaspar2016() -> Result<Self> {
        let motifs = embedded::jaspar2016().motifs.clone();
        let threshold = Threshold::EValue(motifs.len() as f64 * 2.0);
        let tomtom = Tomtom::new(&motifs, Options { threshold, ..Options::default() })?;
        Ok(Self { motifs, relations: MotifRelations::of(JasparRelease::R2016), tomtom })
    }

    /// What the collection and the rules of comparison are, for the identity of a comparison.
    pub(crate) fn checksum(&self) -> String {
        identity(&(&self.motifs, self.tomtom.options()))
    }

    /// All motifs.
    pub(crate) fn all(&self) -> Vec<&Motif> {
        self.motifs.iter().collect()
    }

    /// The motifs of a factor's own name.
    pub(crate) fn own(&self, tf: &str) -> Vec<&Motif> {
        let ids = self.relations.own(tf);
        self.motifs.iter().filter(|motif| ids.iter().any(|id| id == motif.id())).collect()
    }

    /// Places of the motifs of these identifiers in the collection.
    pub(crate) fn places(&self, ids: &[String]) -> BTreeSet<usize> {
        let known = |(place, motif): (usize, &Motif)| ids.iter().any(|id| id == motif.id()).then_some(place);
        self.motifs.iter().enumerate().filter_map(known).collect()
    }

    /// The motif at a place of the collection.
    pub(crate) fn at(&self, place: usize) -> Option<&Motif> {
        self.motifs.get(place)
    }

    /// What is known of the motifs' factors.
    pub(crate) fn relations(&self) -> &'static MotifRelations {
        self.relations
    }

    /// The motif of this identifier.
    pub(crate) fn motif(&self, id: &str) -> Option<&Motif> {
        self.motifs.iter().find(|motif| motif.id() == id)
    }
}

/// Looks up all queries of one source; the random stream of the q-values starts anew.
pub(crate) fn compare(
    targets: &Targets,
    (tf, factors): (&str, &Factors),
    explain: &ExplainOutcome,
    source: QuerySource,
) -> MatchOutcome {
    let started = Instant::now();
    let queries: Vec<usize> =
        (0..explain.queries.len()).filter(|&query| explain.queries[query].source == source).collect();
    let mut session = targets.tomtom.session();
    let mut hits = factors.no_hits();
    let row = |query: usize| {
        let matches = session.query(&explain.queries[query].motif);
        factors.add(&mut hits, &matches);
        let relation = |found: &Match| targets.relations.relation(tf, targets.motifs[found.target].id());
        let own = matches.iter().find(|found| relation(found) == Relation::Own);
        MatchRow {
            query,
            relation: matches.first().map_or(Relation::None, relation).to_string(),
            own: own.map(|found| hit(targets, found)),
            best: matches.first().map(|found| hit(targets, found)),
        }
    };
    let rows = queries.into_iter().map(row).collect();
    MatchOutcome { rows, hits, seconds: started.elapsed().as_secs_f64() }
}

fn hit(targets: &Targets, found: &Match) -> Hit {
    let motif = &targets.motifs[found.target];
    Hit {
        id: motif.id().to_owned(),
        name: motif.name().unwrap_or(motif.id()).to_owned(),
        p: found.p_value,
        e: found.e_value,
        q: found.q_value,
        offset: found.offset as i64,
        reverse: found.orientation == demo_core::Strand::Reverse,
    }
}
