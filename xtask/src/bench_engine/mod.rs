//! `cargo xtask bench engine`: sequences a second of the engine, side by side with PyTorch.
//!
//! Ours and the peer's take turns, A B A B, so that both meet the same machine; a ratio is the median of the
//! turns' ratios. Batches of 256 sequences in f32, dropout as the networks have it; mutants one sequence at a
//! time for the peer, which scores each as a sequence of its own, and a batch for us.

mod ours;
mod peak;
pub(crate) mod peer;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use ours::Ours;
use peer::Peer;

/// The networks: those of the Deep Motif Dashboard, and one convolution of 64 filters of width 12 with a
/// maximum, as in the FOXO1 exercise.
const MODELS: [&str; 4] = ["cnn", "rnn", "cnn-rnn", "foxo1"];
/// One step with Adam; logits; the gradient at the observed bases, and at all; all single mutants.
const TASKS: [&str; 5] = ["train", "infer", "saliency", "gradient", "mutants"];

/// Arguments of `cargo xtask bench engine`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A Python with torch to compare with; without it, our own figures alone
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
    /// Threads of both; without it, one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Networks, separated by commas
    #[arg(long, value_name = "cnn,rnn,cnn-rnn,foxo1", value_delimiter = ',', default_values = MODELS)]
    models: Vec<String>,
    /// Tasks, separated by commas
    #[arg(long, value_name = "train,infer,..", value_delimiter = ',', default_values = TASKS)]
    tasks: Vec<String>,
    /// The widest vector instructions of both
    #[arg(long, value_enum, default_value_t = Instructions::Widest)]
    instructions: Instructions,
    /// Turns of each
    #[arg(long, default_value_t = 9, value_name = "N")]
    rounds: usize,
    /// Seconds of a turn, at least
    #[arg(long, default_value_t = 0.3, value_name = "S")]
    seconds: f64,
    /// A file to write the figures to as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Instructions {
    /// AVX2 with fused multiply-add
    Avx2,
    /// All that the machine has
    Widest,
}

impl Instructions {
    /// Holds the engine to them; returns what PyTorch is told, so that it does the same.
    fn hold(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Widest => &[],
            Self::Avx2 => {
                demo_engine::limit_instructions(demo_engine::Instructions::Avx2);
                &[("ATEN_CPU_CAPABILITY", "avx2"), ("ONEDNN_MAX_CPU_ISA", "AVX2")]
            }
        }
    }

    fn arch(self) -> pulp::Arch {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx2 {
            return pulp::x86::V3::try_new().map_or(pulp::Arch::Scalar, pulp::Arch::V3);
        }
        pulp::Arch::new()
    }
}

/// What is written as JSON.
#[derive(Debug, Serialize)]
struct Figures {
    machine: String,
    peer: Option<String>,
    /// Multiply-adds a second in f32 that a loop in registers reaches, times two, on all threads.
    peak_gflops: f64,
    rows: Vec<Row>,
}

/// One model and task; rates in sequences a second, medians.
#[derive(Debug, Serialize)]
struct Row {
    model: String,
    task: String,
    threads: usize,
    ours: f64,
    peer: Option<f64>,
    ratio: Option<f64>,
    /// The share of the peak that the products of a plain implementation would take at our rate.
    peak_share: Option<f64>,
    /// The form of the peer that was its fastest.
    variant: Option<String>,
}

/// Measures all models and tasks, prints a table and writes the file.
pub(crate) fn run(args: &Args) -> Result<()> {
    let threads = args
        .threads
        .map_or_else(std::thread::available_parallelism, |n| {
            n.try_into().map_err(|_| std::io::Error::other("--threads: found 0, wanted at least 1"))
        })?
        .get();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let settings = args.instructions.hold();
    let start = |python| Peer::start(python, threads, "cpu", settings);
    let mut peer = args.peer.as_deref().map(start).transpose()?;
    let peak = pool.install(|| peak::gflops(args.instructions));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}, {threads} threads, peak {peak:.0} GFLOP/s", machine())?;
    writeln!(
        out,
        "{:8} {:9} {:>12} {:>12} {:>7} {:>6}",
        "model", "task", "ours /s", "peer /s", "ratio", "peak"
    )?;
    let mut rows = Vec::new();
    for model in &args.models {
        for task in &args.tasks {
            let mut ours = Ours::new(model, task)?;
            let row =
                pool.install(|| measure(args, &mut ours, peer.as_mut(), (model, task), (threads, peak)))?;
            let text = |number: Option<f64>, digits| {
                number.map_or_else(|| "-".to_owned(), |x| format!("{x:.digits$}"))
            };
            writeln!(
                out,
                "{model:8} {task:9} {:12.0} {:>12} {:>7} {:>6}  {}",
                row.ours,
                text(row.peer, 0),
                text(row.ratio, 2),
                text(row.peak_share, 2),
                row.variant.as_deref().unwrap_or_default()
            )?;
            rows.push(row);
        }
    }
    if let Some(path) = &args.json {
        let name = peer.map(|peer| peer.name().to_owned());
        let figures = Figures { machine: machine(), peer: name, peak_gflops: peak, rows };
        let text = serde_json::to_string_pretty(&figures)? + "\n";
        demo_report::write_whole(path, text.as_bytes())?;
    }
    Ok(())
}

fn measure(
    args: &Args,
    ours: &mut Ours,
    mut peer: Option<&mut Peer>,
    (model, task): (&str, &str),
    (threads, peak): (usize, f64),
) -> Result<Row> {
    ours.rate(0.0)?;
    let mut variant = None;
    if let Some(peer) = &mut peer {
        variant = Some(peer.rate(model, task, 0.0)?.1);
    }
    let (mut our_rates, mut peer_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds.max(1) {
        let rate = ours.rate(args.seconds)?;
        our_rates.push(rate);
        if let Some(peer) = &mut peer {
            let (other, _) = peer.rate(model, task, args.seconds)?;
            peer_rates.push(other);
            ratios.push(rate / other);
        }
    }
    let ours_median = median(our_rates).unwrap_or(0.0);
    let peak_share = ours.operations().map(|operations| operations * ours_median / 1e9 / peak);
    Ok(Row {
        model: model.to_owned(),
        task: task.to_owned(),
        threads,
        ours: ours_median,
        peer: median(peer_rates),
        ratio: median(ratios),
        peak_share,
        variant,
    })
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// The processor, in its own words where the system tells them.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        text.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}
