//! The `demo` command, for a user's own files: parse, validate, call, print.
//!
//! Data go to standard output, warnings and errors to standard error. The exit code is 0, 1 where something
//! went wrong, or 2 where the command line is at fault; a reader that closes the pipe early is no error.

mod html;
mod inspect;
mod output;
mod progress;
mod scan;
mod tomtom;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use demo_core::error_message;

/// Compares motifs, finds their sites, and looks into data files.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Finds the known motifs that resemble given ones, as MEME Suite's tomtom does.
    Tomtom(tomtom::Args),
    /// Finds the sites of motifs in sequences, as MEME Suite's fimo does.
    Scan(scan::Args),
    /// Says what a sequence file, a motif file or a folder of data sets holds.
    Inspect(inspect::Args),
}

/// Why a command ends early.
#[derive(Debug)]
enum Failure {
    /// The command line asks for what cannot be.
    Usage(String),
    /// Something went wrong on the way.
    Run(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Run(error.into())
    }
}

fn main() -> ExitCode {
    let outcome = match Cli::parse_from(words()).command {
        Command::Tomtom(args) => tomtom::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Inspect(args) => inspect::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // clap prints its usage errors with exit code 2, so this one looks like them.
        Err(Failure::Usage(message)) => Cli::command().error(ErrorKind::ValueValidation, message).exit(),
        Err(Failure::Run(error)) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(Failure::Run(error)) => {
            eprintln!("error: {}", error_message(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// The words of the command line; `-mi`, which would be read as `-m i`, becomes `--mi`.
fn words() -> impl Iterator<Item = OsString> {
    std::env::args_os().map(|word| if word == "-mi" { "--mi".into() } else { word })
}
