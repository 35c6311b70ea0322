//! The common form: a metric as a function of sums, for two systems at once.

use std::fmt;

use crate::stats::{Clusters, Grouped};

/// A metric of one system from the sum of its vectors; none where it is not defined.
type Value = Box<dyn Fn(&[f64]) -> Option<f64> + Send + Sync>;

/// Both systems' vectors, and the metric.
pub(super) struct Sums {
    /// Twice as many components as a system has: the base's, then the new one's.
    pub(super) joint: Grouped,
    pub(super) width: usize,
    pub(super) value: Value,
    /// How much each unit moves the difference (new less base), where that is more than what the sums say.
    pub(super) influence: Option<Vec<f64>>,
    /// Where the metric is a proportion of independent rows: rows that only the base has right, rows that only the new
    /// system has right, and all.
    pub(super) proportion: Option<[u64; 3]>,
}

impl fmt::Debug for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sums").field("width", &self.width).finish_non_exhaustive()
    }
}

impl Sums {
    /// `fill(system, row, entries)` pushes what row `row` adds to which of the `width` components of a system.
    pub(super) fn new(
        width: usize,
        rows: usize,
        clusters: Option<&Clusters>,
        mut fill: impl FnMut(usize, usize, &mut Vec<(u32, f64)>),
        value: impl Fn(&[f64]) -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        let mut own = Vec::new();
        let joint = Grouped::new(2 * width, rows, clusters, |row, entries| {
            for system in 0..2 {
                own.clear();
                fill(system, row, &mut own);
                let offset = (system * width) as u32;
                entries.extend(own.iter().map(|(at, value)| (at + offset, *value)));
            }
        });
        Self { joint, width, value: Box::new(value), influence: None, proportion: None }
    }

    /// Right rows among all, as a metric.
    pub(super) fn of_right(
        rows: usize,
        clusters: Option<&Clusters>,
        right: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
            entries.push((1, 1.0));
            if right(system, row) {
                entries.push((0, 1.0));
            }
        };
        let mut sums = Self::new(2, rows, clusters, fill, mean);
        if clusters.is_none() {
            let only = |system: usize| {
                (0..rows).filter(|row| right(system, *row) && !right(1 - system, *row)).count()
            };
            sums.proportion = Some([only(0) as u64, only(1) as u64, rows as u64]);
        }
        sums
    }

    pub(super) fn units(&self) -> usize {
        self.joint.units()
    }

    pub(super) fn values(&self) -> [f64; 2] {
        let total = self.joint.total();
        [self.of(&total[..self.width]), self.of(&total[self.width..])]
    }

    /// The metric of one system; 0 where it is not defined.
    pub(super) fn of(&self, sums: &[f64]) -> f64 {
        (self.value)(sums).unwrap_or_default()
    }

    /// The new system's value less the base's.
    pub(super) fn difference(&self, both: &[f64]) -> Option<f64> {
        Some((self.value)(&both[self.width..])? - (self.value)(&both[..self.width])?)
    }

    /// How much each unit moves the difference, to the first order.
    pub(super) fn influences(&self) -> Vec<f64> {
        match &self.influence {
            Some(influence) => influence.clone(),
            None => self.joint.products(&self.gradient()),
        }
    }

    /// The derivatives of the difference by the sums, from forward differences. A component that is zero has no
    /// derivative here: no unit adds to it, and a label that is not there may begin to count with the first row.
    fn gradient(&self) -> Vec<f64> {
        const STEP: f64 = 1e-4;
        let mut total = self.joint.total();
        let mut gradient = vec![0.0; total.len()];
        for system in 0..2 {
            let own = system * self.width..(system + 1) * self.width;
            let sign = if system == 0 { -1.0 } else { 1.0 };
            let at = self.of(&total[own.clone()]);
            for component in own.clone() {
                let before = total[component];
                if before != 0.0 {
                    let step = STEP * before.abs().max(1e-3);
                    total[component] = before + step;
                    gradient[component] = sign * (self.of(&total[own.clone()]) - at) / step;
                    total[component] = before;
                }
            }
        }
        gradient
    }
}

/// The first sum by the second.
pub(super) fn mean(sums: &[f64]) -> Option<f64> {
    (sums[1] > 0.0).then(|| sums[0] / sums[1])
}
