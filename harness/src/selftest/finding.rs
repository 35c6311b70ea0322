//! What a self-test found.

use crate::plugin::{CheckLine, CheckOutcome};
use serde::Serialize;
use std::path::PathBuf;

/// All checks of one plugin, as harness/schemas/selftest.schema.json says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Its library.
    pub library: PathBuf,
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Each check with its outcome, in the order in which they ran.
    pub checks: Vec<CheckLine>,
}

/// How many checks ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Within their tolerance.
    pub passed: usize,
    /// Not.
    pub failed: usize,
    /// Nothing to check here.
    pub skipped: usize,
}

impl Counts {
    /// Of some checks.
    pub fn of<'a>(checks: impl IntoIterator<Item = &'a CheckLine>) -> Self {
        checks.into_iter().fold(Self::default(), |mut counts, check| {
            match check.outcome {
                CheckOutcome::Passed => counts.passed += 1,
                CheckOutcome::Failed => counts.failed += 1,
                CheckOutcome::Skipped | CheckOutcome::Listed => counts.skipped += 1,
            }
            counts
        })
    }
}

impl Report {
    /// Whether no check failed.
    pub fn is_good(&self) -> bool {
        Counts::of(&self.checks).failed == 0
    }
}

/// The group that a check is of: what its name begins with.
pub fn group(check: &str) -> &str {
    check.split_once('/').map_or(check, |(group, _)| group)
}
