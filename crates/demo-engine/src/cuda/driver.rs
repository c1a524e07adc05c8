//! A CUDA device, by way of candle's: its context and its one stream.

#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::cuda_backend::cudarc::driver::{CudaFunction, CudaStream, DriverError, result, sys};
use candle_core::cuda_backend::cudarc::nvrtc;
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, Storage, Tensor};

use super::machine::{Launch, Machine};
use super::source::SOURCE;
use super::staging::Staging;
use crate::{Error, Result};

/// Name of the compiled kernels among the device's modules.
const MODULE: &str = "demo-engine";
/// Shared memory that a block gets without asking.
const PLAIN_SHARED: usize = 48 << 10;
/// Bytes beyond which a copy to the device is waited for: a store, when a training begins.
const LARGE: usize = 16 << 20;

/// The machine of a device, made when it is first asked for.
pub(crate) fn machine(device: &CudaDevice) -> Result<Arc<dyn Machine>> {
    static KNOWN: Mutex<Vec<Arc<Driver>>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(driver) = known.iter().find(|driver| driver.device.id() == device.id()) {
        return Ok(Arc::clone(driver) as Arc<dyn Machine>);
    }
    let driver = Arc::new(Driver::new(device)?);
    known.push(Arc::clone(&driver));
    Ok(driver)
}

struct Driver {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    functions: Mutex<BTreeMap<&'static str, CudaFunction>>,
    staging: Mutex<Staging>,
    ptx: String,
    shared_memory: usize,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("device", &self.device).finish_non_exhaustive()
    }
}

impl Driver {
    fn new(device: &CudaDevice) -> Result<Self> {
        let stream = device.cuda_stream();
        let context = stream.context();
        let (major, minor) = context.compute_capability().map_err(failed("its compute capability"))?;
        let attribute = sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
        let shared_memory = context.attribute(attribute).map_err(failed("its shared memory"))?;
        // Fused multiply-adds are on; nothing else trades precision for speed.
        let options = nvrtc::CompileOptions {
            name: Some("demo-engine.cu".to_owned()),
            options: vec![format!("--gpu-architecture=compute_{major}{minor}"), "--std=c++17".to_owned()],
            ..nvrtc::CompileOptions::default()
        };
        let compiled = nvrtc::compile_ptx_with_opts(SOURCE, options);
        let ptx = compiled
            .map_err(|error| Error::CudaDevice {
                what: "compiling the kernels",
                reason: format!("{error:?}"),
            })?
            .to_src();
        let shared_memory = usize::try_from(shared_memory).unwrap_or(PLAIN_SHARED);
        let (functions, staging) = (Mutex::new(BTreeMap::new()), Mutex::new(Staging::new()));
        Ok(Self { device: device.clone(), stream, functions, staging, ptx, shared_memory })
    }

    /// Makes the device's context current on this thread.
    fn bind(&self) -> Result<()> {
        self.stream.context().bind_to_thread().map_err(failed("its context"))
    }

    fn function(&self, name: &'static str) -> Result<CudaFunction> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(name) {
            return Ok(function.clone());
        }
        let function = self.device.get_or_load_custom_func(name, MODULE, &self.ptx)?.into_cuda_function();
        let most = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let bytes = i32::try_from(self.shared_memory).unwrap_or(i32::MAX);
        function.set_attribute(most, bytes).map_err(failed("shared memory"))?;
        functions.insert(name, function.clone());
        Ok(function)
    }
}

