//! What a step keeps in memory, against the formula in the documentation of `kobench_engine::train`.

use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::train::{Settings, Targets, Trainer};
use kobench_engine::{Context, PackedBatch};
use kobench_plugin_sdk::Head;
use serde_json::json;

use crate::common::{forget_peak, memory};
use crate::options;

/// A batch of B sequences of about 40 tokens, in number `n`.
fn batch(sequences: usize, n: usize) -> PackedBatch {
    let mut batch = PackedBatch::default();
    for s in 0..sequences {
        let length = 28 + (s * 7 + n * 5) % 25;
        let ids: Vec<u32> = (0..length).map(|i| 5 + ((i * 31 + s * 17 + n) % 900) as u32).collect();
        batch.push(&ids, &vec![0; length]).unwrap();
    }
    batch
}

/// (weights + gradients + moments, kept activations) in bytes; see the module's documentation.
fn formula(
    model: &Model,
    tokens: usize,
    (hidden, middle, layers, heads): (usize, usize, usize, usize),
) -> (usize, usize) {
    let layer = 8 * hidden + 2 * middle + heads + 2;
    (16 * model.params().elements(), 4 * tokens * (layers * layer + hidden + 1))
}

#[test]
fn a_step_keeps_what_the_formula_says_and_batches_of_all_sizes_no_more() {
    let sizes = (256, 1024, 4, 4);
    let config = json!({
        "vocab_size": 1000, "hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 4,
        "num_attention_heads": 4, "max_position_embeddings": 64
    });
    let config =
        ModelConfig::from_json(Architecture::Bert, config.to_string().as_bytes(), "config")
            .unwrap();
    let ctx = Context::cpu(2).unwrap();
    let mut model = Model::from_scratch(config, Head::Sequence, 1, ctx).unwrap();
    let settings = Settings::parse(json!({}), 2).unwrap();
    let mut trainer = Trainer::begin(&model, settings, 1).unwrap();
    let mut largest = 0;
    for n in 0..6 {
        let packed = batch(24 + n, n);
        largest = largest.max(packed.tokens());
        let classes = Targets::Classes((0..packed.sequences() as i64).map(|i| i % 2).collect());
        trainer.step(&mut model, &packed, &classes, options(1e-4), &|| Ok(())).unwrap();
    }
    let (fixed, kept) = formula(&model, largest, sizes);
    let held = model.params().bytes() + trainer.bytes() + model.context().buffer_bytes();
    println!("{} kB held, {} + {} kB by the formula", held >> 10, fixed >> 10, kept >> 10);
    assert!(held as f64 <= 1.2 * (fixed + kept) as f64, "{held} {fixed} {kept}");
    assert_eq!(trainer.bytes(), fixed / 4 * 3);
}

/// The whole process at KcBERT-base's size: 109 million parameters, 32 comments of about 40 tokens.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs 2.5 GB, some time, and to run alone: -- --ignored full_size"]
fn a_step_of_full_size_stays_within_a_fifth_of_the_formula() {
    let config = json!({
        "vocab_size": 30_000, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
        "num_attention_heads": 12, "max_position_embeddings": 300
    });
    let config =
        ModelConfig::from_json(Architecture::Bert, config.to_string().as_bytes(), "config")
            .unwrap();
    let before = memory("VmRSS");
    forget_peak();
    let ctx = Context::cpu(2).unwrap();
    let mut model = Model::from_scratch(config, Head::Sequence, 1, ctx).unwrap();
    let settings = json!({"optimizer": {"name": "adamw", "weight_decay": 0.01}, "clip_norm": 1.0});
    let mut trainer = Trainer::begin(&model, Settings::parse(settings, 2).unwrap(), 1).unwrap();
    let mut largest = 0;
    for n in 0..4 {
        let packed = batch(32, n);
        largest = largest.max(packed.tokens());
        let classes = Targets::Classes((0..32).map(|i| i % 2).collect());
        let start = std::time::Instant::now();
        let stepped =
            trainer.step(&mut model, &packed, &classes, options(5e-5), &|| Ok(())).unwrap();
        println!("{} tokens, {stepped:?}, {:.1} s", packed.tokens(), start.elapsed().as_secs_f64());
    }
    let peak = memory("VmHWM") - before;
    let (fixed, kept) = formula(&model, largest, (768, 3072, 12, 12));
    println!(
        "{largest} tokens: peak {} MB, {} + {} MB by the formula",
        peak >> 20,
        fixed >> 20,
        kept >> 20
    );
    assert!(peak as f64 <= 1.2 * (fixed + kept) as f64, "{peak} {fixed} {kept}");
}
