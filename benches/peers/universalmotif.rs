//! The crate universalmotif as a program, for `cargo xtask bench tomtom --universalmotif PROGRAM`.
//!
//! It is a package of its own, so that the workspace does not depend on that crate. To build it: `cargo new`, put
//! this file in the place of `src/main.rs`, `cargo add universalmotif@=0.3.0`, `cargo build --release`. It reads a
//! MEME file, compares all its motifs with each other (complete scores, Euclidean distance, both strands, one
//! thread) and prints the number of comparisons and the seconds they took.

use std::time::Instant;

use universalmotif::compare::{CompareOptions, compare_motifs};
use universalmotif::io::meme;
use universalmotif::metrics::ColumnMetric;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("wanted a MEME file")?;
    let motifs = meme::read(&std::fs::read_to_string(path)?, &meme::ReadOptions::default())?;
    let queries: Vec<usize> = (0..motifs.len()).collect();
    let options =
        CompareOptions { complete: true, method: ColumnMetric::Eucl, nthreads: 1, ..CompareOptions::default() };
    let start = Instant::now();
    let compared = compare_motifs(&motifs, &queries, &options)?;
    println!("{} {:.4}", compared.len(), start.elapsed().as_secs_f64());
    Ok(())
}
