//! Gemma-2.

use super::ModelConfig;
use crate::error::{EngineError, Result};

/// Sizes and constants of a Gemma-2 decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Gemma2Config {}

pub(super) fn parse(_json: &[u8], origin: &str) -> Result<ModelConfig> {
    Err(EngineError::config(origin, "gemma2 is not supported by this build"))
}
