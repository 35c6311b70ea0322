//! The training calls of a plugin: heads and their targets, saved directories, new weights.

use std::path::Path;

use kobench_engine::config::Architecture;
use kobench_engine::plugin::{Bundle, EngineModel, EnginePlugin, Family, FamilyVariant};
use kobench_engine::tokenizer::TokenizerKind;
use kobench_plugin_sdk::{
    Batch, Cancel, Encoded, Error, ErrorKind, Head, ModelRequest, Plugin, Result, Source,
    StepArguments, StepOutcome, Targets, Token,
};
use serde_json::{Value, json};

use crate::common::goldens;

macro_rules! family {
    ($name:ident, $architecture:expr, $variants:expr) => {
        struct $name;
        impl Family for $name {
            const NAME: &'static str = stringify!($name);
            const VERSION: &'static str = "1.0.0";
            const SUMMARY: &'static str = "a test";
            const ARCHITECTURE: Architecture = $architecture;
            const TOKENIZER: TokenizerKind = TokenizerKind::WordPiece;

            fn variants() -> &'static [FamilyVariant] {
                static VARIANTS: &[FamilyVariant] = $variants;
                VARIANTS
            }
        }
    };
}

const TOKENIZER: &[(&str, &[u8])] = &[
    ("vocab.txt", b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"),
    ("special_tokens_map.json", b"{}"),
];

family!(
    Bert,
    Architecture::Bert,
    &[
        FamilyVariant {
            name: "carried",
            hub_id: None,
            revision: None,
            size_bytes: None,
            licence: "MIT",
            config: include_bytes!("../../../../tests/goldens/bert/base/config.json"),
            bundles: &[
                Bundle {
                    task: "one",
                    config: include_bytes!("../../../../tests/goldens/bert/base/config.json"),
                    weights: include_bytes!(
                        "../../../../tests/goldens/bert/base/model.safetensors"
                    ),
                    tokenizer: TOKENIZER,
                },
                Bundle {
                    task: "tags",
                    config: include_bytes!(
                        "../../../../tests/goldens/absolute/bert-token/config.json"
                    ),
                    weights: include_bytes!(
                        "../../../../tests/goldens/absolute/bert-token/model.safetensors"
                    ),
                    tokenizer: TOKENIZER,
                },
            ],
        },
        FamilyVariant::published("plain", "someone/plain", "MIT", b"{}"),
    ]
);
family!(
    Electra,
    Architecture::Electra,
    &[FamilyVariant::published("plain", "someone/plain", "MIT", b"{}")]
);
family!(
    DistilBert,
    Architecture::DistilBert,
    &[FamilyVariant::published("plain", "someone/plain", "MIT", b"{}")]
);

fn open<F: Family>(json: Value) -> Result<EngineModel> {
    let request: ModelRequest = serde_json::from_value(json).unwrap();
    EnginePlugin::<F>::open_model(request)
}

/// Sequences of 4, 3 and 6 tokens; words of one, two and three tokens.
fn encoded() -> Encoded {
    let mut encoded = Encoded::default();
    for words in [&[0, 1][..], &[0], &[0, 1, 1, 3]] {
        encoded.push_token(Token::special(2));
        for (i, &word) in words.iter().enumerate() {
            let id = 10 + i as u32;
            encoded.push_token(Token {
                id,
                type_id: 0,
                source: Source::First,
                word,
                start: 0,
                end: 1,
            });
        }
        encoded.push_token(Token::special(3));
        encoded.finish_sequence(encoded.n_sequences(), 0, 0, 0);
    }
    encoded
}

fn step<F: Family>(
    model: &mut EngineModel,
    head: Head,
    targets: Targets<'_>,
) -> Result<StepOutcome> {
    let encoded = encoded();
    let indices = [0, 1, 2];
    let batch = Batch { encoded: &encoded, indices: &indices, cancel: Cancel::never() };
    let step = StepArguments { learning_rate: 1e-3, loss_scale: 1.0, accumulate: false };
    EnginePlugin::<F>::train_step(model, &batch, head, targets, step)
}

fn logits<F: Family>(model: &mut EngineModel) -> Vec<f32> {
    // What the host reads through the border is read here from the weights' own directory.
    let folder = tempfile::tempdir().unwrap();
    EnginePlugin::<F>::save(model, folder.path(), false).unwrap();
    let bytes = std::fs::read(folder.path().join("model.safetensors")).unwrap();
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn config(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap()
}

const WORDS: Targets<'static> =
    Targets::Word { classes: &[1, 2, 0, -100, 3, 3, 6], cu_words: &[0, 2, 3, 7] };

#[test]
fn each_head_learns_from_its_targets_and_refuses_others() {
    let span = Targets::Span { starts: &[1, 0, 2], ends: &[1, 0, 4] };
    let class = Targets::Class(&[1, -100, 0]);
    let real = Targets::Real(&[0.5, 3.25, 5.0]);
    let checkpoint = |name: &str| goldens("absolute").join(name);
    for (name, head, labels, fitting, other) in [
        ("bert-token", "token", None, WORDS, class),
        ("bert-span", "span", None, span, WORDS),
        ("bert-token", "sequence", Some(2), class, span),
        ("bert-token", "sequence", Some(1), real, WORDS),
    ] {
        let mut model = open::<Bert>(json!({
            "variant": "plain", "checkpoint": checkpoint(name), "head": head, "num_labels": labels,
            "new_head": head == "sequence", "threads": 1
        }))
        .unwrap();
        let head: Head = serde_json::from_value(head.into()).unwrap();
        let early = step::<Bert>(&mut model, head, fitting).unwrap_err();
        assert_eq!(early.kind, ErrorKind::InvalidArgument);
        EnginePlugin::<Bert>::train_begin(&mut model, json!({})).unwrap();
        let again = EnginePlugin::<Bert>::train_begin(&mut model, json!({})).unwrap_err();
        assert!(again.message.contains("begun already"), "{again}");
        let losses: Vec<f64> =
            (0..12).map(|_| step::<Bert>(&mut model, head, fitting).unwrap().loss).collect();
        assert!(
            losses[8..].iter().sum::<f64>() < losses[..4].iter().sum::<f64>(),
            "{name}: {losses:?}"
        );
        let error = step::<Bert>(&mut model, head, other).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error}");
        assert!(error.message.contains("head learns from"), "{error}");
        EnginePlugin::<Bert>::train_end(&mut model).unwrap();
        EnginePlugin::<Bert>::train_end(&mut model).unwrap_err();
    }
}

#[test]
fn the_first_token_of_a_word_carries_its_label() {
    let checkpoint = goldens("absolute/bert-token");
    let mut model = open::<Bert>(json!({
        "variant": "plain", "checkpoint": checkpoint, "head": "token", "threads": 1
    }))
    .unwrap();
    EnginePlugin::<Bert>::train_begin(&mut model, json!({})).unwrap();
    let mut loss = |classes: &[i32], cu_words: &[u64]| {
        EnginePlugin::<Bert>::seed(&mut model, 1)?;
        let encoded = encoded();
        let batch = Batch { encoded: &encoded, indices: &[0, 1, 2], cancel: Cancel::never() };
        let step = StepArguments { learning_rate: 0.0, loss_scale: 1.0, accumulate: false };
        let targets = Targets::Word { classes, cu_words };
        EnginePlugin::<Bert>::train_step(&mut model, &batch, Head::Token, targets, step)
            .map(|outcome| outcome.loss)
    };
    // Word 2 of the last sequence has no token: its label is never looked at.
    let one = loss(&[1, 2, 0, -100, 3, 3, 6], &[0, 2, 3, 7]).unwrap();
    assert_eq!(one, loss(&[1, 2, 0, -100, 3, 5, 6], &[0, 2, 3, 7]).unwrap());
    assert_ne!(one, loss(&[1, 2, 0, -100, 4, 3, 6], &[0, 2, 3, 7]).unwrap());
    assert_ne!(one, loss(&[1, 2, 0, 2, 3, 3, 6], &[0, 2, 3, 7]).unwrap());
    // Only one sequence has a label that counts, on the first of two tokens.
    let alone = loss(&[-100, -100, -100, -100, 3, -100, -100], &[0, 2, 3, 7]).unwrap();
    assert!(alone > 0.0 && alone.is_finite());
    let error = loss(&[1, 2, 0, -100, 3], &[0, 2, 3, 5]).unwrap_err();
    assert!(
        error.message.contains("sequence 2 of the batch has a token of word 3, but 2 labels"),
        "{error}"
    );
}

#[test]
fn a_saved_model_is_a_hugging_face_directory() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = open::<Bert>(json!({
        "variant": "carried", "from_scratch": true, "num_labels": 3, "seed": 1, "threads": 1
    }))
    .unwrap();
    EnginePlugin::<Bert>::train_begin(&mut model, json!({"save_dtype": "f16"})).unwrap();
    step::<Bert>(&mut model, Head::Sequence, Targets::Class(&[0, 1, 2])).unwrap();
    let deep = folder.path().join("a/b");
    EnginePlugin::<Bert>::save(&mut model, &deep, true).unwrap();
    let saved = config(&deep);
    for (key, expected) in [
        ("architectures", json!(["BertForSequenceClassification"])),
        ("model_type", json!("bert")),
        ("problem_type", json!("single_label_classification")),
        ("torch_dtype", json!("float16")),
        ("id2label", json!({"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"})),
        ("label2id", json!({"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2})),
        ("hidden_size", json!(48)),
    ] {
        assert_eq!(saved[key], expected, "{key}");
    }
    let mut names: Vec<String> = std::fs::read_dir(&deep)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "config.json",
        "model.safetensors",
        "special_tokens_map.json",
        "training_state.json",
        "training_state.safetensors",
        "vocab.txt",
    ];
    assert_eq!(names, expected);
    // It opens as a checkpoint, without a word about its labels.
    let reopened = open::<Bert>(json!({"variant": "plain", "checkpoint": deep, "threads": 1}));
    let stats = EnginePlugin::<Bert>::stats(&mut reopened.unwrap()).unwrap();
    assert_eq!(
        (stats["num_labels"].as_u64(), &stats["checkpoint"]["dtypes"]["F16"]),
        (Some(3), &json!(41))
    );

    // Where no file can be made, the error says which.
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = EnginePlugin::<Bert>::save(&mut model, &file, false).unwrap_err();
    assert!(error.message.contains("cannot write") && error.message.contains("file"), "{error}");
}

#[test]
fn loading_takes_back_what_was_saved_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let scratch = |labels: u32, seed: u32| {
        open::<Bert>(json!({
            "variant": "carried", "from_scratch": true, "num_labels": labels, "seed": seed, "threads": 1
        }))
        .unwrap()
    };
    let mut model = scratch(2, 1);
    let own = logits::<Bert>(&mut model);
    EnginePlugin::<Bert>::save(&mut model, folder.path(), false).unwrap();
    let mut other = scratch(2, 2);
    assert_ne!(logits::<Bert>(&mut other), own);
    EnginePlugin::<Bert>::load(&mut other, folder.path(), false).unwrap();
    assert_eq!(logits::<Bert>(&mut other), own);

    let refused = |model: &mut EngineModel, from: &Path, state, kind, expected: &str| {
        let before = logits::<Bert>(model);
        let error: Error = EnginePlugin::<Bert>::load(model, from, state).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(expected), "{error}");
        assert_eq!(logits::<Bert>(model), before);
    };
    let bad = ErrorKind::BadData;
    refused(&mut other, &goldens("absolute/electra-span"), false, bad, "model_type is \"electra\"");
    refused(&mut other, &goldens("absolute/bert-token"), false, bad, "BertForTokenClassification");
    refused(
        &mut scratch(3, 1),
        folder.path(),
        false,
        bad,
        "2 labels, but the model was opened with 3",
    );
    let mixed = tempfile::tempdir().unwrap();
    for (file, from) in [
        ("config.json", folder.path().to_owned()),
        ("model.safetensors", goldens("absolute/bert-token")),
    ] {
        std::fs::copy(from.join(file), mixed.path().join(file)).unwrap();
    }
    refused(&mut other, mixed.path(), false, bad, "bert.embeddings.LayerNorm.bias");
    let nowhere = folder.path().join("nowhere");
    refused(&mut other, &nowhere, false, ErrorKind::NotFound, "nowhere");
    refused(&mut other, folder.path(), true, ErrorKind::InvalidArgument, "without train_begin");
    EnginePlugin::<Bert>::train_begin(&mut other, json!({})).unwrap();
    refused(&mut other, folder.path(), true, ErrorKind::NotFound, "training_state.json");
}

