//! Archives unpacked without trust: nothing outside the folder, no links, no flood.
//!
//! What comes out lies in `FOLDER.part` while `FOLDER.lock.part` is locked, and is brought to the disk before it gets
//! its name.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use super::{FileKind, open_locked, part_of};
use crate::{Error, Result};

/// What an archive may unpack to; more is taken for an attempt to fill the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Files and folders.
    pub entries: usize,
    /// Bytes of all files together, as they come out, not as the archive says.
    pub bytes: u64,
}

impl Default for UnpackLimits {
    /// 100,000 entries and 16 GiB.
    fn default() -> Self {
        Self { entries: 100_000, bytes: 16 << 30 }
    }
}

/// Unpacks an archive into `folder`, which appears when all of it is there and on the disk.
///
/// # Errors
/// [`Error::Archive`] for a damaged archive or an entry that is refused: an absolute path, one with
/// `..`, a link, a device, a second file of one name, or more than the limits allow; [`Error::Write`],
/// also where another process is unpacking the same archive.
pub(super) fn unpack(archive: &Path, kind: FileKind, folder: &Path, limits: UnpackLimits) -> Result<()> {
    let lock_path = part_of(folder, ".lock.part");
    let lock = open_locked(&lock_path, Some("another process is unpacking this archive"))?;
    // Another process may have unpacked it since the caller looked.
    let outcome = if folder.exists() { Ok(()) } else { unpack_locked(archive, kind, folder, limits) };
    // A leftover lock that nobody holds does no harm.
    let _ = fs::remove_file(&lock_path);
    drop(lock);
    outcome
}

fn unpack_locked(archive: &Path, kind: FileKind, folder: &Path, limits: UnpackLimits) -> Result<()> {
    let target = part_of(folder, ".part");
    if target.exists() {
        fs::remove_dir_all(&target).map_err(write_error(&target))?;
    }
    fs::create_dir_all(&target).map_err(write_error(&target))?;
    let mut sink = Sink {
        archive,
        target: &target,
        entries: limits.entries,
        bytes: limits.bytes,
        made: BTreeSet::from([target.clone()]),
    };
    let outcome = match kind {
        FileKind::Zip => unzip(archive, &mut sink),
        FileKind::TarGz | FileKind::Motifs => untar(archive, &mut sink),
    };
    if let Err(error) = outcome.and_then(|()| sink.made.iter().try_for_each(|folder| sync_folder(folder))) {
        // The first error is the one worth telling.
        let _ = fs::remove_dir_all(&target);
        return Err(error);
    }
    fs::rename(&target, folder).map_err(write_error(folder))
}

/// Brings the names in a folder to the disk, where the system can.
fn sync_folder(folder: &Path) -> Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(source) if matches!(source.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => {
            Ok(())
        }
        other => other.map_err(write_error(folder)),
    }
}

fn untar(archive: &Path, sink: &mut Sink<'_>) -> Result<()> {
    let file = File::open(archive).map_err(read_error(archive))?;
    let mut tar = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    let damaged = |source: io::Error| damaged(archive, &source);
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        match kind {
            tar::EntryType::Directory => sink.folder(&name)?,
            tar::EntryType::Regular | tar::EntryType::Continuous => sink.file(&name, &mut entry)?,
            // Comments on the whole archive hold no file.
            tar::EntryType::XGlobalHeader => {}
            _ => return Err(sink.refuse(&name, &format!("an entry of the kind {kind:?}"))),
        }
    }
    rest_of_gzip(tar).map_err(damaged)
}

/// Reads past the end of the tar archive to the checksum at the end of the gzip stream.
fn rest_of_gzip(tar: tar::Archive<impl Read>) -> io::Result<()> {
    io::copy(&mut tar.into_inner(), &mut io::sink()).map(|_| ())
}

