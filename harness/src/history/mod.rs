//! Numbers over many runs: how they went, and where they moved.

mod outcome;

pub use outcome::{Change, History, HistoryRun, Point, Series, Trend};

/// The version of [`History`]; it changes when a field changes its meaning or goes.
pub const HISTORY_VERSION: u32 = 1;
