//! A network with its weights, asked about any number of sequences.
//!
//! Where it reads both strands, the logits of a sequence and of its reverse complement are averaged,
//! and everything derived follows: the gradient is the mean of both gradients brought to the given
//! strand, and the prefix x[..=i] is averaged with the suffix of the same bases on the other strand.
//! Sequences are taken a batch of fixed size at a time; a sequence's numbers do not depend on its
//! neighbours.

use demo_core::DnaSequence;
use demo_engine::{
    Buffer, CodeStore, DType, Device, Input, InputGradient, Layer, Mode, Network, Objective, Padding,
    ParameterSpec, Params, Task,
};

use crate::data::reverse_complement;
use crate::evaluator::Forward;
use crate::{
    CLASSES, Error, FirstLayer, InputGradients, ModelInput, Result, SequenceModel, Strands, TruncatedLogits,
};

/// Sequences a run takes.
const BATCH: usize = 256;
/// Sequences a run takes where each gives an array per position.
const WIDE_BATCH: usize = 64;

/// P(bound) of a score logit(bound) - logit(unbound).
pub fn bound_probability(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp())
}

/// A network with its weights.
#[derive(Debug)]
pub struct Predictor {
    network: Network,
    params: Params,
    strands: Strands,
    dtype: DType,
    device: Device,
    forward: Forward,
    first_layer: Option<Box<Prefix>>,
}

/// The first convolution with its normalisation and activation, as a network of its own.
#[derive(Debug)]
struct Prefix {
    params: Params,
    forward: Forward,
    filters: usize,
    positions: usize,
    width: usize,
    padding: usize,
}

impl Predictor {
    /// A predictor that computes in `f32`.
    ///
    /// # Errors
    /// [`Error::Bank`] where the parameters are not one member of this network, [`Error::Engine`] where
    /// the device has no room.
    pub fn new(network: &Network, params: &Params, strands: Strands, device: &Device) -> Result<Self> {
        Self::with_dtype(network, params, strands, DType::F32, device)
    }

