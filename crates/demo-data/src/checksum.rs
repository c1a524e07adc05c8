//! SHA-256 of files and texts, in hexadecimal.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// How much of a file is held at a time.
const CHUNK: usize = 1 << 16;

/// SHA-256 of bytes, 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// SHA-256 over the contents of files, one after the other, each preceded by its length.
///
/// # Errors
/// [`Error::Read`].
pub fn sha256_of_files(paths: &[&Path]) -> Result<String> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    for &path in paths {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read_error)?;
        let length = file.metadata().map_err(read_error)?.len();
        digest.update(length.to_le_bytes());
        loop {
            let read = file.read(&mut chunk).map_err(read_error)?;
            if read == 0 {
                break;
            }
            digest.update(&chunk[..read]);
        }
    }
    Ok(hexadecimal(&digest.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_example_agrees() {
        // FIPS 180-2, appendix B.1.
        let wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), wanted);
    }

    #[test]
    fn files_are_told_apart_also_where_their_contents_join_equally() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (a, b, c, d) = (path("a", "xy"), path("b", "z"), path("c", "x"), path("d", "yz"));
        let of = |first: &Path, second: &Path| sha256_of_files(&[first, second]).unwrap();
        assert_ne!(of(&a, &b), of(&c, &d));
        assert_eq!(of(&a, &b), of(&a, &b));
    }
}
