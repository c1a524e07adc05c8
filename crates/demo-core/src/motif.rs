//! A named motif, as collections hold it.

use serde::{Deserialize, Serialize};

use crate::ProbabilityMatrix;

/// A motif of a collection or one that a network gave: an identifier, a name, a probability matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Motif {
    id: String,
    name: Option<String>,
    probabilities: ProbabilityMatrix,
    site_count: Option<f64>,
    #[serde(default)]
    e_value: Option<f64>,
}

impl Motif {
    /// A motif with an identifier such as `MA0002.2`.
    pub fn new(id: impl Into<String>, probabilities: ProbabilityMatrix) -> Self {
        Self { id: id.into(), name: None, probabilities, site_count: None, e_value: None }
    }

    /// The same motif with a name such as `RUNX1`.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same motif with the number of sites it was made from.
    #[must_use]
    pub fn with_site_count(mut self, site_count: f64) -> Self {
        self.site_count = Some(site_count);
        self
    }

    /// The same motif with the E-value its finder gave it.
    #[must_use]
    pub fn with_e_value(mut self, e_value: f64) -> Self {
        self.e_value = Some(e_value);
        self
    }

    /// The identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name, where the collection gives one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Position × base.
    pub fn probabilities(&self) -> &ProbabilityMatrix {
        &self.probabilities
    }

    /// The number of sites the matrix was made from, where it is known.
    pub fn site_count(&self) -> Option<f64> {
        self.site_count
    }

    /// The E-value its finder gave it, where it is known.
    pub fn e_value(&self) -> Option<f64> {
        self.e_value
    }

    /// Number of positions.
    pub fn width(&self) -> usize {
        self.probabilities.width()
    }

    /// The motif as the other strand shows it, under the same identifier.
    #[must_use]
    pub fn to_reverse_complement(&self) -> Self {
        Self { probabilities: self.probabilities.to_reverse_complement(), ..self.clone() }
    }
}
