//! FIMO's table, column for column: positions from 1, both ends within the site.

use std::collections::HashMap;
use std::io::{self, Write};

use demo_core::{Motif, Strand};

use super::Hit;
use crate::tsv::general_double;

/// The header line.
const HEADER: &str =
    "motif_id\tmotif_alt_id\tsequence_name\tstart\tstop\tstrand\tscore\tp-value\tq-value\tmatched_sequence";

/// A table that is being written.
#[derive(Debug)]
pub struct Table<'a, W> {
    out: W,
    motifs: &'a [Motif],
    /// Score and p-value as they are printed, by motif and loss: few of them are on most rows, and printing a
    /// number takes longer than finding a hit.
    texts: HashMap<(usize, u32), Box<str>>,
    line: Vec<u8>,
}

impl<'a, W: Write> Table<'a, W> {
    /// Begins a table with its header; `motifs` are those of the scanner.
    ///
    /// # Errors
    /// What the writer reports.
    pub fn new(mut out: W, motifs: &'a [Motif]) -> io::Result<Self> {
        writeln!(out, "{HEADER}")?;
        Ok(Self { out, motifs, texts: HashMap::new(), line: Vec::new() })
    }

    /// Writes the row of a hit. `bases` are those of the window on the sequence's own strand; the last column shows
    /// them as the motif reads them. Without a q-value its column stays empty.
    ///
    /// # Errors
    /// What the writer reports.
    ///
    /// # Panics
    /// Where the hit is of none of the motifs.
    pub fn write(
        &mut self,
        sequence_name: &str,
        hit: &Hit,
        q_value: Option<f64>,
        bases: &[u8],
    ) -> io::Result<()> {
        let motif = &self.motifs[hit.motif];
        let text = self.texts.entry((hit.motif, hit.loss)).or_insert_with(|| {
            format!("{}\t{}", general_double(hit.score), general_double(hit.p_value)).into()
        });
        let line = &mut self.line;
        line.clear();
        for part in [motif.id(), motif.name().unwrap_or_default(), sequence_name] {
            line.extend_from_slice(part.as_bytes());
            line.push(b'\t');
        }
        write!(line, "{}\t{}\t{}\t{text}\t", hit.start + 1, hit.end, hit.strand)?;
        if let Some(q_value) = q_value {
            line.extend_from_slice(general_double(q_value).as_bytes());
        }
        line.push(b'\t');
        let letter = |code: u8| b"ACGTN"[usize::from(code.min(4))];
        match hit.strand {
            Strand::Forward => line.extend(bases.iter().map(|&code| letter(code))),
            Strand::Reverse => {
                line.extend(bases.iter().rev().map(|&code| letter(if code < 4 { 3 - code } else { 4 })));
            }
        }
        line.push(b'\n');
        self.out.write_all(line)
    }

    /// Writes the trailing comment: which program, which version, which command.
    ///
    /// # Errors
    /// What the writer reports.
    pub fn finish(mut self, program: &str, version: &str, command: &str) -> io::Result<()> {
        writeln!(self.out, "\n# {program}: version {version}")?;
        writeln!(
            self.out,
            "# The columns are those of FIMO: https://meme-suite.org/meme/doc/fimo-output-format.html"
        )?;
        writeln!(self.out, "# {command}")
    }
}
