//! One training step after the other.

use super::adalomo::{AdaLomo, Gradient};
use super::adamw::AdamW;
#[cfg(feature = "cuda")]
use super::device::DeviceOptimizer;
use super::fused::{Measure, Update};
use super::gradients::Gradients;
use super::objective::{Objective, Targets};
use super::segments::{Segment, segments};
use super::settings::{Optimizer, Settings};
use crate::batch::PackedBatch;
use crate::device::Device;
use crate::error::{EngineError, Result};
use crate::grad::GradSink;
use crate::model::{LossOf, Model};
use crate::param::ParamStore;
use crate::saved::Saved;
use crate::trunk::Between;

/// What the host says about a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOptions {
    /// The learning rate.
    pub learning_rate: f64,
    /// A factor on the loss.
    pub loss_scale: f64,
    /// Whether to add to the gradients without an update yet.
    pub accumulate: bool,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stepped {
    /// The loss before scaling; 0 where no row has a target.
    pub loss: f64,
    /// The global norm of the gradients before clipping; NaN while accumulating.
    pub grad_norm: f64,
}

#[derive(Debug)]
pub(super) enum Rule {
    AdamW(AdamW),
    AdaLomo(AdaLomo),
    #[cfg(feature = "cuda")]
    Device(Box<DeviceOptimizer>),
}

impl Rule {
    /// The optimiser that the settings name, with moments of zero in the host's memory.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`].
    pub(super) fn host(optimizer: &Optimizer, segments: &[Vec<Segment>]) -> Result<Self> {
        Ok(match optimizer {
            Optimizer::Adamw(own) => Self::AdamW(AdamW::new(own.clone(), segments)?),
            Optimizer::Adalomo(own) => Self::AdaLomo(AdaLomo::new(own.clone(), segments)?),
        })
    }

    /// Whether weights are updated in the backward pass.
    fn fused(&self) -> bool {
        match self {
            Self::AdamW(_) => false,
            Self::AdaLomo(own) => own.fused(),
            #[cfg(feature = "cuda")]
            Self::Device(own) => own.fused(),
        }
    }
}

/// A model's training: settings, optimiser and gradients.
#[derive(Debug)]
pub struct Trainer {
    pub(super) settings: Settings,
    pub(super) segments: Vec<Vec<Segment>>,
    pub(super) rule: Rule,
    gradients: Gradients,
    /// What everything random follows from, and the passes since it was set: each has dropout of its own.
    pub(super) seed: u64,
    pub(super) passes: u32,
    /// Updates so far.
    pub(super) steps: u64,
    /// Whether gradients of earlier passes wait for the update.
    pub(super) waiting: bool,
    /// Why the weights are no longer those of any step.
    damaged: Option<String>,
}

