//! `cargo xtask search`: a better training regime, found on training halves alone.

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use demo_suite::{HeldOut, ModelKind, Profile, RunConfig, SearchConfig, Strategy};

use crate::reproduce::{DeviceArg, on_ctrl_c, revision, typed};

/// Arguments of `cargo xtask search`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Train every regime in full, or give most up after few steps
    #[arg(long, value_enum, default_value = "halving")]
    search: SearchArg,
    /// Regimes drawn for each model, its honest one among them
    #[arg(long, default_value_t = 27, value_name = "N")]
    budget: usize,
    /// Files of regimes to compare with the honest one, in place of drawn ones
    #[arg(long, value_name = "FILE,..", value_delimiter = ',', conflicts_with = "budget")]
    regimes: Vec<PathBuf>,
    /// Which fifth of a training half judges: any sequences, or of ranked peaks the strongest (at most 250 of them)
    #[arg(long, default_value = "any", value_name = "any|strongest")]
    judge: HeldOut,
    /// Which sets, and how large simulated ones are: as of `cargo xtask reproduce`
    #[arg(long, default_value = "standard", value_name = "smoke|standard|full|encode57|encode108")]
    profile: Profile,
    /// Folder of real data sets, of which the test halves are not read; without it the simulated sets
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Sets to search on, by name, separated by commas; without it all that the profile runs
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    sets: Option<Vec<String>>,
    /// Networks, separated by commas; without it cnn, rnn and cnn-rnn
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    models: Option<Vec<ModelKind>>,
    /// The most training steps of a full training
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Threads; the result does not depend on them. Without it, one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where to compute
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceArg,
    /// Output folder
    #[arg(long, default_value = "runs/search", value_name = "DIR")]
    out: PathBuf,
    /// Remove an earlier search of the output folder and start anew
    #[arg(long)]
    fresh: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SearchArg {
    Random,
    Halving,
}

/// Searches or goes on with a search; Ctrl-C stops it at the next safe point.
pub(crate) fn run(args: &Args) -> Result<()> {
    let run = RunConfig {
        profile: args.profile,
        data: args.data.clone(),
        sets: args.sets.clone(),
        models: args.models.clone(),
        folds: Some(1),
        max_steps: args.max_steps,
        seed: args.seed,
        threads: args.threads,
        device: args.device.into(),
        out: Some(args.out.clone()),
        fresh: args.fresh,
        command: typed(),
        revision: revision(),
        ..RunConfig::default()
    };
    let strategy = match args.search {
        SearchArg::Random => Strategy::Random,
        SearchArg::Halving => Strategy::Halving,
    };
    let config =
        SearchConfig { run, strategy, budget: args.budget, regimes: args.regimes.clone(), judge: args.judge };
    let found = demo_suite::search(&config, &on_ctrl_c()?)?;
    for (model, regime) in &found.regimes {
        eprintln!("{model}: {regime:?}");
    }
    for warning in &found.unfinished {
        eprintln!("{warning}");
    }
    eprintln!("trials: {}", found.trials.display());
    eprintln!("regime: {}", found.file.display());
    Ok(())
}
