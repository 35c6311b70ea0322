//! How far a self-test has come, on standard error: one line that changes on a terminal, a line now and then elsewhere.

use crate::plugin::CheckOutcome;
use crate::selftest::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The progress of one plugin's checks.
#[derive(Debug)]
pub(super) struct CheckProgress {
    bar: Option<ProgressBar>,
    line_at: Instant,
}

impl CheckProgress {
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // The template is a constant; should it ever be wrong, the default bar will do.
            bar.set_style(
                ProgressStyle::with_template("{wide_bar} {pos}/{len}  {msg}  {elapsed}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { bar, line_at: Instant::now() }
    }

    pub(super) fn show(&mut self, now: Progress<'_>) {
        let running = now.now.map_or(String::new(), |id| format!("{} {}", id.name, id.precision));
        if let Some(ended) = now.ended.filter(|line| line.outcome == CheckOutcome::Failed) {
            self.note(&format!("failed: {} {}: {}", ended.name, ended.precision, ended.message));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(now.all as u64);
            bar.set_position(now.done as u64);
            bar.set_message(running);
        } else if self.line_at.elapsed() >= LINE_EVERY {
            self.line_at = Instant::now();
            self.note(&format!("{}/{} {running}", now.done, now.all));
        }
    }

    fn note(&self, line: &str) {
        // Nothing can be done about a standard error that is gone.
        let write = || drop(writeln!(std::io::stderr(), "{line}"));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Drop for CheckProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
