//! Class optimisation over base probabilities: what sequences of the bound class look like to a model.
//!
//! The published method optimises any real numbers and clamps what comes out
//! ([`crate::ClassOptimiser`]). Here every step's positions are probabilities p = softmax(θ / τ), and
//!
//! `score(x) - price · Σ_i KL(p_i ‖ uniform)`
//!
//! is maximised over θ by Adam, the score being logit(bound) - logit(unbound). Where that is the
//! log-likelihood ratio ln P(x | bound) / P(x | uniform) and the price is 1, its expectation over p is
//! -KL(p ‖ P(· | bound)) but for a constant: the maximum is the product of independent columns that is
//! nearest the bound class, and where columns do not interact, the motif with its own frequencies.
//! What x is:
//!
//! | [`Relaxation`] | x | gradient |
//! |---|---|---|
//! | `Softmax` | p | exact |
//! | `StraightThrough` | a sequence drawn from p, anew at each step | that at x, taken for that at p (Bengio et al. 2013; for sequences Linder and Seelig 2021, who normalise θ, too) |
//! | `Annealed` | p, τ falling geometrically, so that it ends near one-hot; no price | exact |
//!
//! The price rises from 0 over the first half of the steps, as the score is flat where all bases are as
//! probable and no filter is active; the step length falls to 0 over the second, so that drawing averages
//! out. Restarts are one batch with a stream each. An optimum may hold its motif anywhere and on either
//! strand: [`crate::shared_motifs`] reads it off several. Cost: one gradient a step for all restarts.

use demo_core::{DnaSequence, ProbabilityMatrix, Seed};
use demo_models::{ModelInput, SequenceModel};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::ask;
use crate::error::check_setting;
use crate::relaxation::{
    divergence, divergence_gradient, draw, most_probable, to_logit_gradient, to_probabilities,
};
use crate::{Result, Target};

/// Adam's β1, β2 and ε.
const ADAM: (f64, f64, f64) = (0.9, 0.99, 1e-8);

/// How base probabilities become what the model sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relaxation {
    /// The probabilities themselves.
    Softmax,
    /// A sequence drawn from them.
    StraightThrough,
    /// The probabilities, at a temperature that falls until they are near one-hot.
    Annealed,
}

impl Relaxation {
    /// Every relaxation, in the order of the tables.
    pub const ALL: [Self; 3] = [Self::Softmax, Self::StraightThrough, Self::Annealed];

    /// The name as tables print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::StraightThrough => "straight-through",
            Self::Annealed => "annealed",
        }
    }
}

/// What class optimisation over base probabilities is run with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaxedConfig {
    /// What the model sees.
    pub relaxation: Relaxation,
    /// What a nat of divergence from uniform costs, in units of the score.
    pub price: f64,
    /// The temperature after the last step; it begins at 1.
    pub final_temperature: f64,
    /// Adam's step length.
    pub learning_rate: f64,
    /// Number of steps.
    pub steps: usize,
    /// Number of starting points, all optimised as one batch.
    pub restarts: usize,
    /// Standard deviation of the logits at the start.
    pub spread: f64,
    /// Every how many steps the objective is recorded.
    pub record_every: usize,
}

impl RelaxedConfig {
    /// The settings of a relaxation where nothing else is asked for.
    pub fn of(relaxation: Relaxation) -> Self {
        let annealed = relaxation == Relaxation::Annealed;
        Self {
            relaxation,
            price: if annealed { 0.0 } else { 1.0 },
            final_temperature: if annealed { 0.1 } else { 1.0 },
            learning_rate: 0.1,
            steps: 300,
            restarts: 16,
            spread: 1.0,
            record_every: 10,
        }
    }
}

/// The objective after some steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RelaxedIteration {
    /// Steps taken.
    pub step: usize,
    /// logit(bound) - logit(unbound) of what the model saw.
    pub score: f64,
    /// `Σ_i KL(p_i ‖ uniform)`, in nats.
    pub divergence: f64,
}

/// What one starting point led to.
#[derive(Debug, Clone, PartialEq)]
pub struct RelaxedOptimum {
    /// The base probabilities at the end, (l, 4).
    pub probabilities: ProbabilityMatrix,
    /// Score and divergence at the start and every so many steps.
    pub iterations: Vec<RelaxedIteration>,
    /// The score of the most probable sequence at the start.
    pub start_score: f32,
    /// The score of the most probable sequence at the end.
    pub score: f32,
}

/// Class optimisation over base probabilities with settings that were checked.
#[derive(Debug, Clone)]
pub struct RelaxedOptimiser {
    config: RelaxedConfig,
}

