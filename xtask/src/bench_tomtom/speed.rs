//! Comparisons in one process, by the clock: ours and memelite's taking turns.
//!
//! All motifs against all and one-hot seqlets against all, both strands: p-values, scores and alignments, as
//! memelite's function gives them, no q-values. Ours are exact; memelite's are approximate unless said. Both
//! were run before the first turn. A figure is the median of the turns, a ratio the median of the turns' ratios.

use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use demo_core::{Motif, ProbabilityMatrix, Seed};
use demo_data::{MotifCollection, MotifFormat, MotifReading, format_motifs, read_motifs};
use demo_motifmatch::{Options, Tomtom};
use rand::Rng as _;
use serde::Deserialize;

use super::Args;
use crate::python::Script;

/// The script, in the repository.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/peers/tomtom.py");
/// Seqlets, and the shortest and longest of them.
const SEQLETS: usize = 5000;
const LENGTHS: std::ops::RangeInclusive<usize> = 10..=24;
/// The profile that MEME Suite's motif database leaves out.
const LEFT_OUT: &str = "MA0615.1";

/// Times every task with one thread and with two, prints a table.
pub(super) fn run(args: &Args) -> Result<()> {
    let motifs = motifs(args)?;
    let seqlets = seqlets(SEQLETS);
    let folder = temporary_folder()?;
    let files = write_inputs(&folder, &motifs, &seqlets)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} motifs, {SEQLETS} seqlets, median of {} turns", motifs.len(), args.rounds)?;
    writeln!(out, "threads\ttask\tours (s)\tpeer (s)\tours / peer")?;
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let mut peer = args.peer.as_ref().map(|python| Peer::start(python, threads, &files)).transpose()?;
        let tomtom = Tomtom::new(&motifs, Options::default())?;
        let queries: Vec<Motif> = seqlets.iter().map(|sequence| one_hot(sequence)).collect::<Result<_>>()?;
        for (task, queries) in [("motifs", &motifs), ("exact", &motifs), ("seqlets", &queries)] {
            if task == "exact" && peer.is_none() {
                continue;
            }
            let ours = || {
                let start = Instant::now();
                pool.install(|| black_box(tomtom.scores_all(black_box(queries))));
                start.elapsed().as_secs_f64()
            };
            ours();
            let mut turns = Vec::new();
            for _ in 0..args.rounds {
                let own = ours();
                turns.push((own, peer.as_mut().map(|peer| peer.seconds(task)).transpose()?));
            }
            let own = median(turns.iter().map(|turn| turn.0));
            let other = turns.iter().map(|turn| turn.1).collect::<Option<Vec<f64>>>();
            let ratio = median(turns.iter().filter_map(|(own, other)| other.map(|other| own / other)));
            match other {
                Some(other) => {
                    let other = median(other.into_iter());
                    writeln!(out, "{threads}\t{task}\t{own:.4}\t{other:.4}\t{ratio:.3}")?;
                }
                None => writeln!(out, "{threads}\t{task}\t{own:.4}\t-\t-")?,
            }
        }
        if let Some(peer) = &peer {
            writeln!(out, "# peer: {}", peer.name)?;
        }
    }
    fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())
}

/// The motifs to compare: those of the file asked for, or JASPAR's as MEME Suite's database has them.
pub(super) fn motifs(args: &Args) -> Result<Vec<Motif>> {
    if let Some(path) = &args.motifs {
        return Ok(read_motifs(path, &MotifReading::default())?.motifs);
    }
    let all = &demo_data::embedded::jaspar2016().motifs;
    Ok(all.iter().filter(|motif| motif.id() != LEFT_OUT).cloned().collect())
}

/// Random sequences of random lengths.
fn seqlets(count: usize) -> Vec<String> {
    let mut stream = Seed::new(1).stream("seqlets");
    let letter = |code: u8| char::from(b"ACGT"[usize::from(code)]);
    (0..count)
        .map(|_| {
            let length = stream.random_range(LENGTHS);
            (0..length).map(|_| letter(stream.random_range(0..4))).collect()
        })
        .collect()
}

fn one_hot(sequence: &str) -> Result<Motif> {
    let row =
        |letter: char| std::array::from_fn(|base| f64::from(u8::from("ACGT".find(letter) == Some(base))));
    Ok(Motif::new(sequence, ProbabilityMatrix::new(sequence.chars().map(row).collect())?))
}

pub(super) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A folder of this process's own.
pub(super) fn temporary_folder() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("bench-tomtom-{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

fn write_inputs(folder: &Path, motifs: &[Motif], seqlets: &[String]) -> Result<[PathBuf; 2]> {
    let files = [folder.join("motifs.meme"), folder.join("seqlets.txt")];
    let collection = MotifCollection { motifs: motifs.to_vec(), ..MotifCollection::default() };
    fs::write(&files[0], format_motifs(&collection, MotifFormat::Meme))?;
    fs::write(&files[1], seqlets.join("\n") + "\n")?;
    Ok(files)
}

/// memelite.
struct Peer {
    script: Script,
    name: String,
}

#[derive(Deserialize)]
struct Greeting {
    name: String,
}

#[derive(Deserialize)]
struct Answer {
    seconds: f64,
}

impl Peer {
    fn start(python: &Path, threads: usize, files: &[PathBuf; 2]) -> Result<Self> {
        let (script, Greeting { name }) = Script::start(python, |command| {
            command
                .args([SCRIPT, "--threads", &threads.to_string()])
                .args(files)
                .env("NUMBA_NUM_THREADS", threads.to_string())
        })?;
        Ok(Self { script, name })
    }

    fn seconds(&mut self, task: &str) -> Result<f64> {
        Ok(self.script.ask::<Answer>(task)?.seconds)
    }
}
