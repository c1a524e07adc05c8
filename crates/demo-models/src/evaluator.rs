//! Logits of any number of sequences, a plan's batch at a time.

use demo_engine::{BankShape, Batch, Buffer, CodeStore, DType, Device, Input, Network, Params, Plan, Task};

use crate::{CLASSES, Result};

/// A plan for one member and the logits it writes.
#[derive(Debug)]
pub(crate) struct Forward {
    plan: Plan,
    logits: Buffer,
    batch: usize,
    outputs: usize,
}

impl Forward {
    pub(crate) fn new(network: &Network, batch: usize, dtype: DType, device: &Device) -> Result<Self> {
        let outputs = network.outputs();
        Ok(Self {
            plan: Plan::new(network, BankShape { members: 1, batch }, dtype, device)?,
            logits: Buffer::zeros(&[1, batch, outputs], dtype, device)?,
            batch,
            outputs,
        })
    }

    /// Sequences a run takes.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// The logits of these rows of the store, (rows, outputs).
    pub(crate) fn rows(&mut self, params: &Params, store: &CodeStore, rows: &[u32]) -> Result<Vec<f64>> {
        let mut logits = Vec::with_capacity(rows.len() * self.outputs);
        for rows in rows.chunks(self.batch) {
            logits.extend(self.run(params, Input::Rows { store, rows }, rows.len(), Task::Predict)?);
        }
        Ok(logits)
    }

    /// One run of at most a batch; the logits of its sequences, (size, outputs).
    pub(crate) fn run(
        &mut self,
        params: &Params,
        input: Input<'_>,
        size: usize,
        task: Task<'_>,
    ) -> Result<Vec<f64>> {
        let batch = Batch { input, size, labels: None, weights: None };
        self.plan.run(params, &batch, task, &mut self.logits)?;
        let mut logits = self.logits.to_f64()?;
        logits.truncate(size * self.outputs);
        Ok(logits)
    }
}

/// The mean negative log-likelihood of labels under (n, 2) logits, each class with its weight.
pub(crate) fn mean_loss(logits: &[f64], labels: &[u8], weights: [f64; CLASSES]) -> f64 {
    let loss = |(logits, &label): (&[f64], &u8)| {
        // log(1 + e^x) for x = other - own, without overflow.
        let x = logits[usize::from(1 - label)] - logits[usize::from(label)];
        weights[usize::from(label)] * (x.max(0.0) + (-x.abs()).exp().ln_1p())
    };
    let weight: f64 = labels.iter().map(|&label| weights[usize::from(label)]).sum();
    logits.chunks_exact(2).zip(labels).map(loss).sum::<f64>() / weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_cross_entropy_even_where_exponentials_overflow() {
        // By hand: softmax of (0, ln 3) is (1/4, 3/4).
        let (logits, equal) = ([0.0, 3f64.ln(), 0.0, 3f64.ln()], [1.0, 1.0]);
        let wanted = f64::midpoint((4.0f64 / 3.0).ln(), 4f64.ln());
        assert!((mean_loss(&logits, &[1, 0], equal) - wanted).abs() < 1e-15);
        assert_eq!(mean_loss(&[0.0, 2000.0], &[0], equal), 2000.0);
        assert_eq!(mean_loss(&[0.0, 2000.0], &[1], equal), 0.0);
        // Bound three times: three quarters of ln 4/3, one of ln 4.
        let wanted = 0.75 * (4.0f64 / 3.0).ln() + 0.25 * 4f64.ln();
        assert!((mean_loss(&logits, &[1, 0], [1.0, 3.0]) - wanted).abs() < 1e-15);
    }
}
