//! The small values that pictures and the page share.

use std::fmt;

use demo_core::Strand;
use serde::{Deserialize, Serialize};

/// Where data come from; said on every page and never mixed within one box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DataKind {
    /// Measured by experiment.
    Real,
    /// Drawn by a program whose truth is known.
    Simulated,
}

impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Real => "real data",
            Self::Simulated => "simulated data",
        })
    }
}

/// How well a published figure is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PublishedStatus {
    /// Read in the authors' own code or tables.
    Confirmed,
    /// Taken from a secondary source.
    Secondary,
    /// Recollected, not yet found in print.
    Recollected,
}

impl fmt::Display for PublishedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirmed => "confirmed",
            Self::Secondary => "secondary",
            Self::Recollected => "recollected",
        })
    }
}

/// A number with, where it is known, its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower and upper bound.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// An estimate with its bounds.
    pub fn new(value: f64, low: f64, high: f64) -> Self {
        Self { value, interval: Some((low, high)) }
    }

    /// An estimate without an interval.
    pub fn point(value: f64) -> Self {
        Self { value, interval: None }
    }
}

/// A stretch of a sequence, 0-based and half-open, such as a planted site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteSpan {
    /// First base.
    pub start: usize,
    /// One past the last base.
    pub end: usize,
    /// What lies there, such as a motif's name.
    pub name: String,
    /// On which strand, where it has one.
    pub strand: Option<Strand>,
}

/// Three decimals without the leading zero, as a legend has little room: `.934`; 1 is `1.000`.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.strip_prefix('0').map_or(text.clone(), str::to_string)
}
