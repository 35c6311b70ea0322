//! A whole model: trunk, head, weights and the context that they compute in.

#[cfg(feature = "cuda")]
mod device;

use kobench_plugin_sdk::Head as Kind;

use crate::batch::PackedBatch;
use crate::checkpoint::{self, Checkpoint, Landing, LoadReport, NewHead};
use crate::config::{Architecture, ModelConfig};
use crate::context::Context;
use crate::device::Device;
use crate::error::{EngineError, Result};
use crate::grad::GradSink;
use crate::head::{self, Head};
use crate::param::{ParamId, ParamStore};
use crate::saved::Saved;
use crate::train::{Objective, Targets};
use crate::trunk::{self, Between, Trunk};

/// The loss of a pass.
#[derive(Debug)]
pub(crate) struct LossOf<'a> {
    /// Targets that were checked, and the loss that fits them.
    pub(crate) objective: Objective<'a>,
    /// A factor on the gradients.
    pub(crate) scale: f32,
    /// The step whose loss it is, where one that is not finite ends the pass.
    pub(crate) step: Option<u64>,
    /// Whether the pass goes on with what an earlier one of the same step measured.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "devices measure"))]
    pub(crate) continues: bool,
}

impl LossOf<'_> {
    /// The mean loss; `dlogits` receives the scaled gradient.
    fn evaluate(&self, batch: &PackedBatch, logits: &[f32], dlogits: &mut [f32]) -> Result<f64> {
        let loss = self.objective.evaluate(batch, logits, dlogits);
        self.check(loss)?;
        if self.scale != 1.0 {
            dlogits.iter_mut().for_each(|d| *d *= self.scale);
        }
        Ok(loss)
    }

    /// Refuses a loss that is not finite.
    pub(crate) fn check(&self, loss: f64) -> Result<()> {
        match self.step {
            Some(number) if !loss.is_finite() => Err(EngineError::NotFinite(format!(
                "the loss of step {number} is {loss}: training diverged; lower the learning rate, warm \
                 up for longer, or clip the norm of the gradients"
            ))),
            _ => Ok(()),
        }
    }
}

/// A trunk with one head.
#[derive(Debug)]
pub struct Model {
    config: ModelConfig,
    kind: Kind,
    trunk: Box<dyn Trunk>,
    head: Box<dyn Head>,
    params: ParamStore,
    ctx: Context,
    report: LoadReport,
}

/// Modules and parameters without values.
struct Declared {
    params: ParamStore,
    trunk: Box<dyn Trunk>,
    head: Box<dyn Head>,
    /// The parameters of the head are those from here on.
    first_of_head: ParamId,
}

fn declare(config: &ModelConfig, kind: Kind) -> Result<Declared> {
    if !config.architecture.heads().contains(&kind) {
        return Err(EngineError::Unsupported(format!(
            "Hugging Face has no {} head for {}",
            kind.name(),
            config.architecture.name()
        )));
    }
    let mut params = ParamStore::default();
    let trunk = trunk::declare(&mut params, config);
    let first_of_head = params.next_id();
    let head = head::declare(&mut params, config, kind);
    Ok(Declared { params, trunk, head, first_of_head })
}

impl Model {
    /// Builds the model that `config` describes and fills it from `checkpoint`.
    ///
    /// An ELECTRA checkpoint that was fine-tuned with the older, linear classifier gets that one.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] for a head that Hugging Face does not have; [`EngineError::Checkpoint`] naming
    /// every missing, unexpected and misshapen tensor at once, or the tensor that holds NaN;
    /// [`EngineError::UntrainedHead`]; [`EngineError::ModelTooLarge`] when the weights exceed this machine's memory;
    /// [`EngineError::OutOfMemory`].
    pub fn load(
        config: ModelConfig,
        kind: Kind,
        checkpoint: &Checkpoint,
        new_head: NewHead,
        ctx: Context,
    ) -> Result<Self> {
        Self::load_as(config, kind, checkpoint, new_head, ctx, false)
    }

    /// [`Model::load`] and [`Model::pack`] in one, tensor by tensor, so that the weights are never there twice.
    ///
    /// # Errors
    /// As for both.
    pub fn load_packed(
        config: ModelConfig,
        kind: Kind,
        checkpoint: &Checkpoint,
        ctx: Context,
    ) -> Result<Self> {
        Self::load_as(config, kind, checkpoint, NewHead::Refuse, ctx, true)
    }

