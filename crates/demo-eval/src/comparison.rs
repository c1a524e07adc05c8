//! Pairs of models compared over TFs, corrected for the number of pairs.

use serde::{Deserialize, Serialize};

use crate::{
    Bootstrap, EffectSizes, Groups, Interval, Origin, PairedT, Result, ResultTable, Summary, Wilcoxon,
    bootstrap_mean, effect_sizes, holm, paired_t, wilcoxon,
};

/// Two models compared over TFs, on what both have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The first model.
    pub first: String,
    /// The second model, whose figures are taken from the first's.
    pub second: String,
    /// Whether the sets are real or simulated; a test on simulated sets speaks of the simulation.
    pub origin: Origin,
    /// The number of TFs, which is the number of pairs tested.
    pub tfs: usize,
    /// The number of sets behind them.
    pub sets: usize,
    /// First less second: mean, median and standard deviation over TFs; `None` without common sets.
    pub difference: Option<Summary>,
    /// The bootstrap interval of the mean difference, TFs resampled; `None` for fewer than two.
    pub interval: Option<Interval>,
    /// The paired t test over TFs, with Cohen's d; `None` where it is undefined.
    pub t_test: Option<PairedT>,
    /// The p of the t test after Holm's correction over the family of pairs.
    pub t_holm: Option<f64>,
    /// Effect sizes over TFs; `None` where they are undefined.
    pub effects: Option<EffectSizes>,
    /// The signed-rank test over TFs; `None` where it is undefined.
    pub wilcoxon: Option<Wilcoxon>,
    /// The p of the signed-rank test after Holm's correction over the family of pairs.
    pub wilcoxon_holm: Option<f64>,
}

impl ResultTable {
    /// Compares the pairs given, which are the family of Holm's correction.
    ///
    /// The t tests and the signed-rank tests are corrected apart: they answer one question twice.
    ///
    /// # Errors
    ///
    /// When a model has no rows or the bootstrap's configuration is not usable.
    pub fn compare(&self, pairs: &[(&str, &str)], bootstrap: &Bootstrap) -> Result<Vec<Comparison>> {
        let mut family = pairs
            .iter()
            .map(|(first, second)| self.compare_pair(first, second, bootstrap))
            .collect::<Result<Vec<_>>>()?;
        let t: Vec<Option<f64>> = family.iter().map(|c| c.t_test.map(|t| t.p)).collect();
        let ranks: Vec<Option<f64>> = family.iter().map(|c| c.wilcoxon.map(|w| w.p)).collect();
        let corrected = holm(&t).into_iter().zip(holm(&ranks));
        for (comparison, (t_holm, wilcoxon_holm)) in family.iter_mut().zip(corrected) {
            comparison.t_holm = t_holm;
            comparison.wilcoxon_holm = wilcoxon_holm;
        }
        Ok(family)
    }

