//! A plan: a network prepared to run for one bank shape, with all its scratch.

mod bank;
mod chain;
mod device;
mod lane;
mod mutants;
mod phases;
mod runs;
pub(crate) mod truncate;
mod walk;
mod workspace;

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};

use crate::cuda::machine::{Machine, Memory};
use crate::real::Real;
use crate::{
    Batch, Buffer, Error, Input, InputGradient, Mode, Network, Objective, Params, Result, Task, cuda,
};

use bank::{Bank, Results, Run, Wanted, numbers_mut};
pub use device::device_memory;
use walk::InputForm;

/// How many networks run together, and how many sequences each takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankShape {
    /// Members of the bank: the m of all shapes.
    pub members: usize,
    /// Sequences of each member in one run, at most.
    pub batch: usize,
}

/// A network prepared to run, with its scratch: a later [`Plan::run`] of a kind allocates nothing. (The first
/// one of mutants, and on a CUDA device the first one of any kind, takes what only that kind needs.)
///
/// Work is spread over the rayon pool that `run` is called in; the pool that `new` is called in sets
/// how many threads have scratch of their own. The number of threads changes no bit of the results.
#[derive(Debug)]
pub struct Plan {
    shape: BankShape,
    dtype: DType,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    F32(Box<Bank<f32>>),
    F64(Box<Bank<f64>>),
    Cuda(Box<cuda::Bank>),
}

impl Plan {
    /// Allocates scratch for a network, a bank shape and an element type.
    ///
    /// # Errors
    /// A device that is not there or has no room, an element type other than `F32` and, on the CPU,
    /// `F64`, no members or an empty batch, a layer that the device has no kernels for.
    pub fn new(network: &Network, shape: BankShape, dtype: DType, device: &Device) -> Result<Self> {
        if shape.members == 0 || shape.batch == 0 {
            let found = vec![shape.members, shape.batch];
            return Err(Error::Shape { what: "a bank (members, batch)", found, wanted: vec![1, 1] });
        }
        let inner = match (cuda::machine(device)?, dtype) {
            (Some(machine), DType::F32) => Inner::Cuda(Box::new(cuda::Bank::new(&machine, network, shape)?)),
            (Some(_), DType::F64) => return Err(Error::SinglePrecision),
            (None, DType::F32) => Inner::F32(Box::new(Bank::new(network, shape))),
            (None, DType::F64) => Inner::F64(Box::new(Bank::new(network, shape))),
            (_, found) => return Err(Error::UnsupportedType { found }),
        };
        Ok(Self { shape, dtype, inner })
    }

    /// Takes a batch through the networks and does the task. Writes `logits` `(m, batch, outputs)`;
    /// rows beyond `batch.size` are left alone, and so may be rows that only fill up the batch of a loss
    /// ([`Batch::weights`]).
    ///
    /// # Errors
    /// An argument whose shape, element type, range or device does not fit; nothing is written then. A
    /// CUDA device that fails.
    pub fn run(&mut self, params: &Params, batch: &Batch, task: Task, logits: &mut Buffer) -> Result<()> {
        let (shape, dtype) = (self.shape, self.dtype);
        match &mut self.inner {
            Inner::F32(bank) => Call { shape, dtype, params, batch }.run(bank, task, logits),
            Inner::F64(bank) => Call { shape, dtype, params, batch }.run(bank, task, logits),
            Inner::Cuda(bank) => Call { shape, dtype, params, batch }.run_on_device(bank, task, logits),
        }
    }

    /// Moves the running statistics of batch normalisations towards the means and variances of the
    /// batch that was last trained on, for every member whose `active` is true and that took part: one whose
    /// rows all weighed nothing in the loss stays as it is. A network without batch normalisation has none.
    ///
    /// # Errors
    /// Parameters or flags of another bank.
    pub fn update_running(&self, params: &mut Params, active: &[bool]) -> Result<()> {
        check_count("active flags", active.len(), self.shape.members, 1)?;
        match &self.inner {
            Inner::F32(bank) => update_running(bank, params, self.dtype, active),
            Inner::F64(bank) => update_running(bank, params, self.dtype, active),
            Inner::Cuda(bank) => bank.update_running(params, active),
        }
    }