impl Trainer {
    /// Makes ready to train `model`.
    ///
    /// # Errors
    /// [`EngineError::Input`] for settings that do not fit the model, [`EngineError::Unsupported`],
    /// [`EngineError::OutOfMemory`].
    pub fn begin(model: &Model, settings: Settings, seed: u64) -> Result<Self> {
        let segments = segments(model.params(), model.config(), &settings)?;
        let rule = match model.context().device() {
            Device::Cpu => Rule::host(&settings.optimizer, &segments)?,
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => {
                let own = DeviceOptimizer::new(
                    gpu,
                    &settings.optimizer,
                    &segments,
                    model.context().graphs(),
                )?;
                Rule::Device(Box::new(own))
            }
        };
        let gradients = Gradients::new(&segments);
        Ok(Self {
            settings,
            segments,
            rule,
            gradients,
            seed,
            passes: 0,
            steps: 0,
            waiting: false,
            damaged: None,
        })
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Updates so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Bytes of gradients and of the optimiser's state.
    pub fn bytes(&self) -> usize {
        let moments = match &self.rule {
            Rule::AdamW(own) => own.bytes(),
            Rule::AdaLomo(own) => own.bytes(),
            #[cfg(feature = "cuda")]
            Rule::Device(own) => own.bytes(),
        };
        moments + self.gradients.bytes()
    }

    /// Dropout follows from `seed` and the passes from now on.
    pub fn seed(&mut self, seed: u64) {
        (self.seed, self.passes) = (seed, 0);
    }

    /// Forgets gradients that wait for their update, and takes the weights as good again.
    pub(crate) fn loaded(&mut self) {
        self.gradients.clear();
        #[cfg(feature = "cuda")]
        if let Rule::Device(own) = &mut self.rule {
            own.replaced();
            // What fails here fails again with the next call of the device.
            let _ = own.clear();
        }
        self.waiting = false;
        self.damaged = None;
    }

    /// One forward and backward pass, and, unless it only accumulates, the update.
    ///
    /// After an error no weight has changed, except where the message says so. An error of the backward pass
    /// or of the gradients' norm drops all gradients since the last update.
    ///
    /// # Errors
    /// [`EngineError::Input`] for targets that do not fit, and for an update without any target;
    /// [`EngineError::NotFinite`]; [`EngineError::Unsupported`]; [`EngineError::OutOfMemory`]; and whatever
    /// `between` returns.
    pub fn step(
        &mut self,
        model: &mut Model,
        batch: &PackedBatch,
        targets: &Targets,
        options: StepOptions,
        between: Between<'_>,
    ) -> Result<Stepped> {
        self.check(options)?;
        let chosen = self.settings.loss();
        let shape = (model.logits_rows(batch), model.logits_width());
        let objective = Objective::new(chosen.as_ref(), targets, batch, shape)?;
        if !objective.counts() {
            return self.without_targets(model, options);
        }
        let loss = LossOf {
            objective,
            scale: options.loss_scale as f32,
            step: Some(self.steps + 1),
            continues: false,
        };
        let checkpointing = self.settings.activation_checkpointing;
        #[cfg(feature = "cuda")]
        let bucketed;
        let batch = match model.context().device() {
            Device::Cpu => batch,
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => {
                bucketed = batch.bucketed(model.config().max_seq_len);
                &bucketed
            }
        };
        let call = Call { batch, loss, options, between, checkpointing };
        match &self.rule {
            #[cfg(feature = "cuda")]
            Rule::Device(own) => match own.fused() {
                true => self.device_fused(model, call),
                false => self.device_accumulating(model, &call),
            },
            rule if rule.fused() => self.fused(model, &call),
            _ => self.accumulating(model, &call),
        }
    }

    fn check(&self, options: StepOptions) -> Result<()> {
        if let Some(reason) = &self.damaged {
            return Err(EngineError::Input(format!(
                "an earlier step ended in the middle of its update ({reason}); load the last checkpoint"
            )));
        }
        let StepOptions { learning_rate, loss_scale, accumulate } = options;
        if !(learning_rate.is_finite() && learning_rate >= 0.0) {
            return Err(EngineError::Input(format!("the learning rate is {learning_rate}")));
        }
        if !(loss_scale.is_finite() && loss_scale > 0.0) {
            return Err(EngineError::Input(format!("the loss scale is {loss_scale}")));
        }
        if self.rule.fused() && accumulate {
            return Err(EngineError::Unsupported(
                "a fused optimiser updates in every backward pass, so gradients cannot be accumulated: set \
                 \"fused\": false in the optimizer's settings, or make each micro-batch a step of its own"
                    .into(),
            ));
        }
        Ok(())
    }

    /// A pass whose rows are all ignored adds nothing.
    fn without_targets(&mut self, model: &mut Model, options: StepOptions) -> Result<Stepped> {
        if options.accumulate {
            self.pass_done()?;
            return Ok(Stepped { loss: 0.0, grad_norm: f64::NAN });
        }
        if !self.waiting {
            return Err(EngineError::Input(
                "no row of this step has a target (all are ignored), so there is no loss to learn from; \
                 leave such a batch out"
                    .into(),
            ));
        }
        let grad_norm = self.update(model, options)?;
        self.pass_done()?;
        Ok(Stepped { loss: 0.0, grad_norm })
    }

    fn accumulating(&mut self, model: &mut Model, call: &Call<'_>) -> Result<Stepped> {
        let seed = (self.seed, self.passes);
        let loss = match call.pass(model, seed, &mut self.gradients) {
            Ok(loss) => loss,
            Err(error) => {
                if self.gradients.take_touched() {
                    self.gradients.clear();
                    self.waiting = false;
                }
                return Err(error);
            }
        };
        self.gradients.take_touched();
        let grad_norm = match call.options.accumulate {
            true => {
                self.waiting = true;
                f64::NAN
            }
            false => self.update(model, call.options)?,
        };
        self.pass_done()?;
        Ok(Stepped { loss, grad_norm })
    }

    /// Updates all weights by the gradients so far, and returns their norm.
    fn update(&mut self, model: &mut Model, options: StepOptions) -> Result<f64> {
        #[cfg(feature = "cuda")]
        if matches!(self.rule, Rule::Device(_)) {
            let result = self.device_update(model, options);
            self.waiting = false;
            self.steps += u64::from(result.is_ok());
            return Ok(result?.grad_norm());
        }
        let threads = model.context().threads();
        let norm = threads.install(|| {
            let norm = self.gradients.norm(&self.segments)?;
            let step = (self.steps + 1, options.learning_rate, self.clip(norm));
            apply(&mut self.rule, &self.segments, &self.gradients, model.params(), step)?;
            Ok(norm)
        });
        self.gradients.clear();
        self.waiting = false;
        self.steps += u64::from(norm.is_ok());
        norm
    }

    /// The factor that brings gradients to their largest norm (`torch.nn.utils.clip_grad_norm_`).
    fn clip(&self, norm: f64) -> f64 {
        self.settings.clip_norm.map_or(1.0, |limit| (limit / (norm + 1e-6)).min(1.0))
    }

    /// The update in the backward pass; with a limit of the norm, behind a first pass that measures it.
    fn fused(&mut self, model: &mut Model, call: &Call<'_>) -> Result<Stepped> {
        let (seed, number) = ((self.seed, self.passes), self.steps + 1);
        let clip = match self.settings.clip_norm {
            None => 1.0,
            Some(_) => {
                let mut measure = Measure::new(&self.segments);
                call.pass(model, seed, &mut measure)?;
                self.clip(measure.norm())
            }
        };
        let Rule::AdaLomo(optimizer) = &mut self.rule else {
            return Err(EngineError::Internal("only AdaLomo is fused".into()));
        };
        let mut update = Update {
            optimizer,
            segments: &self.segments,
            step: (number, call.options.learning_rate, clip),
            measured: Measure::new(&self.segments),
            changed: false,
        };
        let result = call.pass(model, seed, &mut update);
        let (changed, grad_norm) = (update.changed, update.measured.norm());
        match result {
            Ok(loss) => {
                self.steps += 1;
                self.pass_done()?;
                Ok(Stepped { loss, grad_norm })
            }
            Err(error) if changed => Err(self.damage(error)),
            Err(error) => Err(error),
        }
    }

    /// Notes that an error left the weights in the middle of an update.
    fn damage(&mut self, error: EngineError) -> EngineError {
        self.damaged = Some(error.to_string());
        match error {
            EngineError::NotFinite(said) => EngineError::NotFinite(format!(
                "{said}; a fused optimiser had updated the weights above it already: load the last checkpoint"
            )),
            other => other,
        }
    }

    fn pass_done(&mut self) -> Result<()> {
        self.passes = self.passes.checked_add(1).ok_or_else(|| {
            EngineError::Unsupported("more than 2^32 passes from one seed; set another seed".into())
        })?;
        Ok(())
    }
}

/// One tensor after the other; each is computed by all threads.
fn apply(
    rule: &mut Rule,
    segments: &[Vec<Segment>],
    gradients: &Gradients,
    params: &ParamStore,
    step: (u64, f64, f64),
) -> Result<()> {
    for (index, (param, own)) in params.iter().zip(segments).enumerate() {
        let Some(grad) = gradients.get(index) else { continue };
        let mut weights = param.write();
        let weights = weights.f32_mut()?;
        for (part, segment) in own.iter().enumerate().filter(|(_, segment)| !segment.frozen) {
            match rule {
                Rule::AdamW(rule) => rule.update(index, segment, step, weights, grad)?,
                Rule::AdaLomo(rule) => {
                    let range = segment.range.clone();
                    let gradient = Gradient::Dense(&grad.all[range.clone()]);
                    rule.update((index, part), segment, step, &mut weights[range], gradient);
                }
                #[cfg(feature = "cuda")]
                Rule::Device(_) => {}
            }
        }
    }
    Ok(())
}

/// What a step was given.
struct Call<'a> {
    batch: &'a PackedBatch,
    loss: LossOf<'a>,
    options: StepOptions,
    between: Between<'a>,
    checkpointing: bool,
}

