//! Working through a plan: skip what is done, keep a worker while it serves, record what happened.

use super::cell::{Clock, Outcome, evaluate, failed, train};
use super::devices::{Started, is_unsupported};
use super::offered::{CPU, CUDA};
use super::plan::{Plan, PlannedRun};
use super::progress::{CellProgress, Progress};
use super::queue::{Item, Next, Queue};
use super::train::{TrainProgress, Training};
use crate::gpu::{DeviceStats, Recorder};
use crate::record::{CellRecord, RecordError, RunDir, Status, Telemetry, verify_predictions};
use crate::report::number::grouped;
use crate::worker::{Event, Failure, Limits, OpenRequest, Opened, Worker};
use std::path::Path;

/// What a run came to.
#[derive(Debug)]
pub struct Finished {
    /// The records of all planned cells, in the plan's order.
    pub cells: Vec<CellRecord>,
    /// How many of them were done before.
    pub skipped: usize,
}

impl Finished {
    /// Whether every cell has its numbers.
    pub fn all_done(&self) -> bool {
        self.cells.iter().all(CellRecord::is_done)
    }
}

/// A worker with a model in it.
pub(crate) struct Open {
    request: OpenRequest,
    /// The process.
    pub(crate) worker: Worker,
    /// What the model said of itself.
    pub(crate) opened: Opened,
    /// Whether the model was asked anything: it is no longer as it was opened.
    is_used: bool,
}

/// Does what the plan says: on one device cell by cell, on several a cell each at a time. Call it from a thread that
/// lives as long as the run ([`Worker::start`]).
///
/// # Errors
/// If a record cannot be written. What a plugin does wrong is no error: it is in the cell's record.
pub fn execute(
    plan: &Plan,
    run: &RunDir,
    progress: &mut Progress,
    started: Started,
) -> Result<Finished, RecordError> {
    let items =
        plan.cells.iter().map(|cell| Item { id: cell.inputs.id(), open: cell.open.clone() });
    let queue = Queue::new(items.collect(), plan.gpus.len());
    let lane = |number: usize, open: Option<Open>, progress: Progress| Lane {
        plan,
        run,
        queue: &queue,
        number,
        open,
        progress,
    };
    if plan.gpus.len() == 1 {
        lane(0, started.0, progress.clone()).work();
    } else {
        std::thread::scope(|scope| {
            for number in 0..plan.gpus.len() {
                let lane = lane(number, None, progress.beside());
                scope.spawn(move || lane.work());
            }
        });
    }
    let (cells, skipped) = queue.finish()?;
    Ok(Finished { cells, skipped })
}

/// A device, and what it has open.
struct Lane<'a> {
    plan: &'a Plan,
    run: &'a RunDir,
    queue: &'a Queue,
    number: usize,
    open: Option<Open>,
    progress: Progress,
}

