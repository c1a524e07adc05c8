//! The attention variant: one convolution as that of the CNN, self-attention over what it found, the maximum of
//! every map over positions and one dense layer. Motifs are found by the filters, and what stands where beside
//! what is for the attention (Vaswani et al., arXiv 1706.03762); like the CNN it has no notion of order beyond
//! its filters, since positions carry no code.

use demo_engine::{Layer, Padding};
use serde::{Deserialize, Serialize};

use super::{CLASSES, dropout, positive, rectifier};
use crate::Result;

/// Sizes of the attention variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionConfig {
    /// Number of filters.
    pub filters: usize,
    /// Bases that a filter reads.
    pub width: usize,
    /// Positions whose maximum is kept before the attention; 1 keeps all.
    pub pool: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Numbers of a query, a key and a value in each head.
    pub size: usize,
    /// Dropout rate before and after the attention.
    pub dropout: f32,
}

impl Default for AttentionConfig {
    /// The CNN's first block, and four heads of 16 numbers.
    fn default() -> Self {
        Self { filters: 128, width: 9, pool: 2, heads: 4, size: 16, dropout: 0.5 }
    }
}

impl AttentionConfig {
    pub(super) fn layers(&self) -> Result<Vec<Layer>> {
        let mut layers = vec![
            Layer::Convolution {
                filters: positive("filters", self.filters)?,
                width: positive("width", self.width)?,
                padding: Padding::Valid,
            },
            Layer::Activation { function: rectifier() },
        ];
        if positive("pool", self.pool)? > 1 {
            layers.push(Layer::MaxPool { width: self.pool });
        }
        layers.extend(dropout(self.dropout)?);
        layers.push(Layer::SelfAttention {
            heads: positive("heads", self.heads)?,
            size: positive("size", self.size)?,
        });
        layers.extend(dropout(self.dropout)?);
        layers.extend([Layer::GlobalMaxPool, Layer::Dense { outputs: CLASSES }]);
        Ok(layers)
    }
}
