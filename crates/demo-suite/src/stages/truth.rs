//! The truth stage: how well each explanation finds the sites that were planted in a simulated set.
//!
//! What is looked at are the first positives of the test half that have sites of the grammar. A position
//! of a site weighs as much as its column says ([`SiteTruth`]); elsewhere, windows that score like a site
//! although nothing was planted there (p < 1e-4 by a scan with the planted matrices) are masked, sites
//! of unrelated motifs are not. A map is scored on each sequence by itself, so that its scale does not
//! matter, and the figures are means over sequences.
//!
//! | map | is |
//! |---|---|
//! | `saliency`, `gradient-x-input`, `mean-centred-gradient` | as `demo-interpret` has them; the saliency of the loss is the first times a factor for each sequence, so ranks alike |
//! | `in-silico-mutagenesis` | minus the mean effect of a position's mutations |
//! | `temporal-prefix`, `temporal-suffix`, `temporal` | rises of the temporal scores; recurrent networks |
//! | `prior` | how much site there is at each position of the training half's positives: knows places alone |
//! | `scan` | the best score of a window over the position, with the planted matrices: knows motifs alone |
//! | `oracle` | the information expected at each position by a judge that knows the grammar: the ceiling |
//!
//! Cost: one gradient and 303 mutants a sequence.

use std::ops::Range;
use std::time::Instant;

use demo_core::{Attribution, Background, DnaSequence, Motif, Strand};
use demo_data::simulate::{TrueGrammar, is_true_site};
use demo_data::{DataSet, Example, Site};
use demo_eval::{Bootstrap, Groups, Summary, bootstrap_mean, position_metrics};
use demo_interpret::{
    Gradients, InformativeSite, Reading, SiteTruth, in_silico_mutagenesis, temporal_scores,
};
use demo_models::Predictor;
use demo_motifmatch::{ScanOptions, ScanThreshold, Scanner};

use super::evaluate::LEVEL;
use crate::Result;
use crate::checksum::identity;
use crate::config::Profile;
use crate::outcomes::{MapFigures, TrainOutcome, TruthOutcome};
use crate::plan::Job;
use crate::run::{Cost, Run, with_training};

/// Positives that are looked at in each set.
const POSITIVES: usize = 100;
/// The same in the smoke profile, whose networks know too little for exact figures.
const SMOKE_POSITIVES: usize = 25;
/// A window whose p is below this scores like a site.
const CHANCE_HIT: f64 = 1e-4;
/// Resamples of the positives.
const REPLICATES: usize = 1_000;
/// Maps that ask no network and that every explanation stands beside.
pub(crate) const BESIDE: [&str; 3] = ["prior", "scan", "oracle"];
/// Raised when the figures change although nothing that was trained did.
const VERSION: &str = "truth 2";

/// The figures of one simulated set: of maps that ask no network, and of each network.
pub(crate) struct SetTruths {
    pub(crate) set: usize,
    pub(crate) references: TruthOutcome,
    /// With `yes`, `no` or `NA` for whether the network converged.
    pub(crate) models: Vec<(Job, &'static str, TruthOutcome)>,
}

/// What is measured at once: a set's maps without a network, or those of one network.
struct Piece<'a> {
    set: usize,
    network: Option<(&'a Job, &'a TrainOutcome)>,
}

impl Cost for Piece<'_> {
    fn cost(&self) -> u64 {
        self.network.map_or(0, |(job, _)| job.cost)
    }
}

