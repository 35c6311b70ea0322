//! The inner loops that everything else is built from: matrix products, vector math, tiles.
//!
//! The only unsafe code of the engine is in `gemm` and `tile`, in the memory map of checkpoint files, and where
//! zeroed memory is allocated.

pub(crate) mod gemm;
pub mod isa;
pub mod math;
pub(crate) mod reduce;
pub(crate) mod tile;
