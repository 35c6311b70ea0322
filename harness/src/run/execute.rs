//! Working through a plan: skip what is done, keep a worker while it serves, record what happened.

use super::cell::{Clock, Outcome, evaluate, failed, train};
use super::plan::{Plan, PlannedRun};
use super::progress::{CellProgress, Progress};
use super::train::{TrainProgress, Training};
use crate::record::{CellRecord, RecordError, RunDir, Status, verify_predictions};
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
struct Open {
    request: OpenRequest,
    worker: Worker,
    opened: Opened,
}

/// Does what the plan says, cell by cell. Call it from a thread that lives as long as the run
/// ([`Worker::start`]).
///
/// # Errors
/// If a record cannot be written. What a plugin does wrong is no error: it is in the cell's record.
pub fn execute(
    plan: &Plan,
    run: &RunDir,
    progress: &mut Progress,
) -> Result<Finished, RecordError> {
    let mut open = None;
    let mut finished = Finished { cells: Vec::new(), skipped: 0 };
    for (number, cell) in plan.cells.iter().enumerate() {
        let label = cell.inputs.key.label();
        if let Some(record) = done_before(plan, cell, run, progress)? {
            progress
                .note(&format!("{label}: done already ({})", run.cell_path(&record.id).display()));
            finished.skipped += 1;
            finished.cells.push(record);
            continue;
        }
        let rows = match &cell.training {
            None => format!("{} rows", grouped(cell.dataset.len() as u64)),
            Some(training) => format!(
                "training on {} rows, {} to evaluate",
                grouped(training.train.len() as u64),
                grouped(cell.dataset.len() as u64)
            ),
        };
        progress.note(&format!("[{}/{}] {label}: {rows}", number + 1, plan.cells.len()));
        let Outcome { record, predictions, files } = match &cell.training {
            None => attempt(plan, cell, &mut open, progress),
            Some(training) => {
                // Two models are never in memory at once.
                open = None;
                train_one(plan, cell, training, run, progress)?
            }
        };
        let files: Vec<(&str, &Path)> =
            files.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let record = run.write_cell_with(record, predictions.as_deref(), &files)?;
        if record.is_done() {
            run.forget_training(&record.id)?;
        } else {
            progress.warn(&format!("{label}: {}", what_happened(&record)));
        }
        finished.cells.push(record);
    }
    Ok(finished)
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

/// Evaluates a cell, in the open worker if it serves, else in a new one.
fn attempt(
    plan: &Plan,
    cell: &PlannedRun,
    open: &mut Option<Open>,
    progress: &mut Progress,
) -> Outcome {
    let label = cell.inputs.key.label();
    let clock = Clock::start();
    let mut shown = progress.cell(&label, cell.dataset.len() as u64);
    let mut with = match ready(plan, cell, open.take(), &shown) {
        Ok(with) => with,
        Err(failure) => return failed(cell, &failure, &clock),
    };
    let outcome = evaluate(cell, &mut with.worker, &with.opened, &clock, &mut shown);
    if !with.worker.is_dead() {
        *open = Some(with);
    }
    outcome
}

/// Trains the model of a cell and evaluates it, in a worker of its own.
fn train_one(
    plan: &Plan,
    cell: &PlannedRun,
    training: &Training,
    run: &RunDir,
    progress: &mut Progress,
) -> Result<Outcome, RecordError> {
    if plan.rerun {
        run.forget_training(&cell.inputs.id())?;
    }
    let label = cell.inputs.key.short_label();
    let clock = Clock::start();
    let mut with = match ready(plan, cell, None, &progress.cell(&label, 0)) {
        Ok(with) => with,
        Err(failure) => return Ok(failed(cell, &failure, &clock)),
    };
    let mut shown = TrainProgress::new(progress, &label);
    train(cell, training, &mut with.worker, &with.opened, run, &clock, &mut shown)
}

/// A worker that has the cell's model open: the one that is there, or a new one. The old one ends first,
/// so that two models are never in memory at once.
fn ready(
    plan: &Plan,
    cell: &PlannedRun,
    open: Option<Open>,
    shown: &CellProgress<'_>,
) -> Result<Open, Failure> {
    if let Some(open) = open {
        if open.request == cell.open {
            return Ok(open);
        }
        drop(open);
    }
    let plugin = cell.inputs.plugin.name.clone();
    let show = shown.printer(plugin);
    let limits = Limits { silence: plan.hang_limit };
    let mut worker = Worker::start(cell.inputs.threads as usize, limits, show)?;
    let opened = worker.open(cell.open.clone(), &mut |event| {
        if let Event::Log { level, message } = event {
            shown.log(level, &message);
        }
    })?;
    Ok(Open { request: cell.open.clone(), worker, opened })
}
