//! The loop: batch after batch through the worker, with evaluations and states on the way.

mod evaluate;
mod finish;

use super::Training;
use super::log::StepLog;
use super::order::Batches;
use super::shown::TrainProgress;
use super::state::{Progress, SaveError, WorkDir};
use super::targets::targets;
use crate::record::{RecordError, TrainingRecord, TrainingStep};
use crate::run::kinds::{Answered, head};
use crate::run::plan::PlannedRun;
use crate::task::Task;
use crate::worker::{
    BeginRequest, Evaluated, Event, Failure, FailureKind, PrepareRequest, Prepared, RowInput,
    StateRequest, StepRequest, Worker,
};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A training that came to its end.
pub(in crate::run) struct Trained {
    pub(in crate::run) record: TrainingRecord,
    pub(in crate::run) answered: Answered,
    pub(in crate::run) evaluated: Evaluated,
    /// The chosen model's directory.
    pub(in crate::run) model: PathBuf,
    /// The log of the steps.
    pub(in crate::run) log: PathBuf,
    /// What a reader of the numbers should know.
    pub(in crate::run) warnings: Vec<String>,
}

/// Why a training came to nothing.
pub(in crate::run) enum TrainError {
    /// The plugin's.
    Worker(Failure),
    /// The run directory's.
    Record(RecordError),
}

impl From<Failure> for TrainError {
    fn from(failure: Failure) -> Self {
        Self::Worker(failure)
    }
}

impl From<RecordError> for TrainError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl From<SaveError> for TrainError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Record(error) => Self::Record(error),
            SaveError::Worker(failure) => Self::Worker(failure),
        }
    }
}

/// Trains the open model of a cell, chooses a checkpoint, and asks that one about the cell's rows.
pub(in crate::run) fn fine_tune(
    cell: &PlannedRun,
    training: &Training,
    worker: &mut Worker,
    work: &WorkDir,
    shown: &mut TrainProgress<'_>,
) -> Result<Trained, TrainError> {
    let request = PrepareRequest {
        examples: training.train.rows().map(|row| RowInput::from(row.input)).collect(),
        targets: targets(cell.task.kind, &training.train),
        head: head(cell.task.kind),
        encoding: cell.encoding(),
    };
    let prepared = worker.prepare(request, &mut |event| shown.event(event))?;
    if prepared.sequences.is_empty() {
        return Err(refused("nothing to train on: no row has a target that its text shows").into());
    }
    let begin =
        BeginRequest { seed: training.seed, settings: training.settings.plugin_json().to_string() };
    worker.begin_training(begin, &mut |event| shown.event(event))?;
    let mut progress = Progress::default();
    if let Some((directory, saved)) =
        work.latest(&mut |what| shown.warn(&format!("{what}; passed over")))?
    {
        let request = StateRequest { directory, training: true };
        worker.load(request, &mut |event| shown.event(event))?;
        progress = saved;
        progress.resumed_from.push(progress.step);
        shown.note(&format!("goes on after step {}", progress.step));
    }
    let total = training.settings.total_steps(prepared.sequences.len() as u64);
    let log = StepLog::open(&work.log(), progress.step)?;
    let batch_size = u64::from(training.settings.batch_size);
    let accumulate = u64::from(training.settings.accumulate);
    let mut batches = Batches::new(prepared.sequences.len(), batch_size, accumulate, training.seed)
        .with_shuffle(training.settings.shuffle);
    batches.seek(progress.position);
    shown.begin(total, progress.step);
    let mut point = cell.task.as_ref().clone();
    point.metrics = vec![point.metric];
    let trainer = Trainer {
        cell,
        training,
        worker,
        work,
        shown,
        prepared,
        batches,
        progress,
        log,
        total,
        point,
        saved_at: Instant::now(),
    };
    trainer.run()
}

struct Trainer<'a, 'b> {
    cell: &'a PlannedRun,
    training: &'a Training,
    worker: &'a mut Worker,
    work: &'a WorkDir,
    shown: &'a mut TrainProgress<'b>,
    prepared: Prepared,
    batches: Batches,
    progress: Progress,
    log: StepLog,
    total: u64,
    /// The task with the metric that ranks alone.
    point: Task,
    saved_at: Instant,
}

impl Trainer<'_, '_> {
    fn run(mut self) -> Result<Trained, TrainError> {
        while self.progress.step < self.total {
            self.step()?;
            self.look()?;
            self.save_state_if_due()?;
        }
        self.log.sync()?;
        let shown = &mut *self.shown;
        let peak_rss_bytes = self.worker.end_training(&mut |event| shown.event(event))?;
        self.finish(peak_rss_bytes)
    }

