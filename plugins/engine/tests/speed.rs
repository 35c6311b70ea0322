//! How long a model of its real size takes for sequences of given lengths, without tokeniser and harness.
//!
//! `tests/speed/against_peers.py lengths` runs it beside transformers:
//!
//! `KOBENCH_FULL_SIZE=DIR KOBENCH_LENGTHS=FILE cargo test --release -p kobench-engine --test speed -- --nocapture --ignored`
//!
//! DIR is what `tests/parity/full_size.py --make` writes, FILE a JSON list of lengths. The last line but the test
//! program's own is JSON: seconds of the better of two passes behind a warm-up, and tokens.

mod common;

use std::path::PathBuf;
use std::time::Instant;

use common::architecture;
use kobench_engine::checkpoint::Checkpoint;
use kobench_engine::config::ModelConfig;
use kobench_engine::model::Model;
use kobench_engine::{Context, PackedBatch, Precision};
use kobench_plugin_sdk::Head;

/// Tokens that one batch holds at most, if it holds more than one sequence.
const BUDGET: usize = 2048;

/// What was made.
#[derive(serde::Deserialize)]
struct Reference {
    architecture: String,
    head: Head,
}

#[test]
#[ignore = "needs a full-size checkpoint and minutes"]
fn seconds_of_sequences() {
    let path = |name| PathBuf::from(std::env::var_os(name).expect(name));
    let folder = path("KOBENCH_FULL_SIZE");
    let lengths = std::fs::read(path("KOBENCH_LENGTHS")).unwrap();
    let mut lengths: Vec<usize> = serde_json::from_slice(&lengths).unwrap();
    lengths.sort_unstable_by_key(|&length| std::cmp::Reverse(length));
    let precision = match std::env::var("KOBENCH_PRECISION").as_deref() {
        Ok("bf16") => Precision::Bf16,
        _ => Precision::F32,
    };

    let json = std::fs::read(folder.join("config.json")).unwrap();
    let reference = std::fs::read(folder.join("reference.json")).unwrap();
    let Reference { architecture: name, head } = serde_json::from_slice(&reference).unwrap();
    let config = ModelConfig::from_json(architecture(&name), &json, "config.json").unwrap();
    let weights = Checkpoint::open(&folder).unwrap();
    let ctx = Context::new(candle_core::Device::Cpu, precision, 2).unwrap();
    let mut model = Model::load_packed(config, head, &weights, ctx).unwrap();

    let mut batches = Vec::new();
    let mut rest = lengths.as_slice();
    while !rest.is_empty() {
        let taken = (BUDGET / rest[0]).clamp(1, rest.len());
        let mut batch = PackedBatch::default();
        for &length in &rest[..taken] {
            // Which tokens they are makes no difference to the time.
            let ids: Vec<u32> = (0..length as u32).map(|i| 5 + i % 900).collect();
            batch.push(&ids, &vec![0; length]).unwrap();
        }
        batches.push(batch);
        rest = &rest[taken..];
    }
    let mut run = || {
        let clock = Instant::now();
        for batch in &batches {
            let mut logits = vec![0.0; model.logits_rows(batch) * model.logits_width()];
            model.forward(batch, &mut logits, &|| Ok(())).unwrap();
        }
        clock.elapsed().as_secs_f64()
    };
    run();
    let seconds = run().min(run());
    let tokens: usize = lengths.iter().sum();
    let isa = model.context().isa();
    println!("\n{}", serde_json::json!({"seconds": seconds, "tokens": tokens, "isa": isa}));
}
