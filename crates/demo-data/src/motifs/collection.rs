//! Motifs of one file.

use std::collections::BTreeMap;
use std::sync::Arc;

use demo_core::{Alphabet, AlphabetMotif, Background, Motif};

use crate::{Place, Warning};

/// Motifs in the order of their file, with what the file says of all of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MotifCollection {
    /// The motifs; identifiers may repeat, with a warning.
    pub motifs: Vec<Motif>,
    /// The background frequencies, where the file gives them.
    pub background: Option<Background>,
    /// What was tolerated.
    pub warnings: Vec<Warning>,
}

impl MotifCollection {
    /// The first motif of this identifier.
    pub fn find(&self, id: &str) -> Option<&Motif> {
        self.motifs.iter().find(|motif| motif.id() == id)
    }

    /// A collection of read motifs, with a warning for each identifier that was there before.
    pub(super) fn of(
        read: Vec<(Place, Motif)>,
        background: Option<Background>,
        warnings: Vec<Warning>,
    ) -> Self {
        let (motifs, warnings) = told_apart(read, Motif::id, warnings);
        Self { motifs, background, warnings }
    }
}

/// Motifs of one file over the alphabet that it declares.
#[derive(Debug, Clone, PartialEq)]
pub struct AlphabetCollection {
    /// The letters of all the motifs.
    pub alphabet: Arc<Alphabet>,
    /// The motifs; identifiers may repeat, with a warning.
    pub motifs: Vec<AlphabetMotif>,
    /// The background frequency of each letter, where the file gives them; they sum to 1.
    pub background: Option<Vec<f64>>,
    /// What was tolerated.
    pub warnings: Vec<Warning>,
}

impl AlphabetCollection {
    pub(super) fn of(
        alphabet: Arc<Alphabet>,
        read: Vec<(Place, AlphabetMotif)>,
        background: Option<Vec<f64>>,
        warnings: Vec<Warning>,
    ) -> Self {
        let (motifs, warnings) = told_apart(read, AlphabetMotif::id, warnings);
        let background = background.map(|found| {
            let sum: f64 = found.iter().sum();
            found.into_iter().map(|p| p / sum).collect()
        });
        Self { alphabet, motifs, background, warnings }
    }
}

impl From<MotifCollection> for AlphabetCollection {
    fn from(collection: MotifCollection) -> Self {
        Self {
            alphabet: Arc::new(Alphabet::dna()),
            motifs: collection.motifs.iter().map(AlphabetMotif::from).collect(),
            background: collection.background.map(|background| background.frequencies().to_vec()),
            warnings: collection.warnings,
        }
    }
}

/// The motifs in their order, with a warning for each identifier that was there before.
fn told_apart<M>(
    read: Vec<(Place, M)>,
    id: impl Fn(&M) -> &str,
    mut warnings: Vec<Warning>,
) -> (Vec<M>, Vec<Warning>) {
    let mut first_lines: BTreeMap<String, usize> = BTreeMap::new();
    let mut motifs = Vec::with_capacity(read.len());
    for (place, motif) in read {
        let id = id(&motif);
        if let Some(first) = first_lines.get(id) {
            let message = format!("motif {id} was already given at line {first}; both are kept");
            warnings.push(Warning::new(place, message));
        } else {
            first_lines.insert(id.to_owned(), place.line);
        }
        motifs.push(motif);
    }
    warnings.sort_by_key(|warning| warning.place().line);
    (motifs, warnings)
}
