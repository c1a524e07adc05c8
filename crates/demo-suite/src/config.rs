//! What a user chooses: profile, sets, models, protocols, folds, seed; checked before any work.

use std::collections::BTreeMap;
use std::path::PathBuf;

use demo_data::embedded;
use demo_data::fetch::Collection;
use demo_data::simulate::Placement;
use demo_models::{Balance, DeviceChoice};
use serde::{Deserialize, Serialize};

use crate::models::ModelKind;
use crate::search::Regime;
use crate::search::regime;
use crate::stages::class_alternatives::ClassAlternative;
use crate::{Error, Result};

/// How much of the comparison is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// A few small sets through every stage, to see that all works.
    Smoke,
    /// All sets, every model once.
    Standard,
    /// All sets at full size, both protocols, five folds.
    Full,
    /// The 57 real K562 sets whose factor has a JASPAR 2016 motif, every model once.
    Encode57,
    /// The 108 real K562 sets of the published comparison, every model once.
    Encode108,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 5] = [Self::Smoke, Self::Standard, Self::Full, Self::Encode57, Self::Encode108];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Standard => "standard",
            Self::Full => "full",
            Self::Encode57 => "encode57",
            Self::Encode108 => "encode108",
        }
    }

    /// The real sets that the profile is about; `None` where it takes whatever sets there are.
    pub fn real_sets(self) -> Option<Vec<&'static str>> {
        match self {
            Self::Smoke | Self::Standard | Self::Full => None,
            Self::Encode57 => Some(embedded::panel57().iter().map(|row| row.set.as_str()).collect()),
            Self::Encode108 => {
                let rows = embedded::deepbind_figures().iter();
                Some(rows.filter(|row| row.cell == "K562").map(|row| row.set.as_str()).collect())
            }
        }
    }
}

/// How networks are trained and which of their epochs is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Validation split, early stopping on it, test half touched once.
    Honest,
    /// The authors' regime, faults included.
    AsPublished,
}

impl Protocol {
    /// Both protocols.
    pub const ALL: [Self; 2] = [Self::Honest, Self::AsPublished];

    /// The name on the command line and in every table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::AsPublished => "as-published",
        }
    }
}

