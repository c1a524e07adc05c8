//! The table of set parameters: what calibration found, and what the generator reads.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::embedded::table;
use crate::{Error, Result};

/// The parameters of one simulated set. Numbers have four decimals, as the table has.
#[derive(Debug, Clone, PartialEq)]
pub struct SetParameters {
    /// Name of the set, that of the real set it stands in for.
    pub set: String,
    /// The transcription factor.
    pub tf: String,
    /// The factor's motif, a JASPAR 2016 identifier.
    pub motif: String,
    /// Number of sites in a positive that has any.
    pub sites: usize,
    /// Fraction of positives that have sites.
    pub site_fraction: f64,
    /// Exponent on the matrix that instances are drawn from: 1 is the matrix, above 1 nearer to the consensus.
    pub sharpness: f64,
    /// Standard deviation of a site's place around the middle, in bases.
    pub spread: f64,
    /// The second motif of the grammar, where the set has one.
    pub partner: Option<PartnerParameters>,
    /// Fraction of the positives with a partner whose negative is a decoy.
    pub decoy_fraction: f64,
    /// Motifs planted alike in both classes, JASPAR 2016 identifiers.
    pub unrelated: Vec<String>,
}

/// The parameters of a partner motif.
#[derive(Debug, Clone, PartialEq)]
pub struct PartnerParameters {
    /// A JASPAR 2016 identifier.
    pub motif: String,
    /// Preferred number of bases between the site and its partner, at least 1; it varies by one.
    pub gap: usize,
    /// Whether the partner reads on the site's strand.
    pub same_strand: bool,
    /// Fraction of the positives with sites that have the partner.
    pub fraction: f64,
    /// As [`SetParameters::sharpness`].
    pub sharpness: f64,
}

/// What a set should reach and what it does: AUROC of the scan and of the oracle.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The parameters.
    pub parameters: SetParameters,
    /// Published MEME-SUM AUROC of the real set.
    pub scan_target: f64,
    /// AUROC of the scan with the factor's own matrix.
    pub scan: f64,
    /// 1 - (1 - published `DeepBind*` AUROC) / 2, or the scan's target + 0.01 where that is more.
    pub oracle_target: f64,
    /// AUROC of the oracle.
    pub oracle: f64,
    /// Why a target is missed; empty where none is.
    pub note: String,
}

/// Every row of the embedded table, in its order.
pub fn calibrations() -> &'static [Calibration] {
    static ROWS: LazyLock<Vec<Calibration>> =
        LazyLock::new(|| table::<Row>("simulated57.tsv").into_iter().map(Calibration::from).collect());
    &ROWS
}

/// The table as text, tab separated, with its header.
///
/// # Errors
/// [`Error::SimulatedTable`] where a value cannot be written.
pub fn format_calibrations(rows: &[Calibration]) -> Result<String> {
    let failed = |source| Error::SimulatedTable { source };
    let style = csv::QuoteStyle::Never;
    let mut writer = csv::WriterBuilder::new().delimiter(b'\t').quote_style(style).from_writer(Vec::new());
    for row in rows {
        writer.serialize(Row::from(row)).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Four decimals, as the table keeps.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// A line of the table; `-` stands for no partner.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    set: String,
    tf: String,
    motif: String,
    sites: usize,
    site_fraction: f64,
    sharpness: f64,
    spread: f64,
    partner: String,
    partner_gap: usize,
    partner_strand: String,
    partner_fraction: f64,
    partner_sharpness: f64,
    decoy_fraction: f64,
    unrelated: String,
    scan_target: f64,
    scan: f64,
    oracle_target: f64,
    oracle: f64,
    note: String,
}

impl From<Row> for Calibration {
    fn from(row: Row) -> Self {
        let partner = (row.partner != "-").then(|| PartnerParameters {
            motif: row.partner,
            gap: row.partner_gap,
            same_strand: row.partner_strand == "same",
            fraction: row.partner_fraction,
            sharpness: row.partner_sharpness,
        });
        let parameters = SetParameters {
            set: row.set,
            tf: row.tf,
            motif: row.motif,
            sites: row.sites,
            site_fraction: row.site_fraction,
            sharpness: row.sharpness,
            spread: row.spread,
            partner,
            decoy_fraction: row.decoy_fraction,
            unrelated: row.unrelated.split(',').map(str::to_owned).collect(),
        };
        Self {
            parameters,
            scan_target: row.scan_target,
            scan: row.scan,
            oracle_target: row.oracle_target,
            oracle: row.oracle,
            note: row.note,
        }
    }
}

impl From<&Calibration> for Row {
    fn from(calibration: &Calibration) -> Self {
        let parameters = calibration.parameters.clone();
        let partner = parameters.partner;
        let strand = partner.as_ref().map_or("-", |p| if p.same_strand { "same" } else { "opposite" });
        Self {
            set: parameters.set,
            tf: parameters.tf,
            motif: parameters.motif,
            sites: parameters.sites,
            site_fraction: rounded(parameters.site_fraction),
            sharpness: rounded(parameters.sharpness),
            spread: rounded(parameters.spread),
            partner_gap: partner.as_ref().map_or(0, |partner| partner.gap),
            partner_strand: strand.to_owned(),
            partner_fraction: rounded(partner.as_ref().map_or(0.0, |partner| partner.fraction)),
            partner_sharpness: rounded(partner.as_ref().map_or(0.0, |partner| partner.sharpness)),
            partner: partner.map_or_else(|| "-".to_owned(), |partner| partner.motif),
            decoy_fraction: rounded(parameters.decoy_fraction),
            unrelated: parameters.unrelated.join(","),
            scan_target: calibration.scan_target,
            scan: rounded(calibration.scan),
            oracle_target: rounded(calibration.oracle_target),
            oracle: rounded(calibration.oracle),
            note: calibration.note.clone(),
        }
    }
}
