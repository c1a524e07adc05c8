//! Figures of models over data sets, averaged over what is no replicate.
//!
//! A figure belongs to a set, a TF, a model, a fold and a seed. Seeds are averaged within a fold,
//! folds within a set, sets within a TF: only TFs are independent enough to test with. Results do
//! not depend on the order of the rows, but for the order of the models, which is that of their
//! first rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::check_finite;
use crate::{Bootstrap, Error, Friedman, Groups, Interval, Result, Summary, bootstrap_mean, friedman};

/// Whether the data sets are measurements; every summary and test says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Measured data.
    Real,
    /// Simulated data.
    Simulated,
}

/// One figure of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The data set.
    pub set: String,
    /// The TF of that set.
    pub tf: String,
    /// The model.
    pub model: String,
    /// The fold; `None` for a figure of the whole set, such as a published one.
    pub fold: Option<usize>,
    /// The seed.
    pub seed: u64,
    /// The figure, such as an AUROC.
    pub value: f64,
}

/// A model's mean on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetMean {
    /// The data set.
    pub set: String,
    /// Its TF.
    pub tf: String,
    /// The mean over folds of the means over seeds.
    pub mean: f64,
    /// The standard deviation over folds, the band of a plot; `None` for a single fold.
    pub fold_sd: Option<f64>,
    /// The number of folds.
    pub folds: usize,
}

/// A model's mean on the sets of one TF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TfMean {
    /// The TF.
    pub tf: String,
    /// The mean over its sets.
    pub mean: f64,
    /// The number of sets.
    pub sets: usize,
}

/// What a model's figures over all sets come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// The model.
    pub model: String,
    /// Whether the sets are real or simulated.
    pub origin: Origin,
    /// The number of TFs behind the sets.
    pub tfs: usize,
    /// Mean, median and standard deviation over sets.
    pub over_sets: Summary,
    /// The interval of the mean over sets, TFs resampled; `None` for fewer than two TFs.
    pub interval: Option<Interval>,
}

/// Checked figures of models over data sets.
///
/// ```
/// use demo_eval::{Origin, ResultTable, Row};
///
/// let row = |set: &str, model: &str, value| Row {
///     set: set.into(),
///     tf: "MYC".into(),
///     model: model.into(),
///     fold: Some(0),
///     seed: 1,
///     value,
/// };
/// let rows = [row("MYC_K562", "cnn", 0.9), row("MYC_HeLa", "cnn", 0.8)];
/// let table = ResultTable::new(&rows, Origin::Real)?;
/// assert_eq!(table.tf_means("cnn")?.len(), 1);
/// # Ok::<(), demo_eval::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ResultTable {
    origin: Origin,
    models: Vec<String>,
    sets: BTreeMap<String, SetResults>,
}

/// What is known of one set.
#[derive(Debug, Clone)]
struct SetResults {
    tf: String,
    /// The folds of each model, by the model's index.
    models: BTreeMap<usize, Folds>,
}

/// Figures by fold and seed.
type Folds = BTreeMap<Option<usize>, BTreeMap<u64, f64>>;

impl ResultTable {
    /// Takes rows in any order.
    ///
    /// # Errors
    ///
    /// When a figure is not finite, a result stands twice, or a set has two TFs.
    pub fn new(rows: &[Row], origin: Origin) -> Result<Self> {
        let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        check_finite("value of row", &values)?;
        let mut table = Self { origin, models: Vec::new(), sets: BTreeMap::new() };
        for row in rows {
            table.insert(row)?;
        }
        Ok(table)
    }

    /// Whether the sets are real or simulated.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The models, by first row.
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// A model's mean on each of its sets, by name of set.
    ///
    /// # Errors
    ///
    /// When the model has no rows.
    pub fn set_means(&self, model: &str) -> Result<Vec<SetMean>> {
        let index = self.index_of(model)?;
        let mut means = Vec::new();
        for (set, results) in &self.sets {
            let Some(folds) = results.models.get(&index) else {
                continue;
            };
            let over_folds = Summary::new(&fold_means(folds))?;
            means.push(SetMean {
                set: set.clone(),
                tf: results.tf.clone(),
                mean: over_folds.mean,
                fold_sd: over_folds.sd,
                folds: over_folds.count,
            });
        }
        Ok(means)
    }

