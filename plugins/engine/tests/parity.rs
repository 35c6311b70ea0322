//! Logits against Hugging Face's, and whatever the batch and the threads.

mod common;

use std::path::Path;

use common::parity::Case;
use common::{goldens, parity};
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::{PackedBatch, Precision};
use kobench_plugin_sdk::Head;

fn load(folder: &Path, threads: usize) -> Model {
    let json = std::fs::read(folder.join("config.json")).unwrap();
    let config = ModelConfig::from_json(Architecture::Bert, &json, "config.json").unwrap();
    let checkpoint = Checkpoint::open(folder).unwrap();
    let ctx = common::context(Precision::F32, threads);
    Model::load(config, Head::Sequence, &checkpoint, NewHead::Refuse, ctx).unwrap()
}

fn cases(folder: &Path) -> Vec<Case> {
    parity::read(folder).cases
}

fn forward(model: &mut Model, cases: &[&Case]) -> Vec<f32> {
    parity::forward(model, &parity::pack(cases.iter().copied()))
}

fn worst<'a>(logits: &[f32], expected: impl Iterator<Item = &'a f64>) -> f64 {
    logits.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

#[test]
fn logits_equal_hugging_face() {
    for name in ["base", "odd", "wide-head", "gamma-beta", "no-prefix"] {
        let folder = goldens("bert").join(name);
        let cases = cases(&folder);
        assert!(cases.len() >= 20, "{name}");
        let mut model = load(&folder, 2);
        let all: Vec<&Case> = cases.iter().collect();
        let logits = forward(&mut model, &all);
        let single = worst(&logits, cases.iter().flat_map(|c| &c.logits_f32));
        let double = worst(&logits, cases.iter().flat_map(|c| &c.logits_f64));
        println!("{name}: {single:.1e} from f32, {double:.1e} from f64");
        assert!(single < 1e-4 && double < 1e-5, "{name}: {single:e} {double:e}");
    }
}

#[test]
fn safetensors_and_pickle_hold_the_same_model() {
    let cases = cases(&goldens("bert/base"));
    let all: Vec<&Case> = cases.iter().collect();
    let expected = forward(&mut load(&goldens("bert/base"), 1), &all);
    for name in ["bert/base-bin", "bert/legacy-bin"] {
        assert_eq!(forward(&mut load(&goldens(name), 1), &all), expected, "{name}");
    }
}

#[test]
fn threads_and_batch_composition_do_not_matter() {
    let folder = goldens("bert/odd");
    let cases = cases(&folder);
    let all: Vec<&Case> = cases.iter().collect();
    let one = forward(&mut load(&folder, 1), &all);
    let mut model = load(&folder, 3);
    assert_eq!(one, forward(&mut model, &all), "threads change no bit");
    let labels = model.config().num_labels;
    let mut largest: f64 = 0.0;
    for (i, case) in cases.iter().enumerate() {
        let alone = forward(&mut model, &[case]);
        let together = &one[i * labels..(i + 1) * labels];
        largest = largest
            .max(worst(&alone, together.iter().map(|&v| f64::from(v)).collect::<Vec<_>>().iter()));
    }
    println!("alone against batched: {largest:.1e}");
    assert!(largest < 1e-5);
}

#[test]
fn nothing_is_allocated_after_the_first_step() {
    let folder = goldens("bert/base");
    let cases = cases(&folder);
    let all: Vec<&Case> = cases.iter().collect();
    let mut model = load(&folder, 2);
    forward(&mut model, &all);
    let after_one = model.context().allocations();
    for _ in 0..3 {
        forward(&mut model, &all);
        forward(&mut model, &all[..3]);
    }
    assert_eq!(model.context().allocations(), after_one);
}

#[test]
fn input_that_does_not_fit_is_an_error() {
    let mut model = load(&goldens("bert/base"), 1);
    let mut logits = vec![0.0; 2];
    for (ids, expected) in [
        (vec![5; 65], "65 tokens, but the model takes 64"),
        (vec![5, 300], "token id 300 is out of range: the model has 300"),
    ] {
        let mut batch = PackedBatch::default();
        batch.push(&ids, &vec![0; ids.len()]).unwrap();
        let message = model.forward(&batch, &mut logits, &|| Ok(())).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
