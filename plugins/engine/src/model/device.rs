//! What a model has to do besides where it computes on a device: bring the lists of a pass there, and read what came of it.

use std::sync::Arc;

use kobench_cuda::ops::gradient::{StepResult, Update};
use kobench_cuda::{Gpu, StepState};

use super::{LossOf, Model};
use crate::batch::PackedBatch;
use crate::device::Device;
use crate::error::{EngineError, Result};
use crate::saved::Saved;
use crate::stage::Stage;
use crate::train::Objective;
use crate::trunk;

impl Model {
    /// Brings what a pass reads beside its buffers to the device, if it is one.
    pub(super) fn stage(
        &mut self,
        batch: &PackedBatch,
        objective: Option<&Objective<'_>>,
        saved: &Saved,
        loss_scale: f32,
    ) -> Result<()> {
        let Device::Cuda(gpu) = self.ctx.device().clone() else { return Ok(()) };
        let mut stage = Stage::new(batch, objective.is_some());
        self.trunk.stage(&self.ctx, batch, &mut stage);
        self.head.stage(batch, &mut stage);
        if let Some(objective) = objective {
            objective.stage(self.logits_rows(batch), batch.sequences(), &mut stage);
        }
        let (seed, pass) = saved.stream();
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let state = StepState {
            seed: [seed as u32, (seed >> 32) as u32],
            pass,
            tokens: narrow(batch.tokens()),
            longest: narrow(batch.max_seqlen()),
            sequences: narrow(batch.sequences()),
            loss_scale,
            reserved: 0,
        };
        self.ctx.staged.load(&gpu, stage, state)
    }

    /// The loss of the last pass on a device.
    pub(super) fn device_loss(&self) -> Result<f64> {
        Ok(self.step_result()?.loss)
    }

    /// Brings what a training pass reads beside its buffers to the device.
    pub(crate) fn stage_pass(
        &mut self,
        batch: &PackedBatch,
        loss: &LossOf<'_>,
        saved: &Saved,
    ) -> Result<()> {
        trunk::check(&self.config, batch)?;
        self.stage(batch, Some(&loss.objective), saved, loss.scale)
    }

    /// Keeps training steps from being captured as graphs, or lets them be; for a training that begins later.
    pub fn set_graphs(&mut self, on: bool) {
        self.ctx.set_graphs(on);
    }

    /// Notes that a pass was launched as a graph.
    pub(crate) fn count_graph(&mut self) {
        self.ctx.staged.graph_launches += 1;
    }

    /// What came of the last step on a device; waits for it.
    pub(crate) fn step_result(&self) -> Result<StepResult> {
        let Device::Cuda(gpu) = self.ctx.device() else {
            return Err(EngineError::Internal("a step's result on the CPU".to_owned()));
        };
        Ok(self.ctx.staged.memory()?.read(gpu)?)
    }

    /// Brings the numbers of an update to the device.
    pub(crate) fn write_update(&mut self, gpu: &Arc<Gpu>, update: &Update) -> Result<()> {
        self.ctx.staged.write_update(gpu, update)
    }
}
