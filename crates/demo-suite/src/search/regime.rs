//! What a search varies of a regime, where it is drawn from, and the file that keeps it.

use std::collections::BTreeMap;
use std::path::Path;

use demo_core::Seed;
use demo_models::{Architecture, Interval, LstmStart, Schedule, Strands, TrainingConfig};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::files::write_atomically;
use crate::models::ModelKind;
use crate::ranks::{HeldOut, RankUse, is_default};
use crate::{Error, Result};

const FORMAT: &str = "demo-regime-2";
/// A learning rate is drawn between these multiples of the honest one, evenly in its logarithm.
const RATES: (f64, f64) = (0.1, 4.0);
/// A weight decay is drawn between these, evenly in its logarithm, or is 0 one time in three.
const DECAYS: (f64, f64) = (1e-5, 1e-1);
const DROPOUTS: [f64; 7] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
const WARM_UPS: [u64; 5] = [0, 30, 100, 300, 1_000];
const AVERAGINGS: [f64; 5] = [0.0, 0.9, 0.97, 0.99, 0.997];
/// The most that ranks may weigh: a ratio of 3,000.
const MOST: f64 = 8.0;
/// What is usually best is drawn three times in four.
const USUAL: [bool; 4] = [true, true, true, false];
/// A cosine takes this part of the honest regime's limit of steps, 30 of its 80 epochs.
const COSINE_PART: (u64, u64) = (3, 8);
/// Where a cosine ends, as a fraction of the rate, like the honest regime's own descent.
const LAST: f64 = 0.01;

/// How the learning rate falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fall {
    /// Held until the validation loss has stopped falling, then half a cosine down.
    Held,
    /// Half a cosine over 30 epochs (or 3/8 of the limit of steps), whatever the validation loss does.
    Cosine,
}

impl Fall {
    /// The name in tables and files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Cosine => "cosine",
        }
    }
}

/// What a search varies of the honest regime of a model; the rest stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regime {
    /// The learning rate that the schedule scales.
    pub learning_rate: f64,
    /// Decay a step of the weights, times the learning rate.
    pub weight_decay: f64,
    /// Share of activations that dropout zeroes.
    pub dropout: f64,
    /// Steps over which the learning rate rises.
    pub warm_up: u64,
    /// Decay a step of the moving average of the weights; 0 for no average.
    pub averaging: f64,
    /// How the learning rate falls.
    pub schedule: Fall,
    /// Whether each visit in training shows a random strand.
    pub reverse_complement: bool,
    /// Which strands validation and prediction read.
    pub strands: Strands,
    /// Sequences of a step; the model's own where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Evaluations without a lower validation loss after which the rate falls; the model's own where none is
    /// named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// Length of the fall, as a fraction of the steps before it, where the rate is held; the model's own where
    /// none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descent: Option<f64>,
    /// Steps between evaluations; half an epoch, and at least 100, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate_every: Option<u64>,
    /// How an LSTM's weights start.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lstm_start: LstmStart,
    /// How much more the strongest peak weighs than the weakest, as a power of e; 0 for not at all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rank_weight: f64,
    /// Which sequences validate.
    #[serde(default, skip_serializing_if = "is_default")]
    pub validation: HeldOut,
}

impl Regime {
    /// The honest regime's own numbers.
    pub(crate) fn of(architecture: &Architecture, training: &TrainingConfig) -> Self {
        let dropout = match architecture {
            Architecture::Cnn(config) => config.dropout,
            Architecture::Rnn(config) => config.dropout,
            Architecture::CnnRnn(config) => config.dropout,
            Architecture::Attention(config) => config.dropout,
        };
        let (schedule, warm_up) = match training.schedule {
            Schedule::HoldThenDecay { warm_up_steps, .. } => (Fall::Held, warm_up_steps),
            Schedule::Cosine { warm_up_steps, .. } => (Fall::Cosine, warm_up_steps),
            _ => (Fall::Held, 0),
        };
        Self {
            learning_rate: training.learning_rate,
            weight_decay: training.adam.weight_decay,
            // Through its decimal digits, so that .3 is .3 in the file.
            dropout: dropout.to_string().parse().unwrap_or(f64::from(dropout)),
            warm_up,
            averaging: training.averaging.unwrap_or(0.0),
            schedule,
            reverse_complement: training.reverse_complement,
            strands: training.strands,
            batch: Some(training.batch),
            patience: training.patience,
            descent: match training.schedule {
                Schedule::HoldThenDecay { decay, .. } => Some(decay),
                _ => None,
            },
            evaluate_every: None,
            lstm_start: training.lstm_start,
            rank_weight: 0.0,
            validation: HeldOut::Any,
        }
    }

