//! Gradients of the whole classifier on a tiny configuration.

mod common;

use common::goldens;
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig, TrunkConfig};
use kobench_engine::model::Model;
use kobench_engine::{Accumulate, PackedBatch, Precision};
use kobench_plugin_sdk::Head;

/// A seeded random model; with `dropout`, the probability of every dropout.
fn model(threads: usize, dropout: f32) -> Model {
    let folder = goldens("bert/gamma-beta");
    let json = std::fs::read(folder.join("config.json")).unwrap();
    let mut config = ModelConfig::from_json(Architecture::Bert, &json, "config.json").unwrap();
    let TrunkConfig::Absolute(own) = &mut config.trunk else { unreachable!() };
    own.hidden_dropout_prob = dropout;
    own.attention_output_dropout = dropout;
    own.attention_probs_dropout_prob = dropout;
    config.head.sequence.dropout = dropout;
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let ctx = common::context(Precision::F32, threads);
    Model::load(config, Head::Sequence, &checkpoint, NewHead::Refuse, ctx).unwrap()
}

fn batch() -> PackedBatch {
    let mut batch = PackedBatch::default();
    for length in [1_u32, 7, 20, 3] {
        let ids: Vec<u32> = (0..length).map(|i| (i * 37 + length) % 120).collect();
        let types: Vec<u32> = (0..length).map(|i| u32::from(i > length / 2)).collect();
        batch.push(&ids, &types).unwrap();
    }
    batch
}

const TARGETS: [i64; 4] = [2, 0, 1, 1];

#[test]
fn every_tensor_receives_its_gradient() {
    let mut model = model(2, 0.0);
    let batch = batch();
    let mut sink = Accumulate::new(model.params());
    model.loss_and_gradients(&batch, &TARGETS, (1, 0), &mut sink).unwrap();
    let params: Vec<_> = model.params().iter().cloned().collect();
    let mut worst: f64 = 0.0;
    for param in &params {
        let grad = sink.grad(param).expect("a gradient").to_vec();
        // Each part of a stacked parameter, and each tensor, has to receive something; only the
        // bias of the keys has none by nature (softmax does not see a constant).
        let mut offset = 0;
        for part in param.parts() {
            let norm = grad[offset..offset + part.elements()].iter().map(|g| g * g).sum::<f32>();
            assert!(norm > 0.0, "{}", part.name);
            if part.name.ends_with("key.bias") {
                assert!(norm < 1e-10, "{}", part.name);
            }
            offset += part.elements();
        }
        // A few elements of each against central differences of the loss in f32.
        let largest = (0..grad.len()).max_by(|&a, &b| grad[a].abs().total_cmp(&grad[b].abs()));
        for index in [0, grad.len() / 3, grad.len() - 1, largest.unwrap()] {
            let h = 2e-3_f32;
            let mut loss_at = |by: f32| {
                let old = param.read().host().unwrap().into_owned();
                let mut new = old.clone();
                new[index] += by;
                param.write().set(&new).unwrap();
                let mut unused = Accumulate::new(model.params());
                let loss = model.loss_and_gradients(&batch, &TARGETS, (1, 0), &mut unused).unwrap();
                param.write().set(&old).unwrap();
                loss
            };
            let slope = (loss_at(h) - loss_at(-h)) / (2.0 * f64::from(h));
            let difference = (f64::from(grad[index]) - slope).abs();
            worst = worst.max(difference);
            let allowed = 2e-3 + 1e-2 * slope.abs();
            assert!(
                difference < allowed,
                "{} [{index}]: {} against {slope}",
                param.parts()[0].name,
                grad[index]
            );
        }
    }
    println!("largest difference from finite differences: {worst:.1e}");
}

#[test]
fn gradients_accumulate_and_follow_from_the_seed_alone() {
    let run = |threads, seed, step| {
        let mut model = model(threads, 0.3);
        let mut sink = Accumulate::new(model.params());
        let loss = model.loss_and_gradients(&batch(), &TARGETS, (seed, step), &mut sink).unwrap();
        let grads: Vec<f32> =
            model.params().iter().flat_map(|p| sink.grad(p).unwrap().to_vec()).collect();
        (loss.to_bits(), grads)
    };
    let one = run(1, 5, 0);
    assert!(one == run(3, 5, 0), "threads change no bit");
    assert!(one != run(1, 6, 0) && one != run(1, 5, 1));

    let mut model = model(2, 0.0);
    let mut sink = Accumulate::new(model.params());
    let params: Vec<_> = model.params().iter().cloned().collect();
    model.loss_and_gradients(&batch(), &TARGETS, (1, 0), &mut sink).unwrap();
    let once = sink.grad(&params[0]).unwrap().to_vec();
    model.loss_and_gradients(&batch(), &TARGETS, (1, 0), &mut sink).unwrap();
    let twice = sink.grad(&params[0]).unwrap();
    assert!(once.iter().zip(twice).all(|(a, b)| 2.0 * a == *b));
}

#[test]
fn a_step_that_repeats_allocates_nothing() {
    let mut model = model(2, 0.1);
    let mut sink = Accumulate::new(model.params());
    model.loss_and_gradients(&batch(), &TARGETS, (1, 0), &mut sink).unwrap();
    model.loss_and_gradients(&batch(), &TARGETS, (1, 1), &mut sink).unwrap();
    let after = model.context().allocations();
    model.loss_and_gradients(&batch(), &TARGETS, (1, 2), &mut sink).unwrap();
    assert_eq!(model.context().allocations(), after);
}

#[test]
fn targets_that_are_no_classes_are_an_error() {
    let mut model = model(1, 0.0);
    let mut sink = Accumulate::new(model.params());
    let message = model.loss_and_gradients(&batch(), &[0, 1, 2, 3], (1, 0), &mut sink).unwrap_err();
    assert!(message.to_string().contains("target 3 is not a class"), "{message}");
}
