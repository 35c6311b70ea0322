//! Records for tests.

use std::collections::BTreeMap;

use super::{
    Alternative, Backend, BenchRecord, BenchVolume, Cause, CauseKind, CellInputs, CellKey,
    CellRecord, DataInfo, EnergySource, EvaluationRecord, FineTuneInputs, MeanMax, Measure, Memory,
    MetricValue, Output, PerClass, PluginInfo, PredictionRow, Range, RecipeRecord, SelectionRecord,
    Status, Telemetry, Throttling, Throughput, Tokens, TrainedModel, TrainingRecord, TrainingRows,
    TrainingStep, TrainingThroughput, WeightsInfo, WeightsSource,
};

/// The inputs of a cell that needs nothing but what is bundled.
pub(crate) fn inputs() -> CellInputs {
    CellInputs {
        key: CellKey {
            model: "kcbert-demo".into(),
            task: "nsmc".into(),
            task_version: 1,
            split: "sample".into(),
            recipe: None,
            seed: None,
        },
        plugin: PluginInfo {
            name: "kcbert".into(),
            version: "0.1.0".into(),
            sha256: "a".repeat(64),
        },
        weights: WeightsInfo {
            source: WeightsSource::Bundled,
            checkpoint: None,
            sha256: "b".repeat(64),
        },
        data: DataInfo {
            file: "sample.txt".into(),
            sha256: "c".repeat(64),
            rows: 2000,
            part: None,
            verified: true,
            labels_sha256: None,
        },
        limit: None,
        max_seq_len: 128,
        precision: "f32".into(),
        device: "cpu".into(),
        threads: 2,
        options: BTreeMap::new(),
        harness_version: "0.1.0".into(),
        fine_tune: None,
    }
}

/// A measurement of speed.
pub(crate) fn bench() -> BenchRecord {
    let (inputs, settings) = (inputs(), serde_json::json!({"seconds": 5.0, "warmup_seconds": 2.0}));
    let measure = |values: &[f64], higher| Measure::new(values.to_vec(), higher);
    BenchRecord {
        schema_version: super::SCHEMA_VERSION,
        id: BenchRecord::id_of(&inputs, "offline", &settings, None),
        inputs,
        scenario: "offline".into(),
        settings,
        measures: BTreeMap::from([
            (
                "end_to_end_rows_per_second".into(),
                measure(&[900.0, 880.0, 910.0, 905.0, 899.0, 902.0], true),
            ),
            ("peak_rss_bytes".into(), measure(&[5e7, 5.1e7, 5e7, 5e7, 5e7, 5e7], false)),
        ]),
        volume: BenchVolume {
            rows: 2000,
            queries: vec![4500; 6],
            times_through: 3,
            rate: None,
            batch_tokens: 8192,
        },
        pair: None,
        side: None,
        backend: Backend { device_name: Some("Some CPU".into()), ..Backend::default() },
        telemetry: None,
        warnings: Vec::new(),
        started_at: "2026-01-01T00:00:00Z".into(),
        finished_at: "2026-01-01T00:01:00Z".into(),
    }
}

/// A done cell, every field filled in.
pub(crate) fn done() -> CellRecord {
    let inputs = inputs();
    let accuracy = MetricValue {
        value: 0.86,
        ci_low: 0.84,
        ci_high: 0.87,
        n: 2000,
        method: "wilson".into(),
        resamples: None,
        clusters: None,
        seeds: None,
    };
    CellRecord {
        schema_version: super::SCHEMA_VERSION,
        id: inputs.id(),
        inputs,
        status: Status::Done,
        n: 2000,
        labels: vec!["0".into(), "1".into()],
        primary_metric: "accuracy".into(),
        metrics: BTreeMap::from([("accuracy".into(), accuracy)]),
        per_class: vec![PerClass {
            label: "0".into(),
            name: "negative".into(),
            support: 1000,
            predicted: 990,
            correct: 855,
        }],
        per_entity: vec![],
        throughput: Throughput {
            rows_per_second: Some(1234.5),
            tokens_per_second: Some(23456.0),
            end_to_end_rows_per_second: Some(1100.0),
            tokenize_seconds: Some(0.1),
            forward_seconds: Some(1.6),
            load_seconds: Some(0.05),
            ..Throughput::default()
        },
        memory: Memory { peak_rss_bytes: Some(1 << 28), peak_device_bytes: None },
        telemetry: None,
        tokens: Tokens {
            total: Some(40_000),
            sequences: Some(2_000),
            truncated_rows: Some(0),
            unknown_tokens: Some(12),
            max_len: Some(99),
        },
        backend: Backend {
            device_name: Some("A CPU".into()),
            isa: Some("avx512f".into()),
            ..Backend::default()
        },
        selection_policy: Some("best on dev".into()),
        training: None,
        predictions: None,
        warnings: vec![],
        plugin_output: None,
        started_at: "2026-01-31T23:59:58Z".into(),
        finished_at: "2026-01-31T23:59:59Z".into(),
        wall_seconds: 1.75,
    }
}

