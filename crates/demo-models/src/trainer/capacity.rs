//! How large a bank a device has room for.

use demo_engine::{BankShape, Device, Plan, device_memory};

use super::DEVICE_EVALUATION_BATCH;
use super::lockstep::trace_steps;
use crate::{Architecture, CLASSES, Result};

/// Share of the free memory that a bank may take: an allocation may need more than its bytes.
const SHARE: f64 = 0.9;
/// Members of a bank, at most: a device has no use for more.
const MOST: usize = 1024;

/// Bytes of device memory that a training of so many members takes, each with a batch of `batch` and
/// `sequences` sequences in the store, reverse complements and validation included.
///
/// # Errors
/// [`Engine`](crate::Error::Engine) where the sequences are too short for the network.
pub fn training_bytes(
    architecture: &Architecture,
    length: usize,
    batch: usize,
    sequences: usize,
    members: usize,
) -> Result<usize> {
    let network = architecture.network(length)?;
    let shape = BankShape { members, batch };
    let plan = Plan::device_bytes(&network, shape, true)?;
    let evaluation = BankShape { members: 1, batch: DEVICE_EVALUATION_BATCH };
    let evaluation = Plan::device_bytes(&network, evaluation, false)?;
    // Parameters, gradient, two moments, an average.
    let parameters = 5 * members * network.parameter_count() * 4;
    let logits = (1 + trace_steps(shape)) * members * batch * CLASSES * 4;
    Ok(plan + evaluation + parameters + logits + members * sequences * length)
}

/// The most members of a bank that a device has room for now, at least one; none on the CPU, which takes
/// any number. See [`training_bytes`] for the arguments.
///
/// # Errors
/// [`Engine`](crate::Error::Engine) where the device cannot be asked, or the sequences are too short.
pub fn bank_capacity(
    architecture: &Architecture,
    length: usize,
    batch: usize,
    sequences: usize,
    device: &Device,
) -> Result<Option<usize>> {
    let Some((free, _)) = device_memory(device)? else { return Ok(None) };
    let room = (free as f64 * SHARE) as usize;
    let fits = |members| {
        Ok::<_, crate::Error>(training_bytes(architecture, length, batch, sequences, members)? <= room)
    };
    let mut capacity = 1;
    while capacity < MOST && fits(2 * capacity)? {
        capacity *= 2;
    }
    // The last power of two fits, or nothing does.
    let mut step = if capacity < MOST { capacity / 2 } else { 0 };
    while step > 0 {
        if fits(capacity + step)? {
            capacity += step;
        }
        step /= 2;
    }
    Ok(Some(capacity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_grow_with_members_batch_and_sequences() {
        let architecture: Architecture = "cnn".parse().unwrap();
        let bytes = |members, batch, sequences| {
            training_bytes(&architecture, 101, batch, sequences, members).unwrap()
        };
        let [one, bank, large] = [1, 57, 285].map(|members| bytes(members, 256, 1000));
        // What evaluates is there once.
        assert!(one < bank && bank < 57 * one);
        assert!(3 * bank < large && large < 5 * bank);
        assert_eq!(bytes(1, 256, 1001) - one, 101);
        assert!(bytes(1, 512, 1000) > one);
    }

    #[test]
    fn the_cpu_has_no_limit() {
        let architecture: Architecture = "rnn".parse().unwrap();
        assert_eq!(bank_capacity(&architecture, 101, 256, 1000, &Device::Cpu).unwrap(), None);
    }
}
