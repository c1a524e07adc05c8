//! Adam (Kingma and Ba, 2015) for a bank, with decoupled weight decay (Loshchilov and Hutter, 2019)
//! and an element-wise clamp of the gradient. Each member has its own constants, learning rate and step count.
//!
//! With gradient g clamped, step t of the member, learning rate a:
//! `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
//! `w -= a (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e) + decay w)`.

use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::cuda::DeviceAdam;
use crate::cuda::machine::Memory;
use crate::kernels::vectorised;
use crate::real::Real;
use crate::{Buffer, Error, Params, Plan, Result};

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

/// First and second moments of a bank; the constants and the step count of each member.
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
#[derive(Debug)]
pub struct Adam {
    /// One for each member.
    configs: Vec<AdamConfig>,
    first: Buffer,
    second: Buffer,
    steps: Vec<u64>,
    /// The members that the last step moved, where it ran on the CPU.
    moved: Vec<bool>,
    /// What is needed on a device; none before the first step there.
    device: Option<DeviceAdam>,
}

impl Adam {
    /// Moments of zero for a bank whose members have the same constants.
    ///
    /// # Errors
    /// When the moments cannot be allocated.
    pub fn new(config: AdamConfig, params: &Params) -> Result<Self> {
        Self::of_each(vec![config; params.members()], params)
    }

    /// Moments of zero for a bank, with the constants of each of its members.
    ///
    /// # Errors
    /// When the moments cannot be allocated, and constants of another number of members.
    pub fn of_each(configs: Vec<AdamConfig>, params: &Params) -> Result<Self> {
        let moments = || params.buffer().zeros_like();
        Self::restore(configs, moments()?, moments()?, vec![0; params.members()])
    }

    /// Some members of the bank, in the order given, with their moments, constants and steps. On a device
    /// none of them is stopped.
    ///
    /// # Errors
    /// An unknown member, or a device without room.
    pub fn to_members(&self, members: &[usize]) -> Result<Self> {
        if let Some(&found) = members.iter().find(|&&member| member >= self.steps.len()) {
            return Err(Error::OutOfRange { what: "member", found, limit: self.steps.len() });
        }
        let of = |member: &usize| (self.configs[*member], self.steps[*member]);
        let (configs, steps) = members.iter().map(of).unzip();
        Self::restore(configs, self.first.rows(members)?, self.second.rows(members)?, steps)
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
        self.advance(None, params, gradient, learning_rates, active)
    }

    /// As [`Adam::step`], but for members whose loss in the plan's last run is not a number: they keep
    /// parameters and moments. On a CUDA device nobody waits for the loss, and a member once stopped stays
    /// so, whatever `active` says, until the state is restored.
    ///
    /// # Errors
    /// As [`Adam::step`], a plan of another number of members and, where the moments are on a CUDA device, one
    /// that is not there.
    pub fn guarded_step(
        &mut self,
        plan: &Plan,
        params: &mut Params,
        gradient: &Buffer,
        learning_rates: &[f64],
        active: &[bool],
    ) -> Result<()> {
        self.advance(Some(plan), params, gradient, learning_rates, active)
    }

    /// Moves `means`, a moving average of the parameters, by a part of its distance to them: for members
    /// that the last step moved.
    ///
    /// # Errors
    /// Arrays or parts of another bank.
    pub fn follow(&mut self, means: &mut Params, params: &Params, parts: &[f32]) -> Result<()> {
        let shape = self.first.shape();
        check_members("parts", parts.len(), shape[0])?;
        if let (Some(device), Some(first)) = (&self.device, self.first.on_device()) {
            let machine = first.machine();
            let params = params.buffer().require_on(machine, "the parameters", shape)?;
            let means = means.buffer_mut().require_mut(machine, "the means", shape)?;
            return device.follow(means, params, parts);
        }
        let (dtype, count) = (self.first.dtype(), shape[1]);
        params.buffer().require("the parameters", shape, dtype)?;
        means.buffer().require("the means", shape, dtype)?;
        for (member, &part) in parts.iter().enumerate().filter(|&(member, _)| self.moved[member]) {
            let range = member * count..(member + 1) * count;
            match dtype {
                DType::F64 => follow::<f64>(means, params, range, part),
                _ => follow::<f32>(means, params, range, part),
            }
        }
        Ok(())
    }

