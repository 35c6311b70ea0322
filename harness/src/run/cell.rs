//! One cell: the rows through a worker, its answers into predictions, metrics and a record.

use super::ask::{Heard, How, ask};
use super::kinds::{Answered, TaskRows};
use super::plan::PlannedRun;
use super::progress::CellProgress;
use super::train::{TrainError, TrainProgress, Training, WorkDir, fine_tune, read_log};
use super::{Checkpoint, CheckpointError};
use crate::digest::HashCache;
use crate::gpu::{DeviceStats, Recorder, Work, utilisation};
use crate::metrics::Scores;
use crate::record::{
    AS_GIVEN, Backend, Cause, CauseKind, CellRecord, Host, Memory, PredictionRow, RecordError,
    RunDir, SCHEMA_VERSION, Status, Throughput, Tokens, rfc3339,
};
use crate::report::training_curve;
use crate::worker::{Evaluated, Failure, FailureKind, Opened, Worker};
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

/// When a cell began.
pub(super) struct Clock {
    wall: SystemTime,
    instant: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { wall: SystemTime::now(), instant: Instant::now() }
    }
}

/// What a cell came to: its record, and its predictions if it has any.
pub(super) struct Outcome {
    pub(super) record: CellRecord,
    pub(super) predictions: Option<Vec<PredictionRow>>,
    /// What else goes into the cell's directory: names, and where it is now.
    pub(super) files: Vec<(&'static str, PathBuf)>,
}

impl Outcome {
    /// Of a cell whose record will not be written.
    pub(super) fn nothing(cell: &PlannedRun, clock: &Clock) -> Self {
        let record = blank(cell, Status::Done, clock);
        Self { record, predictions: None, files: Vec::new() }
    }
}

/// The chosen model's directory within a cell's.
const MODEL: &str = "model";
/// The log of a training within a cell's directory.
const TRAINING_LOG: &str = "train.jsonl";
/// A picture of it.
const TRAINING_CURVE: &str = "train.svg";

/// Runs the rows of a cell through an opened worker. What looks at its GPU ends when all rows are answered.
pub(super) fn evaluate(
    cell: &PlannedRun,
    worker: &mut Worker,
    opened: &Opened,
    clock: &Clock,
    progress: &mut CellProgress<'_>,
    recorder: Option<&Recorder>,
) -> Outcome {
    let asked = TaskRows::new(&cell.task, &cell.dataset);
    let how = cell.how(&DeviceStats::read(&opened.stats));
    let answered = ask(worker, asked, how, &mut |heard| match heard {
        Heard::Rows { rows, tokens } => progress.advance(rows, tokens),
        Heard::Log { level, message } => progress.log(level, &message),
        Heard::Answered => {
            if let Some(recorder) = recorder {
                recorder.stop();
            }
        }
    });
    match answered {
        Ok((Answered { scores, predictions }, evaluated)) => {
            let output = worker.take_output();
            let record = record_done((cell, how), opened, &evaluated, scores, output, clock);
            Outcome { record, predictions: Some(predictions), files: Vec::new() }
        }
        Err(failure) => failed(cell, &failure, clock),
    }
}

/// Trains the model of a cell through an opened worker, then runs the cell's rows through it.
///
/// An error is the run directory's: what an interrupted training goes on from stays there.
pub(super) fn train(
    cell: &PlannedRun,
    training: &Training,
    worker: &mut Worker,
    opened: &Opened,
    run: &RunDir,
    clock: &Clock,
    progress: &mut TrainProgress<'_>,
) -> Result<Outcome, RecordError> {
    let work = WorkDir::open(&run.training_path(&cell.inputs.id()))?;
    let stats = DeviceStats::read(&opened.stats);
    let trained = match fine_tune((cell, &stats), training, worker, &work, progress) {
        Ok(trained) => trained,
        Err(TrainError::Worker(failure)) => return Ok(failed(cell, &failure, clock)),
        Err(TrainError::Record(error)) => return Err(error),
    };
    let Answered { scores, predictions } = trained.answered;
    let output = worker.take_output();
    let how = cell.how(&stats);
    let mut record = record_done((cell, how), opened, &trained.evaluated, scores, output, clock);
    record.warnings.extend(trained.warnings);
    let mut training_record = trained.record;
    let checkpoint = Checkpoint::Directory(trained.model.clone());
    training_record.model.sha256 = checkpoint
        .sha256(&mut HashCache::open())
        .map_err(|error| match error {
            CheckpointError::Io { path, source } => {
                RecordError::Io { action: "read", path, source }
            }
            other => RecordError::Io {
                action: "read",
                path: trained.model.clone(),
                source: std::io::Error::other(other.to_string()),
            },
        })?
        .unwrap_or_default();
    let curve = work.path().join(TRAINING_CURVE);
    let steps = read_log(&trained.log)?;
    let picture = training_curve(&cell.inputs.key.label(), &steps, &training_record.evaluations);
    std::fs::write(&curve, picture).map_err(RecordError::io("write", &curve))?;
    let mut files = vec![(TRAINING_LOG, trained.log), (TRAINING_CURVE, curve)];
    if training.saving.keep_model {
        training_record.model.directory = Some(MODEL.into());
        files.push((MODEL, trained.model));
    }
    record.selection_policy = Some(training_record.selection.policy.clone());
    record.training = Some(training_record);
    Ok(Outcome { record, predictions: Some(predictions), files })
}

/// A record with everything that does not depend on how the cell ended.
fn blank(cell: &PlannedRun, status: Status, clock: &Clock) -> CellRecord {
    CellRecord {
        schema_version: SCHEMA_VERSION,
        id: cell.inputs.id(),
        inputs: cell.inputs.clone(),
        status,
        n: 0,
        labels: cell.dataset.labels().iter().map(|l| l.id.clone()).collect(),
        primary_metric: cell.task.metric.name().into(),
        metrics: Default::default(),
        per_class: Vec::new(),
        per_entity: Vec::new(),
        throughput: Throughput::default(),
        memory: Memory::default(),
        telemetry: None,
        tokens: Tokens::default(),
        backend: Backend::default(),
        selection_policy: Some(AS_GIVEN.into()),
        training: None,
        predictions: None,
        warnings: cell.warnings.clone(),
        plugin_output: None,
        started_at: rfc3339(clock.wall),
        finished_at: rfc3339(SystemTime::now()),
        wall_seconds: clock.instant.elapsed().as_secs_f64(),
    }
}

fn record_done(
    (cell, how): (&PlannedRun, How),
    opened: &Opened,
    e: &Evaluated,
    scores: Scores,
    output: Vec<String>,
    clock: &Clock,
) -> CellRecord {
    let mut record = blank(cell, Status::Done, clock);
    let n = cell.dataset.len() as u64;
    record.n = scores.n;
    record.metrics = scores.metrics;
    record.per_class = scores.per_class;
    record.per_entity = scores.per_entity;
    record.warnings.extend(scores.notes);
    let per = |count: u64, seconds: f64| (seconds > 0.0).then(|| count as f64 / seconds);
    let stats = DeviceStats::read(&e.stats);
    let (on_gpu, precision) = (cell.on_gpu(), cell.inputs.precision.as_str());
    let work = Work { sequences: e.sequences, tokens: e.tokens, pairs: e.pairs };
    record.throughput = Throughput {
        rows_per_second: per(n, e.forward_seconds),
        tokens_per_second: per(e.tokens, e.forward_seconds),
        end_to_end_rows_per_second: per(n, e.total_seconds),
        tokenize_seconds: Some(e.tokenize_seconds),
        forward_seconds: Some(e.forward_seconds),
        load_seconds: Some(opened.load_seconds),
        batch_tokens: Some(e.budget),
        forward_flops: stats.flops.map(|flops| work.flops(flops)),
        mfu: on_gpu
            .then(|| utilisation(&stats, precision, (work, 1.0), e.forward_seconds))
            .flatten(),
    };
    record.memory =
        Memory { peak_rss_bytes: e.peak_rss_bytes, peak_device_bytes: stats.peak_bytes };
    record.tokens = Tokens {
        total: Some(e.tokens),
        sequences: Some(e.sequences),
        truncated_rows: Some(e.truncated_rows),
        unknown_tokens: Some(e.unknown_tokens),
        max_len: Some(e.max_len),
    };
    record.backend = backend(stats, on_gpu);
    if e.budget_halvings > 0 {
        record.warnings.push(format!(
            "device memory ran out {}: a batch had at most {} tokens in the end, in place of {}",
            if e.budget_halvings == 1 {
                "once".into()
            } else {
                format!("{} times", e.budget_halvings)
            },
            e.budget,
            how.batch_tokens
        ));
    }
    if !output.is_empty() {
        record.warnings.push(
            "the plugin printed to its process's output; its last lines are in the record".into(),
        );
        record.plugin_output = Some(output.join("\n"));
    }
    record
}

/// What a model that says this of itself computes on.
pub(crate) fn backend(stats: DeviceStats, on_gpu: bool) -> Backend {
    let host = || (!on_gpu).then(|| Host::detect().cpu_model).flatten();
    Backend {
        device_name: stats.name.or_else(host),
        isa: stats.isa,
        device: stats.device.filter(|_| on_gpu),
        device_uuid: stats.uuid.filter(|_| on_gpu),
        compute_capability: stats.compute_capability,
        cuda_driver_version: stats.cuda_driver_version,
        device_memory_bytes: stats.memory_bytes,
    }
}

/// The record of a cell that came to nothing.
pub(super) fn failed(cell: &PlannedRun, failure: &Failure, clock: &Clock) -> Outcome {
    let kind = match &failure.kind {
        FailureKind::Crashed { signal } => CauseKind::Crashed { signal: signal.clone() },
        FailureKind::Killed { signal } => CauseKind::Killed { signal: signal.clone() },
        FailureKind::Exited { code } => CauseKind::Exited { code: *code },
        FailureKind::Hung { limit } => CauseKind::Hung { limit_seconds: limit.as_secs_f64() },
        FailureKind::Error { code, .. } => CauseKind::Error { code: code.clone() },
        FailureKind::Worker(_) => CauseKind::Error { code: "worker".into() },
    };
    let cause = Cause { kind, stage: failure.stage.clone(), detail: failure.to_string() };
    let mut record = blank(cell, Status::Failed { cause }, clock);
    record.plugin_output = (!failure.output.is_empty()).then(|| failure.output.join("\n"));
    Outcome { record, predictions: None, files: Vec::new() }
}
