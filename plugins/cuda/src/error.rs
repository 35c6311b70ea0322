//! What goes wrong on a device.

use std::ffi::CStr;

use cudarc::cublaslt::result::CublasError;
use cudarc::driver::DriverError;
use cudarc::driver::sys::cudaError_enum as Code;

/// An error of the device, its driver or its libraries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CudaError {
    /// There is no device to compute on; the message says why. Whoever asked for any device can take the CPU.
    #[error("{0}")]
    Unavailable(String),
    /// The device's memory is full. What was there before is intact.
    #[error(
        "out of device memory: {bytes} bytes for {what} were asked for, and {free} of {total} bytes are free; use smaller \
         batches"
    )]
    OutOfMemory {
        /// What the memory was for.
        what: &'static str,
        /// How much was asked for.
        bytes: usize,
        /// What the device has left.
        free: usize,
        /// What the device has.
        total: usize,
    },
    /// A call of the driver failed. Behind a kernel that failed all later calls fail too.
    #[error("{call} failed: {name} ({message})")]
    Driver {
        /// What was done.
        call: &'static str,
        /// The driver's name of the error.
        name: String,
        /// The driver's words for it.
        message: String,
    },
    /// A matrix product was refused.
    #[error("cuBLASLt refused {what}: {status}")]
    Blas {
        /// Which product.
        what: String,
        /// The library's name of the error.
        status: String,
    },
    /// A kernel that should be in this build is not.
    #[error("{0}")]
    Kernel(String),
}

/// The result of what computes on a device.
pub type Result<T> = std::result::Result<T, CudaError>;

impl CudaError {
    /// Of a call of the driver.
    pub(crate) fn driver(call: &'static str, error: DriverError) -> Self {
        let text = |c: std::result::Result<&CStr, DriverError>| {
            c.map_or_else(
                |_| format!("error {}", error.0 as u32),
                |c| c.to_string_lossy().into_owned(),
            )
        };
        Self::Driver { call, name: text(error.error_name()), message: text(error.error_string()) }
    }

    /// Of a matrix product.
    pub(crate) fn blas(what: impl Into<String>, error: CublasError) -> Self {
        Self::Blas { what: what.into(), status: format!("{:?}", error.0) }
    }
}

/// Whether the driver says that memory is short.
pub(crate) fn is_out_of_memory(error: DriverError) -> bool {
    error.0 == Code::CUDA_ERROR_OUT_OF_MEMORY
}

/// Names the call of a driver's error.
pub(crate) trait Named<T> {
    fn named(self, call: &'static str) -> Result<T>;
}

impl<T> Named<T> for std::result::Result<T, DriverError> {
    fn named(self, call: &'static str) -> Result<T> {
        self.map_err(|error| CudaError::driver(call, error))
    }
}
