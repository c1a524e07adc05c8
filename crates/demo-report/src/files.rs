//! Files that are whole or absent: written under a temporary name, flushed to disk, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Where what is written under a name goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file to be there whole or not at all: the path itself or, where it is a link to a file, that file.
    File(PathBuf),
    /// A device, a pipe or whatever else is there and is no file: nothing may take its place.
    Stream(PathBuf),
}

impl Destination {
    /// Looks at what `path` names, by way of links, without opening it; there may be nothing yet.
    pub fn of(path: &Path) -> Self {
        let path = followed(path);
        let is_stream = |found: fs::Metadata| !found.is_dir() && (is_system(&path) || !found.is_file());
        // A folder is refused where the finished file is renamed.
        if fs::metadata(&path).is_ok_and(is_stream) { Self::Stream(path) } else { Self::File(path) }
    }
}

/// Opens a stream to write into it: this process's own output where it stands, anything else at its end.
///
/// # Errors
/// That of opening it.
pub fn open_stream(path: &Path) -> io::Result<File> {
    own_stream(path).unwrap_or_else(|| OpenOptions::new().append(true).open(path))
}

/// Whether a path is one of the system's, which shows open files there: places, not files to be replaced.
fn is_system(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// The path that links from `path` end at, as far as they do; those of the system are left to it.
fn followed(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        if is_system(&path) {
            break;
        }
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// This process's own output, which is written where it stands, where a path names it.
#[cfg(unix)]
fn own_stream(path: &Path) -> Option<io::Result<File>> {
    use std::os::fd::AsFd as _;
    let same = match path.to_str()? {
        "/dev/stdout" => io::stdout().as_fd().try_clone_to_owned(),
        "/dev/stderr" => io::stderr().as_fd().try_clone_to_owned(),
        _ => return None,
    };
    Some(same.map(File::from))
}

#[cfg(not(unix))]
fn own_stream(_: &Path) -> Option<io::Result<File>> {
    None
}

/// Writes `bytes` to `path` by way of a temporary file in the same folder, which is created first. The bytes are
/// on the disk before the file has its name, so that not even a power cut leaves a part of it. A device or a pipe
/// is written into, a link to a file followed.
///
/// # Errors
/// [`Error::Write`] naming the path; no partial file is left.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |path: &Path, action| {
        let path = path.to_path_buf();
        move |source| Error::Write { path, action, source }
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed(folder, "create the folder"))?;
    }
    let named = path;
    let path = match Destination::of(path) {
        Destination::File(path) => path,
        Destination::Stream(stream) => {
            let written = open_stream(&stream).and_then(|mut stream| stream.write_all(bytes));
            return written.map_err(failed(path, "write into it"));
        }
    };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = write_through(&temporary, bytes)
        .map_err(failed(named, "write the file"))
        .and_then(|()| fs::rename(&temporary, &path).map_err(failed(named, "rename the finished file")));
    if written.is_err() {
        // The first error is the one to report; a leftover that cannot be removed adds nothing to it.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes a file and waits until the disk holds it.
fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_and_no_temporary_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/c.txt");
        write_whole(&path, b"first").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_what_is_no_file_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.txt"), folder.path().join("link"));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink("a.txt", &link).unwrap();
        write_whole(&link, b"new").unwrap();
        // Also where there is nothing yet at its end.
        fs::remove_file(&file).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let null = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        write_whole(&null, b"gone").unwrap();
        assert!(fs::symlink_metadata(&null).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("taken");
        fs::write(&file, b"x").unwrap();
        let error = write_whole(&file.join("page.html"), b"y").unwrap_err();
        let message = error.to_string();
        assert!(message.contains("taken") && message.contains("cannot create the folder"), "{message}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_disk_is_waited_for() {
        // It takes bytes and has no disk behind it: only who waits for one gets an error.
        let error = write_through(Path::new("/dev/null"), b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