    /// A predictor that computes in `f32` or `f64`.
    ///
    /// # Errors
    /// As [`Predictor::new`].
    pub fn with_dtype(
        network: &Network,
        params: &Params,
        strands: Strands,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let what = "parameters of a predictor";
        if params.members() != 1 {
            let found = format!("a bank of {} members", params.members());
            return Err(Error::Bank { what, found, wanted: "one of a single member".to_owned() });
        }
        let (own, theirs) = (params.specs(), network.parameters());
        let named = |spec: Option<&ParameterSpec>| {
            spec.map_or_else(
                || "no more".to_owned(),
                |spec| format!("{} of shape {:?}", spec.name, spec.shape),
            )
        };
        if let Some(at) = (0..own.len().max(theirs.len())).find(|&at| own.get(at) != theirs.get(at)) {
            let (found, wanted) = (named(own.get(at)), named(theirs.get(at)));
            return Err(Error::Bank { what, found, wanted });
        }
        let mut own = Params::zeros(network, 1, dtype, device)?;
        let shape = own.buffer().shape().to_vec();
        *own.buffer_mut() = Buffer::from_f64(&params.buffer().to_f64()?, &shape, dtype, device)?;
        Ok(Self {
            network: network.clone(),
            params: own,
            strands,
            dtype,
            device: device.clone(),
            forward: Forward::new(network, BATCH, dtype, device)?,
            first_layer: None,
        })
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The weights, a bank of one.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The strands it reads.
    pub fn strands(&self) -> Strands {
        self.strands
    }

    /// logit(bound) - logit(unbound) of each sequence: what is ranked and explained.
    ///
    /// # Errors
    /// [`Error::SequenceLength`], and [`Error::Classes`] where there are not two logits.
    pub fn scores(&mut self, sequences: &[DnaSequence]) -> Result<Vec<f32>> {
        if self.classes() != CLASSES {
            return Err(Error::Classes { found: self.classes() });
        }
        let logits = self.precise_logits(ModelInput::Hard(sequences))?;
        Ok(logits.chunks_exact(self.classes()).map(|logits| (logits[1] - logits[0]) as f32).collect())
    }

    /// P(bound) of each sequence.
    ///
    /// # Errors
    /// As [`Predictor::scores`].
    pub fn probabilities(&mut self, sequences: &[DnaSequence]) -> Result<Vec<f32>> {
        Ok(self.scores(sequences)?.into_iter().map(bound_probability).collect())
    }

    /// The logits, (n, classes), with the digits of the type it computes in.
    ///
    /// # Errors
    /// As [`SequenceModel::logits`].
    pub fn precise_logits(&mut self, input: ModelInput<'_>) -> Result<Vec<f64>> {
        let mut all = Vec::new();
        for chunk in self.chunks(input)? {
            let logits = self.run(&chunk, Task::Predict)?;
            all.append(&mut self.fold(logits, <[f64]>::to_vec));
        }
        Ok(all)
    }

    /// Logits (n, classes) and input gradients (n, l, 4) with the digits of the type it computes in.
    ///
    /// # Errors
    /// As [`SequenceModel::input_gradients`].
    pub fn precise_input_gradients(
        &mut self,
        input: ModelInput<'_>,
        cotangent: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let classes = self.classes();
        if cotangent.len() != classes {
            let wanted = format!("{classes}, one a class");
            return Err(Error::ArraySize { what: "cotangent", found: cotangent.len(), wanted });
        }
        let (mut all_logits, mut all_bases) = (Vec::new(), Vec::new());
        let length = self.length();
        for chunk in self.chunks(input)? {
            let (logits, gradient) = self.gradient(&chunk, cotangent)?;
            all_logits.append(&mut self.fold(logits, <[f64]>::to_vec));
            all_bases.append(&mut self.fold(gradient, |other| reverse_complement_bases(other, length)));
        }
        Ok((all_logits, all_bases))
    }

    /// The logits of a chunk's strands, and the gradient of each on that strand.
    fn gradient(&mut self, chunk: &Chunk, cotangent: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        let shape = [1, chunk.size, cotangent.len()];
        let cotangent = Buffer::from_f64(&cotangent.repeat(chunk.size), &shape, self.dtype, &self.device)?;
        let mut bases = Buffer::zeros(&[1, chunk.size, self.length(), 4], self.dtype, &self.device)?;
        let task = Task::Gradient {
            of: Objective::Cotangent(&cotangent),
            mode: Mode::Evaluate,
            params: None,
            input: Some(InputGradient::Bases(&mut bases)),
        };
        Ok((self.run(chunk, task)?, bases.to_f64()?))
    }

    fn run(&mut self, chunk: &Chunk, task: Task<'_>) -> Result<Vec<f64>> {
        self.forward.run(&self.params, chunk.input(), chunk.size, task)
    }

    /// The mean over strands of numbers of a chunk, those of the other strand turned to the given one.
    fn fold(&self, mut values: Vec<f64>, turned: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        if self.strands == Strands::Both {
            let others = turned(&values[values.len() / 2..]);
            values.truncate(others.len());
            average(&mut values, &others);
        }
        values
    }

    /// The input a batch at a time, both strands together where they are read.
    fn chunks(&self, input: ModelInput<'_>) -> Result<Vec<Chunk>> {
        let (length, both) = (self.network.length(), self.strands == Strands::Both);
        let batch = if both { BATCH / 2 } else { BATCH };
        match input {
            ModelInput::Hard(sequences) => {
                check_lengths(sequences, length)?;
                sequences.chunks(batch).map(|part| Chunk::hard(part, length, both, &self.device)).collect()
            }
            ModelInput::Soft(values) => {
                if !values.len().is_multiple_of(length * 4) {
                    let wanted = format!("a multiple of {length} positions x 4 bases");
                    return Err(Error::ArraySize { what: "soft input", found: values.len(), wanted });
                }
                let parts = values.chunks(batch * length * 4);
                parts.map(|part| Chunk::soft(part, length, both, self.dtype, &self.device)).collect()
            }
        }
    }

    /// The first convolution as a network of its own; `None` where there is none.
    fn prefix(&mut self) -> Result<Option<&mut Prefix>> {
        let Some(&Layer::Convolution { filters, width, padding }) = self.network.layers().first() else {
            return Ok(None);
        };
        if self.first_layer.is_none() {
            let layers = first_layers(&self.network);
            let network = self.network.to_prefix(layers)?;
            let mut params = Params::zeros(&network, 1, self.dtype, &self.device)?;
            let count = network.parameter_count();
            // The parameters of the first layers come first in a network's own.
            let mut weights = self.params.buffer().to_f64()?;
            weights.truncate(count);
            *params.buffer_mut() = Buffer::from_f64(&weights, &[1, count], self.dtype, &self.device)?;
            self.first_layer = Some(Box::new(Prefix {
                params,
                forward: Forward::new(&network, WIDE_BATCH, self.dtype, &self.device)?,
                filters,
                positions: network.shape_after(layers - 1).0,
                width,
                padding: if padding == Padding::Same { (width - 1) / 2 } else { 0 },
            }));
        }
        Ok(self.first_layer.as_deref_mut())
    }
}

impl SequenceModel for Predictor {
    fn length(&self) -> usize {
        self.network.length()
    }

