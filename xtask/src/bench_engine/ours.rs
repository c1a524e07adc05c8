//! The engine's side: one network and one task, ready to be repeated.

use std::time::Instant;

use anyhow::{Result, bail};
use demo_core::Seed;
use demo_engine::{
    Activation, Adam, AdamConfig, BankShape, Batch, Buffer, CodeStore, DType, Device, Input, InputGradient,
    Layer, Loss, Mode, Network, Objective, Padding, Params, Plan, Task,
};
use demo_models::{Architecture, CnnConfig, CnnRnnConfig, LstmStart, RnnConfig};
use rand::Rng as _;

const BATCH: usize = 256;
/// Sequences whose mutants are scored in one run.
const MUTATED: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Train,
    Infer,
    Saliency,
    Gradient,
    Mutants,
}

/// One network and one task.
#[derive(Debug)]
pub(crate) struct Ours {
    kind: Kind,
    size: usize,
    network: Network,
    plan: Plan,
    params: Params,
    adam: Adam,
    store: CodeStore,
    rows: Vec<u32>,
    labels: Vec<u8>,
    logits: Buffer,
    /// What the task fills besides: of the parameters, of the input, or the mutants'.
    answer: Buffer,
    step: u64,
}

impl Ours {
    /// Prepares a model and a task by name.
    pub(crate) fn new(model: &str, task: &str) -> Result<Self> {
        let kind = match task {
            "train" => Kind::Train,
            "infer" => Kind::Infer,
            "saliency" => Kind::Saliency,
            "gradient" => Kind::Gradient,
            "mutants" => Kind::Mutants,
            other => bail!("task {other:?}: wanted train, infer, saliency, gradient or mutants"),
        };
        let network = network(model)?;
        let (length, count) = (network.length(), network.parameter_count());
        let size = if kind == Kind::Mutants { MUTATED } else { BATCH };
        let mut stream = Seed::new(1).stream("benchmark");
        let codes: Vec<u8> = (0..size * length).map(|_| stream.random_range(0..4)).collect();
        let params = Architecture::Rnn(RnnConfig::default()).initial_parameters(
            &network,
            &[Seed::new(1)],
            LstmStart::Published,
            &Device::Cpu,
        )?;
        let shape = match kind {
            Kind::Train => vec![1, count],
            Kind::Infer => vec![1],
            Kind::Saliency => vec![1, size, length],
            Kind::Gradient => vec![1, size, length, 4],
            Kind::Mutants => vec![1, size, length, 4, 2],
        };
        Ok(Self {
            kind,
            size,
            plan: Plan::new(&network, BankShape { members: 1, batch: size }, DType::F32, &Device::Cpu)?,
            adam: Adam::new(AdamConfig::default(), &params)?,
            params,
            store: CodeStore::new(&codes, length, &Device::Cpu)?,
            rows: (0..size as u32).collect(),
            labels: (0..size).map(|i| (i % 2) as u8).collect(),
            logits: Buffer::zeros(&[1, size, 2], DType::F32, &Device::Cpu)?,
            answer: Buffer::zeros(&shape, DType::F32, &Device::Cpu)?,
            network,
            step: 0,
        })
    }

    /// Sequences a second over at least so many seconds.
    pub(crate) fn rate(&mut self, seconds: f64) -> Result<f64> {
        let (start, mut done) = (Instant::now(), 0);
        loop {
            self.once()?;
            done += self.size;
            let spent = start.elapsed().as_secs_f64();
            if spent >= seconds {
                return Ok(done as f64 / spent);
            }
        }
    }

    fn once(&mut self) -> Result<()> {
        self.step += 1;
        let input = Input::Rows { store: &self.store, rows: &self.rows };
        let batch = Batch { input, size: self.size, labels: Some(&self.labels), weights: None };
        let answer = &mut self.answer;
        let of = Objective::Logit(1);
        let task = match self.kind {
            Kind::Train => Task::Gradient {
                of: Objective::Loss(&Loss::CrossEntropy),
                mode: Mode::Train { step: self.step, seeds: &[1] },
                params: Some(answer),
                input: None,
            },
            Kind::Infer => Task::Predict,
            Kind::Saliency => {
                let input = Some(InputGradient::Observed(answer));
                Task::Gradient { of, mode: Mode::Evaluate, params: None, input }
            }
            Kind::Gradient => {
                let input = Some(InputGradient::Bases(answer));
                Task::Gradient { of, mode: Mode::Evaluate, params: None, input }
            }
            Kind::Mutants => Task::Mutants { mutants: answer },
        };
        self.plan.run(&self.params, &batch, task, &mut self.logits)?;
        if self.kind == Kind::Train {
            self.adam.step(&mut self.params, &self.answer, &[1e-4], &[true])?;
        }
        Ok(())
    }

    /// Operations of the products that a plain implementation would do for a sequence; the first layer,
    /// which is looked up, left out. None for what recomputes only parts, and where that layer is all.
    pub(crate) fn operations(&self) -> Option<f64> {
        let mut shape = (self.network.length(), 4);
        let (mut forward, mut beyond) = (0, false);
        for (index, layer) in self.network.layers().iter().enumerate() {
            let next = self.network.shape_after(index);
            forward += match *layer {
                Layer::Convolution { filters, width, .. } if index > 0 => next.0 * width * shape.1 * filters,
                Layer::BidirectionalLstm { hidden } => {
                    let inputs = if index > 0 { shape.1 } else { 0 };
                    shape.0 * 8 * hidden * (inputs + hidden)
                }
                Layer::Dense { outputs } => shape.0 * shape.1 * outputs,
                _ => 0,
            };
            beyond |= index > 0 && matches!(layer, Layer::Convolution { .. });
            beyond |= matches!(layer, Layer::BidirectionalLstm { .. });
            shape = next;
        }
        if !beyond || self.kind == Kind::Mutants {
            return None;
        }
        let passes = match self.kind {
            Kind::Train => 3.0,
            Kind::Saliency | Kind::Gradient => 2.0,
            Kind::Infer | Kind::Mutants => 1.0,
        };
        Some(2.0 * forward as f64 * passes)
    }
}

fn network(model: &str) -> Result<Network> {
    let architecture = match model {
        "cnn" => Architecture::Cnn(CnnConfig::default()),
        "rnn" => Architecture::Rnn(RnnConfig::default()),
        "cnn-rnn" => Architecture::CnnRnn(CnnRnnConfig::default()),
        "foxo1" => {
            let convolution = Layer::Convolution { filters: 64, width: 12, padding: Padding::Valid };
            let relu = Layer::Activation { function: Activation::Relu };
            let layers = vec![convolution, relu, Layer::GlobalMaxPool, Layer::Dense { outputs: 2 }];
            return Ok(Network::new(100, layers)?);
        }
        other => bail!("model {other:?}: wanted cnn, rnn, cnn-rnn or foxo1"),
    };
    Ok(architecture.network(101)?)
}