impl Call<'_> {
    /// What dropout follows from, and what a pass keeps.
    fn saved(&self, (seed, pass): (u64, u32)) -> Saved {
        let saved = Saved::train(seed, pass);
        if self.checkpointing { saved.checkpointing() } else { saved }
    }

    /// A forward and a backward pass; the loss is looked at before the first gradient exists.
    fn pass(
        &self,
        model: &mut Model,
        (seed, pass): (u64, u32),
        sink: &mut (dyn GradSink + Send),
    ) -> Result<f64> {
        let mut saved = self.saved((seed, pass));
        // A device knows it later.
        let loss = model.pass(self.batch, &mut saved, &self.loss, sink, self.between)?;
        Ok(loss.unwrap_or(f64::NAN))
    }
}

/// Steps on a device: the host launches, and reads once what came of all.
#[cfg(feature = "cuda")]
mod on_device {
    use std::sync::Arc;

    use kobench_cuda::ops::gradient::{self, StepResult};
    use kobench_cuda::{Gpu, Graph};

    use super::super::device::{FusedUpdate, How, Measure, Shape, not_finite};
    use super::{Call, Rule, StepOptions, Stepped, Trainer};
    use crate::device::Device;
    use crate::error::{EngineError, Result};
    use crate::model::Model;

    fn gpu(model: &Model) -> Result<Arc<Gpu>> {
        match model.context().device() {
            Device::Cuda(gpu) => Ok(Arc::clone(gpu)),
            Device::Cpu => Err(EngineError::Internal("a device's optimiser on the CPU".to_owned())),
        }
    }