    fn classes(&self) -> usize {
        self.network.outputs()
    }

    fn logits(&mut self, input: ModelInput<'_>) -> Result<Vec<f32>> {
        Ok(narrow(&self.precise_logits(input)?))
    }

    fn input_gradients(&mut self, input: ModelInput<'_>, cotangent: &[f32]) -> Result<InputGradients> {
        let cotangent: Vec<f64> = cotangent.iter().map(|&value| f64::from(value)).collect();
        let (logits, bases) = self.precise_input_gradients(input, &cotangent)?;
        Ok(InputGradients { logits: narrow(&logits), bases: narrow(&bases) })
    }

    fn truncated_logits(&mut self, sequences: &[DnaSequence]) -> Result<Option<TruncatedLogits>> {
        let recurrent = |layer: &Layer| matches!(layer, Layer::BidirectionalLstm { .. });
        if !self.network.layers().iter().any(recurrent) {
            return Ok(None);
        }
        let (length, classes) = (self.length(), self.classes());
        let mut all = TruncatedLogits { prefixes: Vec::new(), suffixes: Vec::new() };
        for chunk in self.chunks(ModelInput::Hard(sequences))? {
            let (mut prefixes, mut suffixes) = self.truncations(&chunk)?;
            if self.strands == Strands::Both {
                // The bases x[..=i] are the suffix of the other strand that begins at l - 1 - i.
                let half = prefixes.len() / 2;
                let (other_prefixes, other_suffixes) = (prefixes.split_off(half), suffixes.split_off(half));
                average(&mut prefixes, &reversed_positions(&other_suffixes, length, classes));
                average(&mut suffixes, &reversed_positions(&other_prefixes, length, classes));
            }
            all.prefixes.extend(narrow(&prefixes));
            all.suffixes.extend(narrow(&suffixes));
        }
        Ok(Some(all))
    }

    fn mutant_logits(&mut self, sequences: &[DnaSequence]) -> Result<Vec<f32>> {
        let (length, classes) = (self.length(), self.classes());
        let mut all = Vec::new();
        for chunk in self.chunks(ModelInput::Hard(sequences))? {
            let shape = [1, chunk.size, length, 4, classes];
            let mut mutants = Buffer::zeros(&shape, self.dtype, &self.device)?;
            self.run(&chunk, Task::Mutants { mutants: &mut mutants })?;
            // On the other strand, the mutant to b at i is that to the complement of b at l - 1 - i.
            let turned = |others: &[f64]| reversed_positions(others, length * 4, classes);
            all.extend(narrow(&self.fold(mutants.to_f64()?, turned)));
        }
        Ok(all)
    }

