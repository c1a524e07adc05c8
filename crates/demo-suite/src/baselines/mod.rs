//! Methods without networks, judged like the networks: two motif scans and gapped k-mers.
//!
//! | name | what it is |
//! |---|---|
//! | `scan-own` | the best hit of the factor's own JASPAR motif; of several, the one that tells the training half apart best |
//! | `scan-best` | the same with whichever of all JASPAR motifs tells the training half apart best |
//! | `gkm` | a logistic regression on gapped k-mers, see [`gkm`] |
//!
//! All read both strands, see the training half alone, and give log-odds, so that log loss and
//! calibration mean something for them too.

mod gkm;
mod lbfgs;
mod scan;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use demo_core::{DnaSequence, Motif};
use demo_data::Example;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use gkm::Gkm;
pub(crate) use gkm::GkmConfig;
use scan::Scan;

use crate::files::write_atomically;
use crate::{Error, Result};

/// The file of a fitted baseline in its job's folder.
const FILE: &str = "model.safetensors";
const KEY: &str = "baseline";

/// A method without a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// A scan with the factor's own motif.
    ScanOwn,
    /// A scan with the motif, of all there are, that is best on the training half.
    ScanBest,
    /// Gapped k-mers and a logistic regression.
    Gkm,
}

/// A baseline as it was fitted to a training half.
#[derive(Debug, Clone)]
pub(crate) enum Fitted {
    Scan(Scan),
    Gkm(Gkm),
}

/// What stands beside the numbers of a fitted baseline.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Header {
    Scan { motif: String, intercept: f64, slope: f64 },
    Gkm { length: usize, informative: usize, penalty: f64, intercept: f64 },
}

/// Fits a baseline to examples; `validation` are places of `examples` that choose a penalty.
pub(crate) fn fit(
    baseline: Baseline,
    motifs: &[&Motif],
    examples: &[Example],
    training: &[usize],
    validation: &[usize],
    config: &GkmConfig,
) -> Result<Fitted> {
    let of = |places: &[usize]| places.iter().map(|&place| &examples[place]).collect::<Vec<_>>();
    Ok(match baseline {
        Baseline::ScanOwn | Baseline::ScanBest => {
            // Nothing is chosen that would need examples apart, so the scans see all.
            let seen = [of(training), of(validation)].concat();
            Fitted::Scan(Scan::fit(motifs, &seen)?)
        }
        Baseline::Gkm => Fitted::Gkm(Gkm::fit(&of(training), &of(validation), config)?),
    })
}

impl Fitted {
    /// Log-odds of each sequence.
    pub(crate) fn log_odds(&self, sequences: &[DnaSequence]) -> Vec<f32> {
        let of = |sequence: &DnaSequence| match self {
            Self::Scan(scan) => scan.log_odds(sequence),
            Self::Gkm(gkm) => gkm.log_odds(sequence),
        };
        sequences.iter().map(|sequence| of(sequence) as f32).collect()
    }

    /// Writes the model; gives the SHA-256 of the file.
    pub(crate) fn save(&self, folder: &Path) -> Result<String> {
        let (header, name, shape, values): (_, _, Vec<usize>, Vec<f64>) = match self {
            Self::Scan(scan) => {
                let (motif, intercept, slope) = (scan.motif.clone(), scan.intercept, scan.slope);
                let values: Vec<f64> = scan.rows().iter().flatten().copied().collect();
                (Header::Scan { motif, intercept, slope }, "log_odds", vec![values.len() / 4, 4], values)
            }
            Self::Gkm(gkm) => {
                let (length, informative) = (gkm.words.length, gkm.words.informative);
                let (penalty, intercept) = (gkm.penalty, gkm.intercept);
                let values = gkm.table.clone();
                (Header::Gkm { length, informative, penalty, intercept }, "words", vec![values.len()], values)
            }
        };
        let path = folder.join(FILE);
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let unwritable =
            |reason: String| Error::Io { path: path.clone(), source: std::io::Error::other(reason) };
        let view =
            TensorView::new(Dtype::F64, shape, &bytes).map_err(|error| unwritable(error.to_string()))?;
        let header = serde_json::to_string(&header).map_err(|error| unwritable(error.to_string()))?;
        // One key alone, for several would be written in any order.
        let metadata = Some(HashMap::from([(KEY.to_owned(), header)]));
        let file = safetensors::serialize([(name, view)], metadata)
            .map_err(|error| unwritable(error.to_string()))?;
        write_atomically(&path, &file)?;
        Ok(demo_data::sha256(&file))
    }

