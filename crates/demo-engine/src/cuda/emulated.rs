//! A device made of a C++ compiler: the very kernels, run thread by thread on the CPU by a program of its
//! own (`emulator.cpp`). It shows whether kernels and the code that launches them are right; it is
//! thousands of times slower than a device.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::Device;

use super::machine::{Argument, Launch, Machine};
use super::source::SOURCE;
use crate::{Error, Result};

/// The program's source.
const EMULATOR: &str = include_str!("emulator.cpp");
/// What a block may have on a device of compute capability 9.0.
const SHARED_MEMORY: usize = 232_448;

/// The emulated device as `Device::Cuda`, for tests; one a process, whose first call says how many bytes
/// of memory it has.
///
/// It needs a C++ compiler (`CXX`, `c++`, `g++` or `clang++`) and a build without the feature `cuda`. The
/// compiled program is kept in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`).
/// With `DEMO_EMULATED_ORDER=descending` the threads of a block run the other way round.
///
/// # Errors
/// [`Error::Emulation`] says why there is none.
pub fn emulated_device(memory: usize) -> Result<Device> {
    start(memory)?;
    device()
}

#[cfg(not(feature = "cuda"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature there is none")]
fn device() -> Result<Device> {
    Ok(Device::Cuda(candle_core::CudaDevice))
}

#[cfg(feature = "cuda")]
fn device() -> Result<Device> {
    Err(Error::Emulation { reason: "this build has CUDA itself".to_owned() })
}

/// The process's emulated device, where one was started.
pub(crate) fn machine() -> Result<Arc<dyn Machine>> {
    match MACHINE.get() {
        Some(Ok(machine)) => Ok(Arc::clone(machine) as Arc<dyn Machine>),
        Some(Err(reason)) => Err(Error::Emulation { reason: reason.clone() }),
        None => Err(Error::Emulation { reason: "none was started".to_owned() }),
    }
}

static MACHINE: OnceLock<std::result::Result<Arc<Emulated>, String>> = OnceLock::new();

fn start(memory: usize) -> Result<()> {
    MACHINE.get_or_init(|| Emulated::start(memory).map(Arc::new));
    machine().map(|_| ())
}

/// A running emulator.
#[derive(Debug)]
struct Emulated {
    pipes: Mutex<Pipes>,
}

#[derive(Debug)]
struct Pipes {
    child: Child,
    to: Option<ChildStdin>,
    from: ChildStdout,
}

impl Emulated {
    fn start(memory: usize) -> std::result::Result<Self, String> {
        let program = build()?;
        let order = std::env::var("DEMO_EMULATED_ORDER").unwrap_or_else(|_| "ascending".to_owned());
        let mut child = Command::new(&program)
            .arg(memory.to_string())
            .arg(order)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let from = from.ok_or("the emulator has no output")?;
        Ok(Self { pipes: Mutex::new(Pipes { child, to, from }) })
    }

    /// Sends a command, and takes its answer into `answer`.
    fn send(&self, command: &[&[u8]], answer: &mut [u8]) -> Result<()> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let Pipes { to, from, .. } = &mut *pipes;
        let mut exchange = || {
            if let Some(to) = to {
                command.iter().try_for_each(|part| to.write_all(part))?;
                if !answer.is_empty() {
                    to.flush()?;
                }
            }
            from.read_exact(answer)
        };
        exchange().map_err(|error| Error::Emulation { reason: format!("it stopped ({error})") })
    }

    fn ask<const N: usize>(&self, command: &[&[u8]]) -> Result<[u64; N]> {
        let mut answer = [0; N];
        self.send(command, bytemuck::cast_slice_mut(&mut answer))?;
        Ok(answer)
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // The program ends with its input.
        self.to = None;
        let _ = self.child.wait();
    }
}

impl Machine for Emulated {
    fn allocate(&self, bytes: usize) -> Result<u64> {
        match self.ask(&[b"A", &(bytes as u64).to_ne_bytes()])? {
            [0] => Err(Error::OutOfMemory { wanted: bytes, free: self.memory()?.0 }),
            [address] => Ok(address),
        }
    }

    fn free(&self, address: u64, _: usize) {
        // Where the program has stopped, the memory is gone with it.
        let _ = self.send(&[b"F", &address.to_ne_bytes()], &mut []);
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Result<()> {
        self.send(&[b"W", &address.to_ne_bytes(), &(bytes.len() as u64).to_ne_bytes(), bytes], &mut [])
    }

    fn read(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        let count = bytes.len() as u64;
        self.send(&[b"R", &address.to_ne_bytes(), &count.to_ne_bytes()], bytes)
    }

    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        self.send(&[b"C", &from.to_ne_bytes(), &to.to_ne_bytes(), &bytes.to_ne_bytes()], &mut [])
    }

