//! Finds the parameters at which scan and oracle reach their targets.
//!
//! Sharpness, the exponent on the factor's matrix, brings the scan to its target. The oracle is brought
//! to its own by how narrowly sites lie around the centre or, where that is not enough, by a partner
//! motif and decoys. Both figures are taken on the same random streams for all parameters, so that they
//! move smoothly, and the crossing is found by false position: first on few pairs, then on all.

use std::cell::Cell;

use super::measure::{Reached, measure};
use super::parameters::{Calibration, PartnerParameters, SetParameters, rounded};
use crate::{JasparRelease, MotifRelations, PanelRow, Relation, Result};

/// Number of pairs on which the table's values are reached.
pub const PAIRS: usize = 20_000;

/// How far the scan may lie from its target.
pub const SCAN_TOLERANCE: f64 = 0.005;

/// How far the oracle must lie above the scan.
pub const ORACLE_MARGIN: f64 = 0.01;

/// How near the oracle's target is near enough.
pub const ORACLE_TOLERANCE: f64 = 0.002;

/// Pairs of the first, coarse search.
const COARSE: usize = 2_000;

/// How near its target a figure of the first search, and of the last, has to come.
const ROUGH: f64 = 6e-4;
const FINE: f64 = 2e-4;

/// The range of sharpness.
const SHARPNESS: [f64; 2] = [0.25, 4.0];

/// The sharpest partner.
const SHARPEST_PARTNER: f64 = 1.5;

/// An oracle that the margin would lift above this has its scan calibrated lower, within tolerance.
const CEILING: f64 = 0.998;

/// How much of that tolerance is used.
const LOWERED: f64 = 0.004;

/// The narrowest spread of a set without a partner: a network that pools over all positions cannot
/// see places, so not too much may rest on them.
const NARROWEST: f64 = 5.0;

/// The spread of a set with a partner.
const SPREAD: f64 = 12.0;

/// The spread where the weakest partner still tells too much.
const WIDE: f64 = 20.0;

/// The share of the oracle's loss that positives without any site cause.
const SITELESS_SHARE: f64 = 0.4;

/// That share where the weakest partner still tells too much.
const MORE_SITELESS_SHARE: f64 = 0.8;

/// The least fraction of sites with a partner.
const FEWEST_PARTNERS: f64 = 0.1;

/// The largest fraction of decoys among the negatives of positives with a partner.
const MOST_DECOYS: f64 = 0.6;

/// Shares of the scan's loss that decoys cause: the usual one, those tried where the oracle needs more
/// decoys, and those where the scan cannot bear as many.
const DECOY_SHARE: f64 = 0.75;
const MORE_DECOYS: [f64; 2] = [0.9, 1.0];
const FEWER_DECOYS: [f64; 2] = [0.5, 0.25];

/// Candidates for partners, of different families: CEBPB, STAT1, ELK4, NFKB1, MEF2A, USF1, NRF1, HNF1A,
/// Esrra, NFYB, YY1. A factor takes the next of another family, counting from its own place in the
/// alphabet, and the four after that are its unrelated motifs.
const PARTNERS: [&str; 11] = [
    "MA0466.2", "MA0137.3", "MA0076.2", "MA0105.4", "MA0052.3", "MA0093.2", "MA0506.1", "MA0046.2",
    "MA0592.2", "MA0502.1", "MA0095.2",
];

/// Preferred distances, taken in turn: with two motifs of ten bases, some lie within the 28 bases
/// that the published CNN's last convolution sees, some do not.
const GAPS: [usize; 6] = [4, 12, 7, 20, 9, 15];

/// Calibrates every set of one factor of the panel; the sets of a factor share its partner.
///
/// # Errors
/// As [`measure`].
pub fn calibrate(panel: &[PanelRow], tf: &str) -> Result<Vec<Calibration>> {
    let own = || panel.iter().filter(|row| row.tf == tf);
    let mut alone = Vec::new();
    for row in own() {
        let found = Search::new(panel, row, false).run()?;
        let short = found.oracle < found.oracle_target - ORACLE_TOLERANCE;
        if short || found.parameters.spread < NARROWEST {
            return own().map(|row| Search::new(panel, row, true).run()).collect();
        }
        alone.push(found);
    }
    Ok(alone)
}

