//! What crosses the interface is what the schemas say.

use super::{Options, SpeedOptions};
use crate::plugin::{CheckId, CheckLine, CheckOutcome, SelftestRequest, SpeedRequest};
use crate::record::validator;
use std::time::Duration;

fn options() -> Options {
    Options {
        device: "cuda:0".into(),
        precisions: vec!["f32".into(), "bf16".into()],
        only: vec!["models".into()],
        seed: 1,
        limit: Duration::from_secs(1),
    }
}

#[test]
fn requests_are_what_their_schema_says() {
    let schema = validator(include_str!("../../schemas/selftest-request.schema.json"));
    let plain = options().request();
    let skip = vec![CheckId { name: "device".into(), precision: "f32".into() }];
    let speed = SpeedOptions {
        shapes: vec!["tiny".into()],
        lengths: vec!["nsmc".into(), "512".into()],
        modes: vec!["train".into()],
        batch: Some(32),
        batch_tokens: None,
        rows: None,
        repetitions: 3,
        threads: 0,
    };
    let speed: SpeedRequest = speed.request();
    let full = SelftestRequest { skip, list: true, speed: Some(speed), ..plain.clone() };
    for request in [plain, full] {
        let json = serde_json::to_value(&request).unwrap();
        assert!(schema.is_valid(&json), "{json:#}");
        assert_eq!(serde_json::from_value::<SelftestRequest>(json).unwrap(), request);
    }
    assert!(!schema.is_valid(&serde_json::json!({"device": "tpu", "precisions": []})));
}

#[test]
fn outcomes_are_what_their_schema_says() {
    let schema = validator(include_str!("../../schemas/selftest-line.schema.json"));
    let line = CheckLine {
        name: "models/bert/token/logits".into(),
        precision: "bf16".into(),
        outcome: CheckOutcome::Failed,
        error: Some(f64::INFINITY),
        tolerance: Some(1e-5),
        seconds: 0.1,
        message: "logits, number 3".into(),
    };
    let json = serde_json::to_value(&line).unwrap();
    assert!(schema.is_valid(&json) && json["error"].is_null(), "{json:#}");
    assert!(
        !schema.is_valid(&serde_json::json!({"name": "a", "precision": "f32", "outcome": "fine"}))
    );
}
