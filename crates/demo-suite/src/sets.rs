//! The data sets of a run: the embedded simulated ones, or a folder of real ones.

use std::collections::BTreeMap;
use std::path::Path;

use demo_core::{DnaSequence, Seed};
use demo_data::fetch::set_folders;
use demo_data::simulate::{self, Placement, SimulationSize, TrueGrammar};
use demo_data::{DataSet, DeepBindFigures, Example, LoadOptions, SetEntry};
use demo_eval::ScoredLabels;

use crate::checksum::data_set_sha256;
use crate::config::{Profile, Settings};
use crate::files::path_component;
use crate::models::Method;
use crate::names::hint;
use crate::stages::evaluate::pair_numbers;
use crate::{Error, Result};

/// The sets that the smoke profile runs: a long motif, one with a partner, two strong short ones.
const SMOKE_SETS: [&str; 4] = [
    "CTCF_K562_CTCF_Broad",
    "NFYB_K562_NF-YB_Stanford",
    "REST_K562_NRSF_HudsonAlpha",
    "USF1_K562_USF-1_HudsonAlpha",
];

/// Bases that any network takes.
const MOST_LEAST: usize = 1_000;
/// The share of resamplings that may hold one class alone; of more than a twentieth there is no interval.
const MOST_ONE_CLASS: f64 = 1.0 / 30.0;

/// Test positives of a folder's set that has no test half of its own, as a fraction.
const TEST_FRACTION: f64 = 0.2;

/// A set of the run before its sequences are made or read.
#[derive(Debug, Clone)]
pub(crate) enum SetPlan {
    /// A simulated set, with the number of positives in each half and where its sites lie.
    Simulated(String, SimulationSize, Placement),
    /// A set of a folder.
    Files(SetEntry),
}

/// A set in memory.
#[derive(Debug, Clone)]
pub(crate) struct LoadedSet {
    /// The sequences.
    pub(crate) data: DataSet,
    /// SHA-256 of labels and bases in file order.
    pub(crate) sha256: String,
    /// What was planted, in a simulated set.
    pub(crate) grammar: Option<TrueGrammar>,
    /// The test half as a judge scores it that knows what was planted.
    pub(crate) ceiling: Option<Ceiling>,
    /// What was published of the real set of this name.
    pub(crate) published: Option<PublishedSet>,
}

/// The best that a method can do on a simulated test half, but by chance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ceiling {
    /// The oracle's log-odds, in file order.
    pub(crate) scores: Vec<f64>,
    pub(crate) auroc: f64,
}

impl Ceiling {
    fn new(grammar: &TrueGrammar, test: &[Example]) -> Result<Self> {
        let sequences: Vec<&DnaSequence> = test.iter().map(|example| &example.sequence).collect();
        let scores = grammar.oracle(&sequences);
        let labels: Vec<bool> = test.iter().map(|example| example.bound).collect();
        let auroc = ScoredLabels::new(&labels, &scores)?.auroc();
        Ok(Self { scores, auroc })
    }
}

/// Published test AUROC of the real set of a name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PublishedSet {
    /// `DeepBind` with its best settings, `DeepBind*` in its paper.
    pub(crate) deepbind_star: f64,
    /// MEME-ChIP's motifs, summed.
    pub(crate) meme_sum: f64,
}

