//! candle-transformers' DeBERTa-v2 as a second oracle, on the weights of the goldens.

mod common;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::debertav2::{Config, DebertaV2SeqClassificationModel};
use common::{distance, goldens, normal};
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::{Context, PackedBatch};
use kobench_plugin_sdk::Head;

/// With relative positions and without; what else the goldens have, candle lacks (convolution, narrow
/// embeddings beside token types, heads with tanh).
#[test]
fn logits_of_candles_model_are_ours() {
    for name in ["base", "absolute"] {
        let folder = goldens("deberta").join(name);
        let json = std::fs::read(folder.join("config.json")).unwrap();
        // candle asks for a key that Hugging Face has a default for.
        let mut value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let limit = value.as_object_mut().unwrap().entry("max_relative_positions");
        limit.or_insert(serde_json::json!(-1));
        let mut config: Config = serde_json::from_value(value).unwrap();
        config.pooler_hidden_size = Some(config.hidden_size);
        let weights = folder.join("model.safetensors");
        let tensors = candle_core::safetensors::load(weights, &Device::Cpu).unwrap();
        let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let theirs =
            DebertaV2SeqClassificationModel::load(vb.pp("deberta"), &config, None).unwrap();
        let own = ModelConfig::from_json(Architecture::DebertaV2, &json, "config.json").unwrap();
        let longest = own.max_seq_len.min(200);
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let ctx = Context::cpu(2).unwrap();
        let mut ours = Model::load(own, Head::Sequence, &checkpoint, NewHead::Refuse, ctx).unwrap();

        let mut batch = PackedBatch::default();
        let mut expected = Vec::new();
        for (seed, length) in [(1, 2), (2, longest), (3, 13), (4, 70)] {
            let draw = normal(seed, length, 1.0);
            let ids: Vec<u32> = draw.iter().map(|v| (v.abs() * 40.0) as u32 % 90).collect();
            let types: Vec<u32> = draw.iter().map(|v| u32::from(*v > 0.5)).collect();
            batch.push(&ids, &types).unwrap();
            let row = |v: Vec<u32>| Tensor::from_vec(v, (1, length), &Device::Cpu).unwrap();
            let logits = theirs.forward(&row(ids), Some(row(types)), None).unwrap();
            let logits = logits.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            expected.extend(logits.into_iter().map(f64::from));
        }
        let mut logits = vec![f32::NAN; expected.len()];
        ours.forward(&batch, &mut logits, &|| Ok(())).unwrap();
        let distance = distance(&logits, &expected);
        println!("{name}: distance from candle-transformers: {distance:.1e}");
        assert!(distance < 2e-5, "{name}: {distance:e}");
    }
}
