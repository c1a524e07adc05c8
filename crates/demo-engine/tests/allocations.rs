//! A run allocates nothing once its plan has run before.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use demo_engine::*;

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator with its own arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SIZE: usize = 40;

fn networks() -> [Network; 5] {
    let relu = Layer::Activation { function: Activation::Relu };
    let drop = Layer::Dropout { rate: 0.5 };
    let pool = Layer::MaxPool { width: 2 };
    let lstm = Layer::BidirectionalLstm { hidden: 16 };
    let dense = Layer::Dense { outputs: 2 };
    let convolution = |width, padding| Layer::Convolution { filters: 20, width, padding };
    let valid = |width| convolution(width, Padding::Valid);
    let attention = Layer::SelfAttention { heads: 2, size: 8 };
    let norm = Layer::BatchNormalisation { epsilon: 1e-3, momentum: 0.1 };
    [
        vec![valid(9), relu, pool, drop, valid(3), relu, drop, Layer::GlobalMaxPool, dense],
        vec![lstm, drop, Layer::MeanOverTime, dense],
        vec![convolution(9, Padding::Same), relu, lstm, drop, Layer::MeanOverTime, dense],
        vec![valid(5), norm, relu, Layer::GlobalMaxPool, dense],
        vec![valid(9), relu, pool, drop, attention, Layer::GlobalMaxPool, dense],
    ]
    .map(|layers| Network::new(41, layers).unwrap())
}

/// Allocations of a call after some equal ones; rayon's queues, too, have then reached their size.
fn steady(mut call: impl FnMut()) -> usize {
    (0..3).for_each(|_| call());
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    call();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

fn check(network: &Network) {
    let (l, count) = (network.length(), network.parameter_count());
    let zeros = |shape: &[usize]| Buffer::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let mut params = Params::zeros(network, 1, DType::F32, &Device::Cpu).unwrap();
    let store = CodeStore::new(&vec![2; SIZE * l], l, &Device::Cpu).unwrap();
    let rows: Vec<u32> = (0..SIZE as u32).collect();
    let labels = vec![1; SIZE];
    let input = Input::Rows { store: &store, rows: &rows };
    let batch = Batch { input, size: SIZE, labels: Some(&labels), weights: None };
    let shape = BankShape { members: 1, batch: SIZE };
    let mut plan = Plan::new(network, shape, DType::F32, &Device::Cpu).unwrap();
    let mut adam = Adam::new(AdamConfig::default(), &params).unwrap();
    let (mut logits, mut gradient) = (zeros(&[1, SIZE, 2]), zeros(&[1, count]));
    let (mut bases, mut mutants) = (zeros(&[1, SIZE, l, 4]), zeros(&[1, SIZE, l, 4, 2]));
    let train = steady(|| {
        let mode = Mode::Train { step: 1, seeds: &[1] };
        let of = Objective::Loss(&Loss::CrossEntropy);
        let task = Task::Gradient { of, mode, params: Some(&mut gradient), input: None };
        plan.run(&params, &batch, task, &mut logits).unwrap();
        adam.step(&mut params, &gradient, &[1e-3], &[true]).unwrap();
    });
    assert_eq!(train, 0, "a training step");
    let predict = steady(|| plan.run(&params, &batch, Task::Predict, &mut logits).unwrap());
    assert_eq!(predict, 0, "a prediction");
    let saliency = steady(|| {
        let (of, input) = (Objective::Logit(1), Some(InputGradient::Bases(&mut bases)));
        let task = Task::Gradient { of, mode: Mode::Evaluate, params: None, input };
        plan.run(&params, &batch, task, &mut logits).unwrap();
    });
    assert_eq!(saliency, 0, "an input gradient");
    let mutagenesis = steady(|| {
        plan.run(&params, &batch, Task::Mutants { mutants: &mut mutants }, &mut logits).unwrap();
    });
    assert_eq!(mutagenesis, 0, "mutants");
}

// One test: the counter is the process's own.
#[test]
fn a_plan_that_has_run_allocates_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for network in networks() {
        pool.install(|| check(&network));
    }
}
