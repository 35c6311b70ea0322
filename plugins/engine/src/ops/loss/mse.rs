//! Mean squared error.

/// mean((z - t)^2) of one logit a row, and its gradient 2 (z - t) / rows. No rows: 0.
///
/// # Panics
/// When the sizes differ.
pub fn mse(logits: &[f32], targets: &[f32], dlogits: &mut [f32]) -> f64 {
    assert!(logits.len() == targets.len() && dlogits.len() == targets.len());
    let mut loss = 0.0;
    let rows = targets.len().max(1) as f64;
    for ((&z, &t), d) in logits.iter().zip(targets).zip(dlogits) {
        let difference = f64::from(z) - f64::from(t);
        loss += difference * difference;
        *d = (2.0 * difference / rows) as f32;
    }
    loss / rows
}
