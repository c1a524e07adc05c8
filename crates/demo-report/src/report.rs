//! What a report says, as plain values; the page module turns it into HTML.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::critical_difference::CriticalDifference;
use crate::dot_plot::DotPlot;
use crate::files::write_whole;
use crate::learning::LearningCurves;
use crate::logo::Logo;
use crate::motif_pair::MotifPair;
use crate::reliability::ReliabilityPlot;
use crate::roc::RocPlot;
use crate::track::{SaliencyTrack, TemporalCurves};
use crate::values::{DataKind, Estimate, PublishedStatus};

/// What the judge that knows the grammar of a simulated set is called: no method can do better.
pub const ORACLE: &str = "oracle (true grammar)";

/// Everything the page shows. Empty lists leave their section out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The heading.
    pub title: String,
    /// Real or simulated: a banner says so.
    pub data: DataKind,
    /// One or two sentences on the data, below the heading.
    pub data_note: String,
    /// One row for each model and protocol.
    pub summaries: Vec<ModelSummary>,
    /// What others published over many sets, in a table of its own.
    pub published: Vec<PublishedSummary>,
    /// What others published for single sets, over the sets of this report, drawn as boxes apart.
    pub published_by_set: Vec<PublishedSeries>,
    /// Paired tests between models.
    pub tests: Vec<PairTest>,
    /// Mean ranks of the models, a diagram for each protocol that has them.
    pub ranks: Vec<CriticalDifference>,
    /// AUROC over the number of training sequences, a plot for each protocol.
    pub sizes: Vec<LearningCurves>,
    /// Motifs found, counted.
    pub motif_counts: Vec<MotifCount>,
    /// What was published about motifs found.
    pub published_motif_counts: Vec<PublishedMotifCount>,
    /// How well explanations find the true sites of simulated sets, a plot for each figure.
    pub truth: Vec<DotPlot>,
    /// One for each data set, in the order of the page.
    pub sets: Vec<SetReport>,
    /// How the run was made.
    pub run: RunInfo,
}

/// A model over all its sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// The model.
    pub model: String,
    /// `honest` or `as-published`.
    pub protocol: String,
    /// Number of sets.
    pub sets: usize,
    /// Number of transcription factors.
    pub tfs: usize,
    /// Mean AUROC with its interval.
    pub mean: Estimate,
    /// Median AUROC.
    pub median: f64,
    /// Standard deviation over sets; `None` for a single one.
    pub sd: Option<f64>,
    /// Standard deviation between seeds of one set; `None` for a single seed.
    pub seed_sd: Option<f64>,
    /// Networks that did not converge and are left out of the ordering.
    pub not_converged: usize,
}

/// A published mean over sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedSummary {
    /// The model.
    pub model: String,
    /// Over how many sets.
    pub sets: usize,
    /// Which sets, such as `all 108 K562 sets, real data`.
    pub over: String,
    /// Mean AUROC.
    pub mean: f64,
    /// Median AUROC.
    pub median: Option<f64>,
    /// Standard deviation over sets.
    pub sd: Option<f64>,
    /// How well the figures are known.
    pub status: PublishedStatus,
}

/// Published figures set by set, always of real data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedSeries {
    /// The method, such as `DeepBind*`.
    pub name: String,
    /// How well the figures are known.
    pub status: PublishedStatus,
    /// Set and AUROC.
    pub values: Vec<(String, f64)>,
}

/// A paired comparison of two models; differences are first minus second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairTest {
    /// The first model.
    pub first: String,
    /// The second model.
    pub second: String,
    /// The tests over which Holm's correction was made, this one among them, in words.
    pub family: String,
    /// `honest` or `as-published`.
    pub protocol: String,
    /// Number of transcription factors compared.
    pub tfs: usize,
    /// Mean difference in AUROC with its interval.
    pub difference: Estimate,
    /// p of the paired t test.
    pub t_p: Option<f64>,
    /// The same after Holm's correction.
    pub t_holm: Option<f64>,
    /// p of Wilcoxon's signed-rank test.
    pub wilcoxon_p: Option<f64>,
    /// The same after Holm's correction.
    pub wilcoxon_holm: Option<f64>,
    /// Hedges' g of the differences.
    pub hedges_g: Option<f64>,
    /// The rank-biserial correlation of the differences.
    pub rank_biserial: Option<f64>,
}

