//! What the engine asks of a device, and memory there. One stream: everything happens in the order of the
//! calls, and only [`Machine::read`] waits for it.

use std::fmt;
use std::sync::Arc;

use bytemuck::Pod;

use crate::Result;

/// A device that runs the kernels: one with CUDA, or the emulated one.
///
/// Callers pass addresses that lie in [`Memory`] of this machine, with as many bytes after them as the
/// call touches.
pub(crate) trait Machine: fmt::Debug + Send + Sync {
    /// An address of so many bytes, whose contents are unknown.
    fn allocate(&self, bytes: usize) -> Result<u64>;
    /// Gives back what was allocated, once the work queued so far is done.
    fn free(&self, address: u64, bytes: usize);
    /// Queues a copy to the device; the host's bytes may change afterwards.
    fn write(&self, address: u64, bytes: &[u8]) -> Result<()>;
    /// Copies from the device, after all that was queued.
    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<()>;
    /// Queues a copy within the device.
    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()>;
    /// Queues setting bytes to zero.
    fn clear(&self, address: u64, bytes: usize) -> Result<()>;
    /// Queues a kernel.
    fn launch(&self, launch: &Launch) -> Result<()>;
    /// Bytes that are free, and that there are.
    fn memory(&self) -> Result<(usize, usize)>;
    /// Bytes of shared memory that a block may have at most.
    fn shared_memory(&self) -> usize;
    /// The numbers at an address as a candle tensor that owns them.
    fn tensor(&self, address: u64, shape: &[usize]) -> Result<candle_core::Tensor>;
}

/// One launch of a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch<'a> {
    pub(crate) kernel: &'static str,
    /// Blocks.
    pub(crate) grid: [usize; 3],
    /// Threads of a block.
    pub(crate) block: usize,
    /// Bytes of shared memory of a block.
    pub(crate) shared: usize,
    pub(crate) arguments: &'a [Argument],
}

/// An argument of a kernel, as its C++ type has it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Argument {
    /// An address, or null.
    Pointer(u64),
    /// `int` or `u32`.
    Int(u32),
    /// `i64` or `u64`.
    Long(u64),
    Float(f32),
}

impl Argument {
    /// Null: what is not there.
    pub(crate) const NULL: Self = Self::Pointer(0);

    /// Its bits, in the low bytes.
    pub(crate) fn bits(self) -> u64 {
        match self {
            Self::Pointer(value) | Self::Long(value) => value,
            Self::Int(value) => value.into(),
            Self::Float(value) => value.to_bits().into(),
        }
    }
}

/// An address as an argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At(pub(crate) u64);

/// Numbers from one member to the next as an argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stride(pub(crate) usize);

impl From<At> for Argument {
    fn from(At(address): At) -> Self {
        Self::Pointer(address)
    }
}

impl From<&Memory> for Argument {
    fn from(memory: &Memory) -> Self {
        Self::Pointer(memory.address)
    }
}

impl From<Stride> for Argument {
    fn from(Stride(numbers): Stride) -> Self {
        Self::Long(numbers as u64)
    }
}

impl From<usize> for Argument {
    /// An `int`; sizes are checked when a bank is made.
    fn from(value: usize) -> Self {
        Self::Int(value as u32)
    }
}

impl From<bool> for Argument {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<f32> for Argument {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

/// The arguments of a kernel, in its order.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => {
        &[$($crate::cuda::machine::Argument::from($argument)),*]
    };
}
pub(crate) use arguments;

/// Memory of a machine; freed when dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    machine: Arc<dyn Machine>,
    address: u64,
    bytes: usize,
}

impl Memory {
    /// Room for so many bytes, whose contents are unknown.
    pub(crate) fn new(machine: &Arc<dyn Machine>, bytes: usize) -> Result<Self> {
        // An address of its own even where nothing is stored.
        let bytes = bytes.max(16);
        Ok(Self { address: machine.allocate(bytes)?, machine: Arc::clone(machine), bytes })
    }

    /// Room for so many numbers, all zero.
    pub(crate) fn zeros(machine: &Arc<dyn Machine>, count: usize) -> Result<Self> {
        let memory = Self::new(machine, count * 4)?;
        machine.clear(memory.address, memory.bytes)?;
        Ok(memory)
    }

    /// These values.
    pub(crate) fn of<T: Pod>(machine: &Arc<dyn Machine>, values: &[T]) -> Result<Self> {
        let memory = Self::new(machine, size_of_val(values))?;
        memory.write(0, values)?;
        Ok(memory)
    }

    /// A copy.
    pub(crate) fn duplicate(&self) -> Result<Self> {
        let memory = Self::new(&self.machine, self.bytes)?;
        self.machine.copy(self.address, memory.address, self.bytes)?;
        Ok(memory)
    }

    /// Its machine.
    pub(crate) fn machine(&self) -> &Arc<dyn Machine> {
        &self.machine
    }

    /// The address of its number `index`, of four bytes each.
    pub(crate) fn at(&self, index: usize) -> u64 {
        self.address + 4 * index as u64
    }

    /// Replaces values from the one of this index on.
    pub(crate) fn write<T: Pod>(&self, index: usize, values: &[T]) -> Result<()> {
        let (bytes, start) = (bytemuck::cast_slice(values), index * size_of::<T>());
        self.check(start + bytes.len());
        self.machine.write(self.address + start as u64, bytes)
    }

    /// So many values from the one of this index on, after all that was queued.
    pub(crate) fn read<T: Pod>(&self, index: usize, count: usize) -> Result<Vec<T>> {
        let (mut values, start) = (vec![T::zeroed(); count], index * size_of::<T>());
        self.check(start + size_of_val(&values[..]));
        self.machine.read(self.address + start as u64, bytemuck::cast_slice_mut(&mut values))?;
        Ok(values)
    }

    /// Replaces `count` numbers from `to` on by those of another memory from `from` on.
    pub(crate) fn copy_from(&self, to: usize, other: &Self, from: usize, count: usize) -> Result<()> {
        self.check((to + count) * 4);
        other.check((from + count) * 4);
        self.machine.copy(other.at(from), self.at(to), count * 4)
    }

    /// The numbers as a candle tensor that owns them.
    pub(crate) fn into_tensor(mut self, shape: &[usize]) -> Result<candle_core::Tensor> {
        let tensor = self.machine.tensor(self.address, shape)?;
        // The tensor frees them now.
        self.address = 0;
        Ok(tensor)
    }

    /// # Panics
    /// When a caller reaches beyond its own memory.
    fn check(&self, end: usize) {
        assert!(end <= self.bytes, "{end} bytes of {}", self.bytes);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.address != 0 {
            self.machine.free(self.address, self.bytes);
        }
    }
}
