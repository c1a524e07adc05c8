//! Numbers on a device, owned as candle storage, so that a result becomes a tensor uncopied.

use std::ops::Range;
use std::sync::Arc;

use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};

use crate::cuda::machine::{Machine, Memory};
use crate::real::Real;
use crate::{Error, Result, cuda};

/// A dense array of `F32` or `F64` numbers, row-major, with its shape. On CUDA devices they are `F32`.
#[derive(Debug, Clone)]
pub struct Buffer {
    numbers: Numbers,
    shape: Vec<usize>,
}

/// Where the numbers are. Clones on a device share memory until one is written.
#[derive(Debug, Clone)]
enum Numbers {
    Host(CpuStorage),
    Device(Arc<Memory>),
}

impl Buffer {
    /// An array of zeros.
    ///
    /// # Errors
    /// Another element type than `F32` and, on the CPU, `F64`; a device that is not there or has no room.
    pub fn zeros(shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        let count = shape.iter().product();
        let numbers = match (cuda::machine(device)?, dtype) {
            (Some(machine), DType::F32) => Numbers::Device(Arc::new(Memory::zeros(&machine, count)?)),
            (Some(_), DType::F64) => return Err(Error::SinglePrecision),
            (None, DType::F32) => Numbers::Host(CpuStorage::F32(vec![0.0; count])),
            (None, DType::F64) => Numbers::Host(CpuStorage::F64(vec![0.0; count])),
            (_, found) => return Err(Error::UnsupportedType { found }),
        };
        Ok(Self { numbers, shape: shape.to_vec() })
    }

    /// An array of the given values, rounded or widened to `dtype`.
    ///
    /// # Errors
    /// As [`Buffer::zeros`], or values that do not fill the shape.
    pub fn from_f32(values: &[f32], shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        Self::from_values(values, shape, dtype, device)
    }

    /// An array of the given values, rounded to `dtype`.
    ///
    /// # Errors
    /// As [`Buffer::zeros`], or values that do not fill the shape.
    pub fn from_f64(values: &[f64], shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        Self::from_values(values, shape, dtype, device)
    }

    /// Zeros of its shape and type on its device.
    pub(crate) fn zeros_like(&self) -> Result<Self> {
        let numbers = match &self.numbers {
            Numbers::Host(CpuStorage::F64(values)) => Numbers::Host(CpuStorage::F64(vec![0.0; values.len()])),
            Numbers::Host(_) => Numbers::Host(CpuStorage::F32(vec![0.0; self.count()])),
            Numbers::Device(memory) => {
                Numbers::Device(Arc::new(Memory::zeros(memory.machine(), self.count())?))
            }
        };
        Ok(Self { numbers, shape: self.shape.clone() })
    }

    /// Its extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its element type.
    pub fn dtype(&self) -> DType {
        match self.numbers {
            Numbers::Host(CpuStorage::F64(_)) => DType::F64,
            _ => DType::F32,
        }
    }

