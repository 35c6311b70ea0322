//! One training step after the other.

#[cfg(feature = "cuda")]
mod on_device;

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
