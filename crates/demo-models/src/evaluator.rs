//! Logits of any number of sequences, a plan's batch at a time.

use demo_engine::{BankShape, Batch, Buffer, CodeStore, DType, Device, Input, Network, Params, Plan, Task};

use crate::Result;

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

/// The mean negative log-likelihood of labels under (n, 2) logits, each sequence with its weight.
pub(crate) fn mean_loss(logits: &[f64], labels: &[u8], weights: &[f64]) -> f64 {
    let loss = |((logits, &label), weight): ((&[f64], &u8), &f64)| {
        // log(1 + e^x) for x = other - own, without overflow.
        let x = logits[usize::from(1 - label)] - logits[usize::from(label)];
        weight * (x.max(0.0) + (-x.abs()).exp().ln_1p())
    };
    logits.chunks_exact(2).zip(labels).zip(weights).map(loss).sum::<f64>() / weights.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_the_cross_entropy_even_where_exponentials_overflow() {
        // By hand: softmax of (0, ln 3) is (1/4, 3/4).
        let (logits, equal) = ([0.0, 3f64.ln(), 0.0, 3f64.ln()], [1.0, 1.0]);
        let wanted = f64::midpoint((4.0f64 / 3.0).ln(), 4f64.ln());
        assert!((mean_loss(&logits, &[1, 0], &equal) - wanted).abs() < 1e-15);
        assert_eq!(mean_loss(&[0.0, 2000.0], &[0], &[1.0]), 2000.0);
        assert_eq!(mean_loss(&[0.0, 2000.0], &[1], &[1.0]), 0.0);
        // The bound one three times: three quarters of ln 4/3, one of ln 4.
        let wanted = 0.75 * (4.0f64 / 3.0).ln() + 0.25 * 4f64.ln();
        assert!((mean_loss(&logits, &[1, 0], &[3.0, 1.0]) - wanted).abs() < 1e-15);
    }
}
