//! `demo scan`: where motifs have sites in sequences.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use demo_core::{Alphabet, Background, Motif};
use demo_data::{
    MotifCollection, MotifReading, PieceOptions, SequencePiece, SequencePieces, read_background, read_motifs,
};
use demo_motifmatch::scan::tsv::Table;
use demo_motifmatch::{
    Error, Hit, ScanOptions, ScanQValues, ScanThreshold, Scanner, SequenceHit, Stretch, Tally,
};

use crate::progress::Progress;
use crate::{Failure, output};

/// Windows' starts in a piece of a long sequence.
const PIECE: usize = 1 << 20;
/// Bases that are scanned at a time.
const BATCH: usize = 1 << 22;
/// How many motifs a warning names.
const NAMED: usize = 5;

/// Arguments of `demo scan`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Motifs to look for: MEME, JASPAR, TRANSFAC or HOCOMOCO, plain or gzip.
    motifs: PathBuf,
    /// Sequences to look in: FASTA or `DeepBind`'s tables, plain or gzip. Unknown bases match nothing.
    sequences: PathBuf,
    /// The largest p-value listed, or with --qv-thresh the largest q-value.
    #[arg(long, value_name = "LIMIT", default_value_t = 1e-4)]
    thresh: f64,
    /// Limits the list by q-value instead of p-value; the sequences are read twice.
    #[arg(long)]
    qv_thresh: bool,
    /// Scans the sequences as they are given, not their reverse complements.
    #[arg(long)]
    norc: bool,
    /// Base frequencies of the background: a file, or those of the motif file (--motif--), or a quarter
    /// each (--uniform--). Without it those of the motif file, or a quarter each where it gives none.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    bfile: Option<PathBuf>,
    /// How many sites' worth of background each motif is mixed with.
    #[arg(long, value_name = "SITES", default_value_t = 0.1)]
    motif_pseudo: f64,
    /// Looks for the motifs of this identifier only; may be given again.
    #[arg(long, short, value_name = "ID")]
    motif: Vec<String>,
    /// Writes hits as they are found, in the order of the sequences, instead of all of them by p-value at the end:
    /// memory stays bounded. Without --qv-thresh there are no q-values then.
    #[arg(long)]
    text: bool,
    /// Threads; 0 takes as many as there are cores. The result does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Writes the table to this file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Scans the sequences and writes the table.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let options = args.options();
    options.check().map_err(|error| Failure::Usage(usage(&error)))?;
    let collection = read(&args.motifs)?;
    let background = args.background(&collection)?;
    let motifs = args.select(collection.motifs)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build()?;
    let scan = || -> Result<()> {
        let scanner = Scanner::new(&motifs, ScanOptions { background, ..options })
            .with_context(|| args.motifs.display().to_string())?;
        warn_of_weak(&scanner, &motifs, args.thresh);
        let run = Run { path: &args.sequences, motifs: &motifs };
        output::write(args.output.as_deref(), |out| {
            let mut table = Table::new(out, &motifs)?;
            run.write(&scanner, args.text, &mut table)?;
            let words: Vec<String> =
                std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            let command = format!("demo {}", words.join(" "));
            table.finish("demo scan", env!("CARGO_PKG_VERSION"), &command)?;
            anyhow::Ok(())
        })
    };
    Ok(pool.install(scan)?)
}

impl Args {
    fn options(&self) -> ScanOptions {
        ScanOptions {
            both_strands: !self.norc,
            motif_pseudocount: self.motif_pseudo,
            threshold: if self.qv_thresh {
                ScanThreshold::QValue(self.thresh)
            } else {
                ScanThreshold::PValue(self.thresh)
            },
            ..ScanOptions::default()
        }
    }

    fn background(&self, motifs: &MotifCollection) -> Result<Background, Failure> {
        let Some(path) = &self.bfile else { return Ok(motifs.background.unwrap_or(Background::UNIFORM)) };
        match path.to_str() {
            Some("--uniform--") => Ok(Background::UNIFORM),
            Some("--motif--") => motifs.background.ok_or_else(|| {
                let file = self.motifs.display();
                Failure::Usage(format!("--bfile: {file} gives no background frequencies (--uniform--)"))
            }),
            _ => {
                let frequencies = read_background(path, &Alphabet::dna())?;
                let [a, c, g, t] = frequencies[..] else { unreachable!("DNA has four letters") };
                Ok(Background::new([a, c, g, t])?)
            }
        }
    }

