//! Working through a plan: skip what is done, keep a worker while it serves, record what happened.

use super::cell::{Clock, Outcome, evaluate, failed};
use super::plan::{Plan, PlannedRun};
use super::progress::{CellProgress, Progress};
use crate::record::{CellRecord, RecordError, RunDir, Status, verify_predictions};
use crate::worker::{Event, Failure, Limits, OpenRequest, Opened, Worker};

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
        progress.note(&format!(
            "[{}/{}] {label}: {} rows",
            number + 1,
            plan.cells.len(),
            cell.dataset.len()
        ));
        let mut shown = progress.cell(&label, cell.dataset.len() as u64);
        let Outcome { record, predictions } = attempt(plan, cell, &mut open, &mut shown);
        let record = run.write_cell(record, predictions.as_deref())?;
        if !record.is_done() {
            shown.warn(&what_happened(&record));
        }
        drop(shown);
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
    shown: &mut CellProgress<'_>,
) -> Outcome {
    let clock = Clock::start();
    let mut with = match ready(plan, cell, open.take(), shown) {
        Ok(with) => with,
        Err(failure) => return failed(cell, &failure, &clock),
    };
    let outcome = evaluate(cell, &mut with.worker, &with.opened, &clock, shown);
    if !with.worker.is_dead() {
        *open = Some(with);
    }
    outcome
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
