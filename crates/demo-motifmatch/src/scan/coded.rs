//! A sequence as a scan reads it: pairs of neighbouring bases, and the stretches of known ones.

use std::ops::Range;

use demo_core::UNKNOWN;

use super::kernel::BLOCK;

/// Codes, pairs and stretches of one sequence; reused from sequence to sequence.
#[derive(Debug, Default)]
pub(super) struct Coded {
    codes: Vec<u8>,
    /// 4 × the code here + the code that follows, then what a kernel may read beyond the end. What an
    /// unknown base makes of its pairs does not matter: no window reaches it.
    pairs: Vec<u8>,
    /// The stretches without unknown bases.
    runs: Vec<Range<usize>>,
}

impl Coded {
    /// Takes another sequence; `widest` is the width of the widest motif that is looked for.
    pub(super) fn fill(&mut self, codes: &[u8], widest: usize) {
        self.codes.clear();
        self.codes.extend_from_slice(codes);
        self.pairs.clear();
        self.pairs.extend(codes.windows(2).map(|pair| 4 * (pair[0] & 3) + (pair[1] & 3)));
        self.pairs.extend(codes.last().map(|last| 4 * (last & 3)));
        self.pairs.resize(codes.len() + widest + BLOCK, 0);
        self.runs.clear();
        let mut start = 0;
        for run in codes.split(|&code| code >= UNKNOWN) {
            if !run.is_empty() {
                self.runs.push(start..start + run.len());
            }
            start += run.len() + 1;
        }
    }

    pub(super) fn codes(&self) -> &[u8] {
        &self.codes
    }

    pub(super) fn pairs(&self) -> &[u8] {
        &self.pairs
    }

    /// The starts within `starts` of windows of `width` known bases, stretch by stretch.
    pub(super) fn windows(&self, starts: Range<usize>, width: usize) -> impl Iterator<Item = Range<usize>> {
        let first = self.runs.partition_point(|run| run.end <= starts.start);
        self.runs[first..]
            .iter()
            .take_while(move |run| run.start < starts.end)
            .map(move |run| {
                let end = (run.end + 1).saturating_sub(width);
                run.start.max(starts.start)..end.min(starts.end)
            })
            .filter(|windows| !windows.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_known_bases_only() {
        let mut coded = Coded::default();
        coded.fill(&[0, 1, 2, 4, 4, 3, 3, 4, 1], 2);
        let windows = |starts, width| coded.windows(starts, width).collect::<Vec<_>>();
        assert_eq!(windows(0..9, 1), [0..3, 5..7, 8..9]);
        assert_eq!(windows(0..9, 2), [0..2, 5..6]);
        assert_eq!(windows(1..6, 2), [1..2, 5..6]);
        assert_eq!(windows(0..9, 4), [0..0; 0]);
        assert_eq!(coded.pairs()[..3], [1, 6, 8]);
        coded.fill(&[], 5);
        assert_eq!(coded.windows(0..9, 1).count(), 0);
    }
}
