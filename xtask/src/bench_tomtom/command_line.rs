//! Whole programs by the clock: our command beside memelite's `ttl`, MEME Suite's tomtom and universalmotif.
//!
//! Each program reads the motifs as a MEME file, compares all with all, both strands, and writes every row: from
//! the start of the process to its end, by the clock. memelite's program stands beside its Python. The programs
//! take turns.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use demo_core::Motif;
use demo_data::{MotifCollection, MotifFormat, format_motifs};

use super::Args;
use super::speed::{median, motifs, temporary_folder};

/// Times the programs that were named.
pub(super) fn run(args: &Args) -> Result<()> {
    let Some(demo) = &args.demo else { return Ok(()) };
    let motifs = motifs(args)?;
    let folder = temporary_folder()?;
    let file = |name: &str, motifs: &[Motif]| -> Result<PathBuf> {
        let path = folder.join(name);
        let collection = MotifCollection { motifs: motifs.to_vec(), ..MotifCollection::default() };
        std::fs::write(&path, format_motifs(&collection, MotifFormat::Meme))?;
        Ok(path)
    };
    let (all, one) = (file("all.meme", &motifs)?, file("one.meme", &motifs[..1])?);
    let mut programs = vec![
        ("demo tomtom, all rows, q-values", ours(demo, &all, &all, "bootstrap")),
        ("demo tomtom, the same with --qvalue bh", ours(demo, &all, &all, "bh")),
        ("demo tomtom, one query", ours(demo, &one, &all, "bootstrap")),
    ];
    if let Some(python) = &args.peer {
        let mut command = Command::new(python.with_file_name("ttl"));
        command.arg("-q").arg(&all).arg("-t").arg(&all).args(["-p", "1"]);
        programs.push(("memelite's ttl, all rows", command));
    }
    if let Some(program) = &args.universalmotif {
        let mut command = Command::new(program);
        command.arg(&all).arg(&all);
        programs.push(("universalmotif, all scores", command));
    }
    if let Some(program) = &args.meme {
        let mut command = Command::new(program);
        command.args([
            "-no-ssc",
            "-text",
            "-verbosity",
            "1",
            "-min-overlap",
            "5",
            "-thresh",
            "1",
            "-dist",
            "ed",
        ]);
        command.arg(&all).arg(&all);
        programs.push(("MEME Suite's tomtom, all rows, q-values", command));
    }
    let mut seconds = vec![Vec::new(); programs.len()];
    for _ in 0..args.rounds {
        for ((_, command), seconds) in programs.iter_mut().zip(&mut seconds) {
            seconds.push(time(command)?);
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "program\tseconds\tin units of the first")?;
    for ((name, _), own) in programs.iter().zip(&seconds) {
        let ratio = median(own.iter().zip(&seconds[0]).map(|(own, first)| own / first));
        writeln!(out, "{name}\t{:.4}\t{ratio:.2}", median(own.iter().copied()))?;
    }
    std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())
}

fn ours(demo: &Path, query: &Path, target: &Path, q_values: &str) -> Command {
    let mut command = Command::new(demo);
    command.arg("tomtom").arg(query).arg(target).args(["--thresh", "1", "--qvalue", q_values]);
    command
}

/// Seconds from the start of a process to its end.
fn time(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let program = command.get_program().to_string_lossy().into_owned();
    let status = status.with_context(|| format!("{program}: could not be started"))?;
    if !status.success() {
        bail!("{program}: ended with {status}");
    }
    Ok(start.elapsed().as_secs_f64())
}