/// How many sets gave a motif that matches their factor's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MotifCount {
    /// The model.
    pub model: String,
    /// `filter`, `saliency`, `temporal` or `class-optimisation`, say.
    pub source: String,
    /// Whether the motifs are of the network before its first step of training.
    pub control: bool,
    /// What the figures were corrected for; empty for nothing.
    pub correction: String,
    /// Sets looked at.
    pub sets: usize,
    /// Sets in which the best match of a motif is the own one, at q < .05, E < .05 and E < 10.
    pub top: [CountBesideChance; 3],
    /// Sets in which some match of a motif is.
    pub any: [CountBesideChance; 3],
}

/// A count and what chance alone would make it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct CountBesideChance {
    /// How many.
    pub found: usize,
    /// How many by chance.
    pub chance: f64,
}

/// A published count of motifs found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedMotifCount {
    /// The model.
    pub model: String,
    /// How the motif was made.
    pub source: String,
    /// Sets looked at.
    pub sets: usize,
    /// Sets with a match.
    pub found: usize,
    /// At which threshold, or that it is not known.
    pub threshold: String,
    /// How well the figure is known.
    pub status: PublishedStatus,
}

/// One data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetReport {
    /// Its full name.
    pub name: String,
    /// The transcription factor.
    pub tf: String,
    /// Real or simulated.
    pub data: DataKind,
    /// AUROC of a judge that knows what was planted, in a simulated set.
    pub ceiling: Option<f64>,
    /// Published figures of this set: method, AUROC, status.
    pub published: Vec<(String, f64, PublishedStatus)>,
    /// One for each model and protocol.
    pub models: Vec<ModelReport>,
    /// Ensembles of the models' networks.
    pub ensembles: Vec<EnsembleReport>,
    /// The curves of all models.
    pub roc: Option<RocPlot>,
    /// How honest the models' probabilities are.
    pub reliability: Option<ReliabilityPlot>,
}

/// What one model did on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The model.
    pub model: String,
    /// `honest` or `as-published`.
    pub protocol: String,
    /// AUROC with its interval: that of its network, or the mean of several.
    pub auroc: Estimate,
    /// AUROC of each network, where there are several.
    pub networks: Vec<f64>,
    /// Whether training converged.
    pub converged: bool,
    /// Losses over training.
    pub learning: Option<LearningCurves>,
    /// Saliency of one test sequence.
    pub saliency: Option<SaliencyTrack>,
    /// Temporal output scores of one test sequence; recurrent models have them.
    pub temporal: Option<TemporalCurves>,
    /// The class-optimised input.
    pub class_optimisation: Option<Logo>,
    /// The filter motif, or another of this model's, that matches best.
    pub best_match: Option<MotifPair>,
    /// Best match of each source.
    pub motifs: Vec<MotifRow>,
}

/// What networks come to as one judge on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleReport {
    /// Of what, such as `CNN, ensemble`.
    pub name: String,
    /// `honest` or `as-published`.
    pub protocol: String,
    /// AUROC with its interval.
    pub auroc: Estimate,
}

/// One motif and its best match, a row of the set's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MotifRow {
    /// `filter`, `saliency`, `temporal` or `class-optimisation`.
    pub source: String,
    /// The best match, such as `MA0138.2 REST`; `None` where nothing was listed.
    pub target: Option<String>,
    /// Its p-value.
    pub p: Option<f64>,
    /// Its E-value.
    pub e: Option<f64>,
    /// Its q-value.
    pub q: Option<f64>,
    /// `own`, `own_dimer`, `family`, `other` or `none`.
    pub relation: String,
}

/// How a run was made; nothing here may depend on the clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunInfo {
    /// The command that repeats the run.
    pub command: String,
    /// The seed.
    pub seed: u64,
    /// The program's version and revision.
    pub version: String,
    /// What computed.
    pub device: String,
    /// Further facts, such as protocol, folds and input checksums: name and value.
    pub facts: Vec<(String, String)>,
}

impl Report {
    /// The page as one self-contained HTML document.
    ///
    /// # Errors
    /// What the pictures give for values they cannot draw.
    pub fn to_html(&self) -> Result<String> {
        crate::page::html(self)
    }

    /// Writes `<folder>/index.html`, whole or not at all, and gives its path.
    ///
    /// # Errors
    /// [`crate::Error::Write`] naming the path, and what [`Report::to_html`] gives.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join("index.html");
        write_whole(&path, self.to_html()?.as_bytes())?;
        Ok(path)
    }

    /// The box plot of the comparison: this run's models, then the published figures set by set.
    pub fn box_plot(&self) -> Option<crate::BoxPlot> {
        crate::page::box_plot(self)
    }

    /// Every set's AUROC beside the first published series.
    pub fn dot_plot(&self) -> Option<DotPlot> {
        crate::page::dot_plot(self)
    }
}
