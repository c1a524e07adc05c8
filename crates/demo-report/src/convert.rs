//! From what evaluation and motif comparison give to what is drawn.

use demo_core::Motif;
use demo_eval::{Comparison, Friedman, Interval, Origin, Reliability};
use demo_motifmatch::Match;

use crate::critical_difference::CriticalDifference;
use crate::motif_pair::{self, MotifPair};
use crate::reliability::ReliabilityCurve;
use crate::report::{ModelSummary, MotifRow, PairTest};
use crate::roc::RocCurve;
use crate::table::significant;
use crate::values::{DataKind, Estimate};

impl From<Origin> for DataKind {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Real => Self::Real,
            Origin::Simulated => Self::Simulated,
        }
    }
}

impl Estimate {
    /// An estimate with the interval that evaluation gives.
    pub fn from_interval(value: f64, interval: Option<Interval>) -> Self {
        Self { value, interval: interval.map(|interval| (interval.low, interval.high)) }
    }
}

impl ModelSummary {
    /// A row of the summary; `not_converged` counts networks that the figures leave out.
    pub fn from_eval(summary: &demo_eval::ModelSummary, protocol: &str, not_converged: usize) -> Self {
        let over = &summary.over_sets;
        Self {
            model: summary.model.clone(),
            protocol: protocol.into(),
            sets: over.count,
            tfs: summary.tfs,
            mean: Estimate::from_interval(over.mean, summary.interval),
            median: over.median,
            sd: over.sd,
            seed_sd: None,
            not_converged,
        }
    }
}

impl PairTest {
    /// A row of the tests, one of a family that was corrected together; `None` where the models have no set in
    /// common.
    pub fn from_comparison(comparison: &Comparison, family: &str, protocol: &str) -> Option<Self> {
        let difference = comparison.difference.as_ref()?;
        Some(Self {
            first: comparison.first.clone(),
            second: comparison.second.clone(),
            family: family.into(),
            protocol: protocol.into(),
            tfs: comparison.tfs,
            difference: Estimate::from_interval(difference.mean, comparison.interval),
            t_p: comparison.t_test.as_ref().map(|test| test.p),
            t_holm: comparison.t_holm,
            wilcoxon_p: comparison.wilcoxon.as_ref().map(|test| test.p),
            wilcoxon_holm: comparison.wilcoxon_holm,
            hedges_g: comparison.effects.map(|effects| effects.hedges_g),
            rank_biserial: comparison.effects.map(|effects| effects.rank_biserial),
        })
    }
}

impl CriticalDifference {
    /// The diagram of a Friedman test; `models` are named in the test's order.
    ///
    /// # Errors
    ///
    /// When the level is not between 0 and 1.
    pub fn from_eval(
        title: &str,
        models: &[String],
        test: &Friedman,
        level: f64,
        unit: &str,
    ) -> demo_eval::Result<Self> {
        Ok(Self {
            title: title.into(),
            models: models.iter().cloned().zip(test.mean_ranks.iter().copied()).collect(),
            difference: test.critical_difference(level)?,
            groups: test.groups(level)?,
            note: format!("Mean ranks over {} {unit}; Friedman p {}", test.blocks, significant(test.p, 2)),
        })
    }
}

impl ReliabilityCurve {
    /// The bins of one model.
    pub fn from_eval(name: &str, reliability: &Reliability) -> Self {
        let all: usize = reliability.bins.iter().map(|bin| bin.examples).sum();
        let share = |bin: &demo_eval::ReliabilityBin| {
            (bin.predicted, bin.observed, bin.examples as f64 / all.max(1) as f64)
        };
        let bins = reliability.bins.iter().map(share).collect();
        Self { name: name.into(), bins, expected_error: reliability.expected_error }
    }
}

impl RocCurve {
    /// The curve of one model.
    pub fn from_eval(name: &str, curve: &demo_eval::RocCurve, auroc: Estimate) -> Self {
        let points = curve.points().iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
        Self { name: name.into(), points, auroc }
    }
}

