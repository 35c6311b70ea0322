//! What a training step keeps, against the formulas in the documentation of `kobench_engine::trunk`.

mod common;

use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::train::Targets;
use kobench_engine::{Accumulate, Context, PackedBatch, Saved};
use kobench_plugin_sdk::Head;
use serde_json::{Value, json};

const LENGTHS: [usize; 3] = [9, 1, 14];
const LONGEST: usize = 14;
const LAYERS: usize = 3;
const HIDDEN: usize = 12;
const MIDDLE: usize = 20;
const HEADS: usize = 2;

fn sizes(more: Value) -> Value {
    let mut all = json!({
        "vocab_size": 50, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "intermediate_size": MIDDLE, "max_position_embeddings": 32, "num_labels": 3,
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// Peak bytes of one step, without and with activation checkpointing.
fn peaks(architecture: Architecture, config: &Value) -> [usize; 2] {
    let json = config.to_string();
    let config = ModelConfig::from_json(architecture, json.as_bytes(), "config").unwrap();
    let mut model = Model::from_scratch(config, Head::Token, 1, Context::cpu(1).unwrap()).unwrap();
    let mut batch = PackedBatch::default();
    for length in LENGTHS {
        let ids: Vec<u32> = (0..length).map(|i| (i * 7 + length) as u32 % 50).collect();
        batch.push(&ids, &vec![0; length]).unwrap();
    }
    let targets = Targets::Classes((0..batch.tokens() as i64).map(|i| i % 3).collect());
    [Saved::train(1, 0), Saved::train(1, 0).checkpointing()].map(|mut saved| {
        let mut sink = Accumulate::new(model.params());
        model.gradients(&batch, &targets, &mut saved, &mut sink).unwrap();
        assert_eq!(saved.kept_bytes(), 0);
        saved.peak_bytes()
    })
}

/// Both peaks from elements: below the layers, in the first layer and in each other, and above them (the
/// head keeps its input).
fn expected(below: usize, first: usize, layer: usize, above: usize) -> [usize; 2] {
    let inputs = LENGTHS.iter().sum::<usize>() * HIDDEN;
    let above = above + inputs;
    let once = below + first + (LAYERS - 1) * layer + above;
    // At the end of the forward pass, and in each layer's repetition.
    let twice = (below + LAYERS * inputs + above)
        .max(below + (LAYERS - 1) * inputs + layer)
        .max(below + first);
    [4 * once, 4 * twice]
}

#[test]
fn steps_keep_what_the_formulas_say() {
    let tokens: usize = LENGTHS.iter().sum();
    let absolute = tokens * (8 * HIDDEN + 2 * MIDDLE + HEADS + 2);
    let found = peaks(Architecture::Bert, &sizes(json!({})));
    assert_eq!(found, expected(tokens * (HIDDEN + 1), absolute, absolute, 0), "bert");
    let found = peaks(Architecture::Electra, &sizes(json!({"embedding_size": 6})));
    assert_eq!(found, expected(tokens * (2 * 6 + 1), absolute, absolute, 0), "electra");
    let distil = json!({
        "vocab_size": 50, "dim": HIDDEN, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": MIDDLE,
        "num_labels": 3,
    });
    let found = peaks(Architecture::DistilBert, &distil);
    assert_eq!(found, expected(tokens * (HIDDEN + 1), absolute, absolute, 0), "distilbert");

    // Every distance has a row, and the table has a norm.
    let rows = 2 * LONGEST - 1;
    let deberta = sizes(json!({
        "relative_attention": true, "pos_att_type": "p2c|c2p", "share_att_key": true,
        "norm_rel_ebd": "layer_norm", "position_biased_input": false, "embedding_size": 8,
    }));
    let layer = absolute + rows * HIDDEN * 3;
    let below = tokens * (HIDDEN + 1 + 8) + rows * (HIDDEN + 1);
    let found = peaks(Architecture::DebertaV2, &deberta);
    assert_eq!(found, expected(below, layer, layer, rows * HIDDEN), "deberta");
    let conv = sizes(json!({
        "relative_attention": true, "pos_att_type": "c2p", "conv_kernel_size": 3,
    }));
    let layer = absolute + rows * HIDDEN * 2;
    let first = layer + tokens * (3 * HIDDEN + 2 * HIDDEN + 1);
    let found = peaks(Architecture::DebertaV2, &conv);
    assert_eq!(found, expected(tokens * (HIDDEN + 1), first, layer, rows * HIDDEN), "conv");

    let gemma = sizes(json!({"num_key_value_heads": 1, "head_dim": 8}));
    let layer = tokens * (4 * HIDDEN + (2 * HEADS + 2) * 8 + HEADS + 2 * MIDDLE);
    let found = peaks(Architecture::Gemma2, &gemma);
    assert_eq!(found, expected(0, layer, layer, tokens * HIDDEN), "gemma2");
}
