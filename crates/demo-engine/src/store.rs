//! Sequences as codes, resident on the device: a batch names rows and copies nothing.

use candle_core::Device;

use crate::buffer::require_cpu;
use crate::{Error, Result};

/// The code of an unknown base, whose one-hot column is zero.
pub(crate) const UNKNOWN: u8 = 4;

/// Sequences of one length as codes `(count, length)`: A, C, G, T = 0-3, unknown = 4.
#[derive(Debug, Clone)]
pub struct CodeStore {
    codes: Vec<u8>,
    length: usize,
}

impl CodeStore {
    /// Takes sequences that lie one after the other.
    ///
    /// # Errors
    /// Another device than the CPU, codes that are no whole number of sequences, or a code above 4.
    pub fn new(codes: &[u8], length: usize, device: &Device) -> Result<Self> {
        require_cpu(device)?;
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
        Ok(Self { codes: codes.to_vec(), length })
    }

    /// Sequences in the store.
    pub fn len(&self) -> usize {
        self.codes.len() / self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Bases in a sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The codes of one sequence.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        &self.codes[row * self.length..(row + 1) * self.length]
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