/// Measures a row anew on all pairs and says in its note what it misses.
///
/// # Errors
/// As [`measure`].
pub fn verify(row: &Calibration) -> Result<Calibration> {
    let reached = measure(&row.parameters, PAIRS)?;
    let mut row = Calibration { scan: rounded(reached.scan), oracle: rounded(reached.oracle), ..row.clone() };
    row.note = misses(&row);
    Ok(row)
}

/// What a row misses and why, empty where nothing.
fn misses(row: &Calibration) -> String {
    let mut notes = Vec::new();
    if (row.scan - row.scan_target).abs() > SCAN_TOLERANCE {
        notes.push(format!("scan {:+.4} off", row.scan - row.scan_target));
    }
    let off = row.oracle - row.oracle_target;
    if off.abs() > ORACLE_TOLERANCE {
        let why = if off > 0.0 {
            "the grammar tells this much at its weakest"
        } else {
            "no stronger grammar found"
        };
        notes.push(format!("oracle {off:+.4} off: {why}"));
    }
    if row.oracle < row.scan + ORACLE_MARGIN {
        let short = row.scan + ORACLE_MARGIN - row.oracle;
        let why = if row.scan_target - LOWERED + ORACLE_MARGIN > CEILING {
            "the scan alone leaves no room below 1"
        } else {
            "no stronger grammar found"
        };
        notes.push(format!("oracle {short:.4} short of scan + {ORACLE_MARGIN}: {why}"));
    }
    notes.join("; ")
}

/// The search for one set.
struct Search {
    start: SetParameters,
    scan_target: f64,
    scan_aim: f64,
    oracle_target: f64,
}

type Found = (SetParameters, Reached);

impl Search {
    fn new(panel: &[PanelRow], row: &PanelRow, with_partner: bool) -> Self {
        let scan_aim = row.meme_sum.min((CEILING - ORACLE_MARGIN).max(row.meme_sum - LOWERED));
        // The margin holds on the values reached, so a little is added to the target it gives.
        let margin = (scan_aim + ORACLE_MARGIN + 3e-4).min(CEILING);
        let oracle_target = rounded((1.0 - (1.0 - row.deepbind_star) / 2.0).max(margin));
        let mut factors: Vec<&str> = panel.iter().map(|row| row.tf.as_str()).collect();
        factors.sort_unstable();
        factors.dedup();
        let index = factors.iter().position(|&factor| factor == row.tf).unwrap_or(0);
        let relations = MotifRelations::of(JasparRelease::R2016);
        let mut others = (0..PARTNERS.len())
            .map(|step| PARTNERS[(index + step) % PARTNERS.len()])
            .filter(|motif| relations.relation(&row.tf, motif) == Relation::Other);
        let partner = others.next().map(|motif| PartnerParameters {
            motif: motif.to_owned(),
            gap: GAPS[index % GAPS.len()],
            same_strand: index.is_multiple_of(2),
            fraction: 1.0,
            sharpness: 1.0,
        });
        let start = SetParameters {
            set: row.set.clone(),
            tf: row.tf.clone(),
            motif: row.jaspar2016.clone(),
            sites: 1,
            site_fraction: rounded(1.0 - 2.0 * SITELESS_SHARE * (1.0 - oracle_target)),
            sharpness: 1.0,
            spread: SPREAD,
            partner: partner.filter(|_| with_partner),
            decoy_fraction: 0.0,
            unrelated: others.take(4).map(str::to_owned).collect(),
        };
        Self { start, scan_target: row.meme_sum, scan_aim, oracle_target }
    }

    fn run(&self) -> Result<Calibration> {
        let coarse = if self.start.partner.is_none() { self.by_spread()? } else { self.by_partner()? };
        let hopeless = coarse.1.oracle < self.oracle_target - 2.0 * ORACLE_TOLERANCE;
        let parameters = if hopeless { coarse.0 } else { self.refine(coarse.0)? };
        verify(&Calibration {
            parameters,
            scan_target: self.scan_target,
            scan: 0.0,
            oracle_target: self.oracle_target,
            oracle: 0.0,
            note: String::new(),
        })
    }

