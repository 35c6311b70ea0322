//! Records against the JSON Schemas in harness/schemas.

use serde_json::{Value, json};

use super::testing::{bench, done, failed, inputs, on_gpu, predictions, trained, training_step};
use super::{Output, PlannedCell, RunDir, RunRecord, Word};

/// A schema of harness/schemas, compiled.
pub(crate) fn validator(text: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(text).expect("the schema is JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("the schema is a schema");
    jsonschema::validator_for(&schema).expect("the schema compiles")
}

fn assert_valid(validator: &jsonschema::Validator, value: &Value) {
    let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {value}");
}

#[test]
fn cells() {
    let schema = validator(include_str!("../../schemas/cell.schema.json"));
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let written = run.write_cell(done(), Some(&predictions())).expect("written");
    let valid = serde_json::to_value(&written).expect("serialised");
    assert_valid(&schema, &valid);
    let written = run.write_cell(failed(), None).expect("written");
    assert_valid(&schema, &serde_json::to_value(&written).expect("serialised"));

    let wrong: [fn(&mut Value); 6] = [
        |cell| cell["metrics"]["accuracy"]["value"] = json!("86%"),
        |cell| cell["status"] = json!("failed"),
        |cell| cell["data"]["sha256"] = json!("abc"),
        |cell| cell["extra"] = json!(1),
        |cell| cell["device"] = json!("auto"),
        |cell| drop(cell.as_object_mut().expect("an object").remove("model")),
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        let mut cell = valid.clone();
        change(&mut cell);
        assert!(!schema.is_valid(&cell), "change {index} passes");
    }
}

#[test]
fn cells_that_ran_on_a_gpu() {
    let schema = validator(include_str!("../../schemas/cell.schema.json"));
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let written = run.write_cell(on_gpu(), Some(&predictions())).expect("written");
    let valid = serde_json::to_value(&written).expect("serialised");
    assert_valid(&schema, &valid);
    let read: super::CellRecord = serde_json::from_value(valid.clone()).expect("parsed");
    assert_eq!(read, written);
    let mut bare = valid.clone();
    bare["telemetry"] =
        json!({"samples": 0, "seconds": 0.0, "throttling": [], "notes": ["no NVML"]});
    assert_valid(&schema, &bare);
    let wrong: [fn(&mut Value); 4] = [
        |cell| cell["device"] = json!("cuda:0"),
        |cell| cell["telemetry"]["energy_source"] = json!("guess"),
        |cell| cell["telemetry"]["throttling"][0]["share"] = json!(25),
        |cell| cell["backend"]["device"] = json!("gpu"),
    ];
    for change in wrong {
        let mut cell = valid.clone();
        change(&mut cell);
        assert!(!schema.is_valid(&cell), "{cell}");
    }
}

#[test]
fn cells_that_trained_their_model() {
    let schema = validator(include_str!("../../schemas/cell.schema.json"));
    let mut cell = done();
    let (inputs, record) = trained();
    (cell.inputs.fine_tune, cell.training) = (Some(inputs), Some(record));
    cell.inputs.weights.source = super::WeightsSource::Random;
    cell.predictions = Some(super::PredictionsFile {
        file: "predictions.jsonl".into(),
        sha256: "f".repeat(64),
        bytes: 100,
        rows: 2000,
    });
    let valid = serde_json::to_value(&cell).expect("serialised");
    assert_valid(&schema, &valid);
    let read: super::CellRecord = serde_json::from_value(valid.clone()).expect("parsed");
    assert_eq!(read, cell);
    let wrong: [fn(&mut Value); 3] = [
        |cell| cell["training"]["selection"]["policy"] = json!("by eye"),
        |cell| cell["fine_tune"]["train"]["sha256"] = json!("abc"),
        |cell| cell["training"]["extra"] = json!(1),
    ];
    for change in wrong {
        let mut cell = valid.clone();
        change(&mut cell);
        assert!(!schema.is_valid(&cell), "{cell}");
    }
}

#[test]
fn training_steps() {
    let schema = validator(include_str!("../../schemas/train.schema.json"));
    let mut step = training_step();
    assert_valid(&schema, &serde_json::to_value(&step).expect("serialised"));
    step.grad_norm = None;
    assert_valid(&schema, &serde_json::to_value(&step).expect("serialised"));
    assert!(!schema.is_valid(&json!({"step": 1, "loss": 0.5})));
}

#[test]
fn every_cause() {
    let schema = validator(include_str!("../../schemas/cell.schema.json"));
    for cause in [
        json!({"kind": "exited", "code": 3, "stage": null, "detail": ""}),
        json!({"kind": "hung", "limit_seconds": 60.0, "stage": "open", "detail": ""}),
        json!({"kind": "error", "code": "out_of_memory", "stage": "forward", "detail": ""}),
        json!({"kind": "killed", "signal": "SIGKILL", "stage": null, "detail": ""}),
    ] {
        let mut cell = serde_json::to_value(failed()).expect("serialised");
        cell["cause"] = cause;
        assert_valid(&schema, &cell);
        let record: super::CellRecord = serde_json::from_value(cell.clone()).expect("parsed");
        assert_eq!(serde_json::to_value(&record).expect("serialised"), cell);
    }
}

#[test]
fn runs() {
    let schema = validator(include_str!("../../schemas/run.schema.json"));
    let run =
        RunRecord::new(vec!["kobench".into(), "run".into()], vec![PlannedCell::new(&inputs())]);
    let mut value = serde_json::to_value(&run).expect("serialised");
    assert_valid(&schema, &value);
    value["plan"][0]["id"] = json!("../..");
    assert!(!schema.is_valid(&value));
}

#[test]
fn prediction_rows() {
    let schema = validator(include_str!("../../schemas/prediction.schema.json"));
    for mut row in predictions() {
        assert_valid(&schema, &serde_json::to_value(&row).expect("serialised"));
        row.id = None;
        row.logits = None;
        row.pred = Output::Words(vec![
            Word { label: None, cut: true },
            Word { label: Some("O".into()), cut: false },
        ]);
        assert_valid(&schema, &serde_json::to_value(&row).expect("serialised"));
        row.pred = Output::Number(2.5);
        assert_valid(&schema, &serde_json::to_value(&row).expect("serialised"));
    }
    assert!(!schema.is_valid(&json!({"i": 0, "gold": "1"})));
    assert!(!schema.is_valid(&json!({"i": -1, "gold": "1", "pred": "1"})));
}

#[test]
fn measurements_of_speed() {
    let schema = validator(include_str!("../../schemas/bench.schema.json"));
    let mut record = bench();
    record.settings = json!({
        "repetitions": 6, "seconds": 5.0, "min_queries": 64, "warmup_seconds": 2.0, "keep_open": false, "rate": null,
        "latency_bound_seconds": 0.1, "batch_tokens": null, "seed": 42
    });
    let valid = serde_json::to_value(&record).expect("serialised");
    assert_valid(&schema, &valid);
    let read: super::BenchRecord = serde_json::from_value(valid.clone()).expect("parsed");
    assert_eq!(read, record);
    (record.pair, record.side) = (Some("00ff".into()), Some(super::BenchSide::New));
    record.telemetry = on_gpu().telemetry;
    assert_valid(&schema, &serde_json::to_value(&record).expect("serialised"));
    let wrong: [fn(&mut Value); 5] = [
        |bench| bench["scenario"] = json!("multi-stream"),
        |bench| bench["measures"]["peak_rss_bytes"]["values"] = json!([]),
        |bench| bench["pair"] = json!("00ff"),
        |bench| bench["settings"]["speed"] = json!("fast"),
        |bench| bench["precision"] = json!("auto"),
    ];
    for change in wrong {
        let mut bench = valid.clone();
        change(&mut bench);
        assert!(!schema.is_valid(&bench), "{bench}");
    }
}
