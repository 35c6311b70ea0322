//! The record of a cell, as `kobench run` writes it.

use std::collections::BTreeMap;

use kobench::digest::sha256_hex;
use kobench::metrics::{IntervalOptions, evaluate};
use kobench::record::{
    AS_GIVEN, Backend, CellInputs, CellKey, CellRecord, DataInfo, Memory, PluginInfo,
    PredictionRow, SCHEMA_VERSION, Status, Throughput, Tokens, WeightsInfo, WeightsSource,
};
use kobench::stats::Random;
use kobench::task::Task;

use super::Scale;
use super::rows::{Gold, Model, observed, rows};

/// Enough for an interval of the right order.
const RESAMPLES: u32 = 100;

/// Tokens of a row in the mean.
const TOKENS_A_ROW: f64 = 25.0;

/// Model number `model` on a task: its record, and its predictions.
pub(super) fn make(
    scale: &Scale,
    task: &Task,
    gold: &Gold,
    model: usize,
) -> (CellRecord, Vec<PredictionRow>) {
    let name = format!("model-{model:04}");
    // From 5% to 25%, all over the models.
    let errors = 0.05 + 0.2 * ((model * 7) % 20) as f64 / 20.0;
    let asked = Model {
        name: &name,
        seed: scale.seed,
        errors,
        changed: scale.changed,
        draw: scale.draw,
        changed_errors: scale.changed_errors.unwrap_or(errors),
    };
    let predicted = gold.predict(&asked, task.labels.len() as u32);
    let intervals = IntervalOptions { seed: 0, resamples: RESAMPLES };
    let scores = observed(gold, &predicted, |seen| {
        evaluate(task, &task.labels, seen, None, &intervals).expect("scored")
    });
    let inputs = inputs(scale, task, &name);
    let mut noise = Random::stream(scale.draw, u64::from(scale.day) << 32 | model as u64);
    let rate = scale.speed * (500.0 + 10.0 * model as f64) * (0.98 + 0.04 * noise.unit());
    let (n, seconds) = (scale.rows as f64, scale.rows as f64 / rate);
    let record = CellRecord {
        schema_version: SCHEMA_VERSION,
        id: inputs.id(),
        inputs,
        status: Status::Done,
        n: scores.n,
        labels: task.labels.iter().map(|label| label.id.clone()).collect(),
        primary_metric: task.metric.name().to_owned(),
        metrics: scores.metrics,
        per_class: scores.per_class,
        per_entity: scores.per_entity,
        throughput: Throughput {
            rows_per_second: Some(rate),
            tokens_per_second: Some(TOKENS_A_ROW * rate),
            end_to_end_rows_per_second: Some(0.9 * rate),
            tokenize_seconds: Some(0.1 * seconds),
            forward_seconds: Some(seconds),
            load_seconds: Some(0.5),
            batch_tokens: Some(8192),
            ..Throughput::default()
        },
        memory: Memory {
            peak_rss_bytes: Some((1 << 30) + ((model as u64) << 20)),
            peak_device_bytes: None,
        },
        telemetry: None,
        tokens: Tokens {
            total: Some((TOKENS_A_ROW * n) as u64),
            sequences: Some(scale.rows as u64),
            truncated_rows: Some(0),
            unknown_tokens: Some(0),
            max_len: Some(100),
        },
        backend: Backend {
            device_name: Some("A CPU".into()),
            isa: Some("avx2".into()),
            ..Backend::default()
        },
        selection_policy: Some(AS_GIVEN.to_owned()),
        training: None,
        predictions: None,
        warnings: scores.notes,
        plugin_output: None,
        started_at: scale.time(60),
        finished_at: scale.time(60 + seconds as u64),
        wall_seconds: seconds,
    };
    (record, rows(task, gold, &predicted))
}

fn inputs(scale: &Scale, task: &Task, model: &str) -> CellInputs {
    let hash = |text: String| sha256_hex(text.as_bytes());
    let weights = match scale.changed {
        0.0 => format!("{model} {}", scale.seed),
        _ => format!("{model} {} {} {:?}", scale.seed, scale.draw, scale.changed_errors),
    };
    CellInputs {
        key: CellKey {
            model: model.to_owned(),
            task: task.name.clone(),
            task_version: task.version,
            split: task.report.clone(),
            recipe: None,
            seed: None,
        },
        plugin: PluginInfo {
            name: "models".into(),
            version: "0.1.0".into(),
            sha256: hash("plugin".into()),
        },
        weights: WeightsInfo {
            source: WeightsSource::Directory,
            checkpoint: Some(format!("weights/{model}")),
            sha256: hash(weights),
        },
        data: DataInfo {
            file: task
                .splits
                .get(&task.report)
                .and_then(|split| split.file.clone())
                .unwrap_or_default(),
            sha256: hash(format!("{} {} {}", task.name, scale.rows, scale.seed)),
            rows: scale.rows as u64,
            part: None,
            verified: true,
            labels_sha256: None,
        },
        limit: None,
        max_seq_len: task.max_seq_len,
        precision: "f32".into(),
        device: "cpu".into(),
        threads: 2,
        options: BTreeMap::new(),
        harness_version: kobench::VERSION.to_owned(),
        fine_tune: None,
    }
}