    /// Sharpness brings the scan to its target at every spread, the spread the oracle.
    fn by_spread(&self) -> Result<Found> {
        let sharpness = Cell::new(1.0);
        let with = |narrowness: f64| {
            let start = SetParameters { spread: rounded(1.0 / narrowness), ..self.start.clone() };
            self.by_sharpness(&start, &sharpness)
        };
        let narrowest = with(1.0 / NARROWEST)?;
        if narrowest.1.oracle < self.oracle_target - 2.0 * ORACLE_TOLERANCE {
            return Ok(narrowest);
        }
        self.oracle([1.0 / 40.0, 1.0 / NARROWEST], 1.0 / SPREAD, 1.5).find(with)
    }

    /// Brings the scan to its aim by sharpness, with several sites where one is not enough. `guess` is the
    /// last sharpness found, and takes the new one.
    fn by_sharpness(&self, start: &SetParameters, guess: &Cell<f64>) -> Result<Found> {
        let with = |sites: usize| {
            self.scan(SHARPNESS, guess.get(), 1.15).find(|sharpness| {
                at(SetParameters { sharpness: rounded(sharpness), sites, ..start.clone() }, COARSE)
            })
        };
        let mut found = with(1)?;
        for sites in 2..=3 {
            if found.1.scan > self.scan_aim - ORACLE_TOLERANCE {
                break;
            }
            found = with(sites)?;
        }
        guess.set(found.0.sharpness);
        Ok(found)
    }

    /// Sharpness of the sites brings the scan to its aim at every strength of the grammar, the strength
    /// the oracle to its target; with more decoys where the strongest is not enough, fewer where the scan
    /// cannot bear them.
    fn by_partner(&self) -> Result<Found> {
        let bears = |found: &Found| found.1.scan > self.scan_aim - ORACLE_TOLERANCE;
        let off = |found: &Found| found.1.oracle - self.oracle_target;
        let mut best = self.by_strength(&self.start, DECOY_SHARE)?;
        if !bears(&best) {
            for share in FEWER_DECOYS {
                best = self.by_strength(&self.start, share)?;
                if bears(&best) {
                    break;
                }
            }
        } else if off(&best) > ORACLE_TOLERANCE {
            let loss = 1.0 - self.oracle_target;
            let start = SetParameters {
                spread: WIDE,
                site_fraction: rounded(1.0 - 2.0 * MORE_SITELESS_SHARE * loss),
                ..self.start.clone()
            };
            best = self.by_strength(&start, DECOY_SHARE)?;
        } else if off(&best) < -2.0 * ROUGH {
            for share in MORE_DECOYS {
                let more = self.by_strength(&self.start, share)?;
                if bears(&more) && off(&more).abs() < off(&best).abs() {
                    best = more;
                }
            }
        }
        Ok(best)
    }

    fn by_strength(&self, start: &SetParameters, share: f64) -> Result<Found> {
        let decoys = (2.0 * share * (1.0 - self.scan_aim)).min(0.6);
        let sharpness = Cell::new(1.0);
        let with = |strength: f64| self.by_sharpness(&strengthened(start, strength, decoys), &sharpness);
        self.oracle([FEWEST_PARTNERS, SHARPEST_PARTNER], 0.8, 1.2).find(with)
    }

    /// Settles both figures on all pairs, near what the coarse search found.
    fn refine(&self, mut parameters: SetParameters) -> Result<SetParameters> {
        let fine = |crossing: Crossing| Crossing { enough: FINE, ..crossing };
        for _ in 0..3 {
            let start = parameters.clone();
            let found = fine(self.scan(SHARPNESS, start.sharpness, 1.04)).find(|sharpness| {
                at(SetParameters { sharpness: rounded(sharpness), ..start.clone() }, PAIRS)
            })?;
            parameters = found.0;
            if (found.1.oracle - self.oracle_target).abs() < 2.0 * FINE {
                break;
            }
            let start = parameters.clone();
            let found =
                fine(self.oracle([0.5, 2.0], 1.0, 1.04)).find(|factor| at(scaled(&start, factor), PAIRS))?;
            parameters = found.0;
            if (found.1.scan - self.scan_aim).abs() < 2.0 * FINE {
                break;
            }
        }
        Ok(parameters)
    }

    fn scan(&self, range: [f64; 2], guess: f64, step: f64) -> Crossing {
        Crossing { target: self.scan_aim, figure: |reached| reached.scan, range, guess, step, enough: ROUGH }
    }

