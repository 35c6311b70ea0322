//! Sums in the order in which numpy makes them.

/// The sum, by numpy's pairwise scheme: blocks of up to 128 values over eight accumulators, larger arrays
/// halved at a multiple of eight. Means of F1 then have numpy's bits, and the error grows with the
/// logarithm of the length (numpy/_core/src/umath/loops_utils.h.src, `pairwise_sum`).
pub fn pairwise_sum(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if n > 128 {
        let half = n / 2 - n / 2 % 8;
        let (first, second) = values.split_at(half);
        return pairwise_sum(first) + pairwise_sum(second);
    }
    let (blocks, rest) = values.as_chunks::<8>();
    let mut r = blocks[0];
    for block in &blocks[1..] {
        for (sum, value) in r.iter_mut().zip(block) {
            *sum += value;
        }
    }
    let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    rest.iter().fold(sum, |sum, value| sum + value)
}

/// The mean; 0 of none.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { pairwise_sum(values) / values.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_numpys_bits() {
        // numpy 2.4.6: (1.0 / np.arange(1, n + 1)).sum()
        for (n, expected) in [
            (5, 2.283_333_333_333_333),
            (8, 2.717_857_142_857_142_5),
            (13, 3.180_133_755_133_755),
            (128, 5.433_147_092_589_173),
            (188, 5.816_314_844_427_454),
            (1000, 7.485_470_860_550_345),
        ] {
            let values: Vec<f64> = (1..=n).map(|i| 1.0 / f64::from(i)).collect();
            assert_eq!(pairwise_sum(&values).to_bits(), f64::to_bits(expected), "{n}");
        }
        assert_eq!((pairwise_sum(&[]), mean(&[]), mean(&[1.0, 2.0])), (0.0, 0.0, 1.5));
    }
}
