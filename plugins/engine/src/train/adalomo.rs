//! AdaLomo (Lv et al. 2023, arXiv:2310.10195), with the formulas of `lomo_optim/adalomo.py` in OpenLMLab/LOMO.
//!
//! At step t, from 1, with the gradient G of a tensor (after clipping) and b = 1 - t^decay_rate, for a matrix:
//!
//! r = b r + (1 - b) mean over columns of (G^2 + eps_1),  c = b c + (1 - b) mean over rows of (G^2 + eps_1)
//! U = G / sqrt(r / mean(r)) / sqrt(c)
//!
//! and for a vector v = b v + (1 - b) (G^2 + eps_1), U = G / sqrt(v). Then, with RMS(X) = |X| / sqrt(elements):
//!
//! U = U / max(1, RMS(U) / clip_threshold),  a = lr max(eps_2, RMS(W)),  W = (1 - a wd) W - a U
//!
//! A tensor of more dimensions is a stack of matrices, as in Adafactor. Rows of a table that received no gradient
//! have a squared gradient of 0, and are computed as such without being touched.

use rayon::prelude::*;

use super::CHUNK;
use super::gradients::squares;
use super::segments::Segment;
use super::settings::AdaLomoSettings;
use crate::error::Result;
use crate::memory::zeroed;
use crate::ops::embedding::SparseRows;

/// Columns in one unit of parallel work.
const STRIP: usize = 64;

/// The second moment of a tensor.
#[derive(Debug)]
pub(super) enum Moment {
    /// Of a matrix, or of each of a stack of them: means of its rows and of its columns.
    Factored {
        /// `[.., rows]`
        rows: Vec<f32>,
        /// `[.., columns]`
        columns: Vec<f32>,
    },
    /// Of a vector.
    Full(Vec<f32>),
    /// Of a tensor that is not trained.
    None,
}

/// The gradient of a tensor.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gradient<'a> {
    /// All of it.
    Dense(&'a [f32]),
    /// Some rows of a table; zeros elsewhere.
    Rows(&'a SparseRows),
}

/// The optimiser and its state.
#[derive(Debug)]
pub(super) struct AdaLomo {
    settings: AdaLomoSettings,
    /// By parameter and segment.
    pub(super) moments: Vec<Vec<Moment>>,
}

/// Rows and columns of each matrix of a tensor that has more than one dimension.
pub(super) fn sides(shape: &[usize]) -> Option<(usize, usize)> {
    match shape {
        [.., rows, columns] => Some((*rows, *columns)),
        _ => None,
    }
}

impl AdaLomo {
    /// Moments of zero for every tensor that is trained.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    pub(super) fn new(settings: AdaLomoSettings, segments: &[Vec<Segment>]) -> Result<Self> {
        let what = "a moment of the optimiser";
        let moment = |segment: &Segment| {
            if segment.frozen {
                return Ok(Moment::None);
            }
            let elements = segment.range.len();
            Ok(match sides(&segment.shape) {
                Some((rows, columns)) => Moment::Factored {
                    rows: zeroed(elements / columns.max(1), what)?,
                    columns: zeroed(elements / rows.max(1), what)?,
                },
                None => Moment::Full(zeroed(elements, what)?),
            })
        };
        let of_param = |own: &Vec<Segment>| own.iter().map(moment).collect::<Result<_>>();
        let moments = segments.iter().map(of_param).collect::<Result<_>>()?;
        Ok(Self { settings, moments })
    }

    /// Whether weights are updated in the backward pass.
    pub(super) fn fused(&self) -> bool {
        self.settings.fused
    }

    /// Bytes of the moments.
    pub(super) fn bytes(&self) -> usize {
        let len = |moment: &Moment| match moment {
            Moment::Factored { rows, columns } => rows.len() + columns.len(),
            Moment::Full(all) => all.len(),
            Moment::None => 0,
        };
        self.moments.iter().flatten().map(len).sum::<usize>() * size_of::<f32>()
    }

    /// Updates segment `part` of parameter `index`, whose elements are `weights`; `step` counts from 1, and
    /// the gradient is multiplied by `clip`.
    pub(super) fn update(
        &mut self,
        (index, part): (usize, usize),
        segment: &Segment,
        (step, rate, clip): (u64, f64, f64),
        weights: &mut [f32],
        gradient: Gradient<'_>,
    ) {
        let own = &self.settings;
        let decay = 1.0 - (step as f64).powf(own.decay_rate);
        let least = own.eps[0];
        let clip = clip as f32;
        let elements = weights.len().max(1) as f64;
        let rms = (squares(weights) / elements).sqrt();
        let rate = rate * segment.rate * own.eps[1].max(rms);
        if own.weight_decay > 0.0 && segment.decays {
            let factor = (1.0 - rate * own.weight_decay) as f32;
            let pieces = weights.par_chunks_mut(CHUNK);
            pieces.for_each(|piece| piece.iter_mut().for_each(|w| *w *= factor));
        }
        let mix = |old: &mut f32, new: f64| {
            *old = (f64::from(*old) * decay + (new + least) * (1.0 - decay)) as f32;
        };
        // The update's size is known only when all of it is, so that it is computed twice.
        let limit = own.clip_threshold;
        let scale = |sum: f64| rate / (((sum / elements).sqrt() / limit).max(1.0));
        match (&mut self.moments[index][part], gradient) {
            (Moment::None, _) => {}
            (Moment::Full(moment), Gradient::Dense(g)) => {
                let square = |g: &f32| f64::from(g * clip) * f64::from(g * clip);
                moment.iter_mut().zip(g).for_each(|(v, g)| mix(v, square(g)));
                let update = |v: &f32, g: &f32| f64::from(g * clip) / f64::from(*v).sqrt();
                let sum = moment.iter().zip(g).map(|(v, g)| update(v, g).powi(2)).sum();
                let scale = scale(sum);
                for ((w, v), g) in weights.iter_mut().zip(moment.iter()).zip(g) {
                    *w -= (scale * update(v, g)) as f32;
                }
            }
            // Tables are matrices.
            (Moment::Full(_), Gradient::Rows(_)) => {}
            (Moment::Factored { rows, columns }, gradient) => {
                let Some((height, width)) = sides(&segment.shape) else { return };
                let matrices = weights.len() / (height * width).max(1);
                let mut picked = Vec::new();
                for matrix in 0..matrices {
                    let touched = match gradient {
                        Gradient::Dense(g) => Touched {
                            rows: None,
                            grad: &g[matrix * height * width..][..height * width],
                            width,
                            clip,
                        },
                        Gradient::Rows(sparse) => {
                            Touched { rows: Some(&sparse.rows), grad: &sparse.grad, width, clip }
                        }
                    };
                    let rows = &mut rows[matrix * height..][..height];
                    let columns = &mut columns[matrix * width..][..width];
                    touched.means(rows, columns, mix);
                    picked.push(touched);
                }
                let factors: Vec<(Vec<f32>, Vec<f32>)> = rows
                    .chunks_exact(height.max(1))
                    .zip(columns.chunks_exact(width.max(1)))
                    .map(|(rows, columns)| roots(rows, columns))
                    .collect();
                let sums = picked.iter().zip(&factors).map(|(g, (r, c))| g.update_squares(r, c));
                let scale = scale(sums.sum()) as f32;
                let matrices = weights.chunks_exact_mut((height * width).max(1));
                for ((weights, touched), (r, c)) in matrices.zip(&picked).zip(&factors) {
                    touched.apply(weights, r, c, scale);
                }
            }
        }
    }
}