    /// The loss of each member in the last run whose objective was a loss. A CUDA device is waited for.
    ///
    /// # Errors
    /// A CUDA device that cannot be read.
    pub fn losses(&self) -> Result<Cow<'_, [f64]>> {
        match &self.inner {
            Inner::F32(bank) => Ok(bank.losses().into()),
            Inner::F64(bank) => Ok(bank.losses().into()),
            Inner::Cuda(bank) => {
                let losses: Vec<f32> = bank.losses().read(0, self.shape.members)?;
                Ok(losses.into_iter().map(f64::from).collect())
            }
        }
    }

    /// The losses as memory of a machine, for what has so many members there.
    pub(crate) fn losses_on(&self, machine: &Arc<dyn Machine>, members: usize) -> Result<&Memory> {
        let what = "the losses";
        let Inner::Cuda(bank) = &self.inner else {
            return Err(Error::Place { what, found: "the CPU", wanted: "a CUDA device" });
        };
        if !Arc::ptr_eq(&bank.machine, machine) {
            return Err(Error::Place { what, found: "another CUDA device", wanted: "that of the bank" });
        }
        if self.shape.members != members {
            return Err(Error::Shape { what, found: vec![self.shape.members], wanted: vec![members] });
        }
        Ok(bank.losses())
    }

    /// Bytes of CUDA memory that a plan of this shape takes, with what gradients need or without; besides
    /// these there are parameters, moments, results and stores, whose sizes are those of their arrays.
    ///
    /// # Errors
    /// A layer that such devices have no kernels for.
    pub fn device_bytes(network: &Network, shape: BankShape, gradients: bool) -> Result<usize> {
        cuda::Bank::bytes(network, shape, gradients)
    }
}

fn update_running<R: Real>(bank: &Bank<R>, params: &mut Params, dtype: DType, active: &[bool]) -> Result<()> {
    let count = bank.chain.parameters;
    params.buffer().require("the parameters", &[active.len(), count], dtype)?;
    // Of a network without parameters there is nothing to cut into pieces.
    let members = R::of_mut(params.buffer_mut()).chunks_exact_mut(count.max(1)).zip(&bank.running);
    let moving = active.iter().zip(&bank.took_part).map(|(active, part)| *active && *part);
    for ((params, running), _) in members.zip(moving).filter(|(_, moving)| *moving) {
        let mut running = running.iter();
        for (_, step) in bank.chain.normalisations() {
            for range in [&step.mean, &step.variance] {
                let momentum = f64::from(step.momentum);
                for (to, batch) in params[range.clone()].iter_mut().zip(&mut running) {
                    *to = R::from_f64(to.to_f64() * (1.0 - momentum) + batch * momentum);
                }
            }
        }
    }
    Ok(())
}

/// The arguments of one run, to be checked.
struct Call<'a> {
    shape: BankShape,
    dtype: DType,
    params: &'a Params,
    batch: &'a Batch<'a>,
}