impl Run {
    /// Measures all simulated sets; none of real ones, whose sites nobody knows.
    pub(crate) fn truth(
        &self,
        primary: &[Job],
        jobs: &[Job],
        trained: &[TrainOutcome],
    ) -> Result<Vec<SetTruths>> {
        let simulated = |set: &usize| self.sets[*set].grammar.is_some();
        let sets: Vec<usize> = (0..self.sets.len()).filter(simulated).collect();
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let networks = with_training(primary, jobs, trained).into_iter();
        let networks = networks.filter(|(job, _)| simulated(&job.set));
        let mut pieces: Vec<Piece> = sets.iter().map(|&set| Piece { set, network: None }).collect();
        pieces.extend(networks.map(|network| Piece { set: network.0.set, network: Some(network) }));
        let positives = if self.settings.profile == Profile::Smoke { SMOKE_POSITIVES } else { POSITIVES };
        let id = |piece: &Piece| {
            let network = piece.network.map(|(job, train)| (&job.id, &train.weights_sha256));
            identity(&(VERSION, positives, &self.sets[piece.set].sha256, self.settings.placement, network))
        };
        let outcomes = self.stage("truth", &pieces, id, |piece| {
            let set = &self.sets[piece.set];
            let started = Instant::now();
            let mut outcome = match (&set.grammar, piece.network) {
                (Some(grammar), Some((job, train))) => {
                    let truth = Truth::new(&set.data, grammar, positives)?;
                    truth.of_network(&mut self.predictor(job, train)?)?
                }
                (Some(grammar), None) => Truth::new(&set.data, grammar, positives)?.of_references()?,
                (None, _) => TruthOutcome { maps: Vec::new(), sequences: 0, chance_auprc: 0.0, seconds: 0.0 },
            };
            outcome.seconds = started.elapsed().as_secs_f64();
            Ok(outcome)
        })?;
        let mut truths: Vec<SetTruths> = Vec::with_capacity(sets.len());
        for (piece, outcome) in pieces.iter().zip(outcomes) {
            match piece.network {
                None => truths.push(SetTruths { set: piece.set, references: outcome, models: Vec::new() }),
                Some((job, train)) => {
                    let of_set = truths.iter_mut().filter(|truth| truth.set == job.set);
                    of_set.for_each(|truth| {
                        truth.models.push((job.clone(), train.converged_name(), outcome.clone()));
                    });
                }
            }
        }
        Ok(truths)
    }
}

/// The positives of a set that are looked at, with what lies in them.
struct Truth<'a> {
    set: &'a DataSet,
    grammar: &'a TrueGrammar,
    /// The planted motifs, with the bits of each column.
    motifs: Vec<(Motif, Vec<f64>)>,
    sequences: Vec<DnaSequence>,
    truths: Vec<SiteTruth>,
}

impl<'a> Truth<'a> {
    fn new(set: &'a DataSet, grammar: &'a TrueGrammar, most: usize) -> Result<Self> {
        let planted = std::iter::once(grammar.motif()).chain(grammar.partner().map(|(motif, _)| motif));
        let motifs: Vec<(Motif, Vec<f64>)> = planted
            .map(|planted| {
                let information = planted.instances.information();
                (Motif::new(planted.id, planted.instances), information)
            })
            .collect();
        let positives: Vec<&Example> =
            set.test().iter().filter(|example| has_sites(example)).take(most).collect();
        let chance_hits = scanner(&motifs, set, CHANCE_HIT)?;
        let mut truths = Vec::with_capacity(positives.len());
        for example in &positives {
            let sites = sites(&motifs, example);
            let hits = chance_hits.scan(&example.sequence).into_iter().map(|hit| hit.start..hit.end);
            let hits: Vec<Range<usize>> = hits.collect();
            truths.push(SiteTruth::new(example.sequence.len(), &sites, &hits)?);
        }
        let sequences = positives.iter().map(|example| example.sequence.clone()).collect();
        Ok(Self { set, grammar, motifs, sequences, truths })
    }

