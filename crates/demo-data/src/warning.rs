//! What a reader puts up with and tells.

use std::fmt;

use crate::Place;

/// Something a reader tolerated, with its place, for the user to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    place: Place,
    message: String,
}

impl Warning {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }

    /// The file and line.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What was found and what was done about it.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
