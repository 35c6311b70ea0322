//! Pearson's and Spearman's correlation.

use super::scoring::Scoring;
use super::{Metric, MetricError};
use crate::stats::{Clusters, Order, Weighted, average_ranks, centred_ranks, mean};

/// Pearson's correlation of the values.
///
/// # Errors
/// [`MetricError::Constant`].
pub(super) fn pearson(
    scoring: &mut Scoring<'_>,
    gold: &[f64],
    predicted: &[f64],
) -> Result<(), MetricError> {
    let value = correlation(Metric::Pearson, gold, predicted)?;
    let moments = Moments::new(gold, predicted, scoring.clusters.as_ref());
    scoring.resampled(Metric::Pearson, value, &moments);
    Ok(())
}

/// Spearman's correlation: Pearson's of the ranks, equal values having the average of theirs.
///
/// # Errors
/// [`MetricError::Constant`].
pub(super) fn spearman(
    scoring: &mut Scoring<'_>,
    gold: &[f64],
    predicted: &[f64],
) -> Result<(), MetricError> {
    varies(Metric::Spearman, gold, predicted)?;
    let value = correlation(Metric::Spearman, &average_ranks(gold), &average_ranks(predicted))?;
    let ranks = RankPairs::new(gold, predicted, scoring.clusters.as_ref());
    scoring.resampled(Metric::Spearman, value, &ranks);
    Ok(())
}

/// Both columns hold more than one value.
///
/// # Errors
/// [`MetricError::Constant`].
pub(super) fn varies(metric: Metric, gold: &[f64], predicted: &[f64]) -> Result<(), MetricError> {
    for (what, values) in [("gold values", gold), ("predictions", predicted)] {
        if let Some(first) = values.first().filter(|first| values.iter().all(|v| v == *first)) {
            return Err(MetricError::Constant {
                what,
                rows: values.len(),
                value: first.to_string(),
                metric: metric.name(),
            });
        }
    }
    Ok(())
}

/// `sum (x - mean x)(y - mean y) / (|x - mean x| |y - mean y|)`, within -1 and 1; the deviations are scaled
/// by their largest, so that squares neither overflow nor vanish (as scipy does).
fn correlation(metric: Metric, x: &[f64], y: &[f64]) -> Result<f64, MetricError> {
    varies(metric, x, y)?;
    let (x, y) = (unit(x), unit(y));
    let r: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
    Ok(r.clamp(-1.0, 1.0))
}

