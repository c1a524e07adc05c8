//! Training: it learns, resumes bit for bit, does not depend on threads or bank, and refuses bad input.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use demo_core::{DnaSequence, Seed};
use demo_engine::{Activation, Device};
use rand::Rng;

mod averaging;
mod balance;
mod lockstep;

use super::{Ending, Member, Status, Trainer};
use crate::{
    Architecture, AttentionConfig, CnnConfig, CnnRnnConfig, ConvolutionBlock, Error, Interval,
    LabelledSequences, LstmStart, RnnConfig, Schedule, TrainingConfig,
};

const LENGTH: usize = 30;

/// Random sequences; every other one holds TGACTCAT at a random place on a random strand.
fn planted(count: usize, seed: u64) -> LabelledSequences {
    let (sequences, labels) = planted_in_one_of(2, count, seed);
    LabelledSequences::new(&sequences, &labels).unwrap()
}

/// The same, one sequence of so many holding the motif.
fn planted_in_one_of(every: usize, count: usize, seed: u64) -> (Vec<DnaSequence>, Vec<u8>) {
    let mut stream = Seed::new(seed).stream("planted");
    let motif = [3, 2, 0, 1, 3, 1, 0, 3];
    let sequences: Vec<DnaSequence> = (0..count)
        .map(|at| {
            let mut codes: Vec<u8> = (0..LENGTH).map(|_| stream.random_range(0..4)).collect();
            if at % every == 0 {
                let place = stream.random_range(0..LENGTH - motif.len());
                codes[place..place + motif.len()].copy_from_slice(&motif);
            }
            let sequence = DnaSequence::from_codes(codes).unwrap();
            if stream.random() { sequence.to_reverse_complement() } else { sequence }
        })
        .collect();
    let labels: Vec<u8> = (0..count).map(|at| u8::from(at % every == 0)).collect();
    (sequences, labels)
}

fn small_cnn() -> Architecture {
    let blocks = vec![
        ConvolutionBlock { filters: 12, width: 8, pool: 2 },
        ConvolutionBlock { filters: 8, width: 3, pool: 1 },
    ];
    Architecture::Cnn(CnnConfig { blocks, dropout: 0.2, ..CnnConfig::default() })
}

fn small_rnn() -> Architecture {
    Architecture::Rnn(RnnConfig { hidden: 5, dropout: 0.5 })
}

fn small_cnn_rnn() -> Architecture {
    Architecture::CnnRnn(CnnRnnConfig { filters: 6, width: 5, hidden: 3, ..CnnRnnConfig::default() })
}

fn small_attention() -> Architecture {
    let config = AttentionConfig { filters: 8, width: 8, pool: 2, heads: 2, size: 4, dropout: 0.2 };
    Architecture::Attention(config)
}

/// The honest regime cut down to so many steps.
fn short_honest(steps: u64) -> TrainingConfig {
    TrainingConfig {
        batch: 16,
        learning_rate: 0.01,
        schedule: Schedule::HoldThenDecay { warm_up_steps: 5, decay: 0.5, last: 0.01 },
        max_steps: Some(steps),
        min_steps: 10,
        patience: Some(2),
        evaluate_every: Interval::Steps(4),
        averaging: Some(0.9),
        ..TrainingConfig::honest(&small_cnn(), 64)
    }
}

fn short_published() -> TrainingConfig {
    TrainingConfig { batch: 16, max_epochs: Some(3), ..TrainingConfig::as_published() }
}

fn train(trainer: &mut Trainer) {
    assert_eq!(trainer.run(|_| ControlFlow::Continue(())).unwrap(), Status::Finished);
}

/// A bank of one, trained to its end.
fn trained(architecture: &Architecture, member: Member<'_>, device: &Device) -> Trainer {
    let mut trainer = Trainer::new(architecture, &[member], device).unwrap();
    train(&mut trainer);
    trainer
}

/// Every member's weights as bits.
fn bits(trainer: &Trainer) -> Vec<Vec<u32>> {
    let weights = |model: &crate::TrainedModel| {
        model.params.buffer().to_f32().unwrap().iter().map(|weight| weight.to_bits()).collect()
    };
    trainer.models().unwrap().iter().map(weights).collect()
}

