//! The self-test of the engine that the bundled plugins share, for `kobench selftest`.
//!
//! A plugin without models: it carries goldens (small random models with what PyTorch and transformers made of them) and
//! the configurations of real models to measure, so that a machine without this repository can check and time itself.

mod goldens;
mod shapes;

use kobench_engine::selftest;
use kobench_plugin_sdk::{
    self as sdk, Batch, Description, EncodeOptions, Encoded, Error, Example, Head, Logits,
    ModelRequest, SelftestLines, SelftestRequest, TokenizerRequest, export_plugin,
};

struct Selftest;

/// There is no tokeniser and no model.
enum Nothing {}

fn no_model(variant: &str) -> Error {
    Error::invalid_argument(format!(
        "the plugin selftest has no models, so none is called \"{variant}\"; `kobench selftest` runs it"
    ))
}

impl sdk::Plugin for Selftest {
    type Tokenizer = Nothing;
    type Model = Nothing;

    fn describe() -> Description {
        let mut description = Description::new("selftest", env!("CARGO_PKG_VERSION"));
        description.summary = "checks and times the engine of the bundled plugins".to_owned();
        if cfg!(feature = "cuda") {
            description.devices.push("cuda".to_owned());
        }
        description.precisions = ["f32", "bf16"].map(str::to_owned).to_vec();
        description.selftest = true;
        description
    }

    fn open_tokenizer(request: TokenizerRequest) -> sdk::Result<Nothing> {
        Err(no_model(&request.variant))
    }

    fn encode(
        tokenizer: &mut Nothing,
        _: &[Example<'_>],
        _: &EncodeOptions,
    ) -> sdk::Result<Encoded> {
        match *tokenizer {}
    }

    fn open_model(request: ModelRequest) -> sdk::Result<Nothing> {
        Err(no_model(&request.variant))
    }

    fn forward(model: &mut Nothing, _: &Batch<'_>, _: Head, _: &mut Logits<'_>) -> sdk::Result<()> {
        match *model {}
    }

    fn selftest(request: SelftestRequest, lines: &mut SelftestLines<'_>) -> sdk::Result<()> {
        selftest::run(&request, &goldens::GOLDENS, &shapes::SHAPES, lines)
    }
}

export_plugin!(Selftest);
