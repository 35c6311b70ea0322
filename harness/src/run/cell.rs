//! One cell: the rows through a worker, the logits into predictions, metrics and a record.

use super::plan::PlannedRun;
use super::progress::CellProgress;
use crate::data::Gold;
use crate::metrics::{self, IntervalOptions, LabelObservations, MetricError, Observations, Scores};
use crate::plugin::Head;
use crate::record::{
    AS_GIVEN, Backend, Cause, CauseKind, CellRecord, Host, Memory, Output, PredictionRow,
    SCHEMA_VERSION, Status, Throughput, Tokens, rfc3339,
};
use crate::worker::{
    Encoding, EvaluateRequest, Evaluated, Event, Failure, FailureKind, Opened, RowInput, Worker,
};
use serde_json::Value;
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

/// The logits of a cell as they arrive, batch by batch, in dataset order.
struct Logits {
    width: usize,
    /// `[rows * width]`
    values: Vec<f32>,
    seen: Vec<bool>,
}

impl Logits {
    fn new(rows: usize, width: usize) -> Self {
        Self { width, values: vec![f32::NAN; rows * width], seen: vec![false; rows] }
    }

    /// Takes a batch in; says what is wrong with it, if anything is.
    fn take(&mut self, examples: &[u32], width: u32, values: &[f32]) -> Result<(), String> {
        if width as usize != self.width {
            return Err(format!(
                "the model gives {width} logits for a text, the task has {} labels: this checkpoint was trained for \
                 another task",
                self.width
            ));
        }
        for (&example, row) in examples.iter().zip(values.chunks(self.width)) {
            let i = example as usize;
            match self.seen.get_mut(i) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => return Err(format!("row {i} was answered twice")),
                None => return Err(format!("row {i} was answered, but was not asked for")),
            }
            if let Some(value) = row.iter().find(|v| !v.is_finite()) {
                return Err(format!(
                    "the model's logits for row {i} hold {value}, which is not a finite number"
                ));
            }
            self.values[i * self.width..][..self.width].copy_from_slice(row);
        }
        Ok(())
    }

    fn complete(&self) -> Result<(), String> {
        match self.seen.iter().position(|seen| !seen) {
            None => Ok(()),
            Some(i) => Err(format!("row {i} was not answered")),
        }
    }
}

/// The first of the largest values, as `argmax` of numpy and torch has it.
fn argmax(row: &[f32]) -> u32 {
    let mut best = (0, f32::NEG_INFINITY);
    for (i, &value) in (0..).zip(row) {
        if value > best.1 {
            best = (i, value);
        }
    }
    best.0
}

/// What a cell came to: its record, and its predictions if it has any.
pub(super) struct Outcome {
    pub(super) record: CellRecord,
    pub(super) predictions: Option<Vec<PredictionRow>>,
}

/// Runs the rows of a cell through an opened worker.
pub(super) fn evaluate(
    cell: &PlannedRun,
    worker: &mut Worker,
    opened: &Opened,
    clock: &Clock,
    progress: &mut CellProgress<'_>,
) -> Outcome {
    let dataset = &cell.dataset;
    let request = EvaluateRequest {
        examples: dataset.rows().map(|row| RowInput::from(row.input)).collect(),
        head: Head::Sequence,
        encoding: Encoding::new(cell.inputs.max_seq_len, Default::default()),
        batch_tokens: cell.batch_tokens,
    };
    let mut logits = Logits::new(dataset.len(), cell.labels().len());
    let mut wrong = None;
    let evaluated = worker.evaluate(request, &mut |event| match event {
        Event::Logits {
            logits: crate::worker::Logits::Rows { rows: examples, width, values },
            tokens,
        } => {
            if let Err(reason) = logits.take(&examples, width, &values) {
                wrong.get_or_insert(reason);
            }
            progress.advance(examples.len() as u64, tokens);
        }
        Event::Log { level, message } => progress.log(level, &message),
        _ => {}
    });
    let evaluated = match evaluated {
        Ok(evaluated) => evaluated,
        Err(failure) => return failed(cell, &failure, clock),
    };
    if let Err(reason) = wrong.map_or_else(|| logits.complete(), Err) {
        return unusable(cell, reason, worker, clock);
    }
    let predicted: Vec<u32> = logits.values.chunks(logits.width).map(argmax).collect();
    let scores = match score(cell, &predicted) {
        Ok(scores) => scores,
        Err(e) => return unusable(cell, e.to_string(), worker, clock),
    };
    let predictions = rows(cell, &logits, &predicted);
    let record = record_done(cell, opened, &evaluated, scores, worker.take_output(), clock);
    Outcome { record, predictions: Some(predictions) }
}

fn score(cell: &PlannedRun, predicted: &[u32]) -> Result<Scores, MetricError> {
    let data = &cell.dataset;
    let gold = data.gold_labels();
    let observations =
        Observations::Labels(LabelObservations { gold: &gold, predicted, scores: None });
    let intervals = IntervalOptions::default();
    metrics::evaluate(&cell.task, data.labels(), &observations, data.clusters(), &intervals)
}

