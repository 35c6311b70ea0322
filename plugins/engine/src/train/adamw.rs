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
use super::gradients::Sum;
use super::segments::Segment;
use super::settings::{AdamWSettings, Variant};
use crate::error::{EngineError, Result};
use crate::kernels::isa::vectorised;
use crate::memory::zeroed;

/// The two moments of a parameter.
#[derive(Debug)]
pub(super) struct Moments {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
    live: Live,
}

/// Where moments may be other than zero.
#[derive(Debug)]
enum Live {
    /// In these rows of a table, which have had a gradient. In all others the step of an update is zero, so that only
    /// the decay is left of it: a vocabulary's rows are mostly never seen.
    Rows(Vec<bool>),
    /// Anywhere.
    All,
}

impl Moments {
    fn zeros(len: usize) -> Result<Self> {
        let what = "a moment of the optimiser";
        let (first, second) = (zeroed(len, what)?, zeroed(len, what)?);
        Ok(Self { first, second, live: Live::Rows(Vec::new()) })
    }

    /// Forgets where they may be other than zero: they come from elsewhere.
    pub(super) fn replaced(&mut self) {
        self.live = Live::All;
    }
}

impl Live {
    /// Notes that these rows of `count` have a gradient; none: that all may have one. Gives the rows that may have
    /// moments, or `None` for all.
    fn touch(&mut self, rows: Option<&[u32]>, count: usize) -> Option<&[bool]> {
        match (&mut *self, rows) {
            (Self::Rows(live), Some(rows)) if live.is_empty() || live.len() == count => {
                live.resize(count, false);
                rows.iter().for_each(|&row| live[row as usize] = true);
            }
            _ => *self = Self::All,
        }
        match self {
            Self::Rows(live) => Some(live),
            Self::All => None,
        }
    }
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
            Ok(Some(Moments::zeros(len)?))
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
        grad: Sum<'_>,
    ) -> Result<()> {
        let factors = self.factors(segment, step, rate, clip);
        let variant = self.settings.variant;
        let Moments { first, second, live } = self.moments[index]
            .as_mut()
            .ok_or_else(|| EngineError::Internal(format!("{} has no moments", segment.name)))?;
        // A table is one tensor. With an epsilon of 0 the step of a row without moments is NaN, as in PyTorch.
        let whole = segment.range.len() == first.len() && self.settings.eps > 0.0;
        let width = grad.rows.map_or(1, |(_, width)| width);
        let rows = grad.rows.filter(|_| whole).map(|(rows, _)| rows);
        let live = live.touch(rows, first.len() / width);
        let range = segment.range.clone();
        let chunk = (CHUNK / width).max(1) * width;
        weights[range.clone()]
            .par_chunks_mut(chunk)
            .zip(grad.all[range.clone()].par_chunks(chunk))
            .zip(first[range.clone()].par_chunks_mut(chunk))
            .zip(second[range].par_chunks_mut(chunk))
            .enumerate()
            .for_each(|(number, (((w, g), m), v))| {
                let Some(live) = live else { return variant.update(w, g, m, v, factors) };
                let rows = w.chunks_exact_mut(width).zip(g.chunks_exact(width));
                let rows = rows.zip(m.chunks_exact_mut(width)).zip(v.chunks_exact_mut(width));
                let live = &live[number * (chunk / width)..];
                for ((((w, g), m), v), &live) in rows.zip(live) {
                    match live {
                        true => variant.update(w, g, m, v, factors),
                        false => variant.decay(w, factors),
                    }
                }
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

impl Variant {
    fn update(self, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], f: Factors) {
        match self {
            Self::Torch => torch(w, g, m, v, f),
            Self::Huggingface => huggingface(w, g, m, v, f),
        }
    }

    /// What [`Variant::update`] does where gradient and moments are zero.
    fn decay(self, w: &mut [f32], f: Factors) {
        match self {
            Self::Torch if f.decay == 1.0 => {}
            Self::Torch => w.iter_mut().for_each(|w| *w *= f.decay),
            Self::Huggingface if f.decay == 0.0 => {}
            Self::Huggingface => w.iter_mut().for_each(|w| *w -= f.decay * *w),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A table that is updated by rows is the one that a dense gradient of zeros elsewhere would make, bit for bit.
    #[test]
    fn rows_that_were_never_touched_need_only_their_decay() {
        const WIDTH: usize = 3;
        const ROWS: usize = 40_000;
        for variant in [Variant::Torch, Variant::Huggingface] {
            for weight_decay in [0.0, 0.1] {
                let settings = AdamWSettings { variant, weight_decay, ..AdamWSettings::default() };
                let segment = Segment {
                    name: "table".into(),
                    shape: vec![ROWS, WIDTH],
                    range: 0..ROWS * WIDTH,
                    decays: true,
                    frozen: false,
                    rate: 1.0,
                };
                let segments = vec![vec![segment]];
                let new = || AdamW::new(settings.clone(), &segments).unwrap();
                let (mut sparse, mut dense) = (new(), new());
                let weights: Vec<f32> = (0..ROWS * WIDTH).map(|i| (i % 97) as f32 - 48.0).collect();
                let (mut by_rows, mut by_all) = (weights.clone(), weights.clone());
                // The third step meets a row of the first one again, and rows of the second go on by momentum.
                let steps: [&[u32]; 4] = [&[0, 7, 39_999], &[1, 20_000], &[7, 9], &[]];
                for (number, rows) in steps.into_iter().enumerate() {
                    let mut grad = vec![0.0; ROWS * WIDTH];
                    for &row in rows {
                        grad[row as usize * WIDTH..][..WIDTH].copy_from_slice(&[0.5, -2.0, 1e-3]);
                    }
                    let step = (number as u64 + 1, 1e-2, 0.7);
                    let rows = Sum { all: &grad, rows: Some((rows, WIDTH)) };
                    sparse.update(0, &segments[0][0], step, &mut by_rows, rows).unwrap();
                    let all = Sum { all: &grad, rows: None };
                    dense.update(0, &segments[0][0], step, &mut by_all, all).unwrap();
                    assert_eq!(by_rows, by_all, "{variant:?} {weight_decay} step {number}");
                }
                let moved =
                    by_rows.chunks(WIDTH).zip(weights.chunks(WIDTH)).filter(|(a, b)| a != b);
                assert_eq!(moved.count() > 6, weight_decay > 0.0);
            }
        }
    }
}