impl Lane<'_> {
    fn gpu(&self) -> &str {
        &self.plan.gpus[self.number]
    }

    /// Takes cells until there are none.
    fn work(mut self) {
        loop {
            let mut open = self.open.as_ref().map(|open| open.request.clone());
            // The queue knows no ordinals.
            if let Some(open) = open.as_mut().filter(|open| open.model.device != CPU) {
                open.model.device = CUDA.into();
            }
            match self.queue.next(self.number, open.as_ref()) {
                Next::Cell(index) => match self.cell(index) {
                    Ok((record, skipped)) => self.queue.done(self.number, index, record, skipped),
                    Err(error) => return self.queue.fail(self.number, error),
                },
                Next::LeftOut => {
                    let gpu = self.gpu();
                    return self.progress.warn(&format!("{gpu} cannot be used and is left out"));
                }
                Next::Nothing => return,
            }
        }
    }

    /// Does a cell, unless it is done; says whether it was.
    fn cell(&mut self, index: usize) -> Result<(CellRecord, bool), RecordError> {
        let (plan, run) = (self.plan, self.run);
        let cell = &plan.cells[index];
        let label = cell.inputs.key.label();
        if let Some(record) = done_before(plan, cell, run, &self.progress)? {
            let place = run.cell_path(&record.id);
            self.progress.note(&format!("{label}: done already ({})", place.display()));
            return Ok((record, true));
        }
        let rows = match &cell.training {
            None => format!("{} rows", grouped(cell.dataset.len() as u64)),
            Some(training) => format!(
                "training on {} rows, {} to evaluate",
                grouped(training.train.len() as u64),
                grouped(cell.dataset.len() as u64)
            ),
        };
        let on = if plan.gpus.len() > 1 { format!(" on {}", self.gpu()) } else { String::new() };
        self.progress.note(&format!("[{}/{}] {label}: {rows}{on}", index + 1, plan.cells.len()));
        let Outcome { record, predictions, files } = match &cell.training {
            None => self.evaluate(cell),
            Some(training) => self.train(cell, training)?,
        };
        let files: Vec<(&str, &Path)> =
            files.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let record = run.write_cell_with(record, predictions.as_deref(), &files)?;
        if let Some(throttled) = record.telemetry.as_ref().and_then(Telemetry::throttled) {
            self.progress.warn(&format!("{label}: the GPU's clocks were held down: {throttled}"));
        }
        if record.is_done() {
            run.forget_training(&record.id)?;
        } else {
            self.progress.warn(&format!("{label}: {}", what_happened(&record)));
        }
        Ok((record, false))
    }

    /// Evaluates a cell, in the open worker if it serves, else in a new one.
    fn evaluate(&mut self, cell: &PlannedRun) -> Outcome {
        let label = cell.inputs.key.label();
        let clock = Clock::start();
        let open = self.open.take();
        let mut with = match self.ready(cell, open, &label) {
            Ok(with) => with,
            Err(failure) => return failed(cell, &failure, &clock),
        };
        let mut shown = self.progress.cell(&label, cell.dataset.len() as u64);
        with.is_used = true;
        let outcome = watched(cell, &with.opened, |recorder| {
            evaluate(cell, &mut with.worker, &with.opened, &clock, &mut shown, recorder)
        });
        drop(shown);
        if !with.worker.is_dead() {
            self.open = Some(with);
        }
        outcome
    }

    /// Trains the model of a cell and evaluates it, in a worker of its own.
    fn train(&mut self, cell: &PlannedRun, training: &Training) -> Result<Outcome, RecordError> {
        if self.plan.rerun {
            self.run.forget_training(&cell.inputs.id())?;
        }
        let label = cell.inputs.key.short_label();
        let clock = Clock::start();
        // A model that was asked something is not as new, and two are never in memory at once.
        let open = self.open.take().filter(|open| !open.is_used);
        let mut with = match self.ready(cell, open, &label) {
            Ok(with) => with,
            Err(failure) => return Ok(failed(cell, &failure, &clock)),
        };
        let run = self.run;
        let mut shown = TrainProgress::new(&mut self.progress, &label);
        let mut error = None;
        let outcome = watched(cell, &with.opened, |_| {
            train(cell, training, &mut with.worker, &with.opened, run, &clock, &mut shown)
                .unwrap_or_else(|e| {
                    error = Some(e);
                    Outcome::nothing(cell, &clock)
                })
        });
        error.map_or(Ok(outcome), Err)
    }

    /// As [`ready`], and the queue is told of the device.
    fn ready(
        &mut self,
        cell: &PlannedRun,
        open: Option<Open>,
        label: &str,
    ) -> Result<Open, Failure> {
        let gpu = &self.plan.gpus[self.number];
        let shown = self.progress.cell(label, 0);
        let ready = ready(self.plan, cell, gpu, open, &shown);
        match &ready {
            Ok(_) => self.queue.opened(self.number, true),
            Err(failure) if is_unsupported(failure) => self.queue.opened(self.number, false),
            Err(_) => {}
        }
        ready
    }
}

/// The record of a cell that need not be done again.
fn done_before(
    plan: &Plan,
    cell: &PlannedRun,
    run: &RunDir,
    progress: &Progress,
) -> Result<Option<CellRecord>, RecordError> {
    if plan.rerun {
        return Ok(None);
    }
    let Some(record) = run.done(&cell.inputs.id()) else { return Ok(None) };
    if plan.verify
        && let Err(error) = verify_predictions(run.path(), &record)
    {
        match error {
            RecordError::Mismatch { .. } => {
                progress.warn(&format!("{error}; the cell is done again"));
                return Ok(None);
            }
            other => return Err(other),
        }
    }
    Ok(Some(record))
}

/// Why a cell failed, with the last line that its plugin printed.
fn what_happened(record: &CellRecord) -> String {
    let Status::Failed { cause } = &record.status else { return record.status.label() };
    let printed = record.plugin_output.as_deref().and_then(|o| o.lines().last());
    let printed = printed.map(|line| format!("; the last line that it printed: {line}"));
    format!("{}{}", cause.text(), printed.unwrap_or_default())
}

/// Does something while the cell's GPU, if it has one, is looked at.
fn watched(
    cell: &PlannedRun,
    opened: &Opened,
    work: impl FnOnce(Option<&Recorder>) -> Outcome,
) -> Outcome {
    let stats = DeviceStats::read(&opened.stats);
    let recorder = Recorder::start(&cell.inputs.device, stats.uuid.as_deref());
    let mut outcome = work(recorder.as_ref());
    outcome.record.telemetry = recorder.map(Recorder::finish);
    let throttled = outcome.record.telemetry.as_ref().and_then(Telemetry::throttled);
    outcome
        .record
        .warnings
        .extend(throttled.map(|why| format!("the GPU's clocks were held down: {why}")));
    outcome
}

/// A worker that has the cell's model open: the one that is there, or a new one. The old one ends first,
/// so that two models are never in memory at once.
pub(crate) fn ready(
    plan: &Plan,
    cell: &PlannedRun,
    gpu: &str,
    open: Option<Open>,
    shown: &CellProgress<'_>,
) -> Result<Open, Failure> {
    let request = cell.open_on(gpu);
    if let Some(open) = open {
        if open.request == request {
            return Ok(open);
        }
        drop(open);
    }
    let plugin = cell.inputs.plugin.name.clone();
    let show = shown.printer(plugin);
    let limits = Limits { silence: plan.hang_limit };
    let mut worker = Worker::start(cell.inputs.threads as usize, limits, show)?;
    let opened = worker.open(request.clone(), &mut |event| {
        if let Event::Log { level, message } = event {
            shown.log(level, &message);
        }
    })?;
    Ok(Open { request, worker, opened, is_used: false })
}
