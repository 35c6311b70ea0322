//! The self-test: what is right passes, and what is wrong fails, with what was expected and what was seen.

mod common;

use common::goldens;
use kobench_engine::config::Architecture;
use kobench_engine::selftest::{self, Goldens, ModelGolden};
use kobench_plugin_sdk::{
    self as sdk, CheckId, CheckLine, CheckOutcome, SelftestLines, SelftestRequest, SpeedRequest,
};

fn read(name: &str) -> Vec<u8> {
    std::fs::read(goldens(name)).unwrap()
}

fn leak(bytes: Vec<u8>) -> &'static [u8] {
    bytes.leak()
}

/// One small ELECTRA, with these weights.
fn electra(weights: Vec<u8>) -> Goldens {
    let model = ModelGolden {
        architecture: Architecture::Electra,
        name: "sequence",
        config: leak(read("absolute/electra-sequence/config.json")),
        weights: leak(weights),
        logits: leak(read("absolute/electra-sequence/goldens.json")),
        training: leak(read("fine_tuning/absolute-electra-sequence.json")),
    };
    Goldens {
        models: vec![model].leak(),
        optimizers_model: (Architecture::Electra, "sequence"),
        optimizers: leak(read("optimizers/steps.json")),
    }
}

fn good() -> Goldens {
    electra(read("absolute/electra-sequence/model.safetensors"))
}

fn request(only: &[&str]) -> SelftestRequest {
    SelftestRequest {
        device: "cpu".into(),
        precisions: vec!["f32".into(), "bf16".into()],
        only: only.iter().map(ToString::to_string).collect(),
        skip: Vec::new(),
        seed: 1,
        list: false,
        speed: None,
    }
}

fn run(request: &SelftestRequest, goldens: &Goldens) -> sdk::Result<Vec<CheckLine>> {
    let mut text = String::new();
    let mut write = |line: &str| {
        text.push_str(line);
        Ok(())
    };
    selftest::run(request, goldens, &[], &mut SelftestLines::new(&mut write))?;
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn ids(lines: &[CheckLine]) -> Vec<CheckId> {
    let id = |l: &CheckLine| CheckId { name: l.name.clone(), precision: l.precision.clone() };
    lines.iter().map(id).collect()
}

#[test]
fn everything_passes_in_the_order_of_the_list() {
    let only = ["device", "models/electra", "training", "determinism/electra"];
    let lines = run(&request(&only), &good()).unwrap();
    for line in &lines {
        println!("{} {}: {:?} of {:?}", line.name, line.precision, line.error, line.tolerance);
        assert_eq!(line.outcome, CheckOutcome::Passed, "{line:?}");
    }
    let listed = run(&SelftestRequest { list: true, ..request(&only) }, &good()).unwrap();
    assert_eq!(ids(&listed), ids(&lines));
    assert!(listed.iter().all(|line| line.outcome == CheckOutcome::Listed));
    let skip = ids(&listed)[..3].to_vec();
    let rest = SelftestRequest { list: true, skip, ..request(&only) };
    assert_eq!(ids(&run(&rest, &good()).unwrap()), ids(&listed)[3..]);
}

#[test]
fn wrong_weights_are_found() {
    let mut weights = read("absolute/electra-sequence/model.safetensors");
    // A number of the last tensor, whatever that is.
    let at = weights.len() - 8;
    weights[at..at + 4].copy_from_slice(&0.75_f32.to_le_bytes());
    let goldens = electra(weights);
    let lines =
        run(&request(&["models/electra/sequence", "determinism/electra"]), &goldens).unwrap();
    let outcome = |name: &str| {
        let own = lines.iter().filter(|line| line.name == name);
        own.map(|line| (line.outcome, line.message.clone())).next().unwrap()
    };
    let (logits, message) = outcome("models/electra/sequence/logits");
    assert_eq!(logits, CheckOutcome::Failed);
    assert!(message.contains("expected") && message.contains("saw"), "{message}");
    // They are the same wrong weights each time, and on the CPU too.
    assert_eq!(outcome("determinism/electra/step").0, CheckOutcome::Passed);
}

#[test]
fn a_golden_that_cannot_be_opened_is_a_failure_and_no_end() {
    let goldens = electra(b"no weights".to_vec());
    let lines = run(&request(&["device", "models/electra/sequence"]), &goldens).unwrap();
    assert!(lines.iter().any(|line| line.outcome == CheckOutcome::Passed));
    let logits = lines.iter().find(|line| line.name.ends_with("/logits")).unwrap();
    assert_eq!(logits.outcome, CheckOutcome::Failed);
    assert!(logits.message.starts_with("it ended with an error: "), "{}", logits.message);
}

#[test]
fn what_is_not_known_is_refused() {
    let refused = |request: SelftestRequest, says: &str| {
        let error = run(&request, &good()).unwrap_err();
        assert!(error.message.contains(says), "{error}");
    };
    let plain = || request(&["device"]);
    refused(SelftestRequest { device: "tpu".into(), ..plain() }, "device \"tpu\" is not known");
    refused(SelftestRequest { device: "cuda:77".into(), ..plain() }, "cuda:77");
    refused(SelftestRequest { precisions: vec!["f8".into()], ..plain() }, "precision \"f8\"");
    let speed = |shape: &str| SpeedRequest {
        shapes: vec![shape.into()],
        lengths: vec!["nsmc".into()],
        modes: vec!["evaluate".into()],
        batch: None,
        batch_tokens: None,
        rows: None,
        repetitions: 1,
        threads: 1,
    };
    refused(SelftestRequest { speed: Some(speed("x")), ..plain() }, "no shape \"x\"");
}
