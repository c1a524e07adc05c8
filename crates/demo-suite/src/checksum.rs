//! SHA-256 of what decides an outcome.

use demo_data::{DataSet, Example, sha256};
use serde::Serialize;

/// A short name, unique for practical purposes, of a value that decides an outcome: the first 32
/// hexadecimal digits of the SHA-256 of its JSON.
pub(crate) fn identity(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut digits = sha256(&json);
    digits.truncate(32);
    digits
}

/// The SHA-256 of both halves of a data set: labels and bases in file order.
pub(crate) fn data_set_sha256(set: &DataSet) -> String {
    let mut bytes = Vec::new();
    for half in [set.train(), set.test()] {
        push(&mut bytes, half);
    }
    sha256(&bytes)
}

/// The SHA-256 of examples alone: labels and bases in their order.
pub(crate) fn examples_sha256(examples: &[Example]) -> String {
    let mut bytes = Vec::new();
    push(&mut bytes, examples);
    sha256(&bytes)
}

fn push(bytes: &mut Vec<u8>, examples: &[Example]) {
    bytes.extend((examples.len() as u64).to_le_bytes());
    for Example { sequence, bound, .. } in examples {
        bytes.push(u8::from(*bound));
        bytes.extend(sequence.as_codes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_digest_is_the_published_one() {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), digest);
        assert_ne!(identity(&(1, "a")), identity(&(1, "b")));
        assert_eq!(identity(&1).len(), 32);
    }
}