    /// The motifs that were asked for, in the order of the file.
    fn select(&self, motifs: Vec<Motif>) -> Result<Vec<Motif>, Failure> {
        if let Some(id) = self.motif.iter().find(|id| motifs.iter().all(|motif| motif.id() != **id)) {
            return Err(Failure::Usage(format!("--motif: found no motif {id} in {}", self.motifs.display())));
        }
        let wanted = |motif: &Motif| self.motif.is_empty() || self.motif.iter().any(|id| id == motif.id());
        Ok(motifs.into_iter().filter(wanted).collect())
    }
}

/// What is wrong with the options, and the flag that mends it.
fn usage(error: &Error) -> String {
    match error {
        Error::Pseudocount { .. } => format!("--motif-pseudo: {error}"),
        Error::ScanThreshold { .. } => format!("--thresh: {error}"),
        _ => error.to_string(),
    }
}

fn read(path: &Path) -> Result<MotifCollection, Failure> {
    let collection = read_motifs(path, &MotifReading::default())?;
    for warning in &collection.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(collection)
}

/// Tells which motifs cannot have a hit.
fn warn_of_weak(scanner: &Scanner, motifs: &[Motif], limit: f64) {
    let weak: Vec<&str> = scanner.without_hits().map(|motif| motifs[motif].id()).collect();
    if !weak.is_empty() {
        eprintln!(
            "warning: {}: even a perfect site is more frequent by chance than {limit}; no hits (--thresh)",
            named(&weak)
        );
    }
}

/// The first few names and how many more there are.
fn named(ids: &[&str]) -> String {
    let first = ids[..ids.len().min(NAMED)].join(", ");
    let more = ids.len().saturating_sub(NAMED);
    let noun = if ids.len() == 1 { "motif" } else { "motifs" };
    if more > 0 { format!("{noun} {first} and {more} more") } else { format!("{noun} {first}") }
}

/// One command's sequences and motifs.
struct Run<'a> {
    path: &'a Path,
    motifs: &'a [Motif],
}

