//! Banks on a CUDA device: kernels of our own, compiled by NVRTC when a device is first used.
//!
//! [`Bank`] walks the layers of a network for all members at once. Everything is in device memory, the
//! sequences as codes; a training step queues copies and launches and waits for nothing. Products are
//! our own tiled kernels in f32: cuBLAS does not take windows that overlap, and would add in an order of
//! its own. A convolution's way back goes over all positions even where a maximum left few of them a
//! gradient: gathered, it would read the weights again for every sequence.
//!
//! What runs the kernels is behind [`machine::Machine`]: a CUDA device, or a program that a C++
//! compiler makes of the same source ([`emulated`]), by which tests compare whole networks with the CPU
//! where there is no device.

mod adam;
mod backward;
mod bank;
#[cfg(feature = "cuda")]
mod driver;
mod emulated;
mod forward;
pub(crate) mod machine;
mod memory;
mod source;
#[cfg(feature = "cuda")]
mod staging;
mod steps;
mod whole;

use std::sync::Arc;

use candle_core::Device;

use crate::{Error, Result};

pub(crate) use adam::DeviceAdam;
pub(crate) use bank::{Bank, Run, Wanted};
pub use emulated::emulated_device;
use machine::Machine;

/// The machine behind a device; none for the CPU.
///
/// # Errors
/// A device of another kind, or CUDA that this build or machine lacks.
pub(crate) fn machine(device: &Device) -> Result<Option<Arc<dyn Machine>>> {
    match device {
        Device::Cpu => Ok(None),
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => driver::machine(device).map(Some),
        // Without the feature nothing but the emulated device gives such a value.
        #[cfg(not(feature = "cuda"))]
        Device::Cuda(_) => emulated::machine().map(Some),
        Device::Metal(_) => Err(Error::UnsupportedDevice { found: "Metal".to_owned() }),
    }
}
