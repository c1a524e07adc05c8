//! The embedded data sets `simulated57`: one for each set of the panel, made up, with the truth known.
//!
//! # The generative model
//! A **positive** is 101 bp of background, a first-order Markov chain with the dinucleotide statistics of
//! real ENCODE peaks, in which are planted
//! - in a fraction of the positives, one or more sites of the factor's JASPAR 2016 motif, on either
//!   strand, their places normally distributed around the centre; an instance is drawn from the
//!   matrix with every probability raised to the set's *sharpness* (1 is the matrix itself);
//! - for the factors whose targets need it (see below), behind one of these sites, in its direction of
//!   reading, a partner motif of another structural family, at a preferred distance give or take a base and
//!   on a preferred strand: order and distance carry information;
//! - in half of the pairs, an unrelated motif anywhere, which is kept as it is in the negative.
//!
//! Its **negative** is either *plain*, a dinucleotide shuffle of the finished positive, sites included,
//! or a *decoy* with broken grammar: the factor's sites stay as they are and the partner is missing,
//! or at another distance, or on the other side (a third each, where there is room), the rest
//! shuffled. Every negative has the dinucleotide counts of its positive exactly, so that composition
//! tells nothing (AUROC .50).
//!
//! # Calibration
//! Two figures of each set are brought to published ones of the real set it stands for, on 20,000 pairs:
//! the AUROC of a scan with the factor's own matrix to that of MEME-SUM, within 0.005, and the AUROC of
//! an oracle that knows the whole grammar to 1 - (1 - `DeepBind*`) / 2, and at least the scan's + 0.01: the
//! best published network is taken to have missed half of what there was to see. Both figures are from
//! `DeepBind`'s supplementary table; how scan and oracle score is written in `score.rs`.
//!
//! A factor has a partner where, for any of its sets, sites within some ten bases of the centre (a
//! standard deviation of 5) do not lift the oracle to its target. A scan cannot tell a decoy from its
//! positive, so decoys lower it where positives are to be told by their grammar.
//!
//! Parameters, targets, values reached and misses stand in `data/simulated57.tsv`; the columns are
//! described in `data/README.md`. `cargo xtask calibrate` finds them anew, `--verify` measures them again.
//!
//! # Sites
//! [`Example::sites`] lists all that was planted and is still there. In a positive, the sites of the
//! grammar carry the motif's identifier; in a decoy, `broken:` stands before it; an unrelated motif
//! has `unrelated:` in both classes. [`is_true_site`] tells the first from the others.
//!
//! # A control of places
//! Sites lie near the middle, so a map that knows nothing but that does better than chance. With
//! [`Placement::Uniform`] they lie anywhere with the same probability, all else being equal. The
//! calibration holds for [`Placement::Centred`] alone. [`TrueGrammar`] says what was planted, how well a
//! judge that knows it tells the classes apart, and where it would look for sites.
//!
//! # Cost
//! Some five microseconds a pair and core; a set of the default size takes about 20 ms.
//!
//! ```
//! use demo_core::Seed;
//! use demo_data::simulate::{SimulationSize, is_true_site, simulated57};
//!
//! let size = SimulationSize { train: 20, test: 10 };
//! let set = simulated57("REST_K562_NRSF_HudsonAlpha", size, Seed::new(1))?;
//! let positive = &set.train()[0];
//! assert!(positive.bound && positive.sites.iter().any(is_true_site));
//! # Ok::<(), demo_data::Error>(())
//! ```

mod background;
mod calibrate;
mod decoy;
mod generate;
mod grammar;
mod measure;
mod parameters;
mod posterior;
mod score;
#[cfg(test)]
mod tests;
mod truth;

use demo_core::{DnaSequence, Seed};
use serde::{Deserialize, Serialize};

use crate::{DataSet, DataSetParts, Error, Example, Result, Site, Source};
use generate::{Pair, generate};
use grammar::Grammar;

pub use calibrate::{ORACLE_MARGIN, ORACLE_TOLERANCE, PAIRS, SCAN_TOLERANCE, calibrate, verify};
pub use measure::{Reached, measure};
pub use parameters::{Calibration, PartnerParameters, SetParameters, calibrations, format_calibrations};
pub use truth::{PlantedMotif, Spacing, TrueGrammar};

/// Number of bases of every simulated sequence.
pub const LENGTH: usize = 101;

/// Stands before a motif's identifier at the sites of a decoy, whose grammar is broken.
pub const BROKEN: &str = "broken:";

/// Stands before the identifier of a motif that is planted alike in both classes.
pub const UNRELATED: &str = "unrelated:";

/// How many positives each half of a simulated set has; each comes with one negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SimulationSize {
    /// Positives of the training half.
    pub train: usize,
    /// Positives of the test half.
    pub test: usize,
}

