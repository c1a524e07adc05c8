//! Adam (Kingma and Ba, 2015) for a bank, with decoupled weight decay (Loshchilov and Hutter, 2019)
//! and an element-wise clamp of the gradient. Each member has its own learning rate and step count.
//!
//! With gradient g clamped, step t of the member, learning rate a:
//! `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
//! `w -= a (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e) + decay w)`.

use candle_core::{DType, Device};
use serde::{Deserialize, Serialize};

use crate::kernels::vectorised;
use crate::real::Real;
use crate::{Buffer, Error, Params, Result};

/// The constants of Adam.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamConfig {
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay; 0 for none.
    pub weight_decay: f64,
    /// Limits each element of the gradient to plus or minus this.
    pub gradient_clamp: Option<f64>,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, gradient_clamp: None }
    }
}

/// First and second moments of a bank; the step count of each member.
///
/// ```
/// use demo_engine::*;
///
/// # fn main() -> Result<()> {
/// let network = Network::new(1, vec![Layer::Dense { outputs: 1 }])?;
/// let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu)?;
/// let mut adam = Adam::new(AdamConfig::default(), &params)?;
/// let gradient = Buffer::from_f32(&[1.0; 5], &[1, 5], DType::F32, &Device::Cpu)?;
/// adam.step(&mut params, &gradient, &[0.1], &[true])?;
/// assert!((params.get(0, "layer0.bias")?[0] + 0.1).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Adam {
    config: AdamConfig,
    first: Buffer,
    second: Buffer,
    steps: Vec<u64>,
}

impl Adam {
    /// Moments of zero for a bank.
    ///
    /// # Errors
    /// When the moments cannot be allocated.
    pub fn new(config: AdamConfig, params: &Params) -> Result<Self> {
        let (shape, dtype) = (params.buffer().shape(), params.buffer().dtype());
        let zeros = Buffer::zeros(shape, dtype, &Device::Cpu)?;
        Ok(Self { config, first: zeros.clone(), second: zeros, steps: vec![0; params.members()] })
    }

    /// One step for every member whose `active` is true; the others keep parameters and moments.
    ///
    /// # Errors
    /// Shapes or element types that differ from the moments'.
    pub fn step(
        &mut self,
        params: &mut Params,
        gradient: &Buffer,
        learning_rates: &[f64],
        active: &[bool],
    ) -> Result<()> {
        let (shape, dtype) = (self.first.shape(), self.first.dtype());
        params.buffer().require("the parameters", shape, dtype)?;
        gradient.require("the gradient", shape, dtype)?;
        let members = shape[0];
        for (what, found) in [("learning rates", learning_rates.len()), ("active flags", active.len())] {
            if found != members {
                return Err(Error::Shape { what, found: vec![found], wanted: vec![members] });
            }
        }
        for member in (0..members).filter(|&member| active[member]) {
            self.steps[member] += 1;
            let rate = learning_rates[member];
            match dtype {
                DType::F64 => self.step_member::<f64>(params, gradient, member, rate),
                _ => self.step_member::<f32>(params, gradient, member, rate),
            }
        }
        Ok(())
    }

    /// The `(m, p)` first and second moments and the steps done, for checkpoints.
    pub fn state(&self) -> (&Buffer, &Buffer, &[u64]) {
        (&self.first, &self.second, &self.steps)
    }

    /// Continues from a state.
    ///
    /// # Errors
    /// Moments and step counts that do not belong together.
    pub fn restore(config: AdamConfig, first: Buffer, second: Buffer, steps: Vec<u64>) -> Result<Self> {
        let shape = [steps.len(), first.shape().last().copied().unwrap_or(0)];
        first.require("the first moments", &shape, first.dtype())?;
        second.require("the second moments", &shape, first.dtype())?;
        Ok(Self { config, first, second, steps })
    }

    fn step_member<R: Real>(&mut self, params: &mut Params, gradient: &Buffer, member: usize, rate: f64) {
        let count = self.first.shape()[1];
        let constants = Constants::<R>::new(&self.config, self.steps[member], rate);
        for index in 0..params.specs().len() {
            let spec = &params.specs()[index];
            let start = member * count + spec.offset;
            let range = start..start + spec.len();
            if !spec.trained {
                continue;
            }
            let weights = &mut R::of_mut(params.buffer_mut())[range.clone()];
            let gradient = &R::of(gradient)[range.clone()];
            let first = &mut R::of_mut(&mut self.first)[range.clone()];
            let second = &mut R::of_mut(&mut self.second)[range];
            vectorised(
                #[inline(always)]
                || update(&constants, weights, gradient, first, second),
            );
        }
    }
}

/// The constants of one member's step, in its element type.
struct Constants<R> {
    clamp: R,
    beta1: R,
    one_less_beta1: R,
    beta2: R,
    one_less_beta2: R,
    /// Learning rate over the first bias correction.
    rate: R,
    /// One over the root of the second bias correction.
    correction: R,
    epsilon: R,
    /// Learning rate times weight decay.
    decay: R,
}

