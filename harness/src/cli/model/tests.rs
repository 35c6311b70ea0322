//! The schemas, and how what was found is shown. What the commands do is tested end to end.

use serde_json::{Value, json};

use super::checked::{Checked, Found, FoundFile, HeadFound, HeadState, Tokenizer};
use crate::record::validator;
use crate::report::Look;

fn checked() -> Checked {
    let head = |head: &str, state| HeadFound {
        head: head.to_owned(),
        state,
        num_labels: Some(2),
        initialised: Vec::new(),
        ignored: Vec::new(),
        error: None,
    };
    Checked {
        schema_version: 1,
        fits: false,
        model: "m".into(),
        plugin: "p".into(),
        plugin_version: "1".into(),
        checkpoint: Some("/c".into()),
        found: Some(Found {
            files: vec![FoundFile { path: "/c/model.safetensors".into(), bytes: 2048 }],
            format: Some("safetensors".into()),
            tensors: 3,
            dtypes: [("BF16".to_owned(), 1), ("F32".to_owned(), 2)].into(),
            ignored: Vec::new(),
            initialised: Vec::new(),
        }),
        parameters: Some(1_234_567),
        tokenizer: Tokenizer {
            name: "WordPiece".into(),
            text: "가나".into(),
            tokens: Some(4),
            unknown: Some(1),
            pieces: vec!["가".into(), "[UNK]".into()],
            error: None,
        },
        heads: vec![
            head("sequence", HeadState::InCheckpoint),
            HeadFound {
                initialised: vec!["classifier.bias".into(), "classifier.weight".into()],
                ignored: vec!["cls.predictions.bias".into()],
                ..head("token", HeadState::New)
            },
            HeadFound {
                error: Some("model_open: 2 tensors:\na is missing\nb has [1], expected [2]".into()),
                ..head("span", HeadState::DoesNotFit)
            },
        ],
        notes: vec!["a note".into()],
    }
}

#[test]
fn everything_that_was_found_is_shown_a_tensor_a_line() {
    let expected = "\
m (p 1): /c
  file        /c/model.safetensors (2.0 KiB)
  weights     safetensors, 3 tensors: 1 BF16, 2 F32
  parameters  1.2M (1234567)
  tokeniser   WordPiece; \"가나\" has 4 tokens, 1 unknown: 가 [UNK]
  sequence    in the checkpoint, 2 outputs
  token       not in the checkpoint: new, to be trained
    new:
      classifier.bias
      classifier.weight
    not needed:
      cls.predictions.bias
  span        DOES NOT FIT
    model_open: 2 tensors:
    a is missing
    b has [1], expected [2]
  note: a note
DOES NOT FIT
";
    assert_eq!(checked().lines(&Look::default()), expected);
}

#[test]
fn what_was_found_is_what_its_schema_says() {
    let schema = validator(include_str!("../../../schemas/model-check.schema.json"));
    let valid = serde_json::to_value(checked()).expect("serialised");
    let errors: Vec<String> = schema.iter_errors(&valid).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut least = checked();
    (least.found, least.checkpoint, least.parameters) = (None, None, None);
    assert!(schema.is_valid(&serde_json::to_value(least).expect("serialised")));
    let wrong: [fn(&mut Value); 4] = [
        |one| one["heads"] = json!([]),
        |one| one["heads"][0]["state"] = json!("good"),
        |one| one["found"]["ignored"] = json!([]),
        |one| drop(one.as_object_mut().expect("an object").remove("fits")),
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        let mut one = valid.clone();
        change(&mut one);
        assert!(!schema.is_valid(&one), "change {index} passes");
    }
}

#[test]
fn every_schema_is_one() {
    for text in [
        include_str!("../../../schemas/model-list.schema.json"),
        include_str!("../../../schemas/model-fetch.schema.json"),
        include_str!("../../../schemas/model-verify.schema.json"),
        include_str!("../../../schemas/plugin-list.schema.json"),
    ] {
        assert!(!validator(text).is_valid(&json!({"schema_version": 1})));
    }
}
