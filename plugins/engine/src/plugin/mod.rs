//! From a family's description to a plugin: what the bundled plugins share.

pub mod electra;
mod errors;
mod family;
mod model;
mod tokenizer;

use std::marker::PhantomData;

use kobench_plugin_sdk::{
    self as sdk, Batch, Description, EncodeOptions, Encoded, Example, Head, Logits, ModelRequest,
    TokenizerRequest,
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

    fn stats(model: &mut Self::Model) -> sdk::Result<serde_json::Value> {
        Ok(model.stats())
    }
}
