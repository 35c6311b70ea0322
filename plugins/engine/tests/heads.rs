//! Every architecture with absolute positions and every head against Hugging Face.

mod common;

use std::path::Path;

use common::goldens;
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::{Accumulate, Context, PackedBatch};
use kobench_plugin_sdk::Head;
use serde::Deserialize;

/// Largest difference that passes, relative to the largest logit.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Goldens {
    architecture: String,
    head: Head,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    input_ids: Vec<u32>,
    token_type_ids: Vec<u32>,
    logits_f32: Vec<f64>,
    logits_f64: Vec<f64>,
}

fn architecture(name: &str) -> Architecture {
    [Architecture::Bert, Architecture::Electra, Architecture::DistilBert, Architecture::Roberta]
        .into_iter()
        .find(|a| a.name() == name)
        .unwrap()
}

fn open(folder: &Path, head: Head, new_head: NewHead) -> kobench_engine::Result<Model> {
    let text = std::fs::read_to_string(folder.join("goldens.json")).unwrap();
    let of: Goldens = serde_json::from_str(&text).unwrap();
    let json = std::fs::read(folder.join("config.json")).unwrap();
    let config = ModelConfig::from_json(architecture(&of.architecture), &json, "config.json")?;
    let checkpoint = Checkpoint::open(folder)?;
    Model::load(config, head, &checkpoint, new_head, Context::cpu(2)?)
}

fn forward(model: &mut Model, cases: &[Case]) -> Vec<f32> {
    let mut batch = PackedBatch::default();
    for case in cases {
        batch.push(&case.input_ids, &case.token_type_ids).unwrap();
    }
    let mut logits = vec![f32::NAN; model.logits_rows(&batch) * model.logits_width()];
    model.forward(&batch, &mut logits, &|| Ok(())).unwrap();
    logits
}

fn folders() -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> =
        std::fs::read_dir(goldens("absolute")).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn logits_equal_hugging_face() {
    let folders = folders();
    assert!(folders.len() >= 13);
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(folder.join("goldens.json")).unwrap();
        let goldens: Goldens = serde_json::from_str(&text).unwrap();
        let mut model = open(&folder, goldens.head, NewHead::Refuse).unwrap();
        let logits = forward(&mut model, &goldens.cases);
        let of = |pick: fn(&Case) -> &Vec<f64>| -> Vec<f64> {
            goldens.cases.iter().flat_map(|c| pick(c).iter().copied()).collect()
        };
        let (single, double) = (of(|c| &c.logits_f32), of(|c| &c.logits_f64));
        let largest = double.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let [single, double] =
            [single, double].map(|expected| common::distance(&logits, &expected) / largest);
        println!("{name}: {single:.1e} from f32, {double:.1e} from f64");
        assert!(single < TOLERANCE && double < TOLERANCE, "{name}: {single:e} {double:e}");
        assert!(model.report().initialised.is_empty(), "{name}");
    }
}

#[test]
fn what_the_head_has_no_use_for_is_reported() {
    let ignored = |name: &str, head| {
        open(&goldens("absolute").join(name), head, NewHead::Refuse)
            .unwrap()
            .report()
            .ignored
            .clone()
    };
    let pooler = |prefix: &str| {
        ["bias", "weight"].map(|end| format!("{prefix}.pooler.dense.{end}")).to_vec()
    };
    assert_eq!(ignored("bert-token", Head::Token), pooler("bert"));
    assert_eq!(ignored("xlm-roberta-sequence", Head::Sequence), pooler("roberta"));
    assert_eq!(
        ignored("electra-token", Head::Token),
        ["discriminator_predictions.dense.weight", "electra.embeddings.position_ids"]
    );
}

#[test]
fn another_head_is_new_or_an_error() {
    let folder = goldens("absolute").join("electra-span");
    let error = open(&folder, Head::Token, NewHead::Refuse).unwrap_err().to_string();
    assert!(error.contains("classifier.weight"), "{error}");
    // The classifier of tokens has the name and the shape of one for sequences, but is none.
    let tokens = goldens("absolute").join("bert-token");
    let new = NewHead::Initialise { seed: 3 };
    let model = open(&tokens, Head::Sequence, new).unwrap();
    assert!(model.report().initialised.contains(&"classifier.weight".to_owned()));
    assert!(model.report().ignored.contains(&"classifier.weight".to_owned()));
    let model = open(&folder, Head::Sequence, new).unwrap();
    let report = model.report();
    assert_eq!(report.initialised.len(), 4, "{report:?}");
    assert!(report.ignored.contains(&"qa_outputs.weight".to_owned()), "{report:?}");
}

#[test]
fn every_tensor_receives_its_gradient() {
    for folder in folders() {
        let text = std::fs::read_to_string(folder.join("goldens.json")).unwrap();
        let goldens: Goldens = serde_json::from_str(&text).unwrap();
        let mut model = open(&folder, goldens.head, NewHead::Refuse).unwrap();
        let mut batch = PackedBatch::default();
        for case in &goldens.cases[4..8] {
            batch.push(&case.input_ids, &case.token_type_ids).unwrap();
        }
        let width = i64::try_from(model.logits_width()).unwrap();
        let targets: Vec<i64> = (0..width).cycle().take(model.logits_rows(&batch)).collect();
        let mut sink = Accumulate::new(model.params());
        model.loss_and_gradients(&batch, &targets, (1, 0), &mut sink).unwrap();
        for param in model.params().iter() {
            let name = &param.parts()[0].name;
            let grad = sink.grad(param).unwrap_or_else(|| panic!("{folder:?}: {name}"));
            // With a single class the loss is constant.
            assert!(width == 1 || grad.iter().any(|g| *g != 0.0), "{folder:?}: {name}");
        }
    }
}
