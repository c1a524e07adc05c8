//! Trained models on disk: a folder with `model.safetensors` and `config.json`.
//!
//! `model.safetensors` holds every parameter as `f32` under the name the network gives it, row-major.
//! `config.json` says what they belong to: family and sizes, length, strands, training regime, seed, how
//! the training went, and the SHA-256 of `model.safetensors`. The weights are written first and the
//! configuration last, each to a temporary name that is then renamed; weights and configuration of
//! different trainings are told apart by the checksum.
//!
//! # Layout, for users of PyTorch
//! | parameter | shape here | PyTorch |
//! |---|---|---|
//! | `layer<i>.weight` of a convolution | (width, channels in, filters) | `Conv1d.weight = w.permute(2, 1, 0)` |
//! | `layer<i>.weight` of a dense layer | (channels in, outputs) | `Linear.weight = w.T` |
//! | `layer<i>.query.weight` of self-attention; `key`, `value` and `output` likewise | (numbers in, numbers out) | `Linear.weight = w.T` |
//! | `layer<i>.bias` | (filters) or (outputs) | the same |
//! | `layer<i>.forward.input_weight` | (channels in, 4 hidden) | `LSTM.weight_ih_l0 = w.T` |
//! | `layer<i>.forward.recurrent_weight` | (hidden, 4 hidden) | `LSTM.weight_hh_l0 = w.T` |
//! | `layer<i>.forward.bias` | (4 hidden) | `LSTM.bias_ih_l0 = b`, `LSTM.bias_hh_l0 = 0` |
//! | `layer<i>.backward...` | as forward | the same names with `_reverse` |
//!
//! `<i>` counts all layers of the network, those without parameters too. The gates stand in PyTorch's
//! own order i, f, g, o. Convolutions are cross-correlations, as in PyTorch; input channels are A, C, G,
//! T, an unknown base is a zero column; the two logits are unbound and bound. A model whose strands are
//! `both` averages the logits of a sequence and of its reverse complement. The published CNN, loaded:
//!
//! ```python
//! import torch
//! from safetensors.torch import load_file
//!
//! w = load_file("model.safetensors")
//! conv = torch.nn.Conv1d(4, 128, 9)
//! conv.weight.data = w["layer0.weight"].permute(2, 1, 0).contiguous()
//! conv.bias.data = w["layer0.bias"]
//! ```

use std::fs;
use std::path::Path;

use demo_core::Seed;
use demo_engine::{Buffer, DType, Device, Network, Params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::hex;
use crate::files::{NamedTensor, from_safetensors, io_error, read, refuse, to_safetensors, write_atomically};
use crate::trainer::TrainingSummary;
use crate::{Architecture, Predictor, Result, Strands, TrainingConfig};

const FORMAT: &str = "deep-motif model";
const FORMAT_VERSION: u32 = 1;
const WEIGHTS: &str = "model.safetensors";
const CONFIG: &str = "config.json";

/// A network's weights and how they came to be.
#[derive(Debug, Clone)]
pub struct TrainedModel {
    /// Family and sizes.
    pub architecture: Architecture,
    /// Length of the sequences it takes.
    pub length: usize,
    /// The regime it was trained in, with the strands it reads.
    pub training: TrainingConfig,
    /// The seed of its training.
    pub seed: Seed,
    /// How the training went.
    pub summary: TrainingSummary,
    /// The weights, a bank of one.
    pub params: Params,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    format: String,
    format_version: u32,
    program_version: String,
    architecture: Architecture,
    length: usize,
    parameters: usize,
    strands: Strands,
    training: TrainingConfig,
    seed: Seed,
    summary: TrainingSummary,
    weights_sha256: String,
}

impl TrainedModel {
    /// The network.
    ///
    /// # Errors
    /// As [`Architecture::network`].
    pub fn network(&self) -> Result<Network> {
        self.architecture.network(self.length)
    }

    /// What answers questions with these weights, in `f32`.
    ///
    /// # Errors
    /// As [`Predictor::new`].
    pub fn predictor(&self, device: &Device) -> Result<Predictor> {
        Predictor::new(&self.network()?, &self.params, self.training.strands, device)
    }

    /// Writes the folder, making it where it is missing.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the folder or a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let path = folder.join(WEIGHTS);
        let network = self.network()?;
        let mut tensors = Vec::new();
        for spec in network.parameters() {
            tensors.push(NamedTensor::new(&spec.name, &spec.shape, self.params.get(0, &spec.name)?));
        }
        let weights = to_safetensors(&path, &tensors, None)?;
        write_atomically(&path, &weights)?;
        let config = Config {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            architecture: self.architecture.clone(),
            length: self.length,
            parameters: network.parameter_count(),
            strands: self.training.strands,
            training: self.training.clone(),
            seed: self.seed,
            summary: self.summary.clone(),
            weights_sha256: hex(&Sha256::digest(&weights)),
        };
        let path = folder.join(CONFIG);
        let mut json = serde_json::to_vec_pretty(&config)
            .map_err(|error| refuse(&path, error.to_string(), "a configuration that JSON can hold"))?;
        json.push(b'\n');
        write_atomically(&path, &json)
    }

    /// Reads a folder that [`TrainedModel::save`] wrote.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where a file is missing or unreadable;
    /// [`Error::Checkpoint`](crate::Error::Checkpoint) where one is truncated, corrupt or not of this
    /// format.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let path = folder.join(CONFIG);
        let config = parse_config(&path, &read(&path)?)?;
        let network = config
            .architecture
            .network(config.length)
            .map_err(|error| refuse(&path, error.to_string(), "sizes that make a network"))?;
        config
            .training
            .check()
            .map_err(|error| refuse(&path, error.to_string(), "a valid training configuration"))?;

        let path = folder.join(WEIGHTS);
        let bytes = read(&path)?;
        let params = parse_weights(&path, &bytes, &network, device)?;
        let digest = hex(&Sha256::digest(&bytes));
        if digest != config.weights_sha256 {
            let wanted = format!("{} as config.json says", config.weights_sha256);
            return Err(refuse(&path, format!("SHA-256 {digest}"), wanted));
        }
        let path = folder.join(CONFIG);
        let (strands, parameters) = (config.training.strands, network.parameter_count());
        if config.strands != strands {
            let found = format!("strands {:?} beside training.strands {strands:?}", config.strands);
            return Err(refuse(&path, found, "the same in both places"));
        }
        if config.parameters != parameters {
            let found = format!("parameters {}", config.parameters);
            return Err(refuse(&path, found, format!("{parameters}, the number of this network's")));
        }
        Ok(Self {
            architecture: config.architecture,
            length: config.length,
            training: config.training,
            seed: config.seed,
            summary: config.summary,
            params,
        })
    }
}

