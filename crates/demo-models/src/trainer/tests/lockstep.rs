//! Members that have ended are left out of the computation, and nothing else changes.

use std::ops::ControlFlow;

use demo_core::Seed;
use demo_engine::{AdamConfig, Device};

use super::{bits, planted, short_honest, small_cnn, small_rnn, train};
use crate::{Ending, Member, Schedule, Status, Trainer, TrainingConfig};

/// Members of 24, 8, 16 and 12 steps with a weight decay each, and one that ends at once by its loss.
fn configs() -> Vec<TrainingConfig> {
    let of = |(steps, weight_decay): (u64, f64)| {
        let config = short_honest(steps);
        TrainingConfig { adam: AdamConfig { weight_decay, ..config.adam }, ..config }
    };
    let mut configs: Vec<TrainingConfig> =
        [(24, 0.0), (8, 0.3), (16, 0.1), (12, 0.01), (24, 0.0)].map(of).to_vec();
    let lost = TrainingConfig {
        schedule: Schedule::Constant,
        learning_rate: 1e30,
        averaging: None,
        ..configs[4].clone()
    };
    configs[4] = lost;
    configs
}

#[test]
fn what_has_ended_is_left_out_and_no_bit_changes() {
    let (training, validation) = (planted(70, 1), planted(40, 2));
    let configs = configs();
    let members: Vec<Member> = configs
        .iter()
        .zip(3..)
        .map(|(config, seed)| Member {
            training: &training,
            validation: Some(&validation),
            config,
            seed: Seed::new(seed),
        })
        .collect();
    for architecture in [small_cnn(), small_rnn()] {
        let mut alone = Vec::new();
        for member in &members {
            let mut trainer = Trainer::new(&architecture, &[*member], &Device::Cpu).unwrap();
            train(&mut trainer);
            alone.extend(bits(&trainer));
        }
        let folder = tempfile::tempdir().unwrap();
        let mut bank = Trainer::new(&architecture, &members, &Device::Cpu).unwrap();
        let mut sizes = vec![bank.lockstep.members.clone()];
        // Interrupted at every third step, and taken up from the file.
        loop {
            let interrupt = |progress: &crate::Progress<'_>| match progress.step % 3 {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            };
            let status = bank.run(interrupt).unwrap();
            if *sizes.last().unwrap() != bank.lockstep.members {
                sizes.push(bank.lockstep.members.clone());
            }
            if status == Status::Finished {
                break;
            }
            bank.checkpoint(folder.path()).unwrap();
            bank = Trainer::resume(folder.path(), &architecture, &members, &Device::Cpu).unwrap();
            assert_eq!(*sizes.last().unwrap(), bank.lockstep.members);
        }
        assert_eq!(bits(&bank), alone, "{architecture:?}");
        assert_eq!(sizes[0], [0, 1, 2, 3, 4]);
        // What saturates survives any weight.
        let lost = bank.progress()[4].ending == Some(Ending::Diverged);
        assert_eq!(lost, architecture == small_cnn());
        let last: &[usize] = if lost { &[0] } else { &[0, 4] };
        // No member that has ended comes back.
        assert_eq!(sizes.last().unwrap(), last, "{sizes:?}");
        assert!(sizes.windows(2).all(|pair| pair[1].iter().all(|member| pair[0].contains(member))));
    }
}
