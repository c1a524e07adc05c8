//! What a motif file holds.

use std::fmt;
use std::path::{Path, PathBuf};

use demo_core::{Background, Motif};

use super::range;
use crate::motifs::read_motifs_with_format;
use crate::{MotifFormat, MotifReading, Result, Warning};

/// How many motifs the text lists.
const LISTED: usize = 20;

/// One motif in short.
#[derive(Debug, Clone, PartialEq)]
pub struct MotifSummary {
    /// Identifier.
    pub id: String,
    /// Name, where there is one.
    pub name: Option<String>,
    /// Number of positions.
    pub width: usize,
    /// Information content of all positions in bits, against a uniform background.
    pub information: f64,
    /// Number of sites, where it is known.
    pub site_count: Option<f64>,
    /// The most probable base of each position.
    pub consensus: String,
}

impl MotifSummary {
    fn of(motif: &Motif) -> Self {
        Self {
            id: motif.id().to_owned(),
            name: motif.name().map(str::to_owned),
            width: motif.width(),
            information: motif.probabilities().information().iter().sum(),
            site_count: motif.site_count(),
            consensus: motif.probabilities().consensus(),
        }
    }
}

/// What a motif file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct MotifInspection {
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: MotifFormat,
    /// The motifs, in the order of the file.
    pub motifs: Vec<MotifSummary>,
    /// The background frequencies, where the file gives them.
    pub background: Option<Background>,
    /// What the reader tolerated.
    pub warnings: Vec<Warning>,
}

/// Reads a motif file and sums up.
pub(super) fn inspect(path: &Path) -> Result<MotifInspection> {
    let (format, collection) = read_motifs_with_format(path, &MotifReading::default())?;
    Ok(MotifInspection {
        path: path.to_owned(),
        format,
        motifs: collection.motifs.iter().map(MotifSummary::of).collect(),
        background: collection.background,
        warnings: collection.warnings,
    })
}

impl fmt::Display for MotifInspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: motifs in {} format", self.path.display(), self.format)?;
        writeln!(f, "  motifs       {}", self.motifs.len())?;
        let widths = self.motifs.iter().map(|motif| motif.width);
        let (low, high) = (widths.clone().min().unwrap_or(0), widths.max().unwrap_or(0));
        writeln!(f, "  width        {}", range(&low, &high))?;
        let bits = self.motifs.iter().map(|motif| motif.information);
        let low = bits.clone().fold(f64::INFINITY, f64::min);
        let high = bits.fold(0.0, f64::max);
        writeln!(f, "  information  {} bits", range(&format!("{low:.1}"), &format!("{high:.1}")))?;
        if let Some(background) = self.background {
            let [a, c, g, t] = background.frequencies();
            writeln!(f, "  background   A {a:.3}, C {c:.3}, G {g:.3}, T {t:.3}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning      {warning}")?;
        }
        write_list(f, &self.motifs)
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, motifs: &[MotifSummary]) -> fmt::Result {
    let listed = &motifs[..motifs.len().min(LISTED)];
    let longest =
        |text: fn(&MotifSummary) -> usize, least| listed.iter().map(text).max().unwrap_or(0).max(least);
    let id_width = longest(|motif| motif.id.len(), 2);
    let name_width = longest(|motif| motif.name.as_deref().map_or(0, str::len), 4);
    writeln!(f, "\n  {:id_width$}  {:name_width$}  width   bits    sites  consensus", "id", "name")?;
    for motif in listed {
        let name = motif.name.as_deref().unwrap_or("");
        let sites = motif.site_count.map_or_else(|| "-".into(), |count| format!("{count:.0}"));
        let (id, width, bits) = (&motif.id, motif.width, motif.information);
        writeln!(
            f,
            "  {id:id_width$}  {name:name_width$}  {width:5}  {bits:5.1}  {sites:>7}  {}",
            motif.consensus
        )?;
    }
    if motifs.len() > listed.len() {
        writeln!(f, "  and {} more", motifs.len() - listed.len())?;
    }
    Ok(())
}