/// Reads a value by its name, or tells the names that are near, and prints it.
macro_rules! parse_by_name {
    ($type:ty, $what:literal) => {
        impl std::str::FromStr for $type {
            type Err = $crate::Error;

            fn from_str(text: &str) -> $crate::Result<Self> {
                Self::ALL.into_iter().find(|value| value.name() == text).ok_or_else(|| {
                    $crate::Error::Unknown {
                        what: $what,
                        found: text.to_owned(),
                        hint: $crate::names::hint(text, Self::ALL.iter().map(|value| value.name())),
                    }
                })
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use parse_by_name;

parse_by_name!(Profile, "profile");
parse_by_name!(Protocol, "protocol");

/// A run as a user asks for it; `None` leaves the choice to the profile.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// How much is run.
    pub profile: Profile,
    /// A folder of data sets; `None` takes the embedded simulated sets.
    pub data: Option<PathBuf>,
    /// Where simulated sets have their sites.
    pub placement: Placement,
    /// Names of the sets to run.
    pub sets: Option<Vec<String>>,
    /// Models to train.
    pub models: Option<Vec<ModelKind>>,
    /// Protocols to train under.
    pub protocols: Option<Vec<Protocol>>,
    /// Folds of the training half; 1 trains once on a single split.
    pub folds: Option<usize>,
    /// The most training steps of a network, for a quick look; `None` leaves it to the protocol.
    pub max_steps: Option<u64>,
    /// How the honest protocol balances the classes of a network's training sequences.
    pub balance: Balance,
    /// Steps over which the honest protocol's learning rate rises from 0; `None` leaves it to the protocol.
    pub warm_up: Option<u64>,
    /// Decay a step of the moving average of the weights under the honest protocol, 0 for no average;
    /// `None` leaves it to the protocol.
    pub averaging: Option<f64>,
    /// A file of regimes, as a search writes it, for the honest protocol; models that it does not name keep
    /// their own.
    pub regime: Option<PathBuf>,
    /// Ways of class optimisation to run beside the published one.
    pub class_optimisation: Vec<ClassAlternative>,
    /// Seed of everything random.
    pub seed: u64,
    /// Networks of each set, model, protocol and fold, trained from as many seeds drawn from `seed`.
    pub seeds: usize,
    /// Numbers of training sequences for learning curves; none for no curves.
    pub train_sizes: Vec<usize>,
    /// Threads; `None` takes one a core.
    pub threads: Option<usize>,
    /// Where to compute.
    pub device: DeviceChoice,
    /// The most networks that are trained together; `None` takes one on the CPU and, on a CUDA device, as
    /// many as it has room for.
    pub bank: Option<usize>,
    /// Output folder; `None` takes `runs/<profile>`.
    pub out: Option<PathBuf>,
    /// Whether to remove an earlier run of this folder first.
    pub fresh: bool,
    /// The command as it was typed, for the manifest.
    pub command: String,
    /// The revision of the source, where it is known, for the manifest.
    pub revision: Option<String>,
}

/// A run's choices with every default filled in: what decides its outcome, and nothing else.
///
/// A run can be continued with other sets, models, protocols, ways of class optimisation, seeds and training
/// sizes, which only say how much of it there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How much is run.
    pub profile: Profile,
    /// The folder of data sets, as an absolute path; `None` for the embedded simulated sets.
    pub data: Option<PathBuf>,
    /// Where simulated sets have their sites.
    #[serde(default)]
    pub placement: Placement,
    /// Names asked for, in the order of the suite; empty for all that the profile runs.
    pub sets: Vec<String>,
    /// Models, in the published order.
    pub models: Vec<ModelKind>,
    /// Protocols.
    pub protocols: Vec<Protocol>,
    /// Folds of the training half.
    pub folds: usize,
    /// The most training steps of a network; `None` leaves it to the protocol.
    pub max_steps: Option<u64>,
    /// How the honest protocol balances the classes of a network's training sequences.
    #[serde(default)]
    pub balance: Balance,
    /// Steps over which the honest protocol's learning rate rises; `None` for the protocol's.
    #[serde(default)]
    pub warm_up: Option<u64>,
    /// Decay a step of the moving average of the weights, 0 for no average; `None` for the protocol's.
    #[serde(default)]
    pub averaging: Option<f64>,
    /// Regimes in place of the models' own.
    #[serde(default)]
    pub regimes: BTreeMap<ModelKind, Regime>,
    /// Ways of class optimisation beside the published one.
    #[serde(default)]
    pub class_optimisation: Vec<ClassAlternative>,
    /// Seed of everything random.
    pub seed: u64,
    /// Networks of each set, model, protocol and fold.
    #[serde(default = "one")]
    pub seeds: usize,
    /// Numbers of training sequences for learning curves, ascending.
    #[serde(default)]
    pub train_sizes: Vec<usize>,
}

/// The seeds of a run that knew of no more.
fn one() -> usize {
    1
}

impl Default for RunConfig {
    /// The standard profile on the embedded simulated sets, all else left open, from seed 1.
    fn default() -> Self {
        Self {
            profile: Profile::Standard,
            data: None,
            placement: Placement::Centred,
            sets: None,
            models: None,
            protocols: None,
            folds: None,
            max_steps: None,
            balance: Balance::None,
            warm_up: None,
            averaging: None,
            regime: None,
            class_optimisation: Vec::new(),
            seed: 1,
            seeds: 1,
            train_sizes: Vec::new(),
            threads: None,
            device: DeviceChoice::Auto,
            bank: None,
            out: None,
            fresh: false,
            command: String::new(),
            revision: None,
        }
    }
}

impl RunConfig {
    /// Fills in the profile's defaults and checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Setting`] for zero folds, seeds or threads, learning curves in folds, an empty list, or a data folder that is not there.
    pub fn settings(&self) -> Result<Settings> {
        let full = self.profile == Profile::Full;
        let protocols = if full { Protocol::ALL.to_vec() } else { vec![Protocol::Honest] };
        let folds = self.folds.unwrap_or(if full { 5 } else { 1 });
        self.check_numbers(folds)?;
        let mut train_sizes = self.train_sizes.clone();
        train_sizes.sort_unstable();
        train_sizes.dedup();
        let data = match (&self.data, self.profile.real_sets()) {
            (None, None) => None,
            (Some(path), _) => Some(path.canonicalize().map_err(Error::io(path))?),
            (None, Some(_)) => Some(fetched_sets(self.profile)?),
        };
        if data.is_some() && self.placement != Placement::default() {
            let wanted = "simulated sets: the sites of real ones lie where they lie";
            return Err(setting("--placement", &self.placement.name(), wanted));
        }
        let mut models = self.models.clone().unwrap_or_else(|| ModelKind::NETWORKS.to_vec());
        let mut protocols = self.protocols.clone().unwrap_or(protocols);
        models.sort_unstable();
        models.dedup();
        protocols.sort_unstable();
        protocols.dedup();
        if models.is_empty() {
            return Err(setting("--models", &"(none)", "at least one of those that --help lists"));
        }
        if protocols.is_empty() {
            return Err(setting("--protocol", &"(none)", "honest, as-published or both"));
        }
        if !protocols.contains(&Protocol::Honest)
            && let Some(baseline) = models.iter().find(|model| !model.is_network())
        {
            let wanted = "--protocol honest or both: a baseline has no published training";
            return Err(setting("--models", baseline, wanted));
        }
        self.check_training(&protocols, &models)?;
        let regimes = self.regimes(&models)?;
        let sets = self.sets.clone().unwrap_or_default();
        let mut class_optimisation = self.class_optimisation.clone();
        class_optimisation.sort_unstable();
        class_optimisation.dedup();
        Ok(Settings {
            profile: self.profile,
            data,
            placement: self.placement,
            sets,
            models,
            protocols,
            folds,
            max_steps: self.max_steps,
            balance: self.balance,
            warm_up: self.warm_up,
            averaging: self.averaging,
            regimes,
            class_optimisation,
            seed: self.seed,
            seeds: self.seeds,
            train_sizes,
        })
    }

    /// Checks what is counted.
    fn check_numbers(&self, folds: usize) -> Result<()> {
        if !(1..=100).contains(&folds) {
            return Err(setting("--folds", &folds, "1 (a single split) to 100"));
        }
        if !(1..=1_000).contains(&self.seeds) {
            return Err(setting("--seeds", &self.seeds, "1 to 1000"));
        }
        if folds > 1 && !self.train_sizes.is_empty() {
            let wanted = "--folds 1: the sizes are parts of the whole training half";
            return Err(setting("--train-sizes", &format!("with {folds} folds"), wanted));
        }
        let zeros = [
            ("--train-sizes", self.train_sizes.contains(&0)),
            ("--threads", self.threads == Some(0)),
            ("--bank", self.bank == Some(0)),
            ("--max-steps", self.max_steps == Some(0)),
        ];
        match zeros.into_iter().find(|(_, zero)| *zero) {
            Some((flag, _)) => Err(setting(flag, &0, "at least 1")),
            None => Ok(()),
        }
    }

    /// Checks what alters training, and refuses it where it would change nothing: the published training
    /// stays as it was published, and a baseline has no such training.
    fn check_training(&self, protocols: &[Protocol], models: &[ModelKind]) -> Result<()> {
        if let Some(decay) = self.averaging
            && !(0.0..1.0).contains(&decay)
        {
            return Err(setting("--averaging", &decay, "a decay of at least 0 (no average), below 1"));
        }
        let balance = (!self.balance.is_none()).then(|| self.balance.to_string());
        let warm_up = self.warm_up.map(|steps| steps.to_string());
        let averaging = self.averaging.map(|decay| decay.to_string());
        let regime = self.regime.as_ref().map(|path| path.display().to_string());
        let flags = ["--balance", "--warm-up", "--averaging", "--regime"];
        for (flag, found) in flags.into_iter().zip([balance, warm_up, averaging, regime]) {
            let Some(found) = found else { continue };
            if !protocols.contains(&Protocol::Honest) {
                let wanted = "--protocol honest or both: the published training stays as it was published";
                return Err(setting(flag, &found, wanted));
            }
            if !models.iter().any(|model| model.is_network()) {
                return Err(setting(flag, &found, "a network among --models: baselines train without it"));
            }
        }
        let of_networks = [
            ("--max-steps", self.max_steps.map(|steps| steps.to_string())),
            ("--bank", self.bank.map(|members| members.to_string())),
            ("--seeds", (self.seeds > 1).then(|| self.seeds.to_string())),
            ("--class-optimisation", self.class_optimisation.first().map(|way| way.name().to_owned())),
        ];
        for (flag, found) in of_networks {
            if let Some(found) = found.filter(|_| !models.iter().any(|model| model.is_network())) {
                return Err(setting(flag, &found, "a network among --models: baselines have none of it"));
            }
        }
        Ok(())
    }

    /// The regimes of the file that are of these models.
    fn regimes(&self, models: &[ModelKind]) -> Result<BTreeMap<ModelKind, Regime>> {
        let Some(path) = &self.regime else { return Ok(BTreeMap::new()) };
        regime::read_of(path, models, "--regime")
    }

    /// The output folder.
    pub fn out(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(self.profile.name()))
    }

    /// Number of threads.
    pub fn thread_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(cores)
    }
}

