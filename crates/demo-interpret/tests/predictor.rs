//! Explanations of real networks: a convolution whose filters were set by hand, and small recurrent
//! networks with random weights.

#![expect(clippy::unwrap_used, reason = "a fixture that fails should fail its test")]

use demo_core::{DnaSequence, Motif, Seed};
use demo_interpret::{
    ClassOptimisationConfig, ClassOptimiser, ClassQueryConfig, FilterConfig, FilterFinder, FilterOutcome,
    Gradients, SaliencyQueryConfig, class_optimisation_queries, filter_queries, saliency, saliency_queries,
    site_mask, temporal_scores,
};
use demo_models::{
    Architecture, CnnConfig, CnnRnnConfig, ConvolutionBlock, DType, Device, LstmStart, ModelInput, Params,
    Predictor, RnnConfig, SequenceModel, Strands,
};
use rand::Rng;

const WORD: &str = "TGATTACGC";
const LENGTH: usize = 40;

/// Four filters of nine bases: the word, the word on the other strand, one that is never active, and one
/// that fires on poly-A and tells nothing. The score is what the first two say, minus 1.
fn scanner(strands: Strands) -> Predictor {
    network(strands, -1.0, -6.0)
}

/// The same filters with what they add for another letter than theirs, and the bias of the first two.
fn network(strands: Strands, mismatch: f32, bias: f32) -> Predictor {
    let block = ConvolutionBlock { filters: 4, width: 9, pool: 1 };
    let architecture =
        Architecture::Cnn(CnnConfig { blocks: vec![block], dropout: 0.0, ..CnnConfig::default() });
    let network = architecture.network(LENGTH).unwrap();
    let word: DnaSequence = WORD.parse().unwrap();
    let words = [word.clone(), word.to_reverse_complement(), word, "AAAAAAAAA".parse().unwrap()];
    let mut weights = Vec::new(); // (width, 4, filters)
    for position in 0..9 {
        for base in 0..4 {
            for word in &words {
                weights.push(if word.as_codes()[position] == base { 1.0 } else { mismatch });
            }
        }
    }
    let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
    params.set(0, "layer0.weight", &weights).unwrap();
    params.set(0, "layer0.bias", &[bias, bias, -100.0, -3.0]).unwrap();
    params.set(0, "layer3.weight", &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]).unwrap(); // (filters, 2)
    params.set(0, "layer3.bias", &[1.0, 0.0]).unwrap();
    Predictor::new(&network, &params, strands, &Device::Cpu).unwrap()
}

/// Random sequences with the word planted, on the reverse strand in every other one, and where.
fn planted(n: usize) -> (Vec<DnaSequence>, Vec<usize>) {
    let word: DnaSequence = WORD.parse().unwrap();
    let mut stream = Seed::new(1).stream("planted");
    let mut plant = |i: usize| {
        let mut codes: Vec<u8> = (0..LENGTH).map(|_| stream.random_range(0..4)).collect();
        let start = stream.random_range(0..=LENGTH - word.len());
        let site = if i.is_multiple_of(2) { word.clone() } else { word.to_reverse_complement() };
        codes[start..start + word.len()].copy_from_slice(site.as_codes());
        (DnaSequence::from_codes(codes).unwrap(), start)
    };
    (0..n).map(&mut plant).unzip()
}

fn on_either_strand(motif: &Motif) -> bool {
    let matrix = motif.probabilities();
    [matrix.consensus(), matrix.to_reverse_complement().consensus()].iter().any(|c| c.contains(WORD))
}

/// Whether the word's letters hold this much of some window, on either strand.
fn holds(motif: &Motif, least: f64) -> bool {
    let word: DnaSequence = WORD.parse().unwrap();
    let matrix = motif.probabilities();
    let word_at = |rows: &[[f64; 4]]| {
        rows.iter().zip(word.as_codes()).all(|(row, &code)| row[usize::from(code)] >= least)
    };
    let turned = matrix.to_reverse_complement();
    [matrix, &turned].iter().any(|matrix| matrix.rows().windows(word.len()).any(word_at))
}

#[test]
fn filters_give_the_motif_they_were_set_to() {
    let (sequences, starts) = planted(60);
    let found = FilterFinder::new(FilterConfig::default()).unwrap();
    let found = found.find(&mut scanner(Strands::Forward), &sequences).unwrap().unwrap();
    assert_eq!(found.len(), 4);
    for (filter, strand) in [(0, 0), (1, 1)] {
        assert!(on_either_strand(found[filter].motif().unwrap()), "{found:?}");
        assert_eq!(found[filter].sites.len(), 30);
        for site in &found[filter].sites {
            assert_eq!(site.sequence % 2, strand);
            assert_eq!(site.start, starts[site.sequence].cast_signed());
        }
    }
    assert_eq!(found[2].outcome, FilterOutcome::Silent);
    assert!(filter_queries(&found).iter().all(|query| query.motif.id() != "filter_2"));
}

