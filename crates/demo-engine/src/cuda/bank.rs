//! A bank on a device: its scratch, and one run.

use std::sync::Arc;

use super::machine::{Argument, At, Launch, Machine, Memory, Stride, arguments};
use super::memory::{Back, Extra, Scratch, bytes};
use super::steps::{Codes, Step, Steps};
use super::whole::Whole;
use crate::philox::layer_key;
use crate::{BankShape, Batch, Error, Input, Network, Params, Result};

/// Threads of a block where nothing asks for another number.
pub(crate) const BLOCK: usize = 256;
/// Blocks that a grid may have in y and z.
const GRID: usize = 65_535;

/// What a run is for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Nothing but logits.
    Logits,
    /// The logits of prefixes and of suffixes.
    Truncations([&'a Memory; 2]),
    /// The logits of all single mutants.
    Mutants(&'a Memory),
    /// The gradient of the loss.
    Loss,
    /// The gradient of one output.
    Logit(usize),
    /// The gradient of the outputs times these.
    Cotangent(&'a Memory),
}

/// A checked run; all memory is of the bank's machine.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    /// `(m, p)`.
    pub(crate) params: &'a Memory,
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) wanted: Wanted<'a>,
    /// In training, the step and one seed a member.
    pub(crate) train: Option<(u64, &'a [u64])>,
    /// Receives the gradient of the parameters, `(m, p)`.
    pub(crate) gradient: Option<&'a Memory>,
    /// Receives the gradient of observed bases `(m, n, l)`.
    pub(crate) observed: Option<&'a Memory>,
    /// Receives the gradient of all bases `(m, n, l, 4)`.
    pub(crate) bases: Option<&'a Memory>,
    /// Receives the logits `(m, batch, outputs)`.
    pub(crate) logits: &'a Memory,
}

impl Run<'_> {
    fn is_gradient(&self) -> bool {
        matches!(self.wanted, Wanted::Loss | Wanted::Logit(_) | Wanted::Cotangent(_))
    }
}

/// A bank's steps and scratch.
#[derive(Debug)]
pub(crate) struct Bank {
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) steps: Steps,
    pub(crate) shape: BankShape,
    pub(crate) scratch: Scratch<Memory>,
    /// None before the first run that goes back.
    pub(crate) back: Option<Back<Memory>>,
    /// None before the first run of many runs of each sequence.
    pub(crate) whole: Option<Whole>,
    /// The members in `who`.
    who: Vec<u32>,
    /// The members that took part in the last training.
    trained: Vec<u32>,
    /// The seeds whose keys are on the device.
    seeds: Vec<u64>,
}

