//! Sequences as codes, resident on the device: a batch names rows and copies nothing.

use std::sync::Arc;

use candle_core::Device;

use crate::cuda::machine::{Machine, Memory};
use crate::{Error, Result, cuda};

/// The code of an unknown base, whose one-hot column is zero.
pub(crate) const UNKNOWN: u8 = 4;

/// Sequences of one length as codes `(count, length)`: A, C, G, T = 0-3, unknown = 4.
#[derive(Debug, Clone)]
pub struct CodeStore {
    codes: Codes,
    count: usize,
    length: usize,
}

#[derive(Debug, Clone)]
enum Codes {
    Host(Vec<u8>),
    Device(Arc<Memory>),
}

impl CodeStore {
    /// Takes sequences that lie one after the other.
    ///
    /// # Errors
    /// Codes that are no whole number of sequences, a code above 4, a device that is not there or has no
    /// room.
    pub fn new(codes: &[u8], length: usize, device: &Device) -> Result<Self> {
        if length == 0 || !codes.len().is_multiple_of(length) {
            return Err(Error::Shape {
                what: "a list of codes",
                found: vec![codes.len()],
                wanted: vec![codes.len() / length.max(1), length],
            });
        }
        if let Some(&code) = codes.iter().find(|&&code| code > UNKNOWN) {
            return Err(Error::OutOfRange {
                what: "code",
                found: code.into(),
                limit: usize::from(UNKNOWN) + 1,
            });
        }
        let count = codes.len() / length;
        let codes = match cuda::machine(device)? {
            Some(machine) => Codes::Device(Arc::new(Memory::of(&machine, codes)?)),
            None => Codes::Host(codes.to_vec()),
        };
        Ok(Self { codes, count, length })
    }

    /// Sequences in the store.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bases in a sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The codes of one sequence; none where the store is on a device.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        match &self.codes {
            Codes::Host(codes) => &codes[row * self.length..(row + 1) * self.length],
            Codes::Device(_) => &[],
        }
    }

    /// The address of its codes; null where the store is on the host.
    pub(crate) fn address(&self) -> u64 {
        match &self.codes {
            Codes::Host(_) => 0,
            Codes::Device(memory) => memory.at(0),
        }
    }

    /// Checks that it lies where a plan runs: on the machine, or on the host.
    pub(crate) fn require_on(&self, machine: Option<&Arc<dyn Machine>>) -> Result<()> {
        let what = "the store";
        match (&self.codes, machine) {
            (Codes::Host(_), None) => Ok(()),
            (Codes::Device(memory), Some(machine)) if Arc::ptr_eq(memory.machine(), machine) => Ok(()),
            (Codes::Host(_), Some(_)) => {
                Err(Error::Place { what, found: "the CPU", wanted: "a CUDA device" })
            }
            (Codes::Device(_), None) => Err(Error::Place { what, found: "a CUDA device", wanted: "the CPU" }),
            (Codes::Device(_), Some(_)) => {
                Err(Error::Place { what, found: "another CUDA device", wanted: "that of the plan" })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_checked() {
        let store = CodeStore::new(&[0, 1, 2, 3, 4, 0], 3, &Device::Cpu).unwrap();
        assert_eq!((store.len(), store.length(), store.is_empty()), (2, 3, false));
        assert_eq!(store.row(1), [3, 4, 0]);
        assert!(CodeStore::new(&[0, 1], 3, &Device::Cpu).is_err());
        assert!(CodeStore::new(&[], 0, &Device::Cpu).is_err());
        let error = CodeStore::new(&[0, 5, 1], 3, &Device::Cpu).unwrap_err().to_string();
        assert_eq!(error, "code 5 is out of range, wanted less than 5");
    }
}
