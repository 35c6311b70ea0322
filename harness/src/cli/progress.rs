//! Progress of downloads on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::download::{Cause, Retries, Watch};
use crate::text::bytes as size;

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Messages and progress of downloads.
#[derive(Debug)]
pub(super) struct Progress {
    quiet: bool,
    shows_bar: bool,
}

/// The progress of one download.
#[derive(Debug)]
pub(super) struct FileProgress<'a> {
    parent: &'a Progress,
    label: String,
    bar: ProgressBar,
    total: Option<u64>,
    done: u64,
    /// Bytes and time since which the speed counts.
    since: (u64, Instant),
    line_at: Instant,
}

impl Progress {
    /// With `quiet`, only what went wrong is written.
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, shows_bar: !quiet && std::io::stderr().is_terminal() }
    }

    /// A line for the user.
    pub(super) fn note(&self, line: &str) {
        if !self.quiet {
            write_line(line);
        }
    }

    /// Begins a file.
    pub(super) fn file(&self, label: String) -> FileProgress<'_> {
        let now = Instant::now();
        FileProgress {
            parent: self,
            label,
            bar: ProgressBar::hidden(),
            total: None,
            done: 0,
            since: (0, now),
            line_at: now,
        }
    }

    /// A bar without an end, for work whose amount is not known; none where bars are not shown.
    pub(super) fn spinner(&self) -> ProgressBar {
        if !self.shows_bar {
            return ProgressBar::hidden();
        }
        let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        spinner.enable_steady_tick(Duration::from_millis(250));
        spinner
    }
}

impl FileProgress<'_> {
    fn warn(&self, line: &str) {
        self.bar.suspend(|| write_line(&format!("warning: {}: {line}", self.label)));
    }

    fn speed(&self) -> u64 {
        let seconds = self.since.1.elapsed().as_secs_f64().max(1e-3);
        ((self.done.saturating_sub(self.since.0)) as f64 / seconds) as u64
    }
}

impl Watch for FileProgress<'_> {
    fn begins(&mut self, from: u64, total: Option<u64>) {
        let now = Instant::now();
        (self.done, self.total, self.since, self.line_at) = (from, total, (from, now), now);
        if from > 0 {
            let line = format!("{}: goes on after {}", self.label, size(from));
            self.bar.suspend(|| self.parent.note(&line));
        }
        if !self.parent.shows_bar {
            return;
        }
        self.bar.finish_and_clear();
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let style = match total {
            Some(_) => {
                "{prefix} {wide_bar} {binary_bytes}/{binary_total_bytes}  {msg}  (eta {eta})"
            }
            None => "{prefix} {spinner} {binary_bytes}  {msg}  {elapsed}",
        };
        // The template is a constant; should it ever be wrong, the default bar will do.
        bar.set_style(
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_prefix(self.label.clone());
        bar.set_position(from);
        bar.enable_steady_tick(Duration::from_millis(250));
        self.bar = bar;
    }

    fn advances(&mut self, bytes: u64) {
        self.done += bytes;
        if self.parent.shows_bar {
            self.bar.set_position(self.done);
            self.bar.set_message(format!("{}/s", size(self.speed())));
        } else if self.line_at.elapsed() >= LINE_EVERY {
            self.line_at = Instant::now();
            let (label, done, speed) = (&self.label, size(self.done), size(self.speed()));
            self.parent.note(&match self.total {
                Some(total) => {
                    let percent = 100 * self.done / total.max(1);
                    format!("{label}: {percent}% ({done} of {}, {speed}/s)", size(total))
                }
                None => format!("{label}: {done} ({speed}/s)"),
            });
        }
    }

    fn retries(&mut self, cause: &Cause, delay: Duration, retries: &Retries) {
        self.warn(&format!(
            "{cause}; trying again in {:.1} s ({} of {})",
            delay.as_secs_f64(),
            retries.failures(),
            retries.allowed()
        ));
    }

    fn waits(&mut self, file: &Path) {
        let line = format!("another process is downloading it ({}); waiting", file.display());
        self.parent.note(&format!("{}: {line}", self.label));
    }
}

impl Drop for FileProgress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn write_line(line: &str) {
    // Nothing can be done about a standard error that is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
