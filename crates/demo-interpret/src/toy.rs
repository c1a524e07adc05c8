//! Models whose scores, gradients and optima are known on paper.

use demo_core::{DnaSequence, Seed};
use demo_models::{FirstLayer, InputGradients, ModelInput, Result, SequenceModel, TruncatedLogits};
use rand::Rng;

/// What a toy computes of one real-valued sequence: its score, and the score's gradient.
pub(crate) trait Score {
    fn score(&self, x: &[[f32; 4]]) -> (f32, Vec<[f32; 4]>);
}

/// A model of two classes with logits (-score / 2, score / 2).
pub(crate) struct Toy<S> {
    pub(crate) length: usize,
    pub(crate) score: S,
    pub(crate) recurrent: bool,
    pub(crate) filters: Option<Filters>,
}

impl<S: Score> Toy<S> {
    pub(crate) fn new(length: usize, score: S) -> Self {
        Self { length, score, recurrent: false, filters: None }
    }

    fn inputs(&self, input: ModelInput<'_>) -> Vec<Vec<[f32; 4]>> {
        match input {
            ModelInput::Hard(sequences) => sequences.iter().map(DnaSequence::to_one_hot).collect(),
            ModelInput::Soft(values) => values
                .chunks_exact(self.length * 4)
                .map(|x| x.chunks_exact(4).map(|x| [x[0], x[1], x[2], x[3]]).collect())
                .collect(),
        }
    }
}

impl<S: Score> SequenceModel for Toy<S> {
    fn length(&self) -> usize {
        self.length
    }

    fn classes(&self) -> usize {
        2
    }

    fn logits(&mut self, input: ModelInput<'_>) -> Result<Vec<f32>> {
        Ok(self.inputs(input).iter().flat_map(|x| logits(self.score.score(x).0)).collect())
    }

    fn input_gradients(&mut self, input: ModelInput<'_>, cotangent: &[f32]) -> Result<InputGradients> {
        let factor = (cotangent[1] - cotangent[0]) / 2.0;
        let found: Vec<_> = self.inputs(input).iter().map(|x| self.score.score(x)).collect();
        Ok(InputGradients {
            logits: found.iter().flat_map(|(score, _)| logits(*score)).collect(),
            bases: found.iter().flat_map(|(_, g)| g.iter().flatten().map(|g| g * factor)).collect(),
        })
    }

    fn truncated_logits(&mut self, sequences: &[DnaSequence]) -> Result<Option<TruncatedLogits>> {
        if !self.recurrent {
            return Ok(None);
        }
        let all: Vec<_> = sequences.iter().map(DnaSequence::to_one_hot).collect();
        let each = |span: Truncation| {
            let one = |x: &Vec<[f32; 4]>| -> Vec<f32> {
                (0..x.len()).flat_map(|i| logits(self.score.score(span(x, i)).0)).collect()
            };
            all.iter().flat_map(one).collect()
        };
        Ok(Some(TruncatedLogits { prefixes: each(|x, i| &x[..=i]), suffixes: each(|x, i| &x[i..]) }))
    }

    fn first_layer(&mut self, sequences: &[DnaSequence]) -> Result<Option<FirstLayer>> {
        Ok(self.filters.as_ref().map(|filters| filters.run(sequences, self.length)))
    }
}

/// Part of a sequence, up to or from a position.
type Truncation = fn(&[[f32; 4]], usize) -> &[[f32; 4]];

fn logits(score: f32) -> [f32; 2] {
    [-score / 2.0, score / 2.0]
}

/// score = bias + sum of weights · x.
pub(crate) struct LogLinear {
    pub(crate) weights: Vec<[f32; 4]>,
    pub(crate) bias: f32,
}

impl Score for LogLinear {
    fn score(&self, x: &[[f32; 4]]) -> (f32, Vec<[f32; 4]>) {
        (self.bias + dot(&self.weights, x), self.weights.clone())
    }
}

/// score = bias + the best placement of a matrix on either strand, `NEG_INFINITY`-free: a sequence
/// shorter than the matrix scores the bias.
pub(crate) struct MaxScan {
    pub(crate) weights: Vec<[f32; 4]>,
    pub(crate) bias: f32,
}

