//! A scan with one motif: the best hit of a sequence, on either strand, as log-odds of being bound.
//!
//! Counts get one pseudocount in all, shared as the training half's bases are; a score is the log-odds
//! of the best window against those base frequencies, and an unknown base counts as background. The
//! motif is chosen by AUROC on the training half: all are judged on a thousand examples of each class,
//! the best of them on all. A logistic regression on the one score makes log-odds of it.

use demo_core::{Background, DnaSequence, Motif};
use demo_data::Example;
use demo_eval::ScoredLabels;

use crate::{Error, Result};

/// Examples of each class that every motif is judged on, and motifs that are judged on all.
const SCREENED: usize = 1_000;
const FINALISTS: usize = 16;
/// Counts that steady a matrix of counts.
const PSEUDOCOUNT: f64 = 1.0;
/// The slope of the regression stays above, so that it never turns the ranking of a scan around.
const LEAST_SLOPE: f64 = 1e-3;

/// A motif with the two numbers that make log-odds of its scores.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub(super) motif: String,
    pub(super) intercept: f64,
    pub(super) slope: f64,
    strands: [Vec<[f64; 5]>; 2],
}

impl Scan {
    /// Log-odds rows of the forward strand with their regression.
    pub(super) fn new(motif: String, rows: &[[f64; 4]], intercept: f64, slope: f64) -> Self {
        Self { motif, intercept, slope, strands: strands(rows) }
    }

    /// Chooses among motifs, and fits, on training examples.
    pub(super) fn fit(motifs: &[&Motif], examples: &[&Example]) -> Result<Self> {
        let background = background(examples)?;
        let few = spread(examples, SCREENED);
        let mut judged = Vec::with_capacity(motifs.len());
        for (place, motif) in motifs.iter().enumerate() {
            let rows = log_odds_rows(motif, &background);
            judged.push((auroc(&strands(&rows), &few)?, place));
        }
        judged.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        judged.truncate(FINALISTS);
        let mut best: Option<(f64, usize)> = None;
        for &(_, place) in &judged {
            let reached = auroc(&strands(&log_odds_rows(motifs[place], &background)), examples)?;
            if best.is_none_or(|(highest, _)| reached > highest) {
                best = Some((reached, place));
            }
        }
        let Some((_, place)) = best else {
            let (found, wanted) = ("no motif to scan with".to_owned(), "at least one".to_owned());
            return Err(Error::Setting { flag: "--models", found, wanted });
        };
        let rows = log_odds_rows(motifs[place], &background);
        let both = strands(&rows);
        let scores: Vec<f64> = examples.iter().map(|example| best_window(&both, &example.sequence)).collect();
        let labels: Vec<bool> = examples.iter().map(|example| example.bound).collect();
        let (intercept, slope) = regression(&scores, &labels);
        Ok(Self::new(motifs[place].id().to_owned(), &rows, intercept, slope))
    }

    /// Log-odds of a sequence.
    pub(super) fn log_odds(&self, sequence: &DnaSequence) -> f64 {
        self.intercept + self.slope * best_window(&self.strands, sequence)
    }

    /// The matrix of the forward strand.
    pub(super) fn rows(&self) -> Vec<[f64; 4]> {
        self.strands[0].iter().map(|&[a, c, g, t, _]| [a, c, g, t]).collect()
    }
}

/// Base frequencies of both strands, one of each base added.
fn background(examples: &[&Example]) -> Result<Background> {
    let mut counts = [1.0; 4];
    for code in examples.iter().flat_map(|example| example.sequence.as_codes()) {
        if let Some(count) = counts.get_mut(usize::from(*code)) {
            *count += 1.0;
        }
    }
    let total: f64 = counts.iter().sum();
    Ok(Background::new(counts.map(|count| count / total))?.to_both_strands())
}

fn log_odds_rows(motif: &Motif, background: &Background) -> Vec<[f64; 4]> {
    let frequencies = background.frequencies();
    // A motif that says nothing of its sites is taken for one of twenty.
    let sites = motif.site_count().unwrap_or(20.0);
    let row = |row: &[f64; 4]| {
        std::array::from_fn(|base| {
            let steadied = (row[base] * sites + PSEUDOCOUNT * frequencies[base]) / (sites + PSEUDOCOUNT);
            (steadied / frequencies[base]).ln()
        })
    };
    motif.probabilities().rows().iter().map(row).collect()
}

/// Rows of both strands, with a score of 0 for an unknown base.
fn strands(rows: &[[f64; 4]]) -> [Vec<[f64; 5]>; 2] {
    let forward = rows.iter().map(|&[a, c, g, t]| [a, c, g, t, 0.0]).collect();
    let reverse = rows.iter().rev().map(|&[a, c, g, t]| [t, g, c, a, 0.0]).collect();
    [forward, reverse]
}

/// The best score of a window on either strand; 0, no evidence, where the motif is too long.
fn best_window(strands: &[Vec<[f64; 5]>; 2], sequence: &DnaSequence) -> f64 {
    let codes = sequence.as_codes();
    let width = strands[0].len();
    if codes.len() < width {
        return 0.0;
    }
    let mut best = f64::NEG_INFINITY;
    let mut sums = vec![0.0; codes.len() + 1 - width];
    for rows in strands {
        sums.fill(0.0);
        // Row by row over all windows, so that the additions of windows side by side overlap.
        for (offset, row) in rows.iter().enumerate() {
            for (sum, &code) in sums.iter_mut().zip(&codes[offset..]) {
                *sum += row[usize::from(code.min(4))];
            }
        }
        best = sums.iter().copied().fold(best, f64::max);
    }
    best
}