    impl Trainer {
        fn device(&mut self) -> Result<&mut super::DeviceOptimizer> {
            match &mut self.rule {
                Rule::Device(own) => Ok(own),
                _ => Err(EngineError::Internal("an optimiser of the CPU on a device".to_owned())),
            }
        }

        pub(super) fn device_accumulating(
            &mut self,
            model: &mut Model,
            call: &Call<'_>,
        ) -> Result<Stepped> {
            let seed = (self.seed, self.passes);
            let whole = !call.options.accumulate && !self.waiting;
            let outcome = if whole && self.device()?.graphs.are_on() {
                self.step_by_graph(model, call)
            } else {
                let sink = &mut self.device()?.gradients;
                let passed = call.pass(model, seed, sink);
                passed.and_then(|_| match call.options.accumulate {
                    true => {
                        let result = model.step_result()?;
                        call.loss.check(result.loss)?;
                        self.waiting = true;
                        Ok(Stepped { loss: result.loss, grad_norm: f64::NAN })
                    }
                    false => {
                        let result = self.device_update(model, call.options);
                        self.waiting = false;
                        let result = result?;
                        self.steps += 1;
                        Ok(Stepped { loss: result.loss, grad_norm: result.grad_norm() })
                    }
                })
            };
            match outcome {
                Ok(stepped) => {
                    self.pass_done()?;
                    Ok(stepped)
                }
                Err(error) => {
                    if self.device()?.gradients.touched() {
                        self.device()?.clear()?;
                        self.waiting = false;
                    }
                    Err(error)
                }
            }
        }

        /// A pass and its update in one, on a batch that is padded to its bucket.
        fn step_by_graph(&mut self, model: &mut Model, call: &Call<'_>) -> Result<Stepped> {
            let gpu = gpu(model)?;
            let batch = call.batch;
            let mut saved = call.saved((self.seed, self.passes));
            (call.between)()?;
            model.stage_pass(batch, &call.loss, &saved)?;
            let own = self.device()?;
            let shape = Shape::of(batch);
            let how = own.graphs.how(shape, model.context().staged.places(), own.is_settled());
            if how == How::Plainly {
                model.staged_pass(
                    batch,
                    &mut saved,
                    &call.loss,
                    &mut own.gradients,
                    call.between,
                )?;
                let result = self.device_update(model, call.options)?;
                self.steps += 1;
                return Ok(Stepped { loss: result.loss, grad_norm: result.grad_norm() });
            }
            self.write_update(model, &gpu, call.options)?;
            if how == How::Capturing {
                let segments = std::mem::take(&mut self.segments);
                let captured = self.device().and_then(|own| {
                    let threads = model.context().threads();
                    threads.install(|| {
                        Graph::capture(&gpu, || {
                            let (sink, between) = (&mut own.gradients, &|| Ok(()));
                            model.staged_pass(batch, &mut saved, &call.loss, sink, between)?;
                            let memory = model.context().staged.memory()?;
                            own.update(memory, model.params(), &segments)
                        })
                    })
                });
                self.segments = segments;
                let places = model.context().staged.places().clone();
                let own = self.device()?;
                match captured {
                    Ok(graph) => own.graphs.put(shape, Some((graph, places))),
                    Err(_) => {
                        // Nothing of it has run, and plainly it may.
                        own.graphs.put(shape, None);
                        own.clear()?;
                        let mut saved = call.saved((self.seed, self.passes));
                        let sink = &mut self.device()?.gradients;
                        model.staged_pass(batch, &mut saved, &call.loss, sink, call.between)?;
                        let result = self.device_update(model, call.options)?;
                        self.steps += 1;
                        return Ok(Stepped { loss: result.loss, grad_norm: result.grad_norm() });
                    }
                }
            }
            if let Some(graph) = self.device()?.graphs.get(shape) {
                graph.launch()?;
            }
            model.count_graph();
            let result = self.read_result(model)?;
            self.steps += 1;
            Ok(Stepped { loss: result.loss, grad_norm: result.grad_norm() })
        }

