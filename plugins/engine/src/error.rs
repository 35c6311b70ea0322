//! The engine's error type: what was wrong, where, and what to do next.

use std::path::PathBuf;

/// Result of every fallible engine call.
pub type Result<T> = std::result::Result<T, EngineError>;

/// Everything that can go wrong between a checkpoint directory and its logits.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}: {source}{}", path.display(), advice(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// config.json is not what the architecture needs.
    #[error("{origin}: {message}")]
    Config {
        /// The file, or the name of the bundled model.
        origin: String,
        /// What was found, what was expected, what to do.
        message: String,
    },
    /// A weights file is damaged, or does not fit config.json.
    #[error("{origin}: {message}")]
    Checkpoint {
        /// The file, or the name of the bundled model.
        origin: String,
        /// What was found, what was expected, what to do.
        message: String,
    },
    /// The checkpoint is a pre-trained model: nothing has trained its head yet.
    #[error(
        "{origin}: no weights for the classification head ({tensors}): this is a pre-trained \
         model, not a fine-tuned one. Fine-tune it first, choose a checkpoint that was fine-tuned \
         for this task, or ask for a newly initialised head (its predictions are noise until it is \
         trained)"
    )]
    UntrainedHead {
        /// The file, or the name of the bundled model.
        origin: String,
        /// Names of the missing tensors.
        tensors: String,
    },
    /// A vocabulary or a text cannot be used.
    #[error("{origin}: {message}")]
    Tokenizer {
        /// The file, or the name of the bundled model.
        origin: String,
        /// What was found, what was expected, what to do.
        message: String,
    },
    /// A batch does not fit the model.
    #[error("{0}")]
    Input(String),
    /// The engine cannot do what was asked for.
    #[error("{0}")]
    Unsupported(String),
    /// Memory for a buffer could not be had; a smaller batch may fit.
    #[error("out of memory: {what} needs {bytes} bytes; use a smaller batch or shorter texts")]
    OutOfMemory {
        /// What the memory was for.
        what: String,
        /// Size of the request in bytes.
        bytes: usize,
    },
    /// The device's memory is full; a smaller batch may fit, and nothing was lost.
    #[error("{0}")]
    OutOfDeviceMemory(String),
    /// The device, its driver or its libraries failed.
    #[error("{0}")]
    Device(String),
    /// The weights alone are larger than all memory that this process can have.
    #[error(
        "the model's weights need {:.1} GiB, but this machine or container has {:.1} GiB of memory \
         ({:.1} GiB of it free): use a machine with more, or a smaller model; its files can still \
         be checked",
        gib(*needed), gib(*limit), gib(*available)
    )]
    ModelTooLarge {
        /// Bytes of the weights in the run's precision.
        needed: usize,
        /// Bytes that can be had at most.
        limit: usize,
        /// Bytes that are free now.
        available: usize,
    },
    /// A loss or a gradient is NaN or infinite.
    #[error("{0}")]
    NotFinite(String),
    /// The caller wanted the call to end.
    #[error("cancelled")]
    Cancelled,
    /// The engine contradicts itself; please report it.
    #[error("internal error, please report it: {0}")]
    Internal(String),
}

impl EngineError {
    /// A [`EngineError::Config`] from its parts.
    pub fn config(origin: &str, message: impl Into<String>) -> Self {
        Self::Config { origin: origin.to_owned(), message: message.into() }
    }

    /// A [`EngineError::Checkpoint`] from its parts.
    pub fn checkpoint(origin: &str, message: impl Into<String>) -> Self {
        Self::Checkpoint { origin: origin.to_owned(), message: message.into() }
    }

    /// A [`EngineError::Tokenizer`] from its parts.
    pub fn tokenizer(origin: &str, message: impl Into<String>) -> Self {
        Self::Tokenizer { origin: origin.to_owned(), message: message.into() }
    }
}

#[cfg(feature = "cuda")]
impl From<kobench_cuda::CudaError> for EngineError {
    fn from(error: kobench_cuda::CudaError) -> Self {
        use kobench_cuda::CudaError;

        let message = error.to_string();
        match error {
            CudaError::Unavailable(_) => Self::Unsupported(message),
            CudaError::OutOfMemory { .. } => Self::OutOfDeviceMemory(message),
            CudaError::Driver { .. } | CudaError::Blas { .. } | CudaError::Kernel(_) => {
                Self::Device(message)
            }
        }
    }
}

/// What to do about a file that cannot be written.
fn advice(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "; free some space there, or write to another disk"
        }
        _ => "",
    }
}

/// Bytes in GiB.
fn gib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
