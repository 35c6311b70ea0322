//! Does this build compute rightly on a device of this machine, and how fast?
//!
//! A registry (`registry.rs`) names the checks, by group; each says what it measured, and how far that may be off. The numbers to
//! compare with are the CPU's in f32, plain f64 forms ([`crate::reference`]), and [`Goldens`]: small random models with
//! what PyTorch and transformers made of them, which a plugin carries. [`speed`] measures models of real shapes.

mod bench;
mod checks;
mod compare;
mod golden;
mod read;
mod registry;
mod run;
pub mod speed;
mod synthetic;

pub use golden::{Goldens, ModelGolden};
pub use run::run;
