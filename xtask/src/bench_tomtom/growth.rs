//! How the time of a comparison grows with queries, targets and width.
//!
//! The motifs, JASPAR's or those of `--motifs`, against themselves, and random queries against them: more and
//! more queries, more and more targets, wider and wider queries. Scores and p-values as in the other timings, on
//! one thread, the median of the turns. The folder gets `growth.tsv` and a plot of it.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use demo_core::{Motif, ProbabilityMatrix, Seed};
use demo_motifmatch::{Options, Tomtom};
use demo_report::{Across, LearningCurves, LearningSeries};
use rand::Rng as _;

use super::Args;
use super::speed::{median, motifs};

/// Random queries, the most of them, and their width where it does not vary.
const QUERIES: usize = 20_000;
const WIDTH: usize = 11;
/// The widths that are tried.
const WIDTHS: [usize; 6] = [5, 8, 11, 16, 24, 40];
/// Queries where targets or widths vary.
const FEWER: usize = 1000;

/// A comparison of so much of something.
struct Point {
    what: &'static str,
    size: usize,
    queries: usize,
    targets: usize,
    width: usize,
    seconds: f64,
}

/// Times, writes the table and draws it.
pub(super) fn run(args: &Args, folder: &Path) -> Result<()> {
    let motifs = motifs(args)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let time = |queries: &[Motif], targets: &[Motif], rounds: usize| -> Result<f64> {
        let tomtom = Tomtom::new(targets, Options::default())?;
        let once = || {
            let start = Instant::now();
            pool.install(|| black_box(tomtom.scores_all(black_box(queries))));
            start.elapsed().as_secs_f64()
        };
        Ok(median((0..rounds).map(|_| once())))
    };
    let mut points = Vec::new();
    let mut add = |what, size, queries: &[Motif], targets: &[Motif], rounds| -> Result<()> {
        let width = queries.first().map_or(0, Motif::width);
        let seconds = time(queries, targets, rounds)?;
        let (queries, targets) = (queries.len(), targets.len());
        points.push(Point { what, size, queries, targets, width, seconds });
        Ok(())
    };
    add("itself", motifs.len(), &motifs, &motifs, args.rounds)?;
    let queries = random(QUERIES, WIDTH);
    for share in [16, 8, 4, 2, 1] {
        let size = QUERIES / share;
        add("queries", size, &queries[..size], &motifs, if share == 1 { 1 } else { 3 })?;
    }
    for share in [16, 8, 4, 2, 1] {
        let size = motifs.len() / share;
        add("targets", size, &queries[..FEWER], &motifs[..size], 3)?;
    }
    for width in WIDTHS {
        add("width", width, &random(FEWER, width), &motifs, 3)?;
    }
    write(&points, folder)
}

/// Motifs of random rows: the powers of uniform numbers, so that some bases are nearly certain.
fn random(count: usize, width: usize) -> Vec<Motif> {
    let mut stream = Seed::new(2).stream("random queries");
    let mut row = || {
        let weights: [f64; 4] = std::array::from_fn(|_| stream.random::<f64>().powi(4) + 1e-3);
        let sum: f64 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    };
    let motif = |i| {
        let rows = (0..width).map(|_| row()).collect();
        ProbabilityMatrix::new(rows).ok().map(|matrix| Motif::new(format!("random{i}"), matrix))
    };
    (0..count).filter_map(motif).collect()
}

fn write(points: &[Point], folder: &Path) -> Result<()> {
    let mut table = String::from("varied\tqueries\ttargets\twidth\tseconds\n");
    for Point { what, queries, targets, width, seconds, .. } in points {
        let width = if *what == "itself" { "own".to_owned() } else { width.to_string() };
        writeln!(table, "{what}\t{queries}\t{targets}\t{width}\t{seconds:.4}")?;
    }
    std::io::stdout().lock().write_all(table.as_bytes())?;
    let curve = |what: &str| {
        let own: Vec<&Point> = points.iter().filter(|point| point.what == what).collect();
        let size = own.last().map_or(1.0, |last| last.size as f64);
        let each = |point: &Point| 1e3 * point.seconds / point.queries as f64;
        LearningSeries {
            band: Vec::new(),
            name: format!("{what}, up to {size}"),
            points: own.iter().map(|point| (point.size as f64 / size, each(point))).collect(),
            chosen: None,
        }
    };
    let curves = LearningCurves {
        title: "Time of a motif comparison".into(),
        across: "size, of the largest".into(),
        kind: Across::Steps,
        up: "milliseconds a query".into(),
        series: ["queries", "targets", "width"].map(curve).to_vec(),
    };
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    demo_report::write_whole(&folder.join("growth.tsv"), table.as_bytes())?;
    curves.draw()?.write(folder, "growth")?;
    Ok(())
}
