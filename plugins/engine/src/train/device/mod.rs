//! Training on a device: gradients, moments and the update stay there, and the host learns of a step what the device wrote
//! into its [`StepResult`](kobench_cuda::ops::gradient::StepResult).

mod fused;
mod gradients;
mod moments;

use std::sync::Arc;

use kobench_cuda::ops::gradient::{self, StepResult, TableRows, Update};
use kobench_cuda::ops::{adalomo, adamw};
use kobench_cuda::{DType, Gpu};

pub(super) use self::fused::{FusedUpdate, Measure};
use self::gradients::Gradients;
use self::moments::Moments;
use super::segments::Segment;
use super::settings::{AdaLomoSettings, AdamWSettings, Optimizer, Variant};
use super::trainer::Rule;
use crate::error::{EngineError, Result};
use crate::param::{ParamStore, Parameter};

/// Constants of an optimiser, as its kernels take them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Constants {
    AdamW(adamw::Settings),
    AdaLomo(adalomo::Settings),
}

impl Constants {
    fn of(optimizer: &Optimizer) -> Self {
        match optimizer {
            Optimizer::Adamw(own) => Self::AdamW(of_adamw(own)),
            Optimizer::Adalomo(own) => Self::AdaLomo(of_adalomo(own)),
        }
    }

    /// The numbers of update `step`, from 1.
    fn update(&self, step: u64, rate: f64, limit: Option<f64>) -> Update {
        match self {
            Self::AdamW(own) => own.update(step, rate, limit),
            Self::AdaLomo(own) => own.update(step, rate, limit),
        }
    }
}

fn of_adamw(own: &AdamWSettings) -> adamw::Settings {
    adamw::Settings {
        huggingface: own.variant == Variant::Huggingface,
        betas: own.betas,
        eps: own.eps,
        weight_decay: own.weight_decay,
    }
}

fn of_adalomo(own: &AdaLomoSettings) -> adalomo::Settings {
    adalomo::Settings {
        decay_rate: own.decay_rate,
        eps: own.eps,
        clip_threshold: own.clip_threshold,
        weight_decay: own.weight_decay,
    }
}

/// Work lists of the tensors that have gradients.
#[derive(Debug)]
struct Plans {
    norm: gradient::Plan,
    update: UpdatePlan,
    /// Of each tensor, by its place in the plans: its parameter and segment.
    tensors: Vec<(usize, usize)>,
}

#[derive(Debug)]
enum UpdatePlan {
    AdamW(adamw::Plan),
    AdaLomo(adalomo::Plan),
}

/// An optimiser on a device, with its gradients.
#[derive(Debug)]
pub(super) struct DeviceOptimizer {
    gpu: Arc<Gpu>,
    constants: Constants,
    fused: bool,
    moments: Moments,
    pub(super) gradients: Gradients,
    plans: Option<Plans>,
    /// Of all tensors that are trained, in their order, where each is updated by itself.
    fused_plan: Option<adalomo::Plan>,
}

impl DeviceOptimizer {
    /// Moments of zero for every tensor that is trained.
    ///
    /// # Errors
    /// [`EngineError::OutOfDeviceMemory`].
    pub(super) fn new(
        gpu: &Arc<Gpu>,
        optimizer: &Optimizer,
        segments: &[Vec<Segment>],
    ) -> Result<Self> {
        let fused = matches!(optimizer, Optimizer::Adalomo(own) if own.fused);
        let rows_live = matches!(optimizer, Optimizer::Adamw(own) if own.eps > 0.0);
        Ok(Self {
            gpu: Arc::clone(gpu),
            constants: Constants::of(optimizer),
            fused,
            moments: Moments::new(gpu, optimizer, segments)?,
            gradients: Gradients::new(gpu, segments, rows_live),
            plans: None,
            fused_plan: None,
        })
    }

    /// Whether weights are updated in the backward pass.
    pub(super) fn fused(&self) -> bool {
        self.fused
    }

