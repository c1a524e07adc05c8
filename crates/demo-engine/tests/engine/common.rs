//! Random cases, and one call of a plan with everything it gives.

use demo_engine::*;

/// SplitMix64: seeds of tests need no more.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }

    /// Uniform between -1 and 1.
    pub(crate) fn number(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub(crate) fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.number()).collect()
    }
}

pub(crate) fn convolution(filters: usize, width: usize, padding: Padding) -> Layer {
    Layer::Convolution { filters, width, padding }
}

pub(crate) fn activation(function: Activation) -> Layer {
    Layer::Activation { function }
}

pub(crate) const RELU: Layer = Layer::Activation { function: Activation::Relu };
pub(crate) const DROP: Layer = Layer::Dropout { rate: 0.5 };
pub(crate) const POOL: Layer = Layer::MaxPool { width: 2 };

/// The three published networks, scaled by the number of filters and units.
pub(crate) fn published(name: &str, length: usize, filters: usize, hidden: usize) -> Network {
    let valid = |width| convolution(filters, width, Padding::Valid);
    let (lstm, dense) = (Layer::BidirectionalLstm { hidden }, Layer::Dense { outputs: 2 });
    let layers = match name {
        "cnn" => vec![
            valid(9),
            RELU,
            POOL,
            DROP,
            valid(5),
            RELU,
            POOL,
            DROP,
            valid(3),
            RELU,
            DROP,
            Layer::GlobalMaxPool,
            dense,
        ],
        "rnn" => vec![lstm, DROP, Layer::MeanOverTime, dense],
        "cnn-rnn" => {
            let same = convolution(filters, 9, Padding::Same);
            vec![same, RELU, lstm, DROP, Layer::MeanOverTime, dense]
        }
        _ => panic!("no network is called {name}"),
    };
    Network::new(length, layers).unwrap()
}

/// A convolution, a self-attention of so many heads and their size, and the published networks' head.
pub(crate) fn attentive(length: usize, filters: usize, (heads, size): (usize, usize)) -> Network {
    let first = convolution(filters, 5, Padding::Valid);
    let attention = Layer::SelfAttention { heads, size };
    let dense = Layer::Dense { outputs: 2 };
    Network::new(length, vec![first, RELU, POOL, DROP, attention, Layer::GlobalMaxPool, dense]).unwrap()
}

/// A network with random parameters, sequences, labels and weights, and where it runs.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) network: Network,
    pub(crate) members: usize,
    pub(crate) size: usize,
    pub(crate) values: Vec<f64>,
    pub(crate) codes: Vec<u8>,
    pub(crate) rows: Vec<u32>,
    pub(crate) labels: Vec<u8>,
    pub(crate) weights: Vec<f32>,
    pub(crate) seeds: Vec<u64>,
    pub(crate) device: Device,
}

/// What a call gives, as f64.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) logits: Vec<f64>,
    pub(crate) losses: Vec<f64>,
    pub(crate) params: Vec<f64>,
    pub(crate) bases: Vec<f64>,
    pub(crate) observed: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Route {
    Codes,
    Soft,
}

impl Case {
    pub(crate) fn new(network: Network, members: usize, size: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let (length, store) = (network.length(), size + 3);
        // Some unknown bases, some runs of one base: equal windows tie in pools.
        let mut codes: Vec<u8> = (0..store * length).map(|_| random.below(4) as u8).collect();
        for _ in 0..store.div_ceil(2) {
            let at = random.below(codes.len());
            codes[at] = 4;
        }
        codes[..length].fill(1);
        let classes = network.outputs().min(250);
        let mut weights: Vec<f32> = (0..members * size).map(|_| 0.5 + random.number().abs() as f32).collect();
        if size > 1 {
            weights[1] = 0.0;
        }
        let mut values: Vec<f64> =
            random.numbers(members * network.parameter_count()).iter().map(|x| x * 0.3).collect();
        for spec in network.parameters().iter().filter(|spec| spec.name.ends_with("running_variance")) {
            for member in values.chunks_exact_mut(network.parameter_count()) {
                member[spec.offset..spec.offset + spec.len()].iter_mut().for_each(|x| *x = 0.5 + x.abs());
            }
        }
        Self {
            members,
            size,
            values,
            rows: (0..members * size).map(|i| if i == 0 { 0 } else { random.below(store) as u32 }).collect(),
            labels: (0..members * size).map(|_| random.below(classes) as u8).collect(),
            seeds: (0..members).map(|_| random.bits()).collect(),
            codes,
            weights,
            network,
            device: Device::Cpu,
        }
    }

    /// The same on another device.
    pub(crate) fn on(&self, device: &Device) -> Self {
        Self { device: device.clone(), ..self.clone() }
    }

