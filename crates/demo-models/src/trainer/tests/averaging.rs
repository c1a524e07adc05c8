//! Moving averages of the weights: without bias, evaluated in the weights' place, one for each member.

use demo_core::Seed;
use demo_engine::Device;

use super::*;

#[test]
fn the_first_weights_have_no_share_in_an_average() {
    let training = planted(40, 1);
    let config = TrainingConfig { averaging: Some(0.99), ..short_published() };
    let member = Member { training: &training, validation: None, config: &config, seed: Seed::new(3) };
    let trainer = Trainer::new(&small_cnn(), &[member], &Device::Cpu).unwrap();
    let kept = |steps: u64| -> f64 {
        (1..=steps).map(|step| 1.0 - f64::from(trainer.members[0].average_part(step))).product()
    };
    // 9! 100! / 109! and 9! 10! / 19!, by Python's math.factorial; parts are rounded to f32.
    assert!((kept(100) / 2.345_534e-13 - 1.0).abs() < 1e-3, "{}", kept(100));
    assert!((kept(10) * 92_378.0 - 1.0).abs() < 1e-4, "{}", kept(10));
    // In the long run it is the moving average asked for.
    assert_eq!(trainer.members[0].average_part(5_000), 1.0 - 0.99f32);
}

/// The weights after each step, and what is kept, of a training evaluated at every step.
fn history(averaging: Option<f64>) -> (Vec<f64>, f64) {
    let (training, validation) = (planted(70, 1), planted(40, 2));
    let config = TrainingConfig {
        averaging,
        selection: crate::Selection::Last,
        evaluate_every: Interval::Steps(1),
        patience: None,
        ..short_honest(12)
    };
    let member =
        Member { training: &training, validation: Some(&validation), config: &config, seed: Seed::new(3) };
    let kept = trained(&small_cnn(), member, &Device::Cpu).model(0).unwrap();
    let codes =
        validation.codes().chunks(LENGTH).map(|codes| DnaSequence::from_codes(codes.to_vec()).unwrap());
    let sequences: Vec<DnaSequence> = codes.collect();
    let scores = kept.predictor(&Device::Cpu).unwrap().scores(&sequences).unwrap();
    let loss = |(&score, &label): (&f32, &u8)| {
        let other = if label == 1 { -f64::from(score) } else { f64::from(score) };
        other.exp().ln_1p()
    };
    let loss = scores.iter().zip(validation.labels()).map(loss).sum::<f64>() / scores.len() as f64;
    let losses = kept.summary.history.iter().map(|look| look.validation_loss.unwrap()).collect();
    (losses, loss)
}

#[test]
fn the_average_is_what_is_validated_and_kept() {
    let (raw, raw_kept) = history(None);
    let (averaged, averaged_kept) = history(Some(0.9));
    assert!((raw.last().unwrap() - raw_kept).abs() < 1e-6, "{raw:?} {raw_kept}");
    assert!((averaged.last().unwrap() - averaged_kept).abs() < 1e-6, "{averaged:?} {averaged_kept}");
    assert!(raw.iter().zip(&averaged).all(|(raw, averaged)| raw != averaged), "{raw:?}");
    // A decay of nothing follows the weights at every step.
    assert_eq!(history(Some(0.0)), (raw, raw_kept));
}

#[test]
fn members_of_a_bank_have_an_average_each_and_resume_with_the_same_bits() {
    let (training, validation) = (planted(70, 1), planted(40, 2));
    let configs =
        [None, Some(0.9), Some(0.5)].map(|averaging| TrainingConfig { averaging, ..short_honest(20) });
    let members = [0, 1, 2].map(|at| Member {
        training: &training,
        validation: Some(&validation),
        config: &configs[at],
        seed: Seed::new(3),
    });
    let folder = tempfile::tempdir().unwrap();
    let mut bank = Trainer::new(&small_cnn(), &members, &Device::Cpu).unwrap();
    for stop in [3, 9] {
        let interrupt = |progress: &super::super::Progress<'_>| {
            if progress.step >= stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert_eq!(bank.run(interrupt).unwrap(), Status::Interrupted);
        bank.checkpoint(folder.path()).unwrap();
        bank = Trainer::resume(folder.path(), &small_cnn(), &members, &Device::Cpu).unwrap();
    }
    train(&mut bank);
    let together = bits(&bank);
    for (member, together) in members.iter().zip(&together) {
        let mut alone = Trainer::new(&small_cnn(), &[*member], &Device::Cpu).unwrap();
        train(&mut alone);
        assert_eq!(bits(&alone).remove(0), *together);
    }
    assert!(together[0] != together[1] && together[1] != together[2]);
}
