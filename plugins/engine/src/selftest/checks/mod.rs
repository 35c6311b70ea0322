//! The checks, a file a group.

pub(super) mod determinism;
pub(super) mod device;
pub(super) mod models;
pub(super) mod ops;
pub(super) mod training;
