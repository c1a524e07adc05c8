//! Which device computes: what a user asks for, and what there is.

use std::fmt;
use std::str::FromStr;

use demo_engine::Device;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The device a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// The fastest there is.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            _ => Err(Error::UnknownDevice { found: name.to_owned() }),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

/// A device, and what to tell the user about it.
#[derive(Debug, Clone)]
pub struct SelectedDevice {
    /// The device.
    pub device: Device,
    /// Its name for tables and manifests: `cpu`.
    pub name: &'static str,
    /// Why it was taken, one sentence.
    pub reason: &'static str,
}

/// The device for a choice.
///
/// # Errors
/// [`Error::NoCuda`] or [`Error::NoCudaKernels`] where CUDA is asked for: the engine's kernels run on
/// the CPU.
pub fn select_device(choice: DeviceChoice) -> Result<SelectedDevice> {
    let cpu = |reason| SelectedDevice { device: Device::Cpu, name: "cpu", reason };
    match choice {
        DeviceChoice::Cpu => Ok(cpu("the CPU, as asked for")),
        DeviceChoice::Auto if cfg!(feature = "cuda") => Ok(cpu("the CPU: this version has no CUDA kernels")),
        DeviceChoice::Auto => Ok(cpu("the CPU: this build has no CUDA support")),
        DeviceChoice::Cuda if cfg!(feature = "cuda") => Err(Error::NoCudaKernels),
        DeviceChoice::Cuda => Err(Error::NoCuda),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_says_what_it_chose_and_cuda_is_refused() {
        let auto = select_device("auto".parse().unwrap()).unwrap();
        assert_eq!(auto.name, "cpu");
        assert!(auto.reason.starts_with("the CPU"));
        assert!(select_device(DeviceChoice::Cpu).unwrap().device.is_cpu());
        let refusal = select_device(DeviceChoice::Cuda).unwrap_err().to_string();
        assert!(refusal.contains("--device cpu"), "{refusal}");
        assert_eq!(
            "tpu".parse::<DeviceChoice>().unwrap_err().to_string(),
            "device \"tpu\": wanted auto, cpu or cuda"
        );
    }
}