    /// One update of the weights.
    fn step(&mut self) -> Result<(), TrainError> {
        let settings = &self.training.settings;
        let lr = settings.lr(self.progress.step, self.total);
        let mut step = TrainingStep {
            step: self.progress.step + 1,
            epoch: 0.0,
            loss: 0.0,
            lr,
            grad_norm: None,
            rows: 0,
            tokens: 0,
            seconds: 0.0,
        };
        let mut parts = 0.0;
        loop {
            let batch = self.batches.next();
            let sequences = batch.places.iter().map(|&p| self.prepared.sequences[p as usize]);
            let request = StepRequest {
                sequences: sequences.collect(),
                learning_rate: lr,
                loss_scale: 1.0 / f64::from(settings.accumulate.max(1)),
                accumulate: !batch.updates,
            };
            step.rows += request.sequences.len() as u64;
            let shown = &mut *self.shown;
            let done = self
                .worker
                .step(request, &mut |event| shown.event(event))
                .map_err(|failure| self.locate(failure, step.step, &batch.places))?;
            parts += 1.0;
            step.loss += (done.loss - step.loss) / parts;
            step.tokens += done.tokens;
            step.seconds += done.seconds;
            if !done.loss.is_finite() {
                let failure = refused(&format!("train_step: a loss of {}", done.loss));
                return Err(self.locate(failure, step.step, &batch.places).into());
            }
            if batch.updates {
                step.grad_norm = done.grad_norm.is_finite().then_some(done.grad_norm);
                break;
            }
        }
        step.epoch = self.batches.epochs();
        let p = &mut self.progress;
        (p.step, p.position, p.final_loss) = (step.step, self.batches.position(), step.loss);
        p.rows += step.rows;
        p.tokens += step.tokens;
        p.step_seconds += step.seconds;
        self.shown.step(&step);
        Ok(self.log.write(&step)?)
    }

    /// An error of a step with the step and the rows that it happened on.
    fn locate(&self, mut failure: Failure, step: u64, places: &[u32]) -> Failure {
        const SHOWN: usize = 8;
        if let FailureKind::Error { message, hint, code } = &mut failure.kind {
            let rows: Vec<String> = places
                .iter()
                .take(SHOWN)
                .map(|&place| self.prepared.rows[place as usize].to_string())
                .collect();
            let more = places.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            *message = format!(
                "step {step} of {} (epoch {}; rows {}{more} of the training data): {message}",
                self.total,
                self.batches.position().epoch + 1,
                rows.join(", ")
            );
            if hint.is_none() && code == "not finite" {
                *hint = Some(
                    "try a smaller --set learning_rate, a longer --set warmup_proportion or --set clip_norm=1.0"
                        .into(),
                );
            }
        }
        failure
    }

    /// Saves what an interrupted training goes on from. That it cannot be saved is no reason to stop: the
    /// last good state stays, and the next one is tried again.
    fn save_state_if_due(&mut self) -> Result<(), TrainError> {
        let saving = &self.training.saving;
        let by_steps =
            saving.every_steps.is_some_and(|n| self.progress.step.is_multiple_of(n.max(1)));
        if !by_steps && self.saved_at.elapsed() < saving.every {
            return Ok(());
        }
        self.saved_at = Instant::now();
        self.log.sync()?;
        let (worker, shown) = (&mut *self.worker, &mut *self.shown);
        let saved =
            self.work.save_state(&self.progress, |directory| save(worker, shown, directory, true));
        let why = match saved {
            Ok(()) => return Ok(()),
            Err(SaveError::Worker(failure)) if self.worker.is_dead() => return Err(failure.into()),
            Err(SaveError::Worker(failure)) => failure.to_string(),
            Err(SaveError::Record(error)) => error.to_string(),
        };
        self.shown.warn(&format!(
            "the state after step {} could not be saved, the one before stays: {why}",
            self.progress.step
        ));
        Ok(())
    }
}

fn save(
    worker: &mut Worker,
    shown: &mut TrainProgress<'_>,
    directory: &Path,
    training: bool,
) -> Result<(), Failure> {
    let request = StateRequest { directory: directory.to_owned(), training };
    worker.save(request, &mut |event: Event| shown.event(event))
}

fn refused(message: &str) -> Failure {
    let code = "training".into();
    let kind = FailureKind::Error { code, message: message.into(), hint: None };
    Failure { kind, stage: Some("train".into()), output: Vec::new() }
}
