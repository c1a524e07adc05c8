//! In-silico mutagenesis: the logits of every single mutant of a sequence, by recomputing only what a
//! mutation touches.
//!
//! Convolutions, pools and what follows them see a mutation in a few rows ([`local`]), the first convolution
//! by its codes. Then comes a step that joins all positions. A global maximum is that of the rows before, of the new ones and of
//! those after. An LSTM whose mean is taken goes on from the states that the sequence itself has there
//! ([`recurrent`]). Anything else is computed anew for the whole sequence.

mod local;
mod recurrent;
mod taps;

use crate::numbers::{Numbers, zeros};
use crate::real::Real;

use super::chain::{Chain, Step};
use super::walk::Slice;
use super::workspace::Workspace;
use local::Local;
use recurrent::Recurrent;

/// Bases, and so mutants a position, the one that is there included.
const BASES: usize = 4;

/// What joins all positions.
#[derive(Debug)]
enum Joint<R> {
    /// A global maximum; of the value before it, those of the first rows and of the last ones.
    Maximum { before: Numbers<R>, after: Numbers<R> },
    /// An LSTM, and the mean at a step after it.
    Recurrent { parts: Recurrent<R>, mean: usize },
    /// Anything else: the value before it, of the sequences themselves, and the mutants that wait for
    /// the steps after it.
    Other { values: Numbers<R>, waiting: Vec<usize> },
}

/// Room for the mutants of a sequence.
#[derive(Debug)]
pub(crate) struct Mutants<R> {
    /// The step that joins all positions.
    at: usize,
    joint: Joint<R>,
    local: Local<R>,
    /// The codes of the slice.
    codes: Vec<u8>,
    /// `(4 l, c)`: what the joint gives for each mutant.
    joined: Numbers<R>,
}

impl<R: Real> Mutants<R> {
    /// Room for slices of so many sequences.
    pub(crate) fn new(chain: &Chain, sequences: usize) -> Self {
        // The first of the local steps has to read codes.
        let at = match chain.steps.first() {
            Some(Step::Convolve { .. }) => {
                chain.steps.iter().position(|step| !is_local(step)).unwrap_or(chain.steps.len())
            }
            _ => 0,
        };
        let (layout, count) = (chain.layouts[at], BASES * chain.length);
        let local = Local::new(chain, at);
        let (joint, width) = match (chain.steps.get(at), chain.truncation()) {
            (Some(Step::GlobalMax), _) if at > 0 => {
                let room = || zeros((layout.positions + 1) * layout.channels);
                (Joint::Maximum { before: room(), after: room() }, layout.channels)
            }
            (Some(Step::Lstm { kernel, .. }), Some((lstm, mean))) if lstm == at => {
                let parts = Recurrent::new(kernel, count, local.width());
                (Joint::Recurrent { parts, mean }, 2 * kernel.hidden)
            }
            _ => {
                let values = zeros(if at > 0 { layout.size(sequences) } else { 0 });
                (Joint::Other { values, waiting: Vec::with_capacity(sequences) }, 0)
            }
        };
        Self { at, joint, local, codes: Vec::new(), joined: zeros(count * width) }
    }
}

/// Whether a step sees a mutation in a few rows.
fn is_local(step: &Step) -> bool {
    matches!(step, Step::Convolve { .. } | Step::Finish(_) | Step::Normalise(_))
}

/// The bases that a position may mutate to.
#[derive(Debug, Clone, Copy)]
struct Mutations {
    /// The code that is there.
    own: u8,
}

impl Mutations {
    fn iter(self) -> impl Iterator<Item = u8> {
        (0..BASES as u8).filter(move |&base| base != self.own)
    }

    fn count(self) -> usize {
        self.iter().count()
    }
}