    /// Bytes of moments and gradients.
    pub(super) fn bytes(&self) -> usize {
        self.moments.bytes() + self.gradients.bytes()
    }

    /// Forgets addresses: weights or moments came from elsewhere.
    pub(super) fn replaced(&mut self) {
        self.plans = None;
        self.fused_plan = None;
    }

    /// The state in the host's memory, in the form of the CPU's optimiser.
    ///
    /// # Errors
    /// Of the device.
    pub(super) fn download(
        &self,
        optimizer: &Optimizer,
        segments: &[Vec<Segment>],
    ) -> Result<Rule> {
        let mut rule = Rule::host(optimizer, segments)?;
        self.moments.download(&mut rule)?;
        Ok(rule)
    }

    /// Takes over a state.
    ///
    /// # Errors
    /// Of the device.
    pub(super) fn upload(&mut self, rule: &mut Rule) -> Result<()> {
        self.moments.upload(rule)?;
        // Moments may be other than zero in any row now.
        self.gradients.forget_live();
        self.replaced();
        Ok(())
    }

    /// The numbers of an update, for the device.
    pub(super) fn numbers(&self, step: u64, rate: f64, limit: Option<f64>) -> Update {
        self.constants.update(step, rate, limit)
    }

    /// Updates all weights by the gradients so far, which are forgotten, and says what came of the step. Where a gradient is
    /// not finite no weight has changed.
    ///
    /// # Errors
    /// [`EngineError::NotFinite`], [`EngineError::OutOfDeviceMemory`], or of the device.
    pub(super) fn update(
        &mut self,
        memory: &gradient::StepMemory,
        params: &ParamStore,
        segments: &[Vec<Segment>],
    ) -> Result<()> {
        if self.plans.is_none() || self.gradients.take_moved() {
            self.plans = Some(self.plan(params, segments)?);
        }
        let Some(plans) = &self.plans else { return Ok(()) };
        plans.norm.norm(&self.gpu, memory)?;
        match &plans.update {
            UpdatePlan::AdamW(plan) => plan.update(&self.gpu, memory)?,
            UpdatePlan::AdaLomo(plan) => plan.update(&self.gpu, DType::F32, memory)?,
        }
        self.gradients.updated();
        Ok(())
    }

    /// Drops all gradients.
    ///
    /// # Errors
    /// Of the device.
    pub(super) fn clear(&mut self) -> Result<()> {
        self.gradients.clear()
    }

