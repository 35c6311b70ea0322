//! Every architecture with absolute positions and every head against Hugging Face.

mod common;

use std::path::Path;

use common::{goldens, parity};
use kobench_engine::Precision;
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_plugin_sdk::Head;

fn architecture(name: &str) -> Architecture {
    [Architecture::Bert, Architecture::Electra, Architecture::DistilBert, Architecture::Roberta]
        .into_iter()
        .find(|a| a.name() == name)
        .unwrap()
}

fn open(folder: &Path, head: Head, new_head: NewHead) -> kobench_engine::Result<Model> {
    let of = parity::read(folder);
    let json = std::fs::read(folder.join("config.json")).unwrap();
    let config = ModelConfig::from_json(architecture(&of.architecture), &json, "config.json")?;
    let checkpoint = Checkpoint::open(folder)?;
    Model::load(config, head, &checkpoint, new_head, common::context(Precision::F32, 2))
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
        let goldens = parity::read(&folder);
        let mut model = open(&folder, goldens.head, NewHead::Refuse).unwrap();
        parity::assert_equals_hugging_face(&name, &mut model, &goldens.cases);
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
