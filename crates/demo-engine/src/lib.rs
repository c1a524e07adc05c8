//! Computes: layers, losses and the optimiser for banks of small sequence networks, with
//! hand-written gradients.
//!
//! A [`Network`] is a checked chain of [`Layer`]s over one-hot DNA. A [`Plan`] walks the chain
//! forwards and backwards for a bank of such networks: every parameter has a leading *member* axis,
//! so that one call trains many networks of one architecture on different data. [`Adam`] updates
//! the bank. Sequences stay codes (A, C, G, T = 0-3, unknown = 4): a first convolution or LSTM looks
//! its products up in tables; soft input takes the dense route.
//!
//! Activations are channels-last, `(m, n, l, c)`: member, sequence, position, channel. The batch of
//! a member is cut into slices of fixed size, the slices into at most eight lanes; shape alone
//! decides, so that any number of threads, and any bank, gives a member the same bits.
//!
//! Buffers, stores, plans and optimisers live on the device they are made for: the CPU, or, in a build
//! with the feature `cuda`, an NVIDIA GPU, where a bank's step is queued and nothing waits for it.
//!
//! # Example
//! ```
//! use demo_engine::*;
//!
//! # fn main() -> Result<()> {
//! let network = Network::new(
//!     12,
//!     vec![
//!         Layer::Convolution { filters: 3, width: 4, padding: Padding::Valid },
//!         Layer::Activation { function: Activation::Relu },
//!         Layer::GlobalMaxPool,
//!         Layer::Dense { outputs: 2 },
//!     ],
//! )?;
//! let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu)?;
//! params.set(0, "layer3.bias", &[0.5, -0.5])?;
//! let store = CodeStore::new(&[0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2], 12, &Device::Cpu)?;
//! let mut plan = Plan::new(&network, BankShape { members: 1, batch: 1 }, DType::F32, &Device::Cpu)?;
//! let mut logits = Buffer::zeros(&[1, 1, 2], DType::F32, &Device::Cpu)?;
//! let batch =
//!     Batch { input: Input::Rows { store: &store, rows: &[0] }, size: 1, labels: None, weights: None };
//! plan.run(&params, &batch, Task::Predict, &mut logits)?;
//! assert_eq!(logits.to_f32()?, [0.5, -0.5]);
//! # Ok(())
//! # }
//! ```

mod adam;
mod buffer;
mod cuda;
mod error;
mod instructions;
mod kernels;
mod layer;
mod loss;
mod network;
mod numbers;
mod params;
mod philox;
mod plan;
mod product;
mod real;
mod store;
mod task;
mod trace;

pub use adam::{Adam, AdamConfig};
pub use buffer::Buffer;
pub use candle_core::{DType, Device};
pub use cuda::emulated_device;
pub use error::{Error, Result};
pub use instructions::{Instructions, limit_instructions};
pub use layer::{Activation, Layer, Padding};
pub use loss::Loss;
pub use network::Network;
pub use params::{ParameterSpec, Params};
pub use plan::{BankShape, Plan, device_memory};
pub use store::CodeStore;
pub use task::{Batch, Input, InputGradient, Mode, Objective, Task};
pub use trace::{StepTrace, Trace};
