//! The kernels of this build, and finding them by name.

use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::sync::Mutex;

use cudarc::driver::result;
use cudarc::driver::sys::CUmodule;

use crate::device::{Facts, lock};
use crate::error::{CudaError, Result};
use crate::launch::Function;

include!(concat!(env!("OUT_DIR"), "/images.rs"));

/// A file of kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the files")]
pub enum Module {
    Rows,
    Embedding,
    Elementwise,
    Attention,
    AttentionBackward,
    Causal,
    CausalBackward,
    Disentangled,
    DisentangledBackward,
    Loss,
    Optimizer,
}

impl Module {
    fn file(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Embedding => "embedding",
            Self::Elementwise => "elementwise",
            Self::Attention => "attention",
            Self::AttentionBackward => "attention_backward",
            Self::Causal => "causal",
            Self::CausalBackward => "causal_backward",
            Self::Disentangled => "disentangled",
            Self::DisentangledBackward => "disentangled_backward",
            Self::Loss => "loss",
            Self::Optimizer => "optimizer",
        }
    }
}

/// The environment variable by which the emulator says that it needs no images.
const EMULATED: &str = "KOBENCH_CUDA_EMULATED";

/// Whether the kernels come from the emulator and not from this build.
fn emulated() -> bool {
    std::env::var_os(EMULATED).is_some()
}

/// Refuses a build without kernels.
pub(crate) fn check(facts: &Facts) -> Result<()> {
    if IMAGES.is_empty() && !emulated() {
        return Err(CudaError::Unavailable(format!(
            "{} is there, but this build was made without kernels for it; build with `--features cuda` and a CUDA toolkit",
            facts.name
        )));
    }
    Ok(())
}

/// Loaded modules and the functions that were looked up in them.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    loaded: Mutex<HashMap<Module, Handle>>,
    functions: Mutex<HashMap<(&'static str, &'static str), Function>>,
}

/// A module. It is never unloaded: functions of it are kept.
#[derive(Debug, Clone, Copy)]
struct Handle(CUmodule);

#[expect(unsafe_code, reason = "a handle of the driver, which may be used from any thread")]
// SAFETY: the driver's functions take the handle from any thread in whose context it was made.
unsafe impl Send for Handle {}

impl Modules {
    /// The kernel `name` + `suffix`.
    pub(crate) fn function(
        &self,
        module: Module,
        name: &'static str,
        suffix: &'static str,
    ) -> Result<Function> {
        let mut functions = lock(&self.functions);
        if let Some(function) = functions.get(&(name, suffix)) {
            return Ok(*function);
        }
        let whole = format!("{name}{suffix}");
        let handle = self.load(module)?;
        let symbol = CString::new(whole.clone()).map_err(|e| CudaError::Kernel(e.to_string()))?;
        #[expect(unsafe_code, reason = "a call of the driver")]
        // SAFETY: the module was loaded, and is never unloaded.
        let found = unsafe { result::module::get_function(handle.0, symbol) };
        let function = Function(found.map_err(|error| {
            CudaError::Kernel(format!("the kernel {whole} is not in {}: {error}", module.file()))
        })?);
        functions.insert((name, suffix), function);
        Ok(function)
    }

    fn load(&self, module: Module) -> Result<Handle> {
        let mut loaded = lock(&self.loaded);
        if let Some(handle) = loaded.get(&module) {
            return Ok(*handle);
        }
        let image = IMAGES.iter().find(|(name, _)| *name == module.file()).map(|(_, image)| *image);
        let image = match image {
            Some(image) => image,
            None if emulated() => &[0],
            None => {
                return Err(CudaError::Kernel(format!(
                    "the kernels {} are not in this build",
                    module.file()
                )));
            }
        };
        #[expect(unsafe_code, reason = "a call of the driver")]
        // SAFETY: the image is a whole fat binary, as nvcc made it.
        let handle = unsafe { result::module::load_data(image.as_ptr().cast::<c_void>()) };
        let handle = Handle(handle.map_err(|error| {
            CudaError::Kernel(format!(
                "the driver does not take this build's kernels ({}): {error}. They were compiled for other devices or by a \
                 newer CUDA toolkit than the driver knows; update the driver, or build with KOBENCH_CUDA_ARCHS set to this \
                 device's compute capability and a toolkit that is no newer than the driver",
                module.file()
            ))
        })?);
        loaded.insert(module, handle);
        Ok(handle)
    }
}
