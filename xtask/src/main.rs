//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! Each command is one module with an `Args` struct and a `run` function, and one line in
//! [`Command`]. They stay thin: what they call lives in the libraries.

mod bench;
mod bench_bank;
mod bench_engine;
mod bench_scan;
mod bench_tomtom;
mod calibrate;
mod ci;
mod contrast;
mod fetch;
mod python;
mod reproduce;
mod search;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares the libraries with the results of other programs.
    Bench(bench::Args),
    /// Runs the published comparison, on the embedded simulated sets or on a folder of real ones.
    Reproduce(reproduce::Args),
    /// Looks for a better training regime of a network, on training halves alone.
    Search(search::Args),
    /// Says when one network beats another, from the tables of finished runs.
    Contrast(contrast::Args),
    /// Downloads public data: the sets of the published comparison, JASPAR, HOCOMOCO.
    Fetch(fetch::Args),
    /// Runs all tests and doc tests, in the release profile.
    Test(test::Args),
    /// Runs what continuous integration runs: format, lints, tests, docs, tidy.
    Ci(ci::Args),
    /// Checks what the compiler does not: crate arrows, module docs, file length, dependencies.
    Tidy(tidy::Args),
    /// Finds the parameters of the simulated data sets, or checks the table of them.
    Calibrate(calibrate::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Bench(args) => bench::run(&args),
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Contrast(args) => contrast::run(&args),
        Command::Fetch(args) => fetch::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Ci(args) => ci::run(&args),
        Command::Tidy(args) => tidy::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", demo_core::error_message(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
