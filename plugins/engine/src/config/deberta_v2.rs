//! DeBERTa-v2 and v3.

use super::ModelConfig;
use crate::error::{EngineError, Result};

/// Sizes and constants of a DeBERTa-v2 encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DebertaV2Config {}

pub(super) fn parse(_json: &[u8], origin: &str) -> Result<ModelConfig> {
    Err(EngineError::config(origin, "deberta-v2 is not supported by this build"))
}