impl Bank {
    /// Allocates what going forward needs.
    pub(crate) fn new(machine: &Arc<dyn Machine>, network: &Network, shape: BankShape) -> Result<Self> {
        let steps = Steps::new(network)?;
        let widest = steps.list.iter().map(|step| match step {
            Step::Lstm(lstm) => lstm.length * 8 * lstm.hidden,
            _ => 0,
        });
        let widest = widest.chain(steps.counts.iter().copied()).max().unwrap_or(0);
        let limit = i32::MAX as usize / widest.max(1);
        if shape.batch > limit {
            return Err(Error::OutOfRange { what: "a batch of", found: shape.batch, limit: limit + 1 });
        }
        if shape.members > GRID / 32 {
            return Err(Error::OutOfRange {
                what: "a number of members of",
                found: shape.members,
                limit: GRID / 32 + 1,
            });
        }
        let scratch = Scratch::new(&steps, shape, &mut |bytes| Memory::new(machine, bytes))?;
        machine.clear(scratch.losses.at(0), shape.members * 4)?;
        for (step, extra) in steps.list.iter().zip(&scratch.extra) {
            if let (Step::Lstm(lstm), Extra::Lstm { places, .. }) = (step, extra) {
                places.write(0, &lstm.places.map(|place| place as u32))?;
            }
        }
        let machine = Arc::clone(machine);
        let (who, trained, seeds) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { machine, steps, shape, scratch, back: None, whole: None, who, trained, seeds })
    }

    /// Bytes of device memory a bank's scratch takes.
    pub(crate) fn bytes(network: &Network, shape: BankShape, backward: bool) -> Result<usize> {
        bytes(&Steps::new(network)?, shape, backward)
    }

    /// The loss of each member in the last run that had one.
    pub(crate) fn losses(&self) -> &Memory {
        &self.scratch.losses
    }

    /// Moves the running statistics of active members towards those of the last batch.
    pub(crate) fn update_running(&self, params: &mut Params, active: &[bool]) -> Result<()> {
        let parameters = self.steps.parameters;
        let shape = [self.shape.members, parameters];
        let params = params.buffer_mut().require_mut(&self.machine, "the parameters", &shape)?;
        let took_part = |member: u32| self.trained.contains(&member);
        let flags: Vec<u32> =
            (0..).zip(active).map(|(member, &active)| (active && took_part(member)).into()).collect();
        self.scratch.active.write(0, &flags)?;
        for (i, step) in self.steps.normalisations() {
            let Extra::Normalise { running, .. } = &self.scratch.extra[i] else { continue };
            let (c, stride) = (step.channels, Stride(parameters));
            for (part, place) in [step.places[2], step.places[3]].into_iter().enumerate() {
                let (to, from) = (At(params.at(place)), At(running.at(part * 2 * c)));
                let (flags, momentum) = (&self.scratch.active, step.momentum);
                self.machine.launch(&Launch {
                    kernel: "move_running",
                    grid: [c.div_ceil(BLOCK), 1, self.shape.members],
                    block: BLOCK,
                    shared: 0,
                    arguments: arguments![to, stride, from, Stride(2 * c), c, momentum, flags],
                })?;
            }
        }
        Ok(())
    }

    /// Takes a batch through the network and does what is wanted.
    pub(crate) fn run(&mut self, run: &Run) -> Result<()> {
        if run.is_gradient() && self.back.is_none() {
            let machine = Arc::clone(&self.machine);
            let room = &mut |bytes| Memory::new(&machine, bytes);
            self.back = Some(Back::new(&self.steps, self.shape, room)?);
        }
        self.prepare_whole(run)?;
        self.choose_members(run)?;
        if run.train.is_some() {
            self.trained.clone_from(&self.who);
        }
        if let Some(gradient) = run.gradient {
            let bytes = self.shape.members * self.steps.parameters * 4;
            self.machine.clear(gradient.at(0), bytes)?;
        }
        if matches!(run.wanted, Wanted::Loss) {
            self.machine.clear(self.scratch.losses.at(0), self.shape.members * 4)?;
        }
        if self.who.is_empty() {
            return Ok(());
        }
        if let Some((_, seeds)) = run.train {
            self.load_keys(seeds)?;
        }
        let pass = self.load(run)?;
        pass.forward(0, self.steps.list.len())?;
        pass.copy_out(run.logits, self.shape.batch * self.steps.outputs, 0)?;
        match run.wanted {
            Wanted::Logits => Ok(()),
            Wanted::Truncations(to) => pass.truncations(to),
            Wanted::Mutants(to) => pass.mutants(to),
            Wanted::Loss | Wanted::Logit(_) | Wanted::Cotangent(_) => pass.backward(run),
        }
    }

    /// Members whose rows all weigh nothing in a loss take no part.
    fn choose_members(&mut self, run: &Run) -> Result<()> {
        let (m, n) = (self.shape.members, run.batch.size);
        let weighs = |member: usize| match (&run.wanted, run.batch.weights) {
            (Wanted::Loss, Some(weights)) => weights[member * n..][..n].iter().any(|&weight| weight != 0.0),
            _ => true,
        };
        let changed = {
            let mut chosen = (0..m).filter(|&member| weighs(member)).map(|member| member as u32);
            let same = self.who.iter().all(|&member| chosen.next() == Some(member));
            !same || chosen.next().is_some()
        };
        if changed {
            self.who.clear();
            self.who.extend((0..m).filter(|&member| weighs(member)).map(|member| member as u32));
            self.scratch.who.write(0, &self.who)?;
        }
        Ok(())
    }

    fn load_keys(&mut self, seeds: &[u64]) -> Result<()> {
        if self.seeds == seeds {
            return Ok(());
        }
        for (step, extra) in self.steps.list.iter().zip(&self.scratch.extra) {
            if let (Step::Finish(finish), Extra::Dropout { keys, .. }) = (step, extra) {
                let layer = finish.dropout.map_or(0, |(layer, _)| layer);
                let words: Vec<u32> = seeds.iter().flat_map(|&seed| layer_key(seed, layer)).collect();
                keys.write(0, &words)?;
            }
        }
        self.seeds.clear();
        self.seeds.extend(seeds);
        Ok(())
    }

    /// Brings the batch to the device.
    fn load(&self, run: &Run) -> Result<Pass<'_>> {
        let (n, scratch) = (run.batch.size, &self.scratch);
        let mut pass = Pass {
            bank: self,
            n,
            active: self.who.len(),
            params: run.params.at(0),
            codes: None,
            input: scratch.values[0].at(0),
            step: run.train.map(|(step, _)| step),
            keep: run.is_gradient(),
        };
        match run.batch.input {
            Input::Soft(buffer) => pass.input = buffer.on_device().map_or(0, |memory| memory.at(0)),
            Input::Rows { store, rows } => {
                pass.codes = Some(scratch.codes.at(0));
                scratch.rows.write(0, rows)?;
                let length = self.steps.length;
                pass.sequences(
                    "gather_codes",
                    length,
                    arguments![&scratch.who, At(store.address()), &scratch.rows, &scratch.codes, n, length],
                )?;
            }
        }
        if let (Some(labels), Wanted::Loss) = (run.batch.labels, run.wanted) {
            scratch.labels.write(0, labels)?;
            if let Some(weights) = run.batch.weights {
                scratch.weights.write(0, weights)?;
            }
        }
        Ok(pass)
    }
}

