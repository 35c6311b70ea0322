//! The loop: batch after batch through the worker, with evaluations and states on the way.

mod evaluate;
mod finish;

use super::Training;
use super::log::StepLog;
use super::order::Batches;
use super::parts::parts;
use super::shown::TrainProgress;
use super::state::{Progress, SaveError, WorkDir};
use super::targets::targets;
use crate::gpu::DeviceStats;
use crate::recipe::Loss;
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

/// Trains the open model of a cell, which says this of itself, chooses a checkpoint, and asks that one about the cell's
/// rows.
pub(in crate::run) fn fine_tune(
    (cell, stats): (&PlannedRun, &DeviceStats),
    training: &Training,
    worker: &mut Worker,
    work: &WorkDir,
    shown: &mut TrainProgress<'_>,
) -> Result<Trained, TrainError> {
    let loss = training.settings.loss.as_ref();
    let request = PrepareRequest {
        examples: training.train.rows().map(|row| RowInput::from(row.input)).collect(),
        targets: targets(cell.task.kind, &training.train),
        head: head(cell.task.kind),
        encoding: cell.encoding(),
        class_weights: loss.and_then(Loss::class_weights).map(<[f64]>::to_vec),
    };
    let prepared = worker.prepare(request, &mut |event| shown.event(event))?;
    if prepared.sequences.is_empty() {
        return Err(refused("nothing to train on: no row has a target that its text shows").into());
    }
    let begin =
        BeginRequest { seed: training.seed, settings: training.settings.plugin_json().to_string() };
    let begun = worker.begin_training(begin, &mut |event| shown.event(event))?;
    let progress = latest_state(worker, work, shown)?.unwrap_or_default();
    let log = StepLog::open(&work.log(), progress.step)?;
    let total = training.settings.total_steps(prepared.sequences.len() as u64);
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
        stats,
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
        // What the optimiser needs is no longer free.
        budget: cell.how(&DeviceStats::read(&begun)).batch_tokens,
        peak_device_bytes: None,
    };
    trainer.run()
}

/// Takes the latest state, if there is one, and says how far it was.
fn latest_state(
    worker: &mut Worker,
    work: &WorkDir,
    shown: &mut TrainProgress<'_>,
) -> Result<Option<Progress>, TrainError> {
    let latest = work.latest(&mut |what| shown.warn(&format!("{what}; passed over")))?;
    let Some((directory, mut progress)) = latest else { return Ok(None) };
    let request = StateRequest { directory, training: true };
    worker.load(request, &mut |event| shown.event(event))?;
    progress.resumed_from.push(progress.step);
    shown.note(&format!("goes on after step {}", progress.step));
    Ok(Some(progress))
}

struct Trainer<'a, 'b> {
    cell: &'a PlannedRun,
    /// Of the model as it was opened.
    stats: &'a DeviceStats,
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
    /// Tokens a batch in evaluations on the way.
    budget: u64,
    peak_device_bytes: Option<u64>,
}

impl Trainer<'_, '_> {
    fn run(mut self) -> Result<Trained, TrainError> {
        while self.progress.step < self.total {
            if self.step()? {
                self.look()?;
                self.save_state_if_due()?;
            }
        }
        self.log.sync()?;
        let shown = &mut *self.shown;
        let ended = self.worker.end_training(&mut |event| shown.event(event))?;
        self.saw(&ended.stats);
        self.finish(ended.peak_rss_bytes)
    }

    /// Goes back to the latest state; false where there is none.
    fn go_back(&mut self) -> Result<bool, TrainError> {
        let Some(saved) = latest_state(self.worker, self.work, self.shown)? else {
            return Ok(false);
        };
        // What has turned out to be too much stays too much.
        let micro_tokens = self.progress.micro_tokens;
        self.progress = Progress { micro_tokens, ..saved };
        self.log.sync()?;
        self.log = StepLog::open(&self.work.log(), self.progress.step)?;
        self.batches.seek(self.progress.position);
        Ok(true)
    }

    /// Keeps the peak of statistics that the plugin gave.
    fn saw(&mut self, stats: &str) {
        self.peak_device_bytes = self.peak_device_bytes.max(DeviceStats::read(stats).peak_bytes);
    }

    /// One update of the weights. False where the training went back to its last state instead.
    fn step(&mut self) -> Result<bool, TrainError> {
        let lr = self.training.settings.lr(self.progress.step, self.total);
        let mut batches = Vec::new();
        loop {
            let batch = self.batches.next();
            let updates = batch.updates;
            batches.push((batch.places, self.batches.position().epoch));
            if updates {
                break;
            }
        }
        let mut step = loop {
            match self.attempt(&batches, lr)? {
                Attempt::Done(step) => break step,
                Attempt::DoesNotFit(what) => {
                    if !self.make_smaller(what)? {
                        return Ok(false);
                    }
                }
            }
        };
        step.epoch = self.batches.epochs();
        let p = &mut self.progress;
        (p.step, p.position, p.final_loss) = (step.step, self.batches.position(), step.loss);
        p.rows += step.rows;
        p.tokens += step.tokens;
        p.step_seconds += step.seconds;
        p.split_steps += u64::from(step.parts.is_some());
        self.shown.step(&step);
        self.log.write(&step)?;
        Ok(true)
    }

