//! A call of a plan on a CUDA device: the checks, and what is asked of the bank there.

use candle_core::Device;

use crate::{Buffer, Error, Input, InputGradient, Objective, Result, Task, cuda};

use super::Call;

/// Bytes of memory that are free on a device, and that there are; none for the CPU.
///
/// # Errors
/// A device that is not there or cannot be asked.
pub fn device_memory(device: &Device) -> Result<Option<(usize, usize)>> {
    cuda::machine(device)?.map(|machine| machine.memory()).transpose()
}

impl Call<'_> {
    /// Checks the arguments and runs the bank.
    pub(super) fn run_on_device(&self, bank: &mut cuda::Bank, task: Task, logits: &mut Buffer) -> Result<()> {
        let (m, n, machine) = (self.shape.members, self.batch.size, bank.machine.clone());
        let (length, outputs) = (bank.steps.length, bank.steps.outputs);
        let parameters = [m, bank.steps.parameters];
        self.check_batch(length, Some(&machine))?;
        let params = self.params.buffer().require_on(&machine, "the parameters", &parameters)?;
        let logits = logits.require_mut(&machine, "the logits", &[m, self.shape.batch, outputs])?;
        let mut run = cuda::Run {
            params,
            batch: self.batch,
            wanted: cuda::Wanted::Logits,
            train: None,
            gradient: None,
            observed: None,
            bases: None,
            logits,
        };
        match task {
            Task::Predict => bank.run(&run),
            Task::Truncations { prefixes, suffixes } => {
                if let Some(reason) = bank.steps.no_truncation() {
                    return Err(Error::Unsupported { task: "truncation", reason });
                }
                let shape = [m, n, length, outputs];
                let prefixes = prefixes.require_mut(&machine, "the prefixes' logits", &shape)?;
                let suffixes = suffixes.require_mut(&machine, "the suffixes' logits", &shape)?;
                run.wanted = cuda::Wanted::Truncations([prefixes, suffixes]);
                bank.run(&run)
            }
            Task::Mutants { mutants } => {
                if matches!(self.batch.input, Input::Soft(_)) {
                    let reason = "soft input has no bases to mutate";
                    return Err(Error::Unsupported { task: "mutants", reason });
                }
                let shape = [m, n, length, 4, outputs];
                run.wanted =
                    cuda::Wanted::Mutants(mutants.require_mut(&machine, "the mutants' logits", &shape)?);
                bank.run(&run)
            }
            Task::Gradient { of, mode, params, input } => {
                self.check_objective(of, outputs)?;
                run.wanted = match of {
                    Objective::Loss(_) => cuda::Wanted::Loss,
                    Objective::Logit(index) => cuda::Wanted::Logit(index),
                    Objective::Cotangent(buffer) => cuda::Wanted::Cotangent(buffer.require_on(
                        &machine,
                        "the cotangent",
                        &[m, n, outputs],
                    )?),
                };
                run.train = self.mode(mode)?;
                if let Some(buffer) = params {
                    run.gradient =
                        Some(buffer.require_mut(&machine, "the parameters' gradient", &parameters)?);
                }
                let what = "the input's gradient";
                match input {
                    None => {}
                    Some(InputGradient::Observed(buffer)) => {
                        self.check_observed()?;
                        run.observed = Some(buffer.require_mut(&machine, what, &[m, n, length])?);
                    }
                    Some(InputGradient::Bases(buffer)) => {
                        run.bases = Some(buffer.require_mut(&machine, what, &[m, n, length, 4])?);
                    }
                }
                bank.run(&run)
            }
        }
    }
}
