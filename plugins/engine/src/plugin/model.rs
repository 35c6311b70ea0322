//! Opening and running a model.

use kobench_plugin_sdk::{self as sdk, Batch, Error, Head, Logits, ModelRequest};

use super::family::{Family, check_head, check_options, isa, tf32};
use super::find::{Files, Found, Wanted, find};
use super::save::Source;
use crate::batch::PackedBatch;
use crate::checkpoint::{Checkpoint, LoadReport, NewHead};
use crate::context::{Context, Precision};
use crate::device::Device;
use crate::error::EngineError;
use crate::model::Model;
use crate::train::Trainer;

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
    pub(super) trainer: Option<Box<Trainer>>,
    /// What everything random follows from once training begins.
    pub(super) seed: u64,
    pub(super) source: Source,
    variant: &'static str,
    /// The files whose weights these are, as long as nothing has changed them.
    pub(super) unchanged: Option<Files>,
    pub(super) batch: PackedBatch,
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
        precision(request)?;
        let device = device(request)?;
        if let (true, Some(task)) = (request.from_scratch, &request.weights) {
            return Err(Error::invalid_argument(format!(
                "\"from_scratch\" makes every weight new, but \"weights\" asks for those of {task}: leave one of \
                 them out"
            )));
        }
        let wanted = match &request.weights {
            Some(task) => Wanted::Task(task),
            None => Wanted::Head(request.head),
        };
        let mut found = find::<F>(&request.variant, request.checkpoint.as_ref(), wanted)?;
        // What a plugin carries has the heads of its description; others' files, and new weights, have any.
        if matches!(found.files, Files::Bundled(_)) && !request.from_scratch {
            check_head::<F>(found.variant, request.head)?;
        }
        if !request.new_head && !request.from_scratch {
            found.config.check_head(request.head, &found.origin)?;
        }
        if let Some(labels) = request.num_labels {
            found.config.num_labels = labels as usize;
        }
        if found.config.num_labels == 0 {
            return Err(Error::invalid_argument("num_labels is 0; a head needs at least 1"));
        }
        found.config = F::configure(found.config, &request.options)?;
        let source = Source::new(&found, F::tokenizer_files());
        // A new head is there to be trained.
        let variant = found.variant.name;
        let unchanged = (!request.from_scratch && !request.new_head).then(|| found.files.clone());
        let state = state(request, found, device)?;
        Ok(Self {
            state,
            trainer: None,
            seed: request.seed,
            source,
            variant,
            unchanged,
            batch: PackedBatch::default(),
            token_type_ids: Vec::new(),
        })
    }

    /// Makes evaluation fast, where the weights can be had back for whatever comes after it.
    pub(super) fn pack_weights(&mut self) -> sdk::Result<()> {
        match (&mut self.state, &self.unchanged) {
            (State::Checked { .. }, _) => Ok(()),
            (State::Ready(model), Some(_)) => Ok(model.pack()?),
            // What was trained is nowhere else.
            (State::Ready(model), None) => Ok(model.pack_exactly()?),
        }
    }

    /// Undoes [`EngineModel::pack_weights`].
    pub(super) fn unpack_weights(&mut self) -> sdk::Result<()> {
        let State::Ready(model) = &mut self.state else { return Err(no_weights()) };
        if model.unpack() {
            return Ok(());
        }
        let files = self.unchanged.as_ref().ok_or_else(|| {
            EngineError::Internal("weights were rounded that are in no file".to_owned())
        })?;
        Ok(model.reload(&checkpoint(files, self.variant)?)?)
    }

    /// The model, and everything beside it that training changes.
    pub(super) fn ready(&mut self) -> sdk::Result<&mut Model> {
        match &mut self.state {
            State::Ready(model) => Ok(model),
            State::Checked { .. } => Err(no_weights()),
        }
    }

    /// The model, its trainer, and the batch that was packed last.
    pub(super) fn training(
        &mut self,
    ) -> sdk::Result<(&mut Model, Option<&mut Trainer>, &PackedBatch)> {
        match &mut self.state {
            State::Ready(model) => Ok((model, self.trainer.as_deref_mut(), &self.batch)),
            State::Checked { .. } => Err(no_weights()),
        }
    }

    /// Refuses a head that the model was not opened with.
    pub(super) fn check_head(&mut self, head: Head) -> sdk::Result<()> {
        let kind = self.ready()?.kind();
        if head == kind {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "the model was opened with a {} head, not with a {} head",
            kind.name(),
            head.name()
        )))
    }

    /// Takes over the sequences of a call.
    pub(super) fn pack(&mut self, batch: &Batch<'_>) -> sdk::Result<()> {
        // A model with one segment or none is not fed token types, whatever the tokeniser says.
        let fed = self.ready()?.config().type_vocab_size > 1;
        self.batch.clear();
        for range in batch.ranges() {
            self.token_type_ids.clear();
            let types = &batch.encoded.token_type_ids[range.clone()];
            self.token_type_ids.extend(types.iter().map(|&t| if fed { u32::from(t) } else { 0 }));
            self.batch.push(&batch.encoded.input_ids[range], &self.token_type_ids)?;
        }
        Ok(())
    }

    /// Computes one packed batch.
    pub(super) fn forward(
        &mut self,
        batch: &Batch<'_>,
        head: Head,
        out: &mut Logits<'_>,
    ) -> sdk::Result<()> {
        self.check_head(head)?;
        let rows = match head {
            Head::Sequence => batch.len(),
            Head::Token | Head::Span => batch.n_tokens(),
        };
        let logits = out.rows(rows, self.ready()?.logits_width())?;
        self.pack(batch)?;
        let cancel = batch.cancel;
        let between = || cancel.check().map_err(|_| EngineError::Cancelled);
        let (model, _, batch) = self.training()?;
        Ok(model.forward(batch, logits, &between)?)
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
        let mut stats = serde_json::json!({
            "parameters": params.elements(),
            "weight_bytes": params.bytes(),
            "peak_buffer_bytes": ctx.buffer_bytes(),
            "device": ctx.device().name(),
            "precision": ctx.precision().name(),
            "threads": ctx.threads().current_num_threads(),
            "num_labels": model.logits_width(),
            "checkpoint": model.report(),
            "training_bytes": self.trainer.as_ref().map_or(0, |trainer| trainer.bytes()),
            "flops": model.flops(),
        });
        match ctx.device() {
            Device::Cpu => stats["isa"] = ctx.isa().into(),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => {
                stats["isa"] = kernels(gpu, ctx.precision()).into();
                add_device(&mut stats, model, gpu);
            }
        }
        stats
    }
}