impl Call<'_> {
    fn run<R: Real>(&self, bank: &mut Bank<R>, task: Task, logits: &mut Buffer) -> Result<()> {
        let (m, n) = (self.shape.members, self.batch.size);
        let chain = bank.chain();
        let (length, outputs) = (chain.length, chain.outputs);
        self.params.buffer().require("the parameters", &[m, chain.parameters], self.dtype)?;
        logits.require("the logits", &[m, self.shape.batch, outputs], self.dtype)?;
        self.check_batch(length, None)?;
        let mut run = Run {
            params: R::of(self.params.buffer()),
            batch: self.batch,
            wanted: Wanted::Logits,
            train: None,
            with_params: false,
            form: InputForm::None,
        };
        let (mut of_params, mut of_input, mut truncated, mut of_mutants) = (None, None, [None, None], None);
        match task {
            Task::Predict => {}
            Task::Truncations { prefixes, suffixes } => {
                if let Some(reason) = chain.no_truncation() {
                    return Err(Error::Unsupported { task: "truncation", reason });
                }
                prefixes.require("the prefixes' logits", &[m, n, length, outputs], self.dtype)?;
                suffixes.require("the suffixes' logits", &[m, n, length, outputs], self.dtype)?;
                run.wanted = Wanted::Truncations;
                truncated = [Some(prefixes), Some(suffixes)];
            }
            Task::Mutants { mutants } => {
                if matches!(self.batch.input, Input::Soft(_)) {
                    let reason = "soft input has no bases to mutate";
                    return Err(Error::Unsupported { task: "mutants", reason });
                }
                mutants.require("the mutants' logits", &[m, n, length, 4, outputs], self.dtype)?;
                run.wanted = Wanted::Mutants;
                of_mutants = Some(mutants);
            }
            Task::Gradient { of, mode, params, input } => {
                run.wanted = self.objective(of, outputs)?;
                run.train = self.mode(mode)?;
                if let Some(buffer) = params {
                    buffer.require("the parameters' gradient", &[m, chain.parameters], self.dtype)?;
                    run.with_params = true;
                    of_params = Some(buffer);
                }
                (run.form, of_input) = self.input_gradient(input, length)?;
            }
        }
        let [prefixes, suffixes] = truncated;
        let results = Results {
            logits: R::of_mut(logits),
            params: numbers_mut(of_params),
            input: numbers_mut(of_input),
            truncated: [numbers_mut(prefixes), numbers_mut(suffixes)],
            mutants: numbers_mut(of_mutants),
        };
        bank.run(&run, results);
        Ok(())
    }

    /// Checks the input and the weights, for a machine or the host.
    fn check_batch(&self, length: usize, machine: Option<&Arc<dyn Machine>>) -> Result<()> {
        let (m, n) = (self.shape.members, self.batch.size);
        if n == 0 || n > self.shape.batch {
            let (what, wanted) = ("a batch's size", vec![self.shape.batch]);
            return Err(Error::Shape { what, found: vec![n], wanted });
        }
        match self.batch.input {
            Input::Rows { store, rows } => {
                store.require_on(machine)?;
                if store.length() != length {
                    let (what, found) = ("a store's sequence length", vec![store.length()]);
                    return Err(Error::Shape { what, found, wanted: vec![length] });
                }
                check_count("the rows of a batch", rows.len(), m, n)?;
                if let Some(&row) = rows.iter().find(|&&row| row as usize >= store.len()) {
                    return Err(Error::OutOfRange { what: "row", found: row as usize, limit: store.len() });
                }
            }
            Input::Soft(buffer) => match machine {
                Some(machine) => {
                    buffer.require_on(machine, "soft input", &[m, n, length, 4])?;
                }
                None => buffer.require("soft input", &[m, n, length, 4], self.dtype)?,
            },
        }
        match self.batch.weights {
            Some(weights) => check_count("the weights of a batch", weights.len(), m, n),
            None => Ok(()),
        }
    }

    fn objective<'b, R: Real>(&self, of: Objective<'b>, outputs: usize) -> Result<Wanted<'b, R>> {
        let (m, n) = (self.shape.members, self.batch.size);
        self.check_objective(of, outputs)?;
        match of {
            Objective::Loss(&loss) => Ok(Wanted::Loss(loss)),
            Objective::Logit(index) => Ok(Wanted::Logit(index)),
            Objective::Cotangent(buffer) => {
                buffer.require("the cotangent", &[m, n, outputs], self.dtype)?;
                Ok(Wanted::Cotangent(R::of(buffer)))
            }
        }
    }

    /// Checks labels and the index of a logit.
    fn check_objective(&self, of: Objective, outputs: usize) -> Result<()> {
        let (m, n) = (self.shape.members, self.batch.size);
        match of {
            Objective::Loss(_) => {
                let missing = Error::Missing { task: "the gradient of a loss", missing: "labels" };
                let labels = self.batch.labels.ok_or(missing)?;
                check_count("the labels of a batch", labels.len(), m, n)?;
                match labels.iter().find(|&&label| usize::from(label) >= outputs) {
                    Some(&label) => {
                        Err(Error::OutOfRange { what: "label", found: label.into(), limit: outputs })
                    }
                    None => Ok(()),
                }
            }
            Objective::Logit(index) if index >= outputs => {
                Err(Error::OutOfRange { what: "logit", found: index, limit: outputs })
            }
            Objective::Logit(_) | Objective::Cotangent(_) => Ok(()),
        }
    }

    fn mode<'b>(&self, mode: Mode<'b>) -> Result<Option<(u64, &'b [u64])>> {
        match mode {
            Mode::Evaluate => Ok(None),
            Mode::Train { step, seeds } if seeds.len() == self.shape.members => Ok(Some((step, seeds))),
            Mode::Train { seeds, .. } => Err(Error::Shape {
                what: "the seeds of a training step",
                found: vec![seeds.len()],
                wanted: vec![self.shape.members],
            }),
        }
    }

    fn check_observed(&self) -> Result<()> {
        if matches!(self.batch.input, Input::Soft(_)) {
            let reason = "soft input has no observed bases; ask for the gradient of all bases";
            return Err(Error::Unsupported { task: "the gradient of observed bases", reason });
        }
        Ok(())
    }

    fn input_gradient<'b>(
        &self,
        input: Option<InputGradient<'b>>,
        length: usize,
    ) -> Result<(InputForm, Option<&'b mut Buffer>)> {
        let (m, n) = (self.shape.members, self.batch.size);
        match input {
            None => Ok((InputForm::None, None)),
            Some(InputGradient::Observed(buffer)) => {
                self.check_observed()?;
                buffer.require("the input's gradient", &[m, n, length], self.dtype)?;
                Ok((InputForm::Observed, Some(buffer)))
            }
            Some(InputGradient::Bases(buffer)) => {
                buffer.require("the input's gradient", &[m, n, length, 4], self.dtype)?;
                Ok((InputForm::Bases, Some(buffer)))
            }
        }
    }
}

/// Checks the length of a list that has one entry for each sequence of each member.
fn check_count(what: &'static str, found: usize, members: usize, size: usize) -> Result<()> {
    if found == members * size {
        return Ok(());
    }
    Err(Error::Shape { what, found: vec![found], wanted: vec![members, size] })
}
