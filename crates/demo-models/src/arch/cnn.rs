//! The convolutional network: blocks of convolution, rectifier, max-pooling and dropout, then the maximum of
//! every map over positions and one dense layer. No padding.

use demo_engine::{Activation, Layer, Padding};
use serde::{Deserialize, Serialize};

use super::{CLASSES, dropout, positive};
use crate::{Error, Result};

/// One convolution and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvolutionBlock {
    /// Number of filters.
    pub filters: usize,
    /// Bases, or pooled positions, that a filter reads.
    pub width: usize,
    /// Positions whose maximum is kept; 1 keeps all.
    pub pool: usize,
}

/// Sizes of the CNN; the default is the published network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CnnConfig {
    /// The convolutions, first to last.
    pub blocks: Vec<ConvolutionBlock>,
    /// Dropout rate after every block.
    pub dropout: f32,
}

impl Default for CnnConfig {
    fn default() -> Self {
        let block = |width, pool| ConvolutionBlock { filters: 128, width, pool };
        Self { blocks: vec![block(9, 2), block(5, 2), block(3, 1)], dropout: 0.5 }
    }
}

impl CnnConfig {
    pub(super) fn layers(&self) -> Result<Vec<Layer>> {
        if self.blocks.is_empty() {
            return Err(Error::Config { field: "blocks", found: "none".to_owned(), wanted: "at least 1" });
        }
        let mut layers = Vec::new();
        for block in &self.blocks {
            layers.push(Layer::Convolution {
                filters: positive("filters", block.filters)?,
                width: positive("width", block.width)?,
                padding: Padding::Valid,
            });
            layers.push(Layer::Activation { function: Activation::Relu });
            if positive("pool", block.pool)? > 1 {
                layers.push(Layer::MaxPool { width: block.pool });
            }
            layers.extend(dropout(self.dropout)?);
        }
        layers.extend([Layer::GlobalMaxPool, Layer::Dense { outputs: CLASSES }]);
        Ok(layers)
    }
}