fn parse_config(path: &Path, bytes: &[u8]) -> Result<Config> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
        format_version: u32,
    }
    let unreadable = |error: serde_json::Error| {
        refuse(path, format!("unreadable JSON ({error})"), format!("the configuration of a {FORMAT}"))
    };
    // The head first: a foreign or newer file is told apart from a broken one.
    let head: Head = serde_json::from_slice(bytes).map_err(unreadable)?;
    if head.format != FORMAT || head.format_version != FORMAT_VERSION {
        let found = format!("{:?} version {}", head.format, head.format_version);
        return Err(refuse(path, found, format!("{FORMAT:?} version {FORMAT_VERSION}")));
    }
    serde_json::from_slice(bytes).map_err(unreadable)
}

fn parse_weights(path: &Path, bytes: &[u8], network: &Network, device: &Device) -> Result<Params> {
    let tensors = from_safetensors(path, bytes)?;
    if tensors.len() != network.parameters().len() {
        let wanted = format!("{} of this network", network.parameters().len());
        return Err(refuse(path, format!("{} arrays", tensors.len()), wanted));
    }
    // Room is taken once all shapes are known to be those of the file.
    let mut found = Vec::with_capacity(tensors.len());
    for spec in network.parameters() {
        let Ok(at) = tensors.binary_search_by(|tensor| tensor.name.as_str().cmp(&spec.name)) else {
            return Err(refuse(path, format!("no array {}", spec.name), format!("shape {:?}", spec.shape)));
        };
        let tensor = &tensors[at];
        if tensor.shape != spec.shape {
            let found = format!("{} of shape {:?}", spec.name, tensor.shape);
            return Err(refuse(path, found, format!("shape {:?}", spec.shape)));
        }
        found.push((spec, &tensor.values));
    }
    let mut params = Params::zeros(network, 1, DType::F32, device)?;
    for (spec, values) in found {
        params.set(0, &spec.name, values)?;
    }
    Ok(params)
}