    /// Reads a model that [`Fitted::save`] wrote, if its file has this SHA-256.
    pub(crate) fn load(folder: &Path, sha256: &str) -> Result<Self> {
        let path = folder.join(FILE);
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let found = demo_data::sha256(&bytes);
        if found != sha256 {
            return Err(Error::Journal {
                path,
                found: format!("found a model of another training (sha256 {found})"),
                wanted: format!("that of this run (sha256 {sha256})"),
            });
        }
        Self::parse(&bytes).ok_or_else(|| Error::Journal {
            path: PathBuf::from(&path),
            found: "found no baseline".to_owned(),
            wanted: "a fitted one".to_owned(),
        })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
        let header: Header = serde_json::from_str(metadata.metadata().as_ref()?.get(KEY)?).ok()?;
        let tensors = SafeTensors::deserialize(bytes).ok()?;
        let values = |name: &str| -> Option<Vec<f64>> {
            let chunks = tensors.tensor(name).ok()?.data().as_chunks::<8>().0;
            Some(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect())
        };
        Some(match header {
            Header::Scan { motif, intercept, slope } => {
                let values = values("log_odds")?;
                Self::Scan(Scan::new(motif, values.as_chunks::<4>().0, intercept, slope))
            }
            Header::Gkm { length, informative, penalty, intercept } => {
                Self::Gkm(Gkm::new(length, informative, values("words")?, intercept, penalty))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use demo_core::{ProbabilityMatrix, Seed};
    use rand::Rng;

    use super::*;

    /// Positives hold TGACTCA on either strand at any place, negatives do not.
    pub(super) fn examples(count: usize, seed: u64) -> Vec<Example> {
        let mut random = Seed::new(seed).stream("baseline");
        (0..count)
            .map(|index| {
                let mut codes: Vec<u8> = (0..50).map(|_| random.random_range(0..4)).collect();
                let bound = index % 2 == 0;
                if bound {
                    let mut site: DnaSequence = "TGACTCA".parse().unwrap();
                    if random.random_bool(0.5) {
                        site = site.to_reverse_complement();
                    }
                    let at = random.random_range(0..43);
                    codes[at..at + 7].copy_from_slice(site.as_codes());
                }
                Example::new(DnaSequence::from_codes(codes).unwrap(), bound)
            })
            .collect()
    }

    fn motif(id: &str, consensus: &str) -> Motif {
        let row = |letter: char| {
            std::array::from_fn(|base| if "ACGT".as_bytes()[base] as char == letter { 0.91 } else { 0.03 })
        };
        Motif::new(id, ProbabilityMatrix::new(consensus.chars().map(row).collect()).unwrap())
            .with_site_count(100.0)
    }

    fn auroc(fitted: &Fitted, test: &[Example]) -> f64 {
        let sequences: Vec<DnaSequence> = test.iter().map(|e| e.sequence.clone()).collect();
        let scores: Vec<f64> = fitted.log_odds(&sequences).into_iter().map(f64::from).collect();
        let labels: Vec<bool> = test.iter().map(|e| e.bound).collect();
        demo_eval::ScoredLabels::new(&labels, &scores).unwrap().auroc()
    }

    #[test]
    fn every_baseline_finds_a_planted_motif_and_returns_from_disk() {
        let (train, test) = (examples(400, 1), examples(200, 2));
        let (right, wrong) = (motif("right", "TGACTCA"), motif("wrong", "CCGGAAGT"));
        let (training, validation): (Vec<usize>, Vec<usize>) = (0..400).partition(|place| place % 10 < 8);
        let config = GkmConfig { length: 6, informative: 5, ..GkmConfig::default() };
        for (baseline, motifs) in [
            (Baseline::ScanOwn, vec![&right]),
            (Baseline::ScanBest, vec![&wrong, &right]),
            (Baseline::Gkm, vec![]),
        ] {
            let fitted = fit(baseline, &motifs, &train, &training, &validation, &config).unwrap();
            assert!(auroc(&fitted, &test) > 0.95, "{baseline:?}: {}", auroc(&fitted, &test));
            let folder = tempfile::tempdir().unwrap();
            let sha256 = fitted.save(folder.path()).unwrap();
            assert_eq!(fitted.save(folder.path()).unwrap(), sha256);
            let again = Fitted::load(folder.path(), &sha256).unwrap();
            let sequences: Vec<DnaSequence> = test.iter().map(|e| e.sequence.clone()).collect();
            assert_eq!(again.log_odds(&sequences), fitted.log_odds(&sequences));
            let turned: Vec<DnaSequence> = sequences.iter().map(DnaSequence::to_reverse_complement).collect();
            for (a, b) in fitted.log_odds(&turned).iter().zip(fitted.log_odds(&sequences)) {
                assert!((a - b).abs() < 1e-4, "the strand changes {b} to {a}");
            }
            let other = Fitted::load(folder.path(), "0").unwrap_err().to_string();
            assert!(other.contains("another training"), "{other}");
        }
        let chosen = fit(Baseline::ScanBest, &[&wrong, &right], &train, &training, &validation, &config);
        assert!(matches!(chosen.unwrap(), Fitted::Scan(scan) if scan.motif == "right"));
    }
}