    fn oracle(&self, range: [f64; 2], guess: f64, step: f64) -> Crossing {
        Crossing {
            target: self.oracle_target,
            figure: |reached| reached.oracle,
            range,
            guess,
            step,
            enough: ROUGH,
        }
    }
}

fn at(parameters: SetParameters, pairs: usize) -> Result<Found> {
    let reached = measure(&parameters, pairs)?;
    Ok((parameters, reached))
}

/// The same set with a grammar of this strength: up to 1 the fraction of sites with a partner, above it
/// the sharpness of the partner that all of them have. `decoys` is the fraction of all negatives that
/// are decoys, fewer where that would be most of those that can be.
fn strengthened(parameters: &SetParameters, strength: f64, decoys: f64) -> SetParameters {
    let mut parameters = parameters.clone();
    if let Some(partner) = &mut parameters.partner {
        partner.fraction = rounded(strength.min(1.0));
        partner.sharpness = rounded(strength.max(1.0));
        parameters.decoy_fraction = rounded((decoys / partner.fraction).min(MOST_DECOYS));
    }
    parameters
}

/// The same set with what moves the oracle changed by a factor, above 1 for a better oracle.
fn scaled(parameters: &SetParameters, factor: f64) -> SetParameters {
    let mut parameters = parameters.clone();
    match &mut parameters.partner {
        None => parameters.spread = rounded(parameters.spread / factor),
        Some(partner) if partner.fraction < 1.0 => {
            let decoys = partner.fraction * parameters.decoy_fraction;
            partner.fraction = rounded((partner.fraction * factor).min(1.0));
            parameters.decoy_fraction = rounded((decoys / partner.fraction).min(1.0));
        }
        Some(partner) => partner.sharpness = rounded((partner.sharpness * factor).min(SHARPEST_PARTNER)),
    }
    parameters
}

/// Where a monotone figure crosses its target: false position (the Illinois variant) on the logarithm of
/// a positive argument, after steps from a guess that grow until the target lies between two of them;
/// the best of the points seen where it never does.
#[derive(Debug, Clone, Copy)]
struct Crossing {
    target: f64,
    figure: fn(&Reached) -> f64,
    range: [f64; 2],
    guess: f64,
    /// The first step, a factor above 1.
    step: f64,
    /// How near is near enough.
    enough: f64,
}

impl Crossing {
    fn find(&self, at: impl Fn(f64) -> Result<Found>) -> Result<Found> {
        let see = |x: f64| -> Result<(f64, Found)> {
            let found = at(x)?;
            Ok(((self.figure)(&found.1) - self.target, found))
        };
        let [least, most] = self.range;
        let (mut low, mut factor) = (self.guess.clamp(least, most), self.step);
        let (mut below, mut best) = see(low)?;
        let mut miss = below.abs();
        let (mut high, mut above) = (low, below);
        // Both ends move from the guess: up where that brings the figure nearer, else down.
        let mut upwards = below < 0.0;
        let mut turned = false;
        while below * above >= 0.0 && miss > self.enough {
            let from = if upwards { high } else { low };
            let to = if upwards { (from * factor).min(most) } else { (from / factor).max(least) };
            if to == from {
                if turned {
                    return Ok(best);
                }
                // A figure that falls with its argument is met on the other side.
                (turned, upwards) = (true, !upwards);
                continue;
            }
            let (off, found) = see(to)?;
            if off.abs() < miss {
                (miss, best) = (off.abs(), found);
            }
            if upwards {
                (low, below) = (high, above);
                (high, above) = (to, off);
            } else {
                (high, above) = (low, below);
                (low, below) = (to, off);
            }
            factor *= factor;
        }
        let mut kept = None;
        for _ in 0..10 {
            if miss <= self.enough {
                break;
            }
            let share = (below / (below - above)).clamp(0.05, 0.95);
            let middle = low * (high / low).powf(share);
            let (off, found) = see(middle)?;
            // An end kept twice in a row counts half, so that both ends close in.
            if off * above > 0.0 {
                (high, above) = (middle, off);
                below /= if kept == Some(false) { 2.0 } else { 1.0 };
                kept = Some(false);
            } else {
                (low, below) = (middle, off);
                above /= if kept == Some(true) { 2.0 } else { 1.0 };
                kept = Some(true);
            }
            if off.abs() < miss {
                (miss, best) = (off.abs(), found);
            }
        }
        Ok(best)
    }
}
