//! Opening and running a model.

use kobench_plugin_sdk::{self as sdk, Batch, Error, Head, Logits, ModelRequest};

use super::family::{Family, Files, check_head, check_options, find};
use crate::batch::PackedBatch;
use crate::checkpoint::{Checkpoint, LoadReport, NewHead};
use crate::context::Context;
use crate::error::EngineError;
use crate::model::Model;

/// What an opened model is.
#[derive(Debug)]
enum State {
    /// Ready to compute.
    Ready(Box<Model>),
    /// Its checkpoint fits; no weights were kept.
    Checked { report: LoadReport, parameters: usize, num_labels: usize },
}

/// A model that is ready to compute, with the memory that it reuses, or that was only checked.
#[derive(Debug)]
pub struct EngineModel {
    state: State,
    batch: PackedBatch,
    token_type_ids: Vec<u32>,
}

impl EngineModel {
    /// Opens the model that a request names.
    ///
    /// # Errors
    /// An unknown model or option, an unsupported device, precision or head, files that are
    /// missing or wrong.
    pub(super) fn open<F: Family>(request: &ModelRequest) -> sdk::Result<Self> {
        check_options::<F>(&request.options)?;
        supported(request)?;
        let mut found = find::<F>(&request.variant, request.checkpoint.as_ref())?;
        check_head::<F>(found.variant, request.head)?;
        if !request.new_head {
            found.config.check_head(request.head, &found.origin)?;
        }
        if let Some(labels) = request.num_labels {
            found.config.num_labels = labels as usize;
        }
        if found.config.num_labels == 0 {
            return Err(Error::invalid_argument("num_labels is 0; a head needs at least 1"));
        }
        found.config = F::configure(found.config, &request.options)?;
        let checkpoint = match &found.files {
            Files::Directory(directory) => Checkpoint::open(directory)?,
            Files::Bundled(bundle) => Checkpoint::from_bytes(
                bundle.weights,
                &format!("{} (bundled)", found.variant.name),
            )?,
        };
        let new_head = match request.new_head {
            true => NewHead::Initialise { seed: request.seed },
            false => NewHead::Refuse,
        };
        let ctx = Context::cpu(request.threads as usize)?;
        let state = if request.check {
            let (config, head) = (found.config, request.head);
            let parameters = Model::parameters(&config, head)?;
            let num_labels = config.logits_width(head);
            let check = || Model::check(config, head, &checkpoint, new_head);
            let report = ctx.threads().install(check)?;
            State::Checked { report, parameters, num_labels }
        } else {
            let model = Model::load(found.config, request.head, &checkpoint, new_head, ctx)?;
            State::Ready(Box::new(model))
        };
        Ok(Self { state, batch: PackedBatch::default(), token_type_ids: Vec::new() })
    }

    /// Computes one packed batch.
    pub(super) fn forward(
        &mut self,
        batch: &Batch<'_>,
        head: Head,
        out: &mut Logits<'_>,
    ) -> sdk::Result<()> {
        let State::Ready(model) = &mut self.state else {
            return Err(Error::invalid_argument(
                "the model was opened to check its files only, so it has no weights; open it \
                 without \"check\" to compute with it",
            ));
        };
        if head != model.kind() {
            return Err(Error::unsupported(format!(
                "the model was opened with a {} head, not with a {} head",
                model.kind().name(),
                head.name()
            )));
        }
        let rows = match head {
            Head::Sequence => batch.len(),
            Head::Token | Head::Span => batch.n_tokens(),
        };
        let logits = out.rows(rows, model.logits_width())?;
        // A model with one segment or none is not fed token types, whatever the tokeniser says.
        let fed = model.config().type_vocab_size > 1;
        self.batch.clear();
        for range in batch.ranges() {
            self.token_type_ids.clear();
            let types = &batch.encoded.token_type_ids[range.clone()];
            self.token_type_ids.extend(types.iter().map(|&t| if fed { u32::from(t) } else { 0 }));
            self.batch.push(&batch.encoded.input_ids[range], &self.token_type_ids)?;
        }
        let cancel = batch.cancel;
        let between = || cancel.check().map_err(|_| EngineError::Cancelled);
        Ok(model.forward(&self.batch, logits, &between)?)
    }

    /// What was opened, for the record.
    pub(super) fn stats(&self) -> serde_json::Value {
        let model = match &self.state {
            State::Ready(model) => model,
            State::Checked { report, parameters, num_labels } => {
                return serde_json::json!({
                    "parameters": parameters,
                    "weight_bytes": 0,
                    "num_labels": num_labels,
                    "checkpoint": report,
                });
            }
        };
        let (params, ctx) = (model.params(), model.context());
        serde_json::json!({
            "parameters": params.elements(),
            "weight_bytes": params.bytes(),
            "peak_buffer_bytes": ctx.buffer_bytes(),
            "device": "cpu",
            "precision": ctx.dtype().as_str(),
            "isa": ctx.isa(),
            "threads": ctx.threads().current_num_threads(),
            "num_labels": model.logits_width(),
            "checkpoint": model.report(),
        })
    }
}

/// Refuses what this build cannot do, before any file is opened.
fn supported(request: &ModelRequest) -> sdk::Result<()> {
    let device = request.device.as_str();
    if device.starts_with("cuda") {
        return Err(Error::unsupported(format!(
            "device \"{device}\": this build of the plugin computes on the CPU only; use device \
             \"cpu\""
        )));
    }
    if device != "cpu" {
        return Err(Error::invalid_argument(format!(
            "device \"{device}\" is not known; use \"cpu\""
        )));
    }
    match request.precision.as_str() {
        "f32" => {}
        "bf16" => {
            return Err(Error::unsupported(
                "precision \"bf16\": this build of the plugin computes in f32 only; use \"f32\"",
            ));
        }
        other => {
            return Err(Error::invalid_argument(format!(
                "precision \"{other}\" is not known; use \"f32\""
            )));
        }
    }
    Ok(())
}
