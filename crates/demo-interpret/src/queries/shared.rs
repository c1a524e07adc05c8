//! Queries from motifs that several optimised inputs share.

use demo_core::Motif;

use super::{QueryMotif, QuerySource};
use crate::SharedMotif;

/// The motifs as queries of a source, named after it: `class-softmax_1` and so on; their sites are the restarts
/// that hold them.
pub fn shared_queries(motifs: &[SharedMotif], source: QuerySource) -> Vec<QueryMotif> {
    let query = |(number, shared): (usize, &SharedMotif)| {
        let sites = shared.places.len();
        let motif = Motif::new(format!("{}_{}", source.name(), number + 1), shared.probabilities.clone());
        QueryMotif::new(motif.with_site_count(sites as f64), source, None, Some(sites))
    };
    motifs.iter().enumerate().map(query).collect()
}