fn unzip(archive: &Path, sink: &mut Sink<'_>) -> Result<()> {
    let file = File::open(archive).map_err(read_error(archive))?;
    let damaged = |source: zip::result::ZipError| damaged(archive, &source);
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        // The upper bits of the mode say what the entry is; 0 where the archive does not say.
        let kind = entry.unix_mode().unwrap_or(0) & 0o170_000;
        if entry.is_dir() {
            sink.folder(&name)?;
        } else if kind == 0 || kind == 0o100_000 {
            sink.file(&name, &mut entry)?;
        } else {
            return Err(sink.refuse(&name, "a link or a special file"));
        }
    }
    Ok(())
}

/// Whether this is a zip archive whose table of contents can be read.
pub(super) fn check_zip(path: &Path) -> Result<()> {
    let file = File::open(path).map_err(read_error(path))?;
    ZipArchive::new(BufReader::new(file)).map(|_| ()).map_err(|source| damaged(path, &source))
}

/// Whether the gzip stream and the tar archive in it are whole.
pub(super) fn check_tar(path: &Path) -> Result<()> {
    let file = File::open(path).map_err(read_error(path))?;
    let mut tar = tar::Archive::new(MultiGzDecoder::new(BufReader::new(file)));
    let damaged = |source: io::Error| damaged(path, &source);
    for entry in tar.entries().map_err(damaged)? {
        io::copy(&mut entry.map_err(damaged)?, &mut io::sink()).map_err(damaged)?;
    }
    rest_of_gzip(tar).map_err(damaged)
}

/// Where entries go, with what they may still take.
struct Sink<'a> {
    archive: &'a Path,
    target: &'a Path,
    entries: usize,
    bytes: u64,
    /// The target and the folders in it, so that each is made once.
    made: BTreeSet<PathBuf>,
}

impl Sink<'_> {
    fn folder(&mut self, name: &str) -> Result<()> {
        let path = self.place(name)?;
        self.make(&path)
    }

    fn file(&mut self, name: &str, contents: &mut dyn Read) -> Result<()> {
        let path = self.place(name)?;
        if let Some(parent) = path.parent() {
            self.make(parent)?;
        }
        // Never over a file that is there already, which would let one entry change another.
        let created = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = match created {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(self.refuse(name, "a second entry of this name"));
            }
            other => other.map_err(write_error(&path))?,
        };
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = contents.read(&mut chunk).map_err(|source| damaged(self.archive, &source))?;
            if read == 0 {
                // Else a power cut could leave an empty file under the final name.
                return file.sync_all().map_err(write_error(&path));
            }
            self.bytes = self
                .bytes
                .checked_sub(read as u64)
                .ok_or_else(|| self.refuse(name, "more bytes than an archive may unpack to"))?;
            file.write_all(&chunk[..read]).map_err(write_error(&path))?;
        }
    }

    /// Where an entry goes, if its name stays inside.
    fn place(&mut self, name: &str) -> Result<PathBuf> {
        self.entries = self
            .entries
            .checked_sub(1)
            .ok_or_else(|| self.refuse(name, "more entries than an archive may have"))?;
        // A backslash separates folders on Windows and is no part of an honest name elsewhere.
        if name.contains(['\\', '\0']) || name.is_empty() {
            return Err(self.refuse(name, "a name with a backslash, or none"));
        }
        let mut path = self.target.to_owned();
        for component in Path::new(name).components() {
            match component {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                _ => return Err(self.refuse(name, "a path that leaves the folder")),
            }
        }
        Ok(path)
    }

    fn make(&mut self, folder: &Path) -> Result<()> {
        if !self.made.contains(folder) {
            fs::create_dir_all(folder).map_err(write_error(folder))?;
            let within = folder.ancestors().take_while(|folder| *folder != self.target);
            self.made.extend(within.map(Path::to_owned));
        }
        Ok(())
    }

    fn refuse(&self, entry: &str, found: &str) -> Error {
        Error::Archive { path: self.archive.to_owned(), entry: entry.to_owned(), found: found.to_owned() }
    }
}

fn damaged(archive: &Path, source: &dyn std::error::Error) -> Error {
    let found = format!("a damaged archive ({source})");
    Error::Archive { path: archive.to_owned(), entry: "(any)".to_owned(), found }
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |source| Error::Read { path: path.to_owned(), source }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |source| Error::Write { path: path.to_owned(), source }
}
