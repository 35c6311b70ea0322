//! DeBERTa-v2 against Hugging Face, in every form that its configuration allows.

mod common;

use std::path::PathBuf;

use common::parity::{Goldens, assert_equals_hugging_face, forward, pack};
use common::{distance, goldens, parity};
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::{PackedBatch, Precision};
use kobench_plugin_sdk::Head;

fn folder(name: &str) -> PathBuf {
    goldens("deberta").join(name)
}

fn read(name: &str) -> Goldens {
    parity::read(&folder(name))
}

fn open(name: &str, head: Head, new_head: NewHead, threads: usize) -> Model {
    let json = std::fs::read(folder(name).join("config.json")).unwrap();
    let config = ModelConfig::from_json(Architecture::DebertaV2, &json, "config.json").unwrap();
    let checkpoint = Checkpoint::open(&folder(name)).unwrap();
    Model::load(config, head, &checkpoint, new_head, common::context(Precision::F32, threads))
        .unwrap()
}

#[test]
fn logits_equal_hugging_face() {
    let entries = std::fs::read_dir(goldens("deberta")).unwrap().map(|e| e.unwrap());
    let mut names: Vec<String> = entries
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 11);
    for name in names {
        let goldens = read(&name);
        let mut model = open(&name, goldens.head, NewHead::Refuse, 2);
        assert_equals_hugging_face(&name, &mut model, &goldens.cases);
        assert!(model.report().initialised.is_empty(), "{name}");
    }
}

#[test]
fn threads_and_batch_composition_do_not_matter() {
    for name in ["base", "separate", "conv"] {
        let cases = read(name).cases;
        let batch = pack(&cases);
        let mut model = open(name, Head::Sequence, NewHead::Refuse, 3);
        let together = forward(&mut model, &batch);
        let one = forward(&mut open(name, Head::Sequence, NewHead::Refuse, 1), &batch);
        assert_eq!(one, together, "{name}: threads change no bit");
        let width = model.logits_width();
        for (i, case) in cases.iter().enumerate() {
            let alone = forward(&mut model, &pack([case]));
            let expected = common::f64s(&together[i * width..(i + 1) * width]);
            assert!(distance(&alone, &expected) < 2e-5, "{name} {i}");
        }
    }
}

#[test]
fn nothing_is_allocated_after_the_first_step() {
    let cases = read("base").cases;
    let mut model = open("base", Head::Sequence, NewHead::Refuse, 2);
    let (all, few) = (pack(&cases), pack(&cases[..3]));
    forward(&mut model, &all);
    let after_one = model.context().allocations();
    for _ in 0..3 {
        forward(&mut model, &all);
        forward(&mut model, &few);
    }
    assert_eq!(model.context().allocations(), after_one);
}

#[test]
fn what_a_pre_trained_checkpoint_holds_besides_is_ignored() {
    let model = open("old-names", Head::Sequence, NewHead::Refuse, 1);
    let ignored = &model.report().ignored;
    assert_eq!(ignored.len(), 9, "{ignored:?}");
    for name in [
        "deberta.embeddings.position_embeddings.weight",
        "deberta.embeddings.position_ids",
        "mask_predictions.dense.weight",
    ] {
        assert!(ignored.iter().any(|i| i == name), "{name} in {ignored:?}");
    }
    let spans = open("base", Head::Span, NewHead::Initialise { seed: 1 }, 1);
    assert_eq!(spans.report().initialised, ["qa_outputs.weight", "qa_outputs.bias"]);
}

#[test]
fn a_sequence_that_is_too_long_is_an_error() {
    let mut model = open("base", Head::Sequence, NewHead::Refuse, 1);
    let mut batch = PackedBatch::default();
    batch.push(&[5; 513], &[0; 513]).unwrap();
    let error = model.forward(&batch, &mut [0.0; 2], &|| Ok(())).unwrap_err();
    assert!(error.to_string().contains("513 tokens"), "{error}");
}
