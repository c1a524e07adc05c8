//! What the tests of whole runs share: two small sets of sequences, and settings that leave little to do.

use std::fs;
use std::path::{Path, PathBuf};

use demo_core::{DnaSequence, Seed};
use demo_suite::{DeviceChoice, RunConfig};
use rand::Rng;

/// The sets that [`write_sets`] writes.
pub(crate) const SETS: [&str; 2] = ["JUN_K562_A", "FOS_K562_B"];

/// Random sequences of [`SETS`] in the Deep Motif Dashboard's layout: `train` and `test` pairs of `length` bases,
/// of which every `every`-th positive holds TGACTCA.
pub(crate) fn write_sets(folder: &Path, length: usize, train: usize, test: usize, every: usize) {
    let motif: DnaSequence = "TGACTCA".parse().unwrap();
    for (set, seed) in SETS.into_iter().zip([1, 2]) {
        let mut random = Seed::new(seed).stream("test sets");
        fs::create_dir_all(folder.join(set)).unwrap();
        for (half, pairs) in [("train.fa", train), ("test.fa", test)] {
            let mut text = String::new();
            for pair in 0..pairs {
                let mut codes: Vec<u8> = (0..length).map(|_| random.random_range(0..4)).collect();
                let negative = DnaSequence::from_codes(codes.clone()).unwrap();
                // Else a positive without the motif would be its negative.
                codes[0] = (codes[0] + 1) % 4;
                if pair % every == 0 {
                    codes[20..27].copy_from_slice(motif.as_codes());
                }
                let positive = DnaSequence::from_codes(codes).unwrap();
                text.extend([">1\n", &positive.to_string(), "\n>0\n", &negative.to_string(), "\n"]);
            }
            fs::write(folder.join(set).join(half), text).unwrap();
        }
    }
}

/// A run on `data` that leaves its tables in `out`, on one thread of the CPU.
pub(crate) fn config(data: &Path, out: PathBuf) -> RunConfig {
    RunConfig {
        data: Some(data.to_owned()),
        seed: 5,
        threads: Some(1),
        device: DeviceChoice::Cpu,
        out: Some(out),
        command: "a test".to_owned(),
        ..RunConfig::default()
    }
}
