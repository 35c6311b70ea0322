//! Training: losses and optimisers against PyTorch, steps, their errors, and what is saved.

#[path = "../common/mod.rs"]
mod common;

mod bf16;
mod goldens;
mod losses;
mod memory;
mod plugin;
mod steps;

use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig, TrunkConfig};
use kobench_engine::model::Model;
use kobench_engine::train::{Settings, StepOptions, Stepped, Targets, Trainer};
use kobench_engine::{Context, PackedBatch, Precision};
use kobench_plugin_sdk::Head;
use serde_json::Value;

/// The seeded random ELECTRA of the goldens; `dropout` is the probability of every dropout.
fn electra(threads: usize, dropout: f32, precision: Precision) -> Model {
    let folder = common::goldens("absolute/electra-sequence");
    let json = std::fs::read(folder.join("config.json")).unwrap();
    let mut config = ModelConfig::from_json(Architecture::Electra, &json, "config.json").unwrap();
    let TrunkConfig::Absolute(own) = &mut config.trunk else { unreachable!() };
    own.hidden_dropout_prob = dropout;
    own.attention_output_dropout = dropout;
    own.attention_probs_dropout_prob = dropout;
    config.head.sequence.dropout = dropout;
    config.head.sequence.input_dropout = dropout;
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let ctx = Context::new(kobench_engine::Device::Cpu, precision, threads).unwrap();
    Model::load(config, Head::Sequence, &checkpoint, NewHead::Refuse, ctx).unwrap()
}

fn pack(sequences: &[Vec<u32>]) -> PackedBatch {
    let mut batch = PackedBatch::default();
    for ids in sequences {
        batch.push(ids, &vec![0; ids.len()]).unwrap();
    }
    batch
}

fn batch() -> PackedBatch {
    pack(&[vec![2, 17, 99, 3], vec![2, 40, 3], vec![2, 7, 8, 9, 10, 11, 3]])
}

fn classes() -> Targets {
    Targets::Classes(vec![0, 2, 1])
}

fn begin(model: &Model, settings: Value) -> kobench_engine::Result<Trainer> {
    Trainer::begin(model, Settings::parse(settings, model.logits_width())?, 5)
}

fn options(learning_rate: f64) -> StepOptions {
    StepOptions { learning_rate, loss_scale: 1.0, accumulate: false }
}

fn step(trainer: &mut Trainer, model: &mut Model, rate: f64) -> Stepped {
    trainer.step(model, &batch(), &classes(), options(rate), &|| Ok(())).unwrap()
}

/// All weights, one behind the other, by name.
fn weights(model: &Model) -> Vec<(String, Vec<f32>)> {
    let mut all = Vec::new();
    for param in model.params().iter() {
        let value = param.read();
        let mut rest = value.f32().unwrap();
        for part in param.parts() {
            let (own, tail) = rest.split_at(part.elements());
            rest = tail;
            all.push((part.name.clone(), own.to_vec()));
        }
    }
    all
}
