//! The convolutional network: blocks of convolution, rectifier, max-pooling and dropout, then the maximum of
//! every map over positions and one dense layer. No padding.

use demo_engine::{Activation, Layer, Padding};
use serde::{Deserialize, Serialize};

use super::{CLASSES, Size, dropout, positive, rectifier};
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
    /// The activation of the first block; the others have rectifiers. The exponential makes first-layer filters
    /// readable (Koo and Ploenzke, Nature Machine Intelligence 2021, 3:258-266).
    #[serde(default = "rectifier")]
    pub first_activation: Activation,
    /// Dropout rate after every block.
    pub dropout: f32,
}

impl Default for CnnConfig {
    fn default() -> Self {
        Self::of_size(Size::Medium)
    }
}

impl CnnConfig {
    /// The published network with 32, 128 or 256 filters in every block.
    pub fn of_size(size: Size) -> Self {
        let filters = size.pick(32, 128, 256);
        let block = |width, pool| ConvolutionBlock { filters, width, pool };
        Self {
            blocks: vec![block(9, 2), block(5, 2), block(3, 1)],
            first_activation: rectifier(),
            dropout: 0.5,
        }
    }

    /// A network like DeepBind's (Alipanahi et al., Nature Biotechnology 2015, 33:831-838): one layer of 16
    /// motif detectors of 24 bases and the best match of each. Its hidden layer, pooling by the mean and
    /// padding are left out, and so is dropout, which there acts on the matches.
    pub fn deepbind_like() -> Self {
        let blocks = vec![ConvolutionBlock { filters: 16, width: 24, pool: 1 }];
        Self { blocks, first_activation: rectifier(), dropout: 0.0 }
    }

    pub(super) fn layers(&self) -> Result<Vec<Layer>> {
        if self.blocks.is_empty() {
            return Err(Error::Config { field: "blocks", found: "none".to_owned(), wanted: "at least 1" });
        }
        let mut layers = Vec::new();
        for (number, block) in self.blocks.iter().enumerate() {
            layers.push(Layer::Convolution {
                filters: positive("filters", block.filters)?,
                width: positive("width", block.width)?,
                padding: Padding::Valid,
            });
            let function = if number == 0 { self.first_activation } else { rectifier() };
            layers.push(Layer::Activation { function });
            if positive("pool", block.pool)? > 1 {
                layers.push(Layer::MaxPool { width: block.pool });
            }
            layers.extend(dropout(self.dropout)?);
        }
        layers.extend([Layer::GlobalMaxPool, Layer::Dense { outputs: CLASSES }]);
        Ok(layers)
    }
}
