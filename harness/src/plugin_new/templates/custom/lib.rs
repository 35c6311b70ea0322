//! {{title}}: a kobench plugin, written against kobench-plugin-sdk alone.
//!
//! A small real model, to be replaced by yours: a list of words, each with a weight for each label. A text's
//! logits are the sums over its words; a word's are its own; and the answer to a question is where the context
//! has most words in common with it. What to edit, and in which order, is in README.md.

mod model;
mod tokenizer;
mod words;

use kobench_plugin_sdk::{
    Batch, Description, EncodeOptions, Encoded, Error, Example, Head, Logits, ModelRequest, Plugin,
    Result, TokenizerRequest, Variant, export_plugin,
};
use std::collections::BTreeMap;

/// The name of the plugin and of its one model, as `kobench run -m` takes it.
const MODEL: &str = "{{name}}";

struct {{type}};

impl Plugin for {{type}} {
    type Tokenizer = tokenizer::WordTokenizer;
    type Model = model::WordModel;

    fn describe() -> Description {
        let model = Variant {
            licence: "MIT OR Apache-2.0".into(), // of the weights
            tokenizer: "words of a list".into(),
            max_seq_len: Some(tokenizer::MAX_SEQ_LEN),
            heads: vec!["sequence".into(), "token".into(), "span".into()],
            bundled: true, // weights.tsv is part of the library
            ..Variant::new(MODEL, "words")
        };
        let mut description = Description::new(MODEL, env!("CARGO_PKG_VERSION")).variant(model);
        description.summary = "a list of words with weights".into();
        description
    }

    fn open_tokenizer(request: TokenizerRequest) -> Result<Self::Tokenizer> {
        check(&request.variant, &request.options)?;
        Ok(tokenizer::WordTokenizer::new(words::Words::open(request.checkpoint.as_deref())?))
    }

    fn encode(
        tokenizer: &mut Self::Tokenizer,
        examples: &[Example<'_>],
        options: &EncodeOptions,
    ) -> Result<Encoded> {
        tokenizer.encode(examples, options)
    }

    fn open_model(request: ModelRequest) -> Result<Self::Model> {
        check(&request.variant, &request.options)?;
        if request.device != "cpu" || request.precision != "f32" {
            return Err(Error::unsupported(format!(
                "device \"{}\" with precision \"{}\": this plugin computes on the \"cpu\" in \"f32\"",
                request.device, request.precision
            )));
        }
        let words = words::Words::open(request.checkpoint.as_deref())?;
        model::WordModel::new(words, request.head, request.num_labels)
    }

    fn forward(
        model: &mut Self::Model,
        batch: &Batch<'_>,
        head: Head,
        out: &mut Logits<'_>,
    ) -> Result<()> {
        model.forward(batch, head, out)
    }

    fn stats(model: &mut Self::Model) -> Result<serde_json::Value> {
        Ok(serde_json::json!({ "parameters": model.parameters(), "device": "cpu" }))
    }
}

export_plugin!({{type}});

/// Refuses a model or an option that there is not.
fn check(variant: &str, options: &BTreeMap<String, String>) -> Result<()> {
    if variant != MODEL {
        return Err(Error::invalid_argument(format!("no model \"{variant}\"; there is: {MODEL}")));
    }
    match options.keys().next() {
        Some(key) => Err(Error::invalid_argument(format!("no option \"{key}\"; there are none"))),
        None => Ok(()),
    }
}
