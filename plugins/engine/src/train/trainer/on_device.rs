//! Steps on a device: the host launches, and reads once what came of all.

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
        let seed = (self.seed, self.passes);
        (call.between)()?;
        model.stage_pass(call.batch, &call.loss, &call.saved(seed))?;
        let own = self.device()?;
        let shape = Shape::of(call.batch);
        let how = own.graphs.how(shape, model.context().staged.places(), own.is_settled());
        let captured = match how {
            How::Plainly => false,
            How::Capturing => self.capture(model, call, shape)?,
            How::AsGraph => true,
        };
        let result = if captured {
            self.write_update(model, &gpu(model)?, call.options)?;
            if let Some(graph) = self.device()?.graphs.get(shape) {
                graph.launch()?;
            }
            model.count_graph();
            self.read_result(model)?
        } else {
            let (mut saved, sink) = (call.saved(seed), &mut self.device()?.gradients);
            model.staged_pass(call.batch, &mut saved, &call.loss, sink, call.between)?;
            self.device_update(model, call.options)?
        };
        self.steps += 1;
        Ok(Stepped { loss: result.loss, grad_norm: result.grad_norm() })
    }

    /// Captures the step that is staged, of which nothing runs. False where that cannot be.
    fn capture(&mut self, model: &mut Model, call: &Call<'_>, shape: Shape) -> Result<bool> {
        let gpu = gpu(model)?;
        let mut saved = call.saved((self.seed, self.passes));
        let segments = std::mem::take(&mut self.segments);
        let captured = self.device().and_then(|own| {
            let threads = model.context().threads();
            threads.install(|| {
                Graph::capture(&gpu, || {
                    let (sink, between) = (&mut own.gradients, &|| Ok(()));
                    model.staged_pass(call.batch, &mut saved, &call.loss, sink, between)?;
                    own.update(model.context().staged.memory()?, model.params(), &segments)
                })
            })
        });
        self.segments = segments;
        let places = model.context().staged.places().clone();
        let own = self.device()?;
        let graph = captured.ok().map(|graph| (graph, places));
        let is_captured = graph.is_some();
        own.graphs.put(shape, graph);
        if !is_captured {
            own.clear()?;
        }
        Ok(is_captured)
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
