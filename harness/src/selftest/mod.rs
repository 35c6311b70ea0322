//! Self-tests: does a device of this machine compute rightly, and how fast?
//!
//! The harness links no engine, so that it is plugins that check themselves (the call `selftest` of
//! `kobench_plugin.h`). Each runs in a child process (`serve`). A driver that crashes or hangs costs the check in
//! flight, which is named, and a fresh process goes on with the others (`runner`).

mod child;
mod finding;
mod protocol;
mod runner;
#[cfg(test)]
mod schema_tests;
mod serve;
mod speed;

pub use finding::{Counts, Report, group};
pub use runner::{Options, Progress, check, list};
pub use serve::serve;
pub use speed::{SpeedOptions, measure, shapes};

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SelftestError {
    message: String,
    hint: Option<String>,
}

impl crate::hint::Hint for SelftestError {
    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl SelftestError {
    fn new(message: impl Into<String>, hint: Option<String>) -> Self {
        Self { message: message.into(), hint }
    }
}