    /// The batches of a step, each in as many parts as it takes.
    fn attempt(&mut self, batches: &[(Vec<u32>, u64)], lr: f64) -> Result<Attempt, TrainError> {
        let settings = &self.training.settings;
        let number = self.progress.step + 1;
        let mut step = TrainingStep {
            step: number,
            epoch: 0.0,
            loss: 0.0,
            lr,
            grad_norm: None,
            rows: 0,
            tokens: 0,
            seconds: 0.0,
            parts: None,
        };
        let places: Vec<&[u32]> = batches.iter().map(|(places, _)| places.as_slice()).collect();
        let lengths = &self.prepared.lengths;
        let parts = parts(&places, lengths, self.progress.micro_tokens, self.cell.on_gpu());
        let sequences = |places: &[u32]| -> Vec<u64> {
            places.iter().map(|&place| self.prepared.sequences[place as usize]).collect()
        };
        let mut losses = vec![0.0; batches.len()];
        let mut pairs = 0;
        for (index, part) in parts.iter().enumerate() {
            let (of, epoch) = &batches[part.batch];
            let is_last = index + 1 == parts.len();
            let request = StepRequest {
                sequences: sequences(&part.places),
                part_of: if part.is_whole { Vec::new() } else { sequences(of) },
                learning_rate: lr,
                loss_scale: 1.0 / f64::from(settings.accumulate.max(1)),
                accumulate: !is_last,
            };
            step.rows += request.sequences.len() as u64;
            let shown = &mut *self.shown;
            let done = match self.worker.step(request, &mut |event| shown.event(event)) {
                Ok(done) => done,
                Err(failure) => {
                    let does_not_fit = is_out_of_device_memory(&failure);
                    let failure = self.locate(failure, number, (&part.places, *epoch));
                    if !does_not_fit {
                        return Err(failure.into());
                    }
                    let tokens = part.tokens(lengths);
                    let sequences = part.places.len();
                    let is_first = index == 0;
                    let what = DoesNotFit { failure, tokens, sequences, is_first };
                    return Ok(Attempt::DoesNotFit(what));
                }
            };
            losses[part.batch] += done.share * done.loss;
            step.tokens += done.tokens;
            step.seconds += done.seconds;
            pairs += done.pairs;
            if !done.loss.is_finite() {
                let failure = refused(&format!("train_step: a loss of {}", done.loss));
                return Err(self.locate(failure, number, (&part.places, *epoch)).into());
            }
            if is_last {
                step.grad_norm = done.grad_norm.is_finite().then_some(done.grad_norm);
            }
        }
        for (before, loss) in losses.iter().enumerate() {
            step.loss += (loss - step.loss) / (before as f64 + 1.0);
        }
        self.progress.pairs += pairs;
        step.parts = (parts.len() > batches.len()).then_some(parts.len() as u64);
        Ok(Attempt::Done(step))
    }

    /// Device memory ran out: from here on batches are computed in parts of half of what did not fit. False where the
    /// training went back to its last state for that.
    fn make_smaller(&mut self, what: DoesNotFit) -> Result<bool, TrainError> {
        let DoesNotFit { mut failure, tokens, sequences, is_first } = what;
        let mut refuse = |why: &str| {
            if let FailureKind::Error { message, .. } = &mut failure.kind {
                *message = format!("{message}; {why}");
            }
            Err(failure.clone().into())
        };
        if self.training.settings.optimizer.is_fused() {
            return refuse(
                "a fused optimiser updates in every backward pass, so that a batch cannot be computed in parts: try a \
                 smaller --set batch_size, --set optimizer.fused=false or --set activation_checkpointing=true",
            );
        }
        if sequences < 2 {
            return refuse(&format!(
                "one sequence of {tokens} tokens is more than the device's memory holds: try a smaller --max-seq-len, \
                 --set activation_checkpointing=true or --precision bf16"
            ));
        }
        let limit = (tokens / 2).max(1);
        self.progress.micro_tokens = Some(limit);
        self.shown.warn(&format!(
            "step {}: {tokens} tokens do not fit into the device's memory: from here on a batch is computed in parts of \
             at most {limit} tokens, whose gradients are added up",
            self.progress.step + 1
        ));
        // Nothing had been added up yet, so that the step can begin again. Else nobody knows what a plugin has kept.
        if is_first {
            return Ok(true);
        }
        if self.go_back()? {
            return Ok(false);
        }
        refuse(
            "some of the step's gradients had been added up already, and there is no saved state to go back to: try a \
             smaller --set batch_size, or --save-every-steps",
        )
    }

    /// An error of a step with the step and the rows that it happened on.
    fn locate(&self, mut failure: Failure, step: u64, (places, epoch): (&[u32], u64)) -> Failure {
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
                epoch + 1,
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

/// How a step went.
enum Attempt {
    Done(TrainingStep),
    DoesNotFit(DoesNotFit),
}

/// A part of a step that the device's memory does not hold.
struct DoesNotFit {
    failure: Failure,
    /// Of the part.
    tokens: u64,
    sequences: usize,
    /// Whether no gradient had been added up before.
    is_first: bool,
}

fn is_out_of_device_memory(failure: &Failure) -> bool {
    matches!(&failure.kind, FailureKind::Error { code, .. } if code == "out of device memory")
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