impl RelaxedOptimiser {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] at the first that is outside its range.
    pub fn new(config: RelaxedConfig) -> Result<Self> {
        let positive = |name, value: f64| check_setting(name, value, value > 0.0, "above 0");
        let counted = |name, value: usize| check_setting(name, value as f64, value > 0, "at least 1");
        check_setting("price", config.price, config.price >= 0.0, "at least 0")?;
        positive("final_temperature", config.final_temperature)?;
        positive("learning_rate", config.learning_rate)?;
        counted("steps", config.steps)?;
        counted("restarts", config.restarts)?;
        // Without differences at the start every restart would be the same, and their bases alike.
        positive("spread", config.spread)?;
        counted("record_every", config.record_every)?;
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &RelaxedConfig {
        &self.config
    }

    /// Optimises every restart; the first is the same however many follow it.
    ///
    /// # Errors
    /// Where the model fails or does not have two classes, and at a number that is not finite.
    pub fn run(&self, model: &mut dyn SequenceModel, seed: Seed) -> Result<Vec<RelaxedOptimum>> {
        let mut restarts: Vec<Restart> = (0..self.config.restarts)
            .map(|number| {
                Restart::new(seed.child(&format!("restart {number}")), model.length(), &self.config)
            })
            .collect();
        let start_scores = hard_scores(model, &restarts)?;
        for step in 0..self.config.steps {
            let (scores, bases) = self.slopes(model, &mut restarts)?;
            let each = bases.chunks_exact(model.length() * 4);
            for ((restart, score), slopes) in restarts.iter_mut().zip(scores).zip(each) {
                if step.is_multiple_of(self.config.record_every) {
                    restart.record(step, score);
                }
                restart.step(step, slopes, &self.config);
            }
        }
        let scores = hard_scores(model, &restarts)?;
        let optima = restarts.into_iter().zip(start_scores.into_iter().zip(scores));
        optima
            .map(|(restart, (start_score, score))| {
                let probabilities = ProbabilityMatrix::new(restart.probabilities)?.to_normalised();
                Ok(RelaxedOptimum { probabilities, iterations: restart.iterations, start_score, score })
            })
            .collect()
    }

    /// Scores (n) of what the model sees of each restart, and their gradients (n, l, 4).
    fn slopes(
        &self,
        model: &mut dyn SequenceModel,
        restarts: &mut [Restart],
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let n = restarts.len();
        if self.config.relaxation == Relaxation::StraightThrough {
            let drawn: demo_core::Result<Vec<DnaSequence>> =
                restarts.iter_mut().map(|r| draw(&r.probabilities, &mut r.stream)).collect();
            return ask::gradients(model, ModelInput::Hard(&drawn?), n, Target::Binding);
        }
        let input: Vec<f32> =
            restarts.iter().flat_map(|r| r.probabilities.iter().flatten()).map(|&p| p as f32).collect(); // (n, l, 4)
        ask::gradients(model, ModelInput::Soft(&input), n, Target::Binding)
    }
}

fn hard_scores(model: &mut dyn SequenceModel, restarts: &[Restart]) -> Result<Vec<f32>> {
    let sequences: demo_core::Result<Vec<DnaSequence>> =
        restarts.iter().map(|r| DnaSequence::from_codes(most_probable(&r.probabilities))).collect();
    ask::scores(model, ModelInput::Hard(&sequences?), restarts.len(), Target::Binding)
}

/// One starting point on its way.
struct Restart {
    logits: Vec<[f64; 4]>,
    probabilities: Vec<[f64; 4]>,
    /// Adam's first and second moments of each logit.
    moments: Vec<[(f64, f64); 4]>,
    temperature: f64,
    stream: ChaCha8Rng,
    iterations: Vec<RelaxedIteration>,
}

impl Restart {
    fn new(seed: Seed, length: usize, config: &RelaxedConfig) -> Self {
        let mut stream = seed.stream("start");
        let logits: Vec<[f64; 4]> =
            (0..length).map(|_| std::array::from_fn(|_| config.spread * normal(&mut stream))).collect();
        let probabilities = logits.iter().map(|row| to_probabilities(row, 1.0)).collect();
        Self {
            probabilities,
            moments: vec![[(0.0, 0.0); 4]; length],
            logits,
            temperature: 1.0,
            stream: seed.stream("draws"),
            iterations: Vec::new(),
        }
    }

    fn record(&mut self, step: usize, score: f32) {
        let divergence = self.probabilities.iter().map(divergence).sum();
        self.iterations.push(RelaxedIteration { step, score: score.into(), divergence });
    }

    /// One step of Adam up the objective, given the score's slopes (l, 4) at what the model saw.
    fn step(&mut self, step: usize, slopes: &[f32], config: &RelaxedConfig) {
        let done = step as f64 / config.steps as f64;
        let price = config.price * (2.0 * done).min(1.0);
        let rate = config.learning_rate * (2.0 - 2.0 * done).min(1.0);
        let (b1, b2, epsilon) = ADAM;
        let time = i32::try_from(step + 1).unwrap_or(i32::MAX);
        let (first, second) = (1.0 - b1.powi(time), 1.0 - b2.powi(time));
        let rows = self.logits.iter_mut().zip(&mut self.moments).zip(&self.probabilities);
        for (((logits, moments), p), slopes) in rows.zip(slopes.chunks_exact(4)) {
            let paid = divergence_gradient(p);
            let gradient = std::array::from_fn(|base| f64::from(slopes[base]) - price * paid[base]);
            let gradient = to_logit_gradient(p, &gradient, self.temperature);
            for ((logit, (m, v)), g) in logits.iter_mut().zip(moments).zip(gradient) {
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * g * g;
                *logit += rate * (*m / first) / ((*v / second).sqrt() + epsilon);
            }
        }
        self.temperature = config.final_temperature.powf((step + 1) as f64 / config.steps as f64);
        let temperature = self.temperature;
        self.probabilities = self.logits.iter().map(|row| to_probabilities(row, temperature)).collect();
    }
}