fn auroc(strands: &[Vec<[f64; 5]>; 2], examples: &[&Example]) -> Result<f64> {
    let scores: Vec<f64> = examples.iter().map(|example| best_window(strands, &example.sequence)).collect();
    let labels: Vec<bool> = examples.iter().map(|example| example.bound).collect();
    Ok(ScoredLabels::new(&labels, &scores)?.auroc())
}

/// So many examples of each class, evenly over the order of the file.
fn spread<'a>(examples: &[&'a Example], most: usize) -> Vec<&'a Example> {
    let mut chosen = Vec::new();
    for class in [true, false] {
        let all: Vec<&Example> = examples.iter().copied().filter(|example| example.bound == class).collect();
        let count = all.len().min(most);
        chosen.extend((0..count).map(|place| all[place * all.len() / count]));
    }
    chosen
}

/// Intercept and slope of a logistic regression on one score, by Newton's method.
fn regression(scores: &[f64], labels: &[bool]) -> (f64, f64) {
    // A whisper of a penalty keeps the slope finite where the classes are apart.
    const PENALTY: f64 = 1e-6;
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let bound = labels.iter().filter(|&&label| label).count() as f64;
    let (mut intercept, mut slope) = (0.0, 0.0);
    for _ in 0..100 {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, PENALTY * slope, 1e-12, 0.0, PENALTY);
        for (&score, &label) in scores.iter().zip(labels) {
            let x = score - mean;
            let p = 1.0 / (1.0 + (-(intercept + slope * x)).exp());
            let (error, weight) = ((p - f64::from(u8::from(label))) / n, p * (1.0 - p) / n);
            g0 += error;
            g1 += error * x;
            h00 += weight;
            h01 += weight * x;
            h11 += weight * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        let (d0, d1) = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
        // A bounded step cannot leave the region where the quadratic speaks for the loss.
        let size = d0.abs().max(d1.abs());
        let scale = if size > 2.0 { 2.0 / size } else { 1.0 };
        intercept -= scale * d0;
        slope -= scale * d1;
        if size < 1e-12 {
            break;
        }
    }
    if slope < LEAST_SLOPE {
        // The motif ranks the wrong way round: next to no slope, and the share of the bound for everyone.
        (intercept, slope) = ((bound / (n - bound)).ln(), LEAST_SLOPE);
    }
    (intercept - slope * mean, slope)
}

#[cfg(test)]
mod tests {
    use demo_core::ProbabilityMatrix;

    use super::*;

    #[test]
    fn the_best_window_of_either_strand_counts() {
        // By hand: ln 2 for each right base, -ln 2 for each wrong one.
        let ln2 = 2.0_f64.ln();
        let row = |base: usize| std::array::from_fn(|b| if b == base { ln2 } else { -ln2 });
        let both = strands(&[row(0), row(0), row(1)]);
        let best = |text: &str| best_window(&both, &text.parse().unwrap());
        assert_eq!(best("TTAACTT"), 3.0 * ln2);
        assert_eq!(best("CCGTTCC"), 3.0 * ln2);
        assert_eq!(best("AANTTTT"), 2.0 * ln2);
        assert_eq!(best("AA"), 0.0);
    }

    // scikit-learn 1.9.1:
    //   x = np.array([.5, 1.5, -1, 2, 0, -2, 1, -.5]); y = np.array([1, 1, 0, 1, 1, 0, 0, 0])
    //   m = LogisticRegression(C=1e6 / 8, tol=1e-14, max_iter=100000).fit(x[:, None], y); m.intercept_, m.coef_
    #[test]
    fn the_regression_agrees_with_scikit_learn() {
        let scores = [0.5, 1.5, -1.0, 2.0, 0.0, -2.0, 1.0, -0.5];
        let labels = [true, true, false, true, true, false, false, false];
        let (intercept, slope) = regression(&scores, &labels);
        assert!((intercept + 0.374_365_279_733_723_3).abs() < 1e-4, "{intercept}");
        assert!((slope - 1.606_135_155_970_901_6).abs() < 1e-4, "{slope}");
        // Upside down the slope stays above zero.
        let turned: Vec<f64> = scores.iter().map(|x| -x).collect();
        assert_eq!(regression(&turned, &labels).1, LEAST_SLOPE);
        // And probabilities keep the share of the bound.
        let rare = [false, true, false, false, false, false, false, false];
        let scores = [3.0, -4.0, 2.0, 1.0, 2.5, 3.5, 1.5, 2.0];
        let (intercept, slope) = regression(&scores, &rare);
        let share = scores.iter().map(|x| 1.0 / (1.0 + (-(intercept + slope * x)).exp())).sum::<f64>() / 8.0;
        assert!(slope == LEAST_SLOPE && (share - 0.125).abs() < 1e-5, "{share}");
    }

    #[test]
    fn examples_are_spread_over_both_classes() {
        let all = super::super::tests::examples(50, 3);
        let all: Vec<&Example> = all.iter().collect();
        let few = spread(&all, 5);
        assert_eq!(few.iter().filter(|example| example.bound).count(), 5);
        assert_eq!(few.len(), 10);
        assert_eq!(spread(&all, 100).len(), 50);
    }

    #[test]
    fn zeros_of_a_count_matrix_stay_finite() {
        let matrix = ProbabilityMatrix::new(vec![[1.0, 0.0, 0.0, 0.0]; 4]).unwrap();
        let motif = Motif::new("x", matrix).with_site_count(10.0);
        let rows = log_odds_rows(&motif, &Background::new([0.25; 4]).unwrap());
        // (0 + .25) / 11 over .25.
        assert!((rows[0][1] - (1.0_f64 / 11.0).ln()).abs() < 1e-12);
    }
}
