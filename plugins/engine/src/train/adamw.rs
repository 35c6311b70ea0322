//! AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), as PyTorch and as transformers had it.
//!
//! With g the gradient after clipping, m and v the moments, t the step, b1' = 1 - b1^t and b2' = 1 - b2^t:
//!
//! m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2
//!
//! torch (`torch.optim.adamw._single_tensor_adamw`): w *= 1 - lr wd, then
//! w -= lr / b1' m / (sqrt(v) / sqrt(b2') + eps)
//!
//! huggingface (`transformers.optimization.AdamW`, until 4.46): w -= lr sqrt(b2') / b1' m / (sqrt(v) + eps),
//! then w -= lr wd w
//!
//! Factors are computed in f64 and rounded to f32, elements are computed in f32, each by itself, so that the
//! result depends neither on threads nor on the instruction set.

use rayon::prelude::*;

use super::CHUNK;
use super::segments::Segment;
use super::settings::{AdamWSettings, Variant};
use crate::buffer::zeroed;
use crate::error::{EngineError, Result};
use crate::kernels::isa::vectorised;

/// The two moments of a parameter.
#[derive(Debug)]
pub(super) struct Moments {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

/// The optimiser and its state.
#[derive(Debug)]
pub(super) struct AdamW {
    settings: AdamWSettings,
    /// By parameter; none where all of it is frozen.
    pub(super) moments: Vec<Option<Moments>>,
}

/// The factors of one tensor at one step.
#[derive(Debug, Clone, Copy)]
struct Factors {
    clip: f32,
    keep_first: f32,
    take_first: f32,
    keep_second: f32,
    take_second: f32,
    step: f32,
    root: f32,
    eps: f32,
    decay: f32,
}

impl AdamW {
    /// Moments of zero for every tensor that is trained.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`].
    pub(super) fn new(settings: AdamWSettings, segments: &[Vec<Segment>]) -> Result<Self> {
        let moments = |own: &Vec<Segment>| {
            if own.iter().all(|segment| segment.frozen) {
                return Ok(None);
            }
            let len = own.last().map_or(0, |segment| segment.range.end);
            let what = "a moment of the optimiser";
            Ok(Some(Moments { first: zeroed(len, what)?, second: zeroed(len, what)? }))
        };
        let moments = segments.iter().map(moments).collect::<Result<_>>()?;
        Ok(Self { settings, moments })
    }

    /// Bytes of the moments.
    pub(super) fn bytes(&self) -> usize {
        let all = self.moments.iter().flatten();
        all.map(|m| 2 * m.first.len() * size_of::<f32>()).sum()
    }

    /// Updates one tensor of parameter `index`; `step` counts from 1.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when the parameter is frozen.
    pub(super) fn update(
        &mut self,
        index: usize,
        segment: &Segment,
        (step, rate, clip): (u64, f64, f64),
        weights: &mut [f32],
        grad: &[f32],
    ) -> Result<()> {
        let factors = self.factors(segment, step, rate, clip);
        let variant = self.settings.variant;
        let moments = self.moments[index]
            .as_mut()
            .ok_or_else(|| EngineError::Internal(format!("{} has no moments", segment.name)))?;
        let range = segment.range.clone();
        weights[range.clone()]
            .par_chunks_mut(CHUNK)
            .zip(grad[range.clone()].par_chunks(CHUNK))
            .zip(moments.first[range.clone()].par_chunks_mut(CHUNK))
            .zip(moments.second[range].par_chunks_mut(CHUNK))
            .for_each(|(((w, g), m), v)| match variant {
                Variant::Torch => torch(w, g, m, v, factors),
                Variant::Huggingface => huggingface(w, g, m, v, factors),
            });
        Ok(())
    }

    fn factors(&self, segment: &Segment, step: u64, rate: f64, clip: f64) -> Factors {
        let own = &self.settings;
        let [b1, b2] = own.betas;
        let power = |beta: f64| beta.powf(step as f64);
        let (correct1, correct2) = (1.0 - power(b1), (1.0 - power(b2)).sqrt());
        let rate = rate * segment.rate;
        let decay = if segment.decays { rate * own.weight_decay } else { 0.0 };
        let (step, root, decay) = match own.variant {
            Variant::Torch => (rate / correct1, correct2, 1.0 - decay),
            Variant::Huggingface => (rate * correct2 / correct1, 1.0, decay),
        };
        Factors {
            clip: clip as f32,
            keep_first: b1 as f32,
            take_first: (1.0 - b1) as f32,
            keep_second: b2 as f32,
            take_second: (1.0 - b2) as f32,
            step: step as f32,
            root: root as f32,
            eps: own.eps as f32,
            decay: decay as f32,
        }
    }
}

vectorised! {
    fn torch<'a>(w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], v: &'a mut [f32], f: Factors) {
        for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut()) {
            let g = g * f.clip;
            *m += (g - *m) * f.take_first;
            *v = *v * f.keep_second + g * g * f.take_second;
            *w = *w * f.decay - f.step * (*m / (v.sqrt() / f.root + f.eps));
        }
    }

    fn huggingface<'a>(w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], v: &'a mut [f32], f: Factors) {
        for (((w, &g), m), v) in w.iter_mut().zip(g).zip(m.iter_mut()).zip(v.iter_mut()) {
            let g = g * f.clip;
            *m = *m * f.keep_first + g * f.take_first;
            *v = *v * f.keep_second + g * g * f.take_second;
            let moved = *w - f.step * (*m / (v.sqrt() + f.eps));
            *w = moved - f.decay * moved;
        }
    }
}