/// 1 / sqrt(r / mean(r)) and 1 / sqrt(c).
fn roots(rows: &[f32], columns: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mean = rows.iter().map(|&r| f64::from(r)).sum::<f64>() / rows.len().max(1) as f64;
    let of_rows = rows.iter().map(|&r| (mean / f64::from(r)).sqrt() as f32).collect();
    let of_columns = columns.iter().map(|&c| f64::from(c).sqrt().recip() as f32).collect();
    (of_rows, of_columns)
}

/// The rows of a matrix that have a gradient.
#[derive(Debug, Clone, Copy)]
struct Touched<'a> {
    /// Their numbers, ascending; none: all of them.
    rows: Option<&'a [u32]>,
    grad: &'a [f32],
    width: usize,
    clip: f32,
}

impl Touched<'_> {
    fn number(&self, at: usize) -> usize {
        self.rows.map_or(at, |rows| rows[at] as usize)
    }

    /// Mixes the means of the squared gradients into the moments.
    fn means(&self, rows: &mut [f32], columns: &mut [f32], mix: impl Fn(&mut f32, f64) + Sync) {
        let square = |g: f32| f64::from(g * self.clip) * f64::from(g * self.clip);
        let (height, width) = (rows.len() as f64, self.width);
        let sums: Vec<f64> = self
            .grad
            .par_chunks_exact(width)
            .map(|row| row.iter().map(|&g| square(g)).sum())
            .collect();
        let mut all = vec![0.0; rows.len()];
        for (at, sum) in sums.into_iter().enumerate() {
            all[self.number(at)] = sum;
        }
        rows.iter_mut().zip(all).for_each(|(row, sum)| mix(row, sum / width as f64));
        columns.par_chunks_mut(STRIP).enumerate().for_each(|(strip, columns)| {
            let mut sums = [0.0; STRIP];
            for row in self.grad.chunks_exact(width) {
                for (sum, &g) in sums.iter_mut().zip(&row[strip * STRIP..][..columns.len()]) {
                    *sum += square(g);
                }
            }
            columns.iter_mut().zip(sums).for_each(|(column, sum)| mix(column, sum / height));
        });
    }

    /// Sum of the squares of G r c.
    fn update_squares(&self, r: &[f32], c: &[f32]) -> f64 {
        let rows: Vec<f64> = self
            .grad
            .par_chunks_exact(self.width)
            .enumerate()
            .map(|(at, row)| {
                let r = r[self.number(at)] * self.clip;
                let update = |(&g, &c): (&f32, &f32)| f64::from(g * r * c);
                row.iter().zip(c).map(update).map(|u| u * u).sum()
            })
            .collect();
        rows.iter().sum()
    }

    /// Subtracts scale G r c.
    fn apply(&self, weights: &mut [f32], r: &[f32], c: &[f32], scale: f32) {
        let one = |weights: &mut [f32], row: &[f32], number: usize| {
            let r = r[number] * self.clip;
            for ((w, &g), &c) in weights.iter_mut().zip(row).zip(c) {
                *w -= scale * (g * r * c);
            }
        };
        let rows = self.grad.par_chunks_exact(self.width);
        match self.rows {
            None => {
                let weights = weights.par_chunks_exact_mut(self.width).zip(rows).enumerate();
                weights.for_each(|(number, (weights, row))| one(weights, row, number));
            }
            Some(numbers) => {
                for (&number, row) in numbers.iter().zip(self.grad.chunks_exact(self.width)) {
                    let number = number as usize;
                    one(&mut weights[number * self.width..][..self.width], row, number);
                }
            }
        }
    }
}