impl Machine for Driver {
    fn allocate(&self, bytes: usize) -> Result<u64> {
        self.bind()?;
        // SAFETY: driver calls without pointers of ours; the stream is alive while `self` is.
        let address = unsafe {
            if self.stream.context().has_async_alloc() {
                result::malloc_async(self.stream.cu_stream(), bytes)
            } else {
                result::malloc_sync(bytes)
            }
        };
        match address {
            Ok(address) => Ok(address),
            Err(DriverError(sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => {
                let free = result::mem_get_info().map_or(0, |(free, _)| free);
                Err(Error::OutOfMemory { wanted: bytes, free })
            }
            Err(error) => Err(failed("allocating memory")(error)),
        }
    }

    fn free(&self, address: u64, _: usize) {
        if self.bind().is_ok() {
            // SAFETY: `address` came from `allocate` and is freed once, by its `Memory`, after all work
            // queued before: the other call waits for it. A failure leaves the memory to the end of the
            // process.
            let _ = unsafe {
                if self.stream.context().has_async_alloc() {
                    result::free_async(address, self.stream.cu_stream())
                } else {
                    result::free_sync(address)
                }
            };
        }
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.bind()?;
        if bytes.len() <= LARGE {
            let mut staging = self.staging.lock().unwrap_or_else(PoisonError::into_inner);
            return staging.write(&self.stream, address, bytes).map_err(failed("copying to it"));
        }
        // SAFETY: callers give the address of at least so many bytes of ours; `bytes` lives until the
        // stream has been waited for.
        unsafe { result::memcpy_htod_async(address, bytes, self.stream.cu_stream()) }
            .map_err(failed("copying to it"))?;
        self.stream.synchronize().map_err(failed("waiting for it"))
    }

    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        self.bind()?;
        // SAFETY: callers give the address of at least so many bytes of ours; `bytes` lives until the
        // stream has been waited for.
        unsafe { result::memcpy_dtoh_async(bytes, address, self.stream.cu_stream()) }
            .map_err(failed("copying from it"))?;
        self.stream.synchronize().map_err(failed("waiting for it"))
    }

    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        self.bind()?;
        // SAFETY: callers give addresses of at least so many bytes of ours, in two allocations.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) }
            .map_err(failed("copying on it"))
    }

    fn clear(&self, address: u64, bytes: usize) -> Result<()> {
        self.bind()?;
        // SAFETY: callers give the address of at least so many bytes of ours.
        unsafe { result::memset_d8_async(address, 0, bytes, self.stream.cu_stream()) }
            .map_err(failed("clearing memory"))
    }

    fn launch(&self, launch: &Launch) -> Result<()> {
        self.bind()?;
        let function = self.function(launch.kernel)?;
        let mut values = [0; 24];
        let mut pointers = [std::ptr::null_mut::<c_void>(); 24];
        for ((value, pointer), argument) in values.iter_mut().zip(&mut pointers).zip(launch.arguments) {
            *value = argument.bits();
            *pointer = std::ptr::from_mut(value).cast();
        }
        let [x, y, z] = launch.grid.map(|blocks| blocks as u32);
        let count = launch.arguments.len().min(pointers.len());
        // SAFETY: the kernel's parameters are `launch.arguments` in number and type, which the emulated
        // device checks for every kernel; each pointer leads to eight bytes, of which the driver takes
        // the parameter's low ones before it returns. What the kernel reaches is described there.
        unsafe {
            result::launch_kernel(
                function.cu_function(),
                (x, y, z),
                (launch.block as u32, 1, 1),
                launch.shared as u32,
                self.stream.cu_stream(),
                &mut pointers[..count],
            )
        }
        .map_err(failed(launch.kernel))
    }

    fn memory(&self) -> Result<(usize, usize)> {
        self.bind()?;
        // What was freed goes back to the system when the stream is waited for.
        self.stream.synchronize().map_err(failed("waiting for it"))?;
        result::mem_get_info().map_err(failed("its memory"))
    }

    fn shared_memory(&self) -> usize {
        self.shared_memory
    }

    fn tensor(&self, address: u64, shape: &[usize]) -> Result<Tensor> {
        let count = shape.iter().product();
        // SAFETY: the address holds `count` numbers, and its `Memory` hands it over.
        let slice = unsafe { self.stream.upgrade_device_ptr::<f32>(address, count) };
        let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(slice, self.device.clone()));
        Ok(Tensor::from_storage(storage, shape, BackpropOp::none(), false))
    }
}

/// An error of the driver while it did something.
fn failed(what: &'static str) -> impl Fn(DriverError) -> Error {
    move |error| {
        let text = error.error_string().map(|text| text.to_string_lossy().into_owned());
        Error::CudaDevice { what, reason: text.unwrap_or_else(|_| format!("{error:?}")) }
    }
}
