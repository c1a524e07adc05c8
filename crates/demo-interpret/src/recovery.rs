//! How well a motif that was found is one that was planted.
//!
//! The found matrix is laid onto the planted one at every offset, on both strands; planted columns that
//! it does not reach are taken as found uniform, a quarter each, so that a fragment does not pass for the
//! whole, and found columns beyond the planted ones do not count. The recovery is Pearson's correlation
//! of the 4 w probabilities at the best alignment. Cost: widths of both × width of the planted one.

use demo_core::{ProbabilityMatrix, Strand};

/// The best alignment of a found matrix with a planted one.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// Pearson's correlation over the planted columns; 0 where the found ones are all alike uniform.
    pub correlation: f64,
    /// The planted column at which the found matrix begins, negative where it begins before.
    pub offset: isize,
    /// The strand on which the found matrix was read.
    pub strand: Strand,
    /// What was found for each planted column.
    pub aligned: ProbabilityMatrix,
}

/// Lays a found matrix onto a planted one; of equals the first, forward strand and smallest offset.
///
/// ```
/// use demo_core::{ProbabilityMatrix, Strand};
/// use demo_interpret::recovery;
///
/// let a = [0.97, 0.01, 0.01, 0.01];
/// let c = [0.01, 0.97, 0.01, 0.01];
/// let planted = ProbabilityMatrix::new(vec![a, a, c])?;
/// let found = recovery(&planted.to_reverse_complement(), &planted);
/// assert!((found.correlation - 1.0).abs() < 1e-12);
/// assert_eq!((found.offset, found.strand), (0, Strand::Reverse));
/// # Ok::<(), demo_core::Error>(())
/// ```
pub fn recovery(found: &ProbabilityMatrix, planted: &ProbabilityMatrix) -> Recovery {
    let mut best: Option<Recovery> = None;
    let (width, reach) = (planted.width().cast_signed(), found.width().cast_signed());
    for (strand, read) in [
        (Strand::Forward, found.to_normalised()),
        (Strand::Reverse, found.to_normalised().to_reverse_complement()),
    ] {
        for offset in 1 - reach..width {
            let aligned: Vec<[f64; 4]> = (0..width).map(|column| column_at(&read, column - offset)).collect();
            let correlation = pearson(&aligned, planted.rows());
            if best.as_ref().is_none_or(|best| correlation > best.correlation)
                && let Ok(aligned) = ProbabilityMatrix::new(aligned)
            {
                best = Some(Recovery { correlation, offset, strand, aligned });
            }
        }
    }
    // There is an alignment whatever the widths, and normalised columns make a matrix.
    best.unwrap_or(Recovery {
        correlation: 0.0,
        offset: 0,
        strand: Strand::Forward,
        aligned: planted.clone(),
    })
}

/// A column, uniform beyond the ends.
fn column_at(matrix: &ProbabilityMatrix, column: isize) -> [f64; 4] {
    let inside = usize::try_from(column).ok().and_then(|column| matrix.rows().get(column));
    inside.copied().unwrap_or([0.25; 4])
}

/// Pearson's correlation of all entries. Every row sums to 1, so both means are a quarter.
fn pearson(a: &[[f64; 4]], b: &[[f64; 4]]) -> f64 {
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        let (x, y) = (a - 0.25, b - 0.25);
        both += x * y;
        of_a += x * x;
        of_b += y * y;
    }
    if of_a * of_b > 0.0 { both / (of_a * of_b).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matrix(rows: &[[f64; 4]]) -> ProbabilityMatrix {
        ProbabilityMatrix::new(rows.to_vec()).unwrap()
    }

    const PLANTED: [[f64; 4]; 4] =
        [[0.7, 0.1, 0.1, 0.1], [0.05, 0.05, 0.85, 0.05], [0.2, 0.3, 0.1, 0.4], [0.0, 1.0, 0.0, 0.0]];
    const FOUND: [[f64; 4]; 3] = [[0.1, 0.1, 0.7, 0.1], [0.25, 0.25, 0.2, 0.3], [0.1, 0.6, 0.2, 0.1]];

    // NumPy 2.4.6, F and P the matrices above:
    //   q = .25 * numpy.ones((4, 4)); q[1:] = F; numpy.corrcoef(q.ravel(), P.ravel())[0, 1]
    #[test]
    fn a_fragment_is_compared_over_all_planted_columns() {
        let found = recovery(&matrix(&FOUND), &matrix(&PLANTED));
        assert_eq!((found.offset, found.strand), (1, Strand::Forward));
        assert!((found.correlation - 0.872_955_593_328_297_8).abs() < 1e-14);
        assert_eq!(found.aligned.rows()[0], [0.25; 4]);
        let uniform = recovery(&matrix(&[[0.25; 4]; 5]), &matrix(&PLANTED));
        assert_eq!(uniform.correlation, 0.0);
    }

    fn columns(width: std::ops::Range<usize>) -> impl Strategy<Value = ProbabilityMatrix> {
        prop::collection::vec(prop::array::uniform4(0.01_f64..1.0), width).prop_map(|rows| {
            let normalised = |row: [f64; 4]| {
                let sum: f64 = row.iter().sum();
                row.map(|value| value / sum)
            };
            ProbabilityMatrix::new(rows.into_iter().map(normalised).collect()).unwrap()
        })
    }

    proptest! {
        #[test]
        fn a_matrix_within_others_is_recovered_whole(planted in columns(4..12), before in columns(1..6)) {
            let rows: Vec<[f64; 4]> =
                before.rows().iter().chain(planted.rows()).chain(before.rows()).copied().collect();
            let found = recovery(&matrix(&rows), &planted);
            prop_assert!((found.correlation - 1.0).abs() < 1e-9);
            let reverse = recovery(&matrix(&rows).to_reverse_complement(), &planted);
            prop_assert!((reverse.correlation - 1.0).abs() < 1e-9);
        }

        #[test]
        fn strands_do_not_matter(a in columns(1..15), b in columns(1..15)) {
            let there = recovery(&a, &b).correlation;
            let both = recovery(&a.to_reverse_complement(), &b.to_reverse_complement()).correlation;
            prop_assert!((there - both).abs() < 1e-9);
            prop_assert!((-1.0 - 1e-9..=1.0 + 1e-9).contains(&there));
        }
    }
}
