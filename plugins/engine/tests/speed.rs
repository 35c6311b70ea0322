//! How long a model of its real size takes for sequences of given lengths, without tokeniser and harness.
//!
//! `tests/speed/against_peers.py evaluate-lengths` and `train-lengths` run it beside transformers:
//!
//! `KOBENCH_FULL_SIZE=DIR KOBENCH_LENGTHS=FILE cargo test --release -p kobench-engine --test speed -- --nocapture --ignored`
//!
//! DIR is what `tests/parity/full_size.py --make` writes, FILE a JSON list of lengths. The last line but the test
//! program's own is JSON: seconds and tokens, of the better of two passes behind a warm-up, or of training steps of 32
//! sequences behind the first.

#[path = "../benches/common/mod.rs"]
mod benches;
mod common;

use std::path::PathBuf;
use std::time::Instant;

use benches::{THREADS, pack};
use common::architecture;
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::ModelConfig;
use kobench_engine::model::Model;
use kobench_engine::train::{Settings, StepOptions, Targets, Trainer};
use kobench_engine::{Context, Precision};
use kobench_plugin_sdk::Head;

/// Tokens that one batch holds at most, if it holds more than one sequence.
const BUDGET: usize = 2048;

/// Sequences of a training step.
const BATCH: usize = 32;

/// What was made.
#[derive(serde::Deserialize)]
struct Reference {
    architecture: String,
    head: Head,
}

struct Case {
    model: Model,
    lengths: Vec<usize>,
}

impl Case {
    /// The model and the lengths that the environment names.
    fn open(packed: bool) -> Self {
        let path = |name| PathBuf::from(std::env::var_os(name).expect(name));
        let folder = path("KOBENCH_FULL_SIZE");
        let lengths = std::fs::read(path("KOBENCH_LENGTHS")).unwrap();
        let precision = match std::env::var("KOBENCH_PRECISION").as_deref() {
            Ok("bf16") => Precision::Bf16,
            _ => Precision::F32,
        };
        let json = std::fs::read(folder.join("config.json")).unwrap();
        let reference = std::fs::read(folder.join("reference.json")).unwrap();
        let Reference { architecture: name, head } = serde_json::from_slice(&reference).unwrap();
        let config = ModelConfig::from_json(architecture(&name), &json, "config.json").unwrap();
        let weights = Checkpoint::open(&folder).unwrap();
        let threads = std::env::var("KOBENCH_THREADS").map_or(THREADS, |n| n.parse().unwrap());
        let ctx = Context::new(kobench_engine::Device::Cpu, precision, threads).unwrap();
        let model = match packed {
            true => Model::load_packed(config, head, &weights, ctx),
            false => Model::load(config, head, &weights, NewHead::Refuse, ctx),
        };
        Self { model: model.unwrap(), lengths: serde_json::from_slice(&lengths).unwrap() }
    }

    fn print(&self, seconds: f64, rows: usize, tokens: usize) {
        let isa = self.model.context().isa();
        let line =
            serde_json::json!({"seconds": seconds, "rows": rows, "tokens": tokens, "isa": isa});
        println!("\n{line}");
    }
}

#[test]
#[ignore = "needs a full-size checkpoint and minutes"]
fn evaluation() {
    let mut case = Case::open(true);
    case.lengths.sort_unstable_by_key(|&length| std::cmp::Reverse(length));
    let mut batches = Vec::new();
    let mut rest = case.lengths.as_slice();
    while !rest.is_empty() {
        let (some, others) = rest.split_at((BUDGET / rest[0]).clamp(1, rest.len()));
        batches.push(pack(some));
        rest = others;
    }
    let model = &mut case.model;
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
    case.print(seconds, case.lengths.len(), case.lengths.iter().sum());
}

#[test]
#[ignore = "needs a full-size checkpoint and minutes"]
fn training() {
    let mut case = Case::open(false);
    let settings = serde_json::json!({
        "optimizer": {"name": "adamw", "variant": "torch", "weight_decay": 0.0}, "clip_norm": 1.0,
    });
    let settings = Settings::parse(settings, case.model.logits_width()).unwrap();
    let mut trainer = Trainer::begin(&case.model, settings, 1).unwrap();
    let (mut seconds, mut rows, mut tokens) = (0.0, 0, 0);
    for (step, lengths) in case.lengths.chunks_exact(BATCH).enumerate() {
        let batch = pack(lengths);
        let targets = match case.model.logits_rows(&batch) {
            rows if rows == BATCH => Targets::Classes((0..BATCH as i64).map(|i| i % 2).collect()),
            _ => Targets::Spans { starts: vec![0; BATCH], ends: vec![1; BATCH] },
        };
        let options = StepOptions { learning_rate: 5e-5, loss_scale: 1.0, accumulate: false };
        let clock = Instant::now();
        trainer.step(&mut case.model, &batch, &targets, options, &|| Ok(())).unwrap();
        if step > 0 {
            seconds += clock.elapsed().as_secs_f64();
            rows += BATCH;
            tokens += lengths.iter().sum::<usize>();
        }
    }
    case.print(seconds, rows, tokens);
}