    /// A copy of its numbers as `f32`.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        self.read(0..self.count())
    }

    /// A copy of its numbers as `f64`.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        self.read(0..self.count())
    }

    /// Its numbers, where they are `F32` on the host.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.numbers {
            Numbers::Host(CpuStorage::F32(values)) => Some(values),
            _ => None,
        }
    }

    /// Its numbers, to be written, where they are `F32` on the host.
    pub fn as_f32_mut(&mut self) -> Option<&mut [f32]> {
        match &mut self.numbers {
            Numbers::Host(CpuStorage::F32(values)) => Some(values),
            _ => None,
        }
    }

    /// Its numbers, where they are `F64` on the host.
    pub fn as_f64(&self) -> Option<&[f64]> {
        match &self.numbers {
            Numbers::Host(CpuStorage::F64(values)) => Some(values),
            _ => None,
        }
    }

    /// Its numbers, to be written, where they are `F64` on the host.
    pub fn as_f64_mut(&mut self) -> Option<&mut [f64]> {
        match &mut self.numbers {
            Numbers::Host(CpuStorage::F64(values)) => Some(values),
            _ => None,
        }
    }

    /// The array as a candle tensor of its shape, uncopied and without history.
    ///
    /// # Errors
    /// On a device that is emulated, or has no room for the copy of an array that others share.
    pub fn into_tensor(self) -> Result<Tensor> {
        match self.numbers {
            Numbers::Host(storage) => {
                Ok(Tensor::from_storage(Storage::Cpu(storage), self.shape, BackpropOp::none(), false))
            }
            Numbers::Device(memory) => {
                let memory = Arc::try_unwrap(memory).or_else(|shared| shared.duplicate())?;
                memory.into_tensor(&self.shape)
            }
        }
    }

    /// Checks shape and type of an argument on the host.
    pub(crate) fn require(&self, what: &'static str, shape: &[usize], dtype: DType) -> Result<()> {
        self.require_shape(what, shape, dtype)?;
        match self.numbers {
            Numbers::Host(_) => Ok(()),
            Numbers::Device(_) => Err(Error::Place { what, found: "a CUDA device", wanted: "the CPU" }),
        }
    }

    /// Checks shape and place of an argument on a device.
    pub(crate) fn require_on(
        &self,
        machine: &Arc<dyn Machine>,
        what: &'static str,
        shape: &[usize],
    ) -> Result<&Arc<Memory>> {
        self.require_shape(what, shape, DType::F32)?;
        match &self.numbers {
            Numbers::Device(memory) if Arc::ptr_eq(memory.machine(), machine) => Ok(memory),
            Numbers::Device(_) => {
                Err(Error::Place { what, found: "another CUDA device", wanted: "that of the plan" })
            }
            Numbers::Host(_) => Err(Error::Place { what, found: "the CPU", wanted: "a CUDA device" }),
        }
    }

    /// Checks an argument on a device that is to be written, and gives it memory of its own.
    pub(crate) fn require_mut(
        &mut self,
        machine: &Arc<dyn Machine>,
        what: &'static str,
        shape: &[usize],
    ) -> Result<&Memory> {
        self.require_on(machine, what, shape)?;
        self.unshare()?;
        Ok(self.require_on(machine, what, shape)?)
    }

    /// Its memory, where it is on a device.
    pub(crate) fn on_device(&self) -> Option<&Arc<Memory>> {
        match &self.numbers {
            Numbers::Device(memory) => Some(memory),
            Numbers::Host(_) => None,
        }
    }

    /// Gives it memory of its own.
    fn unshare(&mut self) -> Result<()> {
        if let Numbers::Device(memory) = &mut self.numbers
            && Arc::get_mut(memory).is_none()
        {
            *memory = Arc::new(memory.duplicate()?);
        }
        Ok(())
    }

    /// These rows of its first extent, in this order, on the same device.
    pub(crate) fn rows(&self, rows: &[usize]) -> Result<Self> {
        let mut shape = self.shape.clone();
        let count = shape[1..].iter().product::<usize>();
        shape[0] = rows.len();
        let ranges = || rows.iter().map(|row| row * count..(row + 1) * count);
        let numbers = match &self.numbers {
            Numbers::Host(CpuStorage::F64(values)) => {
                Numbers::Host(CpuStorage::F64(ranges().flat_map(|range| &values[range]).copied().collect()))
            }
            Numbers::Host(CpuStorage::F32(values)) => {
                Numbers::Host(CpuStorage::F32(ranges().flat_map(|range| &values[range]).copied().collect()))
            }
            Numbers::Host(other) => Numbers::Host(other.clone()),
            Numbers::Device(memory) => {
                let own = Memory::new(memory.machine(), rows.len() * count * 4)?;
                for (at, range) in ranges().enumerate() {
                    own.copy_from(at * count, memory, range.start, count)?;
                }
                Numbers::Device(Arc::new(own))
            }
        };
        Ok(Self { numbers, shape })
    }

    /// A copy of a part of its numbers.
    pub(crate) fn read<R: Real>(&self, range: Range<usize>) -> Result<Vec<R>> {
        match &self.numbers {
            Numbers::Device(memory) => Ok(convert(&memory.read::<f32>(range.start, range.len())?)),
            Numbers::Host(CpuStorage::F64(values)) => Ok(convert(&values[range])),
            Numbers::Host(CpuStorage::F32(values)) => Ok(convert(&values[range])),
            Numbers::Host(_) => Ok(Vec::new()),
        }
    }

    /// Replaces its numbers from `start` on.
    pub(crate) fn write(&mut self, start: usize, values: &[f32]) -> Result<()> {
        self.unshare()?;
        let range = start..start + values.len();
        match &mut self.numbers {
            Numbers::Device(memory) => memory.write(start, values),
            Numbers::Host(CpuStorage::F32(all)) => {
                all[range].copy_from_slice(values);
                Ok(())
            }
            Numbers::Host(CpuStorage::F64(all)) => {
                all[range].iter_mut().zip(values).for_each(|(to, &from)| *to = from.into());
                Ok(())
            }
            Numbers::Host(_) => Ok(()),
        }
    }

    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    fn require_shape(&self, what: &'static str, shape: &[usize], dtype: DType) -> Result<()> {
        if self.shape != shape {
            return Err(Error::Shape { what, found: self.shape.clone(), wanted: shape.to_vec() });
        }
        if self.dtype() != dtype {
            return Err(Error::ElementType { what, found: self.dtype(), wanted: dtype });
        }
        Ok(())
    }

    fn from_values<R: Real>(values: &[R], shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        if values.len() != shape.iter().product::<usize>() {
            return Err(Error::Shape {
                what: "a list of values",
                found: vec![values.len()],
                wanted: shape.to_vec(),
            });
        }
        let numbers = match (cuda::machine(device)?, dtype) {
            (Some(machine), DType::F32) => {
                Numbers::Device(Arc::new(Memory::of::<f32>(&machine, &convert(values))?))
            }
            (Some(_), DType::F64) => return Err(Error::SinglePrecision),
            (None, DType::F32) => Numbers::Host(CpuStorage::F32(convert(values))),
            (None, DType::F64) => Numbers::Host(CpuStorage::F64(convert(values))),
            (_, found) => return Err(Error::UnsupportedType { found }),
        };
        Ok(Self { numbers, shape: shape.to_vec() })
    }
}

