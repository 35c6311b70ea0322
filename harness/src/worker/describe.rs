//! Describing a plugin library without loading it into this process.

use super::failure::{Failure, FailureKind};
use super::process::{Limits, Worker};
use crate::hint::Hint as _;
use crate::plugin::{Broken, Description};
use std::path::Path;

/// Describes a library in a worker of its own.
///
/// # Errors
/// Whatever the plugin does instead, in words for `plugin list`.
pub fn describe(library: &Path, limits: Limits) -> Result<Description, Broken> {
    let broken = |f: &Failure| {
        let mut reason = f.to_string();
        // The message of a library that does not load names it already.
        if let FailureKind::Error { message, .. } = &f.kind {
            reason = message
                .trim_start_matches(&*library.to_string_lossy())
                .trim_start_matches(": ")
                .into();
        }
        Broken { path: library.into(), reason, hint: f.hint() }
    };
    let mut worker = Worker::start(1, limits, |_| {}).map_err(|f| broken(&f))?;
    worker.describe(library).map_err(|f| broken(&f))
}
