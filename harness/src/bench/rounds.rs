//! How far a scenario is: a bar on a terminal, plain lines elsewhere.

use super::Scenario;
use crate::run::{LINE_EVERY, Progress};
use std::time::Instant;

/// The progress of one scenario.
pub(super) struct Rounds<'p> {
    pub(super) progress: &'p mut Progress,
    scenario: Scenario,
    total: u32,
    done: u32,
    line_at: Instant,
}

impl<'p> Rounds<'p> {
    /// Begins a scenario of so many repetitions.
    pub(super) fn begin(progress: &'p mut Progress, scenario: Scenario, total: u32) -> Self {
        progress.show_bar(scenario.name(), "repetitions", total.into());
        progress.note(&format!("{scenario}: {total} repetitions"));
        Self { progress, scenario, total, done: 0, line_at: Instant::now() }
    }

    /// One more is done.
    pub(super) fn advance(&mut self) {
        self.done += 1;
        if self.progress.shows_bar() {
            self.progress.bar().set_position(self.done.into());
        } else if self.line_at.elapsed() >= LINE_EVERY {
            self.line_at = Instant::now();
            self.progress.note(&format!("{}: {}/{}", self.scenario, self.done, self.total));
        }
    }
}

impl Drop for Rounds<'_> {
    fn drop(&mut self) {
        self.progress.end_bar();
    }
}
