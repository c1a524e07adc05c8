//! What a bank needs of a device's memory. Sizes follow from the steps and the shape alone, so that they
//! can be told before anything is allocated: the same function allocates and counts.

use super::steps::{Codes, Convolve, Finish, Lstm, Step, Steps};
use crate::{BankShape, Result};

/// Depth of a slab of the products: chunks of rows are multiples of it.
pub(crate) const DEPTH: usize = 16;
/// Blocks of a sum over rows that keep a large device busy: of its 132 multiprocessors each has room for
/// two of the products' blocks and for eight of the others', several times over.
const BUSY_PRODUCT: usize = 132 * 2 * 4;
const BUSY: usize = 132 * 8 * 2;
/// Chunks that a sum over rows is split into, at most.
const MOST_CHUNKS: usize = 64;

/// What going forward needs. T is memory, or the count of its bytes.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    /// Value i, the input of step i; value 0 are one-hot numbers, where they are needed.
    pub(crate) values: Vec<T>,
    /// What a step keeps besides.
    pub(crate) extra: Vec<Extra<T>>,
    /// Codes of the batch.
    pub(crate) codes: T,
    /// Rows of the store, labels and weights of the batch, and the members that take part.
    pub(crate) rows: T,
    pub(crate) labels: T,
    pub(crate) weights: T,
    pub(crate) who: T,
    /// Flags of members.
    pub(crate) active: T,
    /// The loss of each member.
    pub(crate) losses: T,
}

/// What a step keeps besides its output.
#[derive(Debug)]
pub(crate) enum Extra<T> {
    None,
    /// Dropout bits and keys.
    Dropout {
        bits: T,
        keys: T,
    },
    /// Gates, and where the parameters of both directions lie.
    Lstm {
        gates: T,
        places: T,
    },
    /// Statistics, and those of the last batch for the running ones.
    Normalise {
        statistics: T,
        running: T,
    },
    /// Where the maxima are.
    GlobalMax {
        places: T,
    },
}

/// What going back needs besides.
#[derive(Debug)]
pub(crate) struct Back<T> {
    /// Gradient of value i, where it does not overwrite the value.
    pub(crate) gradients: Vec<Option<T>>,
    /// Weights of step i for the way back.
    pub(crate) weights: Vec<BackWeights<T>>,
    /// Sums over chunks that are still to be added.
    pub(crate) partials: T,
}

/// Weights of a step for the way back.
#[derive(Debug)]
pub(crate) enum BackWeights<T> {
    None,
    /// A convolution's, reversed.
    Convolve(T),
    /// An LSTM's: recurrent and input weights of both directions, transposed; and its states c.
    Lstm {
        recurrent: T,
        input: T,
        cell: T,
    },
}

impl<T> Scratch<T> {
    /// All of it, by a function that gives room for so many bytes.
    pub(crate) fn new(
        steps: &Steps,
        shape: BankShape,
        room: &mut impl FnMut(usize) -> Result<T>,
    ) -> Result<Self> {
        let (m, rows) = (shape.members, shape.members * shape.batch);
        let mut values = Vec::new();
        for (i, count) in steps.counts.iter().enumerate() {
            let stored = i > 0 || steps.codes == Codes::OneHot;
            values.push(room(if stored { rows * count * 4 } else { 0 })?);
        }
        let mut extra = Vec::new();
        for step in &steps.list {
            extra.push(match step {
                Step::Finish(finish) if finish.dropout.is_some() => {
                    Extra::Dropout { bits: room(rows * finish.words() * 4)?, keys: room(m * 8)? }
                }
                Step::Lstm(lstm) => Extra::Lstm {
                    gates: room(rows * lstm.length * 8 * lstm.hidden * 4)?,
                    places: room(lstm.places.len() * 4)?,
                },
                Step::Normalise(step) => Extra::Normalise {
                    statistics: room(m * 4 * step.channels * 4)?,
                    running: room(m * 2 * step.channels * 8)?,
                },
                Step::GlobalMax { channels, .. } => Extra::GlobalMax { places: room(rows * channels * 4)? },
                _ => Extra::None,
            });
        }
        Ok(Self {
            values,
            extra,
            codes: room(rows * steps.length)?,
            rows: room(rows * 4)?,
            labels: room(rows)?,
            weights: room(rows * 4)?,
            who: room(m * 4)?,
            active: room(m * 4)?,
            losses: room(m * 4)?,
        })
    }
}