    pub(crate) fn shape(&self) -> BankShape {
        BankShape { members: self.members, batch: self.size }
    }

    /// The sequences as one-hot numbers `(m, n, l, 4)`.
    pub(crate) fn one_hot(&self) -> Vec<f64> {
        let length = self.network.length();
        let mut numbers = Vec::new();
        for &row in &self.rows {
            for &code in &self.codes[row as usize * length..][..length] {
                numbers.extend((0..4).map(|base| f64::from(u8::from(code == base))));
            }
        }
        numbers
    }

    pub(crate) fn params(&self, dtype: DType) -> Params {
        let mut params = Params::zeros(&self.network, self.members, dtype, &self.device).unwrap();
        let shape = params.buffer().shape().to_vec();
        *params.buffer_mut() = Buffer::from_f64(&self.values, &shape, dtype, &self.device).unwrap();
        params
    }

    /// Does a task with the sequences as codes; returns their logits.
    pub(crate) fn run_codes(&self, dtype: DType, task: Task) -> Vec<f64> {
        let (m, n) = (self.members, self.size);
        let mut plan = Plan::new(&self.network, self.shape(), dtype, &self.device).unwrap();
        let store = CodeStore::new(&self.codes, self.network.length(), &self.device).unwrap();
        let input = Input::Rows { store: &store, rows: &self.rows };
        let batch = Batch { input, size: n, labels: None, weights: None };
        let shape = [m, n, self.network.outputs()];
        let mut logits = Buffer::zeros(&shape, dtype, &self.device).unwrap();
        plan.run(&self.params(dtype), &batch, task, &mut logits).unwrap();
        logits.to_f64().unwrap()
    }

    pub(crate) fn run(&self, dtype: DType, route: Route, of: Objective, mode: Mode) -> Outcome {
        self.run_soft(dtype, route, &self.one_hot(), of, mode)
    }

    /// One call for the parameters and all bases, one for the observed bases, one without either: parts
    /// asked for alone must be what they are together.
    pub(crate) fn run_soft(
        &self,
        dtype: DType,
        route: Route,
        soft: &[f64],
        of: Objective,
        mode: Mode,
    ) -> Outcome {
        let (m, n, l) = (self.members, self.size, self.network.length());
        let zeros = |shape: &[usize]| Buffer::zeros(shape, dtype, &self.device).unwrap();
        let mut plan = Plan::new(&self.network, self.shape(), dtype, &self.device).unwrap();
        let store = CodeStore::new(&self.codes, l, &self.device).unwrap();
        let soft = Buffer::from_f64(soft, &[m, n, l, 4], dtype, &self.device).unwrap();
        let input = match route {
            Route::Codes => Input::Rows { store: &store, rows: &self.rows },
            Route::Soft => Input::Soft(&soft),
        };
        let batch = Batch { input, size: n, labels: Some(&self.labels), weights: Some(&self.weights) };
        let params = self.params(dtype);
        let mut logits = zeros(&[m, n, self.network.outputs()]);
        let mut gradient = zeros(&[m, self.network.parameter_count()]);
        let (mut bases, mut observed) = (zeros(&[m, n, l, 4]), zeros(&[m, n, l]));

        let input = Some(InputGradient::Bases(&mut bases));
        let task = Task::Gradient { of, mode, params: Some(&mut gradient), input };
        plan.run(&params, &batch, task, &mut logits).unwrap();
        let losses = plan.losses().unwrap().to_vec();

        let mut alone = zeros(&[m, self.network.parameter_count()]);
        let task = Task::Gradient { of, mode, params: Some(&mut alone), input: None };
        plan.run(&params, &batch, task, &mut logits).unwrap();
        let pairs = alone.to_f64().unwrap().into_iter().zip(gradient.to_f64().unwrap());
        assert!(pairs.into_iter().all(|(x, y)| x == y || x.is_nan() && y.is_nan()));
        if route == Route::Codes {
            let input = Some(InputGradient::Observed(&mut observed));
            let task = Task::Gradient { of, mode, params: None, input };
            plan.run(&params, &batch, task, &mut logits).unwrap();
        }
        Outcome {
            logits: logits.to_f64().unwrap(),
            losses,
            params: gradient.to_f64().unwrap(),
            bases: bases.to_f64().unwrap(),
            observed: observed.to_f64().unwrap(),
        }
    }
}

/// The largest difference, relative to the largest number.
pub(crate) fn difference(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    // `max` passes over what is no number.
    if found.iter().zip(wanted).any(|(x, y)| x.is_nan() != y.is_nan()) {
        return f64::INFINITY;
    }
    let largest = wanted.iter().fold(1e-300f64, |most, x| most.max(x.abs()));
    found.iter().zip(wanted).fold(0.0f64, |most, (x, y)| most.max((x - y).abs())) / largest
}