/// The folder that `cargo xtask fetch encode` leaves.
fn fetched_sets(profile: Profile) -> Result<PathBuf> {
    let folder = Collection::Encode.folder();
    folder.canonicalize().map_err(|_| {
        let found = format!("(none), and no {}", folder.display());
        let wanted = format!("the real sets of {profile}: fetch them by `cargo xtask fetch encode`");
        setting("--data", &found, &wanted)
    })
}

fn setting(flag: &'static str, found: &dyn ToString, wanted: &str) -> Error {
    Error::Setting { flag, found: found.to_string(), wanted: wanted.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_fill_in_what_is_left_open() {
        let standard = RunConfig::default().settings().unwrap();
        assert_eq!((standard.folds, standard.protocols), (1, vec![Protocol::Honest]));
        let full = RunConfig { profile: Profile::Full, ..RunConfig::default() }.settings().unwrap();
        assert_eq!((full.folds, full.protocols.len()), (5, 2));
        assert_eq!(RunConfig::default().out(), PathBuf::from("runs/standard"));
    }

    #[test]
    fn the_published_profiles_name_their_sets_and_ask_for_them() {
        let count = |profile: Profile| profile.real_sets().map(|sets| sets.len());
        assert_eq!(Profile::ALL.map(count), [None, None, None, Some(57), Some(108)]);
        let all = Profile::Encode108.real_sets().unwrap();
        assert!(Profile::Encode57.real_sets().unwrap().iter().all(|set| all.contains(set)));
        let encode = RunConfig { profile: Profile::Encode57, ..RunConfig::default() };
        let error = encode.settings().unwrap_err().to_string();
        assert!(error.contains("cargo xtask fetch encode"), "{error}");
    }

    #[test]
    fn lists_are_put_in_order_and_names_are_checked() {
        let models = Some(vec![ModelKind::CnnRnn, ModelKind::Cnn, ModelKind::Cnn]);
        let settings = RunConfig { models, ..RunConfig::default() }.settings().unwrap();
        assert_eq!(settings.models, [ModelKind::Cnn, ModelKind::CnnRnn]);
        let error = "cnrnn".parse::<ModelKind>().unwrap_err().to_string();
        assert!(error.contains("unknown model 'cnrnn'") && error.contains("cnn-rnn"), "{error}");
        let published = Some(vec![Protocol::AsPublished]);
        let baseline =
            RunConfig { models: Some(vec![ModelKind::Gkm]), protocols: published, ..RunConfig::default() };
        assert!(baseline.settings().unwrap_err().to_string().contains("--models gkm"));
        assert_eq!(RunConfig::default().settings().unwrap().models, ModelKind::NETWORKS);
        let uniform = RunConfig { placement: Placement::Uniform, ..RunConfig::default() };
        assert_eq!(uniform.settings().unwrap().placement, Placement::Uniform);
        let real = RunConfig { data: Some(PathBuf::from(".")), ..uniform };
        assert!(real.settings().unwrap_err().to_string().contains("--placement uniform"));
        assert!(RunConfig { folds: Some(0), ..RunConfig::default() }.settings().is_err());
        let curves = RunConfig { train_sizes: vec![500, 20, 500], ..RunConfig::default() };
        assert_eq!(curves.settings().unwrap().train_sizes, [20, 500]);
        let folds = RunConfig { folds: Some(2), ..curves.clone() };
        assert!(folds.settings().unwrap_err().to_string().contains("--train-sizes with 2 folds"));
        assert!(RunConfig { train_sizes: vec![0], ..curves }.settings().is_err());
        assert!(
            RunConfig { seeds: 0, ..RunConfig::default() }
                .settings()
                .unwrap_err()
                .to_string()
                .contains("--seeds 0")
        );
        assert!(RunConfig { threads: Some(0), ..RunConfig::default() }.settings().is_err());
        assert!(RunConfig { bank: Some(0), ..RunConfig::default() }.settings().is_err());
    }

    #[test]
    fn what_alters_training_is_kept_and_refused_where_it_would_change_nothing() {
        let weights = RunConfig { balance: Balance::InverseFrequency, ..RunConfig::default() };
        assert_eq!(weights.settings().unwrap().balance, Balance::InverseFrequency);
        let (warm_up, averaging) = (Some(0), Some(0.9));
        let settings = RunConfig { warm_up, averaging, ..RunConfig::default() }.settings().unwrap();
        assert_eq!((settings.warm_up, settings.averaging), (warm_up, averaging));
        let altered = [
            (weights, "--balance weights"),
            (RunConfig { warm_up: Some(50), ..RunConfig::default() }, "--warm-up 50"),
            (RunConfig { averaging: Some(0.0), ..RunConfig::default() }, "--averaging 0"),
        ];
        for (config, flag) in altered {
            let published = Some(vec![Protocol::AsPublished]);
            let useless = [
                (RunConfig { protocols: published, ..config.clone() }, "--protocol honest or both"),
                (RunConfig { models: Some(vec![ModelKind::Gkm]), ..config }, "a network among --models"),
            ];
            for (config, wanted) in useless {
                let error = config.settings().unwrap_err().to_string();
                assert!(error.contains(flag) && error.contains(wanted), "{error}");
            }
        }
        let useless = [
            (RunConfig { max_steps: Some(5), ..RunConfig::default() }, "--max-steps 5"),
            (RunConfig { bank: Some(2), ..RunConfig::default() }, "--bank 2"),
            (RunConfig { seeds: 3, ..RunConfig::default() }, "--seeds 3"),
            (
                RunConfig { class_optimisation: vec![ClassAlternative::ALL[0]], ..RunConfig::default() },
                "--class-optimisation",
            ),
        ];
        for (config, flag) in useless {
            config.settings().unwrap();
            let models = Some(vec![ModelKind::Gkm, ModelKind::ScanOwn]);
            let error = RunConfig { models, ..config }.settings().unwrap_err().to_string();
            assert!(error.contains(flag) && error.contains("a network among --models"), "{error}");
        }
        for decay in [1.0, -0.1, f64::NAN] {
            let error = RunConfig { averaging: Some(decay), ..RunConfig::default() }
                .settings()
                .unwrap_err()
                .to_string();
            assert!(error.contains("--averaging") && error.contains("below 1"), "{error}");
        }
    }
}