impl<T> Back<T> {
    /// All of it, by a function that gives room for so many bytes.
    pub(crate) fn new(
        steps: &Steps,
        shape: BankShape,
        room: &mut impl FnMut(usize) -> Result<T>,
    ) -> Result<Self> {
        let (m, rows) = (shape.members, shape.members * shape.batch);
        let mut gradients = Vec::new();
        for (i, count) in steps.counts.iter().enumerate() {
            gradients.push(if steps.in_place(i) { None } else { Some(room(rows * count * 4)?) });
        }
        let mut weights = Vec::new();
        for step in &steps.list {
            weights.push(match step {
                Step::Convolve(step) => BackWeights::Convolve(room(m * step.depth() * step.filters * 4)?),
                Step::Lstm(Lstm { inputs, hidden, length, .. }) => BackWeights::Lstm {
                    recurrent: room(m * 8 * hidden * hidden * 4)?,
                    input: room(m * 8 * hidden * inputs * 4)?,
                    cell: room(rows * length * 2 * hidden * 4)?,
                },
                _ => BackWeights::None,
            });
        }
        let partials = steps.list.iter().map(|step| partial_numbers(step, m)).max().unwrap_or(0);
        Ok(Self { gradients, weights, partials: room(m * partials * 4)? })
    }
}

/// Bytes of a bank's scratch, with what going back needs or without.
pub(crate) fn bytes(steps: &Steps, shape: BankShape, backward: bool) -> Result<usize> {
    let mut sum = 0;
    let mut room = |bytes: usize| {
        sum += bytes;
        Ok(())
    };
    Scratch::new(steps, shape, &mut room)?;
    if backward {
        Back::new(steps, shape, &mut room)?;
    }
    Ok(sum)
}

/// How rows are split for sums over them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunks {
    /// Rows in a chunk.
    pub(crate) rows: usize,
    pub(crate) count: usize,
}

impl Chunks {
    /// So many rows in at most so many chunks of a multiple of rows.
    pub(crate) fn new(rows: usize, most: usize, multiple: usize) -> Self {
        let chunk = rows.div_ceil(most).next_multiple_of(multiple);
        Self { rows: chunk, count: rows.div_ceil(chunk) }
    }

    /// For a gradient of weights by a product.
    pub(crate) fn of_product(rows: usize, step: (usize, usize), members: usize) -> Self {
        Self::new(rows, product_chunks(step, members), DEPTH)
    }

    /// For a gradient of weights by codes, in sequences.
    pub(crate) fn of_codes(sequences: usize, tiles: usize, members: usize) -> Self {
        Self::new(sequences, most(BUSY, tiles, members), 1)
    }

    /// For sums of columns, of which a block takes 32 or 128.
    pub(crate) fn of_columns(rows: usize, columns: usize, members: usize) -> Self {
        Self::new(rows, most(BUSY, columns.div_ceil(128), members), 1)
    }
}

/// Chunks that make about so many blocks beside so many tiles and members.
fn most(blocks: usize, tiles: usize, members: usize) -> usize {
    (blocks / (tiles * members)).clamp(1, MOST_CHUNKS)
}

fn product_chunks((depth, columns): (usize, usize), members: usize) -> usize {
    let (rows, width) = gradient_tile(depth, columns);
    most(BUSY_PRODUCT, depth.div_ceil(rows) * columns.div_ceil(width), members)
}

/// The tile of a gradient of weights (depth, columns).
pub(crate) fn gradient_tile(depth: usize, columns: usize) -> (usize, usize) {
    match (depth, columns) {
        (_, ..=12) => (128, 8),
        (_, ..=48) => (128, 32),
        (..=64, _) => (32, 128),
        _ => (128, 128),
    }
}

/// Numbers of a step's sums over chunks, of one member.
fn partial_numbers(step: &Step, members: usize) -> usize {
    let product = |depth: usize, columns: usize| product_chunks((depth, columns), members) * depth * columns;
    let columns = |columns: usize| most(BUSY, columns.div_ceil(128), members) * columns;
    match step {
        Step::Convolve(step @ Convolve { width, filters, .. }) => {
            let tiles = filters.div_ceil(super::steps::table_filters(step));
            let codes = most(BUSY, tiles, members) * width * 4 * filters;
            product(step.depth(), *filters).max(codes)
        }
        Step::Lstm(Lstm { inputs, hidden, .. }) => {
            // Of each base and of all together.
            let codes = most(BUSY, (4 * hidden).div_ceil(128), members) * 5 * 4 * hidden;
            let products = product(*hidden, 4 * hidden).max(product(*inputs, 4 * hidden));
            products.max(codes).max(columns(4 * hidden))
        }
        Step::Finish(Finish { channels, .. }) => columns(*channels),
        // Two sums of double precision.
        Step::Normalise(step) => 4 * columns(step.channels),
        Step::GlobalMax { .. } | Step::Mean { .. } => 0,
    }
}
