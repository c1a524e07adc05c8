//! `SHA256SUMS` of a folder, in the format of `sha256sum`: what came the first time must come again.
//!
//! Lines are put behind those that are there while the file is locked, so that processes lose no note of each other.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::{RemoteFile, open_locked};
use crate::{Error, Place, Result};

const NAME: &str = "SHA256SUMS";

/// The SHA-256 that a file must have.
pub(super) struct Wanted {
    sha256: String,
    /// The note that says so, where none is published.
    pub(super) noted_in: Option<PathBuf>,
}

impl Wanted {
    /// The published one, else the one noted in the folder, if any.
    pub(super) fn of(file: &RemoteFile, folder: &Path) -> Result<Option<Self>> {
        if let Some(sha256) = file.sha256.clone() {
            return Ok(Some(Self { sha256, noted_in: None }));
        }
        let noted_in = Some(folder.join(NAME));
        Ok(noted(folder, &file.name)?.map(|sha256| Self { sha256, noted_in }))
    }

    /// Refuses a file of another SHA-256.
    pub(super) fn compare(&self, path: &Path, found: &str) -> Result<()> {
        if found == self.sha256 {
            return Ok(());
        }
        Err(Error::Checksum {
            path: path.to_owned(),
            found: found.to_owned(),
            wanted: self.sha256.clone(),
            noted_in: self.noted_in.clone(),
        })
    }
}

/// The SHA-256 noted for a file, if any.
fn noted(folder: &Path, file: &str) -> Result<Option<String>> {
    Ok(read(folder)?.into_iter().find(|(_, name)| name == file).map(|(sum, _)| sum))
}

/// Notes the SHA-256 of a file that has none yet, behind what other processes noted.
pub(super) fn note(folder: &Path, file: &str, sha256: &str) -> Result<()> {
    // A folder that cannot be written will do where nothing is to be noted.
    if noted(folder, file)?.is_some() {
        return Ok(());
    }
    let path = folder.join(NAME);
    let mut sums = open_locked(&path, None)?;
    let mut text = String::new();
    sums.read_to_string(&mut text).map_err(|source| Error::Read { path: path.clone(), source })?;
    if parse(&path, &text)?.iter().any(|(_, name)| name == file) {
        return Ok(());
    }
    let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let line = format!("{line_end}{sha256}  {file}\n");
    let written = sums.write_all(line.as_bytes()).and_then(|()| sums.sync_all());
    if written.is_err() {
        // A part of a line would be an error to every later call.
        let _ = sums.set_len(text.len() as u64);
    }
    written.map_err(|source| Error::Write { path, source })
}

fn read(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join(NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Read { path, source }),
    };
    parse(&path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<(String, String)>> {
    let mut sums = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // A binary file's name may carry the star of `sha256sum -b`.
        let parts = line.split_once(' ').map(|(sum, name)| (sum, name.trim_start_matches([' ', '*'])));
        let good = parts.filter(|(sum, name)| {
            sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()) && !name.is_empty()
        });
        let Some((sum, name)) = good else {
            return Err(Error::Line {
                place: Place { path: path.to_owned(), line: index + 1 },
                found: line.chars().take(80).collect(),
                wanted: "64 hexadecimal digits, two blanks and a file's name".to_owned(),
            });
        };
        sums.push((sum.to_ascii_lowercase(), name.to_owned()));
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_return_in_the_order_of_their_coming() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (crate::sha256(b"a"), crate::sha256(b"b"));
        assert_eq!(noted(folder.path(), "a").unwrap(), None);
        note(folder.path(), "b", &second).unwrap();
        // A line that a hand wrote may lack its end.
        let path = folder.path().join(NAME);
        fs::write(&path, fs::read_to_string(&path).unwrap().trim_end()).unwrap();
        note(folder.path(), "a", &first).unwrap();
        note(folder.path(), "a", &second).unwrap();
        assert_eq!(noted(folder.path(), "a").unwrap(), Some(first.clone()));
        let text = fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert_eq!(text, format!("{second}  b\n{first}  a\n"));
        fs::write(folder.path().join(NAME), "no checksum\n").unwrap();
        let error = noted(folder.path(), "a").unwrap_err().to_string();
        assert!(error.contains("SHA256SUMS, line 1") && error.contains("64 hexadecimal digits"), "{error}");
    }

    #[test]
    fn notes_made_at_once_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let sum = crate::sha256(b"a");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (folder, sum) = (folder.path(), &sum);
                scope
                    .spawn(move || (0..8).for_each(|i| note(folder, &format!("{thread}.{i}"), sum).unwrap()));
            }
        });
        assert_eq!(read(folder.path()).unwrap().len(), 32);
    }
}
