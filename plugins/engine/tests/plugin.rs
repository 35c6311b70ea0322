//! A family's description as a plugin: what it says, and what it refuses.

mod common;

use std::collections::BTreeMap;

use common::goldens;
use kobench_engine::config::Architecture;
use kobench_engine::plugin::{Bundle, EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::{
    EncodeOptions, Error, ErrorKind, Example, ModelRequest, Plugin, TokenizerRequest,
};

struct Test;

static VARIANTS: [FamilyVariant; 2] = [
    FamilyVariant {
        name: "carried",
        hub_id: None,
        revision: None,
        size_bytes: None,
        licence: "MIT",
        config: include_bytes!("../../../tests/goldens/bert/base/config.json"),
        bundles: &[Bundle {
            task: "nsmc",
            config: include_bytes!("../../../tests/goldens/bert/base/config.json"),
            weights: include_bytes!("../../../tests/goldens/bert/base/model.safetensors"),
            tokenizer: &[("vocab.txt", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")],
        }],
    },
    FamilyVariant {
        size_bytes: Some(1),
        ..FamilyVariant::published("published", "someone/published", "MIT", b"{}")
    },
];

impl Family for Test {
    const NAME: &'static str = "test";
    const VERSION: &'static str = "1.2.3";
    const SUMMARY: &'static str = "a test";
    const ARCHITECTURE: Architecture = Architecture::Bert;
    const TOKENIZER: TokenizerKind = TokenizerKind::WordPiece;

    fn variants() -> &'static [FamilyVariant] {
        &VARIANTS
    }
}

type TestPlugin = EnginePlugin<Test>;

fn request(json: serde_json::Value) -> ModelRequest {
    serde_json::from_value(json).unwrap()
}

fn refused(json: serde_json::Value) -> Error {
    TestPlugin::open_model(request(json)).unwrap_err()
}

#[test]
fn the_description_is_computed_from_the_configs() {
    let description = TestPlugin::describe();
    assert_eq!((description.name.as_str(), description.variants.len()), ("test", 2));
    let published = &description.variants[1];
    // 109,482,240 is transformers' count for BertModel with its default configuration.
    assert_eq!(published.parameters, Some(109_482_240));
    assert_eq!((published.max_seq_len, published.bundled), (Some(512), false));
    assert!(description.variants[0].bundled);
}

#[test]
fn a_bundled_model_opens_and_tells_about_itself() {
    let open = || TokenizerRequest {
        variant: "carried".into(),
        checkpoint: None,
        options: BTreeMap::new(),
    };
    let mut tokenizer = TestPlugin::open_tokenizer(open()).unwrap();
    let encoded =
        TestPlugin::encode(&mut tokenizer, &[Example::Text("a b")], &EncodeOptions::default());
    assert_eq!(encoded.unwrap().input_ids, [2, 5, 1, 3]);
    let mut model =
        TestPlugin::open_model(request(serde_json::json!({"variant": "carried", "threads": 1})));
    let stats = TestPlugin::stats(model.as_mut().unwrap()).unwrap();
    assert_eq!((stats["precision"].as_str(), stats["threads"].as_u64()), (Some("f32"), Some(1)));
    // Packed weights are padded to whole panels of outputs; the classifier has 2.
    let (bytes, least) =
        (stats["weight_bytes"].as_u64(), 4 * stats["parameters"].as_u64().unwrap());
    assert!((least..least + least / 4).contains(&bytes.unwrap()), "{stats}");
}

#[test]
fn a_checked_model_tells_what_it_read_and_computes_nothing() {
    let open = |json| TestPlugin::open_model(request(json)).unwrap();
    let mut checked = open(serde_json::json!({"variant": "carried", "check": true}));
    let stats = TestPlugin::stats(&mut checked).unwrap();
    let mut whole = open(serde_json::json!({"variant": "carried"}));
    assert_eq!(stats["checkpoint"], TestPlugin::stats(&mut whole).unwrap()["checkpoint"]);
    assert_eq!(
        (stats["checkpoint"]["format"].as_str(), stats["weight_bytes"].as_u64()),
        (Some("safetensors"), Some(0))
    );
    assert_eq!(stats["checkpoint"]["files"][0]["path"], "carried (bundled)");
    let labels = refused(serde_json::json!({"variant": "carried", "num_labels": 7, "check": true}));
    assert!(labels.message.contains("classifier.weight is [2, 48]"), "{labels}");
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let json = |key: &str, value: &str| {
        let mut json = serde_json::json!({"variant": "carried"});
        json[key] = value.into();
        json
    };
    for (json, kind, expected) in [
        (json("variant", "other"), ErrorKind::InvalidArgument, "carried, published"),
        (json("variant", "published"), ErrorKind::NotFound, "someone/published"),
        (json("device", "cuda:0"), ErrorKind::Unsupported, "cuda:0"),
        (json("device", "tpu"), ErrorKind::InvalidArgument, "tpu"),
        (json("precision", "f8"), ErrorKind::InvalidArgument, "f8"),
        (
            json("head", "token"),
            ErrorKind::Unsupported,
            "carried has no token head; it has sequence",
        ),
        (json("checkpoint", "/nonexistent"), ErrorKind::NotFound, "/nonexistent/config.json"),
    ] {
        let error = refused(json);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    let labels = refused(serde_json::json!({"variant": "carried", "num_labels": 7}));
    assert_eq!(labels.kind, ErrorKind::BadData);
    assert!(labels.message.contains("classifier.weight is [2, 48]"), "{labels}");
    let option = refused(serde_json::json!({"variant": "carried", "options": {"clean": "x"}}));
    assert!(option.message.contains("no option \"clean\""), "{option}");
    // The files of another model: a folder whose vocabulary is missing.
    let request = TokenizerRequest {
        variant: "published".into(),
        checkpoint: Some(goldens("bert/base")),
        options: BTreeMap::new(),
    };
    let error = TestPlugin::open_tokenizer(request).unwrap_err();
    assert!(error.kind == ErrorKind::NotFound && error.message.contains("vocab.txt"), "{error}");
}

#[test]
fn the_unit_that_multiplies_can_be_chosen_and_is_told() {
    let isa = |json| {
        let mut model = TestPlugin::open_model(request(json)).unwrap();
        TestPlugin::stats(&mut model).unwrap()["isa"].as_str().unwrap().to_owned()
    };
    let with = |name: &str| serde_json::json!({"variant": "carried", "options": {"isa": name}});
    let best = isa(serde_json::json!({"variant": "carried"}));
    assert_eq!(isa(with("auto")), best);
    let portable = if cfg!(target_arch = "aarch64") { "neon" } else { "portable" };
    assert_eq!(isa(with(portable)), portable);
    // f32 is never multiplied by a unit for bf16, whatever the machine has.
    let error = refused(with("amx-bf16"));
    assert!(error.message.contains("cannot multiply in f32 with \"amx-bf16\""), "{error}");
    let error = refused(with("abacus"));
    assert!(error.message.contains("it may be auto, amx-bf16"), "{error}");
}

#[test]
fn weights_that_were_rounded_for_bf16_are_loaded_again_for_what_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let saved = |precision: &str, name: &str| {
        let json = serde_json::json!({"variant": "carried", "precision": precision});
        let mut model = TestPlugin::open_model(request(json)).unwrap();
        let to = folder.path().join(name);
        TestPlugin::save(&mut model, &to, false).unwrap();
        // Twice: they are packed again meanwhile.
        TestPlugin::save(&mut model, &to, false).unwrap();
        std::fs::read(to.join("model.safetensors")).unwrap()
    };
    assert_eq!(saved("f32", "a"), saved("bf16", "b"));
    let json = serde_json::json!({"variant": "carried", "precision": "bf16"});
    let mut model = TestPlugin::open_model(request(json)).unwrap();
    TestPlugin::train_begin(&mut model, serde_json::json!({})).unwrap();
    TestPlugin::train_end(&mut model).unwrap();
    let to = folder.path().join("c");
    TestPlugin::save(&mut model, &to, false).unwrap();
    assert_eq!(std::fs::read(to.join("model.safetensors")).unwrap(), saved("f32", "a"));
}
