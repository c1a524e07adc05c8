//! Imbalanced classes: weights and sampling find the rare one, and change nothing where there is nothing
//! to balance.

use demo_core::Seed;
use demo_engine::Device;

use super::*;
use crate::{Balance, ClassWeights};

/// Share of bases that are drawn anew.
const WEAR: f64 = 0.15;

const REMEDIES: [Balance; 2] = [Balance::InverseFrequency, Balance::Sampling];

/// One bound sequence to nine unbound; some of a site's bases are drawn anew, so that classes overlap.
fn worn(count: usize, seed: u64) -> (Vec<DnaSequence>, Vec<u8>) {
    let (sequences, labels) = planted_in_one_of(10, count, seed);
    let mut stream = Seed::new(seed).stream("worn");
    let wear = |sequence: &DnaSequence| {
        let codes = sequence.as_codes().iter().copied();
        let codes = codes.map(|code| if stream.random_bool(WEAR) { stream.random_range(0..4) } else { code });
        DnaSequence::from_codes(codes.collect::<Vec<u8>>()).unwrap()
    };
    (sequences.iter().map(wear).collect(), labels)
}

fn rare(count: usize, seed: u64) -> LabelledSequences {
    let (sequences, labels) = worn(count, seed);
    LabelledSequences::new(&sequences, &labels).unwrap()
}

/// Mean precision over the bound sequences, best score first; no two scores tie.
fn average_precision(scores: &[f32], labels: &[u8]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let (mut found, mut sum) = (0.0, 0.0);
    for (rank, &at) in order.iter().enumerate() {
        if labels[at] == 1 {
            found += 1.0;
            sum += found / (rank + 1) as f64;
        }
    }
    sum / found
}

/// Recall at a probability of one half, and AUPRC, of sequences that were not trained on; means over seeds.
fn recall_and_auprc(balance: Balance) -> (f64, f64) {
    let (training, validation) = (rare(2_000, 1), rare(500, 2));
    let (sequences, labels) = worn(1_000, 3);
    let config = TrainingConfig {
        balance,
        batch: 32,
        patience: Some(4),
        tolerance: 0.002,
        evaluate_every: Interval::Epochs(1),
        ..short_honest(1_500)
    };
    let seeds = [3, 4, 5];
    let of_seed = |&seed: &u64| {
        let member = Member {
            training: &training,
            validation: Some(&validation),
            config: &config,
            seed: Seed::new(seed),
        };
        let model = trained(&small_cnn(), member, &Device::Cpu).model(0).unwrap();
        let scores = model.predictor(&Device::Cpu).unwrap().scores(&sequences).unwrap();
        let called = scores.iter().zip(&labels).filter(|&(&score, &label)| label == 1 && score > 0.0).count();
        (called as f64 / 100.0, average_precision(&scores, &labels))
    };
    let (recall, auprc): (Vec<f64>, Vec<f64>) = seeds.iter().map(of_seed).unzip();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    (mean(&recall), mean(&auprc))
}

#[test]
fn of_one_bound_in_ten_more_are_called_with_weights_and_with_sampling_and_ranked_no_worse() {
    let (recall, auprc) = recall_and_auprc(Balance::None);
    for balance in REMEDIES {
        let balanced = recall_and_auprc(balance);
        assert!(balanced.0 > recall + 0.1, "{balance}: {} {recall}", balanced.0);
        assert!(balanced.1 >= auprc, "{balance}: {} {auprc}", balanced.1);
    }
}

#[test]
fn equal_weights_are_none_bit_for_bit() {
    let (equal, unequal, validation) = (planted(70, 1), rare(70, 1), planted(40, 2));
    let given = Balance::Weights(ClassWeights::new(0.3, 0.3).unwrap());
    // As many of both classes, whose inverse frequencies are equal; and a rare class with equal weights.
    for (training, balance) in [(&equal, Balance::InverseFrequency), (&unequal, given)] {
        let outcome = |balance| {
            let config = TrainingConfig { balance, ..short_honest(30) };
            let member =
                Member { training, validation: Some(&validation), config: &config, seed: Seed::new(3) };
            let trainer = trained(&small_cnn(), member, &Device::Cpu);
            (bits(&trainer), trainer.models().unwrap().remove(0).summary)
        };
        assert_eq!(outcome(balance), outcome(Balance::None));
    }
}

