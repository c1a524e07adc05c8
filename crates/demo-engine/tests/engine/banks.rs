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
fn rows_that_only_fill_a_batch_up_change_no_bit() {
    // More members than run together; no row of the last counts.
    let (sizes, most) = ([100, 72, 6, 41, 100, 17, 1, 96, 33, 0], 100);
    for network in networks() {
        let (l, count) = (network.length(), network.parameter_count());
        let bank = Case::new(network, sizes.len(), most, 37);
        let store = CodeStore::new(&bank.codes, l, &Device::Cpu).unwrap();
        // Losses and gradients of these members, with so many rows each.
        let run = |members: std::ops::Range<usize>, size: usize| {
            let shape = BankShape { members: members.len(), batch: most };
            let values = &bank.values[members.start * count..members.end * count];
            let case = Case { members: members.len(), values: values.to_vec(), ..bank.clone() };
            let mut plan = Plan::new(&bank.network, shape, DType::F32, &Device::Cpu).unwrap();
            let at = || members.clone().flat_map(|member| (0..size).map(move |row| (member, row)));
            let rows: Vec<u32> = at().map(|(member, row)| bank.rows[member * most + row]).collect();
            let labels: Vec<u8> = at().map(|(member, row)| bank.labels[member * most + row]).collect();
            let weight =
                |(member, row)| if row < sizes[member] { bank.weights[member * most + row] } else { 0.0 };
            let weights: Vec<f32> = at().map(weight).collect();
            let sevens = |shape: &[usize]| {
                let numbers = vec![7.0; shape.iter().product()];
                Buffer::from_f32(&numbers, shape, DType::F32, &Device::Cpu).unwrap()
            };
            let mut logits = sevens(&[members.len(), most, 2]);
            let mut gradient = sevens(&[members.len(), count]);
            let mut bases = sevens(&[members.len(), size, l, 4]);
            let input = Input::Rows { store: &store, rows: &rows };
            let batch = Batch { input, size, labels: Some(&labels), weights: Some(&weights) };
            let task = Task::Gradient {
                of: LOSS,
                mode: Mode::Train { step: 9, seeds: &bank.seeds[members.clone()] },
                params: Some(&mut gradient),
                input: Some(InputGradient::Bases(&mut bases)),
            };
            plan.run(&case.params(DType::F32), &batch, task, &mut logits).unwrap();
            (plan.losses().unwrap().to_vec(), gradient.to_f64().unwrap(), bases.to_f64().unwrap())
        };
        let (losses, gradients, bases) = run(0..sizes.len(), most);
        for (member, &size) in sizes.iter().enumerate() {
            let gradient = &gradients[member * count..][..count];
            let (own, filling) = bases[member * most * l * 4..][..most * l * 4].split_at(size * l * 4);
            assert!(filling.iter().all(|&number| number == 0.0));
            if size == 0 {
                assert!(losses[member] == 0.0 && gradient.iter().all(|&number| number == 0.0));
                continue;
            }
            let alone = run(member..member + 1, size);
            assert_eq!((alone.0[0], &alone.1[..], &alone.2[..]), (losses[member], gradient, own));
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
