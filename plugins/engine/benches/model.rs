//! Whole models of real shapes with random weights, on two threads: evaluation with packed weights, and steps of
//! fine-tuning with AdamW.
//!
//! `cargo bench -p kobench-engine --bench model [-- FILTER]`. Reported in tokens a second (Kelem/s).

mod common;

use std::time::Duration;

use common::{context, pack};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kobench_engine::Precision;
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::train::{Settings, StepOptions, Targets, Trainer};
use kobench_plugin_sdk::Head;
use serde_json::json;

/// Shapes of the published tables' models.
fn shapes() -> Vec<(&'static str, ModelConfig)> {
    let base = json!({
        "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
        "intermediate_size": 3072, "max_position_embeddings": 512, "hidden_act": "gelu",
    });
    let with = |more: serde_json::Value| {
        let mut config = base.clone();
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::to_vec(&config).unwrap()
    };
    let bert = with(json!({"model_type": "bert", "vocab_size": 30000, "type_vocab_size": 2}));
    let electra = with(json!({
        "model_type": "electra", "vocab_size": 35000, "type_vocab_size": 2, "embedding_size": 128,
        "hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024,
    }));
    let deberta = with(json!({
        "model_type": "deberta-v2", "vocab_size": 251_000, "type_vocab_size": 0, "relative_attention": true,
        "max_relative_positions": -1, "position_buckets": 256, "norm_rel_ebd": "layer_norm",
        "share_att_key": true, "pos_att_type": "p2c|c2p", "position_biased_input": false,
        "layer_norm_eps": 1e-7, "pooler_hidden_size": 768, "pooler_hidden_act": "gelu",
    }));
    [
        ("kcbert-base", Architecture::Bert, bert),
        ("koelectra-small", Architecture::Electra, electra),
        ("mdeberta-base", Architecture::DebertaV2, deberta),
    ]
    .map(|(name, architecture, json)| {
        (name, ModelConfig::from_json(architecture, &json, "config.json").unwrap())
    })
    .into()
}

fn model(config: &ModelConfig, precision: Precision) -> Model {
    Model::from_scratch(config.clone(), Head::Sequence, 1, context(precision)).unwrap()
}

/// As long as reviews are, which is 20 tokens in the mean.
fn reviews(count: usize) -> Vec<usize> {
    (0..count).map(|row| 8 + row * 7 % 25).collect()
}

fn evaluation(c: &mut Criterion) {
    let mut group = c.benchmark_group("evaluation");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (name, config) in shapes() {
        for precision in [Precision::F32, Precision::Bf16] {
            let mut model = model(&config, precision);
            model.pack().unwrap();
            for (what, lengths) in [("reviews", reviews(100)), ("512 tokens", vec![512; 4])] {
                let batch = pack(&lengths);
                let mut logits = vec![0.0; model.logits_rows(&batch) * model.logits_width()];
                let label = format!("{name} {} {}", precision.name(), model.context().isa());
                group.throughput(Throughput::Elements(batch.tokens() as u64));
                group.bench_function(BenchmarkId::new(label, what), |b| {
                    b.iter(|| model.forward(&batch, &mut logits, &|| Ok(())).unwrap());
                });
            }
        }
    }
    group.finish();
}

fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("training");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    let settings = json!({
        "optimizer": {"name": "adamw", "variant": "torch", "weight_decay": 0.0}, "clip_norm": 1.0,
    });
    for (name, config) in shapes() {
        for precision in [Precision::F32, Precision::Bf16] {
            let mut model = model(&config, precision);
            let settings = Settings::parse(settings.clone(), model.logits_width()).unwrap();
            let mut trainer = Trainer::begin(&model, settings, 1).unwrap();
            let batch = pack(&reviews(32));
            let targets = Targets::Classes((0..32).map(|row| row % 2).collect());
            let options = StepOptions { learning_rate: 5e-5, loss_scale: 1.0, accumulate: false };
            let label = format!("{name} {} {}", precision.name(), model.context().isa());
            group.throughput(Throughput::Elements(batch.tokens() as u64));
            group.bench_function(BenchmarkId::new(label, "32 reviews"), |b| {
                b.iter(|| trainer.step(&mut model, &batch, &targets, options, &|| Ok(())).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(models, evaluation, training);
criterion_main!(models);
