//! Portable kernels, generic over the element type. Loops over channels are written so that the
//! compiler turns them into vector instructions.

pub(crate) mod attention;
pub(crate) mod cell;
pub(crate) mod convolution;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod finish;
pub(crate) mod lstm;
pub(crate) mod normalise;
pub(crate) mod peak;
pub(crate) mod reduce;
pub(crate) mod skip;
pub(crate) mod sparse;
pub(crate) mod transpose;
pub(crate) mod winograd;

/// How the positions of a slice of sequences lie in a buffer of rows of `channels` numbers.
///
/// Position t of sequence a is row `lead + a * pitch + t`. The rows between sequences belong to no
/// position; what reads whole buffers needs them to be zero, and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Positions of a sequence.
    pub(crate) positions: usize,
    /// Numbers in a row.
    pub(crate) channels: usize,
    /// Rows before the first sequence.
    pub(crate) lead: usize,
    /// Rows from one sequence to the next.
    pub(crate) pitch: usize,
}

impl Layout {
    /// Sequences one after the other, nothing between them.
    pub(crate) fn compact(positions: usize, channels: usize) -> Self {
        Self { positions, channels, lead: 0, pitch: positions }
    }

    /// Index of the first number of a row of a sequence.
    #[inline(always)]
    pub(crate) fn at(&self, sequence: usize, position: usize) -> usize {
        (self.lead + sequence * self.pitch + position) * self.channels
    }

    /// Numbers of one sequence.
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.positions * self.channels
    }

    /// Numbers in a buffer of so many sequences.
    pub(crate) fn size(&self, sequences: usize) -> usize {
        (self.lead + sequences * self.pitch) * self.channels
    }

    /// The numbers of one sequence.
    #[inline(always)]
    pub(crate) fn sequence<'a, R>(&self, data: &'a [R], sequence: usize) -> &'a [R] {
        let start = self.at(sequence, 0);
        &data[start..start + self.count()]
    }

    /// The numbers of one sequence, to be written.
    #[inline(always)]
    pub(crate) fn sequence_mut<'a, R>(&self, data: &'a mut [R], sequence: usize) -> &'a mut [R] {
        let start = self.at(sequence, 0);
        &mut data[start..start + self.count()]
    }
}
