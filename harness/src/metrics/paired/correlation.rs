//! Pearson's and Spearman's correlation of two systems with the same gold values.

use super::super::correlation::{unit, varies};
use super::super::{Metric, MetricError};
use super::Of;
use super::sums::Sums;
use crate::stats::{Clusters, Order, average_ranks};

/// Both correlations as functions of the sums of `x y`, `y²` and `y`, where x and y are the gold values and a system's
/// values (for Spearman the ranks), each centred and of length 1 over all rows.
///
/// # Errors
/// [`MetricError::Constant`].
pub(super) fn sums(of: Of<'_>, gold: &[f64], predicted: [&[f64]; 2]) -> Result<Sums, MetricError> {
    let rows = gold.len();
    for own in predicted {
        if own.len() != rows {
            return Err(MetricError::Lengths { gold: rows, predicted: own.len() });
        }
        varies(of.metric, gold, own)?;
    }
    let ranked = of.metric == Metric::Spearman;
    let column = |values: &[f64]| {
        if ranked { unit(&average_ranks(values)) } else { unit(values) }
    };
    let (x, systems) = (column(gold), predicted.map(column));
    let n = rows as f64;
    let value = move |sums: &[f64]| {
        let [xy, yy, y] = [sums[0], sums[1], sums[2]];
        let variance = yy - y * y / n;
        // All of it is 1 where nothing is exchanged.
        (variance > 1e-12).then(|| (xy / variance.sqrt()).clamp(-1.0, 1.0))
    };
    let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
        let y = systems[system][row];
        entries.extend([(0, x[row] * y), (1, y * y), (2, y)]);
    };
    let mut sums = Sums::new(3, rows, of.clusters, fill, value);
    let influence = |system: usize| {
        let of_rows = if ranked {
            of_ranks(&Order::new(gold), &Order::new(predicted[system]))
        } else {
            let y = &systems[system];
            let r: f64 = x.iter().zip(y).map(|(x, y)| x * y).sum();
            x.iter().zip(y).map(|(x, y)| x * y - r / 2.0 * (x * x + y * y)).collect()
        };
        of_units(&of_rows, of.clusters)
    };
    let (base, new) = (influence(0), influence(1));
    sums.influence = Some(new.iter().zip(base).map(|(new, base)| new - base).collect());
    Ok(sums)
}

/// The sum over each unit's rows.
pub(super) fn of_units(of_rows: &[f64], clusters: Option<&Clusters>) -> Vec<f64> {
    let Some(clusters) = clusters else { return of_rows.to_vec() };
    let mut units = vec![0.0; clusters.count()];
    for (value, cluster) in of_rows.iter().zip(clusters.of_row()) {
        units[*cluster as usize] += value;
    }
    units
}

/// The derivative of Spearman's correlation by the weight of each row, at equal weights (its infinitesimal jackknife; L. A.
/// Jaeckel, Bell Laboratories memorandum MM 72-1215-11, 1972).
///
/// With `u` and `v` the centred ranks, the correlation is `S_uv / sqrt(S_uu S_vv)`. More weight on a row adds its own
/// product to a sum, and moves the centred rank of every other row by half, up where that one is larger and down where it
/// is smaller: `dS_uv = u v + sum_j sgn(x_j - x) v_j / 2 + sum_j sgn(y_j - y) u_j / 2`, and `dS_uu = u² + sum_j sgn(x_j - x) u_j`.
fn of_ranks(x: &Order, y: &Order) -> Vec<f64> {
    let (u, v) = (Ranks::new(x), Ranks::new(y));
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (uv, uu, vv) =
        (sum(&u.of_row, &v.of_row), sum(&u.of_row, &u.of_row), sum(&v.of_row, &v.of_row));
    let r = uv / (uu * vv).sqrt();
    let (v_by_x, u_by_x) = (u.above_less_below(&v.of_row), u.above_less_below(&u.of_row));
    let (u_by_y, v_by_y) = (v.above_less_below(&u.of_row), v.above_less_below(&v.of_row));
    (0..u.of_row.len())
        .map(|row| {
            let (a, b) = (u.of_row[row], v.of_row[row]);
            let (tie_x, tie_y) = (x.tie_of()[row] as usize, y.tie_of()[row] as usize);
            let d_uv = a * b + v_by_x[tie_x] / 2.0 + u_by_y[tie_y] / 2.0;
            let (d_uu, d_vv) = (a * a + u_by_x[tie_x], b * b + v_by_y[tie_y]);
            d_uv / (uu * vv).sqrt() - r / 2.0 * (d_uu / uu + d_vv / vv)
        })
        .collect()
}

/// Centred average ranks.
struct Ranks<'a> {
    order: &'a Order,
    of_row: Vec<f64>,
}

impl<'a> Ranks<'a> {
    fn new(order: &'a Order) -> Self {
        let mut of_tie = vec![0.0; order.ties()];
        for tie in order.tie_of() {
            of_tie[*tie as usize] += 1.0;
        }
        crate::stats::centred_ranks(&mut of_tie, order.tie_of().len() as f64);
        let of_row = order.tie_of().iter().map(|tie| of_tie[*tie as usize]).collect();
        Self { order, of_row }
    }

    /// For each tie the sum of `values` over the rows above it less that over the rows below.
    fn above_less_below(&self, values: &[f64]) -> Vec<f64> {
        let mut of_tie = vec![0.0; self.order.ties()];
        for (tie, value) in self.order.tie_of().iter().zip(values) {
            of_tie[*tie as usize] += value;
        }
        let total: f64 = of_tie.iter().sum();
        let mut below = 0.0;
        for slot in &mut of_tie {
            let own = *slot;
            *slot = total - own - 2.0 * below;
            below += own;
        }
        of_tie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spearman's correlation when row `i` counts `weights[i]` times, by the definition of weighted ranks.
    fn weighted(x: &[f64], y: &[f64], weights: &[f64]) -> f64 {
        let n: f64 = weights.iter().sum();
        let rank = |values: &[f64], i: usize| {
            let mut rank = -n / 2.0;
            for (j, value) in values.iter().enumerate() {
                if *value < values[i] {
                    rank += weights[j];
                } else if *value == values[i] {
                    rank += weights[j] / 2.0;
                }
            }
            rank
        };
        let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
        for (i, weight) in weights.iter().enumerate() {
            let (a, b) = (rank(x, i), rank(y, i));
            xy += weight * a * b;
            xx += weight * a * a;
            yy += weight * b * b;
        }
        xy / (xx * yy).sqrt()
    }

    #[test]
    fn the_influence_of_a_row_is_the_derivative_by_its_weight() {
        let x = [0.0, 1.0, 1.0, 2.5, 3.0, 5.0, 5.0, 4.0];
        let y = [0.3, 0.1, 0.9, 0.9, 0.4, 2.0, 1.0, 0.3];
        let ours = of_ranks(&Order::new(&x), &Order::new(&y));
        for (row, influence) in ours.iter().enumerate() {
            let mut weights = [1.0; 8];
            let at = |step: f64, weights: &mut [f64; 8]| {
                weights[row] = 1.0 + step;
                weighted(&x, &y, weights)
            };
            let numeric = (at(1e-5, &mut weights) - at(-1e-5, &mut weights)) / 2e-5;
            assert!((influence - numeric).abs() < 1e-7, "{row}: {influence} {numeric}");
        }
        assert!(ours.iter().sum::<f64>().abs() < 1e-12);
    }
}
