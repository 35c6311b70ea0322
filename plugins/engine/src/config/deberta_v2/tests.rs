use super::*;

fn own(json: &str) -> DebertaV2Config {
    match parse(json.as_bytes(), "config.json").unwrap().trunk {
        TrunkConfig::DebertaV2(own) => own,
        other => panic!("{other:?}"),
    }
}

#[test]
fn mdeberta_is_understood() {
    let json = br#"{"model_type": "deberta-v2", "vocab_size": 251000, "hidden_size": 768,
        "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
        "relative_attention": true, "position_buckets": 256, "norm_rel_ebd": "layer_norm",
        "share_att_key": true, "pos_att_type": "p2c|c2p", "max_relative_positions": -1,
        "position_biased_input": false, "type_vocab_size": 0, "pooler_hidden_act": "gelu"}"#;
    let config = parse(json, "config.json").unwrap();
    assert_eq!((config.max_seq_len, config.type_vocab_size), (512, 0));
    let TrunkConfig::DebertaV2(own) = config.trunk else { unreachable!() };
    let relative = RelativePositions { position_buckets: 256, max_relative_positions: 512 };
    assert_eq!(own.relative, Some(relative));
    assert!(own.c2p && own.p2c && own.share_att_key && own.norm_rel_ebd);
    assert!(!own.position_biased_input && own.conv.is_none());
}

#[test]
fn missing_keys_take_the_defaults_of_hugging_face() {
    let own_of_nothing = own("{}");
    assert_eq!(own_of_nothing.relative, None);
    assert_eq!((own_of_nothing.layer_norm_eps, own_of_nothing.embedding_size), (1e-7, 1536));
    assert!(own_of_nothing.position_biased_input && !own_of_nothing.c2p);
    let list = own(r#"{"pos_att_type": ["c2p"], "relative_attention": true}"#);
    let relative = RelativePositions { position_buckets: 0, max_relative_positions: 512 };
    assert_eq!((list.c2p, list.p2c, list.relative), (true, false, Some(relative)));
    let conv = own(r#"{"conv_kernel_size": 3, "conv_act": "gelu"}"#).conv.unwrap();
    assert_eq!((conv.kernel_size, conv.act), (3, Activation::Gelu));
    assert!(own(r#"{"pos_att_type": " P2C | c2p"}"#).p2c);
}

#[test]
fn what_cannot_be_computed_is_named() {
    for (json, expected) in [
        (r#"{"pooler_hidden_size": 8}"#, "pooler_hidden_size is 8; expected 1536"),
        (r#"{"attention_head_size": 8}"#, "attention_head_size is 8; expected 64"),
        (r#"{"conv_kernel_size": 4}"#, "conv_kernel_size 4"),
        (r#"{"conv_kernel_size": 3, "conv_groups": 2}"#, "conv_groups 2"),
        (r#"{"relative_attention": true, "position_buckets": 1}"#, "position_buckets 1"),
        (
            r#"{"relative_attention": true, "position_buckets": 256,
                "max_relative_positions": 129}"#,
            "max_relative_positions above 129",
        ),
        (r#"{"conv_act": "swish", "conv_kernel_size": 3}"#, "conv_act \"swish\""),
        (r#"{"pos_att_type": 3}"#, "not a Hugging Face config.json"),
    ] {
        let message = parse(json.as_bytes(), "config.json").unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    // Sequences that never leave the middle need no logarithm.
    let short = r#"{"relative_attention": true, "position_buckets": 256,
        "max_position_embeddings": 129}"#;
    assert!(own(short).relative.is_some());
}
