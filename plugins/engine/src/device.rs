//! Where a model computes.

#[cfg(feature = "cuda")]
use std::sync::Arc;

use crate::error::{EngineError, Result};

/// A device.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Device {
    /// This machine's processor.
    Cpu,
    /// A GPU of NVIDIA's.
    #[cfg(feature = "cuda")]
    Cuda(Arc<kobench_cuda::Gpu>),
}

impl Device {
    /// The device that a request names: `cpu`, or `cuda:N`, which is opened.
    ///
    /// # Errors
    /// [`EngineError::Input`] for other names; [`EngineError::Unsupported`] where there is no such device, or this build
    /// has no kernels for it, with what is missing.
    pub fn named(name: &str) -> Result<Self> {
        if name == "cpu" {
            return Ok(Self::Cpu);
        }
        let ordinal = name.strip_prefix("cuda:").and_then(|number| number.parse::<usize>().ok());
        let ordinal = ordinal.ok_or_else(|| {
            EngineError::Input(format!("device \"{name}\" is not known; use \"cpu\" or \"cuda:0\""))
        })?;
        Self::cuda(ordinal)
    }

    #[cfg(feature = "cuda")]
    fn cuda(ordinal: usize) -> Result<Self> {
        Ok(Self::Cuda(kobench_cuda::Gpu::open(ordinal)?))
    }

    #[cfg(not(feature = "cuda"))]
    fn cuda(ordinal: usize) -> Result<Self> {
        Err(EngineError::Unsupported(format!(
            "device \"cuda:{ordinal}\": this build of the plugin computes on the CPU only; build it with `--features \
             cuda`, or use device \"cpu\""
        )))
    }

    /// Whether it is the processor, whose memory is the host's.
    pub fn is_cpu(&self) -> bool {
        matches!(self, Self::Cpu)
    }

    /// The name in requests and records.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            #[cfg(feature = "cuda")]
            Self::Cuda(gpu) => format!("cuda:{}", gpu.facts().ordinal),
        }
    }
}
