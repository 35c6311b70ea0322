//! Intervals around measured values.

mod wilson;

pub use wilson::wilson_95;
