//! Copies to a CUDA device that wait for nothing: by way of page-locked memory, since the driver may wait
//! for the stream before it copies from any other.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr;

use candle_core::cuda_backend::cudarc::driver::{CudaStream, DriverError, result, sys};

/// Copies that may be under way; beyond these the host waits for the oldest.
const SLOTS: usize = 64;

/// Page-locked rooms, used in turn.
pub(super) struct Staging {
    slots: Vec<Slot>,
    next: usize,
}

struct Slot {
    room: *mut c_void,
    bytes: usize,
    /// When the last copy from the room is done.
    copied: sys::CUevent,
}

// SAFETY: rooms and events belong to the device's context, which any thread may make current; whoever
// uses them holds `&mut Staging`.
unsafe impl Send for Staging {}

impl Staging {
    /// No rooms yet.
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), next: 0 }
    }

    /// Queues a copy of bytes, which may change once this returns, to an address of as many on the device.
    /// The device's context is current.
    pub(super) fn write(
        &mut self,
        stream: &CudaStream,
        address: u64,
        bytes: &[u8],
    ) -> Result<(), DriverError> {
        if self.slots.len() < SLOTS && self.next == self.slots.len() {
            let copied = result::event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING)?;
            self.slots.push(Slot { room: ptr::null_mut(), bytes: 0, copied });
        }
        let slot = &mut self.slots[self.next];
        self.next = (self.next + 1) % SLOTS;
        // SAFETY: the event is alive, as every slot's is to the end of the process.
        unsafe { result::event::synchronize(slot.copied) }?;
        slot.grow(bytes.len())?;
        // SAFETY: the room holds `bytes.len()` bytes and no copy from it is under way; it stays untouched
        // until the event, recorded after the copy, has come.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), slot.room.cast(), bytes.len());
            let room = std::slice::from_raw_parts(slot.room.cast::<u8>(), bytes.len());
            result::memcpy_htod_async(address, room, stream.cu_stream())?;
            result::event::record(slot.copied, stream.cu_stream())
        }
    }
}

impl Slot {
    fn grow(&mut self, bytes: usize) -> Result<(), DriverError> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let wanted = bytes.next_power_of_two();
        // SAFETY: the old room came from `malloc_host` and no copy from it is under way.
        unsafe {
            if !self.room.is_null() {
                result::free_host(std::mem::replace(&mut self.room, ptr::null_mut()))?;
                self.bytes = 0;
            }
            self.room = result::malloc_host(wanted, 0)?;
        }
        self.bytes = wanted;
        Ok(())
    }
}