/// The sets of a run, in the suite's order.
pub(crate) fn plan_sets(settings: &Settings) -> Result<Vec<SetPlan>> {
    let all: Vec<SetPlan> = match &settings.data {
        None => {
            let size = simulation_size(settings.profile);
            let names = simulate::set_names().into_iter();
            names.map(|name| SetPlan::Simulated(name.to_owned(), size, settings.placement)).collect()
        }
        Some(folder) => entries(folder, settings)?.into_iter().map(SetPlan::Files).collect(),
    };
    let asked = match (settings.sets.as_slice(), settings.profile, &settings.data) {
        ([], Profile::Smoke, None) => SMOKE_SETS.map(str::to_owned).to_vec(),
        ([], Profile::Smoke, Some(_)) => {
            all.iter().take(SMOKE_SETS.len()).map(|s| s.name().to_owned()).collect()
        }
        (asked, ..) => asked.to_vec(),
    };
    for name in &asked {
        if !all.iter().any(|set| set.name() == name) {
            let hint = hint(name, all.iter().map(SetPlan::name));
            return Err(Error::Unknown { what: "set", found: name.clone(), hint });
        }
    }
    let wanted = |set: &SetPlan| asked.is_empty() || asked.iter().any(|name| name == set.name());
    let plans: Vec<SetPlan> = all.into_iter().filter(wanted).collect();
    // Files of a set are named after it; two sets of one such name would write over each other.
    let mut named: BTreeMap<String, &str> = BTreeMap::new();
    for plan in &plans {
        if let Some(other) = named.insert(path_component(plan.name()), plan.name()) {
            return Err(Error::Setting {
                flag: "--data",
                found: format!("sets '{other}' and '{}'", plan.name()),
                wanted: "names that differ in letters, digits and ._-+(), after which files are named"
                    .to_owned(),
            });
        }
    }
    Ok(plans)
}

/// Whether every model of a run takes the sequences of a set, of this many bases.
///
/// # Errors
/// [`Error::Setting`] with the least length, where they are too short for a network.
pub(crate) fn check_length(settings: &Settings, set: &str, length: usize) -> Result<()> {
    for &model in &settings.models {
        let Method::Network(architecture) = model.method() else { continue };
        if let Err(error) = architecture.network(length) {
            let least = (length..MOST_LEAST).find(|&longer| architecture.network(longer).is_ok());
            let wanted = least.map_or_else(|| error.to_string(), |least| format!("at least {least} bases"));
            let found = format!("{model} on the set {set}, whose sequences have {length} bases");
            return Err(Error::Setting { flag: "--models", found, wanted });
        }
    }
    Ok(())
}

/// Whether a test half has enough of both classes, and groups, for intervals by resampling.
///
/// # Errors
/// [`Error::Setting`] where one resampling in thirty or more would hold one class alone.
fn check_test_half(set: &DataSet) -> Result<()> {
    let mut groups: BTreeMap<(u8, u64), [bool; 2]> = BTreeMap::new();
    for (example, number) in set.test().iter().zip(pair_numbers(set.test())) {
        groups.entry(number).or_default()[usize::from(example.bound)] = true;
    }
    let count = groups.len() as f64;
    let lacking = |class: usize| groups.values().filter(|has| !has[class]).count() as f64 / count;
    let each = [true, false].map(|class| set.test().iter().filter(|example| example.bound == class).count());
    let enough = groups.len() >= 2 && each.iter().all(|&examples| examples >= 2);
    if enough && lacking(0).powf(count) + lacking(1).powf(count) <= MOST_ONE_CLASS {
        return Ok(());
    }
    let (bound, all) = (each[0], set.test().len());
    let found = format!("the test half of {}: {bound} bound of {all} sequences", set.name());
    Err(Error::Setting { flag: "--data", found, wanted: "at least four of each class".to_owned() })
}

/// The data sets of a folder; for a profile of published sets, those sets, wherever below the folder
/// they lie together.
fn entries(folder: &Path, settings: &Settings) -> Result<Vec<SetEntry>> {
    let Some(published) = settings.profile.real_sets() else {
        return Ok(demo_data::read_folder(folder)?);
    };
    let wanted = |set: &SetEntry| published.contains(&set.name());
    let mut best: Vec<SetEntry> = Vec::new();
    for found in set_folders(folder)? {
        let sets: Vec<SetEntry> = found.sets.into_iter().filter(wanted).collect();
        if sets.len() > best.len() {
            best = sets;
        }
    }
    // Whoever names the sets to run needs no others.
    let asked = |name: &str| settings.sets.is_empty() || settings.sets.iter().any(|set| set == name);
    let here = |name: &str| best.iter().any(|set| set.name() == name);
    let missing: Vec<&str> = published.iter().copied().filter(|name| asked(name) && !here(name)).collect();
    if !missing.is_empty() {
        // A set of which a file is missing hides its folder from the search, and is what to tell of.
        demo_data::read_folder(folder).err().map_or(Ok(()), |error| match error {
            demo_data::Error::MissingHalf { .. } | demo_data::Error::DuplicateSet { .. } => Err(error),
            _ => Ok(()),
        })?;
        let shown = missing.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        return Err(Error::Setting {
            flag: "--data",
            found: format!(
                "{} ({} of {} sets; not {shown} ..)",
                folder.display(),
                best.len(),
                published.len()
            ),
            wanted: "all of them, as `cargo xtask fetch encode` brings them, or a choice by --sets"
                .to_owned(),
        });
    }
    Ok(best)
}

