//! `cargo xtask test`: all tests and doc tests of the workspace.
//!
//! The release profile is used throughout, because finite differences and training crawl without
//! optimisation; that profile keeps overflow checks on in the project's own crates.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::shell;

/// Arguments of `cargo xtask test`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Passed on to `cargo test`, for example `-p demo-eval` or `-- --nocapture`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pass_on: Vec<OsString>,
}

/// Runs the tests.
///
/// # Errors
///
/// When one fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    run_with(shell::cargo()?, args)
}

/// Runs the tests with a cargo that was prepared by the caller.
pub(crate) fn run_with(mut cargo: Command, args: &Args) -> Result<()> {
    cargo.args(["test", "--release"]).args(scope(&args.pass_on)).args(&args.pass_on);
    shell::run(&mut cargo)?;
    if !has_cxx() {
        eprintln!(
            "note: no C++ compiler was found (CXX, c++, g++, clang++), so that tests of CUDA kernels had no device, real \
             or emulated, to run on and passed over them"
        );
    }
    Ok(())
}

/// Whether there is a compiler that the emulated device can use.
fn has_cxx() -> bool {
    let named = std::env::var_os("CXX");
    let usual = ["c++", "g++", "clang++"].map(OsString::from);
    named.into_iter().chain(usual).any(|compiler| {
        let mut command = Command::new(compiler);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// `--workspace`, unless the caller names packages: cargo would otherwise test all of them anyway.
fn scope(pass_on: &[OsString]) -> Option<&'static str> {
    let names_packages = pass_on
        .iter()
        .take_while(|word| *word != "--")
        .filter_map(|word| word.to_str())
        .any(|word| word.starts_with("-p") || word.starts_with("--package"));
    (!names_packages).then_some("--workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn packages_replace_the_workspace() {
        assert_eq!(scope(&[]), Some("--workspace"));
        assert_eq!(scope(&words("--locked -- --nocapture")), Some("--workspace"));
        assert_eq!(scope(&words("-p demo-eval")), None);
        assert_eq!(scope(&words("--package=demo-eval")), None);
        // After `--` the words are the test program's.
        assert_eq!(scope(&words("-- -p")), Some("--workspace"));
    }
}
