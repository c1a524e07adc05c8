//! What the steps of a training leave: losses and logits, kept on the device until somebody looks.

use candle_core::{DType, Device};

use crate::cuda::machine::Memory;
use crate::{BankShape, Buffer, Error, Network, Plan, Result, cuda};

/// The losses and logits of the last steps of a bank.
///
/// On a CUDA device a step is recorded without waiting for it. On the CPU there is room for one step.
#[derive(Debug)]
pub struct Trace {
    shape: BankShape,
    outputs: usize,
    steps: usize,
    capacity: usize,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Host {
        losses: Vec<f64>,
        logits: Vec<f32>,
    },
    /// `(capacity, m)` and `(capacity, m, batch, outputs)`.
    Device {
        losses: Memory,
        logits: Memory,
    },
}

/// What one step left.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTrace {
    /// The loss of each member.
    pub losses: Vec<f64>,
    /// `(m, batch, outputs)`.
    pub logits: Vec<f32>,
}

impl Trace {
    /// Room for at most `capacity` steps of a bank.
    ///
    /// # Errors
    /// A device that is not there or has no room.
    pub fn new(network: &Network, shape: BankShape, capacity: usize, device: &Device) -> Result<Self> {
        let outputs = network.outputs();
        let (kept, capacity) = match cuda::machine(device)? {
            None => (Kept::Host { losses: Vec::new(), logits: Vec::new() }, 1),
            Some(machine) => {
                let capacity = capacity.max(1);
                let rows = shape.members * shape.batch;
                let losses = Memory::zeros(&machine, capacity * shape.members)?;
                let logits = Memory::zeros(&machine, capacity * rows * outputs)?;
                (Kept::Device { losses, logits }, capacity)
            }
        };
        Ok(Self { shape, outputs, steps: 0, capacity, kept })
    }

    /// Steps recorded since the trace was last taken.
    pub fn len(&self) -> usize {
        self.steps
    }

    /// Whether none is recorded.
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// Whether it must be taken before the next step.
    pub fn is_full(&self) -> bool {
        self.steps == self.capacity
    }

    /// Records the plan's last run, whose logits these are.
    ///
    /// # Errors
    /// Logits of another shape or device, a plan likewise, or a full trace.
    pub fn record(&mut self, plan: &Plan, logits: &Buffer) -> Result<()> {
        if self.is_full() {
            let (found, limit) = (self.steps, self.capacity);
            return Err(Error::OutOfRange { what: "a step of a trace", found, limit });
        }
        let (m, rows) = (self.shape.members, self.shape.members * self.shape.batch);
        let shape = [m, self.shape.batch, self.outputs];
        match &mut self.kept {
            Kept::Host { losses, logits: kept } => {
                logits.require("the logits", &shape, DType::F32)?;
                losses.clear();
                losses.extend_from_slice(&plan.losses()?);
                kept.clear();
                kept.extend_from_slice(logits.as_f32().unwrap_or_default());
            }
            Kept::Device { losses, logits: kept } => {
                let logits = logits.require_on(kept.machine(), "the logits", &shape)?;
                let count = rows * self.outputs;
                losses.copy_from(self.steps * m, plan.losses_on(kept.machine(), m)?, 0, m)?;
                kept.copy_from(self.steps * count, logits, 0, count)?;
            }
        }
        self.steps += 1;
        Ok(())
    }

    /// The steps recorded since it was last taken, in order. A CUDA device is waited for.
    ///
    /// # Errors
    /// A device that cannot be read.
    pub fn take(&mut self) -> Result<Vec<StepTrace>> {
        let steps = std::mem::take(&mut self.steps);
        let (m, count) = (self.shape.members, self.shape.members * self.shape.batch * self.outputs);
        match &mut self.kept {
            Kept::Host { losses, logits } => {
                let step = StepTrace { losses: std::mem::take(losses), logits: std::mem::take(logits) };
                Ok((0..steps).map(|_| step.clone()).collect())
            }
            Kept::Device { losses, logits } => {
                let losses: Vec<f32> = losses.read(0, steps * m)?;
                let logits: Vec<f32> = logits.read(0, steps * count)?;
                let steps = losses.chunks_exact(m).zip(logits.chunks_exact(count));
                let step = |(losses, logits): (&[f32], &[f32])| StepTrace {
                    losses: losses.iter().copied().map(f64::from).collect(),
                    logits: logits.to_vec(),
                };
                Ok(steps.map(step).collect())
            }
        }
    }
}
