//! Draws plain values: logos, tracks, curves, box plots, tables and the HTML report.
//!
//! Nothing here trains, reads data or holds a tensor. Every picture is a value with a `draw` that gives
//! a [`Figure`]; a figure is written as SVG and, rendered from that same SVG, as PNG. The same values
//! give the same bytes, whatever the machine, its fonts or its clock.
//!
//! | to draw | fill in | then |
//! |---|---|---|
//! | a motif, a class optimisation, an attribution as letters | [`Logo`] | `.draw()?` |
//! | a score along a sequence, true sites shaded | [`SaliencyTrack`] | `.draw()?` |
//! | prefix and suffix probabilities | [`TemporalCurves`] | `.draw()?` |
//! | a motif above the one it matches | [`MotifPair`] | `.draw()?` |
//! | ROC curves of several models | [`RocPlot`] | `.draw()?` |
//! | AUROC over sets, a box a model | [`BoxPlot`] | `.draw()?` |
//! | AUROC of each set with its interval | [`DotPlot`] | `.draw()?` |
//! | AUROC or loss over steps or set sizes | [`LearningCurves`] | `.draw()?` |
//! | mean ranks of models, joined where they do not differ | [`CriticalDifference`] | `.draw()?` |
//! | predicted probabilities beside the share of positives | [`ReliabilityPlot`] | `.draw()?` |
//! | a table | [`Table`] | `.to_tsv()`, `.to_latex()`, `.to_latex_float(label, caption)`, `.to_html()`, `.write_tsv(path)?` |
//! | the page | [`Report`] | `.write(folder)?` |
//! | the matches of motifs, logos aligned | [`MatchPage`] | `.to_html()?`, `.write(path)?` |
//!
//! [`ModelSummary::from_eval`], [`PairTest::from_comparison`], [`RocCurve::from_eval`],
//! [`MotifPair::from_match`] and [`MotifRow::from_match`] take what evaluation and motif comparison give,
//! and `figure.write(folder, stem)?` leaves `stem.svg` and `stem.png`. [`bibliography`] gives what is
//! cited as BibTeX. SVG is written by this crate and not by a plotting library, because marks that carry
//! classes instead of colours are what lets one picture serve white paper and a dark page, and what
//! keeps a page of hundreds of pictures small.

mod axis;
mod box_plot;
mod citation;
mod convert;
mod critical_difference;
mod dot_plot;
mod error;
mod figure;
mod files;
mod glyphs;
mod learning;
mod logo;
mod match_page;
mod motif_pair;
mod page;
mod reliability;
mod report;
mod roc;
mod style;
mod svg;
mod table;
mod track;
mod values;

pub use box_plot::{BoxGroup, BoxNumbers, BoxPlot};
pub use citation::{Citation, bibliography};
pub use critical_difference::CriticalDifference;
pub use dot_plot::{DotPlot, DotRow};
pub use error::{Error, Result};
pub use figure::Figure;
pub use files::{Destination, open_stream, write_whole};
pub use learning::{Across, LearningCurves, LearningSeries};
pub use logo::{Logo, LogoScale};
pub use match_page::{MatchPage, PageMatch};
pub use motif_pair::MotifPair;
pub use reliability::{ReliabilityCurve, ReliabilityPlot};
pub use report::{
    CountBesideChance, EnsembleReport, ModelReport, ModelSummary, MotifCount, MotifRow, ORACLE, PairTest,
    PublishedMotifCount, PublishedSeries, PublishedSummary, Report, RunInfo, SetReport,
};
pub use roc::{RocCurve, RocPlot};
pub use table::{Cell, Column, Format, Table, significant};
pub use track::{SaliencyTrack, TemporalCurves, TrackStyle};
pub use values::{DataKind, Estimate, PublishedStatus, SiteSpan};
