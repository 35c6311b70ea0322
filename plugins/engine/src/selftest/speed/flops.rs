//! The operations that a model needs, by a formula that leaves out what depends on how it is computed.

use crate::config::TrunkConfig;
use crate::model::Model;

/// Floating-point operations of the forward pass over rows of these lengths: 2 for each weight of a linear layer and
/// token (in the head: and row), and, in each layer, 4 for each pair of a row's tokens and element of attention's
/// heads. (After Chowdhery et al. 2022, "PaLM", appendix B.) Not counted are embeddings, norms and softmax, what a causal
/// mask or a window leaves out, and DeBERTa's products with positions.
pub(super) fn forward(model: &Model, lengths: &[usize]) -> f64 {
    let config = model.config();
    let prefix = format!("{}.", config.architecture.prefix());
    let tokens: f64 = lengths.iter().map(|&n| n as f64).sum();
    let rows = lengths.len() as f64;
    let products: f64 = model
        .params()
        .iter()
        .filter(|param| param.is_linear())
        .map(|param| {
            let name = &param.parts()[0].name;
            let in_trunk = name.starts_with(&prefix) && !name.contains("pooler");
            2.0 * param.elements() as f64 * if in_trunk { tokens } else { rows }
        })
        .sum();
    let width = match &config.trunk {
        TrunkConfig::Absolute(_) | TrunkConfig::DebertaV2(_) => config.hidden_size,
        TrunkConfig::Gemma2(own) => own.num_attention_heads * own.head_dim,
    };
    let pairs: f64 = lengths.iter().map(|&n| (n as f64).powi(2)).sum();
    products + 4.0 * (config.num_hidden_layers * width) as f64 * pairs
}
