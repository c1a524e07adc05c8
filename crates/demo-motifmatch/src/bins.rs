//! Column scores of a query as small integers: distances, centring and binning.
//!
//! Every query column is scored against every target column, both strands; for complete scores those of a
//! query column are centred near their median; the whole query's scores share one scale of about a hundred
//! steps. All arithmetic is double precision in the order that Tomtom's tables need; the loops are written so
//! that the compiler vectorises them for the machine's own instructions, which changes no bit.
//! Cost: a square root and a few passes for each pair of columns.

use crate::Distance;

/// Steps between the lowest and the highest score of a query.
const STEPS: f64 = 100.0;
/// Adding it to a smaller non-negative number leaves no fraction, and the integer in the low bits.
const INTEGER: f64 = 4_503_599_627_370_496.0;

/// The columns of all targets, base by base so that a row of scores is a run over four slices.
#[derive(Debug)]
pub(crate) struct TargetColumns {
    bases: [Vec<f64>; 4],
}

impl TargetColumns {
    pub(crate) fn new(columns: &[[f64; 4]]) -> Self {
        Self { bases: std::array::from_fn(|base| columns.iter().map(|column| column[base]).collect()) }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.bases[0].len()
    }

    /// The score of one query column against each, higher for more alike.
    fn score(&self, query: [f64; 4], distance: Distance, scores: &mut [f64]) {
        let Distance::Euclidean = distance;
        let [a, c, g, t] = &self.bases;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || euclidean(query, [a, c, g, t], scores),
        );
    }
}

/// A query's scores as integers from 0 to 100, query column × target column; reused from query to query.
#[derive(Debug, Default)]
pub(crate) struct Bins {
    /// Each bin less the zero bin, what an aligned pair of columns adds to a score.
    steps: Vec<i8>,
    /// How many target columns are in each bin, for each query column.
    counts: Vec<[u32; 101]>,
    /// Target columns.
    columns: usize,
    /// The bin that a score of zero has, what an unaligned query column counts.
    zero: usize,
    scores: Vec<f64>,
    scratch: Vec<f64>,
}

impl Bins {
    /// Scores and bins a query.
    pub(crate) fn fill(
        &mut self,
        query: &[[f64; 4]],
        targets: &TargetColumns,
        distance: Distance,
        centred: bool,
    ) {
        self.columns = targets.len();
        self.scores.resize(query.len() * self.columns, 0.0);
        let mut centres = Vec::with_capacity(query.len());
        let (mut smallest, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for (column, row) in query.iter().zip(self.scores.chunks_exact_mut(self.columns)) {
            targets.score(*column, distance, row);
            let centre = if centred { centre(row, &mut self.scratch) } else { 0.0 };
            // Subtraction keeps the order, so the ends need not be centred one by one.
            let (low, high) = pulp::Arch::new().dispatch(
                #[inline(always)]
                || ends(row),
            );
            smallest = smallest.min(low - centre);
            largest = largest.max(high - centre);
            centres.push(centre);
        }
        let small = smallest.floor();
        // Where every score is the same there is nothing to tell apart: all bins are zero and every p is 1.
        let scale = if largest > small { (STEPS / (largest - small)).floor() } else { 0.0 };
        // Centred scores reach zero, so its bin is no higher than the highest; others leave nothing unaligned.
        self.zero = if centred { (-small * scale) as usize } else { 0 };
        self.steps.resize(query.len() * self.columns, 0);
        self.counts.clear();
        let rows = self.scores.chunks_exact(self.columns).zip(self.steps.chunks_exact_mut(self.columns));
        for ((scores, steps), &centre) in rows.zip(&centres) {
            let zero = self.zero as i8;
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || quantise(scores, steps, centre, small, scale, zero),
            );
            self.counts.push(count(steps, zero));
        }
    }

    /// Steps above the zero bin: for each query column one row over the target columns.
    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &[i8]> {
        self.steps.chunks_exact(self.columns.max(1))
    }

    /// The share of target columns in each bin up to the highest one taken, for each query column.
    pub(crate) fn histograms(&self) -> Vec<Vec<f64>> {
        let share = |counts: &[u32; 101]| {
            let top = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
            counts[..=top].iter().map(|&count| f64::from(count) / self.columns as f64).collect()
        };
        self.counts.iter().map(share).collect()
    }

    /// The bin that a score of zero has.
    pub(crate) fn zero(&self) -> usize {
        self.zero
    }

    /// The total of an alignment: its steps above the zero bin, and the zero bin for each query column.
    pub(crate) fn total(&self, score: i32) -> usize {
        (self.counts.len() * self.zero).saturating_add_signed(score as isize)
    }
}

#[inline(always)]
fn euclidean(query: [f64; 4], [a, c, g, t]: [&[f64]; 4], scores: &mut [f64]) {
    for ((((score, a), c), g), t) in scores.iter_mut().zip(a).zip(c).zip(g).zip(t) {
        let d = [query[0] - a, query[1] - c, query[2] - g, query[3] - t];
        *score = -(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + d[3] * d[3]).sqrt();
    }
}

