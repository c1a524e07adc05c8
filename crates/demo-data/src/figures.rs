//! Published figures, with what each is over and how sure it is.
//!
//! Figures of `DeepBind` come from its supplementary table (Alipanahi et al., Nature Biotechnology
//! 33:831, 2015); those of the networks from the Deep Motif Dashboard (Lanchantin et al., PSB 2017).

use std::fmt;

use serde::{Deserialize, Serialize};

/// How sure a published figure is; a figure that is not confirmed is never shown without its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FigureStatus {
    /// Read in the authors' own data or code.
    Confirmed,
    /// Read in another's account.
    Secondary,
    /// Remembered.
    Recollected,
}

impl FigureStatus {
    /// The mark that stands behind a figure in tables: none, `S` or `R`.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Confirmed => "",
            Self::Secondary => "S",
            Self::Recollected => "R",
        }
    }
}

impl fmt::Display for FigureStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Confirmed => "confirmed",
            Self::Secondary => "secondary",
            Self::Recollected => "recollected",
        })
    }
}

/// A published figure over many data sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedFigure {
    /// The method, such as `CNN-RNN`.
    pub model: String,
    /// `auroc` or `motifs_matched`.
    pub quantity: String,
    /// `mean`, `median`, `sd` (of a sample) or `count`.
    pub statistic: String,
    /// The figure.
    pub value: f64,
    /// How many data sets it is over.
    pub sets: u32,
    /// Which data sets: `K562` (all of that cell type) or `panel57`.
    pub selection: String,
    /// How sure it is.
    pub status: FigureStatus,
    /// Where it stands.
    pub origin: String,
}

/// A data set of K562 cells whose factor has a JASPAR 2016 motif of its own name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PanelRow {
    /// Name of the set.
    #[serde(rename = "dataset")]
    pub set: String,
    /// The transcription factor.
    pub tf: String,
    /// Its motif in JASPAR 2016.
    pub jaspar2016: String,
    /// Test AUROC of `DeepBind*`, trained on all peaks.
    pub deepbind_star: f64,
    /// Test AUROC of `DeepBind`, trained on the top peaks.
    pub deepbind: f64,
    /// Test AUROC of MEME-SUM, the sum of scores of MEME-ChIP's five motifs.
    pub meme_sum: f64,
    /// Test AUROC of MEME-M1, the best single motif.
    pub meme_m1: f64,
}

/// Test AUROCs on one of the 505 data sets of `DeepBind`'s supplementary table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeepBindFigures {
    /// Name of the set.
    #[serde(rename = "dataset")]
    pub set: String,
    /// The transcription factor.
    pub tf: String,
    /// The cell type.
    pub cell: String,
    /// `DeepBind*`, trained on all peaks.
    pub deepbind_star: f64,
    /// `DeepBind`, trained on the top peaks.
    pub deepbind: f64,
    /// MEME-SUM, the sum of scores of MEME-ChIP's five motifs.
    pub meme_sum: f64,
    /// MEME-M1, the best single motif.
    pub meme_m1: f64,
    /// The factor's motif in JASPAR 2016, where there is one of its name.
    pub jaspar2016: Option<String>,
}
