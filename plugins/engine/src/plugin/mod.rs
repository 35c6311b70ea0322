//! From a family's description to a plugin: what the bundled plugins share.

pub mod electra;
mod errors;
mod family;
mod find;
mod model;
mod save;
mod targets;
mod tokenizer;
mod train;

use std::marker::PhantomData;
use std::path::Path;

use kobench_plugin_sdk::{
    self as sdk, Batch, Description, EncodeOptions, Encoded, Example, Head, Logits, ModelRequest,
    StepArguments, StepOutcome, Targets, TokenizerRequest,
};

pub use family::{Bundle, Family, FamilyVariant, Options};
pub use model::EngineModel;

use crate::tokenizer::Tokenizer;

/// The plugin of a family; export it with `kobench_plugin_sdk::export_plugin!`.
#[derive(Debug)]
pub struct EnginePlugin<F>(PhantomData<F>);

impl<F: Family> sdk::Plugin for EnginePlugin<F> {
    type Tokenizer = Tokenizer;
    type Model = EngineModel;

    fn describe() -> Description {
        family::describe::<F>()
    }

    fn open_tokenizer(request: TokenizerRequest) -> sdk::Result<Self::Tokenizer> {
        tokenizer::open::<F>(&request)
    }

    fn encode(
        tokenizer: &mut Self::Tokenizer,
        examples: &[Example<'_>],
        options: &EncodeOptions,
    ) -> sdk::Result<Encoded> {
        Ok(tokenizer.encode(examples, options)?)
    }

    fn open_model(request: ModelRequest) -> sdk::Result<Self::Model> {
        EngineModel::open::<F>(&request)
    }

    fn forward(
        model: &mut Self::Model,
        batch: &Batch<'_>,
        head: Head,
        out: &mut Logits<'_>,
    ) -> sdk::Result<()> {
        model.forward(batch, head, out)
    }

    fn seed(model: &mut Self::Model, seed: u64) -> sdk::Result<()> {
        model.seed(seed)
    }

    fn train_begin(model: &mut Self::Model, settings: serde_json::Value) -> sdk::Result<()> {
        model.train_begin(settings)
    }

    fn train_step(
        model: &mut Self::Model,
        batch: &Batch<'_>,
        head: Head,
        targets: Targets<'_>,
        step: StepArguments,
    ) -> sdk::Result<StepOutcome> {
        model.train_step(batch, head, targets, step)
    }

    fn train_end(model: &mut Self::Model) -> sdk::Result<()> {
        model.train_end()
    }

    fn save(model: &mut Self::Model, directory: &Path, training_state: bool) -> sdk::Result<()> {
        model.save(directory, training_state)
    }

    fn load(model: &mut Self::Model, directory: &Path, training_state: bool) -> sdk::Result<()> {
        model.load(directory, training_state)
    }

    fn stats(model: &mut Self::Model) -> sdk::Result<serde_json::Value> {
        Ok(model.stats())
    }
}