/// The smallest and the largest score, eight running ones at a time so that they need not wait for each other.
#[inline(always)]
fn ends(scores: &[f64]) -> (f64, f64) {
    let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let (blocks, rest) = scores.as_chunks::<8>();
    for block in blocks {
        for ((low, high), &score) in low.iter_mut().zip(&mut high).zip(block) {
            *low = if score < *low { score } else { *low };
            *high = if score > *high { score } else { *high };
        }
    }
    let all = || rest.iter().copied();
    (all().chain(low).fold(f64::INFINITY, f64::min), all().chain(high).fold(f64::NEG_INFINITY, f64::max))
}

#[inline(always)]
fn quantise(scores: &[f64], steps: &mut [i8], centre: f64, small: f64, scale: f64, zero: i8) {
    for (step, score) in steps.iter_mut().zip(scores) {
        let bin = (score - centre - small) * scale + 0.5;
        // Truncates without a conversion instruction, which plain x86-64 has for single numbers only.
        let nearest = (bin + INTEGER) - INTEGER;
        let whole = if nearest > bin { nearest - 1.0 } else { nearest };
        *step = ((whole + INTEGER).to_bits() as i8).wrapping_sub(zero);
    }
}

/// How many target columns are in each bin; four histograms, so that equal neighbours do not wait.
fn count(steps: &[i8], zero: i8) -> [u32; 101] {
    let mut counts = [[0u32; 256]; 4];
    let (blocks, rest) = steps.as_chunks::<4>();
    for block in blocks {
        for (counts, step) in counts.iter_mut().zip(block) {
            counts[usize::from(step.wrapping_add(zero) as u8)] += 1;
        }
    }
    for step in rest {
        counts[0][usize::from(step.wrapping_add(zero) as u8)] += 1;
    }
    std::array::from_fn(|bin| counts.iter().map(|counts| counts[bin]).sum())
}

/// Scores sampled to bracket the centre.
const SAMPLE: usize = 256;
/// Ranks of the sample that the bracket reaches to either side of the middle, four standard deviations.
const REACH: usize = 32;

/// The mean of the sorted scores at ranks ⌊C/2⌋ - 1 and ⌈C/2⌉ - 1: Tomtom's centre, just below the median.
///
/// A sample brackets the ranks first, so that only the scores within the bracket are ordered.
fn centre(scores: &[f64], scratch: &mut Vec<f64>) -> f64 {
    let upper = scores.len().div_ceil(2).saturating_sub(1);
    let lower = (scores.len() / 2).saturating_sub(1);
    if scores.len() >= 8 * SAMPLE {
        let stride = scores.len() / SAMPLE;
        let mut sample: [f64; SAMPLE] = std::array::from_fn(|i| scores[i * stride]);
        sample.sort_unstable_by(f64::total_cmp);
        let bracket = (sample[SAMPLE / 2 - REACH], sample[SAMPLE / 2 + REACH]);
        scratch.resize(scores.len() + 1, 0.0);
        let (below, within) = pulp::Arch::new().dispatch(
            #[inline(always)]
            || collect(scores, bracket, scratch),
        );
        if below <= lower && upper < below + within {
            return middle(&mut scratch[..within], lower - below, upper - below);
        }
    }
    scratch.clear();
    scratch.extend_from_slice(scores);
    middle(scratch, lower, upper)
}

/// How many scores lie below the bracket, and how many within it; those go to the front of `scratch`.
#[inline(always)]
fn collect(scores: &[f64], (low, high): (f64, f64), scratch: &mut [f64]) -> (usize, usize) {
    let mut below = 0u32;
    for &score in scores {
        below += u32::from(score < low);
    }
    let mut within = 0;
    for &score in scores {
        // Written always and kept only sometimes: cheaper than a branch that cannot be foreseen.
        scratch[within] = score;
        within += usize::from(score >= low && score <= high);
    }
    (below as usize, within)
}

/// The mean of the numbers of rank `lower` and of rank `upper`, its equal or next.
fn middle(numbers: &mut [f64], lower: usize, upper: usize) -> f64 {
    let (below, &mut high, _) = numbers.select_nth_unstable_by(upper, f64::total_cmp);
    let low = if lower == upper { high } else { below.iter().copied().fold(f64::NEG_INFINITY, f64::max) };
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bracketed_centre_equals_the_sorted_one(
            few in prop::collection::vec(-1.4f64..0.0, 1..40),
            copies in 1usize..400,
            offset in 0usize..3,
        ) {
            // Few distinct values many times over: ties at and around the middle, and periodic samples.
            let scores: Vec<f64> =
                few.iter().cycle().take((few.len() * copies + offset).max(1)).copied().collect();
            let mut sorted = scores.clone();
            sorted.sort_by(f64::total_cmp);
            let at = |half: usize| sorted[half.max(1) - 1];
            let wanted = f64::midpoint(at(scores.len() / 2), at(scores.len().div_ceil(2)));
            prop_assert_eq!(centre(&scores, &mut Vec::new()), wanted);
        }

        #[test]
        fn bins_are_truncated(scores in prop::collection::vec(-1.4f64..0.0, 1..100), centre in -1.0f64..0.0) {
            let mut steps = vec![0; scores.len()];
            quantise(&scores, &mut steps, centre, -2.0, 33.0, 66);
            for (&step, score) in steps.iter().zip(&scores) {
                let bin = ((score - centre + 2.0) * 33.0 + 0.5).trunc() as i32;
                prop_assert_eq!(i32::from(step), bin - 66);
            }
        }
    }
}
