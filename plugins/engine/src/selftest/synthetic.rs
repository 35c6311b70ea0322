//! Models with the widths of real ones and few layers: what kernels for whole tiles meet, which the goldens' odd widths
//! do not.

use kobench_plugin_sdk::Head;

use crate::batch::PackedBatch;
use crate::config::{Architecture, ModelConfig};
use crate::context::Context;
use crate::error::Result;
use crate::model::Model;
use crate::train::Targets;

/// A model, whose weights follow from a seed.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) architecture: Architecture,
    /// config.json
    config: &'static str,
}

/// Heads of 64 columns, of 256 in Gemma-2, whose window is shorter than the longest row.
pub(super) static SHAPES: [Shape; 4] = [
    Shape {
        architecture: Architecture::Bert,
        config: r#"{"model_type": "bert", "vocab_size": 500, "hidden_size": 128, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 512, "max_position_embeddings": 512,
            "type_vocab_size": 2, "hidden_act": "gelu", "initializer_range": 0.08}"#,
    },
    Shape {
        architecture: Architecture::Electra,
        config: r#"{"model_type": "electra", "vocab_size": 500, "embedding_size": 64, "hidden_size": 128,
            "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512,
            "max_position_embeddings": 512, "type_vocab_size": 2, "hidden_act": "gelu",
            "initializer_range": 0.08}"#,
    },
    Shape {
        architecture: Architecture::DebertaV2,
        config: r#"{"model_type": "deberta-v2", "vocab_size": 500, "hidden_size": 128, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 512, "max_position_embeddings": 512,
            "type_vocab_size": 0, "hidden_act": "gelu", "relative_attention": true,
            "max_relative_positions": -1, "position_buckets": 256, "norm_rel_ebd": "layer_norm",
            "share_att_key": true, "pos_att_type": "p2c|c2p", "position_biased_input": false,
            "layer_norm_eps": 1e-7, "pooler_hidden_size": 128, "pooler_hidden_act": "gelu",
            "initializer_range": 0.08}"#,
    },
    Shape {
        architecture: Architecture::Gemma2,
        config: r#"{"model_type": "gemma2", "vocab_size": 500, "hidden_size": 256, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 256, "intermediate_size": 512,
            "max_position_embeddings": 1024, "sliding_window": 96, "query_pre_attn_scalar": 256,
            "attn_logit_softcapping": 50.0, "hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6,
            "initializer_range": 0.05}"#,
    },
];

/// Short rows, tiles that are just full or just not, and the longest that BERT takes.
const LENGTHS: [usize; 9] = [1, 2, 17, 63, 64, 65, 128, 257, 512];

impl Shape {
    /// The model, without dropout.
    pub(super) fn model(&self, seed: u64, ctx: Context) -> Result<Model> {
        let name = self.architecture.name();
        let config = ModelConfig::from_json(self.architecture, self.config.as_bytes(), name)?;
        Model::from_scratch(config.with_dropout(0.0), Head::Sequence, seed, ctx)
    }

    /// Rows of many lengths.
    pub(super) fn batch(&self) -> Result<PackedBatch> {
        let mut batch = PackedBatch::default();
        for (row, &length) in LENGTHS.iter().enumerate() {
            let ids: Vec<u32> =
                (0..length).map(|at| 5 + ((row * 131 + at * 7919) % 491) as u32).collect();
            batch.push(&ids, &vec![0; length])?;
        }
        Ok(batch)
    }

    /// A class for each row.
    pub(super) fn targets(&self) -> Targets {
        Targets::Classes((0..LENGTHS.len() as i64).map(|row| row % 2).collect())
    }
}
