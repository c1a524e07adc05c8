//! Measures classifiers: ROC and precision-recall, intervals, tests, summaries over data sets.
//!
//! Everything here works on plain numbers. A figure that is not defined (a test on one TF, the
//! interval of a perfect separation) is `None`; input that no figure can be made of (one class,
//! NaN) is an error. NaN never comes out.
//!
//! Three levels are kept apart:
//!
//! - one model on one set: [`ScoredLabels`] (ranks), [`Predictions`] (probabilities and their
//!   calibration, [`fit_temperature`]), with the intervals of [`ScoredLabels::delong_interval`] and
//!   [`bootstrap_auroc`]; [`position_metrics`] for an explanation against true sites;
//! - models on one set: [`delong_test`], [`delong_all`], [`bootstrap_auroc_difference`]; networks from
//!   several seeds as their [`MeanAuroc`] and as the ensemble that [`ensemble_log_odds`] makes of them;
//! - models over sets: [`ResultTable`], which averages what is no replicate before it tests, with
//!   [`effect_sizes`] and [`friedman()`]'s mean ranks, and [`spearman()`] for what a figure rises with.
//!
//! ```
//! use demo_core::Seed;
//! use demo_eval::{Bootstrap, Groups, Predictions, bootstrap_auroc};
//!
//! // Two positives, each followed by its shuffle; the numbers are logit(bound) - logit(unbound).
//! let labels = [true, false, true, false];
//! let predictions = Predictions::from_log_odds(&labels, &[2.0, -1.0, 0.5, 1.0])?;
//! assert_eq!(predictions.metrics().auroc, 0.75);
//!
//! let pairs = Groups::new(&[0, 0, 1, 1])?;
//! let config = Bootstrap { replicates: 200, level: 0.95, seed: Seed::new(1) };
//! let interval = bootstrap_auroc(predictions.ranking(), &pairs, &config)?;
//! assert!(interval.low <= 0.75 && 0.75 <= interval.high);
//! # Ok::<(), demo_eval::Error>(())
//! ```

mod bootstrap;
mod calibration;
mod comparison;
mod correlation;
mod delong;
mod effects;
mod ensemble;
mod error;
mod friedman;
mod holm;
mod interval;
mod mean_auroc;
mod paired_t;
mod positions;
mod precision_recall;
mod predictions;
mod ranks;
mod result_table;
mod roc;
mod scored_labels;
mod summary;
mod temperature;
mod wilcoxon;

pub use bootstrap::{
    Bootstrap, Groups, bootstrap_auroc, bootstrap_auroc_difference, bootstrap_mean, percentile_interval,
};
pub use calibration::{Binning, BrierParts, Reliability, ReliabilityBin};
pub use comparison::Comparison;
pub use correlation::{Spearman, spearman};
pub use delong::{DelongPair, DelongTest, IntervalScale, delong_all, delong_test};
pub use effects::{EffectSizes, effect_sizes};
pub use ensemble::ensemble_log_odds;
pub use error::{Error, Result};
pub use friedman::{Friedman, RankComparison, friedman};
pub use holm::holm;
pub use interval::Interval;
pub use mean_auroc::{MeanAuroc, delong_pairs};
pub use paired_t::{PairedT, paired_t};
pub use positions::{PositionMetrics, position_metrics};
pub use precision_recall::{PrecisionRecallCurve, PrecisionRecallPoint};
pub use predictions::{Metrics, Predictions};
pub use result_table::{ModelSummary, Origin, ResultTable, Row, SetMean, TfMean};
pub use roc::{RocCurve, RocPoint};
pub use scored_labels::ScoredLabels;
pub use summary::Summary;
pub use temperature::fit_temperature;
pub use wilcoxon::{Wilcoxon, WilcoxonMethod, wilcoxon};