#[test]
fn new_weights_follow_from_the_seed_and_need_no_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        goldens("absolute/electra-sequence/config.json"),
        folder.path().join("config.json"),
    )
    .unwrap();
    let scratch = |seed: u32, head: &str| {
        open::<Electra>(json!({
            "variant": "plain", "checkpoint": folder.path(), "from_scratch": true, "seed": seed,
            "head": head, "threads": 1
        }))
        .unwrap()
    };
    let one = logits::<Electra>(&mut scratch(1, "sequence"));
    assert_eq!(one, logits::<Electra>(&mut scratch(1, "sequence")));
    assert_ne!(one, logits::<Electra>(&mut scratch(2, "sequence")));
    // Query, key and value are one parameter, and yet not the same numbers.
    let out = tempfile::tempdir().unwrap();
    EnginePlugin::<Electra>::save(&mut scratch(1, "token"), out.path(), false).unwrap();
    let saved =
        kobench_engine::checkpoint::Checkpoint::open_file(&out.path().join("model.safetensors"))
            .unwrap();
    let part = |name: &str| {
        let mut values = vec![0.0; 36 * 36];
        let name = format!("electra.encoder.layer.0.attention.self.{name}.weight");
        saved.read_named(&name, &mut values).unwrap();
        values
    };
    assert_ne!(part("query"), part("key"));
    assert_ne!(part("key"), part("value"));
    assert_eq!(config(out.path())["architectures"], json!(["ElectraForTokenClassification"]));

    // A carried model's configuration with another head than its weights have.
    let any = open::<Bert>(
        json!({"variant": "carried", "from_scratch": true, "head": "span", "threads": 1}),
    );
    assert!(any.is_ok());
    for (json, expected) in [
        (
            json!({"variant": "carried", "head": "span"}),
            "carried has no span head; it has sequence, token",
        ),
        (
            json!({"variant": "carried", "from_scratch": true, "weights": "one"}),
            "leave one of them out",
        ),
        (
            json!({"variant": "carried", "from_scratch": true, "check": true}),
            "leave one of them out",
        ),
        (json!({"variant": "carried", "weights": "two"}), "no weights \"two\"; it has one, tags"),
        (
            json!({"variant": "plain", "weights": "one", "checkpoint": goldens("bert/base")}),
            "names bundled weights",
        ),
        (
            json!({"variant": "carried", "weights": "one", "head": "token"}),
            "trained with a sequence head",
        ),
    ] {
        let error = open::<Bert>(json.clone()).unwrap_err();
        assert!(error.message.contains(expected), "{json}: {error}");
    }
    // The head picks the weights where no task is named.
    for (json, labels) in [
        (json!({"variant": "carried", "head": "token", "threads": 1}), 7),
        (json!({"variant": "carried", "head": "sequence", "threads": 1}), 2),
        (json!({"variant": "carried", "head": "token", "weights": "tags", "threads": 1}), 7),
    ] {
        let stats = EnginePlugin::<Bert>::stats(&mut open::<Bert>(json).unwrap()).unwrap();
        assert_eq!(stats["num_labels"], labels);
    }
    let description = EnginePlugin::<Bert>::describe();
    assert!(description.trains && description.precisions == ["f32", "bf16"]);
    assert_eq!(description.variants[0].tasks, ["one", "tags"]);
    assert_eq!(description.variants[0].heads, ["sequence", "token"]);
}

