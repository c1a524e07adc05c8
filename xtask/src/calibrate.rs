//! `cargo xtask calibrate`: finds or checks the parameters of the simulated data sets.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use demo_data::embedded::panel57;
use demo_data::simulate::{Calibration, calibrate, calibrations, format_calibrations, verify};

use crate::shell;

/// Arguments of `cargo xtask calibrate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Calibrate the sets of this set's factor only, which share a grammar, and keep the other rows.
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Where the table goes [default: data/simulated57.tsv].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Calibrate nothing: measure every row of the table anew and compare.
    #[arg(long, conflicts_with = "out")]
    verify: bool,
}

/// Writes the table, or compares it with what its parameters give.
///
/// # Errors
///
/// When the set is unknown, the table cannot be written, or a value differs from the table's.
pub(crate) fn run(args: &Args) -> Result<()> {
    let only = match &args.set {
        None => None,
        Some(name) => {
            let row = panel57().iter().find(|row| row.set == *name);
            Some(row.with_context(|| format!("--set: found {name:?}, wanted a set of data/panel57.tsv"))?)
        }
    };
    if args.verify {
        return compare(only.map(|row| row.set.as_str()));
    }
    let mut rows: Vec<Calibration> = Vec::new();
    for (done, row) in panel57().iter().enumerate() {
        if rows.iter().any(|known| known.parameters.tf == row.tf) {
            continue;
        }
        if only.is_some_and(|only| only.tf != row.tf) {
            rows.extend(calibrations().iter().filter(|known| known.parameters.tf == row.tf).cloned());
            continue;
        }
        for found in calibrate(panel57(), &row.tf)? {
            eprintln!("{:>2}/{} {}", done + 1, panel57().len(), describe(&found));
            rows.push(found);
        }
    }
    let path = match &args.out {
        Some(path) => path.clone(),
        None => shell::workspace_root()?.join("data/simulated57.tsv"),
    };
    demo_report::write_whole(&path, format_calibrations(&rows)?.as_bytes())?;
    eprintln!("wrote {}: data/README.md lists its checksum", path.display());
    Ok(())
}

fn compare(only: Option<&str>) -> Result<()> {
    let mut differ = 0;
    for row in calibrations().iter().filter(|row| only.is_none_or(|name| row.parameters.set == name)) {
        let measured = verify(row)?;
        eprintln!("{}", describe(&measured));
        if measured != *row {
            eprintln!("  the table has scan {:.4}, oracle {:.4}, note {:?}", row.scan, row.oracle, row.note);
            differ += 1;
        }
    }
    if differ > 0 {
        bail!("calibrate: found {differ} rows that differ from the table, wanted none");
    }
    Ok(())
}

fn describe(row: &Calibration) -> String {
    let note = if row.note.is_empty() { String::new() } else { format!("  {}", row.note) };
    format!(
        "{}: scan {:.4} (target {:.4}), oracle {:.4} (target {:.4}){note}",
        row.parameters.set, row.scan, row.scan_target, row.oracle, row.oracle_target
    )
}
