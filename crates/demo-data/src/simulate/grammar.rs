//! What a simulated set plants: the factor's motif, its partner, unrelated motifs, and where.

use demo_core::{Error, Motif, ProbabilityMatrix, Result, Strand};
use rand::Rng;

use super::LENGTH;
use super::background::{PEAKS, Thresholds};
use super::parameters::SetParameters;
use crate::embedded::jaspar2016;

/// The partner's distance varies by at most this many bases around the preferred one.
pub(super) const JITTER: usize = 1;

/// Pseudocount on JASPAR's counts, spread as the background, so that no base is impossible.
const PSEUDOCOUNT: f64 = 1.0;

/// The number of sites of a motif that does not say.
const USUAL_SITES: f64 = 100.0;

/// A motif as it is planted: instances come from the matrix with every probability raised to the
/// sharpness and scaled to sum to 1 again.
#[derive(Debug, Clone)]
pub(super) struct Planted {
    pub(super) id: String,
    /// The matrix itself, which a scan knows.
    pub(super) matrix: ProbabilityMatrix,
    /// The matrix instances are drawn from, which the oracle knows.
    pub(super) instances: ProbabilityMatrix,
    thresholds: Vec<Thresholds>,
}

impl Planted {
    pub(super) fn new(motif: &Motif, sharpness: f64) -> Result<Self> {
        let sites = motif.site_count().unwrap_or(USUAL_SITES);
        let mixed = |row: &[f64; 4]| -> [f64; 4] {
            let count = |base: usize| row[base] * sites + PSEUDOCOUNT * PEAKS.frequencies[base];
            std::array::from_fn(|base| count(base) / (sites + PSEUDOCOUNT))
        };
        let matrix = ProbabilityMatrix::new(motif.probabilities().rows().iter().map(mixed).collect())?;
        let sharpened = |row: &[f64; 4]| {
            let powers = row.map(|p| p.powf(sharpness));
            let sum: f64 = powers.iter().sum();
            powers.map(|p| p / sum)
        };
        let instances = ProbabilityMatrix::new(matrix.rows().iter().map(sharpened).collect())?;
        let thresholds = instances.rows().iter().map(Thresholds::new).collect();
        Ok(Self { id: motif.id().to_owned(), matrix, instances, thresholds })
    }

    pub(super) fn width(&self) -> usize {
        self.matrix.width()
    }

    /// Draws an instance as the given strand shows it, one number a base.
    pub(super) fn draw(&self, strand: Strand, rng: &mut impl Rng) -> Vec<u8> {
        let mut codes: Vec<u8> = self.thresholds.iter().map(|row| row.draw(rng)).collect();
        if strand == Strand::Reverse {
            codes.reverse();
            for code in &mut codes {
                *code = 3 - *code;
            }
        }
        codes
    }
}

/// A second motif that follows the factor's own, read along the factor's strand.
#[derive(Debug, Clone)]
pub(super) struct Partner {
    pub(super) planted: Planted,
    /// Bases between the two, give or take [`JITTER`].
    pub(super) gap: usize,
    /// Whether it reads on the same strand.
    pub(super) same_strand: bool,
    /// The fraction of the factor's sites that have it.
    pub(super) fraction: f64,
}

impl Partner {
    /// The strand the partner of a site on `strand` reads on.
    pub(super) fn strand(&self, strand: Strand) -> Strand {
        if self.same_strand { strand } else { strand.opposite() }
    }

    /// Where the partner starts that lies `gap` bases after a site of `width` bases at `start`.
    pub(super) fn start(&self, site: (usize, Strand), width: usize, gap: usize) -> Option<usize> {
        match site.1 {
            Strand::Forward => Some(site.0 + width + gap),
            Strand::Reverse => site.0.checked_sub(gap + self.planted.width()),
        }
        .filter(|start| start + self.planted.width() <= LENGTH)
    }

