//! `cargo xtask tidy`: the rules about the source tree that the compiler does not check.
//!
//! Each rule is a function from text to a list of complaints, so that it can be tested on text.
//! This module only reads the files and prints what the rules say.

mod arrows;
mod code;
mod foreign;
mod metadata;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::shell;
use metadata::Metadata;

/// Folders whose files are checked, beside the files in the workspace's root.
const FOLDERS: [&str; 9] =
    [".cargo", ".ci", "benches", "crates", "data", "docs", "examples", "tools", "xtask"];

/// Arguments of `cargo xtask tidy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Checks every rule and reports all that is broken.
///
/// # Errors
///
/// When a rule is broken or a file cannot be read.
pub(crate) fn run(_: &Args) -> Result<()> {
    let root = shell::workspace_root()?;
    let metadata = Metadata::parse(&read_metadata()?)?;
    let mut complaints = arrows::check(&metadata);
    complaints.extend(foreign::check(&metadata, &foreign::compiled(&read_tree()?)));
    let mut checked = 0;
    for path in list_files(&root)? {
        let bytes = fs::read(root.join(&path)).with_context(|| path.clone())?;
        // Packed data is no text, and says nothing that these rules are about.
        if let Ok(text) = String::from_utf8(bytes) {
            complaints.extend(sources::check(&path, &text));
            checked += 1;
        }
    }
    if complaints.is_empty() {
        eprintln!("tidy: {checked} files are in order");
        return Ok(());
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    bail!("tidy: found {} breaches of the rules, wanted none", complaints.len());
}

/// What cargo knows of the workspace and its dependencies on all platforms, default features.
///
/// `--locked` makes a `Cargo.lock` that does not fit the manifests an error.
fn read_metadata() -> Result<String> {
    shell::output(shell::cargo()?.args(["metadata", "--format-version", "1", "--locked"]))
}

/// What a plain build compiles on any platform, one package a line.
fn read_tree() -> Result<String> {
    let what = ["tree", "--workspace", "--target", "all", "--edges", "normal,build"];
    shell::output(shell::cargo()?.args(what).args(["--prefix", "none", "--format", "{p}", "--locked"]))
}

/// Files to check, relative to the root, with `/`, in a fixed order.
fn list_files(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    collect(root, Path::new(""), false, &mut files)?;
    for folder in FOLDERS {
        if root.join(folder).is_dir() {
            collect(root, Path::new(folder), true, &mut files)?;
        }
    }
    files.sort();
    Ok(files)
}

fn collect(root: &Path, folder: &Path, deep: bool, files: &mut Vec<String>) -> Result<()> {
    let at = root.join(folder);
    for entry in fs::read_dir(&at).with_context(|| at.display().to_string())? {
        let entry = entry?;
        let path: PathBuf = folder.join(entry.file_name());
        let kind = entry.file_type()?;
        // A linked worktree has a file where a clone has the folder `.git`.
        if kind.is_file() && entry.file_name() != ".git" {
            files.push(path.to_string_lossy().replace('\\', "/"));
        } else if kind.is_dir() && deep {
            collect(root, &path, deep, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_order_and_without_build_output() {
        let files = list_files(&shell::workspace_root().unwrap()).unwrap();
        assert!(files.is_sorted());
        assert!(files.contains(&"Cargo.toml".to_owned()));
        assert!(files.contains(&"xtask/src/tidy.rs".to_owned()));
        assert!(!files.iter().any(|path| path.starts_with("target/")));
    }
}
