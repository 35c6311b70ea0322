//! A model that is open, and the ways to ask it.

use super::answers::Answers;
use crate::gpu::DeviceStats;
use crate::run::{How, Open, Plan, PlannedRun, Progress, head, ready};
use crate::worker::{BenchRequest, BenchRows, EvaluateRequest, Event, Failure, RowInput, Traffic};

/// A model in a worker of its own.
pub(super) struct Session {
    open: Open,
    pub(super) how: How,
    label: String,
    head: crate::plugin::Head,
}

/// The rows of a cell.
pub(super) fn rows_of(cell: &PlannedRun) -> Vec<RowInput> {
    cell.dataset.rows().map(|row| RowInput::from(row.input)).collect()
}

impl Session {
    /// Opens the model of a cell.
    pub(super) fn open(
        plan: &Plan,
        cell: &PlannedRun,
        progress: &mut Progress,
    ) -> Result<Self, Failure> {
        let label = cell.inputs.key.short_label();
        let gpu = plan.gpus.first().map_or("cuda:0", String::as_str);
        let open = ready(plan, cell, gpu, None, &progress.cell(&label, 0))?;
        let how = cell.how(&DeviceStats::read(&open.opened.stats));
        Ok(Self { open, how, label, head: head(cell.task.kind) })
    }

    /// Whether the process is gone.
    pub(super) fn is_dead(&self) -> bool {
        self.open.worker.is_dead()
    }

    /// Asks about rows as an evaluation does.
    pub(super) fn evaluate(
        &mut self,
        examples: Vec<RowInput>,
        batch_tokens: u64,
        progress: &Progress,
    ) -> Result<Answers, Failure> {
        let How { encoding, overlap, .. } = self.how;
        let request =
            EvaluateRequest { examples, head: self.head, encoding, batch_tokens, overlap };
        let mut answers = Answers::default();
        self.open
            .worker
            .evaluate(request, &mut hear(&self.label, progress, |logits| answers.take(logits)))?;
        Ok(answers)
    }

    /// Gives the worker rows that queries are drawn from.
    pub(super) fn give(
        &mut self,
        examples: Vec<RowInput>,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let How { encoding, batch_tokens, overlap } = self.how;
        let rows = BenchRows { examples, head: self.head, encoding, batch_tokens, overlap };
        self.open.worker.bench_rows(rows, &mut hear(&self.label, progress, |_| {}))
    }

    /// Asks each row that was given once, as a measurement does; gives the answers too.
    pub(super) fn measure(
        &mut self,
        traffic: Traffic,
        queries: u64,
        progress: &Progress,
    ) -> Result<(Answers, f64), Failure> {
        let mut answers = Answers::default();
        let request = request(traffic, queries, true);
        let take = |logits| answers.take(logits);
        let benched = self.open.worker.bench(request, &mut hear(&self.label, progress, take))?;
        Ok((answers, benched.done.total_seconds))
    }

    /// The seconds of asking each row that was given once, one after the other.
    pub(super) fn time(&mut self, queries: u64, progress: &Progress) -> Result<f64, Failure> {
        let request = request(Traffic::SingleStream, queries, false);
        let benched = self.open.worker.bench(request, &mut hear(&self.label, progress, |_| {}))?;
        Ok(benched.done.total_seconds)
    }
}

/// As many queries as there are rows are each row once.
fn request(traffic: Traffic, queries: u64, send_logits: bool) -> BenchRequest {
    BenchRequest { traffic, queries, min_seconds: 0.0, seed: 0, repetition: 0, send_logits }
}

/// Takes logits, and shows what the plugin logs.
fn hear<'p>(
    label: &'p str,
    progress: &'p Progress,
    mut take: impl FnMut(crate::worker::Logits) + 'p,
) -> impl FnMut(Event) + 'p {
    move |event| match event {
        Event::Logits { logits, .. } => take(logits),
        Event::Log { level, message } => progress.log_line(label, level, &message),
        Event::Stage(_) | Event::Sequences(_) | Event::Queries(_) => {}
    }
}
