//! Products that skip the zeros of their left matrix: of what a rectifier and dropout let through, and of
//! the gradient behind them, often less than half is not zero.
//!
//! The numbers that are left are listed row by row, in blocks of columns; a product then takes, block by
//! block, one row of the right matrix for each. Every sum is the chain of multiply-adds in the order of
//! the depth that [`crate::product`] makes too, less those that would add zero: the same bits, unless a
//! weight is infinite or not a number. So which of the two runs may be decided by the numbers found.

use crate::numbers::{Numbers, zeros};
use crate::real::Real;

/// Columns of a block: so many rows of a panel stay in the first-level cache while all rows of a chunk
/// pass by.
pub(crate) const BLOCK: usize = 64;
/// Rows of a result that are made together, about: their lists and sums stay in the second-level cache.
const CHUNK: usize = 192;
/// Of so many rows one is looked at to tell whether skipping pays.
const SAMPLE: usize = 8;
/// Part of the numbers that may be left for skipping to pay.
const DENSITY: f64 = 0.6;

/// The windows of sequences of rows: window t of a sequence is its rows `t..t + width`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Sequences.
    pub(crate) sequences: usize,
    /// Windows of a sequence.
    pub(crate) rows: usize,
    /// Rows from one sequence to the next.
    pub(crate) pitch: usize,
    /// Rows of a window.
    pub(crate) width: usize,
    /// Numbers of a row.
    pub(crate) columns: usize,
}

impl Windows {
    /// Sequences whose windows are made together.
    pub(crate) fn chunk(&self) -> usize {
        (CHUNK / self.rows).clamp(1, self.sequences)
    }

    /// Input rows that the windows of so many sequences read.
    pub(crate) fn input_rows(&self, sequences: usize) -> usize {
        (sequences - 1) * self.pitch + self.rows + self.width - 1
    }
}

/// The numbers of some rows that are not zero.
#[derive(Debug, Clone)]
pub(crate) struct Nonzeros<R> {
    values: Numbers<R>,
    /// Columns within their blocks.
    places: Vec<u16>,
    /// Where the list of each block of each row begins; a last one where all end.
    starts: Vec<u32>,
    blocks: usize,
}

impl<R: Real> Nonzeros<R> {
    /// Room for the rows that a chunk of any of these windows reads.
    pub(crate) fn new(all: impl Iterator<Item = Windows> + Clone) -> Self {
        let rows = |windows: &Windows| windows.input_rows(windows.chunk());
        let numbers = all.clone().map(|windows| rows(&windows) * windows.columns).max().unwrap_or(0);
        let lists = all.map(|windows| rows(&windows) * windows.columns.div_ceil(BLOCK)).max().unwrap_or(0);
        // A block is written whole before it is known how many of its numbers stay.
        Self {
            values: zeros(numbers + BLOCK),
            places: vec![0; numbers + BLOCK],
            starts: vec![0; lists + 1],
            blocks: 0,
        }
    }

    /// Whether so few numbers of a matrix with rows of `columns` are not zero that skipping pays.
    #[inline(always)]
    pub(crate) fn pay(matrix: &[R], columns: usize) -> bool {
        Self::fewer(matrix, columns, DENSITY)
    }

    /// Whether fewer than this part of the numbers of a matrix with rows of `columns` are not zero, by a look
    /// at some of its rows.
    #[inline(always)]
    pub(crate) fn fewer(matrix: &[R], columns: usize, part: f64) -> bool {
        let (mut rows, mut left) = (0, 0);
        for row in matrix.chunks_exact(columns).step_by(SAMPLE) {
            left += row.iter().map(|&x| u32::from(x != R::ZERO)).sum::<u32>();
            rows += 1;
        }
        f64::from(left) < part * (rows * columns) as f64
    }

    /// Lists those of a matrix with rows of `columns`.
    #[inline(always)]
    pub(crate) fn find(&mut self, matrix: &[R], columns: usize) {
        self.find_by(matrix, columns, list_block);
    }

    /// The same by a function that lists those of a block, into room for a whole one, and counts them.
    #[inline(always)]
    pub(crate) fn find_by(
        &mut self,
        matrix: &[R],
        columns: usize,
        list_block: impl Fn(&[R], &mut [R; BLOCK], &mut [u16; BLOCK]) -> usize,
    ) {
        self.blocks = columns.div_ceil(BLOCK);
        let (mut count, mut list) = (0, 0);
        for row in matrix.chunks_exact(columns) {
            for block in row.chunks(BLOCK) {
                self.starts[list] = count as u32;
                list += 1;
                let values = self.values[count..].first_chunk_mut();
                if let (Some(values), Some(places)) = (values, self.places[count..].first_chunk_mut()) {
                    count += list_block(block, values, places);
                }
            }
        }
        self.starts[list] = count as u32;
    }

    /// The list of a block of a row: values, and columns within the block.
    #[inline(always)]
    pub(crate) fn of(&self, row: usize, block: usize) -> (&[R], &[u16]) {
        let list = row * self.blocks + block;
        let range = self.starts[list] as usize..self.starts[list + 1] as usize;
        (&self.values[range.clone()], &self.places[range])
    }
}

/// Lists the numbers of a block that are not zero.
#[inline(always)]
pub(crate) fn list_block<R: Real>(block: &[R], values: &mut [R; BLOCK], places: &mut [u16; BLOCK]) -> usize {
    let mut found = 0;
    for (column, &x) in block.iter().enumerate() {
        // What is not kept is overwritten by the next.
        values[found % BLOCK] = x;
        places[found % BLOCK] = column as u16;
        found += usize::from(x != R::ZERO);
    }
    found
}

/// One product of windows and a right matrix in panels.
pub(crate) struct SkippingProduct<'a, R> {
    pub(crate) windows: Windows,
    /// Rows of `windows.columns`.
    pub(crate) input: &'a [R],
    /// The right matrix `(width * columns, filters)`, see [`crate::product::pack_panels`].
    pub(crate) panels: &'a [R],
    pub(crate) filters: usize,
    /// Rows of `filters`, those of a sequence `pitch` rows after those of the one before.
    pub(crate) to: &'a mut [R],
    /// Room.
    pub(crate) nonzeros: &'a mut Nonzeros<R>,
}