impl<R: Real> Constants<R> {
    fn new(config: &AdamConfig, step: u64, rate: f64) -> Self {
        // Beyond some thousand steps the corrections are 1; the cap keeps the exponent an i32.
        let power = step.min(1 << 30) as i32;
        Self {
            clamp: R::from_f64(config.gradient_clamp.unwrap_or(f64::INFINITY)),
            beta1: R::from_f64(config.beta1),
            one_less_beta1: R::from_f64(1.0 - config.beta1),
            beta2: R::from_f64(config.beta2),
            one_less_beta2: R::from_f64(1.0 - config.beta2),
            rate: R::from_f64(rate / (1.0 - config.beta1.powi(power))),
            correction: R::from_f64(1.0 / (1.0 - config.beta2.powi(power)).sqrt()),
            epsilon: R::from_f64(config.epsilon),
            decay: R::from_f64(rate * config.weight_decay),
        }
    }
}

#[inline(always)]
fn update<R: Real>(k: &Constants<R>, weights: &mut [R], gradient: &[R], first: &mut [R], second: &mut [R]) {
    for (((w, &g), m), v) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
        let g = if g > k.clamp { k.clamp } else { g };
        let g = if g < -k.clamp { -k.clamp } else { g };
        *m = k.beta1 * *m + k.one_less_beta1 * g;
        *v = k.beta2 * *v + k.one_less_beta2 * g * g;
        let step = k.rate * *m / (v.sqrt() * k.correction + k.epsilon);
        *w = *w - step - k.decay * *w;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layer, Network};

    /// The formulas of the paper, one number at a time.
    struct Reference {
        m: f64,
        v: f64,
        t: i32,
    }

    impl Reference {
        fn step(&mut self, config: &AdamConfig, w: f64, g: f64, rate: f64) -> f64 {
            let g = config.gradient_clamp.map_or(g, |limit| g.clamp(-limit, limit));
            self.t += 1;
            self.m = config.beta1 * self.m + (1.0 - config.beta1) * g;
            self.v = config.beta2 * self.v + (1.0 - config.beta2) * g.powi(2);
            let m = self.m / (1.0 - config.beta1.powi(self.t));
            let v = self.v / (1.0 - config.beta2.powi(self.t));
            w - rate * (m / (v.sqrt() + config.epsilon) + config.weight_decay * w)
        }
    }

    fn check(dtype: DType, bound: f64) {
        let network = Network::new(1, vec![Layer::Dense { outputs: 2 }]).unwrap();
        let config = AdamConfig { weight_decay: 0.01, gradient_clamp: Some(1.5), ..AdamConfig::default() };
        let start: Vec<f64> = (0..20).map(|i| f64::from(i) / 7.0 - 1.0).collect();
        let mut params = Params::zeros(&network, 2, dtype, &Device::Cpu).unwrap();
        *params.buffer_mut() = Buffer::from_f64(&start, &[2, 10], dtype, &Device::Cpu).unwrap();
        let mut adam = Adam::new(config, &params).unwrap();
        let mut wanted = start;
        let mut reference: Vec<_> = (0..20).map(|_| Reference { m: 0.0, v: 0.0, t: 0 }).collect();
        for step in 0..30u32 {
            // Member 1 rests on odd steps and has its own learning rate.
            let active = [true, step % 2 == 0];
            let rates = [0.01, 0.003];
            let g: Vec<f64> = (0..20).map(|i| 3.0 * f64::from(i * 7 + step * 11).sin()).collect();
            let gradient = Buffer::from_f64(&g, &[2, 10], dtype, &Device::Cpu).unwrap();
            adam.step(&mut params, &gradient, &rates, &active).unwrap();
            for i in (0..20).filter(|i| active[i / 10]) {
                wanted[i] = reference[i].step(&config, wanted[i], g[i], rates[i / 10]);
            }
            // Going through a checkpoint changes nothing.
            let (first, second, steps) = adam.state();
            adam = Adam::restore(config, first.clone(), second.clone(), steps.to_vec()).unwrap();
        }
        assert_eq!(adam.state().2, [30, 15]);
        for (found, wanted) in params.buffer().to_f64().unwrap().iter().zip(&wanted) {
            assert!((found - wanted).abs() < bound, "{found} {wanted}");
        }
    }

    #[test]
    fn steps_match_the_formulas() {
        check(DType::F64, 1e-12);
        check(DType::F32, 2e-6);
    }

    #[test]
    fn foreign_shapes_are_refused() {
        let network = Network::new(1, vec![Layer::Dense { outputs: 2 }]).unwrap();
        let mut params = Params::zeros(&network, 1, DType::F32, &Device::Cpu).unwrap();
        let mut adam = Adam::new(AdamConfig::default(), &params).unwrap();
        let gradient = Buffer::zeros(&[1, 10], DType::F64, &Device::Cpu).unwrap();
        assert!(adam.step(&mut params, &gradient, &[0.1], &[true]).is_err());
        let gradient = Buffer::zeros(&[1, 10], DType::F32, &Device::Cpu).unwrap();
        assert!(adam.step(&mut params, &gradient, &[0.1], &[]).is_err());
        let (first, second, _) = adam.state();
        assert!(Adam::restore(AdamConfig::default(), first.clone(), second.clone(), vec![0, 0]).is_err());
    }
}
