//! Many tests at once.

/// Holm's correction: p-values that may be compared with the level as if each were the only one. The probability of
/// any false alarm among all of them stays below the level, whatever depends on what.
///
/// The i-th smallest of m (from 0) is multiplied by `m - i`, and no adjusted value is smaller than that of a smaller
/// one. S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
/// (1979), 65-70.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (place, index) in order.into_iter().enumerate() {
        let factor = (p_values.len() - place) as f64;
        largest = largest.max((factor * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_statsmodels() {
        // statsmodels 0.14: multipletests([0.01, 0.04, 0.03, 0.005, 0.9], method="holm")[1]
        let expected = [0.04, 0.09, 0.09, 0.025, 0.9];
        for (ours, expected) in holm(&[0.01, 0.04, 0.03, 0.005, 0.9]).iter().zip(expected) {
            assert!((ours - expected).abs() < 1e-12, "{ours} {expected}");
        }
        assert_eq!(holm(&[]), [0.0; 0]);
        assert_eq!(holm(&[0.2]), [0.2]);
        assert_eq!(holm(&[0.6, 0.6]), [1.0, 1.0]);
    }
}