#[test]
fn weights_of_sequences_are_what_weights_of_classes_are_bit_for_bit() {
    let (training, validation) = (rare(70, 1), rare(40, 2));
    let weighted = |set: &LabelledSequences, bound: f32| {
        let weights: Vec<f32> =
            set.labels().iter().map(|&label| if label == 1 { bound } else { 1.0 }).collect();
        set.clone().with_weights(&weights).unwrap()
    };
    let outcome = |sequences: f32, balance| {
        let config = TrainingConfig { balance, ..short_honest(30) };
        let (training, validation) = (weighted(&training, sequences), weighted(&validation, sequences));
        let member = Member {
            training: &training,
            validation: Some(&validation),
            config: &config,
            seed: Seed::new(3),
        };
        let trainer = trained(&small_cnn(), member, &Device::Cpu);
        (bits(&trainer), trainer.models().unwrap().remove(0).summary)
    };
    let classes = |bound| Balance::Weights(ClassWeights::new(1.0, bound).unwrap());
    assert_eq!(outcome(4.0, Balance::None), outcome(1.0, classes(4.0)));
    // And both together.
    assert_eq!(outcome(2.0, classes(2.0)), outcome(1.0, classes(4.0)));
    assert_ne!(outcome(4.0, Balance::None).0, outcome(1.0, Balance::None).0);
}

#[test]
fn balanced_trainings_have_the_same_bits_on_any_threads_after_interruptions_and_in_a_bank() {
    let (training, validation) = (rare(150, 1), rare(40, 2));
    let given = Balance::Weights(ClassWeights::new(1.0, 4.0).unwrap());
    let balances = [Balance::InverseFrequency, Balance::Sampling, given];
    let configs = balances.map(|balance| TrainingConfig { balance, batch: 64, ..short_honest(14) });
    let members = [0, 1, 2].map(|at| Member {
        training: &training,
        validation: Some(&validation),
        config: &configs[at],
        seed: Seed::new(at as u64),
    });
    let with_threads = |threads, member: Member<'_>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bits(&trained(&small_cnn(), member, &Device::Cpu)))
    };
    let alone: Vec<_> = members.iter().map(|&member| with_threads(1, member).remove(0)).collect();
    for (member, alone) in members.iter().zip(&alone) {
        assert_eq!(with_threads(3, *member).remove(0), *alone);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut bank = Trainer::new(&small_cnn(), &members, &Device::Cpu).unwrap();
    // Epochs have two steps: in the middle of one, and at the end.
    for stop in [3, 6] {
        let interrupt = |progress: &super::super::Progress<'_>| {
            if progress.step >= stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert_eq!(bank.run(interrupt).unwrap(), Status::Interrupted);
        bank.checkpoint(folder.path()).unwrap();
        bank = Trainer::resume(folder.path(), &small_cnn(), &members, &Device::Cpu).unwrap();
    }
    train(&mut bank);
    assert_eq!(bits(&bank), alone);
    // The regime is part of what is resumed.
    let unweighted = TrainingConfig { balance: Balance::None, ..configs[0].clone() };
    let others = [Member { config: &unweighted, ..members[0] }, members[1], members[2]];
    let error = Trainer::resume(folder.path(), &small_cnn(), &others, &Device::Cpu).unwrap_err();
    assert!(error.to_string().contains("another regime in member 0"), "{error}");
}

#[test]
fn a_device_weighs_and_samples_as_the_cpu_does() {
    let Some(device) = cuda() else { return };
    let (training, validation) = (rare(70, 1), rare(30, 2));
    for balance in REMEDIES {
        let config = TrainingConfig { balance, ..short_honest(8) };
        let member = Member {
            training: &training,
            validation: Some(&validation),
            config: &config,
            seed: Seed::new(3),
        };
        let history = |device: &Device| {
            trained(&small_cnn(), member, device).models().unwrap().remove(0).summary.history
        };
        let (here, there) = (history(&Device::Cpu), history(&device));
        assert_eq!(here.len(), there.len());
        for (here, there) in here.iter().zip(&there) {
            let gap = |a: f64, b: f64| assert!((a - b).abs() < 1e-4 * a.abs().max(1.0), "{a} {b}");
            gap(here.training_loss, there.training_loss);
            gap(here.validation_loss.unwrap(), there.validation_loss.unwrap());
        }
    }
}
