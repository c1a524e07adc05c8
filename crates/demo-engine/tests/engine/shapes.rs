//! Networks of any shape: vectors in `f32` against plain loops and packed products in `f64`.
//!
//! Activations are smooth and nothing is pooled by maxima, so that rounding moves no gradient to another place;
//! kinks and maxima are compared where the choice is known.

use demo_engine::*;
use proptest::prelude::*;

use crate::common::*;

/// Relative to the largest number of its kind.
const VALUES: f64 = 2e-5;
const GRADIENTS: f64 = 2e-4;

fn smooth() -> impl Strategy<Value = Layer> {
    let functions =
        [Activation::Sigmoid, Activation::Tanh, Activation::Softplus, Activation::Linear, Activation::Elu];
    prop::sample::select(functions.to_vec()).prop_map(activation)
}

fn convolved() -> impl Strategy<Value = Layer> {
    let padding = prop_oneof![Just(Padding::Valid), Just(Padding::Same)];
    (1usize..=300, 1usize..=31, padding).prop_map(|(filters, width, padding)| match padding {
        Padding::Same => convolution(filters, width / 2 * 2 + 1, Padding::Same),
        Padding::Valid => convolution(filters, width, Padding::Valid),
    })
}

/// What joins the positions, and what comes before it.
fn joined() -> impl Strategy<Value = Vec<Layer>> {
    let normalised = Layer::BatchNormalisation { epsilon: 1e-2, momentum: 0.1 };
    prop_oneof![
        Just(vec![]),
        Just(vec![Layer::MeanOverTime]),
        Just(vec![normalised, activation(Activation::Tanh), Layer::MeanOverTime]),
        (1usize..=5, 1usize..=40, 1usize..=3).prop_map(|(heads, size, layers)| {
            let mut list = vec![Layer::SelfAttention { heads, size }; layers];
            list.push(Layer::MeanOverTime);
            list
        }),
        (1usize..=70).prop_map(|hidden| vec![Layer::BidirectionalLstm { hidden }, Layer::MeanOverTime]),
    ]
}

fn networks() -> impl Strategy<Value = Network> {
    let dense = Layer::Dense { outputs: 2 };
    let layers = (convolved(), smooth(), prop::option::of((convolved(), smooth())), joined(), 0usize..8);
    layers.prop_filter_map(
        "windows longer than what they read",
        move |(first, function, second, joined, more)| {
            let mut layers = vec![first, function];
            layers.extend(second.into_iter().flat_map(|(layer, function)| [layer, DROP, function]));
            layers.extend(joined.into_iter().chain([dense]));
            Network::new(33 + more, layers).ok().filter(|network| network.parameter_count() < 600_000)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn single_precision_agrees_with_double(
        network in networks(), members in 1usize..4, size in 1usize..6, seed: u64, training: bool,
    ) {
        let mut case = Case::new(network, members, size, seed);
        // Sums over thousands of products stay where activations are not flat.
        case.values.iter_mut().for_each(|value| *value *= 0.1);
        let loss = Loss::CrossEntropy;
        let seeds = case.seeds.clone();
        let mode = if training { Mode::Train { step: 3, seeds: &seeds } } else { Mode::Evaluate };
        for route in [Route::Codes, Route::Soft] {
            let wanted = case.run(DType::F64, route, Objective::Loss(&loss), mode);
            let found = case.run(DType::F32, route, Objective::Loss(&loss), mode);
            for (what, found, wanted, bound) in [
                ("logits", &found.logits, &wanted.logits, VALUES),
                ("losses", &found.losses, &wanted.losses, VALUES),
                ("parameters", &found.params, &wanted.params, GRADIENTS),
                ("bases", &found.bases, &wanted.bases, GRADIENTS),
                ("observed", &found.observed, &wanted.observed, GRADIENTS),
            ] {
                // A batch whose rows are all the same is normalised to nothing: what is left is rounding.
                let largest = wanted.iter().fold(0.0f64, |most, x| most.max(x.abs()));
                let error = difference(found, wanted) * largest / largest.max(1e-4);
                prop_assert!(error < bound, "{what}: {error}");
            }
        }
    }
}
