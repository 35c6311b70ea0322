//! candle-transformers' BERT trunk as a second oracle, on the same random weights.

mod common;

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config, HiddenAct};
use common::{goldens, normal};
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig, TrunkConfig};
use kobench_engine::model::Model;
use kobench_engine::{Context, PackedBatch};
use kobench_plugin_sdk::Head;

/// Pooler and classifier are ours alone, so candle's last hidden states are taken through them here.
#[test]
fn logits_from_candles_trunk_are_ours() {
    let folder = goldens("bert/odd");
    let json = std::fs::read(folder.join("config.json")).unwrap();
    let config = ModelConfig::from_json(Architecture::Bert, &json, "config.json").unwrap();
    let tensors: HashMap<String, Tensor> =
        candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
    let (pool_w, pool_b) =
        (tensors["bert.pooler.dense.weight"].clone(), tensors["bert.pooler.dense.bias"].clone());
    let (class_w, class_b) =
        (tensors["classifier.weight"].clone(), tensors["classifier.bias"].clone());
    let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let TrunkConfig::Absolute(own) = &config.trunk else { unreachable!() };
    let theirs = BertModel::load(
        vb.pp("bert"),
        &Config {
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: own.num_attention_heads,
            intermediate_size: own.intermediate_size,
            hidden_act: HiddenAct::Gelu,
            max_position_embeddings: own.max_position_embeddings,
            type_vocab_size: own.type_vocab_size,
            layer_norm_eps: own.layer_norm_eps,
            ..Config::default()
        },
    )
    .unwrap();
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let ctx = Context::cpu(2).unwrap();
    let mut ours =
        Model::load(config.clone(), Head::Sequence, &checkpoint, NewHead::Refuse, ctx).unwrap();

    let mut batch = PackedBatch::default();
    let mut expected = Vec::new();
    for (seed, length) in [(1, 1), (2, 50), (3, 13), (4, 2)] {
        let draw = normal(seed, length, 1.0);
        let ids: Vec<u32> = draw.iter().map(|v| (v.abs() * 60.0) as u32 % 230).collect();
        let types: Vec<u32> = draw.iter().map(|v| u32::from(*v > 0.5)).collect();
        batch.push(&ids, &types).unwrap();
        let row = |v: Vec<u32>| Tensor::from_vec(v, (1, length), &Device::Cpu).unwrap();
        let hidden = theirs.forward(&row(ids), &row(types), None).unwrap();
        let first = hidden.get(0).unwrap().narrow(0, 0, 1).unwrap();
        let dense = |x: &Tensor, w: &Tensor, b: &Tensor| {
            x.matmul(&w.t().unwrap()).unwrap().broadcast_add(b).unwrap()
        };
        let pooled = dense(&first, &pool_w, &pool_b).tanh().unwrap();
        let logits = dense(&pooled, &class_w, &class_b).flatten_all().unwrap();
        expected.extend(logits.to_vec1::<f32>().unwrap().into_iter().map(f64::from));
    }
    let mut logits = vec![0.0; expected.len()];
    ours.forward(&batch, &mut logits, &|| Ok(())).unwrap();
    let distance = common::distance(&logits, &expected);
    println!("distance from candle-transformers: {distance:.1e}");
    assert!(distance < 2e-5);
}