/// DistilBERT has a dropout of its own in front of each head: 0.2 for classes, `qa_dropout` for answers.
#[test]
fn distilbert_drops_out_before_its_heads() {
    for (name, head, key) in [
        ("distilbert-sequence", Head::Sequence, "seq_classif_dropout"),
        ("distilbert-span", Head::Span, "qa_dropout"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let from = goldens("absolute").join(name);
        std::fs::copy(from.join("model.safetensors"), folder.path().join("model.safetensors"))
            .unwrap();
        let mut json = config(&from);
        for other in ["dropout", "attention_dropout", "seq_classif_dropout", "qa_dropout"] {
            json[other] = json!(0.0);
        }
        let mut losses = Vec::new();
        for dropout in [0.0, 0.5] {
            json[key] = json!(dropout);
            std::fs::write(folder.path().join("config.json"), json.to_string()).unwrap();
            let mut model = open::<DistilBert>(json!({
                "variant": "plain", "checkpoint": folder.path(), "head": head, "threads": 1
            }))
            .unwrap();
            EnginePlugin::<DistilBert>::train_begin(&mut model, json!({})).unwrap();
            let targets = match head {
                Head::Span => Targets::Span { starts: &[1, 0, 2], ends: &[1, 0, 4] },
                _ => Targets::Class(&[1, 0, 1]),
            };
            losses.push(step::<DistilBert>(&mut model, head, targets).unwrap().loss);
        }
        assert_ne!(losses[0], losses[1], "{name}");
    }
}