        /// Brings the numbers of the next update to the device.
        fn write_update(
            &mut self,
            model: &mut Model,
            gpu: &Arc<Gpu>,
            options: StepOptions,
        ) -> Result<()> {
            let (number, limit) = (self.steps + 1, self.settings.clip_norm);
            let numbers = self.device()?.numbers(number, options.learning_rate, limit);
            model.write_update(gpu, &numbers)
        }

        /// Waits for an update; an error where something of its step was not finite, so that nothing was updated.
        fn read_result(&mut self, model: &Model) -> Result<StepResult> {
            let result = model.step_result()?;
            if !result.loss.is_finite() {
                return Err(diverged(self.steps + 1, result.loss));
            }
            if result.finite == 0 {
                let segments = std::mem::take(&mut self.segments);
                let bad = self.device().map(|own| not_finite(own.bad_tensor(&result, &segments)));
                self.segments = segments;
                return Err(bad?);
            }
            Ok(result)
        }

        /// Updates all weights by the gradients so far, and reads what came of the step.
        pub(super) fn device_update(
            &mut self,
            model: &mut Model,
            options: StepOptions,
        ) -> Result<StepResult> {
            let gpu = gpu(model)?;
            self.write_update(model, &gpu, options)?;
            let segments = std::mem::take(&mut self.segments);
            let updated = self.device().and_then(|own| {
                own.update(model.context().staged.memory()?, model.params(), &segments)
            });
            self.segments = segments;
            updated?;
            self.read_result(model)
        }

        /// The update in the backward pass; with a limit of the norm, behind a first pass that measures it.
        pub(super) fn device_fused(
            &mut self,
            model: &mut Model,
            mut call: Call<'_>,
        ) -> Result<Stepped> {
            let (seed, number) = ((self.seed, self.passes), self.steps + 1);
            let (gpu, limit) = (gpu(model)?, self.settings.clip_norm);
            let segments = std::mem::take(&mut self.segments);
            let outcome = self.device().and_then(|own| {
                let numbers = own.numbers(number, call.options.learning_rate, limit);
                model.write_update(&gpu, &numbers)?;
                if limit.is_some() {
                    call.pass(model, seed, &mut Measure::new(&gpu, &segments))?;
                    gradient::clip(&gpu, model.context().staged.memory()?)?;
                    call.loss.continues = true;
                }
                let most_rows = call.batch.rows().max(2 * call.batch.reach());
                // Addresses of weights are read here, and the pass reads the weights themselves.
                let mut sink = FusedUpdate::new(own, model.params(), &segments, most_rows)?;
                call.pass(model, seed, &mut sink)?;
                let result = model.step_result()?;
                let bad = match result.finite {
                    0 if result.loss.is_finite() => {
                        Some(not_finite(own.bad_tensor(&result, &segments)))
                    }
                    _ => None,
                };
                Ok((result, bad))
            });
            self.segments = segments;
            match outcome? {
                (result, _) if !result.loss.is_finite() => Err(diverged(number, result.loss)),
                (_, Some(error)) => Err(self.damage(error)),
                (result, None) => {
                    self.steps += 1;
                    self.pass_done()?;
                    Ok(Stepped { loss: result.loss, grad_norm: result.grad_norm() })
                }
            }
        }
    }

    fn diverged(number: u64, loss: f64) -> EngineError {
        EngineError::NotFinite(format!(
            "the loss of step {number} is {loss}: training diverged; lower the learning rate, warm up for longer, or clip \
             the norm of the gradients"
        ))
    }
}
