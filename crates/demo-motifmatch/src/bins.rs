//! Column scores of a query as small integers: distances, centring and binning.
//!
//! Every query column is scored against every target column, both strands; for complete scores those of a
//! query column are centred near their median; the whole query's scores share one scale of about a hundred
//! steps. All arithmetic is double precision in the order that Tomtom's tables need; the loops are written so
//! that the compiler vectorises them for the machine's own instructions, which changes no bit.
//! Cost: a square root and a few passes for each pair of columns.

use crate::Distance;
use crate::wide::wide;

/// How many steps are read at once; so many may be read past either end of a row.
pub(crate) const LANES: usize = 16;
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

    /// The score of one query column against each, higher for more alike; gives the lowest and the highest.
    fn score(&self, query: [f64; 4], distance: Distance, scores: &mut [f64]) -> (f64, f64) {
        let Distance::Euclidean = distance;
        euclidean(query, self.bases.each_ref().map(Vec::as_slice), scores)
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
            let (low, high) = targets.score(*column, distance, row);
            let centre = if centred { centre(row, &mut self.scratch) } else { 0.0 };
            // Subtraction keeps the order, so the ends need not be centred one by one.
            smallest = smallest.min(low - centre);
            largest = largest.max(high - centre);
            centres.push(centre);
        }
        let small = smallest.floor();
        // Where every score is the same there is nothing to tell apart: all bins are zero and every p is 1.
        let scale = if largest > small { (STEPS / (largest - small)).floor() } else { 0.0 };
        // Centred scores reach zero, so its bin is no higher than the highest; others leave nothing unaligned.
        self.zero = if centred { (-small * scale) as usize } else { 0 };
        self.steps.resize(query.len() * self.columns + 2 * LANES, 0);
        self.counts.clear();
        let rows =
            self.scores.chunks_exact(self.columns).zip(self.steps[LANES..].chunks_exact_mut(self.columns));
        for ((scores, steps), &centre) in rows.zip(&centres) {
            let zero = self.zero as i8;
            quantise(scores, steps, centre, small, scale, zero);
            self.counts.push(count(steps, zero));
        }
    }

    /// Steps above the zero bin over the target columns of a query column, after [`LANES`] that belong to none.
    #[inline(always)]
    pub(crate) fn padded_row(&self, row: usize) -> &[i8] {
        &self.steps[row * self.columns..]
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

wide! {
    fn euclidean<'a>(query: [f64; 4], bases: [&'a [f64]; 4], scores: &'a mut [f64]) -> (f64, f64) {
        // Eight running ends, so that no score waits for the one before it.
        let (mut low, mut high) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
        let (blocks, rest) = scores.as_chunks_mut::<8>();
        let done = 8 * blocks.len();
        let [a, c, g, t] = bases.map(|base| base.as_chunks::<8>().0);
        for ((((scores, a), c), g), t) in blocks.iter_mut().zip(a).zip(c).zip(g).zip(t) {
            for i in 0..8 {
                scores[i] = negative_distance(query, [a[i], c[i], g[i], t[i]]);
                low[i] = if scores[i] < low[i] { scores[i] } else { low[i] };
                high[i] = if scores[i] > high[i] { scores[i] } else { high[i] };
            }
        }
        for (i, score) in rest.iter_mut().enumerate() {
            *score = negative_distance(query, bases.map(|base| base[done + i]));
            low[0] = low[0].min(*score);
            high[0] = high[0].max(*score);
        }
        (low.into_iter().fold(f64::INFINITY, f64::min), high.into_iter().fold(f64::NEG_INFINITY, f64::max))
    }
}

#[inline(always)]
fn negative_distance(query: [f64; 4], target: [f64; 4]) -> f64 {
    let d: [f64; 4] = std::array::from_fn(|base| query[base] - target[base]);
    -(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + d[3] * d[3]).sqrt()
}

wide! {
    fn quantise<'a>(
        scores: &'a [f64], steps: &'a mut [i8], centre: f64, small: f64, scale: f64, zero: i8,
    ) -> () {
        for (step, score) in steps.iter_mut().zip(scores) {
            let bin = (score - centre - small) * scale + 0.5;
            // Truncates without a conversion instruction, which plain x86-64 has for single numbers only.
            let nearest = (bin + INTEGER) - INTEGER;
            let whole = if nearest > bin { nearest - 1.0 } else { nearest };
            *step = ((whole + INTEGER).to_bits() as i8).wrapping_sub(zero);
        }
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
const SAMPLE: usize = 1024;
/// Ranks of the sample that the bracket reaches to either side of the middle, four standard deviations.
const REACH: usize = 64;

/// The mean of the sorted scores at ranks ⌊C/2⌋ - 1 and ⌈C/2⌉ - 1: Tomtom's centre, just below the median.
///
/// A sample brackets the ranks first, so that only the scores within the bracket are ordered.
fn centre(scores: &[f64], scratch: &mut Vec<f64>) -> f64 {
    let upper = scores.len().div_ceil(2).saturating_sub(1);
    let lower = (scores.len() / 2).saturating_sub(1);
    if scores.len() >= 4 * SAMPLE {
        let stride = scores.len() / SAMPLE;
        let mut sample: [f64; SAMPLE] = std::array::from_fn(|i| scores[i * stride]);
        let (below, &mut high, _) = sample.select_nth_unstable_by(SAMPLE / 2 + REACH, f64::total_cmp);
        let (_, &mut low, _) = below.select_nth_unstable_by(SAMPLE / 2 - REACH, f64::total_cmp);
        let bracket = (low, high);
        scratch.resize(scores.len(), 0.0);
        let (below, within) = collect(scores, bracket, scratch);
        if below <= lower && upper < below + within {
            return middle(&mut scratch[..within], lower - below, upper - below);
        }
    }
    scratch.clear();
    scratch.extend_from_slice(scores);
    middle(scratch, lower, upper)
}

wide! {
    /// How many scores lie below the bracket, and how many within it; those go to the front of `scratch`.
    fn collect<'a>(scores: &'a [f64], bracket: (f64, f64), scratch: &'a mut [f64]) -> (usize, usize) {
        let (low, high) = bracket;
        let mut below = 0u32;
        for &score in scores {
            below = below.wrapping_add(u32::from(score < low));
        }
        let mut within = 0;
        let scratch = &mut scratch[..scores.len()];
        for &score in scores {
            // Written always and kept only sometimes: cheaper than a branch that cannot be foreseen.
            scratch[within] = score;
            within = within.wrapping_add(usize::from(score >= low && score <= high));
        }
        (below as usize, within)
    }
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
