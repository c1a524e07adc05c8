//! A bank of which most members have ended is resumed on a device that has no room for all of them. In a
//! program of its own: the emulated device has the memory that its first user asks for.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its input should fail there")]

use std::ops::ControlFlow;

use demo_core::{DnaSequence, Seed};
use demo_models::{
    Architecture, Device, EngineError, Error, Interval, LabelledSequences, Member, RnnConfig, Status,
    Trainer, TrainingConfig, emulated_device, training_bytes,
};
use rand::Rng;

const LENGTH: usize = 30;

fn random(count: usize, seed: u64) -> LabelledSequences {
    let mut stream = Seed::new(seed).stream("sequences");
    let mut codes = || -> Vec<u8> { (0..LENGTH).map(|_| stream.random_range(0..4)).collect() };
    let sequences: Vec<DnaSequence> = (0..count).map(|_| DnaSequence::from_codes(codes()).unwrap()).collect();
    let labels: Vec<u8> = (0..count).map(|at| u8::from(at % 2 == 0)).collect();
    LabelledSequences::new(&sequences, &labels).unwrap()
}

fn steps(architecture: &Architecture, steps: u64) -> TrainingConfig {
    TrainingConfig {
        batch: 16,
        max_steps: Some(steps),
        min_steps: steps,
        evaluate_every: Interval::Steps(4),
        ..TrainingConfig::honest(architecture, 70)
    }
}

#[test]
fn a_resumed_bank_takes_room_for_those_in_training_alone() {
    let architecture = Architecture::Rnn(RnnConfig { hidden: 5, dropout: 0.5 });
    let (training, validation) = (random(70, 1), random(40, 2));
    // Many that end early, and one that goes on.
    let (long, short) = (steps(&architecture, 24), steps(&architecture, 8));
    let members: Vec<Member> = (0..48)
        .map(|at| Member {
            training: &training,
            validation: Some(&validation),
            config: if at == 0 { &long } else { &short },
            seed: Seed::new(at),
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let mut bank = Trainer::new(&architecture, &members, &Device::Cpu).unwrap();
    let stop = |progress: &demo_models::Progress<'_>| {
        if progress.step == 16 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(bank.run(stop).unwrap(), Status::Interrupted);
    bank.checkpoint(folder.path()).unwrap();
    // Room for the sequences of all, and for the arrays of one.
    let rows = 2 * members.len() * (training.len() + validation.len());
    let bytes = training_bytes(&architecture, LENGTH, long.batch, rows, 1).unwrap();
    let device = match emulated_device(bytes + (64 << 10)) {
        Ok(device) => device,
        Err(reason) => return eprintln!("not tested: {reason}"),
    };
    let whole = Trainer::new(&architecture, &members, &device).map(|_| ()).unwrap_err();
    assert!(matches!(whole, Error::Engine(EngineError::OutOfMemory { .. })), "{whole}");
    let mut bank = Trainer::resume(folder.path(), &architecture, &members, &device).unwrap();
    assert_eq!(bank.run(|_| ControlFlow::Continue(())).unwrap(), Status::Finished);
    assert_eq!(bank.progress()[0].step, 24);
}