    /// The preferred distances at which a partner fits behind a site of `width` bases, all that occur included.
    pub(super) fn gaps_with_room(&self, width: usize) -> std::ops::RangeInclusive<usize> {
        JITTER..=LENGTH.saturating_sub(width + self.planted.width() + JITTER)
    }

    /// The distances that occur.
    pub(super) fn gaps(&self) -> std::ops::RangeInclusive<usize> {
        self.gap - JITTER..=self.gap + JITTER
    }
}

/// Everything the generator of one set needs, made from its row of the table.
#[derive(Debug, Clone)]
pub(super) struct Grammar {
    pub(super) motif: Planted,
    pub(super) site_fraction: f64,
    pub(super) sites: usize,
    pub(super) centre: CentrePrior,
    pub(super) partner: Option<Partner>,
    pub(super) decoy_fraction: f64,
    pub(super) unrelated: Vec<Planted>,
}

impl Grammar {
    pub(super) fn new(parameters: &SetParameters) -> Result<Self> {
        // A motif that is not there is one without positions.
        let planted = |id: &str, sharpness: f64| {
            jaspar2016().find(id).ok_or(Error::ZeroWidth).and_then(|motif| Planted::new(motif, sharpness))
        };
        let motif = planted(&parameters.motif, parameters.sharpness)?;
        let partner = match &parameters.partner {
            None => None,
            Some(partner) => Some(Partner {
                planted: planted(&partner.motif, partner.sharpness)?,
                gap: partner.gap,
                same_strand: partner.same_strand,
                fraction: partner.fraction,
            }),
        };
        let unrelated = parameters.unrelated.iter().map(|id| planted(id, 1.0)).collect::<Result<_>>()?;
        Ok(Self {
            centre: CentrePrior::new(motif.width(), parameters.spread),
            motif,
            site_fraction: parameters.site_fraction,
            sites: parameters.sites,
            partner,
            decoy_fraction: parameters.decoy_fraction,
            unrelated,
        })
    }

    /// The starts at which a site on `strand` leaves room for its partner at this distance.
    pub(super) fn room(&self, strand: Strand, gap: Option<usize>) -> std::ops::Range<usize> {
        let end = LENGTH + 1 - self.motif.width();
        let beside = match (&self.partner, gap) {
            (Some(partner), Some(gap)) => partner.planted.width() + gap,
            _ => 0,
        };
        match strand {
            Strand::Forward => 0..end - beside,
            Strand::Reverse => beside..end,
        }
    }
}

/// Where sites start: a normal curve around the middle of the sequence, cut at its ends.
#[derive(Debug, Clone)]
pub(super) struct CentrePrior {
    cumulative: Vec<f64>,
}

impl CentrePrior {
    /// The prior for sites of this width; `spread` is the standard deviation in bases.
    pub(super) fn new(width: usize, spread: f64) -> Self {
        let middle = (LENGTH - width) as f64 / 2.0;
        let mut cumulative = vec![0.0];
        for start in 0..=LENGTH - width {
            // A floor keeps the far ends possible, so that cutting the room never leaves nothing.
            let weight = (-0.5 * ((start as f64 - middle) / spread).powi(2)).exp() + 1e-9;
            cumulative.push(cumulative[start] + weight);
        }
        Self { cumulative }
    }

    /// The start that a number in 0..1 stands for, among those in `room`.
    pub(super) fn draw(&self, room: std::ops::Range<usize>, number: f64) -> usize {
        let (low, high) = (self.cumulative[room.start], self.cumulative[room.end]);
        let at = low + number * (high - low);
        let start = self.cumulative.partition_point(|&sum| sum <= at).saturating_sub(1);
        start.clamp(room.start, room.end - 1)
    }

    /// The weight of one start, before normalisation.
    pub(super) fn weight(&self, start: usize) -> f64 {
        self.cumulative[start + 1] - self.cumulative[start]
    }

    /// The sum of the weights in `room`.
    pub(super) fn mass(&self, room: std::ops::Range<usize>) -> f64 {
        self.cumulative[room.end] - self.cumulative[room.start]
    }
}
