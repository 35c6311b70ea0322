//! What the layers' tensors are called in a checkpoint.

use crate::config::Architecture;

/// Names of the tensors of a layer, behind the layer's own prefix.
pub(super) struct Names {
    layers: String,
    pub(super) qkv: [&'static str; 3],
    pub(super) output: &'static str,
    pub(super) attention_norm: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
    pub(super) norm: &'static str,
}

impl Names {
    pub(super) fn of(architecture: Architecture) -> Self {
        let prefix = architecture.prefix();
        match architecture {
            Architecture::DistilBert => Self {
                layers: format!("{prefix}.transformer.layer"),
                qkv: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
                output: "attention.out_lin",
                attention_norm: "sa_layer_norm",
                up: "ffn.lin1",
                down: "ffn.lin2",
                norm: "output_layer_norm",
            },
            _ => Self {
                layers: format!("{prefix}.encoder.layer"),
                qkv: ["attention.self.query", "attention.self.key", "attention.self.value"],
                output: "attention.output.dense",
                attention_norm: "attention.output.LayerNorm",
                up: "intermediate.dense",
                down: "output.dense",
                norm: "output.LayerNorm",
            },
        }
    }

    /// The whole name of a tensor of layer `index`, without `.weight` or `.bias`.
    pub(super) fn of_layer(&self, index: usize, suffix: &str) -> String {
        format!("{}.{index}.{suffix}", self.layers)
    }
}