impl SetPlan {
    /// The set's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Simulated(name, ..) => name,
            Self::Files(entry) => entry.name(),
        }
    }

    /// Makes or reads the sequences; gives what a user should know beside them.
    pub(crate) fn load(&self, seed: Seed, published: &[DeepBindFigures]) -> Result<(LoadedSet, Vec<String>)> {
        let (data, warnings) = match self {
            Self::Simulated(name, size, placement) => {
                (simulate::simulated57_placed(name, *size, *placement, seed)?, Vec::new())
            }
            Self::Files(entry) => {
                let options = LoadOptions { seed, test_fraction: TEST_FRACTION };
                let loaded = entry.load(&options)?;
                (loaded.set, loaded.warnings.iter().map(ToString::to_string).collect())
            }
        };
        let grammar = match self {
            Self::Simulated(name, _, placement) => Some(TrueGrammar::of(name, *placement)?),
            Self::Files(_) => None,
        };
        let ceiling = grammar.as_ref().map(|grammar| Ceiling::new(grammar, data.test())).transpose()?;
        let published = published.iter().find(|row| row.set == data.name());
        let published =
            published.map(|row| PublishedSet { deepbind_star: row.deepbind_star, meme_sum: row.meme_sum });
        check_test_half(&data)?;
        let sha256 = data_set_sha256(&data);
        Ok((LoadedSet { data, sha256, grammar, ceiling, published }, warnings))
    }
}

/// A pair of a simulated test half, which a set must have; that half does not depend on its size.
const NO_TEST: usize = 1;

impl SetPlan {
    /// Makes or reads the training half alone.
    pub(crate) fn load_training(&self, seed: Seed) -> Result<Vec<Example>> {
        match self {
            Self::Simulated(name, size, placement) => {
                let size = SimulationSize { train: size.train, test: NO_TEST };
                Ok(simulate::simulated57_placed(name, size, *placement, seed)?.into_parts().train)
            }
            Self::Files(entry) => {
                Ok(entry.load_training(&LoadOptions { seed, test_fraction: TEST_FRACTION })?)
            }
        }
    }
}