    /// The name of the tensor whose gradient was the first that is not finite.
    pub(super) fn bad_tensor<'a>(
        &self,
        result: &StepResult,
        segments: &'a [Vec<Segment>],
    ) -> Option<&'a Segment> {
        let place = result.bad_tensor()?;
        let (index, part) = match &self.plans {
            Some(plans) => *plans.tensors.get(place)?,
            None => return segments.iter().flatten().filter(|s| !s.frozen).nth(place),
        };
        segments.get(index)?.get(part)
    }

    /// Makes ready for passes that update each weight at once, with at most so many rows of a table.
    fn prepare_fused(
        &mut self,
        params: &ParamStore,
        segments: &[Vec<Segment>],
        most_rows: usize,
    ) -> Result<()> {
        for (index, param) in params.iter().enumerate() {
            if let Some(width) = param.table_width() {
                self.gradients.make_room(index, width, most_rows)?;
            }
        }
        if self.fused_plan.is_none() || self.gradients.take_moved() {
            let mut tensors = Vec::new();
            for (index, param) in params.iter().enumerate() {
                let rows = self.gradients.rows(index);
                for (part, segment) in segments[index].iter().enumerate().filter(|(_, s)| !s.frozen)
                {
                    tensors.push(self.adalomo(param, index, (part, segment), 0, rows, true)?);
                }
            }
            self.fused_plan = Some(adalomo::Plan::new(&self.gpu, &tensors, true)?);
        }
        Ok(())
    }

    fn plan(&self, params: &ParamStore, segments: &[Vec<Segment>]) -> Result<Plans> {
        let mut tensors = Vec::new();
        let (mut of_adamw, mut of_adalomo, mut of_norm) = (Vec::new(), Vec::new(), Vec::new());
        for (index, (param, own)) in params.iter().zip(segments).enumerate() {
            let Some(gradient) = self.gradients.address(index) else { continue };
            let rows = self.gradients.rows(index);
            for (part, segment) in own.iter().enumerate().filter(|(_, s)| !s.frozen) {
                let (gradient, elements) = (at(gradient, segment, 4), segment.range.len());
                tensors.push((index, part));
                of_norm.push(gradient::Tensor { gradient, elements, rows });
                let of = (part, segment);
                match self.constants {
                    Constants::AdamW(_) => {
                        of_adamw.push(self.adamw(param, index, of, gradient, rows)?);
                    }
                    Constants::AdaLomo(_) => {
                        of_adalomo.push(self.adalomo(param, index, of, gradient, rows, false)?);
                    }
                }
            }
        }
        let update = match self.constants {
            Constants::AdamW(_) => UpdatePlan::AdamW(adamw::Plan::new(&self.gpu, &of_adamw)?),
            Constants::AdaLomo(_) => {
                UpdatePlan::AdaLomo(adalomo::Plan::new(&self.gpu, &of_adalomo, false)?)
            }
        };
        Ok(Plans { norm: gradient::Plan::new(&self.gpu, &of_norm)?, update, tensors })
    }

    fn adamw(
        &self,
        param: &Parameter,
        index: usize,
        (part, segment): (usize, &Segment),
        gradient: u64,
        rows: Option<TableRows>,
    ) -> Result<adamw::Tensor> {
        let (weights, copy) = weights(param, segment)?;
        let (first, second) = self.moments.addresses(index, part);
        Ok(adamw::Tensor {
            weights,
            copy,
            gradient,
            first,
            second,
            elements: segment.range.len(),
            decays: segment.decays,
            rate: segment.rate,
            rows,
        })
    }

    fn adalomo(
        &self,
        param: &Parameter,
        index: usize,
        (part, segment): (usize, &Segment),
        gradient: u64,
        rows: Option<TableRows>,
        fused: bool,
    ) -> Result<adalomo::Tensor> {
        let (weights, copy) = weights(param, segment)?;
        let (first, second) = self.moments.addresses(index, part);
        let weight_decay = match self.constants {
            Constants::AdamW(own) => own.weight_decay,
            Constants::AdaLomo(own) => own.weight_decay,
        };
        Ok(adalomo::Tensor {
            weights,
            copy,
            gradient,
            first,
            second,
            shape: segment.shape.clone(),
            decays: segment.decays && weight_decay > 0.0,
            rate: segment.rate,
            rows,
            compact: fused && rows.is_some(),
        })
    }
}

/// Where a segment's weights and their bf16 copy lie; 0 for none.
fn weights(param: &Parameter, segment: &Segment) -> Result<(u64, u64)> {
    let mut value = param.write();
    let weights = value.device_mut()?.ptr();
    let copy = match value.rounded_mut() {
        Some(rounded) => rounded.device_mut()?.ptr(),
        None => 0,
    };
    Ok((at(weights, segment, 4), at(copy, segment, 2)))
}

/// Where a segment lies in what begins at an address, with elements of so many bytes.
fn at(address: u64, segment: &Segment, bytes: usize) -> u64 {
    match address {
        0 => 0,
        address => address + (segment.range.start * bytes) as u64,
    }
}

/// The error of a step whose loss or gradient is not finite.
pub(super) fn not_finite(bad: Option<&Segment>) -> EngineError {
    let name = bad.map_or("a tensor", |segment| segment.name.as_str());
    EngineError::NotFinite(format!(
        "the gradient of {name} is not finite; lower the learning rate, clip the norm of the gradients, or look for odd \
         rows in the batch"
    ))
}
