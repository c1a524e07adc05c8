//! Numbers on a device, owned as candle storage, so that a result becomes a tensor uncopied.

use candle_core::op::BackpropOp;
use candle_core::{CpuStorage, DType, Device, Storage, Tensor};

use crate::real::Real;
use crate::{Error, Result};

/// A dense array of `F32` or `F64` numbers, row-major, with its shape.
#[derive(Debug, Clone)]
pub struct Buffer {
    storage: CpuStorage,
    shape: Vec<usize>,
}

impl Buffer {
    /// An array of zeros.
    ///
    /// # Errors
    /// Another device than the CPU, or another element type than `F32` and `F64`.
    pub fn zeros(shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        require_cpu(device)?;
        let count = shape.iter().product();
        let storage = match dtype {
            DType::F32 => CpuStorage::F32(vec![0.0; count]),
            DType::F64 => CpuStorage::F64(vec![0.0; count]),
            found => return Err(Error::UnsupportedType { found }),
        };
        Ok(Self { storage, shape: shape.to_vec() })
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

    /// Its extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its element type.
    pub fn dtype(&self) -> DType {
        match self.storage {
            CpuStorage::F64(_) => DType::F64,
            _ => DType::F32,
        }
    }

    /// A copy of its numbers as `f32`.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        Ok(self.to_values())
    }

    /// A copy of its numbers as `f64`.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        Ok(self.to_values())
    }

    /// Its numbers, where they are `F32` on the host.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.storage {
            CpuStorage::F32(values) => Some(values),
            _ => None,
        }
    }

    /// Its numbers, to be written, where they are `F32` on the host.
    pub fn as_f32_mut(&mut self) -> Option<&mut [f32]> {
        match &mut self.storage {
            CpuStorage::F32(values) => Some(values),
            _ => None,
        }
    }

    /// Its numbers, where they are `F64` on the host.
    pub fn as_f64(&self) -> Option<&[f64]> {
        match &self.storage {
            CpuStorage::F64(values) => Some(values),
            _ => None,
        }
    }

    /// Its numbers, to be written, where they are `F64` on the host.
    pub fn as_f64_mut(&mut self) -> Option<&mut [f64]> {
        match &mut self.storage {
            CpuStorage::F64(values) => Some(values),
            _ => None,
        }
    }

    /// The array as a candle tensor of its shape, uncopied and without history.
    pub fn into_tensor(self) -> Tensor {
        Tensor::from_storage(Storage::Cpu(self.storage), self.shape, BackpropOp::none(), false)
    }

    /// Checks shape and type of an argument.
    pub(crate) fn require(&self, what: &'static str, shape: &[usize], dtype: DType) -> Result<()> {
        if self.shape != shape {
            return Err(Error::Shape { what, found: self.shape.clone(), wanted: shape.to_vec() });
        }
        if self.dtype() != dtype {
            return Err(Error::ElementType { what, found: self.dtype(), wanted: dtype });
        }
        Ok(())
    }

    fn from_values<R: Real>(values: &[R], shape: &[usize], dtype: DType, device: &Device) -> Result<Self> {
        require_cpu(device)?;
        if values.len() != shape.iter().product::<usize>() {
            return Err(Error::Shape {
                what: "a list of values",
                found: vec![values.len()],
                wanted: shape.to_vec(),
            });
        }
        let storage = match dtype {
            DType::F32 => CpuStorage::F32(values.iter().map(|v| v.to_f64() as f32).collect()),
            DType::F64 => CpuStorage::F64(values.iter().map(|v| v.to_f64()).collect()),
            found => return Err(Error::UnsupportedType { found }),
        };
        Ok(Self { storage, shape: shape.to_vec() })
    }

    fn to_values<R: Real>(&self) -> Vec<R> {
        if let Some(values) = self.as_f32() {
            return values.iter().map(|&v| R::from_f64(f64::from(v))).collect();
        }
        self.as_f64().unwrap_or_default().iter().map(|&v| R::from_f64(v)).collect()
    }
}

/// Refuses every device but the CPU.
pub(crate) fn require_cpu(device: &Device) -> Result<()> {
    if device.is_cpu() {
        return Ok(());
    }
    Err(Error::UnsupportedDevice { found: format!("{:?}", device.location()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_becomes_a_tensor_uncopied() {
        let buffer = Buffer::from_f32(&[1.0, 2.0, 3.0], &[3, 1], DType::F32, &Device::Cpu).unwrap();
        let address = buffer.as_f32().unwrap().as_ptr();
        let tensor = buffer.into_tensor();
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