    /// What it makes of ranks.
    pub(crate) fn ranks(&self) -> RankUse {
        RankUse { weight: self.rank_weight, validation: self.validation }
    }

    /// The regime of a trial; that of number 0 is the honest one, which is thus always among those compared.
    pub(crate) fn draw(honest: Self, trial: usize, seed: Seed) -> Self {
        if trial == 0 {
            return honest;
        }
        let mut stream = seed.child("regime").stream(&trial.to_string());
        let between = |(low, high): (f64, f64), at: f64| round((low.ln() + at * (high / low).ln()).exp());
        let learning_rate = round(honest.learning_rate * between(RATES, stream.random()));
        let weight_decay =
            if stream.random_range(0..3) == 0 { 0.0 } else { between(DECAYS, stream.random()) };
        let mut drawn = Self {
            learning_rate,
            weight_decay,
            dropout: DROPOUTS[stream.random_range(0..DROPOUTS.len())],
            warm_up: WARM_UPS[stream.random_range(0..WARM_UPS.len())],
            averaging: AVERAGINGS[stream.random_range(0..AVERAGINGS.len())],
            schedule: if USUAL[stream.random_range(0..4)] { Fall::Held } else { Fall::Cosine },
            reverse_complement: USUAL[stream.random_range(0..4)],
            strands: if USUAL[stream.random_range(0..4)] { Strands::Both } else { Strands::Forward },
            ..honest
        };
        if drawn.schedule == Fall::Cosine {
            // It waits for nothing.
            (drawn.patience, drawn.descent) = (None, None);
        }
        drawn
    }

    /// Puts the numbers in place of a network's own, but for the batch, from which the honest regime is made.
    pub(crate) fn apply(&self, architecture: &mut Architecture, training: &mut TrainingConfig) {
        let dropout = self.dropout as f32;
        match architecture {
            Architecture::Cnn(config) => config.dropout = dropout,
            Architecture::Rnn(config) => config.dropout = dropout,
            Architecture::CnnRnn(config) => config.dropout = dropout,
            Architecture::Attention(config) => config.dropout = dropout,
        }
        training.learning_rate = self.learning_rate;
        training.adam.weight_decay = self.weight_decay;
        training.patience = self.patience.or(training.patience);
        if let Some(steps) = self.evaluate_every {
            training.evaluate_every = Interval::Steps(steps);
        }
        if let (Schedule::HoldThenDecay { decay, .. }, Some(descent)) = (&mut training.schedule, self.descent)
        {
            *decay = descent;
        }
        if self.schedule == Fall::Cosine {
            training.schedule = Schedule::Cosine { warm_up_steps: 0, last: LAST };
            training.max_steps =
                training.max_steps.map(|steps| (steps * COSINE_PART.0).div_ceil(COSINE_PART.1));
            // It ends where it was going to.
            training.patience = None;
        }
        if let Some(warm_up_steps) = training.schedule.warm_up_steps_mut() {
            *warm_up_steps = self.warm_up;
        }
        training.lstm_start = self.lstm_start;
        training.averaging = (self.averaging > 0.0).then_some(self.averaging);
        (training.reverse_complement, training.strands) = (self.reverse_complement, self.strands);
    }

