//! Where results go: standard output, or a file that is there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use demo_report::{Destination, open_stream};

/// Writes to standard output, or to a new name beside `path` that takes its place when complete; into what is there
/// and is no file.
pub(crate) fn write<E: Into<Error>>(
    path: Option<&Path>,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>,
) -> Result<()> {
    let Some(path) = path else {
        let mut out = BufWriter::new(io::stdout());
        write(&mut out).map_err(Into::into)?;
        return Ok(out.flush()?);
    };
    let written = match Destination::of(path) {
        Destination::File(path) => write_whole(&path, write),
        Destination::Stream(path) => {
            open_stream(&path).map_err(Error::from).and_then(|stream| fill(stream, write).map(drop))
        }
    };
    written.map_err(|error| {
        // What was to be written could not be made, and then the file is not at fault.
        if error.is::<io::Error>() {
            error.context(format!("{}: cannot be written", path.display()))
        } else {
            error
        }
    })
}

/// Whether two names are of one file, there or not.
pub(crate) fn is_same(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| match Destination::of(path) {
        Destination::File(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
            Some(folder.join(path.file_name()?))
        }
        Destination::Stream(_) => None,
    };
    a == b || whole(a).is_some_and(|whole_a| whole(b) == Some(whole_a))
}

/// Whether the reader of standard output has gone away.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn write_whole<E: Into<Error>>(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>,
) -> Result<()> {
    let part = part_of(path);
    let write = |file| Ok(fill(file, write)?.sync_all()?);
    let written =
        File::create(&part).map_err(Error::from).and_then(write).and_then(|()| Ok(fs::rename(&part, path)?));
    if written.is_err() {
        // The first error is the one to tell; a leftover that cannot be removed adds nothing to it.
        let _ = fs::remove_file(&part);
    }
    written
}

/// A name beside the file that no other process takes.
fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn fill<E: Into<Error>>(
    file: File,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>,
) -> Result<File> {
    let mut file = BufWriter::new(file);
    write(&mut file).map_err(Into::into)?;
    Ok(file.into_inner().map_err(io::IntoInnerError::into_error)?)
}