/// The rows of the predictions file.
fn rows(cell: &PlannedRun, logits: &Logits, predicted: &[u32]) -> Vec<PredictionRow> {
    let id = |label: u32| Output::Text(cell.labels()[label as usize].id.clone());
    let values = logits.values.chunks(logits.width);
    cell.dataset
        .rows()
        .zip(predicted)
        .zip(values)
        .map(|((row, &label), logits)| PredictionRow {
            i: row.index as u64,
            id: row.id.map(ToString::to_string),
            gold: match row.gold {
                Gold::Label(label) => id(label),
                _ => Output::Text(String::new()),
            },
            pred: id(label),
            logits: Some(logits.to_vec()),
        })
        .collect()
}

/// A record with everything that does not depend on how the cell ended.
fn blank(cell: &PlannedRun, status: Status, clock: &Clock) -> CellRecord {
    CellRecord {
        schema_version: SCHEMA_VERSION,
        id: cell.inputs.id(),
        inputs: cell.inputs.clone(),
        status,
        n: 0,
        labels: cell.labels().iter().map(|l| l.id.clone()).collect(),
        primary_metric: cell.task.metric.name().into(),
        metrics: Default::default(),
        per_class: Vec::new(),
        per_entity: Vec::new(),
        throughput: Throughput::default(),
        memory: Memory::default(),
        tokens: Tokens::default(),
        backend: Backend::default(),
        selection_policy: Some(AS_GIVEN.into()),
        predictions: None,
        warnings: cell.warnings.clone(),
        plugin_output: None,
        started_at: rfc3339(clock.wall),
        finished_at: rfc3339(SystemTime::now()),
        wall_seconds: clock.instant.elapsed().as_secs_f64(),
    }
}

fn record_done(
    cell: &PlannedRun,
    opened: &Opened,
    e: &Evaluated,
    scores: Scores,
    output: Vec<String>,
    clock: &Clock,
) -> CellRecord {
    let mut record = blank(cell, Status::Done, clock);
    let n = scores.n;
    record.n = n;
    record.metrics = scores.metrics;
    record.per_class = scores.per_class;
    record.per_entity = scores.per_entity;
    record.warnings.extend(scores.notes);
    let per = |count: u64, seconds: f64| (seconds > 0.0).then(|| count as f64 / seconds);
    record.throughput = Throughput {
        rows_per_second: per(n, e.forward_seconds),
        tokens_per_second: per(e.tokens, e.forward_seconds),
        end_to_end_rows_per_second: per(n, e.total_seconds),
        tokenize_seconds: Some(e.tokenize_seconds),
        forward_seconds: Some(e.forward_seconds),
        load_seconds: Some(opened.load_seconds),
    };
    let stats: Value = serde_json::from_str(&e.stats).unwrap_or(Value::Null);
    let text = |key: &str| stats.get(key).and_then(Value::as_str).map(ToString::to_string);
    record.memory = Memory {
        peak_rss_bytes: e.peak_rss_bytes,
        peak_device_bytes: stats.get("peak_device_bytes").and_then(Value::as_u64),
    };
    record.tokens = Tokens {
        total: Some(e.tokens),
        truncated_rows: Some(e.truncated_rows),
        unknown_tokens: Some(e.unknown_tokens),
        max_len: Some(e.max_len),
    };
    let host = || (cell.inputs.device == "cpu").then(|| Host::detect().cpu_model).flatten();
    record.backend = Backend { device_name: text("device_name").or_else(host), isa: text("isa") };
    if e.budget_halvings > 0 {
        record.warnings.push(format!(
            "device memory ran out {} times; the batch budget was halved each time, from {} tokens",
            e.budget_halvings, cell.batch_tokens
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

/// The record of a cell whose logits make no sense.
fn unusable(cell: &PlannedRun, reason: String, worker: &Worker, clock: &Clock) -> Outcome {
    let kind = FailureKind::Error { code: "bad logits".into(), message: reason, hint: None };
    let failure = Failure { kind, stage: Some("forward".into()), output: worker.take_output() };
    failed(cell, &failure, clock)
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
    Outcome { record, predictions: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_logits_wins() {
        assert_eq!(argmax(&[1.0, 1.0]), 0);
        assert_eq!(argmax(&[-2.0, 1.0, 1.0]), 1);
        assert_eq!(argmax(&[0.5]), 0);
    }

    #[test]
    fn answers_that_do_not_fit_the_question_are_noticed() {
        let mut logits = Logits::new(2, 2);
        logits.take(&[1], 2, &[1.0, 2.0]).unwrap();
        assert!(logits.complete().unwrap_err().contains("row 0 was not answered"));
        assert!(logits.take(&[1], 2, &[1.0, 2.0]).unwrap_err().contains("twice"));
        assert!(logits.take(&[2], 2, &[1.0, 2.0]).unwrap_err().contains("not asked for"));
        assert!(logits.take(&[0], 3, &[1.0; 3]).unwrap_err().contains("3 logits"));
        assert!(logits.take(&[0], 2, &[1.0, f32::NAN]).unwrap_err().contains("row 0 hold NaN"));
    }
}
