//! `cargo xtask ci`: what continuous integration runs, step by step.
//!
//! The crates are fetched first; from there on cargo is told to stay off the network. Lints and
//! docs look at the CUDA code too, without CUDA: a stand-in for its compiler writes empty files, so
//! everything type-checks and nothing can be linked. They share a build folder of their own, where
//! dependencies are checked once and never compiled. Tests and `tidy` use the ordinary one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{shell, test, tidy};

/// Arguments of `cargo xtask ci`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Runs every step, stops at the first that fails, and prints how long each took.
///
/// # Errors
///
/// When a step fails; the message names it.
pub(crate) fn run(_: &Args) -> Result<()> {
    let mut times = Times::default();
    times.step("fetch", || shell::run(shell::cargo()?.args(["fetch", "--locked"])))?;
    times.step("tidy", || tidy::run(&tidy::Args {}))?;
    times.step("format", || shell::run(offline(shell::cargo()?).args(["fmt", "--all", "--check"])))?;
    times.step("clippy", || shell::run(type_check()?.args(CLIPPY).args(["--", "-D", "warnings"])))?;
    times.step("docs", || shell::run(type_check()?.args(DOCS).env("RUSTDOCFLAGS", "-D warnings")))?;
    times.step("test", || test::run_with(offline(shell::cargo()?), &test::Args::default()))?;
    eprint!("{}", times.table());
    Ok(())
}

const CLIPPY: [&str; 6] = ["clippy", "--workspace", "--all-targets", "--features", "cuda", "--locked"];

const DOCS: [&str; 6] = ["doc", "--workspace", "--no-deps", "--features", "cuda", "--locked"];

/// A cargo that type-checks the CUDA code too, into a build folder of its own.
fn type_check() -> Result<Command> {
    let root = shell::workspace_root()?;
    let mut command = offline(shell::cargo()?);
    command
        .env("NVCC", root.join("tools/cuda/fake-nvcc"))
        .env("CUDARC_CUDA_VERSION", "13000")
        .env("CUDA_COMPUTE_CAP", "90")
        .env("CARGO_TARGET_DIR", check_folder(&root));
    Ok(command)
}

/// The build folder of what cannot be linked.
fn check_folder(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| root.join("target"), |target| root.join(target)).join("check")
}

fn offline(mut cargo: Command) -> Command {
    cargo.env("CARGO_NET_OFFLINE", "true");
    cargo
}

/// How long each step took.
#[derive(Debug, Default)]
struct Times(Vec<(&'static str, Duration)>);

impl Times {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        eprintln!("== {name}");
        let start = Instant::now();
        work().with_context(|| format!("step {name:?} failed"))?;
        let took = start.elapsed();
        eprintln!("== {name}: {:.1} s", took.as_secs_f64());
        self.0.push((name, took));
        Ok(())
    }

    fn table(&self) -> String {
        let total: Duration = self.0.iter().map(|(_, took)| *took).sum();
        let mut table = String::new();
        for (name, took) in self.0.iter().copied().chain([("total", total)]) {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{name:<8} {:>8.1} s", took.as_secs_f64());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failing_step_is_named_and_not_timed() {
        let mut times = Times::default();
        times.step("first", || Ok(())).unwrap();
        let error = times.step("second", || bail!("cause")).unwrap_err();
        assert_eq!(format!("{error:#}"), "step \"second\" failed: cause");
        assert_eq!(times.0.len(), 1);
        assert!(times.table().contains("first         0.0 s\n"), "{}", times.table());
        assert!(times.table().contains("total "));
    }

    #[test]
    fn the_stand_in_compiler_is_there() {
        let command = type_check().unwrap();
        let nvcc = command.get_envs().find(|(name, _)| *name == "NVCC").unwrap().1;
        assert!(Path::new(nvcc.unwrap()).is_file());
    }
}
