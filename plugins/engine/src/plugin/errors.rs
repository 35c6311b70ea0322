//! The engine's errors as the SDK's: the kind becomes a status code, the message stays.

use std::io::ErrorKind;

use kobench_plugin_sdk::Error;

use crate::error::EngineError;

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
                Self::not_found(message)
            }
            EngineError::Io { .. }
            | EngineError::Config { .. }
            | EngineError::Checkpoint { .. }
            | EngineError::UntrainedHead { .. }
            | EngineError::Tokenizer { .. } => Self::bad_data(message),
            EngineError::Input(_) => Self::invalid_argument(message),
            EngineError::Unsupported(_) => Self::unsupported(message),
            EngineError::OutOfMemory { .. } | EngineError::ModelTooLarge { .. } => {
                Self::out_of_memory(message)
            }
            EngineError::OutOfDeviceMemory(_) => Self::out_of_device_memory(message),
            EngineError::NotFinite(_) => Self::not_finite(message),
            EngineError::Cancelled => Self::cancelled(message),
            EngineError::Internal(_) | EngineError::Device(_) | EngineError::Write { .. } => {
                Self::internal(message)
            }
        }
    }
}
