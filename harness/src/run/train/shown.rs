//! The progress of a training on standard error: a bar on a terminal, plain lines elsewhere.

use crate::record::TrainingStep;
use crate::report::number::{metric_text, rate};
use crate::run::ask::Heard;
use crate::run::progress::{LINE_EVERY, Progress};
use crate::worker::Event;
use indicatif::HumanDuration;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Steps that the shown loss and speed are of.
const RECENT: usize = 50;

/// The progress of one cell's training.
#[derive(Debug)]
pub(in crate::run) struct TrainProgress<'a> {
    parent: &'a mut Progress,
    label: String,
    total: u64,
    recent: VecDeque<TrainingStep>,
    line_at: Instant,
}

impl<'a> TrainProgress<'a> {
    pub(in crate::run) fn new(parent: &'a mut Progress, label: &str) -> Self {
        let recent = VecDeque::with_capacity(RECENT);
        Self { parent, label: label.into(), total: 0, recent, line_at: Instant::now() }
    }

    /// The first step is to come, of `total`; `done` were done before.
    pub(super) fn begin(&mut self, total: u64, done: u64) {
        self.total = total;
        self.parent.show_bar(&self.label, "steps", total);
        self.parent.bar().set_position(done);
    }

    /// A step is done.
    pub(super) fn step(&mut self, step: &TrainingStep) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(step.clone());
        let sum = |f: fn(&TrainingStep) -> f64| self.recent.iter().map(f).sum::<f64>();
        let seconds = sum(|s| s.seconds).max(1e-9);
        let loss = sum(|s| s.loss) / self.recent.len() as f64;
        let (rows, tokens) = (sum(|s| s.rows as f64) / seconds, sum(|s| s.tokens as f64) / seconds);
        let said = format!(
            "loss {loss:.4}  lr {:.2e}  {} rows/s  {} tokens/s",
            step.lr,
            rate(rows),
            rate(tokens)
        );
        if self.parent.shows_bar() {
            self.parent.bar().set_message(format!("epoch {:.2}  {said}", step.epoch));
            self.parent.bar().set_position(step.step);
        } else if self.line_at.elapsed() >= LINE_EVERY {
            self.line_at = Instant::now();
            let left =
                self.total.saturating_sub(step.step) as f64 * seconds / self.recent.len() as f64;
            let eta = HumanDuration(Duration::from_secs_f64(left));
            self.note(&format!(
                "step {}/{} (epoch {:.2})  {said}  {eta:#} left",
                step.step, self.total, step.epoch
            ));
        }
    }

    /// The checkpoint is evaluated on a split.
    pub(super) fn looks_at(&self, split: &str) {
        if self.parent.shows_bar() {
            self.parent.bar().set_message(format!("evaluating on {split}"));
        }
    }

    /// What an evaluation on the way came to.
    pub(super) fn evaluated(&self, step: u64, split: &str, metric: &str, value: f64) {
        self.note(&format!("step {step}: {metric} on {split} {}", metric_text(metric, value)));
    }

    /// Something that the worker said.
    pub(super) fn event(&self, event: Event) {
        if let Event::Log { level, message } = event {
            self.parent.log_line(&self.label, level, &message);
        }
    }

    /// Something that happened while the model was asked about rows.
    pub(super) fn heard(&self, heard: Heard) {
        if let Heard::Log { level, message } = heard {
            self.parent.log_line(&self.label, level, &message);
        }
    }

    /// A line about this cell.
    pub(in crate::run) fn note(&self, line: &str) {
        self.parent.note(&format!("{}: {line}", self.label));
    }

    /// A warning about this cell.
    pub(in crate::run) fn warn(&self, line: &str) {
        self.parent.warn(&format!("{}: {line}", self.label));
    }
}

impl Drop for TrainProgress<'_> {
    fn drop(&mut self) {
        self.parent.end_bar();
    }
}
