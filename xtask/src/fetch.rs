//! `cargo xtask fetch`: public data, downloaded, verified and unpacked.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::ValueEnum;
use demo_data::embedded::{deepbind_figures, panel57};
use demo_data::fetch::{Collection, Contents, FetchConfig, Fetched, RemoteFile, SetFolder, Verified, fetch};
use indicatif::{ProgressBar, ProgressStyle};

/// Arguments of `cargo xtask fetch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to fetch
    collection: CollectionArg,
    /// Address of a folder that holds the files under their own names, instead of their public homes
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    /// Where to put it; without it downloads/COLLECTION
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CollectionArg {
    /// The ENCODE ChIP-seq sets of the published comparison
    Encode,
    /// JASPAR CORE vertebrates, 2016 and 2026
    Jaspar,
    /// HOCOMOCO v11 core, human
    Hocomoco,
}

/// Fetches every file of a collection; one that fails does not keep the others from coming.
///
/// # Errors
///
/// When a file could not be had; the messages of all that failed are printed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let collection = match args.collection {
        CollectionArg::Encode => Collection::Encode,
        CollectionArg::Jaspar => Collection::Jaspar,
        CollectionArg::Hocomoco => Collection::Hocomoco,
    };
    let to = args.to.clone().unwrap_or_else(|| collection.folder());
    let config = FetchConfig { mirror: args.mirror.clone(), ..FetchConfig::new(to) };
    let files = collection.files();
    let mut failed = 0;
    for file in &files {
        eprintln!("{}: {}", file.name, file.holds);
        match fetch_shown(file, &config) {
            Ok(fetched) => eprint!("{}", listing(&fetched)),
            Err(error) => {
                failed += 1;
                eprintln!("  error: {error}");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} files of {} could not be had; see above", files.len(), collection.name());
    }
    Ok(())
}

fn fetch_shown(file: &RemoteFile, config: &FetchConfig) -> demo_data::Result<Fetched> {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("  {bytes} of {total_bytes}  {bytes_per_sec}  left {eta}")
    {
        bar.set_style(style);
    }
    let outcome = fetch(file, config, &mut |progress| {
        bar.set_length(progress.total.unwrap_or(progress.bytes));
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    outcome
}

/// What came, line by line.
fn listing(fetched: &Fetched) -> String {
    let verified = match fetched.verified {
        Verified::Published => "as published",
        Verified::Noted => "as when it was fetched first",
        Verified::FirstTime => "none is published; noted in SHA256SUMS",
    };
    let before = if fetched.was_there { ", was there" } else { "" };
    let mut text = format!(
        "  {} ({} bytes{before})\n  sha256 {} ({verified})\n",
        fetched.path.display(),
        fetched.bytes,
        fetched.sha256
    );
    match &fetched.contents {
        Contents::Motifs(count) => text.extend(["  ", &count.to_string(), " motifs\n"]),
        Contents::Sets(folders) if folders.is_empty() => text += "  no data sets found in it\n",
        Contents::Sets(folders) => text.extend(folders.iter().map(sets)),
    }
    text
}

/// A folder of sets, with how much of the published comparison it holds.
fn sets(found: &SetFolder) -> String {
    let names: Vec<&str> = found.sets.iter().map(demo_data::SetEntry::name).collect();
    let panel = panel57().iter().filter(|row| names.contains(&row.set.as_str())).count();
    let k562 = deepbind_figures().iter().filter(|row| row.cell == "K562");
    let all = k562.filter(|row| names.contains(&row.set.as_str())).count();
    let (folder, count) = (found.folder.display(), names.len());
    format!(
        "  {folder}: {count} data sets, of them {panel} of the 57 of encode57 and {all} of the 108 of encode108\n"
    )
}