/// What multiplies matrices on a device, for the record.
#[cfg(feature = "cuda")]
fn kernels(gpu: &kobench_cuda::Gpu, precision: Precision) -> &'static str {
    match precision {
        Precision::F32 if gpu.tf32() => "cuda-tf32",
        Precision::F32 => "cuda-f32",
        Precision::Bf16 => "cuda-bf16",
    }
}

/// What a device is, and how much of it was needed since the last call.
#[cfg(feature = "cuda")]
fn add_device(stats: &mut serde_json::Value, model: &Model, gpu: &kobench_cuda::Gpu) {
    let facts = gpu.facts();
    let version = |(major, minor): (i32, i32)| format!("{major}.{minor}");
    stats["device_name"] = facts.name.clone().into();
    stats["device_uuid"] = facts.uuid.clone().into();
    stats["compute_capability"] = version(facts.compute_capability).into();
    stats["driver_version"] = version(facts.driver).into();
    stats["device_memory_bytes"] = facts.memory_bytes.into();
    stats["peak_device_bytes"] = gpu.peak_bytes().into();
    stats["graph_launches"] = model.context().graph_launches().into();
    gpu.reset_peak();
    if let Ok((free, _)) = gpu.memory() {
        stats["batch_tokens"] = model.batch_tokens(free).into();
    }
}

fn no_weights() -> Error {
    Error::invalid_argument(
        "the model was opened to check its files only, so it has no weights; open it without \"check\" \
         to compute with it",
    )
}

/// Reads or makes the weights, or only checks them.
fn state(request: &ModelRequest, found: Found, device: Device) -> sdk::Result<State> {
    let (config, head) = (found.config, request.head);
    let isa = isa(&request.options);
    let ctx = Context::with_isa(device, precision(request)?, request.threads as usize, isa)?;
    if request.from_scratch {
        if request.check {
            return Err(Error::invalid_argument(
                "\"check\" reads weights, and \"from_scratch\" has none to read: leave one of them out",
            ));
        }
        let model = Model::from_scratch(config, head, request.seed, ctx)?;
        return Ok(State::Ready(Box::new(model)));
    }
    let checkpoint = checkpoint(&found.files, found.variant.name)?;
    let new_head = match request.new_head {
        true => NewHead::Initialise { seed: request.seed },
        false => NewHead::Refuse,
    };
    if !request.check {
        // A new head is there to be trained.
        let model = match request.new_head {
            true => Model::load(config, head, &checkpoint, new_head, ctx)?,
            false => Model::load_packed(config, head, &checkpoint, ctx)?,
        };
        return Ok(State::Ready(Box::new(model)));
    }
    let parameters = Model::parameters(&config, head)?;
    let num_labels = config.logits_width(head);
    let check = || Model::check(config, head, &checkpoint, new_head);
    let report = ctx.threads().install(check)?;
    Ok(State::Checked { report, parameters, num_labels })
}

/// The weights of a model's files.
fn checkpoint(files: &Files, variant: &str) -> sdk::Result<Checkpoint> {
    Ok(match files {
        Files::Directory(directory) => Checkpoint::open(directory)?,
        Files::Bundled(bundle) => {
            Checkpoint::from_bytes(bundle.weights, &format!("{variant} (bundled)"))?
        }
    })
}

/// The device that a request names, before any file is opened. Where weights are only checked, nothing is computed.
fn device(request: &ModelRequest) -> sdk::Result<Device> {
    let name = if request.check { "cpu" } else { request.device.as_str() };
    let device = Device::named(name)?;
    let tf32 = tf32(&request.options);
    match &device {
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => gpu.set_tf32(tf32),
        Device::Cpu if tf32 => {
            return Err(Error::invalid_argument(
                "option tf32 is for GPUs: leave it out, or choose device \"cuda:0\"",
            ));
        }
        Device::Cpu => {}
    }
    Ok(device)
}

/// The precision that a request names.
fn precision(request: &ModelRequest) -> sdk::Result<Precision> {
    [Precision::F32, Precision::Bf16]
        .into_iter()
        .find(|precision| precision.name() == request.precision)
        .ok_or_else(|| {
            Error::invalid_argument(format!(
                "precision \"{}\" is not known; use \"f32\" or \"bf16\"",
                request.precision
            ))
        })
}