    /// A model's mean on each of its TFs, by name of TF.
    ///
    /// # Errors
    ///
    /// When the model has no rows.
    pub fn tf_means(&self, model: &str) -> Result<Vec<TfMean>> {
        let sets = self.set_means(model)?;
        let by_tf = group_by_tf(sets.iter().map(|set| (set.tf.as_str(), set.mean)));
        Ok(by_tf
            .into_iter()
            .map(|(tf, values)| TfMean { tf: tf.to_owned(), mean: mean(&values), sets: values.len() })
            .collect())
    }

    /// What a model's figures over all its sets come to.
    ///
    /// # Errors
    ///
    /// When the model has no rows or the bootstrap's configuration is not usable.
    pub fn summary(&self, model: &str, bootstrap: &Bootstrap) -> Result<ModelSummary> {
        let sets = self.set_means(model)?;
        let values: Vec<f64> = sets.iter().map(|set| set.mean).collect();
        let tfs: Vec<&str> = sets.iter().map(|set| set.tf.as_str()).collect();
        let by_tf = Groups::new(&tfs)?;
        let interval =
            if by_tf.count() < 2 { None } else { Some(bootstrap_mean(&values, &by_tf, bootstrap)?) };
        Ok(ModelSummary {
            model: model.to_owned(),
            origin: self.origin,
            tfs: by_tf.count(),
            over_sets: Summary::new(&values)?,
            interval,
        })
    }

    /// Ranks models on every TF of the sets that all of them have, by the folds that all have, as pairs are
    /// compared; `None` for fewer than two models or TFs, or where all tie.
    ///
    /// # Errors
    ///
    /// When a model has no rows.
    pub fn rank_models(&self, models: &[&str]) -> Result<Option<Friedman>> {
        let indices = models.iter().map(|model| self.index_of(model)).collect::<Result<Vec<_>>>()?;
        let mut by_tf: BTreeMap<&str, Vec<Vec<f64>>> = BTreeMap::new();
        for results in self.sets.values() {
            let folds: Option<Vec<&Folds>> = indices.iter().map(|index| results.models.get(index)).collect();
            if let Some(figures) = folds.and_then(|folds| common_means(&folds)) {
                by_tf.entry(&results.tf).or_default().push(figures);
            }
        }
        let blocks: Vec<Vec<f64>> = by_tf
            .values()
            .map(|sets| {
                let of_model = |model| sets.iter().map(|set| set[model]).sum::<f64>() / sets.len() as f64;
                (0..models.len()).map(of_model).collect()
            })
            .collect();
        friedman(&blocks)
    }

    /// First less second for each TF, and the number of sets behind them.
    ///
    /// Only what both models have is compared: sets of both, and within a set folds of both, so
    /// that a fold one of them lacks does not shift the other. Where one has a figure of the whole
    /// set only, all folds of the other stand against it.
    pub(crate) fn differences(&self, first: &str, second: &str) -> Result<(Vec<f64>, usize)> {
        let (first, second) = (self.index_of(first)?, self.index_of(second)?);
        let mut of_sets = Vec::new();
        for results in self.sets.values() {
            let pair = (results.models.get(&first), results.models.get(&second));
            if let (Some(a), Some(b)) = pair
                && let Some(means) = common_means(&[a, b])
            {
                of_sets.push((results.tf.as_str(), means[0] - means[1]));
            }
        }
        let sets = of_sets.len();
        let by_tf = group_by_tf(of_sets.into_iter());
        Ok((by_tf.values().map(|values| mean(values)).collect(), sets))
    }

