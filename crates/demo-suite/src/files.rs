//! Files that appear whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::{Error, Result};

/// Writes under a temporary name beside the target, flushes to disk, then renames.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let write = || {
        let mut file = fs::File::create(&part)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(|source| {
        // The first error is the one worth telling; a leftover part file is overwritten next time.
        let _ = fs::remove_file(&part);
        Error::Io { path: path.to_owned(), source }
    })
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io(path))
}

/// A name of a set or model as one path component: everything but letters, digits and `._-+()` is `_`.
pub(crate) fn path_component(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-+()".contains(c) { c } else { '_' };
    let component: String = name.chars().map(safe).collect();
    if component.trim_matches('.').is_empty() { format!("_{component}") } else { component }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_when_the_folder_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("no/such/file"), b"x").unwrap_err();
        assert!(error.to_string().contains("no/such/file"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        assert_eq!(path_component("SP1_K562_(SC-1)/x"), "SP1_K562_(SC-1)_x");
        assert_eq!(path_component(".."), "_..");
        assert_eq!(path_component(""), "_");
    }
}
