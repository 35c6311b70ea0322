//! What tensors are called: old and new names, with and without the trunk's prefix.

use crate::config::Architecture;

/// Tensors that are constants and not weights, by their end.
const IGNORED_SUFFIXES: [&str; 3] =
    ["embeddings.position_ids", "embeddings.token_type_ids", "rotary_emb.inv_freq"];

/// What an optimiser left in the same file.
const IGNORED_ALWAYS: &str = "optimizer.";

/// The name that today's transformers gives the tensor `name` of a checkpoint, with the trunk's
/// names under the architecture's prefix; `None` when the tensor may be ignored.
///
/// Knows the names of checkpoints converted from TensorFlow (`gamma`, `beta`), trunks saved
/// without their prefix, and the `module.` that data parallel training leaves.
pub(super) fn canonical(name: &str, architecture: Architecture) -> Option<String> {
    let name = name.strip_prefix("module.").unwrap_or(name);
    let of_trunk = architecture.trunk_parts().iter().any(|p| name.starts_with(p));
    let mut name = match of_trunk {
        true => format!("{}.{name}", architecture.prefix()),
        false => name.to_owned(),
    };
    if name.starts_with(IGNORED_ALWAYS)
        || architecture.ignored_prefixes().iter().any(|p| name.starts_with(p))
        || IGNORED_SUFFIXES.iter().any(|s| name.ends_with(s))
    {
        return None;
    }
    for (old, new) in
        [("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")]
    {
        if let Some(stem) = name.strip_suffix(old) {
            name = format!("{stem}{new}");
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use crate::config::Architecture;

    #[test]
    fn old_names_become_new_ones() {
        for (name, expected) in [
            ("bert.pooler.dense.bias", Some("bert.pooler.dense.bias")),
            ("pooler.dense.bias", Some("bert.pooler.dense.bias")),
            ("module.bert.embeddings.LayerNorm.gamma", Some("bert.embeddings.LayerNorm.weight")),
            (
                "encoder.layer.0.output.LayerNorm.beta",
                Some("bert.encoder.layer.0.output.LayerNorm.bias"),
            ),
            ("classifier.weight", Some("classifier.weight")),
            ("cls.predictions.bias", None),
            ("bert.embeddings.position_ids", None),
        ] {
            assert_eq!(canonical(name, Architecture::Bert).as_deref(), expected, "{name}");
        }
        let of = |name, architecture| canonical(name, architecture);
        assert_eq!(of("pooler.dense.bias", Architecture::Roberta), None);
        let pooler = "pooler.dense.bias";
        assert_eq!(of(pooler, Architecture::DebertaV2).as_deref(), Some(pooler));
        let lin = "distilbert.transformer.layer.0.ffn.lin1.bias";
        assert_eq!(of(&lin["distilbert.".len()..], Architecture::DistilBert).as_deref(), Some(lin));
    }
}
