//! The methods of the comparison, by name: the published networks, the same in other sizes and with an
//! exponential first activation, one with self-attention, a network of one layer, and baselines without networks.

use demo_models::{Activation, Architecture, AttentionConfig, CnnConfig, CnnRnnConfig, RnnConfig, Size};
use serde::{Deserialize, Serialize};

use crate::baselines::Baseline;
use crate::config::parse_by_name;

/// A method of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Three convolutions.
    Cnn,
    /// A bidirectional LSTM.
    Rnn,
    /// A convolution, then a bidirectional LSTM.
    CnnRnn,
    /// The CNN with 32 filters a layer, not 128.
    CnnSmall,
    /// The RNN with 16 units a direction, not 32.
    RnnSmall,
    /// The CNN-RNN with 32 filters and 16 units, not 128 and 32.
    CnnRnnSmall,
    /// The CNN with 256 filters a layer.
    CnnLarge,
    /// The RNN with 64 units a direction.
    RnnLarge,
    /// The CNN-RNN with 256 filters and 64 units.
    CnnRnnLarge,
    /// The CNN with an exponential first activation.
    CnnExp,
    /// The CNN-RNN with an exponential first activation.
    CnnRnnExp,
    /// Self-attention over the maps of one convolution.
    Attention,
    /// One layer of motif detectors and their best matches, like DeepBind's.
    DeepbindLike,
    /// A scan with the factor's own JASPAR motif.
    ScanOwn,
    /// A scan with the JASPAR motif that is best on the training half.
    ScanBest,
    /// A logistic regression on gapped k-mers.
    Gkm,
}

/// What a model is underneath.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// A network, trained by gradients.
    Network(Architecture),
    /// A method without one.
    Baseline(Baseline),
}

impl ModelKind {
    /// All models: the published networks, their variants, then the baselines.
    pub const ALL: [Self; 16] = [
        Self::Cnn,
        Self::Rnn,
        Self::CnnRnn,
        Self::CnnSmall,
        Self::RnnSmall,
        Self::CnnRnnSmall,
        Self::CnnLarge,
        Self::RnnLarge,
        Self::CnnRnnLarge,
        Self::CnnExp,
        Self::CnnRnnExp,
        Self::Attention,
        Self::DeepbindLike,
        Self::ScanOwn,
        Self::ScanBest,
        Self::Gkm,
    ];

    /// The published architectures, which are run where nothing else is asked for.
    pub const NETWORKS: [Self; 3] = [Self::Cnn, Self::Rnn, Self::CnnRnn];

    /// The name on the command line and in every table.
    pub fn name(self) -> &'static str {
        self.names().0
    }

    /// The name as the paper prints it, or as a page does.
    pub fn title(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Cnn => ("cnn", "CNN"),
            Self::Rnn => ("rnn", "RNN"),
            Self::CnnRnn => ("cnn-rnn", "CNN-RNN"),
            Self::CnnSmall => ("cnn-small", "CNN, small"),
            Self::RnnSmall => ("rnn-small", "RNN, small"),
            Self::CnnRnnSmall => ("cnn-rnn-small", "CNN-RNN, small"),
            Self::CnnLarge => ("cnn-large", "CNN, large"),
            Self::RnnLarge => ("rnn-large", "RNN, large"),
            Self::CnnRnnLarge => ("cnn-rnn-large", "CNN-RNN, large"),
            Self::CnnExp => ("cnn-exp", "CNN, exponential"),
            Self::CnnRnnExp => ("cnn-rnn-exp", "CNN-RNN, exponential"),
            Self::Attention => ("attention", "convolution, attention"),
            Self::DeepbindLike => ("deepbind-like", "one layer"),
            Self::ScanOwn => ("scan-own", "own motif"),
            Self::ScanBest => ("scan-best", "best motif"),
            Self::Gkm => ("gkm", "gapped k-mers"),
        }
    }

    /// The network or the method without one.
    pub fn method(self) -> Method {
        let cnn = |size| Method::Network(Architecture::Cnn(CnnConfig::of_size(size)));
        let rnn = |size| Method::Network(Architecture::Rnn(RnnConfig::of_size(size)));
        let cnn_rnn = |size| Method::Network(Architecture::CnnRnn(CnnRnnConfig::of_size(size)));
        let first_activation = Activation::Exponential;
        match self {
            Self::Cnn => cnn(Size::Medium),
            Self::Rnn => rnn(Size::Medium),
            Self::CnnRnn => cnn_rnn(Size::Medium),
            Self::CnnSmall => cnn(Size::Small),
            Self::RnnSmall => rnn(Size::Small),
            Self::CnnRnnSmall => cnn_rnn(Size::Small),
            Self::CnnLarge => cnn(Size::Large),
            Self::RnnLarge => rnn(Size::Large),
            Self::CnnRnnLarge => cnn_rnn(Size::Large),
            Self::CnnExp => {
                Method::Network(Architecture::Cnn(CnnConfig { first_activation, ..CnnConfig::default() }))
            }
            Self::CnnRnnExp => {
                let config = CnnRnnConfig { first_activation, ..CnnRnnConfig::default() };
                Method::Network(Architecture::CnnRnn(config))
            }
            Self::Attention => Method::Network(Architecture::Attention(AttentionConfig::default())),
            Self::DeepbindLike => Method::Network(Architecture::Cnn(CnnConfig::deepbind_like())),
            Self::ScanOwn => Method::Baseline(Baseline::ScanOwn),
            Self::ScanBest => Method::Baseline(Baseline::ScanBest),
            Self::Gkm => Method::Baseline(Baseline::Gkm),
        }
    }

    /// Whether it is a network.
    pub fn is_network(self) -> bool {
        matches!(self.method(), Method::Network(_))
    }
}

parse_by_name!(ModelKind, "model");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_found_by_its_name_and_no_two_are_alike() {
        for (place, model) in ModelKind::ALL.into_iter().enumerate() {
            assert_eq!(model.name().parse::<ModelKind>().unwrap(), model);
            assert_eq!(serde_json::to_value(model).unwrap(), model.name());
            for other in &ModelKind::ALL[..place] {
                assert!(*other < model && other.title() != model.title());
                assert_ne!(other.method(), model.method());
            }
        }
    }

    #[test]
    fn a_wrong_name_is_told_what_is_near() {
        let error = "cnn-smal".parse::<ModelKind>().unwrap_err();
        assert!(error.to_string().contains("cnn-small"), "{error}");
    }
}
