//! `cargo xtask contrast`: when one network beats another, by what is known of a set beforehand.

use std::path::PathBuf;

use anyhow::{Result, bail};
use demo_suite::{ContrastConfig, ModelKind};

/// Arguments of `cargo xtask contrast`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Tables of results of finished runs, `results.tsv`
    #[arg(required = true, value_name = "RESULTS")]
    results: Vec<PathBuf>,
    /// Tables of learning curves, `learning_curve.tsv`, separated by commas
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    sizes: Vec<PathBuf>,
    /// The two networks; the gain is the second's
    #[arg(long, default_value = "cnn,cnn-rnn", value_name = "A,B", value_delimiter = ',')]
    models: Vec<ModelKind>,
    /// Output folder
    #[arg(long, default_value = "runs/contrast", value_name = "DIR")]
    out: PathBuf,
}

/// Writes `contrast.tsv` and `contrast_summary.tsv`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let &[first, second] = args.models.as_slice() else {
        bail!("--models: found {}, wanted two networks", args.models.len());
    };
    let (results, sizes, out) = (args.results.clone(), args.sizes.clone(), args.out.clone());
    let written = demo_suite::contrast(&ContrastConfig { results, sizes, models: [first, second], out })?;
    eprintln!("sets: {}", written.sets.display());
    eprintln!("summary: {}", written.summary.display());
    Ok(())
}