    fn advance(
        &mut self,
        plan: Option<&Plan>,
        params: &mut Params,
        gradient: &Buffer,
        learning_rates: &[f64],
        active: &[bool],
    ) -> Result<()> {
        let members = self.steps.len();
        check_members("learning rates", learning_rates.len(), members)?;
        check_members("active flags", active.len(), members)?;
        if let Some(first) = self.first.on_device() {
            let losses = plan.map(|plan| plan.losses_on(first.machine(), members)).transpose()?;
            return self.step_on_device(losses, params, gradient, learning_rates, active);
        }
        let (shape, dtype) = (self.first.shape(), self.first.dtype());
        params.buffer().require("the parameters", shape, dtype)?;
        gradient.require("the gradient", shape, dtype)?;
        self.moved.copy_from_slice(active);
        if let Some(plan) = plan {
            let losses = plan.losses()?;
            check_members("losses", losses.len(), members)?;
            self.moved.iter_mut().zip(&*losses).for_each(|(moves, loss)| *moves &= loss.is_finite());
        }
        for (member, &rate) in learning_rates.iter().enumerate() {
            if !self.moved[member] {
                continue;
            }
            self.steps[member] += 1;
            match dtype {
                DType::F64 => self.step_member::<f64>(params, gradient, member, rate),
                _ => self.step_member::<f32>(params, gradient, member, rate),
            }
        }
        Ok(())
    }

    /// Steps count here for members that the device has stopped, too: their moments rest.
    fn step_on_device(
        &mut self,
        losses: Option<&Memory>,
        params: &mut Params,
        gradient: &Buffer,
        learning_rates: &[f64],
        active: &[bool],
    ) -> Result<()> {
        let shape = [self.steps.len(), self.first.shape()[1]];
        let Some(machine) = self.first.on_device().map(|memory| memory.machine().clone()) else {
            return Ok(());
        };
        if self.device.is_none() {
            self.device = Some(DeviceAdam::new(&machine, (shape[0], shape[1]), params.specs())?);
        }
        let Some(device) = &self.device else { return Ok(()) };
        let gradient = gradient.require_on(&machine, "the gradient", &shape)?;
        let params = params.buffer_mut().require_mut(&machine, "the parameters", &shape)?;
        let first = self.first.require_mut(&machine, "the first moments", &shape)?;
        let second = self.second.require_mut(&machine, "the second moments", &shape)?;
        let members = self.steps.iter_mut().zip(&self.configs).zip(active).zip(learning_rates);
        let constants: Vec<f32> = members
            .flat_map(|(((step, config), &active), &rate)| {
                *step += u64::from(active);
                Constants::<f32>::new(config, (*step).max(1), rate).list()
            })
            .collect();
        device.step([params, gradient, first, second], losses, &constants, active)
    }

    /// The `(m, p)` first and second moments and the steps done, for checkpoints.
    pub fn state(&self) -> (&Buffer, &Buffer, &[u64]) {
        (&self.first, &self.second, &self.steps)
    }

    /// Continues from a state.
    ///
    /// # Errors
    /// Moments, constants and step counts that do not belong together.
    pub fn restore(configs: Vec<AdamConfig>, first: Buffer, second: Buffer, steps: Vec<u64>) -> Result<Self> {
        check_members("constants of Adam", configs.len(), steps.len())?;
        let shape = [steps.len(), first.shape().last().copied().unwrap_or(0)];
        if let Some(memory) = first.on_device() {
            let machine = memory.machine();
            first.require_on(machine, "the first moments", &shape)?;
            second.require_on(machine, "the second moments", &shape)?;
        } else {
            first.require("the first moments", &shape, first.dtype())?;
            second.require("the second moments", &shape, first.dtype())?;
        }
        let moved = vec![false; steps.len()];
        Ok(Self { configs, first, second, steps, moved, device: None })
    }