    fn load_as(
        config: ModelConfig,
        kind: Kind,
        checkpoint: &Checkpoint,
        new_head: NewHead,
        ctx: Context,
        packed: bool,
    ) -> Result<Self> {
        let config = as_trained(config, kind, checkpoint)?;
        let Declared { params, trunk, head, first_of_head } = declare(&config, kind)?;
        let place = place(&config, kind, first_of_head);
        let landing = landing(&ctx, packed);
        let load = || checkpoint::load(&params, checkpoint, place, new_head, &landing);
        let report = ctx.threads().install(load)?;
        Ok(Self { config, kind, trunk, head, params, ctx, report })
    }

    /// Builds the model that `config` describes, with new weights that follow from `seed`.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] for a head that Hugging Face does not have, and when memory is short.
    pub fn from_scratch(config: ModelConfig, kind: Kind, seed: u64, ctx: Context) -> Result<Self> {
        let Declared { params, trunk, head, .. } = declare(&config, kind)?;
        let report = ctx
            .threads()
            .install(|| checkpoint::from_scratch(&params, seed, &landing(&ctx, false)))?;
        Ok(Self { config, kind, trunk, head, params, ctx, report })
    }

    /// Replaces all weights by those of `checkpoint`. Where that fails, the old ones stay.
    ///
    /// # Errors
    /// As [`Model::check`], without a new head.
    pub fn reload(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let first_of_head = declare(&self.config, self.kind)?.first_of_head;
        let place = checkpoint::Place {
            architecture: self.config.architecture,
            first_of_head,
            other_head: false,
        };
        self.report = self.ctx.threads().install(|| {
            checkpoint::check(&self.params, checkpoint, place, NewHead::Refuse)?;
            let landing = landing(&self.ctx, false);
            checkpoint::load(&self.params, checkpoint, place, NewHead::Refuse, &landing)
        })?;
        Ok(())
    }

    /// Checks that `checkpoint` holds the model that `config` describes: every tensor is read, and
    /// none is kept, so that a model which exceeds this machine's memory can be checked too.
    ///
    /// # Errors
    /// As [`Model::load`], but for memory; see [`checkpoint::check`].
    pub fn check(
        config: ModelConfig,
        kind: Kind,
        checkpoint: &Checkpoint,
        new_head: NewHead,
    ) -> Result<LoadReport> {
        let config = as_trained(config, kind, checkpoint)?;
        let Declared { params, first_of_head, .. } = declare(&config, kind)?;
        let place = place(&config, kind, first_of_head);
        checkpoint::check(&params, checkpoint, place, new_head)
    }

    /// Number of parameters with a head of that kind.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] for a head that Hugging Face does not have.
    pub fn parameters(config: &ModelConfig, kind: Kind) -> Result<usize> {
        Ok(declare(config, kind)?.params.elements())
    }

    /// Number of trunk parameters (BERT's pooler included, classifier not) that `config` describes.
    pub fn trunk_parameters(config: &ModelConfig) -> usize {
        let prefix = format!("{}.", config.architecture.prefix());
        let Ok(declared) = declare(config, Kind::Sequence) else { return 0 };
        declared
            .params
            .iter()
            .filter(|p| p.parts()[0].name.starts_with(&prefix))
            .fold(0, |n, p| n.saturating_add(p.elements()))
    }

    /// The kind of head.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the checkpoint held.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Rows of the logits of a batch: its sequences, or its tokens.
    pub fn logits_rows(&self, batch: &PackedBatch) -> usize {
        match self.kind {
            Kind::Sequence => batch.sequences(),
            Kind::Token | Kind::Span => batch.rows(),
        }
    }

    /// Columns of the logits.
    pub fn logits_width(&self) -> usize {
        self.config.logits_width(self.kind)
    }

    /// The configuration.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The parameters.
    pub fn params(&self) -> &ParamStore {
        &self.params
    }

    /// Brings the weights of linear layers into the order in which products read them, which evaluation gains from,
    /// most of all where batches are small. Training, and reading the weights, needs [`Model::unpack`].
    ///
    /// In bf16 they are rounded, so that this is for a model whose weights can be loaded again.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`]; the weights that were not reached stay as they are, and all can be used.
    pub fn pack(&mut self) -> Result<()> {
        match self.ctx.device() {
            Device::Cpu => self.ctx.threads().install(|| self.params.pack(self.ctx.unit())),
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => {
                self.params.round();
                Ok(())
            }
        }
    }

