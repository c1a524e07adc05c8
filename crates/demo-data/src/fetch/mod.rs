//! Downloads public data: what is where, with checksums, resumed where it broke off.
//!
//! [`Collection`] says which files a collection consists of and where their homes are. [`fetch()`]
//! brings one of them into a folder: it downloads under a temporary name (continuing what an earlier
//! call left, by an HTTP range that the server confirms), compares size and SHA-256 with what is
//! known, renames, unpacks archives without following anything out of their folder, and lists what
//! came. A file that is already there, perhaps placed by hand, is verified and not downloaded.
//!
//! Encryption is Rust all the way down (`ureq`, `rustls`, `graviola`), which works on 64-bit x86 and
//! ARM processors of the last ten years; elsewhere `https` is refused with the hint to place the
//! file by hand. Cost: one pass over the network, two over the file.

mod contents;
mod download;
mod http;
#[cfg(test)]
mod server;
mod sources;
mod sums;
mod unpack;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use contents::{Contents, SetFolder, set_folders};
pub use sources::{Collection, FileKind, RemoteFile};
pub use unpack::UnpackLimits;

use crate::{Error, Result, sha256_of_file};
use sums::Wanted;

/// Where to put what is fetched, and how hard to try.
///
/// ```
/// use demo_data::fetch::FetchConfig;
///
/// let config = FetchConfig { mirror: Some("http://mirror.example/demo".into()), ..FetchConfig::new("data") };
/// assert_eq!(config.attempts, 5);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FetchConfig {
    /// The folder; made where it is missing.
    pub to: PathBuf,
    /// The address of a folder that holds the files under their own names, instead of their homes.
    pub mirror: Option<String>,
    /// How many times a download is tried before it is given up; each continues the one before.
    pub attempts: usize,
    /// The pause before the second attempt; it doubles from one to the next.
    pub pause: Duration,
    /// What an archive may unpack to.
    pub limits: UnpackLimits,
}

impl FetchConfig {
    /// Into a folder, from the files' homes, in five attempts.
    pub fn new(to: impl Into<PathBuf>) -> Self {
        let (attempts, pause) = (5, Duration::from_secs(1));
        Self { to: to.into(), mirror: None, attempts, pause, limits: UnpackLimits::default() }
    }
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes of the whole file, where the server or the table of sources says.
    pub total: Option<u64>,
}

/// A file that is here, whole and unpacked.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// What the SHA-256 was compared with.
    pub verified: Verified,
    /// Whether it was there before, so that nothing was downloaded.
    pub was_there: bool,
    /// What it holds.
    pub contents: Contents,
}

/// What a file's SHA-256 was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// The published one.
    Published,
    /// The one noted in `SHA256SUMS` when the file was fetched first.
    Noted,
    /// Nothing: none is published, and this is the first time. It is noted now.
    FirstTime,
}

/// Brings one file into the folder, unless it is there, and unpacks it.
///
/// `progress` hears of the download now and then.
///
/// # Errors
/// [`Error::Unreachable`] and [`Error::Http`] where no home answers, [`Error::Download`] where what
/// comes is not what was announced, [`Error::Checksum`], [`Error::Archive`], and where files cannot
/// be read or written. Nothing is left under a final name; a partial download is kept and continued
/// by the next call.
pub fn fetch(file: &RemoteFile, config: &FetchConfig, progress: &mut dyn FnMut(Progress)) -> Result<Fetched> {
    let path = config.to.join(&file.name);
    fs::create_dir_all(&config.to).map_err(|source| Error::Write { path: config.to.clone(), source })?;
    let wanted = Wanted::of(file, &config.to)?;
    let was_there = path.exists();
    if !was_there {
        download::download(file, config, &path, wanted.as_ref(), progress)?;
    }
    let sha256 = sha256_of_file(&path)?;
    if let Some(wanted) = &wanted {
        wanted.compare(&path, &sha256)?;
    }
    let verified = match &wanted {
        Some(Wanted { noted_in: None, .. }) => Verified::Published,
        Some(_) => Verified::Noted,
        None => Verified::FirstTime,
    };
    let bytes = fs::metadata(&path).map_err(|source| Error::Read { path: path.clone(), source })?.len();
    let contents = match file.kind {
        FileKind::Motifs => contents::motifs(&path)?,
        FileKind::TarGz | FileKind::Zip => {
            let folder = config.to.join(unpacked_name(&file.name));
            if !folder.exists() {
                unpack::unpack(&path, file.kind, &folder, config.limits)?;
            } else if wanted.is_none() {
                // What was unpacked here may have come out of another archive.
                contents::check(&path, file.kind)?;
            }
            Contents::Sets(set_folders(&folder)?)
        }
    };
    // Not before its contents were read, or a wrong file would be the one wanted from now on.
    sums::note(&config.to, &file.name, &sha256)?;
    Ok(Fetched { path, bytes, sha256, verified, was_there, contents })
}

/// The folder of an archive: its name without what tells the format.
fn unpacked_name(name: &str) -> &str {
    let stem = name.strip_suffix(".tar.gz").or_else(|| name.strip_suffix(".zip"));
    stem.unwrap_or(name)
}

/// The name of a file in the making, beside its final one.
fn part_of(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// Opens a file, made where it is missing, that no other process may have open in this way; waits for one that has,
/// or says that it is `taken`.
fn open_locked(path: &Path, taken: Option<&'static str>) -> Result<File> {
    let error = |source| Error::Write { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).read(true).write(true).open(path).map_err(error)?;
    let outcome = match taken {
        None => file.lock(),
        Some(taken) => file.try_lock().map_err(|failed| match failed {
            TryLockError::WouldBlock => io::Error::new(io::ErrorKind::WouldBlock, taken),
            TryLockError::Error(source) => source,
        }),
    };
    match outcome {
        Ok(()) => Ok(file),
        // Some file systems cannot lock; a download there is worth more than the guard.
        Err(source) if source.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(source) => Err(error(source)),
    }
}

#[cfg(test)]
mod tests;