/// One member's weights as a bank of one.
pub(crate) fn single(network: &Network, weights: &[f32], device: &Device) -> Result<Params> {
    let mut params = Params::zeros(network, 1, DType::F32, device)?;
    *params.buffer_mut() = Buffer::from_f32(weights, &[1, weights.len()], DType::F32, device)?;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use demo_core::DnaSequence;

    use super::*;
    use crate::trainer::Ending;
    use crate::{Error, LstmStart, RnnConfig};

    fn model() -> TrainedModel {
        let architecture = Architecture::Rnn(RnnConfig { hidden: 3, dropout: 0.5 });
        let network = architecture.network(8).unwrap();
        let training = TrainingConfig::honest(&architecture, 100);
        let summary = TrainingSummary {
            steps: 1_000,
            epochs: 100,
            training_sequences: 100,
            validation_sequences: 20,
            converged: Some(true),
            ending: Some(Ending::Finished),
            best: None,
            history: Vec::new(),
        };
        let seed = Seed::new(4);
        let params =
            architecture.initial_parameters(&network, &[seed], LstmStart::Published, &Device::Cpu).unwrap();
        TrainedModel { architecture, length: 8, training, seed, summary, params }
    }

    #[test]
    fn a_saved_model_predicts_the_same() {
        let (folder, model) = (tempfile::tempdir().unwrap(), model());
        let path = folder.path().join("models/set/rnn");
        model.save(&path).unwrap();
        let loaded = TrainedModel::load(&path, &Device::Cpu).unwrap();
        assert_eq!((&loaded.architecture, loaded.length), (&model.architecture, 8));
        assert_eq!((&loaded.training, &loaded.summary), (&model.training, &model.summary));
        let sequences: [DnaSequence; 2] = ["ACGTTGCA".parse().unwrap(), "AANTCCCA".parse().unwrap()];
        let scores =
            [&model, &loaded].map(|model| model.predictor(&Device::Cpu).unwrap().scores(&sequences).unwrap());
        assert_eq!(scores[0], scores[1]);
        // Saved again, not a byte differs; nothing temporary stays.
        let before = fs::read(path.join(CONFIG)).unwrap();
        loaded.save(&path).unwrap();
        assert_eq!(fs::read(path.join(CONFIG)).unwrap(), before);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
    }

    #[test]
    fn names_and_shapes_are_the_format() {
        let (folder, model) = (tempfile::tempdir().unwrap(), model());
        model.save(folder.path()).unwrap();
        let path = folder.path().join(WEIGHTS);
        let tensors = from_safetensors(&path, &read(&path).unwrap()).unwrap();
        let names: Vec<String> =
            tensors.iter().map(|tensor| format!("{} {:?}", tensor.name, tensor.shape)).collect();
        assert_eq!(
            names,
            [
                "layer0.backward.bias [12]",
                "layer0.backward.input_weight [4, 12]",
                "layer0.backward.recurrent_weight [3, 12]",
                "layer0.forward.bias [12]",
                "layer0.forward.input_weight [4, 12]",
                "layer0.forward.recurrent_weight [3, 12]",
                "layer3.bias [2]",
                "layer3.weight [6, 2]",
            ]
        );
    }

    #[test]
    fn a_broken_folder_gives_one_clear_error() {
        let (folder, model) = (tempfile::tempdir().unwrap(), model());
        let refused = |name: &str, words: &str| {
            let error = TrainedModel::load(folder.path(), &Device::Cpu).unwrap_err();
            assert!(matches!(error, Error::Checkpoint { .. } | Error::Io { .. }));
            let message = error.to_string();
            assert!(message.contains(name) && message.contains(words), "{message}");
        };
        refused(CONFIG, "");
        model.save(folder.path()).unwrap();
        let (config, weights) = (folder.path().join(CONFIG), folder.path().join(WEIGHTS));
        let (json, arrays) = (fs::read_to_string(&config).unwrap(), fs::read(&weights).unwrap());

        for (found, words) in [
            (json[..json.len() / 2].to_owned(), "unreadable JSON"),
            ("{}".to_owned(), "missing field `format`"),
            (json.replace(FORMAT, "other model"), "wanted \"deep-motif model\" version 1"),
            (json.replace("\"format_version\": 1", "\"format_version\": 9"), "version 9"),
            (json.replace("\"hidden\": 3", "\"hidden\": 0"), "hidden: found 0"),
            (json.replace("\"hidden\": 3", "\"hidden\": 4000000000000"), "at most 2^40 parameters"),
            (json.replacen("\"strands\": \"both\"", "\"strands\": \"forward\"", 1), "training.strands Both"),
            (json.replace("\"parameters\": 206", "\"parameters\": 207"), "wanted 206"),
        ] {
            fs::write(&config, found).unwrap();
            refused(CONFIG, words);
        }
        fs::write(&config, json.replace("\"hidden\": 3", "\"hidden\": 5")).unwrap();
        refused(WEIGHTS, "of shape");
        fs::write(&config, &json).unwrap();

        let mut flipped = arrays.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for (found, words) in [
            (&arrays[..arrays.len() - 1], "no readable arrays"),
            (&[], "no readable arrays"),
            (&flipped, "SHA-256"),
        ] {
            fs::write(&weights, found).unwrap();
            refused(WEIGHTS, words);
        }
        fs::remove_file(&weights).unwrap();
        refused(WEIGHTS, "");
    }
}
