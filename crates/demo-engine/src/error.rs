//! What can go wrong in the engine, with the shapes found and wanted.

use candle_core::DType;

/// Everything the engine refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// candle refused a storage or tensor operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A network without layers.
    #[error("a network needs at least one layer")]
    EmptyNetwork,
    /// A network over sequences of no bases.
    #[error("a network needs sequences of at least one base, found length 0")]
    EmptySequence,
    /// A layer whose own sizes make no sense.
    #[error("layer {layer} ({description}): {wanted}")]
    LayerConfig {
        /// Index of the layer.
        layer: usize,
        /// The layer in words.
        description: String,
        /// What would be accepted.
        wanted: &'static str,
    },
    /// A layer that cannot take what the layer before it gives.
    #[error(
        "layer {layer} ({description}) cannot take ({positions} positions, {channels} channels): {wanted}"
    )]
    LayerInput {
        /// Index of the layer.
        layer: usize,
        /// The layer in words.
        description: String,
        /// Positions that reach the layer.
        positions: usize,
        /// Channels that reach the layer.
        channels: usize,
        /// What would be accepted.
        wanted: &'static str,
    },
    /// A prefix of more layers than there are.
    #[error("a prefix of {found} layers was asked of a network of {layers}")]
    Prefix {
        /// Layers asked for.
        found: usize,
        /// Layers of the network.
        layers: usize,
    },
    /// A prefix without the batch normalisation whose shift is the bias of its last layer.
    #[error(
        "a prefix of {found} layers ends between a layer and its batch normalisation, wanted both or neither"
    )]
    PrefixBeforeNormalisation {
        /// Layers asked for.
        found: usize,
    },
    /// A buffer or list of the wrong shape.
    #[error("{what} has shape {found:?}, wanted {wanted:?}")]
    Shape {
        /// The argument.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that was wanted.
        wanted: Vec<usize>,
    },
    /// A buffer of the wrong element type.
    #[error("{what} holds {found:?}, wanted {wanted:?}")]
    ElementType {
        /// The argument.
        what: &'static str,
        /// Its element type.
        found: DType,
        /// The element type that was wanted.
        wanted: DType,
    },
    /// An element type that the engine has no kernels for.
    #[error("the engine computes in F32 or F64, not in {found:?}")]
    UnsupportedType {
        /// The element type asked for.
        found: DType,
    },
    /// Double precision on a device that computes in single precision.
    #[error("CUDA devices compute in F32, not in F64; use the CPU for F64")]
    SinglePrecision,
    /// A layer that the engine has no CUDA kernels for.
    #[error("layer {layer} ({description}) does not run on CUDA devices; use the CPU")]
    LayerOnDevice {
        /// Index of the layer.
        layer: usize,
        /// The layer in words.
        description: String,
    },
    /// A device that the engine has no kernels for.
    #[error("the engine runs on the CPU and on CUDA devices, not on {found}")]
    UnsupportedDevice {
        /// The device asked for.
        found: String,
    },
    /// A device without room for what was to be allocated.
    #[error("the CUDA device is out of memory: {wanted} bytes were wanted and {free} are free")]
    OutOfMemory {
        /// Bytes wanted.
        wanted: usize,
        /// Bytes free.
        free: usize,
    },
    /// A CUDA device that failed.
    #[error("the CUDA device failed ({what}): {reason}")]
    CudaDevice {
        /// What it was asked for.
        what: &'static str,
        /// What its driver or compiler says.
        reason: String,
    },
    /// No emulated device.
    #[error("there is no emulated CUDA device: {reason}")]
    Emulation {
        /// Why not.
        reason: String,
    },
    /// An argument on another device than the plan.
    #[error("{what}: found on {found}, wanted on {wanted}")]
    Place {
        /// The argument.
        what: &'static str,
        /// Where it is.
        found: &'static str,
        /// Where it should be.
        wanted: &'static str,
    },
    /// A parameter name that the network does not have.
    #[error("no parameter is called '{name}'; the network has {known}")]
    UnknownParameter {
        /// The name asked for.
        name: String,
        /// The names there are, separated by commas.
        known: String,
    },
    /// A member, row, label, logit or code beyond its range.
    #[error("{what} {found} is out of range, wanted less than {limit}")]
    OutOfRange {
        /// What is out of range.
        what: &'static str,
        /// Its value.
        found: usize,
        /// The first value that is too large.
        limit: usize,
    },
    /// An argument that this task needs.
    #[error("{task} needs {missing}")]
    Missing {
        /// The task.
        task: &'static str,
        /// The argument that is missing.
        missing: &'static str,
    },
    /// A task that this network or input cannot do.
    #[error("{task} is not possible: {reason}")]
    Unsupported {
        /// The task.
        task: &'static str,
        /// Why not, and what would do.
        reason: &'static str,
    },
}

/// A result of the engine.
pub type Result<T> = std::result::Result<T, Error>;