    fn compare_pair(&self, first: &str, second: &str, bootstrap: &Bootstrap) -> Result<Comparison> {
        let (differences, sets) = self.differences(first, second)?;
        let difference = match differences[..] {
            [] => None,
            _ => Some(Summary::new(&differences)?),
        };
        let interval = match differences[..] {
            [] | [_] => None,
            _ => {
                let tfs = Groups::singletons(differences.len())?;
                Some(bootstrap_mean(&differences, &tfs, bootstrap)?)
            }
        };
        Ok(Comparison {
            first: first.to_owned(),
            second: second.to_owned(),
            origin: self.origin(),
            tfs: differences.len(),
            sets,
            difference,
            interval,
            t_test: paired_t(&differences)?,
            t_holm: None,
            effects: effect_sizes(&differences)?,
            wilcoxon: wilcoxon(&differences)?,
            wilcoxon_holm: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result_table::tests::{BOOTSTRAP, row};

    const PAIRS: [(&str, &str); 3] = [("cnn", "rnn"), ("cnn", "cnn-rnn"), ("rnn", "cnn-rnn")];

    /// Six TFs, the first of them with two sets, and three models.
    fn table() -> ResultTable {
        let figures = [
            ("A_1", [0.91, 0.90, 0.93]),
            ("A_2", [0.81, 0.76, 0.85]),
            ("B_1", [0.87, 0.85, 0.90]),
            ("C_1", [0.95, 0.96, 0.97]),
            ("D_1", [0.79, 0.75, 0.80]),
            ("E_1", [0.88, 0.84, 0.89]),
            ("F_1", [0.93, 0.90, 0.94]),
        ];
        let rows: Vec<_> = figures
            .iter()
            .flat_map(|(set, values)| {
                let models = ["cnn", "rnn", "cnn-rnn"].into_iter();
                models.zip(values).map(|(model, value)| row(set, model, 0, 1, *value))
            })
            .collect();
        ResultTable::new(&rows, Origin::Simulated).unwrap()
    }

    // SciPy 1.17.1:
    //   x = [(.91 + .81) / 2, .87, .95, .79, .88, .93]; y = [(.90 + .76) / 2, .85, .96, .75, .84, .90]
    //   z = [(.93 + .85) / 2, .90, .97, .80, .89, .94]
    //   [scipy.stats.ttest_rel(a, b) for a, b in ((x, y), (x, z), (y, z))]
    #[test]
    fn tests_are_over_tfs_and_corrected_over_pairs() {
        let comparisons = table().compare(&PAIRS, &BOOTSTRAP).unwrap();
        let names: Vec<_> = comparisons.iter().map(|c| (c.first.as_str(), c.second.as_str())).collect();
        assert_eq!(names, PAIRS);
        let wanted = [
            (3.273_268_353_539_885_7, 0.022_118_466_722_329_46),
            (-4.567_501_391_955_692, 0.006_015_590_935_586_962),
            (-6.061_281_253_562_039, 0.001_763_980_703_995_595),
        ];
        for (comparison, (t, p)) in comparisons.iter().zip(wanted) {
            assert_eq!((comparison.tfs, comparison.sets), (6, 7));
            assert_eq!(comparison.origin, Origin::Simulated);
            let test = comparison.t_test.unwrap();
            assert!((test.t - t).abs() < 1e-9, "{} != {t}", test.t);
            assert!((test.p - p).abs() < 1e-12, "{} != {p}", test.p);
            assert!(comparison.t_holm.unwrap() >= test.p);
            let (mean, interval) = (comparison.difference.unwrap().mean, comparison.interval.unwrap());
            assert!(interval.low <= mean && mean <= interval.high);
        }
        // The smallest p is multiplied by the number of pairs, the largest by one at least.
        assert!((comparisons[2].t_holm.unwrap() - 3.0 * wanted[2].1).abs() < 1e-12);
        // All six differences have one sign: 2 of 64 sign flips are as extreme.
        assert_eq!(comparisons[1].wilcoxon.unwrap().p, 2.0 / 64.0);
        assert_eq!(comparisons[1].wilcoxon_holm, Some(3.0 * 2.0 / 64.0));
    }

    #[test]
    fn a_comparison_is_the_same_each_time() {
        let (a, b) = (table().compare(&PAIRS, &BOOTSTRAP), table().compare(&PAIRS, &BOOTSTRAP));
        assert_eq!(a, b);
    }

    #[test]
    fn too_little_is_left_empty() {
        let rows =
            [row("A_1", "cnn", 0, 1, 0.9), row("A_1", "rnn", 0, 1, 0.8), row("B_1", "cnn-rnn", 0, 1, 0.7)];
        let table = ResultTable::new(&rows, Origin::Real).unwrap();
        let comparisons = table.compare(&PAIRS, &BOOTSTRAP).unwrap();
        let one = &comparisons[0];
        assert_eq!((one.tfs, one.interval, one.t_test, one.t_holm), (1, None, None, None));
        // One difference has two sign flips, both as extreme.
        assert_eq!(one.wilcoxon.unwrap().p, 1.0);
        let none = &comparisons[1];
        assert_eq!((none.tfs, none.difference, none.wilcoxon), (0, None, None));
        assert!(table.compare(&[("cnn", "lstm")], &BOOTSTRAP).is_err());
    }
}
