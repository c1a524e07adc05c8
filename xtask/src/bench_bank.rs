//! `cargo xtask bench bank`: training steps of banks of the three networks on one device, and the memory
//! that they take.
//!
//! A step is one batch of 256 random sequences of 101 bases a member, with dropout, and one step of Adam
//! for all. The peer trains one such network by itself, on the same device. On the CPU the memory is what the process grew by; on a CUDA device it follows from the sizes
//! of all arrays, and is stated without one too.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use demo_core::Seed;
use demo_engine::{
    Adam, AdamConfig, BankShape, Batch, Buffer, CodeStore, DType, Device, Input, Loss, Mode, Network,
    Objective, Params, Plan, Task,
};
use demo_models::{Architecture, LstmStart, training_bytes};
use rand::Rng as _;

use crate::bench_engine::peer::Peer;

const LENGTH: usize = 101;
const BATCH: usize = 256;
/// Sequences of a member's store.
const STORED: usize = 1024;
/// Sequences of a member for whom device memory is stated: a fold of 25,000, both strands.
const SEQUENCES: usize = 50_000;

/// Arguments of `cargo xtask bench bank`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to compute: cpu or cuda
    #[arg(long, default_value = "cpu", value_name = "cpu|cuda")]
    device: String,
    /// Networks, separated by commas
    #[arg(long, value_name = "cnn,rnn,cnn-rnn", value_delimiter = ',', default_values = Architecture::NAMES)]
    models: Vec<String>,
    /// Members of a bank, separated by commas
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values = ["1", "57", "285"])]
    members: Vec<usize>,
    /// Steps that are timed, after two that are not; 0 states the memory of CUDA banks alone
    #[arg(long, default_value_t = 0, value_name = "N")]
    steps: u64,
    /// A Python with torch, which trains one network alone
    #[arg(long, value_name = "PYTHON")]
    peer: Option<PathBuf>,
}

/// Seconds that the peer trains.
const PEER_SECONDS: f64 = 2.0;

/// Prints a line for each network and number of members.
pub(crate) fn run(args: &Args) -> Result<()> {
    let device = demo_models::select_device(args.device.parse()?)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let start = |python: &Path| Peer::start(python, threads, &args.device, &[]);
    let mut peer = args.peer.as_deref().map(start).transpose()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "device: {}", device.reason)?;
    writeln!(
        out,
        "{:8} {:>7} {:>12} {:>14} {:>16} {:>7}",
        "model", "members", "sequences/s", "host MiB", "CUDA MiB", "ratio"
    )?;
    for model in &args.models {
        let architecture: Architecture = model.parse()?;
        let alone = peer.as_mut().map(|peer| peer.rate(model, "train", PEER_SECONDS)).transpose()?;
        if let (Some((rate, form)), Some(peer)) = (&alone, &peer) {
            writeln!(out, "{model:8} {:>7} {rate:>12.0}   {}, {form}", "alone", peer.name())?;
        }
        for &members in &args.members {
            let bytes = training_bytes(&architecture, LENGTH, BATCH, SEQUENCES, members)?;
            let mut ratio = "-".to_owned();
            let (rate, host) = match args.steps {
                0 => ("-".to_owned(), "-".to_owned()),
                steps => {
                    let before = resident()?;
                    let mut bank = Bank::new(&architecture, members, &device.device)?;
                    let rate = bank.rate(steps)?;
                    if let Some((alone, _)) = &alone {
                        ratio = format!("{:.2}", rate / alone);
                    }
                    (format!("{rate:.0}"), format!("{}", (resident()?.saturating_sub(before)) >> 20))
                }
            };
            writeln!(out, "{model:8} {members:7} {rate:>12} {host:>14} {:>16} {ratio:>7}", bytes >> 20)?;
        }
    }
    Ok(())
}

/// Resident bytes of this process, as Linux tells them.
fn resident() -> Result<usize> {
    let text = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()).context("no VmRSS")?;
    Ok(kilobytes.parse::<usize>()? << 10)
}

/// A bank in training.
struct Bank {
    members: usize,
    plan: Plan,
    params: Params,
    adam: Adam,
    store: CodeStore,
    rows: Vec<u32>,
    labels: Vec<u8>,
    seeds: Vec<u64>,
    gradient: Buffer,
    logits: Buffer,
    step: u64,
}

impl Bank {
    fn new(architecture: &Architecture, members: usize, device: &Device) -> Result<Self> {
        let network: Network = architecture.network(LENGTH)?;
        let seeds: Vec<Seed> = (0..members as u64).map(Seed::new).collect();
        let params = architecture.initial_parameters(&network, &seeds, LstmStart::Published, device)?;
        let mut stream = Seed::new(1).stream("bank");
        let codes: Vec<u8> = (0..STORED * LENGTH).map(|_| stream.random_range(0..4)).collect();
        let shape = BankShape { members, batch: BATCH };
        Ok(Self {
            plan: Plan::new(&network, shape, DType::F32, device)?,
            adam: Adam::new(AdamConfig::default(), &params)?,
            params,
            store: CodeStore::new(&codes, LENGTH, device)?,
            rows: (0..members * BATCH).map(|_| stream.random_range(0..STORED as u32)).collect(),
            labels: (0..members * BATCH).map(|i| (i % 2) as u8).collect(),
            seeds: (0..members as u64).collect(),
            gradient: Buffer::zeros(&[members, network.parameter_count()], DType::F32, device)?,
            logits: Buffer::zeros(&[members, BATCH, network.outputs()], DType::F32, device)?,
            members,
            step: 0,
        })
    }

    /// Sequences a second over so many steps.
    fn rate(&mut self, steps: u64) -> Result<f64> {
        (0..2).try_for_each(|_| self.once())?;
        // Reading waits for the device.
        self.plan.losses()?;
        let start = Instant::now();
        (0..steps).try_for_each(|_| self.once())?;
        self.plan.losses()?;
        Ok((steps as usize * self.members * BATCH) as f64 / start.elapsed().as_secs_f64())
    }

    fn once(&mut self) -> Result<()> {
        let input = Input::Rows { store: &self.store, rows: &self.rows };
        let batch = Batch { input, size: BATCH, labels: Some(&self.labels), weights: None };
        let task = Task::Gradient {
            of: Objective::Loss(&Loss::CrossEntropy),
            mode: Mode::Train { step: self.step, seeds: &self.seeds },
            params: Some(&mut self.gradient),
            input: None,
        };
        self.plan.run(&self.params, &batch, task, &mut self.logits)?;
        let (rates, active) = (vec![1e-3; self.members], vec![true; self.members]);
        self.adam.guarded_step(&self.plan, &mut self.params, &self.gradient, &rates, &active)?;
        self.step += 1;
        Ok(())
    }
}