    /// [`Model::pack`] where that rounds nothing.
    ///
    /// # Errors
    /// As [`Model::pack`].
    pub fn pack_exactly(&mut self) -> Result<()> {
        let exact = match self.ctx.device() {
            Device::Cpu => self.ctx.unit().is_exact(),
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => self.ctx.precision() == crate::Precision::F32,
        };
        if exact { self.pack() } else { Ok(()) }
    }

    /// Undoes [`Model::pack`]. False where that rounded the weights: they are to be loaded again.
    #[must_use]
    pub fn unpack(&mut self) -> bool {
        match self.ctx.device() {
            Device::Cpu => self.ctx.threads().install(|| self.params.unpack()),
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => self.params.is_exact(),
        }
    }

    /// Gives memory that is not in use at the moment back to the system.
    pub fn release(&mut self) {
        self.ctx.release();
    }

    /// The context, for its statistics.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// Writes the logits of a batch, `[B, num_labels]`, `[T, num_labels]` or, for a span head,
    /// `[T, 2]` (start, end), to `logits`.
    ///
    /// `between` is called before each layer; an error from it ends the call.
    ///
    /// # Errors
    /// [`EngineError::Input`] for ids or lengths that do not fit the model,
    /// [`EngineError::OutOfMemory`], and whatever `between` returns.
    pub fn forward(
        &mut self,
        batch: &PackedBatch,
        logits: &mut [f32],
        between: Between<'_>,
    ) -> Result<()> {
        if logits.len() != self.logits_rows(batch) * self.logits_width() {
            return Err(EngineError::Internal("the buffer for logits has the wrong size".into()));
        }
        if logits.is_empty() {
            return Ok(());
        }
        trunk::check(&self.config, batch)?;
        #[cfg(feature = "cuda")]
        self.stage(batch, None, &Saved::eval(), 1.0)?;
        let threads = self.ctx.threads();
        threads.install(|| {
            let mut saved = Saved::eval();
            let hidden = self.trunk.forward(&mut self.ctx, batch, &mut saved, between)?;
            let result = self.head.forward(&mut self.ctx, batch, hidden, &mut saved)?;
            self.ctx.download(&result, logits)?;
            self.ctx.give(result);
            Ok(())
        })
    }

    /// One forward and backward pass with cross-entropy of each row of logits against `targets`
    /// (class numbers or [`loss::IGNORE`](crate::ops::loss::IGNORE)); gradients go to `sink`, dropout follows from
    /// `seed` and `step`.
    ///
    /// Returns the mean loss.
    ///
    /// # Errors
    /// As [`Model::forward`], and [`EngineError::Input`] for targets that are not
    /// classes.
    pub fn loss_and_gradients(
        &mut self,
        batch: &PackedBatch,
        targets: &[i64],
        (seed, step): (u64, u32),
        sink: &mut (dyn GradSink + Send),
    ) -> Result<f64> {
        let targets = Targets::Classes(targets.to_vec());
        self.gradients(batch, &targets, &mut Saved::train(seed, step), sink)
    }

    /// One forward and backward pass with the loss that is usual for such targets (cross-entropy, or mean
    /// squared error for real numbers). Gradients go to `sink`; `saved` says which dropout acts and
    /// whether layers keep their input alone.
    ///
    /// Returns the mean loss.
    ///
    /// # Errors
    /// As [`Model::forward`], [`EngineError::Input`] for targets that do not fit, and whatever the sink reports.
    pub fn gradients(
        &mut self,
        batch: &PackedBatch,
        targets: &Targets,
        saved: &mut Saved,
        sink: &mut (dyn GradSink + Send),
    ) -> Result<f64> {
        let shape = (self.logits_rows(batch), self.logits_width());
        let objective = Objective::new(None, targets, batch, shape)?;
        let loss = LossOf { objective, scale: 1.0, step: None, continues: false };
        match self.pass(batch, saved, &loss, sink, &|| Ok(()))? {
            Some(loss) => Ok(loss),
            None => self.device_loss(),
        }
    }

