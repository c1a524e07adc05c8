//! What a scan can be asked to do differently.

use demo_core::Background;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Which windows are hits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum ScanThreshold {
    /// Those whose p-value is at most this, above 0 and up to 1.
    PValue(f64),
    /// Those whose q-value among all windows of their motif is at most this, above 0 and up to 1.
    QValue(f64),
}

impl ScanThreshold {
    /// The largest p-value a hit can have: a window's q-value is never below its p-value.
    pub(super) fn largest_p(self) -> f64 {
        match self {
            Self::PValue(limit) | Self::QValue(limit) => limit,
        }
    }
}

/// How sequences are scanned; the default is what FIMO does.
///
/// ```
/// use demo_motifmatch::{ScanOptions, ScanThreshold};
///
/// let options = ScanOptions { threshold: ScanThreshold::QValue(0.05), ..ScanOptions::default() };
/// assert!(options.both_strands);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanOptions {
    /// Whether the reverse complement of every motif is looked for too.
    pub both_strands: bool,
    /// How many sites' worth of background every matrix is mixed with.
    pub motif_pseudocount: f64,
    /// Base frequencies that scores are taken against and p-values are computed under; averaged with
    /// their complement where both strands are scanned.
    pub background: Background,
    /// Which windows are hits.
    pub threshold: ScanThreshold,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            both_strands: true,
            motif_pseudocount: 0.1,
            background: Background::UNIFORM,
            threshold: ScanThreshold::PValue(1e-4),
        }
    }
}

impl ScanOptions {
    /// Refuses what no scan can be made with, as [`Scanner::new`](crate::Scanner::new) does.
    ///
    /// # Errors
    /// A pseudocount or a threshold that is out of its range.
    pub fn check(&self) -> Result<()> {
        if !self.motif_pseudocount.is_finite() || self.motif_pseudocount < 0.0 {
            return Err(Error::Pseudocount { found: self.motif_pseudocount });
        }
        let (kind, found) = match self.threshold {
            ScanThreshold::PValue(limit) => ("p-value", limit),
            ScanThreshold::QValue(limit) => ("q-value", limit),
        };
        if found > 0.0 && found <= 1.0 { Ok(()) } else { Err(Error::ScanThreshold { kind, found }) }
    }
}
