//! Learning rates over the course of a training.
//!
//! One-cycle follows Smith and Topin (arXiv 1708.07120) with the cosine shape of fastai; the schedule
//! that holds and then decays is known as warm-up, stable, decay (Hu et al., arXiv 2404.06395): it
//! needs no step budget beforehand, since the decay begins when the validation loss stops falling.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the learning rate changes; every variant scales the configured rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "kebab-case")]
pub enum Schedule {
    /// The configured rate throughout.
    Constant,
    /// Half the rate after every so many epochs.
    HalvedEvery {
        /// Epochs between halvings.
        epochs: u32,
    },
    /// A linear warm-up, then from the configured rate down to a fraction of it, along half a cosine over the
    /// rest of the step budget.
    Cosine {
        /// Steps of the warm-up.
        #[serde(default)]
        warm_up_steps: u64,
        /// The last rate, as a fraction.
        last: f64,
    },
    /// Up from a fraction of the rate, then down, both along half a cosine, over the step budget.
    OneCycle {
        /// Fraction of the budget that rises.
        warm_up: f64,
        /// The first rate, as a fraction.
        first: f64,
        /// The last rate, as a fraction.
        last: f64,
    },
    /// A linear warm-up, the configured rate until the validation loss has stopped falling (patience is
    /// exhausted) or the budget demands it, then half a cosine down.
    HoldThenDecay {
        /// Steps of the warm-up.
        warm_up_steps: u64,
        /// Length of the decay, as a fraction of the steps before it.
        decay: f64,
        /// The last rate, as a fraction.
        last: f64,
    },
}

/// The final descent of [`Schedule::HoldThenDecay`], once it has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Descent {
    /// The step at which it begins.
    pub(crate) from: u64,
    /// How many steps it takes.
    pub(crate) steps: u64,
}

/// Where a training stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Steps done.
    pub(crate) step: u64,
    /// Steps of an epoch.
    pub(crate) epoch_steps: u64,
    /// The step budget.
    pub(crate) limit: u64,
    /// The final descent, if it has begun.
    pub(crate) descent: Option<Descent>,
}

impl Schedule {
    /// The factor on the configured rate for the step that comes next.
    pub(crate) fn factor(&self, clock: &Clock) -> f64 {
        let step = clock.step as f64;
        match *self {
            Self::Constant => 1.0,
            Self::HalvedEvery { epochs } => {
                let epoch = clock.step / clock.epoch_steps;
                0.5f64.powi((epoch / u64::from(epochs)).min(1000) as i32)
            }
            Self::Cosine { warm_up_steps, last } => {
                let rest = clock.limit.saturating_sub(warm_up_steps).max(1) as f64;
                let fallen = half_cosine(1.0, last, (step - warm_up_steps as f64).max(0.0) / rest);
                risen(step, warm_up_steps) * fallen
            }
            Self::OneCycle { warm_up, first, last } => {
                let rising = warm_up * clock.limit as f64;
                if step < rising {
                    half_cosine(first, 1.0, step / rising)
                } else {
                    half_cosine(1.0, last, (step - rising) / (clock.limit as f64 - rising).max(1.0))
                }
            }
            Self::HoldThenDecay { warm_up_steps, last, .. } => {
                let fallen = clock.descent.map_or(1.0, |descent| {
                    let done = clock.step.saturating_sub(descent.from) as f64;
                    half_cosine(1.0, last, done / descent.steps as f64)
                });
                risen(step, warm_up_steps) * fallen
            }
        }
    }

    /// The steps of a linear warm-up, for the schedules that have one.
    pub fn warm_up_steps_mut(&mut self) -> Option<&mut u64> {
        match self {
            Self::Cosine { warm_up_steps, .. } | Self::HoldThenDecay { warm_up_steps, .. } => {
                Some(warm_up_steps)
            }
            Self::Constant | Self::HalvedEvery { .. } | Self::OneCycle { .. } => None,
        }
    }