impl Run<'_> {
    fn write(&self, scanner: &Scanner, text: bool, table: &mut Table<'_, impl Write>) -> Result<()> {
        let counted = match scanner.options().threshold {
            ScanThreshold::PValue(_) => None,
            ScanThreshold::QValue(limit) => {
                let mut tally = Tally::new(scanner);
                let count = |stretches: &[Stretch<'_>]| scanner.count(stretches, &mut tally);
                self.each_batch(scanner, "counting", count, |_, ()| Ok(()))?;
                let q_values = tally.q_values(scanner);
                Some((scanner.at_q_value(&q_values, limit), q_values))
            }
        };
        let (scanner, q_values) = counted.as_ref().map_or((scanner, None), |(narrow, q)| (narrow, Some(q)));
        if text { self.stream(scanner, q_values, table) } else { self.sort(scanner, q_values, table) }
    }

    /// Writes the hits of each piece when it is scanned.
    fn stream(
        &self,
        scanner: &Scanner,
        q_values: Option<&ScanQValues>,
        table: &mut Table<'_, impl Write>,
    ) -> Result<()> {
        let mut tally = Tally::new(scanner);
        let scan = |stretches: &[Stretch<'_>]| {
            tally.add_windows(stretches);
            scanner.scan_all(stretches)
        };
        self.each_batch(scanner, "scanning", scan, |pieces, hits| {
            for (piece, hits) in pieces.iter().zip(hits) {
                for hit in hits {
                    let q = q_values.map(|q_values| q_values.of(&hit));
                    table.write(&piece.name, &hit, q, bases(piece, &hit))?;
                }
            }
            Ok(())
        })?;
        self.warn_of_unscanned(&tally);
        Ok(())
    }

    /// Writes all hits when all are found, the least p-value first.
    fn sort(
        &self,
        scanner: &Scanner,
        q_values: Option<&ScanQValues>,
        table: &mut Table<'_, impl Write>,
    ) -> Result<()> {
        let mut tally = Tally::new(scanner);
        let mut found = Found::default();
        let scan = |stretches: &[Stretch<'_>]| {
            tally.add_windows(stretches);
            let hits = scanner.scan_all(stretches);
            for hits in &hits {
                tally.add_hits(hits);
            }
            hits
        };
        self.each_batch(scanner, "scanning", scan, |pieces, hits| {
            for (piece, hits) in pieces.iter().zip(hits) {
                found.add(piece, &hits);
            }
            Ok(())
        })?;
        self.warn_of_unscanned(&tally);
        let counted = tally.q_values(scanner);
        let q_values = q_values.unwrap_or(&counted);
        found.rows.sort_unstable_by(|a, b| a.hit.order(&b.hit));
        for row in &found.rows {
            let hit = &row.hit.hit;
            let bases = &found.bases[row.bases..row.bases + (hit.end - hit.start)];
            table.write(&found.names[row.name], hit, Some(q_values.of(hit)), bases)?;
        }
        Ok(())
    }

    /// Reads the sequences, about [`BATCH`] bases at a time, and hands over what `work` makes of them; the next ones
    /// are read while it works.
    fn each_batch<T: Send>(
        &self,
        scanner: &Scanner,
        what: &'static str,
        mut work: impl FnMut(&[Stretch<'_>]) -> T + Send,
        mut take: impl FnMut(&[SequencePiece], T) -> Result<()>,
    ) -> Result<()> {
        let options = PieceOptions { starts: PIECE, overlap: scanner.widest() - 1 };
        let mut pieces = SequencePieces::open(self.path, options)?;
        let mut progress = Progress::new(what);
        let mut batch = next_batch(&mut pieces)?;
        while !batch.is_empty() {
            let stretches: Vec<Stretch<'_>> = batch.iter().map(stretch).collect();
            let (made, next) = rayon::join(|| work(&stretches), || next_batch(&mut pieces));
            take(&batch, made)?;
            progress.advance(batch.iter().map(|piece| piece.starts).sum());
            batch = next?;
        }
        Ok(())
    }

    /// Tells which motifs no sequence is long enough for.
    fn warn_of_unscanned(&self, tally: &Tally) {
        let without: Vec<&str> =
            self.motifs.iter().filter(|motif| tally.windows(motif.width()) == 0).map(Motif::id).collect();
        if !without.is_empty() {
            let path = self.path.display();
            eprintln!("warning: {path}: no sequence has as many known bases in a row as {}", named(&without));
        }
    }
}

/// Hits that are kept to be sorted, with the bases and names that their rows show.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    bases: Vec<u8>,
    names: Vec<String>,
    /// The sequence that the last name belongs to.
    last: Option<usize>,
}

struct Row {
    hit: SequenceHit,
    name: usize,
    bases: usize,
}

impl Found {
    fn add(&mut self, piece: &SequencePiece, hits: &[Hit]) {
        if hits.is_empty() {
            return;
        }
        if self.last.replace(piece.record) != Some(piece.record) {
            self.names.push(piece.name.clone());
        }
        for &hit in hits {
            // The q-value is not known before all are counted.
            let found = SequenceHit { sequence: piece.record, hit, q_value: 1.0 };
            self.rows.push(Row { hit: found, name: self.names.len() - 1, bases: self.bases.len() });
            self.bases.extend_from_slice(bases(piece, &hit));
        }
    }
}

fn stretch(piece: &SequencePiece) -> Stretch<'_> {
    Stretch { sequence: &piece.sequence, first: piece.first, starts: piece.starts }
}

/// The bases of a hit's window.
fn bases<'a>(piece: &'a SequencePiece, hit: &Hit) -> &'a [u8] {
    &piece.sequence.as_codes()[hit.start - piece.first..hit.end - piece.first]
}

fn next_batch(pieces: &mut SequencePieces) -> Result<Vec<SequencePiece>> {
    let mut batch = Vec::new();
    let mut bases = 0;
    while bases < BATCH {
        let Some(piece) = pieces.next().transpose()? else { break };
        bases += piece.starts;
        batch.push(piece);
    }
    Ok(batch)
}