    /// The first number out of range, with its name and what is wanted.
    fn fault(&self) -> Option<(&'static str, f64, &'static str)> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| (0.0..1.0).contains(&value);
        let descent = self.descent.unwrap_or(0.0);
        let cosine = self.schedule == Fall::Cosine;
        let patience = self.patience.map_or(0.0, f64::from);
        let batches = |batch: usize| (1..=TrainingConfig::MOST_BATCH).contains(&batch);
        let batch = self.batch.map_or(0.0, |batch| batch as f64);
        let numbers = [
            (
                !cosine || self.patience.is_none(),
                "patience",
                patience,
                "none beside a cosine, which ends by itself",
            ),
            (!cosine || self.descent.is_none(), "descent", descent, "none beside a cosine, which is one"),
            (positive(self.learning_rate), "learning_rate", self.learning_rate, "a positive number"),
            ((0.0..=1.0).contains(&self.weight_decay), "weight_decay", self.weight_decay, "0 to 1"),
            (share(self.dropout), "dropout", self.dropout, "at least 0, below 1"),
            (share(self.averaging), "averaging", self.averaging, "at least 0, below 1"),
            (self.batch.is_none_or(batches), "batch", batch, "1 to 65536"),
            (self.patience != Some(0), "patience", 0.0, "at least 1"),
            (self.evaluate_every != Some(0), "evaluate_every", 0.0, "at least 1"),
            ((0.0..=1.0).contains(&descent), "descent", descent, "0 to 1"),
            ((0.0..=MOST).contains(&self.rank_weight), "rank_weight", self.rank_weight, "0 to 8"),
        ];
        numbers.into_iter().find(|(good, ..)| !good).map(|(_, name, found, wanted)| (name, found, wanted))
    }
}

/// Three significant digits.
fn round(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegimeFile {
    format: String,
    /// How it came about.
    command: String,
    regimes: BTreeMap<ModelKind, Regime>,
}

/// Writes the regimes of models, and the command that found them.
pub(crate) fn write(path: &Path, regimes: &BTreeMap<ModelKind, Regime>, command: &str) -> Result<()> {
    let file =
        RegimeFile { format: FORMAT.to_owned(), command: command.to_owned(), regimes: regimes.clone() };
    let json = serde_json::to_string_pretty(&file)
        .map_err(|error| Error::Io { path: path.to_owned(), source: error.into() })?;
    write_atomically(path, format!("{json}\n").as_bytes())
}

/// Reads what [`write`] wrote, or a user.
///
/// # Errors
/// [`Error::Io`] where it cannot be read, [`Error::Regime`] where it is none or a number is out of range.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<ModelKind, Regime>> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    let refuse = |found: String, wanted: &str| Error::Regime {
        path: path.to_owned(),
        found,
        wanted: wanted.to_owned(),
    };
    let file: RegimeFile =
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string(), "what the search writes"))?;
    if file.format != FORMAT {
        return Err(refuse(format!("format {:?}", file.format), FORMAT));
    }
    for (model, regime) in &file.regimes {
        if !model.is_network() {
            return Err(refuse(format!("a regime of {model}"), "networks alone: a baseline has none"));
        }
        if let Some((name, found, wanted)) = regime.fault() {
            return Err(refuse(format!("{name} {found} of {model}"), wanted));
        }
    }
    Ok(file.regimes)
}

/// Reads those of these models.
///
/// # Errors
/// As [`read`], and [`Error::Setting`] of the flag where there are none.
pub(crate) fn read_of(
    path: &Path,
    models: &[ModelKind],
    flag: &'static str,
) -> Result<BTreeMap<ModelKind, Regime>> {
    let mut regimes = read(path)?;
    regimes.retain(|model, _| models.contains(model));
    if regimes.is_empty() {
        let wanted = "a regime of one of --models in it".to_owned();
        return Err(Error::Setting { flag, found: path.display().to_string(), wanted });
    }
    Ok(regimes)
}

#[cfg(test)]
mod tests {
    use demo_models::CnnConfig;

    use super::*;

    fn honest() -> (Architecture, TrainingConfig) {
        let architecture = Architecture::Cnn(CnnConfig::default());
        let training = TrainingConfig::honest(&architecture, 1_000);
        (architecture, training)
    }

