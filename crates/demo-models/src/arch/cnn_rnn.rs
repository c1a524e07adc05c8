//! The convolutional-recurrent network: one padded convolution with a rectifier and no pooling, so that every
//! base keeps its column of maps, then the layers of the RNN on those columns.

use demo_engine::{Activation, Layer, Padding};
use serde::{Deserialize, Serialize};

use super::rnn::recurrent_head;
use super::{Size, positive, rectifier};
use crate::{Error, Result};

/// Sizes of the CNN-RNN; the default is the published network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CnnRnnConfig {
    /// Number of filters.
    pub filters: usize,
    /// Bases that a filter reads; odd, so that the padding is the same on both sides.
    pub width: usize,
    /// The activation of the convolution; see [`super::CnnConfig::first_activation`].
    #[serde(default = "rectifier")]
    pub first_activation: Activation,
    /// Units of each direction of the LSTM.
    pub hidden: usize,
    /// Dropout rate on the states of both directions.
    pub dropout: f32,
}

impl Default for CnnRnnConfig {
    fn default() -> Self {
        Self::of_size(Size::Medium)
    }
}

impl CnnRnnConfig {
    /// The published network with 32 filters and 16 units, 128 and 32, or 256 and 64.
    pub fn of_size(size: Size) -> Self {
        let (filters, hidden) = size.pick((32, 16), (128, 32), (256, 64));
        Self { filters, width: 9, first_activation: rectifier(), hidden, dropout: 0.5 }
    }

    pub(super) fn layers(&self) -> Result<Vec<Layer>> {
        if self.width.is_multiple_of(2) {
            return Err(Error::Config {
                field: "width",
                found: self.width.to_string(),
                wanted: "an odd number",
            });
        }
        let filters = positive("filters", self.filters)?;
        let mut layers = vec![
            Layer::Convolution { filters, width: self.width, padding: Padding::Same },
            Layer::Activation { function: self.first_activation },
        ];
        layers.extend(recurrent_head(self.hidden, self.dropout)?);
        Ok(layers)
    }
}
