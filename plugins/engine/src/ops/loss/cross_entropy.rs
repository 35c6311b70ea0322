//! Cross-entropy with class weights and label smoothing, as PyTorch's `cross_entropy`.

use super::{IGNORE, class, columns, log_sum_exp};

/// How each row counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct CrossEntropy<'a> {
    /// A factor for each class; none: 1 for all. The mean is over the factors of the targets.
    pub class_weights: Option<&'a [f32]>,
    /// The part e of the target that is spread evenly over all classes (Szegedy et al. 2016).
    pub label_smoothing: f64,
}

impl CrossEntropy<'_> {
    /// With w the class weights, y the target, l_c = log sum exp(z) - z_c and C classes, summed over the rows:
    ///
    /// loss = ((1 - e) sum(w_y l_y) + e / C sum(sum_c(w_c l_c))) / sum(w_y)
    ///
    /// (`cross_entropy_loss_label_smoothing` in ATen/native/LossNLL.cpp).
    ///
    /// # Panics
    /// When the sizes contradict each other, or a target is neither a class nor [`IGNORE`].
    pub fn mean(self, logits: &[f32], targets: &[i64], dlogits: &mut [f32]) -> f64 {
        let classes = columns(logits, targets.len(), dlogits);
        dlogits.fill(0.0);
        let weight = |c: usize| self.class_weights.map_or(1.0, |w| f64::from(w[c]));
        let counted = || targets.iter().filter(|&&t| t != IGNORE).map(|&t| class(t));
        let total: f64 = counted().map(weight).sum();
        if counted().next().is_none() {
            return 0.0;
        }
        let spread = self.label_smoothing / classes as f64;
        let all: f64 = (0..classes).map(weight).sum();
        let mut loss = 0.0;
        let rows = logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
        for ((z, dz), &target) in rows.zip(targets).filter(|(_, target)| **target != IGNORE) {
            let y = class(target);
            let lse = log_sum_exp(z);
            let own = (1.0 - self.label_smoothing) * weight(y);
            loss += own * (lse - f64::from(z[y]));
            for (c, (&z, d)) in z.iter().zip(dz).enumerate() {
                let p = (f64::from(z) - lse).exp();
                let mut gradient = own * (p - f64::from(u8::from(c == y)));
                if spread > 0.0 {
                    loss += spread * weight(c) * (lse - f64::from(z));
                    gradient += spread * (all * p - weight(c));
                }
                *d = (gradient / total) as f32;
            }
        }
        loss / total
    }
}

/// Plain mean cross-entropy: loss = mean(log sum exp(z) - z_target).
///
/// # Panics
/// When the sizes contradict each other, or a target is neither a class nor [`IGNORE`].
pub fn cross_entropy(logits: &[f32], targets: &[i64], dlogits: &mut [f32]) -> f64 {
    CrossEntropy::default().mean(logits, targets, dlogits)
}
