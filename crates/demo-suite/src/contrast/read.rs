//! Reads the rows of two models from a run's `results.tsv` or `learning_curve.tsv`.

use std::path::Path;

use serde::Deserialize;

use crate::models::ModelKind;
use crate::{Error, Result};

/// What a row says of a network, as far as it is needed here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ResultRow {
    pub(super) set: String,
    pub(super) tf: String,
    /// `simulated` or `real`.
    pub(super) data: String,
    /// Where sites of simulated sets lie; earlier tables do not have it.
    #[serde(default)]
    placement: Option<String>,
    pub(super) model: ModelKind,
    protocol: String,
    /// Tables of learning curves have none.
    #[serde(default)]
    pub(super) fold: usize,
    pub(super) auroc: f64,
    converged: String,
    pub(super) train_sequences: usize,
    /// Of a learning curve alone.
    pub(super) train_size: Option<usize>,
    /// AUROC of MEME-SUM on the set, where it was published.
    #[serde(default, deserialize_with = "number")]
    pub(super) published_meme_sum: Option<f64>,
}

impl ResultRow {
    /// Whether the network converged, or its protocol does not ask.
    pub(super) fn counts(&self) -> bool {
        self.converged != "no"
    }

    /// Whether it is of a simulated set as those were calibrated, sites in the middle.
    pub(super) fn is_calibrated(&self) -> bool {
        self.data == "simulated" && self.placement.as_deref().is_none_or(|placement| placement == "centred")
    }
}

/// A number, or `NA`.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<f64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_str() {
        "NA" | "" => Ok(None),
        text => text.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// The error of a table that cannot be used, by its line.
pub(super) fn refused(path: &Path, line: u64, found: String, wanted: &str) -> Error {
    Error::Results { path: path.to_owned(), line, found, wanted: wanted.to_owned() }
}

/// The rows of these models under the honest protocol.
pub(super) fn read(path: &Path, models: [ModelKind; 2]) -> Result<Vec<ResultRow>> {
    let refuse = |line, found, wanted| refused(path, line, found, wanted);
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (row, line) in reader.deserialize::<ResultRow>().zip(2..) {
        let row = row.map_err(|error| {
            let line = error.position().map_or(line, csv::Position::line);
            refuse(line, error.to_string(), "a row of results.tsv or learning_curve.tsv")
        })?;
        if !row.auroc.is_finite() || !["simulated", "real"].contains(&row.data.as_str()) {
            let found = format!("AUROC {} of {} data", row.auroc, row.data);
            return Err(refuse(line, found, "a finite number of simulated or real data"));
        }
        if models.contains(&row.model) && row.protocol == "honest" {
            rows.push(row);
        }
    }
    for model in models {
        if !rows.iter().any(|row| row.model == model) {
            return Err(refuse(
                1,
                format!("no row of {model} under the honest protocol"),
                "rows of both models",
            ));
        }
    }
    Ok(rows)
}