    /// One forward and backward pass; gradients go to `sink`, and `saved` says which dropout acts and what is kept.
    /// Returns the loss, or on a device `None`: it is there with everything else that came of the step.
    ///
    /// `between` is called before each layer of the forward pass. An error from it, or on the CPU a loss that is not
    /// finite, ends the call before the first gradient.
    ///
    /// # Errors
    /// As [`Model::forward`], and whatever the loss and the sink report.
    pub(crate) fn pass(
        &mut self,
        batch: &PackedBatch,
        saved: &mut Saved,
        loss: &LossOf<'_>,
        sink: &mut (dyn GradSink + Send),
        between: Between<'_>,
    ) -> Result<Option<f64>> {
        trunk::check(&self.config, batch)?;
        #[cfg(feature = "cuda")]
        self.stage(batch, Some(&loss.objective), saved, loss.scale)?;
        self.staged_pass(batch, saved, loss, sink, between)
    }

    /// The work of [`Model::pass`], with its lists staged.
    pub(crate) fn staged_pass(
        &mut self,
        batch: &PackedBatch,
        saved: &mut Saved,
        loss: &LossOf<'_>,
        sink: &mut (dyn GradSink + Send),
        between: Between<'_>,
    ) -> Result<Option<f64>> {
        let threads = self.ctx.threads();
        threads.install(|| self.both_ways(batch, saved, loss, sink, between))
    }

    /// The same, on the threads that it is called from.
    fn both_ways(
        &mut self,
        batch: &PackedBatch,
        saved: &mut Saved,
        loss: &LossOf<'_>,
        sink: &mut (dyn GradSink + Send),
        between: Between<'_>,
    ) -> Result<Option<f64>> {
        let ctx = &mut self.ctx;
        let hidden = self.trunk.forward(ctx, batch, saved, between)?;
        let logits = self.head.forward(ctx, batch, hidden, saved)?;
        let mut dlogits = ctx.take(logits.len())?;
        let value = match ctx.device() {
            Device::Cpu => Some(loss.evaluate(batch, logits.f32()?, dlogits.f32_mut()?)?),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => {
                let memory = ctx.staged.memory()?;
                if !loss.continues {
                    memory.begin(gpu)?;
                }
                loss.objective.launch(gpu, ctx, &logits, &mut dlogits, memory)?;
                None
            }
        };
        ctx.give(logits);
        let dhidden = self.head.backward(ctx, batch, dlogits, saved, sink)?;
        self.trunk.backward(ctx, batch, dhidden, saved, sink)?;
        Ok(value)
    }

    /// The loss of the last pass on a device.
    #[cfg(not(feature = "cuda"))]
    fn device_loss(&self) -> Result<f64> {
        Err(EngineError::Internal("a pass on the CPU gave no loss".to_owned()))
    }
}

/// Where weights go as they are loaded; `packed`: for evaluation alone.
fn landing(ctx: &Context, packed: bool) -> Landing {
    match ctx.device() {
        Device::Cpu if packed => Landing::Packed(ctx.unit()),
        Device::Cpu => Landing::Host,
        #[cfg(feature = "cuda")]
        Device::Cuda(gpu) => Landing::Device {
            gpu: std::sync::Arc::clone(gpu),
            precision: ctx.precision(),
            trains: !packed,
        },
    }
}

fn place(config: &ModelConfig, kind: Kind, first_of_head: ParamId) -> checkpoint::Place {
    let other_head = config.trained_head.as_ref().is_some_and(|(trained, _)| *trained != kind);
    checkpoint::Place { architecture: config.architecture, first_of_head, other_head }
}

/// ELECTRA's classifier is the one that a fine-tuned checkpoint has, whatever the configuration says.
fn as_trained(config: ModelConfig, kind: Kind, checkpoint: &Checkpoint) -> Result<ModelConfig> {
    // A token classifier has the same name as the linear classifier of sequences.
    let other_head = config.trained_head.as_ref().is_some_and(|(head, _)| *head != kind);
    if config.architecture != Architecture::Electra || kind != Kind::Sequence || other_head {
        return Ok(config);
    }
    let linear = config.head.sequence.dense.is_none();
    let has = |name| checkpoint.contains(name);
    if has("classifier.dense.weight") && linear {
        return Err(EngineError::checkpoint(
            checkpoint.origin(),
            "the checkpoint's classifier has a dense layer, but a linear classifier was asked for; \
             leave the option classifier out",
        ));
    }
    let trained_linear = has("classifier.weight") && !has("classifier.dense.weight");
    Ok(if trained_linear { config.with_linear_classifier() } else { config })
}
