//! How a check ends.

use crate::plugin::{CallError, PluginError, status_name};
use kobench_plugin_abi as abi;
use std::io;

/// What was seen where all is well, in a few words; or why a check stopped.
pub(super) type Outcome = Result<String, Stop>;

/// Why a check stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// It could not look, and why.
    Skipped(String),
    /// It saw something that should not be.
    Bad {
        /// What was seen.
        seen: String,
        /// What should have been.
        expected: String,
    },
}

/// Something that should not be.
pub(super) fn bad(seen: impl Into<String>, expected: impl Into<String>) -> Stop {
    Stop::Bad { seen: seen.into(), expected: expected.into() }
}

/// Nothing to look at.
pub(super) fn skipped<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skipped(reason.into()))
}

/// Stops where `holds` is false.
pub(super) fn ensure(
    holds: bool,
    seen: impl FnOnce() -> String,
    expected: &str,
) -> Result<(), Stop> {
    if holds { Ok(()) } else { Err(bad(seen(), expected)) }
}

impl From<CallError> for Stop {
    fn from(e: CallError) -> Self {
        bad(e.to_string(), format!("`{}` succeeds", e.call))
    }
}

impl From<PluginError> for Stop {
    fn from(e: PluginError) -> Self {
        bad(e.to_string(), "the library loads and describes itself")
    }
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Self::Skipped(format!("the check itself could not run: {e}"))
    }
}

/// What a call answered: its status, and its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: i32,
    pub(super) message: String,
}

/// Runs a call with a buffer for its message.
pub(super) fn answer(f: impl FnOnce(*mut abi::ErrorBuffer) -> i32) -> Answer {
    match crate::plugin::call("", f) {
        Ok(()) => Answer { status: abi::OK, message: String::new() },
        Err(e) => Answer { status: e.status, message: e.message },
    }
}

/// A status by name; OK has one here too.
pub(super) fn named(status: i32) -> String {
    if status == abi::OK { "OK".into() } else { format!("\"{}\"", status_name(status)) }
}

impl Answer {
    /// Stops unless the status is one of `allowed`. `what` is the call and what it was given.
    pub(super) fn expect(&self, what: &str, allowed: &[i32]) -> Result<(), Stop> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        let names: Vec<String> = allowed.iter().map(|&s| named(s)).collect();
        let message = match self.message.as_str() {
            "" => String::new(),
            message => format!(": {message}"),
        };
        Err(bad(
            format!("{what} answered {}{message}", named(self.status)),
            format!("the status {}", names.join(" or ")),
        ))
    }
}
