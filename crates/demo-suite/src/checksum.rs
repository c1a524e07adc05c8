//! SHA-256 of what decides an outcome.

use serde::Serialize;
use sha2::{Digest, Sha256};

use demo_data::{DataSet, Example};

/// The SHA-256 of some bytes, in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}

/// A short name, unique for practical purposes, of a value that decides an outcome: the first 32
/// hexadecimal digits of the SHA-256 of its JSON.
pub(crate) fn identity(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut digits = sha256_hex(&json);
    digits.truncate(32);
    digits
}

/// The SHA-256 of both halves of a data set: labels and bases in file order.
pub(crate) fn data_set_sha256(set: &DataSet) -> String {
    let mut hasher = Sha256::new();
    for half in [set.train(), set.test()] {
        hasher.update((half.len() as u64).to_le_bytes());
        for Example { sequence, bound, .. } in half {
            hasher.update([u8::from(*bound)]);
            hasher.update(sequence.as_codes());
        }
    }
    hex(hasher.finalize().as_slice())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_digest_is_the_published_one() {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), digest);
        assert_ne!(identity(&(1, "a")), identity(&(1, "b")));
        assert_eq!(identity(&1).len(), 32);
    }
}