    fn step_member<R: Real>(&mut self, params: &mut Params, gradient: &Buffer, member: usize, rate: f64) {
        let count = self.first.shape()[1];
        let constants = Constants::<R>::new(&self.configs[member], self.steps[member], rate);
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

impl Constants<f32> {
    /// In the order that the kernel on a device takes them.
    fn list(&self) -> [f32; 9] {
        [
            self.clamp,
            self.beta1,
            self.one_less_beta1,
            self.beta2,
            self.one_less_beta2,
            self.rate,
            self.correction,
            self.epsilon,
            self.decay,
        ]
    }
}

fn check_members(what: &'static str, found: usize, wanted: usize) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::Shape { what, found: vec![found], wanted: vec![wanted] })
}

fn follow<R: Real>(means: &mut Params, params: &Params, range: std::ops::Range<usize>, part: f32) {
    let part = R::from_f64(part.into());
    let means = &mut R::of_mut(means.buffer_mut())[range.clone()];
    means.iter_mut().zip(&R::of(params.buffer())[range]).for_each(|(mean, &w)| *mean += part * (w - *mean));
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
    use crate::{Device, Layer, Network};

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
        // Member 1 has constants of its own.
        let configs = [config, AdamConfig { beta1: 0.8, weight_decay: 0.1, ..config }];
        let start: Vec<f64> = (0..20).map(|i| f64::from(i) / 7.0 - 1.0).collect();
        let mut params = Params::zeros(&network, 2, dtype, &Device::Cpu).unwrap();
        *params.buffer_mut() = Buffer::from_f64(&start, &[2, 10], dtype, &Device::Cpu).unwrap();
        let mut adam = Adam::of_each(configs.to_vec(), &params).unwrap();
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
                wanted[i] = reference[i].step(&configs[i / 10], wanted[i], g[i], rates[i / 10]);
            }
            // Going through a checkpoint changes nothing.
            let (first, second, steps) = adam.state();
            adam = Adam::restore(configs.to_vec(), first.clone(), second.clone(), steps.to_vec()).unwrap();
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
    fn members_taken_out_go_on_as_in_the_bank() {
        let network = Network::new(1, vec![Layer::Dense { outputs: 2 }]).unwrap();
        let config = |weight_decay| AdamConfig { weight_decay, ..AdamConfig::default() };
        let mut params = Params::zeros(&network, 3, DType::F32, &Device::Cpu).unwrap();
        let mut adam = Adam::of_each([0.0, 0.1, 0.2].map(config).to_vec(), &params).unwrap();
        let gradient = |members: &[usize]| {
            let g: Vec<f32> =
                members.iter().flat_map(|m| (0..10).map(move |i| ((10 * m + i) as f32).sin())).collect();
            Buffer::from_f32(&g, &[members.len(), 10], DType::F32, &Device::Cpu).unwrap()
        };
        let rates = [0.1, 0.2, 0.3];
        adam.step(&mut params, &gradient(&[0, 1, 2]), &rates, &[true, false, true]).unwrap();
        let (mut some, mut adam_of_some) =
            (params.to_members(&[2, 1]).unwrap(), adam.to_members(&[2, 1]).unwrap());
        adam.step(&mut params, &gradient(&[0, 1, 2]), &rates, &[true; 3]).unwrap();
        adam_of_some.step(&mut some, &gradient(&[2, 1]), &[0.3, 0.2], &[true; 2]).unwrap();
        assert_eq!(adam_of_some.state().2, [2, 1]);
        let wanted = params.to_members(&[2, 1]).unwrap();
        assert_eq!(some.buffer().as_f32(), wanted.buffer().as_f32());
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
        let config = AdamConfig::default();
        assert!(Adam::restore(vec![config; 2], first.clone(), second.clone(), vec![0, 0]).is_err());
        assert!(Adam::restore(vec![config; 2], first.clone(), second.clone(), vec![0]).is_err());
        assert!(adam.to_members(&[1]).is_err());
    }
}