    /// Every explanation of a network.
    fn of_network(&self, predictor: &mut Predictor) -> Result<TruthOutcome> {
        let gradients = Gradients::new(predictor, &self.sequences)?;
        let mut maps = vec![gradients.absolute()?, gradients.signed()?, gradients.mean_centred()?];
        let mutations = in_silico_mutagenesis(predictor, &self.sequences)?;
        let effects = mutations.iter().zip(&self.sequences);
        maps.push(
            effects
                .map(|(effects, sequence)| effects.to_attribution(sequence))
                .collect::<demo_interpret::Result<_>>()?,
        );
        if let Some(scores) = temporal_scores(predictor, &self.sequences)? {
            for reading in Reading::ALL {
                maps.push(scores.iter().map(|scores| scores.to_attribution(reading)).collect());
            }
        }
        let numbers = |map: &Attribution| map.scores().iter().map(|&score| f64::from(score)).collect();
        let maps = maps.into_iter().filter_map(|attributions| {
            let name = attributions.first()?.method.clone();
            Some((name, attributions.iter().map(numbers).collect()))
        });
        self.measure(maps.collect())
    }

    /// Every map that asks no network.
    fn of_references(&self) -> Result<TruthOutcome> {
        let sequences: Vec<&DnaSequence> = self.sequences.iter().collect();
        let prior = vec![self.prior(); sequences.len()];
        let oracle = self.grammar.expected_information(&sequences);
        let names = BESIDE.map(str::to_owned).into_iter();
        self.measure(names.zip([prior, self.scan()?, oracle]).collect())
    }

    /// The bits of site at each position, summed over the training half's positives.
    fn prior(&self) -> Vec<f64> {
        let mut bits = vec![0.0; self.sequences.first().map_or(0, DnaSequence::len)];
        for example in self.set.train().iter().filter(|example| has_sites(example)) {
            for site in sites(&self.motifs, example) {
                bits[site.span].iter_mut().zip(&site.information).for_each(|(sum, bits)| *sum += bits);
            }
        }
        bits
    }

    /// The best score of a window over each position, on either strand, in bits.
    fn scan(&self) -> Result<Vec<Vec<f64>>> {
        let scanner = scanner(&self.motifs, self.set, 1.0)?;
        let map = |sequence: &DnaSequence| {
            let mut best = vec![f64::MIN; sequence.len()];
            for hit in scanner.scan(sequence) {
                best[hit.start..hit.end].iter_mut().for_each(|score| *score = score.max(hit.score));
            }
            best
        };
        Ok(self.sequences.iter().map(map).collect())
    }

    fn measure(&self, maps: Vec<(String, Vec<Vec<f64>>)>) -> Result<TruthOutcome> {
        let mut figures = Vec::with_capacity(maps.len());
        let (mut sequences, mut chance_auprc) = (0, 0.0);
        for (map, scores) in maps {
            let mut measured = Vec::with_capacity(scores.len());
            for (scores, truth) in scores.iter().zip(&self.truths) {
                measured.extend(position_metrics(scores, truth.site(), truth.weights())?);
            }
            if measured.is_empty() {
                continue;
            }
            let column =
                |get: fn(&demo_eval::PositionMetrics) -> f64| measured.iter().map(get).collect::<Vec<f64>>();
            sequences = measured.len();
            chance_auprc = Summary::new(&column(|found| found.chance_auprc))?.mean;
            let estimate = |values: Vec<f64>| -> Result<_> {
                let seed = demo_core::Seed::new(0).child("truth").child(self.set.name());
                let bootstrap = Bootstrap { replicates: REPLICATES, level: LEVEL, seed };
                let interval = bootstrap_mean(&values, &Groups::singletons(values.len())?, &bootstrap)?;
                Ok((Summary::new(&values)?.mean, interval))
            };
            let (auroc, auprc) =
                (estimate(column(|found| found.auroc))?, estimate(column(|found| found.auprc))?);
            figures.push(MapFigures { map, auroc, auprc });
        }
        Ok(TruthOutcome { maps: figures, sequences, chance_auprc, seconds: 0.0 })
    }
}

fn has_sites(example: &Example) -> bool {
    example.bound && example.sites.iter().any(is_true_site)
}

/// The true sites of an example, with the bits of the column at each position.
fn sites(motifs: &[(Motif, Vec<f64>)], example: &Example) -> Vec<InformativeSite> {
    let informative = |site: &Site| {
        let (_, bits) = motifs.iter().find(|(motif, _)| motif.id() == site.motif)?;
        let mut information = bits.clone();
        if site.strand == Strand::Reverse {
            information.reverse();
        }
        Some(InformativeSite { span: site.start..site.end, information })
    };
    example.sites.iter().filter(|site| is_true_site(site)).filter_map(informative).collect()
}

