//! `cargo xtask reproduce`: the whole comparison, on the embedded sets or on a folder of real ones.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;
use demo_suite::{
    Balance, ClassAlternative, DeviceChoice, Interrupt, ModelKind, Placement, Profile, Protocol, RunConfig,
};

use crate::shell;

/// Arguments of `cargo xtask reproduce`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How much is run: a few small sets, all sets once, or all sets under both protocols in five folds;
    /// encode57 and encode108 run the real sets of the published comparison once
    #[arg(long, default_value = "standard", value_name = "smoke|standard|full|encode57|encode108")]
    profile: Profile,
    /// Folder of real data sets (DeepBind *_AC.seq.gz and *_B.seq.gz, or SET/train.fa and SET/test.fa);
    /// without it the embedded simulated sets are used, and what `cargo xtask fetch encode` brought for
    /// encode57 and encode108
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where simulated sets have their sites: around the middle, as calibrated, or anywhere, a control for
    /// explanations that know where sites tend to lie
    #[arg(long, value_enum, default_value = "centred")]
    placement: PlacementArg,
    /// Sets to run, by name, separated by commas; without it all that the profile runs
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    sets: Option<Vec<String>>,
    /// Models, separated by commas: cnn, rnn, cnn-rnn, which are run where none is named; each with -small
    /// or -large; cnn-exp and cnn-rnn-exp, with an exponential first activation; attention, on the CPU;
    /// deepbind-like, one layer; scan-own, scan-best and gkm, baselines without networks
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    models: Option<Vec<ModelKind>>,
    /// Training protocol
    #[arg(long, value_enum)]
    protocol: Option<ProtocolArg>,
    /// Folds of the training half, each held out once; 1 trains once on a single split
    #[arg(long, value_name = "K")]
    folds: Option<usize>,
    /// The most training steps of a network, for a quick look; what has not converged by then is marked
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,
    /// Where one class is rarer: weigh the classes in the loss so that both have the same total (weights),
    /// or by UNBOUND:BOUND, or draw both equally often (sampling); networks of the honest protocol alone
    #[arg(long, default_value = "none", value_name = "none|weights|sampling|U:B")]
    balance: Balance,
    /// Steps over which the learning rate rises linearly from 0, under the honest protocol; without it
    /// the protocol's 100
    #[arg(long, value_name = "STEPS")]
    warm_up: Option<u64>,
    /// Decay a step of a moving average of the weights, which is then validated and kept in their place,
    /// under the honest protocol; 0 for none; without it the protocol's 0.99
    #[arg(long, value_name = "DECAY")]
    averaging: Option<f64>,
    /// File of regimes that `cargo xtask search` wrote, for the honest protocol
    #[arg(long, value_name = "FILE")]
    regime: Option<PathBuf>,
    /// Ways of class optimisation beside the published one, separated by commas: shared, the published one
    /// from several starts and the motif that these share; softmax, straight-through and annealed, over base
    /// probabilities
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    class_optimisation: Vec<ClassAlternative>,
    /// Seed of everything random
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Networks of each set, model and fold, trained from as many seeds drawn from --seed: reported one by
    /// one, as their mean and as an ensemble
    #[arg(long, default_value_t = 1, value_name = "N")]
    seeds: usize,
    /// Learning curves: train on this many sequences of each training half too, nested and balanced as it is
    #[arg(long, value_name = "N,N,..", value_delimiter = ',')]
    train_sizes: Vec<usize>,
    /// Threads; the result does not depend on them. Without it, one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where to compute
    #[arg(long, value_enum, default_value = "auto")]
    device: DeviceArg,
    /// The most networks trained together as one bank; without it one on the CPU and, on a CUDA device,
    /// as many as its memory holds. On the CPU the result does not depend on it
    #[arg(long, value_name = "N")]
    bank: Option<usize>,
    /// Output folder; without it runs/PROFILE. An earlier run of it is continued, also with other --sets,
    /// --models, --protocol, --class-optimisation, --seeds and --train-sizes: what both hold is not done again
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Remove an earlier run of the output folder and start anew
    #[arg(long)]
    fresh: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ProtocolArg {
    Honest,
    AsPublished,
    Both,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlacementArg {
    Centred,
    Uniform,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DeviceArg {
    Auto,
    Cpu,
    Cuda,
}

impl From<DeviceArg> for DeviceChoice {
    fn from(device: DeviceArg) -> Self {
        match device {
            DeviceArg::Auto => Self::Auto,
            DeviceArg::Cpu => Self::Cpu,
            DeviceArg::Cuda => Self::Cuda,
        }
    }
}

/// Runs or continues the comparison; Ctrl-C stops it at the next safe point.
pub(crate) fn run(args: &Args) -> Result<()> {
    let written = demo_suite::reproduce(&config(args), &on_ctrl_c()?)?;
    eprintln!("report: {}", written.report.display());
    Ok(())
}

/// A wish to stop that Ctrl-C makes.
pub(crate) fn on_ctrl_c() -> Result<Interrupt> {
    let interrupt = Interrupt::default();
    let flag = interrupt.clone();
    ctrlc::set_handler(move || {
        if flag.is_requested() {
            // The second Ctrl-C does not wait; what is finished is on disk already.
            std::process::exit(130);
        }
        eprintln!("stopping; the same command, without --fresh, continues this run");
        flag.request();
    })?;
    Ok(interrupt)
}

/// The command as it can be typed again.
pub(crate) fn typed() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    format!("cargo xtask {}", words.collect::<Vec<_>>().join(" "))
}

/// A word in single quotes where a shell would read it otherwise, as it would the parentheses of published sets.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_./=,:+-%@".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn config(args: &Args) -> RunConfig {
    let protocols = args.protocol.map(|protocol| match protocol {
        ProtocolArg::Honest => vec![Protocol::Honest],
        ProtocolArg::AsPublished => vec![Protocol::AsPublished],
        ProtocolArg::Both => Protocol::ALL.to_vec(),
    });
    RunConfig {
        profile: args.profile,
        data: args.data.clone(),
        placement: match args.placement {
            PlacementArg::Centred => Placement::Centred,
            PlacementArg::Uniform => Placement::Uniform,
        },
        sets: args.sets.clone(),
        models: args.models.clone(),
        protocols,
        folds: args.folds,
        max_steps: args.max_steps,
        balance: args.balance,
        warm_up: args.warm_up,
        averaging: args.averaging,
        regime: args.regime.clone(),
        class_optimisation: args.class_optimisation.clone(),
        seed: args.seed,
        seeds: args.seeds,
        train_sizes: args.train_sizes.clone(),
        threads: args.threads,
        device: args.device.into(),
        bank: args.bank,
        out: args.out.clone(),
        fresh: args.fresh,
        command: typed(),
        revision: revision(),
    }
}

/// The commit of the workspace, marked where files differ from it; `None` outside a checkout.
pub(crate) fn revision() -> Option<String> {
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        let output = git.current_dir(shell::workspace_root().ok()?).args(args).output().ok();
        let output = output.filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"])?;
    let clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if clean { commit } else { format!("{commit} with changes") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_can_be_typed_again() {
        assert_eq!(quoted("--train-sizes=500,1000"), "--train-sizes=500,1000");
        let set = "ARID3A_K562_ARID3A_(sc-8821)_Stanford";
        assert_eq!(quoted(set), format!("'{set}'"));
        assert_eq!([quoted("my sets"), quoted(""), quoted("it's")], ["'my sets'", "''", r"'it'\''s'"]);
    }
}