/// A done cell that ran on a GPU, every field filled in.
pub(crate) fn on_gpu() -> CellRecord {
    let mut cell = done();
    cell.inputs.device = "cuda".into();
    cell.inputs.precision = "bf16".into();
    cell.id = cell.inputs.id();
    cell.throughput.batch_tokens = Some(500_000);
    cell.throughput.forward_flops = Some(1.5e15);
    cell.throughput.mfu = Some(0.451_25);
    cell.memory.peak_device_bytes = Some(3 << 30);
    cell.backend = Backend {
        device_name: Some("NVIDIA H200".into()),
        isa: None,
        device: Some("cuda:1".into()),
        device_uuid: Some("GPU-1".into()),
        compute_capability: Some("9.0".into()),
        cuda_driver_version: Some("13.0".into()),
        device_memory_bytes: Some(140 << 30),
    };
    let clock = Range { min: 300.0, mean: 1900.0, max: 1980.0 };
    cell.telemetry = Some(Telemetry {
        device_uuid: Some("GPU-1".into()),
        driver_version: Some("580.65.06".into()),
        samples: 20,
        seconds: 1.9,
        sm_clock_mhz: Some(clock),
        memory_clock_mhz: Some(Range { min: 3201.0, mean: 3201.0, max: 3201.0 }),
        temperature_max_celsius: Some(61),
        power_watts: Some(MeanMax { mean: 512.5, max: 690.0 }),
        energy_joules: Some(973.75),
        energy_source: Some(EnergySource::Counter),
        utilisation: Some(MeanMax { mean: 0.93, max: 1.0 }),
        memory_peak_bytes: Some(4 << 30),
        throttling: vec![Throttling { reason: "power cap".into(), share: 0.25 }],
        notes: vec!["no memory clock: not supported".into()],
    });
    cell
}

/// A cell whose plugin died.
pub(crate) fn failed() -> CellRecord {
    CellRecord {
        status: Status::Failed {
            cause: Cause {
                kind: CauseKind::Crashed { signal: "SIGSEGV".into() },
                stage: Some("forward".into()),
                detail: "the plugin died by SIGSEGV in forward".into(),
            },
        },
        n: 0,
        metrics: BTreeMap::new(),
        per_class: vec![],
        throughput: Throughput::default(),
        plugin_output: Some("about to fail".into()),
        ..done()
    }
}

/// Two rows of predictions.
pub(crate) fn predictions() -> Vec<PredictionRow> {
    let row = |i: u64, pred: &str| PredictionRow {
        i,
        id: Some(format!("id{i}")),
        gold: Output::Text("1".into()),
        pred: Output::Text(pred.into()),
        logits: Some(vec![0.1, -2.5]),
        also_gold: vec![],
        cluster: None,
    };
    vec![row(0, "1"), row(1, "0")]
}

/// How a cell trained its model, and what came of it, every field filled in.
pub(crate) fn trained() -> (FineTuneInputs, TrainingRecord) {
    let rows = |split: &str, held_out: bool| TrainingRows {
        split: split.into(),
        sha256: "d".repeat(64),
        rows: 1800,
        part: None,
        held_out: Some(held_out),
    };
    let inputs = FineTuneInputs {
        recipe_version: 1,
        settings: serde_json::json!({"epochs": 3.0, "learning_rate": 5e-5}),
        from_scratch: false,
        train: rows("train", false),
        dev: Some(rows("train", true)),
    };
    let record = TrainingRecord {
        recipe: RecipeRecord {
            name: "generation-b".into(),
            version: 1,
            source: "KoELECTRA".into(),
            notes: vec!["assumed".into()],
        },
        sequences: 1800,
        steps: 171,
        epochs: 3.0,
        final_loss: 0.25,
        selection: SelectionRecord {
            policy: "best_on_test".into(),
            step: 100,
            metric: "accuracy".into(),
            value: Some(0.86),
            caveat: Some("chosen on the rows that it is scored on".into()),
            alternatives: vec![Alternative { policy: "last".into(), step: 171, value: 0.85 }],
        },
        evaluations: vec![EvaluationRecord {
            step: 100,
            epoch: 1.75,
            split: "test".into(),
            metric: "accuracy".into(),
            value: 0.86,
        }],
        model: TrainedModel { directory: Some("model".into()), sha256: "e".repeat(64) },
        log: "train.jsonl".into(),
        throughput: TrainingThroughput {
            rows_per_second: Some(100.0),
            tokens_per_second: Some(2000.0),
            step_seconds: 54.0,
            evaluate_seconds: 6.0,
            tokenize_seconds: 0.1,
            peak_rss_bytes: Some(1 << 28),
            ..TrainingThroughput::default()
        },
        resumed_from: vec![50],
    };
    (inputs, record)
}

/// A step of a training.
pub(crate) fn training_step() -> TrainingStep {
    TrainingStep {
        step: 1,
        epoch: 0.017,
        loss: 0.7,
        lr: 5e-5,
        grad_norm: Some(1.25),
        rows: 32,
        tokens: 640,
        seconds: 0.3,
        parts: None,
    }
}
