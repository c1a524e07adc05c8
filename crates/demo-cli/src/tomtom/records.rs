//! Results of `demo tomtom` as lines of JSON, one for each query.

use std::io::{self, Write};

use demo_core::AlphabetMotif;
use demo_motifmatch::Match;
use serde::Serialize;

use super::input::Input;

/// A query and its matches, best first.
#[derive(Debug, Serialize)]
struct Record<'a> {
    query: &'a str,
    query_name: Option<&'a str>,
    query_width: usize,
    /// Information content in bits, against equal shares of all letters.
    query_information: f64,
    matches: Vec<Found<'a>>,
}

/// A match; numbers in full double precision.
#[derive(Debug, Serialize)]
struct Found<'a> {
    target: &'a str,
    target_name: Option<&'a str>,
    /// Which motif of all target files, counted from 0, so that equal names are told apart.
    target_index: usize,
    /// Which target file, counted from 0.
    database: usize,
    offset: isize,
    p_value: f64,
    e_value: f64,
    q_value: f64,
    overlap: usize,
    query_consensus: &'a str,
    target_consensus: &'a str,
    orientation: char,
}

/// Writes one query's line.
pub(super) fn write(
    mut out: impl Write,
    input: &Input,
    query: &AlphabetMotif,
    information: f64,
    matches: &[Match],
) -> io::Result<()> {
    let matches = matches.iter().map(|found| Found {
        target: &found.target_id,
        target_name: input.targets[found.target].name(),
        target_index: found.target,
        database: input.databases[found.target],
        offset: found.offset,
        p_value: found.p_value,
        e_value: found.e_value,
        q_value: found.q_value,
        overlap: found.overlap,
        query_consensus: &found.query_consensus,
        target_consensus: &found.target_consensus,
        orientation: found.orientation.symbol(),
    });
    let record = Record {
        query: query.id(),
        query_name: query.name(),
        query_width: query.width(),
        query_information: information,
        matches: matches.collect(),
    };
    serde_json::to_writer(&mut out, &record)?;
    writeln!(out)
}
