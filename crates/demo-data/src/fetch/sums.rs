//! `SHA256SUMS` of a folder, in the format of `sha256sum`: what came the first time must come again.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::text::write_whole;
use crate::{Error, Place, Result};

const NAME: &str = "SHA256SUMS";

/// The SHA-256 noted for a file, if any.
pub(super) fn noted(folder: &Path, file: &str) -> Result<Option<String>> {
    Ok(read(folder)?.into_iter().find(|(_, name)| name == file).map(|(sum, _)| sum))
}

/// Notes the SHA-256 of a file that has none yet.
pub(super) fn note(folder: &Path, file: &str, sha256: &str) -> Result<()> {
    let mut sums = read(folder)?;
    sums.push((sha256.to_owned(), file.to_owned()));
    sums.sort_by(|a, b| a.1.cmp(&b.1));
    write_whole(&folder.join(NAME), |out| {
        sums.iter().try_for_each(|(sum, name)| writeln!(out, "{sum}  {name}"))
    })
}

fn read(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join(NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Read { path, source }),
    };
    let mut sums = Vec::new();
    for (index, line) in text.lines().enumerate() {
        // A binary file's name may carry the star of `sha256sum -b`.
        let parts = line.split_once(' ').map(|(sum, name)| (sum, name.trim_start_matches([' ', '*'])));
        let good = parts.filter(|(sum, name)| {
            sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()) && !name.is_empty()
        });
        let Some((sum, name)) = good else {
            return Err(Error::Line {
                place: Place { path, line: index + 1 },
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
    fn sums_return_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (crate::sha256(b"a"), crate::sha256(b"b"));
        assert_eq!(noted(folder.path(), "a").unwrap(), None);
        note(folder.path(), "b", &second).unwrap();
        note(folder.path(), "a", &first).unwrap();
        assert_eq!(noted(folder.path(), "a").unwrap(), Some(first.clone()));
        let text = fs::read_to_string(folder.path().join(NAME)).unwrap();
        assert_eq!(text, format!("{first}  a\n{second}  b\n"));
        fs::write(folder.path().join(NAME), "no checksum\n").unwrap();
        let error = noted(folder.path(), "a").unwrap_err().to_string();
        assert!(error.contains("SHA256SUMS, line 1") && error.contains("64 hexadecimal digits"), "{error}");
    }
}