impl MotifPair {
    /// A query above the target that a comparison found, `target` as its collection holds it.
    pub fn from_match(query: Motif, target: Motif, found: &Match) -> Self {
        let offset = i64::try_from(found.offset).unwrap_or_default();
        Self::new(query, target, offset, found.orientation).with_significance(
            found.p_value,
            found.e_value,
            Some(found.q_value),
        )
    }
}

impl MotifRow {
    /// A row of a set's motif table; `found` is the best match, where one was listed.
    pub fn from_match(source: &str, found: Option<(&Motif, &Match)>, relation: &str) -> Self {
        Self {
            source: source.into(),
            target: found.map(|(motif, _)| motif_pair::name(motif)),
            p: found.map(|(_, m)| m.p_value),
            e: found.map(|(_, m)| m.e_value),
            q: found.map(|(_, m)| m.q_value),
            relation: relation.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use demo_core::{ProbabilityMatrix, Seed, Strand};
    use demo_eval::{Bootstrap, ResultTable, Row, ScoredLabels};

    use super::*;

    fn table() -> ResultTable {
        let values = [("MYC", 0.9, 0.8), ("REST", 0.95, 0.9), ("USF1", 0.85, 0.7)];
        let row = |tf: &str, model: &str, value| Row {
            set: format!("{tf}_K562"),
            tf: tf.into(),
            model: model.into(),
            fold: None,
            seed: 1,
            value,
        };
        let rows: Vec<Row> =
            values.iter().flat_map(|&(tf, cnn, rnn)| [row(tf, "CNN", cnn), row(tf, "RNN", rnn)]).collect();
        ResultTable::new(&rows, Origin::Simulated).unwrap()
    }

    #[test]
    fn summaries_and_tests_keep_their_figures() {
        let bootstrap = Bootstrap { replicates: 100, level: 0.95, seed: Seed::new(1) };
        let summary = ModelSummary::from_eval(&table().summary("CNN", &bootstrap).unwrap(), "honest", 2);
        assert_eq!((summary.sets, summary.tfs, summary.not_converged), (3, 3, 2));
        assert!((summary.mean.value - 0.9).abs() < 1e-12 && summary.mean.interval.is_some());
        let compared = table().compare(&[("CNN", "RNN")], &bootstrap).unwrap();
        let test = PairTest::from_comparison(&compared[0], "networks", "honest").unwrap();
        assert_eq!((test.first.as_str(), test.second.as_str(), test.tfs), ("CNN", "RNN", 3));
        assert!((test.difference.value - 0.1).abs() < 1e-12 && test.t_p == test.t_holm);
    }

    #[test]
    fn curves_keep_their_corners() {
        let scored = ScoredLabels::new(&[true, false, true], &[0.9, 0.5, 0.4]).unwrap();
        let curve = RocCurve::from_eval("CNN", &scored.roc(), Estimate::point(scored.auroc()));
        assert_eq!(curve.points, [(0.0, 0.0), (0.0, 0.5), (1.0, 0.5), (1.0, 1.0)]);
    }

    #[test]
    fn a_match_becomes_a_pair_and_a_row() {
        let motif = |id: &str| Motif::new(id, ProbabilityMatrix::new(vec![[1.0, 0.0, 0.0, 0.0]; 4]).unwrap());
        let found = Match {
            target: 0,
            target_id: "MA0002.2".into(),
            offset: -1,
            p_value: 1e-6,
            e_value: 5e-4,
            q_value: 1e-3,
            overlap: 3,
            query_consensus: "AAAA".into(),
            target_consensus: "TTTT".into(),
            orientation: Strand::Reverse,
        };
        let target = motif("MA0002.2").with_name("RUNX1");
        let row = MotifRow::from_match("filter", Some((&target, &found)), "own");
        assert_eq!((row.target.as_deref(), row.e), (Some("MA0002.2 RUNX1"), Some(5e-4)));
        let svg = MotifPair::from_match(motif("q"), target, &found).draw().unwrap().svg();
        assert!(svg.contains("offset -1, strand -") && svg.contains("E = 5.0e-4"));
        assert_eq!(MotifRow::from_match("filter", None, "none").target, None);
    }
}