/// One batch on its way through a bank; queues launches.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) bank: &'a Bank,
    /// Sequences of each member.
    pub(crate) n: usize,
    /// Members that take part.
    pub(crate) active: usize,
    /// Address of the parameters.
    pub(crate) params: u64,
    /// Address of the codes `(m, n, l)`; none for soft input.
    pub(crate) codes: Option<u64>,
    /// Address of value 0.
    pub(crate) input: u64,
    /// In training, the step.
    pub(crate) step: Option<u64>,
    /// Whether it goes back.
    pub(crate) keep: bool,
}

impl Pass<'_> {
    /// Address of value i.
    pub(crate) fn value(&self, i: usize) -> At {
        At(if i == 0 { self.input } else { self.bank.scratch.values[i].at(0) })
    }

    /// Address of a parameter of the first member.
    pub(crate) fn parameter(&self, place: usize) -> At {
        At(self.params + 4 * place as u64)
    }

    /// Numbers from a member's parameters to the next.
    pub(crate) fn parameters(&self) -> Stride {
        Stride(self.bank.steps.parameters)
    }

    pub(crate) fn who(&self) -> &Memory {
        &self.bank.scratch.who
    }

    /// Whether step i looks codes up; their address.
    pub(crate) fn looked_up(&self, i: usize) -> Option<u64> {
        self.codes.filter(|_| i == 0 && self.bank.steps.codes == Codes::LookUp)
    }

    /// Queues a kernel over members: blocks in x and y, threads and shared numbers of a block.
    pub(crate) fn launch(
        &self,
        kernel: &'static str,
        (x, y): (usize, usize),
        block: usize,
        shared: usize,
        arguments: &[Argument],
    ) -> Result<()> {
        let grid = [x, y, self.active];
        self.bank.machine.launch(&Launch { kernel, grid, block, shared: shared * 4, arguments })
    }

    /// Queues a kernel of one thread a number.
    pub(crate) fn numbers(&self, kernel: &'static str, count: usize, arguments: &[Argument]) -> Result<()> {
        self.launch(kernel, (count.div_ceil(BLOCK), 1), BLOCK, 0, arguments)
    }

    /// Queues a kernel of one thread a number of a sequence, which loops over sequences.
    pub(crate) fn sequences(&self, kernel: &'static str, count: usize, arguments: &[Argument]) -> Result<()> {
        let block = count.next_multiple_of(32).min(BLOCK);
        self.launch(kernel, (count.div_ceil(block), self.n.min(GRID)), block, 0, arguments)
    }

    /// Copies the last value to `(m, stride)` numbers, from `first` on.
    pub(crate) fn copy_out(&self, to: &Memory, stride: usize, first: usize) -> Result<()> {
        let count = self.n * self.bank.steps.outputs;
        let from = self.value(self.bank.steps.list.len());
        self.numbers(
            "copy_members",
            count,
            arguments![self.who(), from, Stride(count), At(to.at(first)), Stride(stride), count],
        )
    }
}