#[test]
fn a_planted_motif_is_learned() {
    let (training, validation) = (planted(800, 1), planted(200, 2));
    let config = TrainingConfig {
        batch: 32,
        max_steps: Some(2_000),
        min_steps: 200,
        patience: Some(4),
        tolerance: 0.002,
        evaluate_every: Interval::Epochs(2),
        ..short_honest(2_000)
    };
    let member =
        Member { training: &training, validation: Some(&validation), config: &config, seed: Seed::new(3) };
    for architecture in [small_cnn(), small_attention()] {
        let summary = trained(&architecture, member, &Device::Cpu).model(0).unwrap().summary;
        let best = summary.best.unwrap();
        assert!(best.validation_auroc.unwrap() > 0.95, "{summary:?}");
        assert!(summary.history.iter().all(|other| other.validation_loss >= best.validation_loss));
        assert_eq!(summary.converged, Some(true));
        assert_eq!(summary.ending, Some(Ending::Finished));
    }
}

#[test]
fn networks_with_an_exponential_first_activation_learn_as_they_are_preset() {
    let (training, validation) = (planted(800, 1), planted(200, 2));
    let first_activation = Activation::Exponential;
    let cnn = Architecture::Cnn(CnnConfig { first_activation, ..CnnConfig::default() });
    let cnn_rnn = Architecture::CnnRnn(CnnRnnConfig { first_activation, ..CnnRnnConfig::default() });
    for architecture in [cnn, cnn_rnn] {
        let config = TrainingConfig {
            max_steps: Some(600),
            min_steps: 600,
            ..TrainingConfig::honest(&architecture, 800)
        };
        let member = Member {
            training: &training,
            validation: Some(&validation),
            config: &config,
            seed: Seed::new(3),
        };
        let summary = trained(&architecture, member, &Device::Cpu).model(0).unwrap().summary;
        assert!(summary.best.unwrap().validation_auroc.unwrap() > 0.9, "{architecture}: {summary:?}");
    }
}

#[test]
fn an_interrupted_training_ends_with_the_same_bits() {
    let (training, validation) = (planted(70, 1), planted(40, 2));
    for architecture in [small_cnn(), small_rnn(), small_cnn_rnn(), small_attention()] {
        for config in [short_published(), short_honest(40)] {
            let member = Member {
                training: &training,
                validation: Some(&validation),
                config: &config,
                seed: Seed::new(3),
            };
            let mut whole = Trainer::new(&architecture, &[member], &Device::Cpu).unwrap();
            train(&mut whole);

            let folder = tempfile::tempdir().unwrap();
            let mut trainer = Trainer::new(&architecture, &[member], &Device::Cpu).unwrap();
            let mut interruptions = 0;
            loop {
                // Three and seven are in the middle of an epoch and between evaluations.
                let stop = [3, 7, 11].get(interruptions).copied().unwrap_or(u64::MAX);
                let interrupt = |progress: &super::Progress<'_>| {
                    if progress.step >= stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                if trainer.run(interrupt).unwrap() == Status::Finished {
                    break;
                }
                interruptions += 1;
                trainer.checkpoint(folder.path()).unwrap();
                trainer = Trainer::resume(folder.path(), &architecture, &[member], &Device::Cpu).unwrap();
            }
            assert!(interruptions == 3, "{interruptions}");
            assert_eq!(bits(&trainer), bits(&whole), "{architecture:?} {config:?}");
            let summaries = [&trainer, &whole].map(|trainer| trainer.models().unwrap().remove(0).summary);
            assert_eq!(summaries[0], summaries[1]);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let (training, validation) = (planted(150, 1), planted(40, 2));
    let config = TrainingConfig { batch: 64, ..short_honest(12) };
    let member =
        Member { training: &training, validation: Some(&validation), config: &config, seed: Seed::new(3) };
    for architecture in [small_cnn(), small_rnn(), small_cnn_rnn(), small_attention()] {
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bits(&trained(&architecture, member, &Device::Cpu)))
        };
        let alone = with_threads(1);
        assert_eq!(with_threads(2), alone);
        assert_eq!(with_threads(3), alone);
    }
}

