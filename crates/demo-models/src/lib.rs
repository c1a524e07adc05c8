//! Architectures, training, checkpoints and prediction for banks of sequence classifiers.
//!
//! A model answers one question about DNA of one length: is it bound? Class 0 is unbound, class 1
//! is bound, and what is ranked and explained is logit(bound) - logit(unbound).
//!
//! * [`Architecture`]: the published families and their sizes; [`Architecture::network`] gives the
//!   layers, [`Architecture::initial_parameters`] the weights training starts from.
//! * [`LabelledSequences`] and [`TrainingConfig`]: what a network is trained on, and how.
//! * [`Trainer`]: trains a bank of networks in lockstep; resumes exactly where it was interrupted.
//! * [`TrainedModel`]: weights and how they came to be, saved as `model.safetensors` and `config.json`.
//! * [`Predictor`]: asks a network about any number of sequences; it is the [`SequenceModel`] that
//!   interpretation works on.
//!
//! ```
//! use demo_core::{DnaSequence, Seed};
//! use demo_models::{Architecture, CnnConfig, Device, LstmStart, Predictor, Strands};
//!
//! let architecture = Architecture::Cnn(CnnConfig::default());
//! let network = architecture.network(101)?;
//! assert_eq!(network.parameter_count(), 136_322);
//!
//! let seeds = [Seed::new(1)];
//! let parameters = architecture.initial_parameters(&network, &seeds, LstmStart::Published, &Device::Cpu)?;
//! let mut predictor = Predictor::new(&network, &parameters, Strands::Both, &Device::Cpu)?;
//! let sequence: DnaSequence = "ACGTA".repeat(21)[..101].parse()?;
//! let scores = predictor.scores(&[sequence.clone(), sequence.to_reverse_complement()])?;
//! assert_eq!(scores[0], scores[1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arch;
mod auroc;
mod balance;
mod checkpoint;
mod config;
mod data;
mod device;
mod error;
mod evaluator;
mod files;
mod init;
mod order;
mod predictor;
mod preset;
mod schedule;
mod sequence_model;
mod trainer;

pub use arch::{
    Architecture, AttentionConfig, CLASSES, CnnConfig, CnnRnnConfig, ConvolutionBlock, RnnConfig, Size,
};
pub use balance::{Balance, ClassWeights};
pub use checkpoint::TrainedModel;
pub use config::{Interval, LstmStart, Order, Selection, Strands, TrainingConfig};
pub use data::LabelledSequences;
pub use demo_engine::{
    Activation, AdamConfig, DType, Device, Error as EngineError, Network, Params, emulated_device,
};
pub use device::{DeviceChoice, SelectedDevice, select_device};
pub use error::{Error, Result};
pub use predictor::{Predictor, bound_probability};
pub use schedule::Schedule;
pub use sequence_model::{FirstLayer, InputGradients, ModelInput, SequenceModel, TruncatedLogits};
pub use trainer::{
    Ending, Evaluation, Member, MemberProgress, Progress, Status, Trainer, TrainingSummary, bank_capacity,
    training_bytes,
};