#[test]
fn saliency_marks_the_sites_and_gives_the_motif() {
    let (sequences, starts) = planted(60);
    for strands in [Strands::Forward, Strands::Both] {
        let maps = saliency(&mut scanner(strands), &sequences).unwrap();
        for (map, &start) in maps.iter().zip(&starts) {
            let span = start..start + WORD.len();
            let mask = site_mask(LENGTH, std::slice::from_ref(&span)).unwrap();
            let inside = map.scores().iter().zip(&mask).filter(|(_, inside)| **inside);
            assert!(inside.map(|(score, _)| score).sum::<f32>() >= 9.0, "{map:?}");
        }
        let queries = saliency_queries(&sequences, &maps, &SaliencyQueryConfig::default()).unwrap();
        assert!(on_either_strand(&queries[0].motif), "{queries:?}");
        assert!(queries[0].sites.unwrap() >= 58);
    }
}

#[test]
fn gradients_are_slopes_of_the_score() {
    // An input without ties, at which the score is a sum of two linear pieces: slopes are exact.
    let (sequences, _) = planted(2);
    for strands in [Strands::Forward, Strands::Both] {
        let mut model = scanner(strands);
        let gradients = Gradients::new(&mut model, &sequences[..1]).unwrap();
        let map = &gradients.signed().unwrap()[0];
        let slopes = map.base_scores().unwrap();
        let input: Vec<f32> = sequences[0].to_one_hot().into_iter().flatten().collect();
        let mut score = |input: &[f32]| {
            let logits = model.logits(ModelInput::Soft(input)).unwrap();
            logits[1] - logits[0]
        };
        assert!((score(&input) - gradients.scores()[0]).abs() < 1e-5);
        for (i, slope) in slopes.iter().flatten().enumerate() {
            let moved = |by: f32| {
                let mut input = input.clone();
                input[i] += by;
                input
            };
            let difference = (score(&moved(0.125)) - score(&moved(-0.125))) / 0.25;
            assert!((difference - slope).abs() < 1e-4, "{i}: {difference} {slope}");
        }
    }
}

#[test]
fn class_optimisation_finds_the_word() {
    let config = ClassOptimisationConfig { steps: 300, ..ClassOptimisationConfig::default() };
    let optimiser = ClassOptimiser::new(config).unwrap();
    for strands in [Strands::Forward, Strands::Both] {
        // Filters that are active already where all letters are as likely: others have no gradient there.
        let mut model = network(strands, -1.0 / 3.0, -1.0);
        let optima = optimiser.run(&mut model, Seed::new(2)).unwrap();
        let first = optima[0].iterations[0].objective();
        assert!(optima[0].objective() < first && optima[0].score > 0.0);
        let queries =
            class_optimisation_queries(&optima[0].probabilities, &ClassQueryConfig::default()).unwrap();
        assert_eq!(queries[0].width, LENGTH);
        // Sites of both strands may overlap, so that two letters share a position.
        assert!(holds(&queries[0].motif, 0.4), "{}", queries[0].motif.probabilities().consensus());
        assert!(queries[1..].iter().any(|query| holds(&query.motif, 0.4)), "{queries:?}");
    }
}

#[test]
fn temporal_scores_are_those_of_the_network_on_truncated_sequences() {
    let architecture = Architecture::Rnn(RnnConfig { hidden: 3, ..RnnConfig::default() });
    let length = 9;
    let network = architecture.network(length).unwrap();
    let params = architecture
        .initial_parameters(&network, &[Seed::new(3)], LstmStart::Published, &Device::Cpu)
        .unwrap();
    let sequences: [DnaSequence; 2] = ["ACGTNACGA".parse().unwrap(), "TTGACCATG".parse().unwrap()];
    for strands in [Strands::Forward, Strands::Both] {
        let mut whole = Predictor::new(&network, &params, strands, &Device::Cpu).unwrap();
        let scores = temporal_scores(&mut whole, &sequences).unwrap().unwrap();
        for i in 0..length {
            for (scores, sequence) in scores.iter().zip(&sequences) {
                let run = |codes: &[u8]| {
                    let network = architecture.network(codes.len()).unwrap();
                    let mut part = Predictor::new(&network, &params, strands, &Device::Cpu).unwrap();
                    part.probabilities(&[DnaSequence::from_codes(codes).unwrap()]).unwrap()[0]
                };
                let codes = sequence.as_codes();
                assert!((scores.prefix[i] - run(&codes[..=i])).abs() < 1e-6, "{i}");
                assert!((scores.suffix[i] - run(&codes[i..])).abs() < 1e-6, "{i}");
            }
        }
    }
}

#[test]
fn networks_that_begin_with_a_convolution_look_ahead() {
    let config = CnnRnnConfig { filters: 4, hidden: 3, ..CnnRnnConfig::default() };
    let architecture = Architecture::CnnRnn(config);
    let network = architecture.network(15).unwrap();
    let params = architecture
        .initial_parameters(&network, &[Seed::new(4)], LstmStart::Published, &Device::Cpu)
        .unwrap();
    let mut model = Predictor::new(&network, &params, Strands::Forward, &Device::Cpu).unwrap();
    let sequence: DnaSequence = "ACGTACGGATTACAG".parse().unwrap();
    let all = [sequence];
    let scores = temporal_scores(&mut model, &all).unwrap().unwrap();
    assert_eq!(scores[0].lookahead, 4);
    let whole = model.probabilities(&all).unwrap()[0];
    assert!((scores[0].prefix[14] - whole).abs() < 1e-6);
    assert!((scores[0].suffix[0] - whole).abs() < 1e-6);
    assert!(temporal_scores(&mut scanner(Strands::Forward), &planted(1).0).unwrap().is_none());
}
