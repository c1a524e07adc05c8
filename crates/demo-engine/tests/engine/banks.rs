//! Threads and banks change no bit; rows beyond a batch stay as they are.

use demo_engine::*;

use crate::common::*;

const LOSS: Objective = Objective::Loss(&Loss::CrossEntropy);

fn networks() -> [Network; 4] {
    [
        published("cnn", 47, 20, 0),
        published("rnn", 13, 0, 17),
        published("cnn-rnn", 13, 20, 16),
        attentive(27, 20, (3, 7)),
    ]
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for network in networks() {
        let case = Case::new(network, 2, 150, 31);
        let mode = Mode::Train { step: 9, seeds: &case.seeds };
        let outcomes: Vec<Outcome> = [1, 2, 5]
            .into_iter()
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| case.run(DType::F32, Route::Codes, LOSS, mode))
            })
            .collect();
        assert_eq!(outcomes[0], outcomes[1]);
        assert_eq!(outcomes[0], outcomes[2]);
    }
}

#[test]
fn a_plan_runs_in_a_larger_pool_than_it_was_made_in() {
    let case = Case::new(published("rnn", 13, 0, 8), 1, 150, 31);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let store = CodeStore::new(&case.codes, 13, &Device::Cpu).unwrap();
    let input = Input::Rows { store: &store, rows: &case.rows };
    let batch = Batch { input, size: case.size, labels: None, weights: None };
    let params = case.params(DType::F32);
    let mut plan =
        pool(1).install(|| Plan::new(&case.network, case.shape(), DType::F32, &Device::Cpu).unwrap());
    let mut run = |threads| {
        let mut logits = Buffer::zeros(&[1, case.size, 2], DType::F32, &Device::Cpu).unwrap();
        pool(threads).install(|| plan.run(&params, &batch, Task::Predict, &mut logits).unwrap());
        logits.to_f32().unwrap()
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn a_member_has_the_bits_it_has_alone() {
    for network in networks() {
        // More members than run together.
        let bank = Case::new(network.clone(), 10, 37, 37);
        let mode = Mode::Train { step: 9, seeds: &bank.seeds };
        let together = bank.run(DType::F32, Route::Codes, LOSS, mode);
        for member in [0, 3, 9] {
            fn part<T: Clone>(all: &[T], member: usize) -> Vec<T> {
                let size = all.len() / 10;
                all[member * size..][..size].to_vec()
            }
            let alone = Case {
                network: network.clone(),
                members: 1,
                size: 37,
                values: part(&bank.values, member),
                codes: bank.codes.clone(),
                rows: part(&bank.rows, member),
                labels: part(&bank.labels, member),
                weights: part(&bank.weights, member),
                seeds: part(&bank.seeds, member),
                device: Device::Cpu,
            };
            let mode = Mode::Train { step: 9, seeds: &alone.seeds };
            let outcome = alone.run(DType::F32, Route::Codes, LOSS, mode);
            assert_eq!(outcome.logits, part(&together.logits, member));
            assert_eq!(outcome.losses, part(&together.losses, member));
            assert_eq!(outcome.params, part(&together.params, member));
            assert_eq!(outcome.bases, part(&together.bases, member));
            assert_eq!(outcome.observed, part(&together.observed, member));
        }
    }
}

#[test]
fn a_sequence_has_the_same_logits_in_any_batch() {
    for network in networks() {
        let case = Case::new(network, 1, 40, 41);
        let store = CodeStore::new(&case.codes, case.network.length(), &Device::Cpu).unwrap();
        let mut plan = Plan::new(&case.network, case.shape(), DType::F32, &Device::Cpu).unwrap();
        let mut run = |rows: &[u32]| {
            let mut logits = Buffer::from_f32(&[7.0; 80], &[1, 40, 2], DType::F32, &Device::Cpu).unwrap();
            let input = Input::Rows { store: &store, rows };
            let batch = Batch { input, size: rows.len(), labels: None, weights: None };
            plan.run(&case.params(DType::F32), &batch, Task::Predict, &mut logits).unwrap();
            logits.to_f32().unwrap()
        };
        let all = run(&case.rows);
        for start in [0, 5, 33] {
            let some = run(&case.rows[start..start + 3]);
            assert_eq!(some[..6], all[start * 2..start * 2 + 6]);
            // Rows beyond the batch are left alone.
            assert!(some[6..].iter().all(|&x| x == 7.0));
        }
    }
}

#[test]
fn dropout_follows_seed_step_and_slot() {
    let case = Case::new(published("cnn", 47, 8, 0), 2, 20, 43);
    let run =
        |step, seeds: &[u64]| case.run(DType::F32, Route::Codes, LOSS, Mode::Train { step, seeds }).logits;
    let first = run(1, &[1, 2]);
    assert_eq!(first, run(1, &[1, 2]));
    assert_ne!(first, run(2, &[1, 2]));
    let other = run(1, &[1, 3]);
    assert_eq!(first[..40], other[..40]);
    assert_ne!(first[40..], other[40..]);
}