/// The deviations from the mean, of length 1 all together.
pub(super) fn unit(values: &[f64]) -> Vec<f64> {
    // A power of two changes no digit, and keeps sums away from overflow.
    let scale = 2.0_f64.powi(-largest(values).log2().clamp(-1000.0, 1000.0) as i32);
    let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
    let centre = mean(&scaled);
    let deviations: Vec<f64> = scaled.iter().map(|value| value - centre).collect();
    let largest = largest(&deviations);
    let norm = largest * deviations.iter().map(|d| (d / largest).powi(2)).sum::<f64>().sqrt();
    deviations.iter().map(|deviation| deviation / norm).collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

/// Below this part of the sum of squares a variance is rounding: all values of a resample are the same.
const ROUNDING: f64 = 1e-12;

/// `r` from weighted sums; none where a variance is zero.
fn from_moments([n, x, y, xx, yy, xy]: [f64; 6]) -> Option<f64> {
    let (vx, vy) = (xx - x * x / n, yy - y * y / n);
    if n == 0.0 || vx <= ROUNDING * xx || vy <= ROUNDING * yy {
        return None;
    }
    Some(((xy - x * y / n) / (vx.sqrt() * vy.sqrt())).clamp(-1.0, 1.0))
}

/// For each unit its count, and the sums of x, y, x², y² and xy of the standardised values.
struct Moments {
    units: Vec<[f64; 6]>,
    multiplicities: Vec<u32>,
    group_of: Vec<u32>,
}

impl Moments {
    fn new(x: &[f64], y: &[f64], clusters: Option<&Clusters>) -> Self {
        // Of standardised values the sums of squares lose nothing to a mean far from zero.
        let root = (x.len() as f64).sqrt();
        let of = |(x, y): (&f64, &f64)| {
            let (x, y) = (x * root, y * root);
            [1.0, x, y, x * x, y * y, x * y]
        };
        let (x, y) = (unit(x), unit(y));
        let rows = x.iter().zip(&y).map(of);
        let mut units: Vec<(usize, [f64; 6])> = match clusters {
            None => rows.enumerate().collect(),
            Some(clusters) => {
                let mut sums = vec![[0.0; 6]; clusters.count()];
                for (row, cluster) in rows.zip(clusters.of_row()) {
                    let sum = &mut sums[*cluster as usize];
                    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                sums.into_iter().enumerate().collect()
            }
        };
        let key = |unit: &[f64; 6]| unit.map(f64::to_bits);
        units.sort_by_key(|(index, unit)| (key(unit), *index));
        let mut group_of = vec![0; units.len()];
        for (group, (index, _)) in units.iter().enumerate() {
            group_of[*index] = group as u32;
        }
        Self {
            multiplicities: vec![1; units.len()],
            units: units.into_iter().map(|(_, unit)| unit).collect(),
            group_of,
        }
    }
}

impl Weighted for Moments {
    fn multiplicities(&self) -> &[u32] {
        &self.multiplicities
    }

    fn group_of(&self) -> &[u32] {
        &self.group_of
    }

    fn value(&self, weights: &[u32], _: &mut Vec<f64>) -> Option<f64> {
        let mut sums = [0.0; 6];
        for (weight, unit) in weights.iter().zip(&self.units) {
            let weight = f64::from(*weight);
            sums.iter_mut().zip(unit).for_each(|(sum, value)| *sum += weight * value);
        }
        from_moments(sums)
    }

    fn effort(&self) -> u64 {
        2 * self.units.len() as u64
    }
}

/// Rows in the order of their gold values, with the ties of both sides. Ranks under weights follow from
/// the weights of the ties, without sorting.
struct RankPairs {
    /// Tie of x, tie of y, index of the weight.
    rows: Vec<[u32; 3]>,
    ties: [usize; 2],
    multiplicities: Vec<u32>,
    group_of: Vec<u32>,
}

impl RankPairs {
    fn new(x: &[f64], y: &[f64], clusters: Option<&Clusters>) -> Self {
        let (x, y) = (Order::new(x), Order::new(y));
        let mut rows: Vec<[u32; 3]> = (x.tie_of().iter().zip(y.tie_of()).zip(0..))
            .map(|((x, y), row)| [*x, *y, row])
            .collect();
        rows.sort_unstable();
        let units = clusters.map_or(rows.len(), Clusters::count);
        let mut group_of: Vec<u32> = (0..units as u32).collect();
        for (group, row) in (0..).zip(&mut rows) {
            match clusters {
                Some(clusters) => row[2] = clusters.of_row()[row[2] as usize],
                None => {
                    group_of[row[2] as usize] = group;
                    row[2] = group;
                }
            }
        }
        Self { rows, ties: [x.ties(), y.ties()], multiplicities: vec![1; units], group_of }
    }
}

impl Weighted for RankPairs {
    fn multiplicities(&self) -> &[u32] {
        &self.multiplicities
    }

    fn group_of(&self) -> &[u32] {
        &self.group_of
    }

    fn value(&self, weights: &[u32], scratch: &mut Vec<f64>) -> Option<f64> {
        scratch.clear();
        scratch.resize(self.ties[0] + self.ties[1], 0.0);
        let (x, y) = scratch.split_at_mut(self.ties[0]);
        let mut n = 0.0;
        for [tie_x, tie_y, group] in &self.rows {
            let weight = f64::from(weights[*group as usize]);
            x[*tie_x as usize] += weight;
            y[*tie_y as usize] += weight;
            n += weight;
        }
        let (xx, yy) = (centred_ranks(x, n), centred_ranks(y, n));
        let mut xy = 0.0;
        for [tie_x, tie_y, group] in &self.rows {
            let weight = f64::from(weights[*group as usize]);
            xy += weight * x[*tie_x as usize] * y[*tie_y as usize];
        }
        // Ranks are multiples of one half: a variance is zero exactly or not at all.
        (xx > 0.0 && yy > 0.0).then(|| (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
    }

    fn effort(&self) -> u64 {
        4 * self.rows.len() as u64
    }
}
