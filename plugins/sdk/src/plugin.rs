//! The one trait that a plugin implements.

use crate::{
    Batch, Description, EncodeOptions, Encoded, Error, Example, Head, Logits, ModelRequest, Result,
    SelftestLines, SelftestRequest, StepArguments, StepOutcome, Targets, TokenizerRequest,
};
use std::path::Path;

/// A family of models.
///
/// The calls with a default answer "unsupported" until they are implemented; say
/// [`trains`](Description::trains) in the description where the training calls are.
pub trait Plugin: 'static {
    /// A tokeniser that is ready to use.
    type Tokenizer: Send + 'static;
    /// A model that is ready to use.
    type Model: Send + 'static;

    /// Name, version and models. Cheap: `plugin list` calls it.
    fn describe() -> Description;

    /// Opens the tokeniser of a model.
    ///
    /// # Errors
    /// An unknown variant or option, or files that are missing or wrong.
    fn open_tokenizer(request: TokenizerRequest) -> Result<Self::Tokenizer>;

    /// Tokenises. The sequences of the result are in the order of the examples.
    ///
    /// # Errors
    /// A kind of example that this plugin does not know, or a sequence that must not be truncated.
    fn encode(
        tokenizer: &mut Self::Tokenizer,
        examples: &[Example<'_>],
        options: &EncodeOptions,
    ) -> Result<Encoded>;

    /// Opens a model: reads its weights and makes ready to compute.
    ///
    /// # Errors
    /// An unknown variant or option, a device or precision that this build lacks, or files that are
    /// missing or wrong.
    fn open_model(request: ModelRequest) -> Result<Self::Model>;

    /// Computes the logits of a batch.
    ///
    /// # Errors
    /// A head that the model was not opened with, or memory that is exhausted.
    fn forward(
        model: &mut Self::Model,
        batch: &Batch<'_>,
        head: Head,
        out: &mut Logits<'_>,
    ) -> Result<()>;

    /// What was opened: parameters, bytes, device, precision, kernels, memory.
    ///
    /// # Errors
    /// Only where finding out fails.
    fn stats(_model: &mut Self::Model) -> Result<serde_json::Value> {
        Ok(serde_json::json!({}))
    }

    /// Everything random from here on follows from this number.
    ///
    /// # Errors
    /// Unsupported by default.
    fn seed(_model: &mut Self::Model, _seed: u64) -> Result<()> {
        Err(unsupported("seed"))
    }

    /// Makes ready to train.
    ///
    /// # Errors
    /// Unsupported by default.
    fn train_begin(_model: &mut Self::Model, _settings: serde_json::Value) -> Result<()> {
        Err(unsupported("train_begin"))
    }

    /// One step.
    ///
    /// # Errors
    /// Unsupported by default; a loss that is not finite.
    fn train_step(
        _model: &mut Self::Model,
        _batch: &Batch<'_>,
        _head: Head,
        _targets: Targets<'_>,
        _step: StepArguments,
    ) -> Result<StepOutcome> {
        Err(unsupported("train_step"))
    }

    /// Frees what training needed; the model can be evaluated.
    ///
    /// # Errors
    /// Unsupported by default.
    fn train_end(_model: &mut Self::Model) -> Result<()> {
        Err(unsupported("train_end"))
    }

    /// Writes the model as a Hugging Face directory; with `training_state` also what resuming needs.
    ///
    /// # Errors
    /// Unsupported by default; a directory that cannot be written.
    fn save(_model: &mut Self::Model, _directory: &Path, _training_state: bool) -> Result<()> {
        Err(unsupported("save"))
    }

    /// Reads back what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// Unsupported by default; files that are missing or wrong.
    fn load(_model: &mut Self::Model, _directory: &Path, _training_state: bool) -> Result<()> {
        Err(unsupported("load"))
    }

    /// Checks that this build computes rightly on a device, or measures how fast it does; a line for each check goes
    /// to `lines` as soon as it has ended. Say [`selftest`](Description::selftest) in the description.
    ///
    /// # Errors
    /// Unsupported by default; a device that cannot be used. A check that fails is a line, and no error.
    fn selftest(_request: SelftestRequest, _lines: &mut SelftestLines<'_>) -> Result<()> {
        Err(unsupported("selftest"))
    }
}

fn unsupported(call: &str) -> Error {
    Error::unsupported(format!("this plugin does not support `{call}`"))
}
