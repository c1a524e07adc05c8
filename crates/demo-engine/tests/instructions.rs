//! Values and gradients by different vector instructions. A program of its own: the limit is the process's.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[path = "engine/common.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod common;

use common::*;
use demo_engine::*;

#[test]
fn all_instructions_agree() {
    // Units and filters that fill vectors of sixteen, of eight, and none.
    let networks = [
        published("cnn", 61, 128, 0),
        published("cnn", 57, 37, 0),
        published("rnn", 23, 0, 32),
        published("rnn", 23, 0, 24),
        published("cnn-rnn", 33, 96, 5),
        attentive(79, 32, (4, 16)),
        attentive(75, 21, (3, 5)),
    ];
    for (seed, network) in (1..).zip(networks) {
        let case = Case::new(network, 2, 7, seed);
        let of = Objective::Loss(&Loss::CrossEntropy);
        let seeds = case.seeds.clone();
        let run = |instructions| {
            limit_instructions(instructions);
            let outcome = case.run(DType::F32, Route::Codes, of, Mode::Train { step: 1, seeds: &seeds });
            limit_instructions(Instructions::Widest);
            outcome
        };
        let wanted = run(Instructions::Widest);
        for instructions in [Instructions::Plain, Instructions::Avx2] {
            let found = run(instructions);
            for (what, found, wanted) in [
                ("logits", &found.logits, &wanted.logits),
                ("losses", &found.losses, &wanted.losses),
                ("parameters", &found.params, &wanted.params),
                ("bases", &found.bases, &wanted.bases),
                ("observed", &found.observed, &wanted.observed),
            ] {
                let error = difference(found, wanted);
                assert!(error < 1e-4, "{instructions:?}, network {seed}, {what}: {error}");
            }
        }
    }
}
