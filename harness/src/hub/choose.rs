//! Which files of a repository a model needs: configuration, tokeniser, and one set of weights.

use std::collections::BTreeSet;

use super::HubError;

/// The configuration.
pub const CONFIG: &str = "config.json";

/// Whole weights, and the index of weights in several files; the first that is there is taken.
pub const WEIGHTS: [(&str, &str); 2] = [
    ("model.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model.bin.index.json"),
];

/// Files of tokenisers, beside `*.model` and `vocab*.txt`.
const TOKENIZER: [&str; 7] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
];

/// The weights of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// In one file.
    Whole(&'static str),
    /// In those that this index names.
    Sharded(&'static str),
}

/// Whether a file belongs to a tokeniser.
pub fn is_of_tokenizer(name: &str) -> bool {
    // A dot file, or one in a folder, is of something else.
    let plain = !name.contains('/') && !name.starts_with('.');
    plain
        && (TOKENIZER.contains(&name)
            || name.ends_with(".model")
            || (name.starts_with("vocab") && name.ends_with(".txt")))
}

/// Whether a file holds weights, or names those that do.
pub fn is_of_weights(name: &str) -> bool {
    let shard = |start: &str, end: &str| name.starts_with(start) && name.ends_with(end);
    WEIGHTS.iter().any(|(whole, index)| [*whole, *index].contains(&name))
        || shard("model-", ".safetensors")
        || shard("pytorch_model-", ".bin")
}

/// The weights that are taken where these files are.
pub fn weights(has: impl Fn(&str) -> bool) -> Option<Weights> {
    WEIGHTS.into_iter().find_map(|(whole, index)| {
        if has(whole) {
            Some(Weights::Whole(whole))
        } else {
            has(index).then_some(Weights::Sharded(index))
        }
    })
}

/// The files that an index (`{"weight_map": {TENSOR: FILE}}`) names, each once.
///
/// # Errors
/// [`HubError::Index`]: it is no index, or names what is no file of the same folder. `index` is for the message.
pub fn shards(index: &str, json: &[u8]) -> Result<BTreeSet<String>, HubError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: std::collections::BTreeMap<String, String>,
    }
    let bad = |reason: String| HubError::Index { index: index.to_owned(), reason };
    let parsed: Index = serde_json::from_slice(json).map_err(|error| bad(error.to_string()))?;
    let files: BTreeSet<String> = parsed.weight_map.into_values().collect();
    if let Some(file) = files.iter().find(|file| !is_plain(file)) {
        let shown = crate::text::shorten(file, 80);
        return Err(bad(format!("it names `{shown}`, which is no file beside it")));
    }
    if files.is_empty() {
        return Err(bad("it names no files".to_owned()));
    }
    Ok(files)
}

/// Whether a name is that of a file in the repository's own folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('.')
        && !name.chars().any(|c| c == '/' || c == '\\' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokenisers_of_every_family() {
        for name in [
            "vocab.txt",
            "vocab_54k.txt",
            "tokenizer.json",
            "spm.model",
            "sentencepiece.bpe.model",
            "tokenizer_78b3253a26.model",
        ] {
            assert!(is_of_tokenizer(name), "{name}");
        }
        for name in
            ["../x.model", "sub/spm.model", ".x.model", "README.md", "model.onnx", "tf_model.h5"]
        {
            assert!(!is_of_tokenizer(name) && !is_of_weights(name), "{name}");
        }
        assert!(is_of_weights("model-00001-of-00002.safetensors"));
        assert!(!is_of_weights("training_args.bin") && !is_of_weights("consolidated.safetensors"));
    }

    #[test]
    fn safetensors_come_first_and_whole_files_before_shards() {
        let chosen = |names: &[&str]| weights(|name| names.contains(&name));
        let all = [WEIGHTS[0].0, WEIGHTS[0].1, WEIGHTS[1].0, WEIGHTS[1].1];
        assert_eq!(chosen(&all), Some(Weights::Whole("model.safetensors")));
        assert_eq!(chosen(&all[1..]), Some(Weights::Sharded("model.safetensors.index.json")));
        assert_eq!(chosen(&all[2..]), Some(Weights::Whole("pytorch_model.bin")));
        assert_eq!(chosen(&all[3..]), Some(Weights::Sharded("pytorch_model.bin.index.json")));
        assert_eq!(chosen(&["tf_model.h5"]), None);
    }

    #[test]
    fn an_index_names_files_beside_it_alone() {
        let json = br#"{"metadata": {}, "weight_map": {"a": "2.bin", "b": "1.bin", "c": "2.bin"}}"#;
        assert_eq!(Vec::from_iter(shards("i", json).expect("an index")), ["1.bin", "2.bin"]);
        for bad in [
            r#"{"weight_map": {"a": "../x.safetensors"}}"#,
            r#"{"weight_map": {"a": "/etc/passwd"}}"#,
            r#"{"weight_map": {"a": ""}}"#,
            r#"{"weight_map": {"a": ".hidden"}}"#,
            r#"{"weight_map": {}}"#,
            r#"{"weight_map": {"a": 1}}"#,
            "{}",
            "",
        ] {
            assert!(matches!(shards("i", bad.as_bytes()), Err(HubError::Index { .. })), "{bad}");
        }
    }
}
