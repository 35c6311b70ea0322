//! What a model costs: operations and memory, from its sizes alone.

use kobench_plugin_sdk::Head as Kind;
use serde::Serialize;

use crate::config::TrunkConfig;
use crate::model::Model;

/// Floating-point operations of a forward pass, a multiplication and an addition counted as two: a sequence of L tokens
/// takes `per_token` L + `per_pair` L^2 + `per_sequence`. Products alone are counted, as is usual for model FLOPs
/// utilisation (Chowdhery et al. 2022, appendix B); a training step counts as three forward passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Flops {
    /// Of the products with weights: two for each weight.
    pub per_token: u64,
    /// Of attention's two products, q k^T and p v: 4 heads head_dim in each layer, and half of that where queries see
    /// earlier keys alone. Disentangled attention has another 2 heads head_dim for each kind of term.
    pub per_pair: u64,
    /// Of the head, where it looks at one token of each sequence.
    pub per_sequence: u64,
}

impl Model {
    /// Operations of a forward pass.
    pub fn flops(&self) -> Flops {
        let config = self.config();
        let prefix = format!("{}.", config.architecture.prefix());
        let (mut trunk, mut head) = (0, 0);
        for param in self.params().iter().filter(|param| param.is_weights()) {
            let of_trunk = param.parts()[0].name.starts_with(&prefix);
            *(if of_trunk { &mut trunk } else { &mut head }) += 2 * param.elements() as u64;
        }
        let layers = config.num_hidden_layers as u64;
        let wide = config.hidden_size as u64;
        let per_pair = match &config.trunk {
            TrunkConfig::Absolute(_) => 4 * wide,
            TrunkConfig::DebertaV2(own) => {
                let terms = match own.relative {
                    Some(_) => u64::from(own.c2p) + u64::from(own.p2c),
                    None => 0,
                };
                (4 + 2 * terms) * wide
            }
            TrunkConfig::Gemma2(own) => 2 * (own.num_attention_heads * own.head_dim) as u64,
        };
        let (per_token, per_sequence) = match self.kind() {
            Kind::Sequence => (trunk, head),
            Kind::Token | Kind::Span => (trunk + head, 0),
        };
        Flops { per_token, per_pair: layers * per_pair, per_sequence }
    }

    /// A number of tokens that keeps a device busy, and whose activations take no more than half of `free` bytes.
    #[cfg(feature = "cuda")]
    pub(crate) fn batch_tokens(&self, free: usize) -> usize {
        /// More does not make products any faster.
        const MOST: usize = 1 << 16;
        let config = self.config();
        let middle = match &config.trunk {
            TrunkConfig::Absolute(own) => own.intermediate_size,
            TrunkConfig::DebertaV2(own) => own.intermediate_size,
            // Gate, up and their product.
            TrunkConfig::Gemma2(own) => 3 * own.intermediate_size,
        };
        // Input, queries, keys, values, heads' outputs, projection, norm; both sides of the activation.
        let elements = 8 * config.hidden_size + 2 * middle + self.logits_width();
        let bytes = elements * self.context().element().bytes();
        (free / 2 / bytes.max(1)).clamp(1, MOST)
    }
}
