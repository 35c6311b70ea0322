//! Reductions over a row in a fixed order that vectorises.

const LANES: usize = 16;

/// Folds a row in sixteen lanes, then the lanes pairwise: the same order on every machine.
#[inline(always)]
fn fold(
    row: &[f32],
    start: f32,
    combine: impl Fn(f32, f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; LANES];
    let (chunks, tail) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = combine(*lane, value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(tail) {
        *lane = combine(*lane, value);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = join(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Sum of a row.
#[inline(always)]
pub(crate) fn sum(row: &[f32]) -> f32 {
    fold(row, 0.0, |a, x| a + x, |a, b| a + b)
}

/// Sum of squared distances from `centre`.
#[inline(always)]
pub(crate) fn sum_squares(row: &[f32], centre: f32) -> f32 {
    fold(row, 0.0, |a, x| (x - centre).mul_add(x - centre, a), |a, b| a + b)
}

/// Largest element; negative infinity for an empty row. NaN is passed over, the caller's sum of
/// exponentials still propagates it.
#[inline(always)]
pub(crate) fn max(row: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    fold(row, f32::NEG_INFINITY, larger, larger)
}

/// Dot product of two rows of equal length.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, a_tail) = a.as_chunks::<LANES>();
    let (b_chunks, b_tail) = b.as_chunks::<LANES>();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for i in 0..LANES {
            lanes[i] = x[i].mul_add(y[i], lanes[i]);
        }
    }
    for (i, (x, y)) in a_tail.iter().zip(b_tail).enumerate() {
        lanes[i] = x.mul_add(*y, lanes[i]);
    }
    sum(&lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_covered() {
        for n in 0..70_u8 {
            let row: Vec<f32> = (0..n).map(f32::from).collect();
            let n = f32::from(n);
            assert_eq!(sum(&row), n * (n - 1.0) / 2.0);
            assert_eq!(dot(&row, &row), sum_squares(&row, 0.0));
            assert_eq!(max(&row), if n == 0.0 { f32::NEG_INFINITY } else { n - 1.0 });
        }
    }
}
