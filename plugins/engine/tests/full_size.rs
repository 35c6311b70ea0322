//! A model of its real size, with random weights, against transformers: differences, time, memory.
//!
//! `tests/parity/full_size.py` makes the folder:
//!
//! `KOBENCH_FULL_SIZE=DIR cargo test --release -p kobench-engine --test full_size -- --nocapture --ignored`

mod common;

use std::path::PathBuf;
use std::time::Instant;

use common::{architecture, distance};
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::ModelConfig;
use kobench_engine::model::Model;
use kobench_engine::{Context, PackedBatch};
use kobench_plugin_sdk::Head;
use serde::Deserialize;

/// Largest difference that passes, relative to the largest logit.
const TOLERANCE: f64 = 1e-4;

/// Tokens that one batch holds at most, if it holds more than one sequence.
const BUDGET: usize = 2048;

#[derive(Deserialize)]
struct Reference {
    architecture: String,
    head: Head,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    input_ids: Vec<u32>,
    token_type_ids: Vec<u32>,
    logits_f32: Vec<f64>,
    /// Empty unless it was asked for.
    #[serde(default)]
    logits_f64: Vec<f64>,
}

/// A line of /proc/self/status in MiB, where there is such a file.
fn status(key: &str) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(
        line.trim_start_matches(':').trim().strip_suffix("kB")?.trim().parse::<f64>().ok()?
            / 1024.0,
    )
}

#[test]
#[ignore = "needs a folder that tests/parity/full_size.py made, and a minute"]
fn a_model_of_real_size_is_that_of_transformers() {
    let folder = PathBuf::from(std::env::var_os("KOBENCH_FULL_SIZE").expect("KOBENCH_FULL_SIZE"));
    let text = std::fs::read_to_string(folder.join("reference.json")).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    let json = std::fs::read(folder.join("config.json")).unwrap();
    let config =
        ModelConfig::from_json(architecture(&reference.architecture), &json, "config.json")
            .unwrap();

    let start = Instant::now();
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let ctx = Context::cpu(0).unwrap();
    let mut model = Model::load(config, reference.head, &checkpoint, NewHead::Refuse, ctx).unwrap();
    drop(checkpoint);
    println!(
        "load: {:.2} s, {} parameters, {}",
        start.elapsed().as_secs_f64(),
        model.params().elements(),
        model.context().isa()
    );
    println!("resident after the load: {:.0} MiB", status("VmRSS").unwrap_or(f64::NAN));

    // Once in batches as a run makes them, and once each sequence alone.
    for budget in [BUDGET, 0] {
        let start = Instant::now();
        let (mut logits, mut tokens) = (Vec::new(), 0);
        let mut rest = reference.cases.as_slice();
        while !rest.is_empty() {
            let mut batch = PackedBatch::default();
            let mut taken = 0;
            for case in rest {
                if taken > 0 && batch.tokens() + case.input_ids.len() > budget {
                    break;
                }
                batch.push(&case.input_ids, &case.token_type_ids).unwrap();
                taken += 1;
            }
            rest = &rest[taken..];
            tokens += batch.tokens();
            let mut rows = vec![f32::NAN; model.logits_rows(&batch) * model.logits_width()];
            model.forward(&batch, &mut rows, &|| Ok(())).unwrap();
            logits.extend(rows);
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "batches of up to {budget} tokens: {tokens} tokens in {seconds:.2} s, {:.0} tokens/s",
            tokens as f64 / seconds
        );
        let of = |pick: fn(&Case) -> &Vec<f64>| -> Vec<f64> {
            reference.cases.iter().flat_map(|c| pick(c).iter().copied()).collect()
        };
        let (single, double) = (of(|c| &c.logits_f32), of(|c| &c.logits_f64));
        let largest = single.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let far = distance(&logits, &single);
        println!("largest logit {largest:.2}, largest difference {far:.2e} from float32");
        assert!(far / largest < TOLERANCE);
        if !double.is_empty() {
            println!("largest difference {:.2e} from float64", distance(&logits, &double));
        }
    }
    println!(
        "peak resident: {:.0} MiB, buffers: {:.0} MiB",
        status("VmHWM").unwrap_or(f64::NAN),
        model.context().buffer_bytes() as f64 / f64::from(1 << 20)
    );
}
