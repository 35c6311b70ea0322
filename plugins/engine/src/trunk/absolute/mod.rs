//! The encoder with absolute positions: embeddings and a stack of layers. BERT, ELECTRA,
//! DistilBERT, RoBERTa and XLM-R differ in names, embeddings and dropout.

mod embeddings;
mod layer;
mod names;

use self::embeddings::Embeddings;
use self::layer::Layer;
use self::names::Names;
use super::{Between, Trunk, segment};
use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::config::{AbsoluteConfig, ModelConfig};
use crate::context::Context;
#[cfg(feature = "cuda")]
use crate::dispatch::attention;
use crate::error::Result;
use crate::grad::GradSink;
use crate::param::ParamStore;
use crate::saved::Saved;
#[cfg(feature = "cuda")]
use crate::stage::Stage;

/// Devlin et al. 2019; the order of operations is Hugging Face's `BertModel`.
#[derive(Debug)]
pub(super) struct Encoder {
    embeddings: Embeddings,
    layers: Vec<Layer>,
}

impl Encoder {
    /// Declares all parameters under the architecture's names.
    pub(super) fn declare(
        store: &mut ParamStore,
        config: &ModelConfig,
        own: &AbsoluteConfig,
    ) -> Self {
        let names = Names::of(config.architecture);
        let embeddings = Embeddings::declare(store, config, own);
        let layers = (0..config.num_hidden_layers)
            .map(|i| Layer::declare(store, &names, i, config, own))
            .collect();
        Self { embeddings, layers }
    }
}

impl Trunk for Encoder {
    fn forward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        saved: &mut Saved,
        between: Between<'_>,
    ) -> Result<Buffer> {
        let mut x = self.embeddings.forward(ctx, batch, saved)?;
        for layer in &self.layers {
            between()?;
            x = segment::forward(ctx, x, saved, |ctx, x, saved| {
                layer.forward(ctx, batch, x, saved)
            })?;
        }
        Ok(x)
    }

    #[cfg(feature = "cuda")]
    fn stage(&self, ctx: &Context, batch: &PackedBatch, stage: &mut Stage) {
        stage.sequences(batch);
        self.embeddings.stage(batch, stage);
        if let Some(layer) = self.layers.first() {
            attention::stage(ctx, layer.shape(batch), stage);
        }
    }

    fn backward(
        &self,
        ctx: &mut Context,
        batch: &PackedBatch,
        dy: Buffer,
        saved: &mut Saved,
        sink: &mut dyn GradSink,
    ) -> Result<()> {
        let mut dy = dy;
        for layer in self.layers.iter().rev() {
            segment::repeat(ctx, saved, |ctx, x, saved| layer.forward(ctx, batch, x, saved))?;
            dy = layer.backward(ctx, batch, dy, saved, sink)?;
        }
        self.embeddings.backward(ctx, batch, dy, saved, sink)
    }
}