    #[test]
    fn the_first_trial_is_the_honest_regime_and_all_are_valid() {
        let (architecture, training) = honest();
        let own = Regime::of(&architecture, &training);
        let (mut same, mut as_before) = (architecture.clone(), training.clone());
        Regime::draw(own, 0, Seed::new(1)).apply(&mut same, &mut as_before);
        assert_eq!((same, as_before), (architecture.clone(), training.clone()));
        let mut seen = Vec::new();
        for trial in 1..200 {
            let regime = Regime::draw(own, trial, Seed::new(1));
            assert_eq!(regime, Regime::draw(own, trial, Seed::new(1)));
            assert_eq!(regime.fault(), None, "{regime:?}");
            assert!((1e-4..=4.01e-3).contains(&regime.learning_rate), "{regime:?}");
            let (mut network, mut config) = (architecture.clone(), training.clone());
            regime.apply(&mut network, &mut config);
            config.check().unwrap();
            assert_eq!(Regime::of(&network, &config), regime);
            assert!(!seen.contains(&regime));
            seen.push(regime);
        }
        for has in [
            |regime: &Regime| regime.weight_decay == 0.0,
            |regime: &Regime| regime.schedule == Fall::Cosine,
            |regime: &Regime| !regime.reverse_complement,
            |regime: &Regime| regime.strands == Strands::Forward,
        ] {
            let share = seen.iter().filter(|regime| has(regime)).count();
            assert!((25..100).contains(&share), "{share}");
        }
        let cosine = Regime { schedule: Fall::Cosine, patience: None, descent: None, ..own };
        assert_eq!(cosine.fault(), None);
        let watched = Regime { patience: Some(3), ..cosine };
        assert_eq!(watched.fault().map(|(name, found, _)| (name, found)), Some(("patience", 3.0)));
        let (mut network, mut config) = (architecture, training);
        cosine.apply(&mut network, &mut config);
        assert_eq!((config.max_steps, config.patience), (Some(3_375), None));
        let named = Regime { patience: Some(3), descent: Some(0.1), evaluate_every: Some(70), ..own };
        let unnamed = Regime { patience: None, descent: None, batch: None, ..own };
        let course = |regime: &Regime| {
            let (mut network, mut config) = honest();
            regime.apply(&mut network, &mut config);
            let Schedule::HoldThenDecay { decay, .. } = config.schedule else { panic!("{config:?}") };
            (config.patience, decay, config.evaluate_every)
        };
        assert_eq!(course(&named), (Some(3), 0.1, Interval::Steps(70)));
        assert_eq!(course(&unnamed), course(&own));
    }

    #[test]
    fn files_return_and_faults_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regime.json");
        let (architecture, training) = honest();
        let regimes = BTreeMap::from([(ModelKind::Cnn, Regime::of(&architecture, &training))]);
        write(&path, &regimes, "a test").unwrap();
        assert_eq!(read(&path).unwrap(), regimes);
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to, words) in [
            ("\"dropout\": 0.5", "\"dropout\": 1.5", "dropout 1.5 of cnn, wanted at least 0"),
            ("0.001", "-1", "learning_rate -1 of cnn, wanted a positive number"),
            ("0.001,", "0.001, \"rank_weight\": 9.0,", "rank_weight 9 of cnn, wanted 0 to 8"),
            ("\"batch\": 32", "\"batch\": 0", "batch 0 of cnn, wanted 1 to 65536"),
            ("\"batch\": 32", "\"batch\": 65537", "batch 65537 of cnn, wanted 1 to 65536"),
            ("\"descent\": 0.4", "\"descent\": 4.0", "descent 4 of cnn, wanted 0 to 1"),
            ("\"batch\": 32", "\"evaluate_every\": 0", "evaluate_every 0 of cnn, wanted at least 1"),
            ("\"cnn\"", "\"gkm\"", "a regime of gkm"),
            ("\"cnn\"", "\"cnn9\"", "unknown variant `cnn9`"),
            (FORMAT, "demo-regime-9", "demo-regime-9"),
            ("\"warm_up\"", "\"warmup\"", "unknown field `warmup`"),
        ] {
            assert!(text.contains(from), "{text}");
            std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("regime.json") && error.contains(words), "{error}");
        }
    }
}
