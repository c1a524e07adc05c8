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

/// The SHA-256 of both halves of a data set: labels, pairs, ranks and bases in file order.
pub(crate) fn data_set_sha256(set: &DataSet) -> String {
    let mut bytes = Vec::new();
    for half in [set.train(), set.test()] {
        push(&mut bytes, half);
    }
    sha256(&bytes)
}

/// The SHA-256 of examples alone: labels, pairs, ranks and bases in their order.
pub(crate) fn examples_sha256(examples: &[Example]) -> String {
    let mut bytes = Vec::new();
    push(&mut bytes, examples);
    sha256(&bytes)
}

fn push(bytes: &mut Vec<u8>, examples: &[Example]) {
    bytes.extend((examples.len() as u64).to_le_bytes());
    for Example { sequence, bound, pair, rank, .. } in examples {
        bytes.push(u8::from(*bound));
        // Pairs decide how a half is divided, ranks what an example weighs.
        for number in [pair, rank] {
            bytes.extend(number.map_or(0, |number| u64::from(number) + 1).to_le_bytes());
        }
        bytes.extend(sequence.as_codes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_decides_a_training_is_in_the_digest() {
        let example = |bases: &str, bound| Example::new(bases.parse().unwrap(), bound).with_pair(3);
        let plain = vec![example("ACGT", true), example("AACC", false)];
        let digest = examples_sha256(&plain);
        let others = [
            Example { rank: Some(1), ..plain[0].clone() },
            Example { pair: None, ..plain[0].clone() },
            Example { pair: Some(4), ..plain[0].clone() },
            example("ACGA", true),
            example("ACGT", false),
        ];
        for other in others {
            assert_ne!(examples_sha256(&[other, plain[1].clone()]), digest);
        }
    }

    #[test]
    fn the_empty_digest_is_the_published_one() {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), digest);
        assert_ne!(identity(&(1, "a")), identity(&(1, "b")));
        assert_eq!(identity(&1).len(), 32);
    }
}