    /// The descent that would begin now, for the schedule that has one.
    pub(crate) fn descent(&self, step: u64, epoch_steps: u64) -> Option<Descent> {
        match *self {
            Self::HoldThenDecay { decay, .. } => {
                let steps = (step as f64 * decay).ceil() as u64;
                Some(Descent { from: step, steps: steps.max(epoch_steps).max(1) })
            }
            _ => None,
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let fraction = |field, value: f64| {
            if (0.0..=1.0).contains(&value) {
                return Ok(());
            }
            Err(Error::Config { field, found: value.to_string(), wanted: "a fraction, 0 to 1" })
        };
        match *self {
            Self::HalvedEvery { epochs: 0 } => {
                Err(Error::Config { field: "schedule.epochs", found: "0".to_owned(), wanted: "at least 1" })
            }
            Self::Constant | Self::HalvedEvery { .. } => Ok(()),
            Self::Cosine { last, .. } => fraction("schedule.last", last),
            Self::OneCycle { warm_up, first, last } => {
                fraction("schedule.warm_up", warm_up)?;
                fraction("schedule.first", first)?;
                fraction("schedule.last", last)
            }
            Self::HoldThenDecay { decay, last, .. } => {
                fraction("schedule.decay", decay)?;
                fraction("schedule.last", last)
            }
        }
    }
}

/// How far a linear warm-up has come before a step.
fn risen(step: f64, warm_up_steps: u64) -> f64 {
    ((step + 1.0) / (warm_up_steps as f64 + 1.0)).min(1.0)
}

fn half_cosine(from: f64, to: f64, progress: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * progress.clamp(0.0, 1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(schedule: Schedule, step: u64) -> f64 {
        schedule.factor(&Clock { step, epoch_steps: 10, limit: 100, descent: None })
    }

    #[test]
    fn the_published_rate_halves_every_ten_epochs() {
        let schedule = Schedule::HalvedEvery { epochs: 10 };
        let factors = [0, 99, 100, 199, 200].map(|step| factor(schedule, step));
        assert_eq!(factors, [1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn one_cycle_rises_and_falls() {
        let schedule = Schedule::OneCycle { warm_up: 0.25, first: 0.04, last: 0.01 };
        assert!((factor(schedule, 0) - 0.04).abs() < 1e-12);
        assert!((factor(schedule, 25) - 1.0).abs() < 1e-12);
        assert!((factor(schedule, 100) - 0.01).abs() < 1e-12);
        let rates: Vec<f64> = (0..=100).map(|step| factor(schedule, step)).collect();
        assert!(rates[..=25].is_sorted() && rates[25..].iter().rev().is_sorted());
        let cosine = |warm_up_steps| Schedule::Cosine { warm_up_steps, last: 0.0 };
        assert!((factor(cosine(0), 50) - 0.5).abs() < 1e-12);
        assert!((factor(cosine(20), 60) - 0.5).abs() < 1e-12);
        assert!((factor(cosine(19), 9) - 0.5).abs() < 1e-12);
        assert_eq!(factor(cosine(19), 19), 1.0);
        assert!(factor(cosine(19), 100) < 1e-12);
    }

    #[test]
    fn the_descent_takes_a_fraction_of_the_steps_before_it() {
        let schedule = Schedule::HoldThenDecay { warm_up_steps: 9, decay: 0.5, last: 0.0 };
        assert_eq!(schedule.descent(60, 10), Some(Descent { from: 60, steps: 30 }));
        assert_eq!(schedule.descent(4, 10), Some(Descent { from: 4, steps: 10 }));
        let at = |step, descent| schedule.factor(&Clock { step, epoch_steps: 10, limit: 100, descent });
        assert_eq!(at(0, None), 0.1);
        assert_eq!(at(59, None), 1.0);
        let descent = schedule.descent(60, 10);
        assert!((at(75, descent) - 0.5).abs() < 1e-12);
        assert!(at(90, descent).abs() < 1e-12);
    }
}