#[test]
fn a_member_of_a_bank_is_what_it_is_alone() {
    let (training, other) = (planted(70, 1), planted(50, 4));
    let validation = planted(40, 2);
    let (long, short) = (short_honest(40), TrainingConfig { learning_rate: 0.003, ..short_honest(14) });
    let members = [
        Member { training: &training, validation: Some(&validation), config: &long, seed: Seed::new(3) },
        Member { training: &other, validation: Some(&validation), config: &short, seed: Seed::new(4) },
    ];
    for architecture in [small_cnn(), small_rnn(), small_cnn_rnn(), small_attention()] {
        let mut bank = Trainer::new(&architecture, &members, &Device::Cpu).unwrap();
        train(&mut bank);
        let together = bits(&bank);
        for (member, together) in members.iter().zip(together) {
            let mut alone = Trainer::new(&architecture, &[*member], &Device::Cpu).unwrap();
            train(&mut alone);
            assert_eq!(bits(&alone), [together]);
        }
    }
}

#[test]
fn smaller_batches_of_one_member_leave_no_mark_on_another() {
    // Of 64: an epoch of the first ends with 6 sequences, one of the second with 36; the third never has more
    // than 40.
    let sets = [planted(70, 1), planted(100, 4), planted(40, 5)];
    let published = TrainingConfig { batch: 64, ..short_published() };
    let honest = TrainingConfig { batch: 64, ..short_honest(8) };
    for architecture in [small_cnn(), small_rnn(), small_cnn_rnn(), small_attention()] {
        for config in [&published, &honest] {
            let member = |(training, seed)| Member {
                training,
                validation: Some(&sets[0]),
                config,
                seed: Seed::new(seed),
            };
            let members: Vec<Member> = sets.iter().zip(3..).map(member).collect();
            let mut bank = Trainer::new(&architecture, &members, &Device::Cpu).unwrap();
            train(&mut bank);
            let alone = members.iter().map(|&member| trained(&architecture, member, &Device::Cpu));
            assert_eq!(bits(&bank), alone.flat_map(|trainer| bits(&trainer)).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_published_regime_keeps_the_epoch_of_the_best_training_auroc() {
    let training = planted(70, 1);
    let config = TrainingConfig { max_epochs: Some(6), ..short_published() };
    let member = Member { training: &training, validation: None, config: &config, seed: Seed::new(3) };
    let summary = trained(&small_rnn(), member, &Device::Cpu).model(0).unwrap().summary;
    assert_eq!((summary.epochs, summary.steps), (6, 30));
    assert_eq!(summary.history.len(), 6);
    assert_eq!((summary.converged, summary.ending), (None, Some(Ending::Limit)));
    let best = summary.best.unwrap();
    assert!(summary.history.iter().all(|epoch| epoch.training_auroc <= best.training_auroc));
}

#[test]
fn a_loss_that_is_no_number_ends_the_member_and_keeps_the_best_before() {
    let (training, validation) = (planted(70, 1), planted(40, 2));
    let config = TrainingConfig {
        schedule: Schedule::Constant,
        learning_rate: 1e30,
        averaging: None,
        ..short_honest(40)
    };
    let member =
        Member { training: &training, validation: Some(&validation), config: &config, seed: Seed::new(3) };
    let model = trained(&small_cnn(), member, &Device::Cpu).model(0).unwrap();
    assert_eq!(model.summary.ending, Some(Ending::Diverged));
    assert_eq!(model.summary.converged, Some(false));
    // Before anything was evaluated: what it began with is the best before.
    assert!(model.summary.steps < 4 && model.summary.history.is_empty(), "{:?}", model.summary);
    let network = model.network().unwrap();
    let initial = small_cnn()
        .initial_parameters(&network, &[Seed::new(3)], LstmStart::Published, &Device::Cpu)
        .unwrap();
    assert_eq!(model.params.buffer().to_f32().unwrap(), initial.buffer().to_f32().unwrap());

    // An exponential activation overflows after a few steps of such a rate, when some have been evaluated.
    let Architecture::Cnn(cnn) = small_cnn() else { panic!("a CNN") };
    let architecture = Architecture::Cnn(CnnConfig { first_activation: Activation::Exponential, ..cnn });
    let config = TrainingConfig { learning_rate: 2.0, evaluate_every: Interval::Steps(1), ..config };
    let member = Member { config: &config, ..member };
    let model = trained(&architecture, member, &Device::Cpu).model(0).unwrap();
    let best = model.summary.best.unwrap();
    assert_eq!(model.summary.ending, Some(Ending::Diverged));
    assert!(best.step < model.summary.steps, "{:?}", model.summary);
    let config = TrainingConfig { max_steps: Some(best.step), min_steps: best.step, ..config.clone() };
    let stopped =
        trained(&architecture, Member { config: &config, ..member }, &Device::Cpu).model(0).unwrap();
    assert_eq!(model.params.buffer().to_f32().unwrap(), stopped.params.buffer().to_f32().unwrap());
}

#[test]
fn a_schedule_that_ends_by_itself_converges_where_something_was_learned() {
    let (training, validation) = (planted(400, 1), planted(200, 2));
    let schedule = Schedule::Cosine { warm_up_steps: 0, last: 0.01 };
    let config = TrainingConfig { schedule, patience: None, averaging: None, ..short_honest(300) };
    let converged = |config: &TrainingConfig| {
        let member =
            Member { training: &training, validation: Some(&validation), config, seed: Seed::new(3) };
        trained(&small_cnn(), member, &Device::Cpu).model(0).unwrap().summary.converged
    };
    assert_eq!(converged(&config), Some(true));
    // Of a network that can only guess.
    let still = TrainingConfig { learning_rate: 1e-9, ..config };
    assert_eq!(converged(&still), Some(false));
}

#[test]
fn the_final_descent_has_a_patience_of_its_own() {
    let (training, validation) = (planted(70, 1), planted(40, 2));
    // No loss is better than the first by so much: the patience is over long before the least number of steps.
    let config = TrainingConfig {
        tolerance: 10.0,
        patience: Some(3),
        min_steps: 400,
        evaluate_every: Interval::Steps(10),
        averaging: None,
        ..short_honest(2_000)
    };
    let member =
        Member { training: &training, validation: Some(&validation), config: &config, seed: Seed::new(3) };
    let summary = trained(&small_cnn(), member, &Device::Cpu).model(0).unwrap().summary;
    assert_eq!((summary.converged, summary.ending), (Some(true), Some(Ending::Finished)));
    // Three evaluations of the descent without a better loss, not one.
    assert_eq!(summary.steps, 430, "{summary:?}");
}

#[test]
fn members_that_do_not_go_together_are_refused() {
    let (training, config) = (planted(20, 1), short_published());
    let honest = short_honest(20);
    let message =
        |members: &[Member<'_>]| Trainer::new(&small_cnn(), members, &Device::Cpu).unwrap_err().to_string();
    let member = Member { training: &training, validation: None, config: &config, seed: Seed::new(1) };
    assert!(message(&[]).contains("found 0, wanted at least 1"));
    assert!(message(&[Member { config: &honest, ..member }]).contains("validation sequences: found none"));
    let other = TrainingConfig { batch: 8, ..short_published() };
    assert!(
        message(&[member, Member { config: &other, ..member }]).contains("batch size: found 8, wanted 16")
    );
    let short =
        LabelledSequences::new(&["ACGTACGTACGT".parse().unwrap(), "TCGTACGTACGT".parse().unwrap()], &[0, 1]);
    let short = short.unwrap();
    assert!(message(&[member, Member { training: &short, ..member }]).contains("found 12, wanted 30"));
}

#[test]
fn states_that_cannot_be_resumed_are_refused() {
    let (training, config) = (planted(20, 1), short_published());
    let member = Member { training: &training, validation: None, config: &config, seed: Seed::new(1) };
    let folder = tempfile::tempdir().unwrap();
    let refused = |member: Member<'_>, folder: &Path| {
        let error = Trainer::resume(folder, &small_rnn(), &[member], &Device::Cpu).unwrap_err();
        assert!(error.to_string().contains("optimizer.safetensors"), "{error}");
        error
    };
    assert!(matches!(refused(member, folder.path()), Error::Io { .. }));

    let mut trainer = Trainer::new(&small_rnn(), &[member], &Device::Cpu).unwrap();
    trainer.run(|_| ControlFlow::Break(())).unwrap();
    trainer.checkpoint(folder.path()).unwrap();
    let other = planted(20, 2);
    for (foreign, found) in [
        (Member { training: &other, ..member }, "other training sequences in member 0"),
        (Member { seed: Seed::new(2), ..member }, "another seed in member 0"),
    ] {
        let error = refused(foreign, folder.path()).to_string();
        assert!(error.contains(found), "{error}");
    }

    let path = folder.path().join("optimizer.safetensors");
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    // A number of the state, which decides what comes next as the arrays do.
    let mut counted = whole.clone();
    let step = b"\\\"step\\\":1,";
    let at = counted.windows(step.len()).position(|bytes| bytes == step).unwrap();
    counted[at + step.len() - 2] = b'2';
    for broken in [&whole[..whole.len() - 3], &whole[..5], &[], &flipped, &counted] {
        fs::write(&path, broken).unwrap();
        assert!(matches!(refused(member, folder.path()), Error::Checkpoint { .. }));
    }
}

/// A CUDA device, or the emulated one; where there is neither, the test says so and passes.
fn cuda() -> Option<Device> {
    let device = if cfg!(feature = "cuda") {
        Device::new_cuda_with_stream(0).map_err(|error| error.to_string())
    } else {
        demo_engine::emulated_device(1 << 30).map_err(|error| error.to_string())
    };
    device.inspect_err(|reason| eprintln!("not tested: {reason}")).ok()
}

#[test]
fn a_bank_on_a_device_trains_as_on_the_cpu_and_resumes_with_the_same_bits() {
    let Some(device) = cuda() else { return };
    let (training, other, validation) = (planted(70, 1), planted(50, 4), planted(24, 2));
    let (long, short) = (short_honest(12), TrainingConfig { learning_rate: 0.003, ..short_honest(7) });
    let plain = TrainingConfig { averaging: None, patience: None, ..short_honest(10) };
    let lost = TrainingConfig { schedule: Schedule::Constant, learning_rate: 1e30, ..plain.clone() };
    let member = |training, config, seed| Member {
        training,
        validation: Some(&validation),
        config,
        seed: Seed::new(seed),
    };
    let members = [
        member(&training, &long, 3),
        member(&other, &short, 4),
        member(&training, &plain, 5),
        member(&training, &lost, 6),
    ];
    for architecture in [small_cnn(), small_rnn(), small_cnn_rnn()] {
        let run = |device: &Device| {
            let mut trainer = Trainer::new(&architecture, &members, device).unwrap();
            train(&mut trainer);
            trainer
        };
        let (here, there) = (run(&Device::Cpu), run(&device));
        for (at, (here, there)) in here.models().unwrap().iter().zip(there.models().unwrap()).enumerate() {
            let (wanted, found) = (&here.summary, &there.summary);
            assert_eq!((wanted.ending, wanted.steps), (found.ending, found.steps), "member {at}");
            assert_eq!(wanted.history.len(), found.history.len());
            for (wanted, found) in wanted.history.iter().zip(&found.history) {
                let gap = |a: f64, b: f64| assert!((a - b).abs() < 1e-4 * a.abs().max(1.0), "{a} {b}");
                gap(wanted.training_loss, found.training_loss);
                gap(wanted.validation_loss.unwrap(), found.validation_loss.unwrap());
            }
            let weights = |model: &crate::TrainedModel| model.params.buffer().to_f32().unwrap();
            let pairs = weights(here).into_iter().zip(weights(&there));
            let gap = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(at == 3 || gap < 1e-3, "{architecture}, member {at}: {gap}");
        }
        // What saturates survives any weight.
        let wanted = if architecture == small_cnn() { Ending::Diverged } else { Ending::Limit };
        assert_eq!(there.models().unwrap()[3].summary.ending, Some(wanted));

        // Before and after the first member has ended.
        for stop in [5, 9] {
            let folder = tempfile::tempdir().unwrap();
            let mut trainer = Trainer::new(&architecture, &members, &device).unwrap();
            let interrupt = |progress: &super::Progress<'_>| {
                if progress.step == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            assert_eq!(trainer.run(interrupt).unwrap(), Status::Interrupted);
            trainer.checkpoint(folder.path()).unwrap();
            let mut resumed = Trainer::resume(folder.path(), &architecture, &members, &device).unwrap();
            train(&mut resumed);
            assert_eq!(bits(&resumed), bits(&there));
        }
    }
}
