//! What tensors are called: old and new names, with and without the trunk's prefix.

/// First parts of trunk names, which tell a trunk that was saved without its prefix.
const TRUNK_PARTS: [&str; 3] = ["embeddings.", "encoder.", "pooler."];

/// Tensors that a classifier has no use for, by their beginning: heads of pre-training.
const IGNORED_PREFIXES: [&str; 4] =
    ["cls.", "lm_head.", "optimizer.", "discriminator_predictions."];

/// Tensors that are constants and not weights, by their end.
const IGNORED_SUFFIXES: [&str; 2] = ["embeddings.position_ids", "embeddings.token_type_ids"];

/// The name that today's transformers gives the tensor `name` of a checkpoint, with the trunk's
/// names under `prefix`; `None` when the tensor may be ignored.
///
/// Knows the names of checkpoints converted from TensorFlow (`gamma`, `beta`), trunks saved
/// without their prefix, and the `module.` that data parallel training leaves.
pub(super) fn canonical(name: &str, prefix: &str) -> Option<String> {
    let name = name.strip_prefix("module.").unwrap_or(name);
    if IGNORED_PREFIXES.iter().any(|p| name.starts_with(p))
        || IGNORED_SUFFIXES.iter().any(|s| name.ends_with(s))
    {
        return None;
    }
    let mut name = match TRUNK_PARTS.iter().any(|p| name.starts_with(p)) {
        true => format!("{prefix}.{name}"),
        false => name.to_owned(),
    };
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
            assert_eq!(canonical(name, "bert").as_deref(), expected, "{name}");
        }
    }
}