impl<R: Real> Slice<'_, R> {
    /// Writes the logits `(rows, l, 4, outputs)` of all single mutants of the first `rows` sequences,
    /// whose own logits are `(rows, outputs)`. The slice has gone forward; what comes after the joint is
    /// overwritten.
    pub(crate) fn mutants(&self, work: &mut Workspace<R>, rows: usize, own: &[R], to: &mut [R]) {
        let chain = self.chain;
        let mut mutants =
            work.mutants.take().unwrap_or_else(|| Box::new(Mutants::new(chain, work.sequences)));
        mutants.codes.clone_from(&work.codes);
        if let Joint::Other { values, .. } = &mut mutants.joint {
            let size = values.len();
            values.copy_from_slice(&work.values[mutants.at][..size]);
        }
        let (l, outputs) = (chain.length, chain.outputs);
        for a in 0..rows {
            let (to, own) = (&mut to[a * l * BASES * outputs..][..l * BASES * outputs], &own[a * outputs..]);
            to.chunks_exact_mut(outputs).for_each(|to| to.copy_from_slice(&own[..outputs]));
            mutants.local.begin(self, work, a);
            match mutants.joint {
                Joint::Maximum { .. } => self.join_by_maximum(work, &mut mutants, a, to),
                Joint::Recurrent { .. } => self.join_by_lstm(work, &mut mutants, a, to),
                Joint::Other { .. } => self.join_anew(work, &mut mutants, a, to),
            }
            for p in 0..l {
                let code = usize::from(self.mutations(&mutants, a, p).own);
                if code < BASES {
                    to[(p * BASES + code) * outputs..][..outputs].copy_from_slice(&own[..outputs]);
                }
            }
        }
        work.mutants = Some(mutants);
    }

    fn mutations(&self, mutants: &Mutants<R>, a: usize, position: usize) -> Mutations {
        let layout = self.chain.layouts[0];
        Mutations { own: mutants.codes[layout.lead + a * layout.pitch + position] }
    }

    fn join_by_maximum(&self, work: &mut Workspace<R>, mutants: &mut Mutants<R>, a: usize, to: &mut [R]) {
        let (at, layout) = (mutants.at, self.chain.layouts[mutants.at]);
        let (c, l) = (layout.channels, self.chain.length);
        if let Joint::Maximum { before, after } = &mut mutants.joint {
            running_maxima(layout.sequence(&work.values[at], a), c, before, after);
        }
        for p in 0..l {
            let mutations = self.mutations(mutants, a, p);
            let Mutants { joint, local, joined, .. } = &mut *mutants;
            let Joint::Maximum { before, after } = joint else { return };
            let span = local.run(self, work, (a, p), mutations);
            let joined = &mut joined[p * BASES * c..][..BASES * c];
            for joined in joined.chunks_exact_mut(c) {
                joined.copy_from_slice(&before[layout.positions * c..]);
            }
            if span.is_empty() {
                continue;
            }
            for (base, rows) in mutations.iter().zip(local.rows().chunks_exact(span.len() * c)) {
                let joined = &mut joined[usize::from(base) * c..][..c];
                joined.copy_from_slice(&before[span.start * c..][..c]);
                rows.chunks_exact(c).for_each(|row| raise(joined, row));
                raise(joined, &after[span.end * c..][..c]);
            }
        }
        self.rest(work, at + 1, &mutants.joined, to);
    }

    fn join_by_lstm(&self, work: &mut Workspace<R>, mutants: &mut Mutants<R>, a: usize, to: &mut [R]) {
        let at = mutants.at;
        let (Step::Lstm { kernel, .. }, Some(weights)) = (&self.chain.steps[at], &self.prepared.lstm[at])
        else {
            return;
        };
        for p in 0..self.chain.length {
            let mutations = self.mutations(mutants, a, p);
            let Mutants { joint, local, .. } = &mut *mutants;
            let Joint::Recurrent { parts, .. } = joint else { return };
            if p == 0 {
                self.projected(work, at, a, parts.begin(kernel));
            }
            if at == 0 {
                mutations.iter().for_each(|base| parts.push_code(kernel, weights, p, base));
                continue;
            }
            let span = local.run(self, work, (a, p), mutations);
            parts.push_rows(kernel, weights, p, (mutations, span), local.rows());
        }
        let Mutants { joint, joined, .. } = &mut *mutants;
        let (Joint::Recurrent { parts, mean }, Some(states)) = (joint, &work.states[at]) else { return };
        parts.run(kernel, weights, states, a, joined);
        self.rest(work, *mean + 1, joined, to);
    }

    /// Takes mutants through all steps from the joint on, a slice of them at a time.
    fn join_anew(&self, work: &mut Workspace<R>, mutants: &mut Mutants<R>, a: usize, to: &mut [R]) {
        let (at, first) = (mutants.at, self.chain.layouts[0]);
        let layout = self.chain.layouts[at];
        for p in 0..self.chain.length {
            let mutations = self.mutations(mutants, a, p);
            let Mutants { joint, local, codes, .. } = &mut *mutants;
            let Joint::Other { values, waiting } = joint else { return };
            let span = if at > 0 { local.run(self, work, (a, p), mutations) } else { p..p + 1 };
            if span.is_empty() {
                continue;
            }
            let width = span.len() * layout.channels;
            for (j, base) in mutations.iter().enumerate() {
                if at == 0 {
                    let row = |sequence: usize| first.lead + sequence * first.pitch;
                    let slot = &mut work.codes[row(waiting.len())..][..first.positions];
                    slot.copy_from_slice(&codes[row(a)..][..first.positions]);
                    slot[p] = base;
                } else {
                    let slot = layout.sequence_mut(&mut work.values[at], waiting.len());
                    slot.copy_from_slice(layout.sequence(values, a));
                    let rows = &local.rows()[j * width..][..width];
                    slot[span.start * layout.channels..][..width].copy_from_slice(rows);
                }
                waiting.push(p * BASES + usize::from(base));
                if waiting.len() == self.sequences {
                    self.flush(work, at, waiting, to);
                }
            }
        }
        if let Joint::Other { waiting, .. } = &mut mutants.joint {
            self.flush(work, at, waiting, to);
        }
    }

    /// Takes the mutants that wait in the first sequences of the slice through the steps that are left.
    fn flush(&self, work: &mut Workspace<R>, at: usize, waiting: &mut Vec<usize>, to: &mut [R]) {
        let outputs = self.chain.outputs;
        self.forward(work, at, self.chain.steps.len());
        if let Some(logits) = work.values.last() {
            for (logits, &place) in logits.chunks_exact(outputs).zip(&*waiting) {
                to[place * outputs..][..outputs].copy_from_slice(logits);
            }
        }
        waiting.clear();
    }
}

/// `before[t]` is the maximum of rows before t, `after[t]` that of rows from t on.
fn running_maxima<R: Real>(rows: &[R], c: usize, before: &mut [R], after: &mut [R]) {
    let positions = rows.len() / c;
    before[..c].fill(R::LOWEST);
    after[positions * c..].fill(R::LOWEST);
    for t in 0..positions {
        before.copy_within(t * c..(t + 1) * c, (t + 1) * c);
        raise(&mut before[(t + 1) * c..][..c], &rows[t * c..][..c]);
        let t = positions - 1 - t;
        after.copy_within((t + 1) * c..(t + 2) * c, t * c);
        raise(&mut after[t * c..][..c], &rows[t * c..][..c]);
    }
}

fn raise<R: Real>(to: &mut [R], row: &[R]) {
    to.iter_mut().zip(row).for_each(|(y, &x)| *y = if x > *y { x } else { *y });
}
