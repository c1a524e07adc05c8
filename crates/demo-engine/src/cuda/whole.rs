//! Many runs of each sequence: its single mutants, and its prefixes and suffixes.
//!
//! Mutants are sequences of their own here, a batch of them at a time: on a device the products of whole
//! sequences cost less than gathering what a mutation touches. Truncated runs of an LSTM are one launch,
//! and the layers after the mean take all means of a batch as sequences of one position.

use std::sync::Arc;

use super::bank::{Bank, Pass, Run, Wanted};
use super::forward::{GROUP, lstm_threads};
use super::machine::{At, Memory, Stride, arguments};
use super::memory::Extra;
use super::steps::Step;
use crate::Result;

/// Room for these runs.
#[derive(Debug)]
pub(crate) struct Whole {
    /// The codes of the batch itself, while those of mutants stand in their place.
    codes: Memory,
    /// `(m, 2, n, l, 2h)`: means over prefixes, then over suffixes; none without an LSTM that takes part.
    means: Option<Memory>,
}

impl Bank {
    /// Allocates room at the first run that wants it.
    pub(crate) fn prepare_whole(&mut self, run: &Run) -> Result<()> {
        let wanted = matches!(run.wanted, Wanted::Mutants(_) | Wanted::Truncations(_));
        if !wanted || self.whole.is_some() {
            return Ok(());
        }
        let (rows, machine) = (self.shape.members * self.shape.batch, Arc::clone(&self.machine));
        let hidden = self.steps.truncation().map(|(step, _)| match &self.steps.list[step] {
            Step::Lstm(lstm) => lstm.hidden,
            _ => 0,
        });
        let numbers = |hidden: usize| rows * 2 * self.steps.length * 2 * hidden;
        let means = hidden.map(|hidden| Memory::new(&machine, numbers(hidden) * 4)).transpose()?;
        self.whole = Some(Whole { codes: Memory::new(&machine, rows * self.steps.length)?, means });
        Ok(())
    }
}

impl Pass<'_> {
    /// Writes the logits of all single mutants, `(m, n, l, 4, outputs)`.
    pub(crate) fn mutants(&self, to: &Memory) -> Result<()> {
        let (Some(whole), Some(codes)) = (&self.bank.whole, self.codes) else { return Ok(()) };
        let (length, outputs) = (self.bank.steps.length, self.bank.steps.outputs);
        let bytes = self.bank.shape.members * self.n * length;
        self.bank.machine.copy(codes, whole.codes.at(0), bytes)?;
        let total = self.n * length * 4;
        for first in (0..total).step_by(self.bank.shape.batch) {
            let size = self.bank.shape.batch.min(total - first);
            let pass = Pass { n: size, ..*self };
            pass.sequences(
                "mutate_codes",
                length,
                arguments![self.who(), &whole.codes, self.n, At(codes), first, size, length],
            )?;
            pass.forward(0, self.bank.steps.list.len())?;
            pass.copy_out(to, total * outputs, first * outputs)?;
        }
        Ok(())
    }

    /// Writes the logits of prefixes and suffixes, `(m, n, l, outputs)` each. The batch has gone forward.
    pub(crate) fn truncations(&self, to: [&Memory; 2]) -> Result<()> {
        let bank = self.bank;
        let (Some((step, mean)), Some(means)) =
            (bank.steps.truncation(), bank.whole.as_ref().and_then(|whole| whole.means.as_ref()))
        else {
            return Ok(());
        };
        let (Step::Lstm(lstm), Extra::Lstm { gates, places }) =
            (&bank.steps.list[step], &bank.scratch.extra[step])
        else {
            return Ok(());
        };
        let (n, l, h, who) = (self.n, lstm.length, lstm.hidden, self.who());
        let (shared, on_chip) = self.room(GROUP * (h.next_multiple_of(4) + 6 * h), 4 * h * h);
        let codes = At(self.looked_up(step).unwrap_or(0));
        let (params, stride) = (At(self.params), self.parameters());
        self.launch(
            "lstm_restarts",
            (n * l.div_ceil(GROUP), 2),
            lstm_threads(h),
            shared,
            arguments![who, gates, params, stride, places, codes, n, l, h, means, on_chip],
        )?;
        let hidden = self.value(step + 1);
        self.sequences("running_means", 2 * h, arguments![who, hidden, n, l, h, means])?;
        let total = n * l;
        for (half, to) in to.into_iter().enumerate() {
            for first in (0..total).step_by(bank.shape.batch) {
                let size = bank.shape.batch.min(total - first);
                let (pass, count) = (Pass { n: size, ..*self }, size * 2 * h);
                let from = At(means.at((half * total + first) * 2 * h));
                let stride = Stride(2 * total * 2 * h);
                let mean_of = pass.value(mean + 1);
                let arguments = arguments![who, from, stride, mean_of, Stride(count), count];
                pass.numbers("copy_members", count, arguments)?;
                pass.forward(mean + 1, bank.steps.list.len())?;
                pass.copy_out(to, total * bank.steps.outputs, first * bank.steps.outputs)?;
            }
        }
        Ok(())
    }
}