/// A standard normal number, by Box and Muller.
fn normal(stream: &mut ChaCha8Rng) -> f64 {
    use rand::Rng;
    // From (0, 1], so that the logarithm is finite.
    let radius = (-2.0 * (1.0 - stream.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{LogLinear, MaxScan, Toy, generous_weights, word_weights};

    const WORD: &str = "GATTACAGGC";

    fn short(relaxation: Relaxation) -> RelaxedConfig {
        RelaxedConfig { steps: 200, restarts: 3, ..RelaxedConfig::of(relaxation) }
    }

    fn linear() -> Toy<LogLinear> {
        Toy::new(WORD.len(), LogLinear { weights: word_weights(WORD), bias: -2.0 })
    }

    fn run(config: RelaxedConfig, seed: u64) -> Vec<RelaxedOptimum> {
        RelaxedOptimiser::new(config).unwrap().run(&mut linear(), Seed::new(seed)).unwrap()
    }

    #[test]
    fn every_relaxation_ends_above_its_start_and_finds_the_consensus() {
        for relaxation in Relaxation::ALL {
            for optimum in run(short(relaxation), 1) {
                assert!(optimum.score > optimum.start_score, "{relaxation:?} {optimum:?}");
                assert_eq!(optimum.probabilities.consensus(), WORD, "{relaxation:?}");
                // All ten letters, of 1 each, and the bias.
                assert!((optimum.score - 8.0).abs() < 1e-5);
                assert_eq!(optimum.iterations.len(), 20);
            }
        }
    }

    #[test]
    fn a_log_likelihood_ratio_gives_back_its_own_frequencies() {
        // score = Σ ln(q(x_i) / (1/4)) for a column q: the maximum at a price of 1 is q itself.
        let q = [0.55, 0.05, 0.3, 0.1];
        let weights = vec![q.map(|p: f64| (4.0 * p).ln() as f32); 6];
        for (relaxation, within) in [(Relaxation::Softmax, 0.01), (Relaxation::StraightThrough, 0.05)] {
            let mut model = Toy::new(6, LogLinear { weights: weights.clone(), bias: 0.0 });
            let optimiser = RelaxedOptimiser::new(RelaxedConfig { steps: 600, ..short(relaxation) }).unwrap();
            for optimum in optimiser.run(&mut model, Seed::new(4)).unwrap() {
                for row in optimum.probabilities.rows() {
                    for (found, wanted) in row.iter().zip(q) {
                        assert!((found - wanted).abs() < within, "{relaxation:?} {row:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn annealing_ends_near_one_hot() {
        for optimum in run(short(Relaxation::Annealed), 2) {
            for row in optimum.probabilities.rows() {
                assert!(row.iter().any(|&p| p > 0.99), "{row:?}");
            }
        }
    }

    #[test]
    fn columns_that_say_nothing_stay_uniform_where_they_are_paid_for() {
        let mut model = Toy::new(30, MaxScan { weights: generous_weights(WORD), bias: -4.0 });
        let optimiser = RelaxedOptimiser::new(short(Relaxation::Softmax)).unwrap();
        let optimum = &optimiser.run(&mut model, Seed::new(1)).unwrap()[0];
        let information = optimum.probabilities.information();
        let informative = information.iter().filter(|&&bits| bits > 0.3).count();
        assert_eq!(informative, WORD.len(), "{information:?}");
        assert!(information.iter().all(|&bits| !(0.05..0.3).contains(&bits)), "{information:?}");
    }

    #[test]
    fn restarts_are_one_batch_and_the_first_stays_the_same() {
        for relaxation in Relaxation::ALL {
            let few = RelaxedConfig { steps: 20, ..short(relaxation) };
            let three = run(few.clone(), 5);
            let one = run(RelaxedConfig { restarts: 1, ..few.clone() }, 5);
            assert_eq!((three.len(), &one[0]), (3, &three[0]));
            assert_ne!(three[0], three[1]);
            assert_eq!(run(few.clone(), 5), three);
            assert_ne!(run(few, 6), three);
        }
    }

    #[test]
    fn wrong_settings_are_named() {
        let config = RelaxedConfig { final_temperature: 0.0, ..RelaxedConfig::of(Relaxation::Annealed) };
        let error = RelaxedOptimiser::new(config).unwrap_err();
        assert_eq!(error.to_string(), "final_temperature: found 0, wanted above 0");
        let config = RelaxedConfig { price: f64::NAN, ..RelaxedConfig::of(Relaxation::Softmax) };
        assert!(RelaxedOptimiser::new(config).is_err());
        let config = RelaxedConfig { spread: 0.0, ..RelaxedConfig::of(Relaxation::Softmax) };
        assert!(RelaxedOptimiser::new(config).is_err());
    }
}
