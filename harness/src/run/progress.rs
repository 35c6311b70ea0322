//! Progress on standard error: a bar on a terminal, plain lines elsewhere.

use crate::report::number::rate;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kobench_plugin_abi::LOG_WARN;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often a plain line is written.
pub(crate) const LINE_EVERY: Duration = Duration::from_secs(10);

/// Messages and progress of a run.
#[derive(Debug, Clone)]
pub struct Progress {
    quiet: bool,
    /// The bars of all cells in flight; messages are written above them.
    bars: MultiProgress,
    /// The bar of this one's cell.
    bar: ProgressBar,
    bar_is_shown: bool,
}

/// The progress of one cell.
#[derive(Debug)]
pub struct CellProgress<'a> {
    parent: &'a Progress,
    label: String,
    total: u64,
    done: u64,
    tokens: u64,
    started: Instant,
    line_at: Instant,
}

impl Progress {
    /// With `quiet`, only warnings are written.
    pub fn new(quiet: bool) -> Self {
        let bar_is_shown = !quiet && std::io::stderr().is_terminal();
        let bars = MultiProgress::with_draw_target(if bar_is_shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        Self { quiet, bars, bar: ProgressBar::hidden(), bar_is_shown }
    }

    /// Another one, for a cell that runs at the same time.
    pub(super) fn beside(&self) -> Self {
        Self { bar: ProgressBar::hidden(), ..self.clone() }
    }

    /// A line for the user.
    pub fn note(&self, line: &str) {
        if !self.quiet {
            self.line(line);
        }
    }

    /// A line that `quiet` does not hide.
    pub fn warn(&self, line: &str) {
        self.line(&format!("warning: {line}"));
    }

    fn line(&self, line: &str) {
        // Nothing can be done about a standard error that is gone.
        self.bars.suspend(|| {
            let _ = writeln!(std::io::stderr(), "{line}");
        });
    }

    /// A line of a plugin's log; levels as in the interface.
    pub(crate) fn log_line(&self, label: &str, level: i32, message: &str) {
        let line = format!("{label}: {message}");
        if level <= LOG_WARN { self.warn(&line) } else { self.note(&line) }
    }

    /// Shows what a plugin's process prints, line by line, from any thread.
    pub(super) fn printer(&self, plugin: String) -> impl Fn(&str) + Clone + Send + use<> + 'static {
        let progress = self.clone();
        move |line| progress.note(&format!("{plugin} | {line}"))
    }

    /// Whether there is a bar.
    pub(crate) fn shows_bar(&self) -> bool {
        self.bar_is_shown
    }

    /// The bar; one that nobody sees where there is none.
    pub(crate) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Ends the bar, if there is one.
    pub(crate) fn end_bar(&self) {
        self.bar.finish_and_clear();
        self.bars.remove(&self.bar);
    }

    /// Begins a bar of `total` units, where there are bars.
    pub(crate) fn show_bar(&mut self, label: &str, unit: &str, total: u64) {
        if !self.bar_is_shown {
            return;
        }
        self.end_bar();
        let bar = self.bars.add(ProgressBar::new(total));
        let style = format!(
            "{{prefix}} {{wide_bar}} {{pos}}/{{len}} {unit}  {{msg}}  {{elapsed}} (eta {{eta}})"
        );
        // The template is a constant; should it ever be wrong, the default bar will do.
        bar.set_style(
            ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_prefix(label.to_string());
        bar.enable_steady_tick(Duration::from_millis(250));
        self.bar = bar;
    }

    /// Begins a cell of `total` rows.
    pub fn cell(&mut self, label: &str, total: u64) -> CellProgress<'_> {
        self.show_bar(label, "rows", total);
        let now = Instant::now();
        CellProgress {
            parent: self,
            label: label.into(),
            total,
            done: 0,
            tokens: 0,
            started: now,
            line_at: now,
        }
    }
}

impl CellProgress<'_> {
    /// As [`Progress::printer`].
    pub(super) fn printer(&self, plugin: String) -> impl Fn(&str) + Clone + Send + use<> + 'static {
        self.parent.printer(plugin)
    }

    /// Some rows are done.
    pub fn advance(&mut self, rows: u64, tokens: u64) {
        self.done += rows;
        self.tokens += tokens;
        let speed = self.tokens as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        if self.parent.bar_is_shown {
            self.parent.bar.set_message(format!("{} tokens/s", rate(speed)));
            self.parent.bar.set_position(self.done);
        } else if self.line_at.elapsed() >= LINE_EVERY {
            self.line_at = Instant::now();
            let (percent, speed) = (100 * self.done / self.total.max(1), rate(speed));
            self.note(&format!("{percent}% ({}/{} rows, {speed} tokens/s)", self.done, self.total));
        }
    }

    /// A line about this cell.
    pub fn note(&self, line: &str) {
        self.parent.note(&format!("{}: {line}", self.label));
    }

    /// A message of the plugin's log; levels as in the interface.
    pub(super) fn log(&self, level: i32, message: &str) {
        self.parent.log_line(&self.label, level, message);
    }

    /// A warning about this cell.
    pub fn warn(&self, line: &str) {
        self.parent.warn(&format!("{}: {line}", self.label));
    }
}

impl Drop for CellProgress<'_> {
    fn drop(&mut self) {
        self.parent.end_bar();
    }
}
