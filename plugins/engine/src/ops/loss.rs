//! Losses over logits.

use crate::kernels::reduce;

/// A target that takes no part in the loss, PyTorch's `ignore_index`.
pub const IGNORE: i64 = -100;

/// Mean cross-entropy of `logits` `[rows, classes]` against class numbers `targets` `[rows]`, over the
/// rows whose target is not [`IGNORE`]; 0 when there is none. `dlogits`, of the logits' size,
/// receives the gradient.
///
/// Computed in f64: loss = mean(log sum exp(z) - z_target).
///
/// # Panics
/// When the sizes contradict each other, or a target is neither a class nor [`IGNORE`].
pub fn cross_entropy(logits: &[f32], targets: &[i64], dlogits: &mut [f32]) -> f64 {
    assert_eq!(logits.len(), dlogits.len());
    let counted = targets.iter().filter(|&&t| t != IGNORE).count();
    if counted == 0 {
        dlogits.fill(0.0);
        return 0.0;
    }
    let classes = logits.len() / targets.len();
    assert_eq!(logits.len(), classes * targets.len());
    let weight = 1.0 / counted as f64;
    let mut loss = 0.0;
    let rows = logits.chunks_exact(classes).zip(dlogits.chunks_exact_mut(classes));
    for ((z, dz), &target) in rows.zip(targets) {
        if target == IGNORE {
            dz.fill(0.0);
            continue;
        }
        let max = f64::from(reduce::max(z));
        let total: f64 = z.iter().map(|&v| (f64::from(v) - max).exp()).sum();
        let lse = max + total.ln();
        for (d, &v) in dz.iter_mut().zip(z) {
            *d = ((f64::from(v) - lse).exp() * weight) as f32;
        }
        let class = usize::try_from(target).expect("a class number");
        loss += lse - f64::from(z[class]);
        dz[class] -= weight as f32;
    }
    loss * weight
}