    fn clear(&self, address: u64, bytes: usize) -> Result<()> {
        self.send(&[b"Z", &address.to_ne_bytes(), &(bytes as u64).to_ne_bytes()], &mut [])
    }

    fn launch(&self, launch: &Launch) -> Result<()> {
        let mut command = vec![b'L'];
        let mut number = |value: usize| command.extend((value as u32).to_ne_bytes());
        number(launch.kernel.len());
        command.extend(launch.kernel.as_bytes());
        let [x, y, z] = launch.grid;
        for value in [x, y, z, launch.block, launch.shared, launch.arguments.len()] {
            command.extend((value as u32).to_ne_bytes());
        }
        for argument in launch.arguments {
            command.push(match argument {
                Argument::Pointer(_) => b'p',
                Argument::Int(_) => b'i',
                Argument::Long(_) => b'l',
                Argument::Float(_) => b'f',
            });
            command.extend(argument.bits().to_ne_bytes());
        }
        self.send(&[&command], &mut [])
    }

    fn memory(&self) -> Result<(usize, usize)> {
        let [free, total] = self.ask(&[b"M"])?;
        Ok((free as usize, total as usize))
    }

    fn shared_memory(&self) -> usize {
        SHARED_MEMORY
    }

    fn tensor(&self, _: u64, _: &[usize]) -> Result<candle_core::Tensor> {
        Err(Error::Emulation { reason: "candle has no tensors there".to_owned() })
    }
}

/// The compiled program, which is kept for later processes.
fn build() -> std::result::Result<PathBuf, String> {
    let mut table = String::new();
    for line in SOURCE.lines() {
        let words =
            line.strip_prefix("extern \"C\" __global__ void ").and_then(|rest| rest.split('(').next());
        if let Some(name) = words {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "KERNEL({name})");
        }
        // Kernels made by a macro: WINDOW_PRODUCT(128, 32, 1, ..) makes window_product_128_32_1.
        if let Some((name, sizes)) = line.strip_suffix(')').and_then(|line| line.split_once('('))
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        {
            let sizes: Vec<&str> = sizes.split(", ").take(3).collect();
            let _ = writeln!(table, "KERNEL({}_{})", name.to_lowercase(), sizes.join("_"));
        }
    }
    let folder = cache()?.join(format!("emulator-{:016x}", fingerprint(&table)));
    let program = folder.join("emulator");
    if program.exists() {
        return Ok(program);
    }
    compile(&folder, &table)?;
    Ok(program)
}

/// Where compiled programs are kept: a folder of the user's own, for what lies there is run.
fn cache() -> std::result::Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let caches = caches.ok_or("neither XDG_CACHE_HOME nor HOME names a folder to compile in")?;
    Ok(caches.join("deep-motif"))
}

/// Compiles under a name of this process, then renames, so that no other process finds half a program.
fn compile(folder: &Path, table: &str) -> std::result::Result<(), String> {
    let own = folder.join(std::process::id().to_string());
    let io = |error: std::io::Error| format!("{}: {error}", own.display());
    fs::create_dir_all(&own).map_err(io)?;
    for (name, text) in [("emulator.cpp", EMULATOR), ("kernels.cu", SOURCE), ("table.inc", table)] {
        fs::write(own.join(name), text).map_err(io)?;
    }
    let named = std::env::var("CXX").ok();
    let compilers = named.iter().map(String::as_str).chain(["c++", "g++", "clang++"]);
    for compiler in compilers {
        let options = ["-std=c++17", "-O2", "-march=native", "-w", "-U_FORTIFY_SOURCE", "-o", "emulator"];
        let outcome = Command::new(compiler).args(options).arg("emulator.cpp").current_dir(&own).output();
        match outcome {
            Ok(output) if output.status.success() => {
                fs::rename(own.join("emulator"), folder.join("emulator")).map_err(io)?;
                return fs::remove_dir_all(&own).map_err(io);
            }
            Ok(output) => {
                // The compiler's words are worth more than an error about its folder.
                let _ = fs::remove_dir_all(&own);
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            Err(_) => {}
        }
    }
    Err("no C++ compiler: c++, g++ and clang++ were looked for".to_owned())
}

/// FNV-1a over all that is compiled, and over what the processor can do that it is compiled for.
fn fingerprint(table: &str) -> u64 {
    #[cfg(target_arch = "x86_64")]
    let processor = [
        is_x86_feature_detected!("avx2"),
        is_x86_feature_detected!("fma"),
        is_x86_feature_detected!("avx512f"),
        is_x86_feature_detected!("avx512bw"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let processor = [false; 4];
    let bytes = EMULATOR.bytes().chain(SOURCE.bytes()).chain(table.bytes()).chain(processor.map(u8::from));
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
