//! What a plan is asked to do: the batch, the task, the objective and the mode.

use crate::{Buffer, CodeStore, Loss};

/// Where the sequences of a batch come from.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Row numbers `(m, n)` into a store.
    Rows {
        /// The store, shared by all members.
        store: &'a CodeStore,
        /// Row numbers `(m, n)`.
        rows: &'a [u32],
    },
    /// Real-valued sequences `(m, n, l, 4)`.
    Soft(&'a Buffer),
}

/// Sequences, labels and weights of one call.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The sequences.
    pub input: Input<'a>,
    /// Sequences of each member, at most the plan's batch: the n of the shapes below.
    pub size: usize,
    /// Classes `(m, n)`; needed by a loss only.
    pub labels: Option<&'a [u8]>,
    /// Weights `(m, n)`; none is 1 each; a row of weight 0 takes no part in a loss. Such rows at the end of a
    /// member's batch only fill it up to the size of the others': on the CPU they are left out of the run and
    /// change no bit, unless a batch normalisation trains, whose statistics are those of all rows.
    pub weights: Option<&'a [f32]>,
}

/// The number whose gradient is wanted.
#[derive(Debug, Clone, Copy)]
pub enum Objective<'a> {
    /// The loss of each member.
    Loss(&'a Loss),
    /// One output of each sequence.
    Logit(usize),
    /// The sum of the outputs times these weights `(m, n, outputs)`.
    Cotangent(&'a Buffer),
}

/// Whether the network is training.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// Dropout on.
    Train {
        /// The step, which the random numbers are counted by.
        step: u64,
        /// One seed a member.
        seeds: &'a [u64],
    },
    /// Dropout off.
    Evaluate,
}

/// Where the gradient of the input goes.
#[derive(Debug)]
pub enum InputGradient<'a> {
    /// `(m, n, l)`: the derivative by the base that is there; 0 at an unknown base. Codes only.
    Observed(&'a mut Buffer),
    /// `(m, n, l, 4)`: the derivative by each base.
    Bases(&'a mut Buffer),
}

/// What a run computes besides the logits.
#[derive(Debug)]
pub enum Task<'a> {
    /// Nothing.
    Predict,
    /// Gradients. An output that is not asked for is not computed.
    Gradient {
        /// The number whose gradient is wanted.
        of: Objective<'a>,
        /// Whether the network is training.
        mode: Mode<'a>,
        /// `(m, p)`: the gradient of the parameters, summed over the sequences of a member.
        params: Option<&'a mut Buffer>,
        /// The gradient of the input, a sequence at a time.
        input: Option<InputGradient<'a>>,
    },
    /// Logits of each prefix `x[..=i]` and each suffix `x[i..]`, each `(m, n, l, outputs)`, for
    /// networks with an LSTM whose mean over time is taken. What stands before the LSTM is computed on
    /// the whole sequence, and its columns, one a base, are truncated; a mean is over the truncation's own
    /// length. Where a self-attention stands before the LSTM, its columns are truncated, and all from it on
    /// is computed anew for each truncation.
    Truncations {
        /// Receives the logits of prefixes.
        prefixes: &'a mut Buffer,
        /// Receives the logits of suffixes.
        suffixes: &'a mut Buffer,
    },
    /// Logits of all single mutants, `(m, n, l, 4, outputs)`: of the sequence with each base at each
    /// position. The base that is there gives the sequence's own logits. Codes only; what a mutation
    /// does not touch is not computed again.
    Mutants {
        /// Receives the logits of mutants.
        mutants: &'a mut Buffer,
    },
}