    fn insert(&mut self, row: &Row) -> Result<()> {
        let known = self.models.iter().position(|model| *model == row.model);
        let model = known.unwrap_or_else(|| {
            self.models.push(row.model.clone());
            self.models.len() - 1
        });
        let results = self
            .sets
            .entry(row.set.clone())
            .or_insert_with(|| SetResults { tf: row.tf.clone(), models: BTreeMap::new() });
        if results.tf != row.tf {
            return Err(Error::TwoTfs {
                set: row.set.clone(),
                first: results.tf.clone(),
                second: row.tf.clone(),
            });
        }
        let folds = results.models.entry(model).or_default();
        let seeds = folds.entry(row.fold).or_default();
        if seeds.insert(row.seed, row.value).is_some() {
            return Err(Error::DuplicateRow {
                set: row.set.clone(),
                model: row.model.clone(),
                fold: row.fold,
                seed: row.seed,
            });
        }
        Ok(())
    }

    fn index_of(&self, model: &str) -> Result<usize> {
        let found = self.models.iter().position(|known| known == model);
        found.ok_or_else(|| Error::UnknownModel { model: model.to_owned(), known: self.models.clone() })
    }
}

/// Each model's mean over the folds of a set that all of them have; over all of its own, where one has a figure
/// of the whole set only. `None` where no fold is common.
fn common_means(models: &[&Folds]) -> Option<Vec<f64>> {
    if models.iter().any(|folds| folds.contains_key(&None)) {
        return Some(models.iter().map(|folds| mean(&fold_means(folds))).collect());
    }
    let all_have = |fold: &&Option<usize>| models.iter().all(|folds| folds.contains_key(fold));
    let common: Vec<&Option<usize>> = models.first()?.keys().filter(all_have).collect();
    let of_model = |folds: &&Folds| {
        let means: Vec<f64> = common.iter().map(|fold| mean_of_seeds(&folds[fold])).collect();
        mean(&means)
    };
    (!common.is_empty()).then(|| models.iter().map(of_model).collect())
}

fn fold_means(folds: &Folds) -> Vec<f64> {
    folds.values().map(mean_of_seeds).collect()
}

fn mean_of_seeds(seeds: &BTreeMap<u64, f64>) -> f64 {
    seeds.values().sum::<f64>() / seeds.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn group_by_tf<'a>(values: impl Iterator<Item = (&'a str, f64)>) -> BTreeMap<&'a str, Vec<f64>> {
    let mut by_tf: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (tf, value) in values {
        by_tf.entry(tf).or_default().push(value);
    }
    by_tf
}

#[cfg(test)]
pub(crate) mod tests {
    use demo_core::Seed;

    use super::*;

    pub(crate) const BOOTSTRAP: Bootstrap = Bootstrap { replicates: 200, level: 0.95, seed: Seed::new(1) };

    /// A row whose set is written `TF_cell`.
    pub(crate) fn row(set: &str, model: &str, fold: usize, seed: u64, value: f64) -> Row {
        Row {
            set: set.to_owned(),
            tf: set.split('_').next().unwrap().to_owned(),
            model: model.to_owned(),
            fold: Some(fold),
            seed,
            value,
        }
    }

    fn rows() -> Vec<Row> {
        vec![
            row("MYC_K562", "cnn", 0, 1, 0.8),
            row("MYC_K562", "cnn", 0, 2, 0.9),
            row("MYC_K562", "cnn", 1, 1, 0.95),
            row("MYC_HeLa", "cnn", 0, 1, 0.7),
            row("REST_K562", "cnn", 0, 1, 0.6),
            row("MYC_K562", "rnn", 1, 1, 0.9),
            row("REST_K562", "rnn", 0, 1, 0.5),
        ]
    }

    #[test]
    fn models_are_ranked_on_what_all_have() {
        let table = ResultTable::new(&rows(), Origin::Simulated).unwrap();
        // MYC_HeLa has no RNN; on MYC_K562 the means of all folds tie at .9, but of the fold that both have the
        // CNN is first, as it is on REST.
        let test = table.rank_models(&["cnn", "rnn"]).unwrap().unwrap();
        assert_eq!((test.blocks, test.mean_ranks), (2, vec![1.0, 2.0]));
        assert_eq!(table.rank_models(&["cnn"]).unwrap(), None);
        assert!(table.rank_models(&["cnn", "gru"]).is_err());
    }