impl Score for MaxScan {
    fn score(&self, x: &[[f32; 4]]) -> (f32, Vec<[f32; 4]>) {
        let reverse: Vec<[f32; 4]> = self.weights.iter().rev().map(|&[a, c, g, t]| [t, g, c, a]).collect();
        let mut gradient = vec![[0.0; 4]; x.len()];
        let mut best = 0.0;
        for weights in [&self.weights, &reverse] {
            for (start, window) in x.windows(weights.len()).enumerate() {
                let score = dot(weights, window);
                if score > best {
                    best = score;
                    gradient.fill([0.0; 4]);
                    gradient[start..start + weights.len()].copy_from_slice(weights);
                }
            }
        }
        (self.bias + best, gradient)
    }
}

/// score = h(l), h(t) = decay · h(t - 1) + weights · x(t): in closed form Σ decay^(l - t) weights · x(t).
pub(crate) struct Leaky {
    pub(crate) weights: [f32; 4],
    pub(crate) decay: f32,
}

impl Score for Leaky {
    fn score(&self, x: &[[f32; 4]]) -> (f32, Vec<[f32; 4]>) {
        let state = x.iter().fold(0.0, |h, x| self.decay * h + dot(&[self.weights], &[*x]));
        let gradient = (0..x.len())
            .map(|t| self.weights.map(|w| w * self.decay.powi(i32::try_from(x.len() - 1 - t).unwrap())));
        (state, gradient.collect())
    }
}

/// Rectified matches of words: 1 for each base that agrees, minus all but one of the word.
pub(crate) struct Filters {
    pub(crate) words: Vec<DnaSequence>,
    pub(crate) padding: usize,
}

impl Filters {
    fn run(&self, sequences: &[DnaSequence], length: usize) -> FirstLayer {
        let width = self.words[0].len();
        let positions = length + 2 * self.padding + 1 - width;
        let mut activations = Vec::new();
        for sequence in sequences {
            for position in 0..positions {
                for word in &self.words {
                    let agree = (0..width).filter(|i| {
                        let base = (position + i).checked_sub(self.padding);
                        let code = base.and_then(|b| sequence.as_codes().get(b));
                        code == Some(&word.as_codes()[*i])
                    });
                    activations.push((agree.count() as f32 + 1.0 - width as f32).max(0.0));
                }
            }
        }
        FirstLayer { activations, positions, filters: self.words.len(), width, padding: self.padding }
    }
}

/// Weights of 1 for the word's bases and -1 for the others.
pub(crate) fn word_weights(word: &str) -> Vec<[f32; 4]> {
    let one_hot = word.parse::<DnaSequence>().unwrap().to_one_hot();
    one_hot.into_iter().map(|row| row.map(|x| 2.0 * x - 1.0)).collect()
}

/// Weights of 2 for the word's bases and -1/2 for the others: a word that is worth more than its
/// information, and of which some window of any sequence holds enough to be seen.
pub(crate) fn generous_weights(word: &str) -> Vec<[f32; 4]> {
    word_weights(word).into_iter().map(|row| row.map(|w| if w > 0.0 { 2.0 } else { -0.5 })).collect()
}

/// Random sequences of equal base frequencies.
pub(crate) fn random_sequences(n: usize, length: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut stream = Seed::new(seed).stream("toy sequences");
    (0..n).map(|_| (0..length).map(|_| stream.random_range(0..4)).collect()).collect()
}

/// Random sequences with a word planted at a random place, on the reverse strand in every other one;
/// with them where each site starts.
pub(crate) fn planted(
    word: &str,
    n: usize,
    length: usize,
    both_strands: bool,
    seed: u64,
) -> (Vec<DnaSequence>, Vec<usize>) {
    let forward: DnaSequence = word.parse().unwrap();
    let reverse = forward.to_reverse_complement();
    let mut stream = Seed::new(seed).stream("toy sites");
    let plant = |(i, mut codes): (usize, Vec<u8>)| {
        let start = stream.random_range(0..=length - word.len());
        let word = if both_strands && i % 2 == 1 { &reverse } else { &forward };
        codes[start..start + word.len()].copy_from_slice(word.as_codes());
        (DnaSequence::from_codes(codes).unwrap(), start)
    };
    random_sequences(n, length, seed).into_iter().enumerate().map(plant).unzip()
}

fn dot(weights: &[[f32; 4]], x: &[[f32; 4]]) -> f32 {
    weights.iter().flatten().zip(x.iter().flatten()).map(|(w, x)| w * x).sum()
}
