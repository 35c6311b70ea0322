//! Focal loss (Lin et al. 2017, arXiv:1708.02002) in the two readings that are in use.

use super::{IGNORE, class, columns, log_sum_exp};

/// What the probability of a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FocalReading {
    /// Softmax over the classes; only the target's counts.
    Softmax,
    /// One against all: a sigmoid for each class, as torchvision's `sigmoid_focal_loss` with one-hot targets.
    Sigmoid,
}

/// What the sum is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FocalMean {
    /// The rows that count.
    Rows,
    /// Those rows times the classes.
    Elements,
}

/// Cross-entropy that counts less where the model is sure and right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Focal {
    /// The reading.
    pub reading: FocalReading,
    /// The exponent; 0: cross-entropy.
    pub gamma: f64,
    /// Softmax: a factor on all. Sigmoid: the factor of the target's class, 1 - alpha that of the others.
    /// None: 1.
    pub alpha: Option<f64>,
    /// The mean.
    pub mean: FocalMean,
}

impl Focal {
    /// Softmax: -alpha (1 - p_y)^gamma log p_y. Sigmoid, summed over the classes, with q_c = sigmoid(z_c) for
    /// the target and sigmoid(-z_c) for the others: -alpha_c (1 - q_c)^gamma log q_c.
    ///
    /// # Panics
    /// When the sizes contradict each other, or a target is neither a class nor [`IGNORE`].
    pub fn mean(self, logits: &[f32], targets: &[i64], dlogits: &mut [f32]) -> f64 {
        let classes = columns(logits, targets.len(), dlogits);
        dlogits.fill(0.0);
        let rows = targets.iter().filter(|&&t| t != IGNORE).count();
        if rows == 0 {
            return 0.0;
        }
        let count = match self.mean {
            FocalMean::Rows => rows,
            FocalMean::Elements => rows * classes,
        } as f64;
        let mut loss = 0.0;
        let each = logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
        for ((z, dz), &target) in each.zip(targets).filter(|(_, target)| **target != IGNORE) {
            loss += match self.reading {
                FocalReading::Softmax => self.softmax(z, class(target), count, dz),
                FocalReading::Sigmoid => self.sigmoid(z, class(target), count, dz),
            };
        }
        loss / count
    }

    /// The sum of a row; the gradient is divided by `count`.
    fn softmax(self, z: &[f32], y: usize, count: f64, dz: &mut [f32]) -> f64 {
        let alpha = self.alpha.unwrap_or(1.0);
        let lse = log_sum_exp(z);
        let log_p = f64::from(z[y]) - lse;
        let (value, slope) = focus(log_p, self.gamma);
        for (c, (&z, d)) in z.iter().zip(dz).enumerate() {
            let p = (f64::from(z) - lse).exp();
            // d log p_y / d z_c = [c = y] - p_c
            let gradient = alpha * slope * (f64::from(u8::from(c == y)) - p);
            *d = (gradient / count) as f32;
        }
        alpha * value
    }

    fn sigmoid(self, z: &[f32], y: usize, count: f64, dz: &mut [f32]) -> f64 {
        let mut sum = 0.0;
        for (c, (&z, d)) in z.iter().zip(dz).enumerate() {
            let (sign, alpha) = match c == y {
                true => (1.0, self.alpha.unwrap_or(1.0)),
                false => (-1.0, self.alpha.map_or(1.0, |alpha| 1.0 - alpha)),
            };
            let u = sign * f64::from(z);
            // log sigmoid(u), without overflow on either side.
            let log_q = u.min(0.0) - (-u.abs()).exp().ln_1p();
            let (value, slope) = focus(log_q, self.gamma);
            // d log q / d u = 1 - q
            *d = (alpha * slope * -log_q.exp_m1() * sign / count) as f32;
            sum += alpha * value;
        }
        sum
    }
}

/// -(1 - p)^gamma log p, and its derivative by log p: gamma p (1 - p)^(gamma - 1) log p - (1 - p)^gamma.
fn focus(log_p: f64, gamma: f64) -> (f64, f64) {
    // 1 - p without cancellation where p is near 1.
    let rest = -log_p.exp_m1();
    let power = rest.powf(gamma);
    // The limit at p = 1 is 0 for every positive gamma.
    let bend = match gamma > 0.0 && rest > 0.0 {
        true => gamma * log_p.exp() * rest.powf(gamma - 1.0) * log_p,
        false => 0.0,
    };
    (-power * log_p, bend - power)
}
