//! The majority class, as a model: whatever the text, its answer is the most frequent class of the training rows, the
//! most frequent label of their words, or the mean of their values.
//!
//! It is the baseline that every model has to beat, as a row of its own in the tables. It trains by counting
//! (`counts`), so that one pass over the rows is enough, and no setting of the optimiser matters. It is written
//! against kobench-plugin-sdk alone.

mod counts;
mod files;
mod model;
mod settings;
mod tokenizer;

use std::collections::BTreeMap;
use std::path::Path;

use kobench_plugin_sdk::{
    Batch, Description, EncodeOptions, Encoded, Error, Example, Head, Logits, ModelRequest, Plugin,
    Result, StepArguments, StepOutcome, Targets, TokenizerRequest, Variant, export_plugin,
};

use model::Majority;
use tokenizer::WordTokenizer;

/// The name of the plugin and of its one model.
const MODEL: &str = "majority";

struct MajorityPlugin;

impl Plugin for MajorityPlugin {
    type Tokenizer = WordTokenizer;
    type Model = Majority;

    fn describe() -> Description {
        let model = Variant {
            licence: "MIT OR Apache-2.0".into(),
            tokenizer: "words apart by white space".into(),
            max_seq_len: Some(tokenizer::MAX_SEQ_LEN),
            heads: vec![Head::Sequence.name().into(), Head::Token.name().into()],
            bundled: true,
            tasks: files::BUNDLED.iter().map(|(task, _)| (*task).to_owned()).collect(),
            ..Variant::new(MODEL, "majority")
        };
        let mut description = Description::new(MODEL, env!("CARGO_PKG_VERSION")).variant(model);
        description.summary = "the most frequent class, or the mean: a baseline".into();
        description.trains = true;
        description
    }

    fn open_tokenizer(request: TokenizerRequest) -> Result<Self::Tokenizer> {
        check(&request.variant, &request.options)?;
        if let Some(folder) = &request.checkpoint {
            files::is_there(folder)?;
        }
        Ok(WordTokenizer)
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
                "device \"{}\" with precision \"{}\": this plugin counts on the \"cpu\" in \"f32\"",
                request.device, request.precision
            )));
        }
        Majority::open(&request)
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
        Ok(serde_json::json!({
            "parameters": model.counts().labels(),
            "device": "cpu",
            "precision": "f32",
            "rows_counted": model.counts().rows(),
        }))
    }

    fn seed(_: &mut Self::Model, _: u64) -> Result<()> {
        // Nothing here is random.
        Ok(())
    }

    fn train_begin(model: &mut Self::Model, settings: serde_json::Value) -> Result<()> {
        model.train_begin(settings)
    }

    fn train_step(
        model: &mut Self::Model,
        batch: &Batch<'_>,
        head: Head,
        targets: Targets<'_>,
        step: StepArguments,
    ) -> Result<StepOutcome> {
        model.train_step(batch, head, targets, step.accumulate)
    }

    fn train_end(model: &mut Self::Model) -> Result<()> {
        model.train_end()
    }

    fn save(model: &mut Self::Model, directory: &Path, training_state: bool) -> Result<()> {
        model.save(directory, training_state)
    }

    fn load(model: &mut Self::Model, directory: &Path, training_state: bool) -> Result<()> {
        model.load(directory, training_state)
    }
}

export_plugin!(MajorityPlugin);

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
