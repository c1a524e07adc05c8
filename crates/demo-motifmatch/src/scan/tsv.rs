//! FIMO's table, column for column: positions from 1, both ends within the site.

use std::io::{self, Write};

use demo_core::{Motif, Strand};

use super::Hit;
use crate::tsv::general_double;

/// The header line.
const HEADER: &str =
    "motif_id\tmotif_alt_id\tsequence_name\tstart\tstop\tstrand\tscore\tp-value\tq-value\tmatched_sequence";

/// Writes the header line.
///
/// # Errors
/// What the writer reports.
pub fn write_header(mut out: impl Write) -> io::Result<()> {
    writeln!(out, "{HEADER}")
}

/// Writes the line of a hit. `bases` are those of the window on the sequence's own strand; the column shows them
/// as the motif reads them. Without a q-value its column stays empty.
///
/// # Errors
/// What the writer reports.
pub fn write_hit(
    mut out: impl Write,
    motif: &Motif,
    sequence_name: &str,
    hit: &Hit,
    q_value: Option<f64>,
    bases: &[u8],
) -> io::Result<()> {
    let letter = |code: u8| char::from(b"ACGTN"[usize::from(code.min(4))]);
    let matched: String = match hit.strand {
        Strand::Forward => bases.iter().map(|&code| letter(code)).collect(),
        Strand::Reverse => {
            bases.iter().rev().map(|&code| letter(if code < 4 { 3 - code } else { 4 })).collect()
        }
    };
    writeln!(
        out,
        "{}\t{}\t{sequence_name}\t{}\t{}\t{}\t{}\t{}\t{}\t{matched}",
        motif.id(),
        motif.name().unwrap_or_default(),
        hit.start + 1,
        hit.end,
        hit.strand,
        general_double(hit.score),
        general_double(hit.p_value),
        q_value.map(general_double).unwrap_or_default(),
    )
}

/// Writes the trailing comment: which program, which version, which command.
///
/// # Errors
/// What the writer reports.
pub fn write_footer(mut out: impl Write, program: &str, version: &str, command: &str) -> io::Result<()> {
    writeln!(out, "\n# {program}: version {version}")?;
    writeln!(
        out,
        "# The columns are those of FIMO: https://meme-suite.org/meme/doc/fimo-output-format.html"
    )?;
    writeln!(out, "# {command}")
}
