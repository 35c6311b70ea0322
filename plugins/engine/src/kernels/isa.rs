//! Run-time choice of the instruction set.

use pulp::{Arch, WithSimd};

/// Runs `op` compiled for the best instruction set of this machine.
///
/// The body is ordinary Rust that the compiler vectorises; whatever it calls has to be
/// `#[inline(always)]` to be compiled for the same instruction set.
#[inline]
pub(crate) fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    Arch::new().dispatch(op)
}

/// Name of the instruction set that the kernels use on this machine.
pub fn name() -> &'static str {
    match Arch::new() {
        #[cfg(target_arch = "x86_64")]
        Arch::V4(_) => "avx512",
        #[cfg(target_arch = "x86_64")]
        Arch::V3(_) => "avx2+fma",
        _ if cfg!(target_arch = "x86_64") => "sse2",
        _ if cfg!(target_arch = "aarch64") => "neon",
        _ => "scalar",
    }
}
