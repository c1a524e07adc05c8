//! Class optimisation: the input that a model takes for the most typical bound sequence.
//!
//! As Lanchantin et al. 2017 (after Simonyan et al. 2013) do it: find the real-valued X (l × 4) that
//! minimises NLL(bound) + λ ‖X‖², from U(0, 1), by `RMSprop` as Torch's `optim.rmsprop` has it,
//!
//! m ← α m + (1 - α) g²,  X ← X - η g / (√m + ε),
//!
//! with g = (P(bound) - 1) d(logit(bound) - logit(unbound)) / dX + 2 λ X and m = 0 at the start. Then X
//! is clamped to \[0, 1\], divided by its maximum, raised by a floor, and each position divided by its
//! sum. An X without a positive entry gives uniform positions. Dropout is off.
//!
//! Cost: one gradient a step for all restarts together, 1,000 steps as published.

use demo_core::{ProbabilityMatrix, Seed};
use demo_models::{ModelInput, SequenceModel};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::ask;
use crate::error::check_setting;
use crate::target::probability;
use crate::{Result, Target};

/// What class optimisation is run with; the default is as published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassOptimisationConfig {
    /// λ, the price of ‖X‖².
    pub penalty: f32,
    /// η, the step length.
    pub learning_rate: f32,
    /// α, how slowly the mean square of the gradient is forgotten.
    pub decay: f32,
    /// ε, which keeps the division finite.
    pub epsilon: f32,
    /// Number of steps.
    pub steps: usize,
    /// Number of starting points, all optimised as one batch.
    pub restarts: usize,
    /// Every how many steps the objective is recorded.
    pub record_every: usize,
    /// What every entry is raised by before positions are normalised.
    pub floor: f64,
}

impl Default for ClassOptimisationConfig {
    fn default() -> Self {
        Self {
            penalty: 0.009,
            learning_rate: 0.05,
            decay: 0.99,
            epsilon: 1e-8,
            steps: 1000,
            restarts: 1,
            record_every: 10,
            floor: 0.01,
        }
    }
}

/// The objective after some steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// Steps taken.
    pub step: usize,
    /// NLL(bound).
    pub loss: f64,
    /// λ ‖X‖².
    pub penalty: f64,
}

impl Iteration {
    /// What is minimised: loss plus penalty.
    pub fn objective(&self) -> f64 {
        self.loss + self.penalty
    }
}

/// What one starting point led to.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassOptimum {
    /// The optimised input itself, (l, 4).
    pub input: Vec<[f32; 4]>,
    /// The input clamped, scaled and normalised, (l, 4).
    pub probabilities: ProbabilityMatrix,
    /// The objective at the start, every so many steps, and at the end.
    pub iterations: Vec<Iteration>,
    /// logit(bound) - logit(unbound) of the optimised input.
    pub score: f32,
}

impl ClassOptimum {
    /// The objective at the end.
    pub fn objective(&self) -> f64 {
        self.iterations.last().map_or(f64::INFINITY, Iteration::objective)
    }
}

/// Class optimisation with settings that were checked.
#[derive(Debug, Clone)]
pub struct ClassOptimiser {
    config: ClassOptimisationConfig,
}

