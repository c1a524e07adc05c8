//! Brings the members of a bank together: one store of sequences, one state each.

use demo_engine::{CodeStore, Device};

use super::Member;
use super::member::MemberState;
use crate::{Error, LabelledSequences, Result, Strands};

/// Rows of one set in the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// The first sequence.
    pub(super) start: u32,
    /// The first reverse complement, where they are needed.
    pub(super) reversed: Option<u32>,
    /// Number of sequences.
    pub(super) count: u32,
}

/// The batch size and the sequence length that all members share.
pub(super) fn check_members(members: &[Member<'_>]) -> Result<(usize, usize)> {
    let refuse = |what, found: String, wanted: String| Err(Error::Bank { what, found, wanted });
    let Some(first) = members.first() else {
        return refuse("their number", "0".to_owned(), "at least 1".to_owned());
    };
    let (batch, length) = (first.config.batch, first.training.length());
    for member in members {
        member.config.check()?;
        if member.config.batch != batch {
            return refuse("batch size", member.config.batch.to_string(), batch.to_string());
        }
        let lengths = [Some(member.training), member.validation].into_iter().flatten();
        for found in lengths.map(LabelledSequences::length) {
            if found != length {
                return refuse("sequence length", found.to_string(), length.to_string());
            }
        }
        if member.config.needs_validation() && member.validation.is_none() {
            let wanted = "some, to stop by or to choose weights by".to_owned();
            return refuse("validation sequences", "none".to_owned(), wanted);
        }
    }
    Ok((batch, length))
}

/// One store for all members' sequences, and the members.
pub(super) fn gather(
    members: &[Member<'_>],
    length: usize,
    device: &Device,
) -> Result<(CodeStore, Vec<MemberState>)> {
    let mut codes = Vec::new();
    let mut states = Vec::with_capacity(members.len());
    for member in members {
        let training = append(&mut codes, member.training, member.config.reverse_complement);
        let both = member.config.strands == Strands::Both;
        let validation = member.validation.map(|set| append(&mut codes, set, both));
        states.push(MemberState::new(member, training, validation));
    }
    Ok((CodeStore::new(&codes, length, device)?, states))
}

fn append(codes: &mut Vec<u8>, set: &LabelledSequences, both: bool) -> Rows {
    let next = |codes: &Vec<u8>| (codes.len() / set.length().max(1)) as u32;
    let start = next(codes);
    codes.extend_from_slice(set.codes());
    let reversed = both.then(|| next(codes));
    if both {
        codes.extend(set.reverse_complement_codes());
    }
    Rows { start, reversed, count: set.len() as u32 }
}