impl Default for SimulationSize {
    fn default() -> Self {
        Self { train: 2_000, test: 500 }
    }
}

/// Where sites are planted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Around the middle, as narrowly as the set was calibrated to.
    #[default]
    Centred,
    /// Anywhere with the same probability: a control for maps that know where sites tend to lie.
    Uniform,
}

impl Placement {
    /// Both placements.
    pub const ALL: [Self; 2] = [Self::Centred, Self::Uniform];

    /// The name on the command line and in every table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Centred => "centred",
            Self::Uniform => "uniform",
        }
    }
}

/// Names of the simulated sets, in the order of the panel.
pub fn set_names() -> Vec<&'static str> {
    calibrations().iter().map(|row| row.parameters.set.as_str()).collect()
}

/// Whether a site is one of the grammar's own in a positive: neither broken nor unrelated.
pub fn is_true_site(site: &Site) -> bool {
    !site.motif.starts_with(BROKEN) && !site.motif.starts_with(UNRELATED)
}

/// Generates one set. The examples of a half come as a positive, its negative, the next positive; a
/// pair is the same however many there are, and whatever other sets and threads do.
///
/// # Errors
/// [`Error::Unknown`] for a name that no set has, [`Error::SetClasses`] where a half is asked to be empty.
pub fn simulated57(name: &str, size: SimulationSize, seed: Seed) -> Result<DataSet> {
    simulated57_placed(name, size, Placement::Centred, seed)
}

/// As [`simulated57`], with the sites where `placement` says. The random streams are the same, so that
/// the two differ in places alone, as far as the room beside a partner allows.
///
/// # Errors
/// Those of [`simulated57`].
pub fn simulated57_placed(
    name: &str,
    size: SimulationSize,
    placement: Placement,
    seed: Seed,
) -> Result<DataSet> {
    let parameters = &parameters_of(name, placement)?;
    let grammar = grammar_of(parameters)?;
    let streams = seed.child("simulated57").child(name);
    let half = |half: &str, pairs: usize| -> Result<Vec<Example>> {
        let mut examples = Vec::with_capacity(2 * pairs);
        for index in 0..pairs {
            let pair = draw_pair(&grammar, streams.child(half), index);
            examples.push(example(name, index, true, pair.positive, pair.positive_sites)?);
            examples.push(example(name, index, false, pair.negative, pair.negative_sites)?);
        }
        Ok(examples)
    };
    DataSet::new(DataSetParts {
        name: name.to_owned(),
        tf: parameters.tf.clone(),
        source: Source::Simulated,
        train: half("train", size.train)?,
        test: half("test", size.test)?,
    })
}

/// Each pair has a stream of its own, so that no pair depends on how many there are.
fn draw_pair(grammar: &Grammar, streams: Seed, index: usize) -> Pair {
    generate(grammar, &mut streams.stream(&index.to_string()))
}

/// The parameters of a set of the table, with its sites placed as asked.
fn parameters_of(name: &str, placement: Placement) -> Result<SetParameters> {
    let row = calibrations().iter().find(|row| row.parameters.set == name);
    let parameters = row.ok_or_else(|| unknown(name))?.parameters.clone();
    Ok(match placement {
        Placement::Centred => parameters,
        // A normal curve without bounds is flat.
        Placement::Uniform => SetParameters { spread: f64::INFINITY, ..parameters },
    })
}

fn grammar_of(parameters: &SetParameters) -> Result<Grammar> {
    let failed = |source| Error::Simulated { set: parameters.set.clone(), source };
    let grammar = Grammar::new(parameters).map_err(failed)?;
    if let Some(partner) = &grammar.partner {
        let wanted = partner.gaps_with_room(grammar.motif.width());
        if !wanted.contains(&partner.gap) {
            return Err(Error::SimulatedGap { set: parameters.set.clone(), found: partner.gap, wanted });
        }
    }
    Ok(grammar)
}

fn example(set: &str, index: usize, bound: bool, codes: Vec<u8>, sites: Vec<Site>) -> Result<Example> {
    let failed = |source| Error::Simulated { set: set.to_owned(), source };
    let sequence = DnaSequence::from_codes(codes).map_err(failed)?;
    Ok(Example { sites, ..Example::new(sequence, bound).with_pair(index as u32) })
}

fn unknown(name: &str) -> Error {
    let lower = name.to_lowercase();
    let similarity = |other: &str| strsim::jaro_winkler(&lower, &other.to_lowercase());
    let mut names = set_names();
    names.sort_by(|a, b| similarity(b).total_cmp(&similarity(a)));
    let nearest = names.into_iter().take(3).map(str::to_owned).collect();
    Error::Unknown { kind: "simulated set", name: name.to_owned(), nearest }
}
