//! Adam for a whole bank in one launch, and the flags that freeze members on the device.

use std::sync::Arc;

use super::bank::BLOCK;
use super::machine::{At, Launch, Machine, Memory, arguments};
use crate::{ParameterSpec, Result};

/// Constants of a member's step.
pub(crate) const CONSTANTS: usize = 9;

/// What Adam keeps on the device besides its moments.
#[derive(Debug)]
pub(crate) struct DeviceAdam {
    machine: Arc<dyn Machine>,
    members: usize,
    /// Parameters of a member.
    count: usize,
    /// A byte a parameter: whether it is trained.
    trained: Memory,
    /// Nine constants a member.
    constants: Memory,
    /// Whether the host lets a member go on.
    active: Memory,
    /// Whether a member was stopped for its loss.
    stopped: Memory,
    /// Whether a member moves in the step under way.
    moves: Memory,
    /// How far a member's mean follows its weights.
    parts: Memory,
}

impl DeviceAdam {
    pub(crate) fn new(
        machine: &Arc<dyn Machine>,
        (members, count): (usize, usize),
        specs: &[ParameterSpec],
    ) -> Result<Self> {
        let mut trained = vec![0u8; count];
        for spec in specs.iter().filter(|spec| spec.trained) {
            trained[spec.offset..spec.offset + spec.len()].fill(1);
        }
        let flags = || Memory::zeros(machine, members);
        Ok(Self {
            machine: Arc::clone(machine),
            members,
            count,
            trained: Memory::of(machine, &trained)?,
            constants: Memory::zeros(machine, members * CONSTANTS)?,
            active: flags()?,
            stopped: flags()?,
            moves: flags()?,
            parts: flags()?,
        })
    }

    /// One step of every member that is active and has a finite loss, if there are losses; one that has
    /// not is stopped for good.
    pub(crate) fn step(
        &self,
        [params, gradient, first, second]: [&Memory; 4],
        losses: Option<&Memory>,
        constants: &[f32],
        active: &[bool],
    ) -> Result<()> {
        let flags: Vec<u32> = active.iter().map(|&active| active.into()).collect();
        self.active.write(0, &flags)?;
        self.constants.write(0, constants)?;
        let (members, losses) = (self.members, At(losses.map_or(0, |losses| losses.at(0))));
        self.machine.launch(&Launch {
            kernel: "watch",
            grid: [members.div_ceil(BLOCK), 1, 1],
            block: BLOCK,
            shared: 0,
            arguments: arguments![&self.active, losses, &self.stopped, &self.moves, members],
        })?;
        let (trained, constants, moves) = (&self.trained, &self.constants, &self.moves);
        self.launch(
            "adam",
            arguments![params, gradient, first, second, trained, self.count, constants, moves],
        )
    }

    /// Moves means towards the weights of the members that the last step moved.
    pub(crate) fn follow(&self, means: &Memory, params: &Memory, parts: &[f32]) -> Result<()> {
        self.parts.write(0, parts)?;
        self.launch("follow", arguments![means, params, self.count, &self.parts, &self.moves])
    }

    fn launch(&self, kernel: &'static str, arguments: &[super::machine::Argument]) -> Result<()> {
        let grid = [self.count.div_ceil(BLOCK), 1, self.members];
        self.machine.launch(&Launch { kernel, grid, block: BLOCK, shared: 0, arguments })
    }
}
