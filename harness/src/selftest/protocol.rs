//! What the harness and the child process that runs a self-test tell each other.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) library: PathBuf,
    pub(super) request: crate::plugin::SelftestRequest,
}

/// What a child tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum News {
    /// The plugin wrote a line.
    Line(String),
    /// The plugin's call has ended.
    Done,
    /// The library does not load, or the call has ended with an error.
    Failed { message: String, hint: Option<String> },
}