/// A scan with the planted matrices against the base frequencies of the training half.
fn scanner(motifs: &[(Motif, Vec<f64>)], set: &DataSet, p: f64) -> Result<Scanner> {
    let motifs: Vec<Motif> = motifs.iter().map(|(motif, _)| motif.clone()).collect();
    let mut counts = [1.0; 4];
    for code in set.train().iter().flat_map(|example| example.sequence.as_codes()) {
        if let Some(count) = counts.get_mut(usize::from(*code)) {
            *count += 1.0;
        }
    }
    let total: f64 = counts.iter().sum();
    let background = Background::new(counts.map(|count| count / total))?;
    let threshold = ScanThreshold::PValue(p);
    Ok(Scanner::new(&motifs, ScanOptions { threshold, background, ..ScanOptions::default() })?)
}

#[cfg(test)]
mod tests {
    use demo_core::Seed;
    use demo_data::simulate::{Placement, SimulationSize, simulated57_placed};

    use super::*;

    const SET: &str = "GATA1_K562_GATA-1_USC";

    fn references(placement: Placement) -> TruthOutcome {
        let size = SimulationSize { train: 1_000, test: 120 };
        let set = simulated57_placed(SET, size, placement, Seed::new(1)).unwrap();
        let grammar = TrueGrammar::of(SET, placement).unwrap();
        Truth::new(&set, &grammar, POSITIVES).unwrap().of_references().unwrap()
    }

    fn auroc(outcome: &TruthOutcome, map: &str) -> f64 {
        outcome.maps.iter().find(|figures| figures.map == map).unwrap().auroc.0
    }

    #[test]
    fn places_help_where_sites_lie_in_the_middle_and_knowledge_helps_more() {
        let centred = references(Placement::Centred);
        assert_eq!(centred.sequences, POSITIVES);
        let [prior, scan, oracle] = BESIDE.map(|map| auroc(&centred, map));
        assert!(0.65 < prior && prior < scan && scan < oracle && oracle < 1.0, "{prior} {scan} {oracle}");
        let uniform = references(Placement::Uniform);
        // What is left: sites that may start anywhere still cover the ends less than the middle.
        let left = auroc(&uniform, "prior");
        assert!(0.5 < left && left < prior - 0.1, "{left} {prior}");
        assert!((auroc(&uniform, "scan") - scan).abs() < 0.03);
    }

    #[test]
    fn truth_is_where_the_planted_motifs_lie() {
        let size = SimulationSize { train: 10, test: 60 };
        let set = simulated57_placed(SET, size, Placement::Centred, Seed::new(1)).unwrap();
        let grammar = TrueGrammar::of(SET, Placement::Centred).unwrap();
        let truth = Truth::new(&set, &grammar, POSITIVES).unwrap();
        let (bits, truth_motif) = (truth.motifs[0].1.clone(), grammar.motif().id);
        let with_sites = set.test().iter().filter(|example| has_sites(example));
        let mut masked = 0;
        for (example, truth) in with_sites.zip(&truth.truths) {
            for site in example.sites.iter().filter(|site| is_true_site(site)) {
                assert!(truth.site()[site.start..site.end].iter().all(|&inside| inside));
            }
            let site = example.sites.iter().rfind(|site| site.motif == truth_motif).unwrap();
            let first = if site.strand == Strand::Forward { site.start } else { site.end - 1 };
            assert_eq!(truth.weights()[first], bits[0] / 2.0);
            // An unrelated motif is nothing to be found.
            assert!(truth.site().iter().filter(|&&inside| inside).count() < 60);
            masked +=
                truth.weights().iter().zip(truth.site()).filter(|(w, site)| **w == 0.0 && !**site).count();
        }
        assert!(masked > 0);
    }
}