impl ClassOptimiser {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] at the first that is outside its range.
    pub fn new(config: ClassOptimisationConfig) -> Result<Self> {
        let positive = |name, value: f32| check_setting(name, value.into(), value > 0.0, "above 0");
        let counted = |name, value: usize| check_setting(name, value as f64, value > 0, "at least 1");
        let fraction = "at least 0, below 1";
        check_setting("penalty", config.penalty.into(), config.penalty >= 0.0, "at least 0")?;
        positive("learning rate", config.learning_rate)?;
        check_setting("decay", config.decay.into(), (0.0..1.0).contains(&config.decay), fraction)?;
        positive("epsilon", config.epsilon)?;
        counted("steps", config.steps)?;
        counted("restarts", config.restarts)?;
        counted("record_every", config.record_every)?;
        check_setting("floor", config.floor, config.floor > 0.0, "above 0")?;
        Ok(Self { config })
    }

    /// The settings.
    pub fn config(&self) -> &ClassOptimisationConfig {
        &self.config
    }

    /// Optimises every restart; the first is the same however many follow it.
    ///
    /// # Errors
    /// Where the model fails or does not have two classes, and at a number that is not finite.
    pub fn run(&self, model: &mut dyn SequenceModel, seed: Seed) -> Result<Vec<ClassOptimum>> {
        let (n, length) = (self.config.restarts, model.length());
        let mut stream = seed.stream("class optimisation");
        let mut input: Vec<f32> = (0..n * length * 4).map(|_| stream.random()).collect(); // (n, l, 4)
        let mut mean_square = vec![0.0; input.len()]; // (n, l, 4)
        let mut iterations = vec![Vec::new(); n];
        for step in 0..self.config.steps {
            let (scores, bases) = ask::gradients(model, ModelInput::Soft(&input), n, Target::Binding)?;
            if step.is_multiple_of(self.config.record_every) {
                self.record(step, &scores, &input, &mut iterations);
            }
            self.step(&scores, &bases, &mut input, &mut mean_square);
        }
        let scores = ask::scores(model, ModelInput::Soft(&input), n, Target::Binding)?;
        self.record(self.config.steps, &scores, &input, &mut iterations);
        let optima = input.chunks_exact(length * 4).zip(scores).zip(iterations);
        optima
            .map(|((input, score), iterations)| {
                let input: Vec<[f32; 4]> = input.chunks_exact(4).map(|x| [x[0], x[1], x[2], x[3]]).collect(); // (l, 4)
                let probabilities = to_probabilities(&input, self.config.floor)?;
                Ok(ClassOptimum { input, probabilities, iterations, score })
            })
            .collect()
    }

    /// One step of `RMSprop` for every restart.
    fn step(&self, scores: &[f32], bases: &[f32], input: &mut [f32], mean_square: &mut [f32]) {
        let config = &self.config;
        let each = input.len() / scores.len();
        for (i, (x, m)) in input.iter_mut().zip(mean_square).enumerate() {
            // P(bound) - 1 is minus P(unbound), which keeps its digits where P(bound) is near 1.
            let residual = -probability(-scores[i / each]);
            let g = residual * bases[i] + 2.0 * config.penalty * *x;
            *m = config.decay * *m + (1.0 - config.decay) * g * g;
            *x -= config.learning_rate * g / (m.sqrt() + config.epsilon);
        }
    }

    fn record(&self, step: usize, scores: &[f32], input: &[f32], iterations: &mut [Vec<Iteration>]) {
        let each = input.len() / scores.len();
        for ((x, &score), iterations) in input.chunks_exact(each).zip(scores).zip(iterations) {
            let square: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let penalty = f64::from(self.config.penalty) * square;
            iterations.push(Iteration { step, loss: negative_log_likelihood(score), penalty });
        }
    }
}

/// The restart with the smallest objective; the first of equals.
pub fn best_optimum(optima: &[ClassOptimum]) -> Option<&ClassOptimum> {
    optima.iter().reduce(|best, next| if next.objective() < best.objective() { next } else { best })
}

/// log(1 + exp(-score)), which is NLL(bound), without overflow.
fn negative_log_likelihood(score: f32) -> f64 {
    let score = f64::from(score);
    (-score.abs()).exp().ln_1p() + (-score).max(0.0)
}

fn to_probabilities(input: &[[f32; 4]], floor: f64) -> Result<ProbabilityMatrix> {
    let clamped: Vec<[f64; 4]> = input.iter().map(|row| row.map(|x| f64::from(x).clamp(0.0, 1.0))).collect();
    let maximum = clamped.iter().flatten().copied().fold(0.0, f64::max);
    let scale = if maximum > 0.0 { maximum.recip() } else { 0.0 };
    let normalised = |row: &[f64; 4]| {
        let raised = row.map(|x| x * scale + floor);
        let sum: f64 = raised.iter().sum();
        raised.map(|x| x / sum)
    };
    Ok(ProbabilityMatrix::new(clamped.iter().map(normalised).collect())?)
}

#[cfg(test)]
mod tests {
    use demo_core::DnaSequence;

    use super::*;
    use crate::toy::{LogLinear, Toy, word_weights};

    fn model(word: &str) -> Toy<LogLinear> {
        Toy::new(word.len(), LogLinear { weights: word_weights(word), bias: -2.0 })
    }

    fn run(config: ClassOptimisationConfig, seed: u64) -> Vec<ClassOptimum> {
        let optimiser = ClassOptimiser::new(config).unwrap();
        optimiser.run(&mut model("GATTACAGGC"), Seed::new(seed)).unwrap()
    }

    #[test]
    fn the_consensus_of_a_log_linear_model_is_recovered() {
        let optimum = &run(ClassOptimisationConfig::default(), 1)[0];
        assert_eq!(optimum.probabilities.consensus(), "GATTACAGGC");
        assert_eq!(optimum.input.len(), 10);
        let steps: Vec<usize> = optimum.iterations.iter().map(|i| i.step).collect();
        assert_eq!(steps, (0..=100).map(|i| i * 10).collect::<Vec<_>>());
        // The optimum solves 2 λ x = P(unbound) w with w = ±1: all entries have one size.
        let size = optimum.input[0][2];
        let score = 40.0 * f64::from(size) - 2.0;
        let unbound = 1.0 / (1.0 + score.exp());
        assert!((f64::from(size) - unbound / 0.018).abs() < 0.1, "{size} {unbound}");
    }

