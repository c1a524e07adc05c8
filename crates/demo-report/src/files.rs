//! Files that are whole or absent: written under a temporary name, flushed to disk, then renamed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::{Error, Result};

/// Writes `bytes` to `path` by way of a temporary file in the same folder, which is created first. The bytes are
/// on the disk before the file has its name, so that not even a power cut leaves a part of it.
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
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = write_through(&temporary, bytes)
        .map_err(failed(path, "write the file"))
        .and_then(|()| fs::rename(&temporary, path).map_err(failed(path, "rename the finished file")));
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