/// Numbers of another type.
fn convert<R: Real, S: Real>(values: &[R]) -> Vec<S> {
    values.iter().map(|value| S::from_f64(value.to_f64())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_becomes_a_tensor_uncopied() {
        let buffer = Buffer::from_f32(&[1.0, 2.0, 3.0], &[3, 1], DType::F32, &Device::Cpu).unwrap();
        let address = buffer.as_f32().unwrap().as_ptr();
        let tensor = buffer.into_tensor().unwrap();
        assert_eq!(tensor.dims(), [3, 1]);
        let (storage, _) = tensor.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { panic!("not on the CPU") };
        assert_eq!(storage.as_slice::<f32>().unwrap().as_ptr(), address);
    }

    #[test]
    fn types_are_converted_and_shapes_checked() {
        let buffer = Buffer::from_f64(&[0.1, -2.0], &[2], DType::F64, &Device::Cpu).unwrap();
        assert_eq!(buffer.to_f64().unwrap(), [0.1, -2.0]);
        assert_eq!(buffer.to_f32().unwrap(), [0.1f32, -2.0]);
        assert!(buffer.as_f32().is_none());
        assert!(Buffer::from_f64(&[0.1], &[2], DType::F64, &Device::Cpu).is_err());
        assert!(Buffer::zeros(&[2], DType::U8, &Device::Cpu).is_err());
    }
}
