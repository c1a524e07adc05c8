//! Motifs of one file.

use std::collections::BTreeMap;

use demo_core::{Background, Motif};

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
        mut warnings: Vec<Warning>,
    ) -> Self {
        let mut first_lines = BTreeMap::new();
        let mut motifs = Vec::with_capacity(read.len());
        for (place, motif) in read {
            if let Some(first) = first_lines.get(motif.id()) {
                let message =
                    format!("motif {} was already given at line {first}; both are kept", motif.id());
                warnings.push(Warning::new(place, message));
            } else {
                first_lines.insert(motif.id().to_owned(), place.line);
            }
            motifs.push(motif);
        }
        warnings.sort_by_key(|warning| warning.place().line);
        Self { motifs, background, warnings }
    }
}
