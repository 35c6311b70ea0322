use super::*;

fn parse(architecture: Architecture, json: &str) -> Result<ModelConfig> {
    ModelConfig::from_json(architecture, json.as_bytes(), "config.json")
}

fn absolute(config: &ModelConfig) -> &AbsoluteConfig {
    match &config.trunk {
        TrunkConfig::Absolute(absolute) => absolute,
        other => panic!("{other:?}"),
    }
}

#[test]
fn missing_keys_take_the_defaults_of_hugging_face() {
    let config = parse(Architecture::Bert, "{}").unwrap();
    assert_eq!((config.vocab_size, config.num_labels), (30522, 2));
    assert_eq!(absolute(&config).layer_norm_eps, 1e-12);
    assert_eq!(config.head.sequence.dropout, 0.1);
    let three = r#"{"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 9}"#;
    assert_eq!(parse(Architecture::Bert, three).unwrap().num_labels, 3);
    assert_eq!(parse(Architecture::Bert, r#"{"num_labels": 1}"#).unwrap().num_labels, 1);

    let config = parse(Architecture::Electra, "{}").unwrap();
    assert_eq!((config.hidden_size, absolute(&config).embedding_size), (256, 128));
    let config = parse(Architecture::DistilBert, "{}").unwrap();
    assert_eq!((config.num_hidden_layers, config.type_vocab_size), (6, 0));
    assert_eq!((config.head.sequence.dropout, config.head.span.dropout), (0.2, 0.1));
}

#[test]
fn roberta_counts_positions_from_behind_its_padding() {
    let json = r#"{"model_type": "xlm-roberta", "max_position_embeddings": 514,
        "type_vocab_size": 1, "pad_token_id": 1}"#;
    let config = parse(Architecture::Roberta, json).unwrap();
    assert_eq!((config.max_seq_len, absolute(&config).padding_idx), (512, Some(1)));
    let message = parse(Architecture::Roberta, r#"{"max_position_embeddings": 2}"#);
    assert!(message.unwrap_err().to_string().contains("leaves no position"));
}

#[test]
fn the_class_that_wrote_the_file_tells_its_head() {
    let json = r#"{"architectures": ["ElectraForTokenClassification"]}"#;
    let config = parse(Architecture::Electra, json).unwrap();
    assert!(config.check_head(Head::Token, "config.json").is_ok());
    let message = config.check_head(Head::Sequence, "config.json").unwrap_err().to_string();
    assert!(message.contains("ElectraForTokenClassification"), "{message}");
    let json = r#"{"architectures": ["ElectraForPreTraining"]}"#;
    let config = parse(Architecture::Electra, json).unwrap();
    assert!(config.check_head(Head::Sequence, "config.json").is_ok());
}

#[test]
fn what_cannot_be_computed_is_named() {
    for (architecture, json, expected) in [
        (Architecture::Bert, "{", "not a Hugging Face config.json"),
        (Architecture::Bert, r#"{"hidden_size": "x"}"#, "expected usize"),
        (Architecture::Bert, r#"{"hidden_act": "swish"}"#, "hidden_act \"swish\""),
        (Architecture::Bert, r#"{"position_embedding_type": "relative_key"}"#, "relative_key"),
        (Architecture::Bert, r#"{"hidden_size": 100, "num_attention_heads": 3}"#, "not a multiple"),
        (Architecture::Bert, r#"{"model_type": "electra"}"#, "\"electra\""),
        (Architecture::Electra, r#"{"model_type": "bert"}"#, "choose the plugin for bert"),
        (Architecture::Roberta, r#"{"model_type": "bert"}"#, "\"roberta\" or \"xlm-roberta\""),
        (Architecture::Bert, r#"{"vocab_size": 0}"#, "vocab_size is 0"),
        (Architecture::Bert, r#"{"is_decoder": true}"#, "is_decoder"),
        (Architecture::Electra, r#"{"embedding_size": 0}"#, "embedding_size is 0"),
        (Architecture::DistilBert, r#"{"dim": 100, "n_heads": 3}"#, "dim 100"),
        (Architecture::DistilBert, r#"{"activation": "silu"}"#, "activation \"silu\""),
    ] {
        let message = parse(architecture, json).unwrap_err().to_string();
        assert!(message.starts_with("config.json: ") && message.contains(expected), "{message}");
    }
}
