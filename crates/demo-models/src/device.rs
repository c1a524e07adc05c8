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
    /// Its name for tables and manifests: `cpu` or `cuda`.
    pub name: &'static str,
    /// Why it was taken, one sentence.
    pub reason: &'static str,
}

/// The device for a choice; of CUDA devices the first.
///
/// # Errors
/// [`Error::NoCuda`] where CUDA is asked for and the build has none, [`Error::NoCudaDevice`] where the
/// machine has none.
pub fn select_device(choice: DeviceChoice) -> Result<SelectedDevice> {
    let cpu = |reason| SelectedDevice { device: Device::Cpu, name: "cpu", reason };
    let cuda = |device, reason| SelectedDevice { device, name: "cuda", reason };
    if choice == DeviceChoice::Cpu {
        return Ok(cpu("the CPU, as asked for"));
    }
    if !cfg!(feature = "cuda") {
        return match choice {
            DeviceChoice::Cuda => Err(Error::NoCuda),
            _ => Ok(cpu("the CPU: this build has no CUDA support")),
        };
    }
    // A stream that threads can share.
    match (Device::new_cuda_with_stream(0), choice) {
        (Ok(device), DeviceChoice::Cuda) => Ok(cuda(device, "the first CUDA device, as asked for")),
        (Ok(device), _) => Ok(cuda(device, "the first CUDA device")),
        (Err(error), DeviceChoice::Cuda) => {
            // Further lines are a backtrace, where those are on.
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            Err(Error::NoCudaDevice { reason })
        }
        (Err(_), _) => Ok(cpu("the CPU: there is no CUDA device")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_says_what_it_chose_and_a_device_not_there_is_refused() {
        let auto = select_device("auto".parse().unwrap()).unwrap();
        assert_eq!(auto.name == "cpu", auto.device.is_cpu());
        assert_eq!(auto.reason.starts_with("the CPU"), auto.device.is_cpu());
        assert!(select_device(DeviceChoice::Cpu).unwrap().device.is_cpu());
        match select_device(DeviceChoice::Cuda) {
            Ok(cuda) => assert!(cuda.device.is_cuda()),
            Err(refusal) => assert!(refusal.to_string().contains("--device cpu"), "{refusal}"),
        }
        assert_eq!(
            "tpu".parse::<DeviceChoice>().unwrap_err().to_string(),
            "device \"tpu\": wanted auto, cpu or cuda"
        );
    }
}
