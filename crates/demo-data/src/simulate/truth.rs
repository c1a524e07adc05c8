//! The truth of a simulated set: what was planted, and the judge that knows it.

use std::ops::RangeInclusive;

use demo_core::{DnaSequence, ProbabilityMatrix, Strand, UNKNOWN};

use super::grammar::{Grammar, Planted};
use super::score::{Coded, Oracle};
use super::{LENGTH, Placement, grammar_of, parameters_of};
use crate::Result;

/// A motif that was planted.
#[derive(Debug, Clone, PartialEq)]
pub struct PlantedMotif {
    /// Its JASPAR 2016 identifier.
    pub id: String,
    /// The matrix that instances were drawn from: JASPAR's, sharpened or blurred.
    pub instances: ProbabilityMatrix,
}

/// Where a partner lies from its site, read in the site's direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spacing {
    /// Numbers of bases between the two.
    pub gaps: RangeInclusive<usize>,
    /// Whether both read on one strand.
    pub same_strand: bool,
}

/// The grammar of a simulated set.
///
/// ```
/// use demo_core::Seed;
/// use demo_data::simulate::{Placement, SimulationSize, TrueGrammar, simulated57};
///
/// let name = "REST_K562_NRSF_HudsonAlpha";
/// let grammar = TrueGrammar::of(name, Placement::Centred)?;
/// let set = simulated57(name, SimulationSize { train: 1, test: 1 }, Seed::new(1))?;
/// let [positive, negative] = [&set.test()[0], &set.test()[1]].map(|example| &example.sequence);
/// let odds = grammar.oracle(&[positive, negative]);
/// assert!(odds[0] > odds[1]);
/// // The site's most informative positions are where the judge would look.
/// let expected = &grammar.expected_information(&[positive])[0];
/// let best = (0..expected.len()).max_by(|&a, &b| expected[a].total_cmp(&expected[b])).unwrap();
/// assert!(set.test()[0].sites.iter().any(|site| (site.start..site.end).contains(&best)));
/// # Ok::<(), demo_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrueGrammar {
    grammar: Grammar,
    information: Vec<f64>,
    partner_information: Vec<f64>,
}

impl TrueGrammar {
    /// The grammar of the set of this name.
    ///
    /// # Errors
    /// [`crate::Error::Unknown`] for a name that no set has.
    pub fn of(name: &str, placement: Placement) -> Result<Self> {
        let grammar = grammar_of(&parameters_of(name, placement)?)?;
        let information = grammar.motif.instances.information();
        let partner = grammar.partner.as_ref();
        let partner_information = partner.map_or(Vec::new(), |p| p.planted.instances.information());
        Ok(Self { grammar, information, partner_information })
    }

    /// The factor's motif.
    pub fn motif(&self) -> PlantedMotif {
        planted(&self.grammar.motif)
    }

    /// The partner, where the grammar has one.
    pub fn partner(&self) -> Option<(PlantedMotif, Spacing)> {
        let partner = self.grammar.partner.as_ref()?;
        let spacing = Spacing { gaps: partner.gaps(), same_strand: partner.same_strand };
        Some((planted(&partner.planted), spacing))
    }

    /// ln P(x | positive) / P(x | negative) of each sequence: the Bayes classifier, which no method can
    /// beat but by chance.
    ///
    /// # Panics
    /// At a sequence that is not 101 bases without an unknown one, which no simulated one is.
    pub fn oracle(&self, sequences: &[&DnaSequence]) -> Vec<f64> {
        let oracle = Oracle::new(&self.grammar);
        sequences.iter().map(|sequence| oracle.score(&coded(sequence))).collect()
    }