fn simulation_size(profile: Profile) -> SimulationSize {
    match profile {
        Profile::Smoke => SimulationSize { train: 600, test: 200 },
        // The profiles of real sets simulate none.
        Profile::Standard | Profile::Encode57 | Profile::Encode108 => {
            SimulationSize { train: 2_000, test: 500 }
        }
        Profile::Full => SimulationSize { train: 10_000, test: 500 },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::RunConfig;
    use crate::models::ModelKind;

    /// A folder of sets of these names and lengths, with so many pairs in the training half and in the test half.
    fn folder_of(sets: &[(&str, usize)], [train, test]: [usize; 2]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, length) in sets {
            fs::create_dir(folder.path().join(name)).unwrap();
            for (half, pairs) in [("train.fa", train), ("test.fa", test)] {
                let line = |number: usize| {
                    let base = |place: usize| b"ACGT"[(place + number * (place % 7 + 1)) % 4] as char;
                    format!(">{}\n{}\n", number % 2, (0..*length).map(base).collect::<String>())
                };
                let text: String = (0..2 * pairs).map(line).collect();
                fs::write(folder.path().join(name).join(half), text).unwrap();
            }
        }
        folder
    }

    fn settings_of(folder: &Path, models: &[ModelKind]) -> Settings {
        let (data, models) = (Some(folder.to_owned()), Some(models.to_vec()));
        RunConfig { data, models, ..RunConfig::default() }.settings().unwrap()
    }

    #[test]
    fn sets_whose_files_would_have_one_name_are_refused() {
        let folder = folder_of(&[("JUND K562 a", 40), ("JUND_K562_a", 40)], [6, 6]);
        let error = plan_sets(&settings_of(folder.path(), &[ModelKind::Rnn])).unwrap_err().to_string();
        assert!(error.contains("'JUND K562 a' and 'JUND_K562_a'"), "{error}");
    }

    #[test]
    fn sequences_too_short_for_a_network_are_refused_with_the_least_length() {
        let settings = settings_of(Path::new("."), &[ModelKind::Rnn, ModelKind::Cnn]);
        let error = check_length(&settings, "MAX_K562_b", 20).unwrap_err().to_string();
        let wanted =
            "--models cnn on the set MAX_K562_b, whose sequences have 20 bases: wanted at least 28 bases";
        assert_eq!(error, wanted);
        assert!(check_length(&settings, "MAX_K562_b", 28).is_ok());
        assert!(check_length(&settings_of(Path::new("."), &[ModelKind::Rnn]), "MAX_K562_b", 20).is_ok());
    }

    #[test]
    fn a_test_half_too_small_for_intervals_is_refused_by_name() {
        for (pairs, good) in [(2, false), (6, true)] {
            let folder = folder_of(&[("MAX_K562_b", 40)], [6, pairs]);
            let plans = plan_sets(&settings_of(folder.path(), &[ModelKind::Rnn])).unwrap();
            let outcome = plans[0].load(Seed::new(1), &[]);
            assert_eq!(outcome.is_ok(), good);
            if let Err(error) = outcome {
                let error = error.to_string();
                assert!(error.contains("the test half of MAX_K562_b: 2 bound of 4 sequences"), "{error}");
            }
        }
    }

    #[test]
    fn a_peak_and_its_shuffle_alone_are_too_small_a_test_half() {
        // One group of both classes: there is nothing to resample.
        let folder = tempfile::tempdir().unwrap();
        let (peak, shuffle) = ("ACGTTGCATGCCATAGGCTA", "ACATAGGCATGCCGTTGCTA");
        let head = "FoldID\tEventID\tseq\tBound\n";
        let row = |fold: &str, kind: &str, bases: &str, bound: u8| {
            format!("{fold}\tseq_00001_{kind}\t{bases}\t{bound}\n")
        };
        let test = row("B", "peak", peak, 1) + &row("B", "shuf", shuffle, 0);
        fs::write(folder.path().join("MAX_K562_b_AC.seq"), head.to_owned() + &row("A", "peak", peak, 1))
            .unwrap();
        fs::write(folder.path().join("MAX_K562_b_B.seq"), head.to_owned() + &test).unwrap();
        let plans = plan_sets(&settings_of(folder.path(), &[ModelKind::Rnn])).unwrap();
        let error = plans[0].load(Seed::new(1), &[]).err().unwrap().to_string();
        assert!(error.contains("the test half of MAX_K562_b: 1 bound of 2 sequences"), "{error}");
    }

    #[test]
    fn a_missing_file_of_a_published_set_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<&str> = Profile::Encode57.real_sets().unwrap().into_iter().take(2).collect();
        for name in &names {
            fs::create_dir(folder.path().join(name)).unwrap();
            for half in ["train.fa", "test.fa"] {
                fs::write(folder.path().join(name).join(half), ">1\nACGT\n>0\nAACC\n").unwrap();
            }
        }
        let settings = |sets: &[&str]| {
            let sets = Some(sets.iter().map(|&name| name.to_owned()).collect());
            let data = Some(folder.path().to_owned());
            RunConfig { profile: Profile::Encode57, data, sets, ..RunConfig::default() }.settings().unwrap()
        };
        assert_eq!(entries(folder.path(), &settings(&names)).unwrap().len(), 2);
        fs::remove_file(folder.path().join(names[1]).join("test.fa")).unwrap();
        assert_eq!(entries(folder.path(), &settings(&names[..1])).unwrap().len(), 1);
        let error = entries(folder.path(), &settings(&names)).unwrap_err().to_string();
        assert!(error.contains(names[1]) && error.contains("test.fa"), "{error}");
    }
}