    fn first_layer(&mut self, sequences: &[DnaSequence]) -> Result<Option<FirstLayer>> {
        let (length, device) = (self.length(), self.device.clone());
        check_lengths(sequences, length)?;
        let Some(prefix) = self.prefix()? else { return Ok(None) };
        let mut activations = Vec::new();
        for part in sequences.chunks(prefix.forward.batch()) {
            let chunk = Chunk::hard(part, length, false, &device)?;
            let logits = prefix.forward.run(&prefix.params, chunk.input(), chunk.size, Task::Predict)?;
            activations.extend(narrow(&logits));
        }
        let &mut Prefix { filters, positions, width, padding, .. } = prefix;
        Ok(Some(FirstLayer { activations, positions, filters, width, padding }))
    }
}

impl Predictor {
    /// The logits of prefixes and suffixes of a chunk's strands, each on that strand.
    fn truncations(&mut self, chunk: &Chunk) -> Result<(Vec<f64>, Vec<f64>)> {
        let shape = [1, chunk.size, self.length(), self.classes()];
        let mut prefixes = Buffer::zeros(&shape, self.dtype, &self.device)?;
        let mut suffixes = prefixes.clone();
        let task = Task::Truncations { prefixes: &mut prefixes, suffixes: &mut suffixes };
        self.run(chunk, task)?;
        Ok((prefixes.to_f64()?, suffixes.to_f64()?))
    }
}

/// Layers that make a network's first activations: a convolution with its normalisation and activation; 0 where
/// it does not begin with a convolution.
pub(crate) fn first_layers(network: &Network) -> usize {
    match network.layers() {
        [Layer::Convolution { .. }, Layer::BatchNormalisation { .. }, Layer::Activation { .. }, ..] => 3,
        [Layer::Convolution { .. }, Layer::BatchNormalisation { .. } | Layer::Activation { .. }, ..] => 2,
        [Layer::Convolution { .. }, ..] => 1,
        _ => 0,
    }
}

/// At most a batch of sequences on the device, followed by their reverse complements where they are
/// read.
struct Chunk {
    /// Sequences, of both strands.
    size: usize,
    values: ChunkValues,
}

enum ChunkValues {
    Hard { store: CodeStore, rows: Vec<u32> },
    Soft(Buffer),
}

impl Chunk {
    fn hard(sequences: &[DnaSequence], length: usize, both: bool, device: &Device) -> Result<Self> {
        let mut codes: Vec<u8> = sequences.iter().flat_map(DnaSequence::as_codes).copied().collect();
        if both {
            codes.extend(sequences.iter().flat_map(|sequence| reverse_complement(sequence.as_codes())));
        }
        let store = CodeStore::new(&codes, length, device)?;
        let rows: Vec<u32> = (0..store.len() as u32).collect();
        Ok(Self { size: rows.len(), values: ChunkValues::Hard { store, rows } })
    }

    fn soft(values: &[f32], length: usize, both: bool, dtype: DType, device: &Device) -> Result<Self> {
        let mut values = values.to_vec();
        if both {
            values.extend(reverse_complement_bases(&values, length));
        }
        let size = values.len() / (length * 4);
        let buffer = Buffer::from_f32(&values, &[1, size, length, 4], dtype, device)?;
        Ok(Self { size, values: ChunkValues::Soft(buffer) })
    }

    /// As the engine takes it.
    fn input(&self) -> Input<'_> {
        match &self.values {
            ChunkValues::Hard { store, rows } => Input::Rows { store, rows },
            ChunkValues::Soft(buffer) => Input::Soft(buffer),
        }
    }
}

fn check_lengths(sequences: &[DnaSequence], wanted: usize) -> Result<()> {
    match sequences.iter().position(|sequence| sequence.len() != wanted) {
        Some(at) => Err(Error::SequenceLength { sequence: at, found: sequences[at].len(), wanted }),
        None => Ok(()),
    }
}

/// (n, l, 4) on the other strand: positions and bases both reversed.
fn reverse_complement_bases<T: Copy>(values: &[T], length: usize) -> Vec<T> {
    values.chunks_exact(length * 4).flat_map(|sequence| sequence.iter().rev().copied()).collect()
}

/// (n, l, c) with the positions reversed.
fn reversed_positions(values: &[f64], length: usize, channels: usize) -> Vec<f64> {
    let reversed =
        |sequence: &[f64]| sequence.chunks_exact(channels).rev().flatten().copied().collect::<Vec<_>>();
    values.chunks_exact(length * channels).flat_map(reversed).collect()
}

/// Half the sum, which does not depend on which of the two comes first.
fn average(values: &mut [f64], others: &[f64]) {
    for (value, other) in values.iter_mut().zip(others) {
        *value = f64::midpoint(*value, *other);
    }
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[cfg(test)]
mod tests;