    #[test]
    fn seeds_then_folds_then_sets() {
        let table = ResultTable::new(&rows(), Origin::Simulated).unwrap();
        let sets = table.set_means("cnn").unwrap();
        assert_eq!(
            sets.iter().map(|s| s.set.as_str()).collect::<Vec<_>>(),
            ["MYC_HeLa", "MYC_K562", "REST_K562"]
        );
        assert!((sets[1].mean - 0.9).abs() < 1e-12);
        // The sample deviation of .85 and .95.
        assert!((sets[1].fold_sd.unwrap() - 0.1 / 2.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!((sets[1].folds, sets[0].fold_sd), (2, None));
        let tfs = table.tf_means("cnn").unwrap();
        assert_eq!((tfs[0].tf.as_str(), tfs[0].sets), ("MYC", 2));
        assert!((tfs[0].mean - 0.8).abs() < 1e-12);
        let summary = table.summary("cnn", &BOOTSTRAP).unwrap();
        assert_eq!((summary.tfs, summary.over_sets.count), (2, 3));
        assert_eq!(summary.origin, Origin::Simulated);
        assert!((summary.over_sets.median - 0.7).abs() < 1e-12);
    }

    #[test]
    fn only_what_both_have_is_compared() {
        let table = ResultTable::new(&rows(), Origin::Real).unwrap();
        let (differences, sets) = table.differences("cnn", "rnn").unwrap();
        // MYC: fold 1 of K562 alone; REST: fold 0.
        assert_eq!(sets, 2);
        assert!((differences[0] - 0.05).abs() < 1e-12);
        assert!((differences[1] - 0.1).abs() < 1e-12);
    }

    #[test]
    fn a_figure_of_the_whole_set_stands_against_all_folds() {
        let mut rows = rows();
        rows.push(Row { fold: None, ..row("MYC_K562", "published", 0, 0, 0.85) });
        let table = ResultTable::new(&rows, Origin::Real).unwrap();
        let (differences, _) = table.differences("cnn", "published").unwrap();
        assert!((differences[0] - 0.05).abs() < 1e-12);
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let mut turned = rows();
        turned.reverse();
        let (a, b) = (
            ResultTable::new(&rows(), Origin::Real).unwrap(),
            ResultTable::new(&turned, Origin::Real).unwrap(),
        );
        assert_eq!(a.models(), ["cnn", "rnn"]);
        assert_eq!(a.differences("cnn", "rnn"), b.differences("cnn", "rnn"));
        assert_eq!(a.summary("cnn", &BOOTSTRAP), b.summary("cnn", &BOOTSTRAP));
    }

    #[test]
    fn one_tf_has_no_interval() {
        let rows = [row("MYC_K562", "cnn", 0, 1, 0.8), row("MYC_HeLa", "cnn", 0, 1, 0.7)];
        let table = ResultTable::new(&rows, Origin::Real).unwrap();
        assert_eq!(table.summary("cnn", &BOOTSTRAP).unwrap().interval, None);
    }

    #[test]
    fn contradictions_are_errors() {
        let twice = [row("MYC_K562", "cnn", 0, 1, 0.8), row("MYC_K562", "cnn", 0, 1, 0.8)];
        let error = ResultTable::new(&twice, Origin::Real).unwrap_err();
        assert!(matches!(error, Error::DuplicateRow { .. }), "{error}");
        let mut other = row("MYC_K562", "cnn", 1, 1, 0.8);
        other.tf = "MAX".to_owned();
        let error = ResultTable::new(&[twice[0].clone(), other], Origin::Real).unwrap_err();
        assert!(error.to_string().contains("\"MYC\" and \"MAX\""), "{error}");
        let nan = [row("MYC_K562", "cnn", 0, 1, f64::NAN)];
        assert!(ResultTable::new(&nan, Origin::Real).is_err());
        let error = ResultTable::new(&twice[..1], Origin::Real).unwrap().set_means("cnm");
        assert_eq!(error.unwrap_err().to_string(), "model \"cnm\" has no results; there are cnn");
    }
}
