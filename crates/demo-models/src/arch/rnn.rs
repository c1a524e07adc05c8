//! The recurrent network: a bidirectional LSTM on the bases, dropout, the mean over time of each
//! direction, and one dense layer.

use demo_engine::Layer;
use serde::{Deserialize, Serialize};

use super::{CLASSES, Size, dropout, positive};
use crate::Result;

/// Sizes of the RNN; the default is the published network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RnnConfig {
    /// Units of each direction.
    pub hidden: usize,
    /// Dropout rate on the states of both directions.
    pub dropout: f32,
}

impl Default for RnnConfig {
    fn default() -> Self {
        Self::of_size(Size::Medium)
    }
}

impl RnnConfig {
    /// The published network with 16, 32 or 64 units.
    pub fn of_size(size: Size) -> Self {
        Self { hidden: size.pick(16, 32, 64), dropout: 0.5 }
    }

    pub(super) fn layers(&self) -> Result<Vec<Layer>> {
        recurrent_head(self.hidden, self.dropout)
    }
}

/// What the RNN and the CNN-RNN have in common.
pub(super) fn recurrent_head(hidden: usize, rate: f32) -> Result<Vec<Layer>> {
    let mut layers = vec![Layer::BidirectionalLstm { hidden: positive("hidden", hidden)? }];
    layers.extend(dropout(rate)?);
    layers.extend([Layer::MeanOverTime, Layer::Dense { outputs: CLASSES }]);
    Ok(layers)
}
