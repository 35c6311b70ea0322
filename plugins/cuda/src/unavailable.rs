//! Why there is no device to compute on: the question that comes first on most machines.
#![expect(unsafe_code, reason = "loading libraries and calls of the driver")]

use cudarc::driver::sys::cudaError_enum as Code;
use cudarc::driver::{DriverError, result, sys};

use crate::error::{CudaError, Result};

/// The oldest driver whose calls we use, as a CUDA version.
const OLDEST_DRIVER: (i32, i32) = (12, 0);

/// The CUDA version of the driver, where device `ordinal` can be opened.
///
/// # Errors
/// [`CudaError::Unavailable`] with what is missing and what to do about it.
pub(crate) fn check(ordinal: usize) -> Result<(i32, i32)> {
    let no = |message: String| Err(CudaError::Unavailable(message));
    // SAFETY: loading the driver's library runs its initialisers, as every program that uses it does.
    if !unsafe { sys::is_culib_present() } {
        return no("no NVIDIA driver: libcuda.so.1 cannot be loaded; install the driver, or use device \"cpu\"".into());
    }
    let driver = match version() {
        Ok(driver) => driver,
        Err(error) => return no(format!("the NVIDIA driver does not answer: {error}")),
    };
    let (major, minor) = driver;
    if driver < OLDEST_DRIVER {
        let (oldest, minor_of_oldest) = OLDEST_DRIVER;
        return no(format!(
            "the NVIDIA driver knows CUDA {major}.{minor}, and {oldest}.{minor_of_oldest} is needed; update the driver"
        ));
    }
    if let Err(error) = result::init() {
        return no(match error.0 {
            Code::CUDA_ERROR_NO_DEVICE => {
                "the NVIDIA driver sees no device; is CUDA_VISIBLE_DEVICES empty, or the device not passed to this \
                 container?"
                    .into()
            }
            _ => format!("the NVIDIA driver (CUDA {major}.{minor}) cannot be started: {error}"),
        });
    }
    let count = result::device::get_count().unwrap_or(0);
    if usize::try_from(count).unwrap_or(0) <= ordinal {
        return no(format!(
            "there is no device cuda:{ordinal}: this process sees {count} (cuda:0 is the first; CUDA_VISIBLE_DEVICES hides \
             others)"
        ));
    }
    // SAFETY: as above.
    if !unsafe { cudarc::cublaslt::sys::is_culib_present() } {
        return no(
            "libcublasLt.so.13 (or .12) cannot be loaded; install the CUDA libraries (the toolkit, or NVIDIA's wheel \
             nvidia-cublas) and put their folder into LD_LIBRARY_PATH"
                .into(),
        );
    }
    Ok(driver)
}

fn version() -> std::result::Result<(i32, i32), DriverError> {
    let mut version = 0;
    // SAFETY: the call writes one number.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result()?;
    Ok((version / 1000, version % 1000 / 10))
}