    /// For each position of each sequence the bits of information of the columns that it is expected to
    /// hold, given that the sequence has sites: where to look, if the grammar is known.
    ///
    /// # Panics
    /// As [`TrueGrammar::oracle`].
    pub fn expected_information(&self, sequences: &[&DnaSequence]) -> Vec<Vec<f64>> {
        let oracle = Oracle::new(&self.grammar);
        let map = |sequence: &&DnaSequence| {
            let mut bits = vec![0.0; LENGTH];
            for place in oracle.posterior(&coded(sequence)) {
                let columns = if place.partner { &self.partner_information } else { &self.information };
                let width = columns.len();
                for (offset, position) in bits[place.start..place.start + width].iter_mut().enumerate() {
                    let column = if place.strand == Strand::Forward { offset } else { width - 1 - offset };
                    *position += place.probability * columns[column];
                }
            }
            bits
        };
        sequences.iter().map(map).collect()
    }
}

fn planted(planted: &Planted) -> PlantedMotif {
    PlantedMotif { id: planted.id.clone(), instances: planted.instances.clone() }
}

fn coded(sequence: &DnaSequence) -> Coded {
    let codes = sequence.as_codes();
    assert!(
        codes.len() == LENGTH && !codes.contains(&UNKNOWN),
        "found {} bases, wanted {LENGTH} known ones",
        codes.len()
    );
    Coded::new(codes)
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;

    use super::*;
    use crate::simulate::{SimulationSize, is_true_site, simulated57_placed};

    const SET: &str = "SRF_K562_SRF_HudsonAlpha";

    /// Sites lie in the middle, or anywhere; the same instances in both.
    #[test]
    fn placement_moves_sites_and_nothing_else() {
        let size = SimulationSize { train: 1, test: 400 };
        let set = |placement| simulated57_placed(SET, size, placement, Seed::new(2)).unwrap();
        let [centred, uniform] = Placement::ALL.map(set);
        let starts = |set: &crate::DataSet| -> Vec<f64> {
            let sites = set.test().iter().flat_map(|example| &example.sites);
            sites.filter(|site| is_true_site(site)).map(|site| site.start as f64).collect()
        };
        let spread = |starts: &[f64]| {
            let mean = starts.iter().sum::<f64>() / starts.len() as f64;
            (starts.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / starts.len() as f64).sqrt()
        };
        let (near, far) = (spread(&starts(&centred)), spread(&starts(&uniform)));
        // A standard deviation of 7.072, and that of n places alike, the root of (n² - 1) / 12; four
        // standard errors of either.
        let width = TrueGrammar::of(SET, Placement::Uniform).unwrap().motif().instances.width();
        let flat = (((LENGTH + 1 - width) as f64).powi(2) / 12.0 - 1.0 / 12.0).sqrt();
        assert!((near - 7.072).abs() < 4.0 * 7.072 / (2.0 * 373.0_f64).sqrt(), "{near}");
        assert!((far - flat).abs() < 4.0 * flat * (0.2 / 373.0_f64).sqrt(), "{far} {flat}");
        assert_eq!(starts(&centred).len(), starts(&uniform).len());
        let first = |set: &crate::DataSet| {
            let example = &set.test()[0];
            let site = &example.sites[0];
            (site.strand, example.sequence.as_codes()[site.start..site.end].to_vec())
        };
        assert_eq!(first(&centred), first(&uniform));
    }

    #[test]
    fn the_oracle_reaches_the_calibrated_figure() {
        let size = SimulationSize { train: 1, test: 1_000 };
        let set = simulated57_placed(SET, size, Placement::Centred, Seed::new(2)).unwrap();
        let sequences: Vec<&DnaSequence> = set.test().iter().map(|example| &example.sequence).collect();
        let odds = TrueGrammar::of(SET, Placement::Centred).unwrap().oracle(&sequences);
        let scores = odds.into_iter().zip(set.test()).map(|(odds, example)| (odds, example.bound)).collect();
        let found = crate::simulate::measure::auroc(scores);
        let row = crate::simulate::calibrations().iter().find(|row| row.parameters.set == SET).unwrap();
        let error = (row.oracle * (1.0 - row.oracle) / 1_000.0).sqrt();
        assert!((found - row.oracle).abs() < 4.0 * error, "{found} {}", row.oracle);
        assert!(TrueGrammar::of("nothing", Placement::Centred).is_err());
    }
}