    #[test]
    fn the_smoothed_objective_falls() {
        let optimum = &run(ClassOptimisationConfig { steps: 400, ..Default::default() }, 2)[0];
        let objectives: Vec<f64> = optimum.iterations.iter().map(Iteration::objective).collect();
        let smooth: Vec<f64> = objectives.windows(10).map(|w| w.iter().sum::<f64>() / 10.0).collect();
        assert!(smooth.windows(2).all(|w| w[1] <= w[0] + 1e-3), "{smooth:?}");
        assert!(objectives[0] > 2.0 * optimum.objective());
    }

    #[test]
    fn one_step_is_torchs() {
        // m = 0.01 g², so that the first step is lr g / (0.1 |g| + 1e-8): half against each sign.
        let config = ClassOptimisationConfig { steps: 1, ..Default::default() };
        let start: Vec<f32> = {
            let mut stream = Seed::new(3).stream("class optimisation");
            (0..40).map(|_| stream.random()).collect()
        };
        let optimum = &run(config, 3)[0];
        let weights = word_weights("GATTACAGGC");
        let dot: f32 = start.iter().zip(weights.iter().flatten()).map(|(x, w)| x * w).sum();
        let unbound = probability(2.0 - dot);
        for ((x, x0), w) in optimum.input.iter().flatten().zip(&start).zip(weights.iter().flatten()) {
            let g = -unbound * w + 0.018 * x0;
            assert!((x - (x0 - 0.5 * g.signum())).abs() < 1e-4, "{x} {x0} {g}");
        }
        assert_eq!(optimum.iterations.len(), 2);
    }

    #[test]
    fn restarts_are_one_batch_and_the_first_stays_the_same() {
        let one = run(ClassOptimisationConfig { steps: 50, ..Default::default() }, 5);
        let three = run(ClassOptimisationConfig { steps: 50, restarts: 3, ..Default::default() }, 5);
        assert_eq!(three.len(), 3);
        assert_eq!(one[0], three[0]);
        assert_ne!(three[0], three[1]);
        assert_eq!(run(ClassOptimisationConfig { steps: 50, ..Default::default() }, 5), one);
        assert_ne!(run(ClassOptimisationConfig { steps: 50, ..Default::default() }, 6), one);
        let best = best_optimum(&three).unwrap();
        assert!(three.iter().all(|o| best.objective() <= o.objective()));
    }

    #[test]
    fn inputs_become_probabilities_as_published() {
        let matrix = to_probabilities(&[[-1.0, 0.25, 0.5, 0.0], [0.0; 4]], 0.01).unwrap();
        // 0.25 / 0.5 and 0.5 / 0.5, raised by 0.01: 0.01, 0.51, 1.01, 0.01 of 1.54.
        for (p, expected) in matrix.rows()[0].iter().zip([0.01, 0.51, 1.01, 0.01]) {
            assert!((p - expected / 1.54).abs() < 1e-12);
        }
        assert_eq!(matrix.rows()[1], [0.25; 4]);
        // Without a positive entry nothing is preferred.
        assert_eq!(to_probabilities(&[[-1.0; 4]], 0.01).unwrap().rows()[0], [0.25; 4]);
        // An entry above 1 is clamped before the division.
        let clamped = to_probabilities(&[[9.0, 1.0, 0.0, 0.0]], 0.01).unwrap();
        assert_eq!(clamped.rows()[0][0], clamped.rows()[0][1]);
    }

    #[test]
    fn the_loss_is_stable() {
        assert!((negative_log_likelihood(0.0) - 2.0_f64.ln()).abs() < 1e-15);
        assert_eq!(negative_log_likelihood(-1e6), 1e6);
        assert_eq!(negative_log_likelihood(1e6), 0.0);
    }

    #[test]
    fn wrong_settings_are_named() {
        let config = ClassOptimisationConfig { decay: 1.0, ..Default::default() };
        let error = ClassOptimiser::new(config).unwrap_err();
        assert_eq!(error.to_string(), "decay: found 1, wanted at least 0, below 1");
        let config = ClassOptimisationConfig { penalty: f32::NAN, ..Default::default() };
        assert!(ClassOptimiser::new(config).is_err());
    }

    #[test]
    fn the_optimum_is_bound() {
        let optimum = &run(ClassOptimisationConfig::default(), 4)[0];
        let word: DnaSequence = optimum.probabilities.consensus().parse().unwrap();
        let logits = model("GATTACAGGC").logits(ModelInput::Hard(&[word])).unwrap();
        assert!(logits[1] > logits[0] && optimum.score > 0.0);
    }
}
