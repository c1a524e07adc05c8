//! The members of a bank that are in training, side by side: all arrays whose size is their number.
//!
//! Members end at different times. Those that have ended would still be computed with, so the others are
//! moved together once a quarter has ended. On the CPU that changes no bit of them; on a device the same
//! bank is moved together at the same steps, whether it was interrupted or not.

use demo_engine::{Adam, BankShape, Buffer, DType, Device, Network, Params, Plan, Trace};

use crate::{CLASSES, Result};

/// Steps that a device is ahead of the host, at most.
const TRACE: usize = 512;
/// Bytes of logits that these may take.
const TRACE_BYTES: usize = 256 << 20;

/// Weights, moments and the plan of the members in training.
#[derive(Debug)]
pub(super) struct Lockstep {
    /// Which members, in rising order.
    pub(super) members: Vec<usize>,
    pub(super) params: Params,
    pub(super) adam: Adam,
    /// Moving averages of the weights, where a member has one.
    pub(super) averages: Option<Params>,
    pub(super) plan: Plan,
    pub(super) gradient: Buffer,
    pub(super) logits: Buffer,
    /// What the device has done and the host has not booked.
    pub(super) trace: Trace,
}

impl Lockstep {
    /// These members with their state.
    pub(super) fn of(
        network: &Network,
        batch: usize,
        members: Vec<usize>,
        (params, adam, averages): (Params, Adam, Option<Params>),
        device: &Device,
    ) -> Result<Self> {
        let shape = BankShape { members: members.len(), batch };
        Ok(Self {
            plan: Plan::new(network, shape, DType::F32, device)?,
            gradient: Buffer::zeros(&[shape.members, network.parameter_count()], DType::F32, device)?,
            logits: Buffer::zeros(&[shape.members, batch, CLASSES], DType::F32, device)?,
            trace: Trace::new(network, shape, trace_steps(shape), device)?,
            members,
            params,
            adam,
            averages,
        })
    }

    /// The members at these places alone, in arrays of their own.
    pub(super) fn keep(
        &self,
        network: &Network,
        batch: usize,
        places: &[usize],
        device: &Device,
    ) -> Result<Self> {
        let averages = self.averages.as_ref().map(|averages| averages.to_members(places)).transpose()?;
        let state = (self.params.to_members(places)?, self.adam.to_members(places)?, averages);
        let members = places.iter().map(|&place| self.members[place]).collect();
        Self::of(network, batch, members, state, device)
    }

    /// Where a member stands, if it is among them.
    pub(super) fn place(&self, member: usize) -> Option<usize> {
        self.members.binary_search(&member).ok()
    }
}

/// Steps whose logits there is room for.
pub(super) fn trace_steps(shape: BankShape) -> usize {
    (TRACE_BYTES / (shape.members * shape.batch * CLASSES * 4)).clamp(1, TRACE)
}
