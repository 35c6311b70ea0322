//! Cells that differ in their seed alone, as one cell of a table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CellRecord, MetricValue, TrainingRecord};
use crate::digest::sha256_hex;
use crate::metrics::Metric;
use crate::stats::{OneSeed, over_seeds};

/// The `method` of an interval that joins the variance over seeds and that over examples.
pub const SEEDS: &str = "seeds";

/// The runs that a value is the mean of, and where its interval comes from (see [`over_seeds`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedSpread {
    /// The seeds, lowest first.
    pub seeds: Vec<u64>,
    /// Ids of their cells.
    pub ids: Vec<String>,
    /// The value of each.
    pub values: Vec<f64>,
    /// Sample deviation of the values.
    pub deviation: f64,
    /// Half width of the t interval for the mean over seeds.
    pub half_width_seeds: f64,
    /// Mean half width of the runs' own intervals over examples.
    pub half_width_examples: f64,
}

/// Joins done cells that differ in their seed alone; all others stay as they are. The order is that of the first
/// cell of each.
///
/// The joint cell has no seed and an id of its own. Its metrics are means with [`SeedSpread`], its speeds and the
/// values of other selection policies are means, its memory is the largest; what counts rows for each class is left
/// out. A seed that is there twice (from two runs) counts once, the later run's.
pub fn pool_seeds(cells: &[CellRecord]) -> Vec<CellRecord> {
    let mut groups: Vec<Vec<&CellRecord>> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for cell in cells {
        let group = if cell.is_done() && cell.inputs.key.seed.is_some() {
            *known.entry(cell.inputs.id_without_seed()).or_insert(groups.len())
        } else {
            groups.len()
        };
        match groups.get_mut(group) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups.into_iter().map(joined).collect()
}

fn joined(group: Vec<&CellRecord>) -> CellRecord {
    let mut by_seed: BTreeMap<Option<u64>, &CellRecord> = BTreeMap::new();
    for cell in &group {
        let known = by_seed.entry(cell.inputs.key.seed).or_insert(cell);
        if known.finished_at < cell.finished_at {
            *known = cell;
        }
    }
    let cells: Vec<&CellRecord> = by_seed.into_values().collect();
    let mut whole = cells[0].clone();
    if cells.len() < 2 {
        return whole;
    }
    let ids: Vec<&str> = cells.iter().map(|cell| cell.id.as_str()).collect();
    whole.id = sha256_hex(ids.join(" ").as_bytes())[..16].to_owned();
    whole.inputs.key.seed = None;
    whole.metrics = (cells[0].metrics.keys())
        .filter_map(|name| Some((name.clone(), metric(name, &cells)?)))
        .collect();
    let mean = |of: fn(&CellRecord) -> Option<f64>| {
        let values: Vec<f64> = cells.iter().filter_map(|cell| of(cell)).collect();
        (values.len() == cells.len()).then(|| crate::stats::mean(&values))
    };
    let speed = &mut whole.throughput;
    speed.rows_per_second = mean(|cell| cell.throughput.rows_per_second);
    speed.tokens_per_second = mean(|cell| cell.throughput.tokens_per_second);
    speed.end_to_end_rows_per_second = mean(|cell| cell.throughput.end_to_end_rows_per_second);
    speed.tokenize_seconds = mean(|cell| cell.throughput.tokenize_seconds);
    speed.forward_seconds = mean(|cell| cell.throughput.forward_seconds);
    speed.load_seconds = mean(|cell| cell.throughput.load_seconds);
    whole.memory.peak_rss_bytes = cells.iter().filter_map(|cell| cell.memory.peak_rss_bytes).max();
    whole.memory.peak_device_bytes =
        cells.iter().filter_map(|cell| cell.memory.peak_device_bytes).max();
    (whole.per_class, whole.per_entity, whole.predictions) = (vec![], vec![], None);
    whole.wall_seconds = cells.iter().map(|cell| cell.wall_seconds).sum();
    for cell in &cells[1..] {
        for warning in &cell.warnings {
            if !whole.warnings.contains(warning) {
                whole.warnings.push(warning.clone());
            }
        }
    }
    if let Some(training) = &mut whole.training {
        let all: Vec<&TrainingRecord> = cells.iter().filter_map(|c| c.training.as_ref()).collect();
        alternatives(training, &all, cells.len());
    }
    whole
}

/// The mean of a metric that every cell has.
fn metric(name: &str, cells: &[&CellRecord]) -> Option<MetricValue> {
    let values: Vec<&MetricValue> = cells.iter().filter_map(|c| c.metrics.get(name)).collect();
    if values.len() < cells.len() {
        return None;
    }
    let runs: Vec<OneSeed> = (values.iter())
        .map(|m| OneSeed { value: m.value, low: m.ci_low, high: m.ci_high })
        .collect();
    let joint = over_seeds(&runs)?;
    // No score is above 1, whatever the sum of two intervals.
    let most = if Metric::named(name).is_some_and(Metric::is_fraction) { 1.0 } else { f64::MAX };
    Some(MetricValue {
        value: joint.mean,
        ci_low: joint.low,
        ci_high: joint.high.min(most),
        n: values.iter().map(|metric| metric.n).min()?,
        method: SEEDS.to_owned(),
        resamples: None,
        clusters: values[0].clusters,
        seeds: Some(SeedSpread {
            seeds: cells.iter().filter_map(|cell| cell.inputs.key.seed).collect(),
            ids: cells.iter().map(|cell| cell.id.clone()).collect(),
            values: runs.iter().map(|run| run.value).collect(),
            deviation: joint.deviation,
            half_width_seeds: joint.half_width_seeds,
            half_width_examples: joint.half_width_examples,
        }),
    })
}

/// What another policy would have given, as the mean over those runs' values; only where all of them say.
fn alternatives(training: &mut TrainingRecord, all: &[&TrainingRecord], cells: usize) {
    training.selection.alternatives.retain_mut(|alternative| {
        let values: Vec<f64> = (all.iter())
            .flat_map(|training| &training.selection.alternatives)
            .filter(|other| other.policy == alternative.policy)
            .map(|other| other.value)
            .collect();
        alternative.value = crate::stats::mean(&values);
        values.len() == cells
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::{done, failed, trained};

    fn seeded(seed: u64, value: f64) -> CellRecord {
        let mut cell = done();
        let (inputs, mut training) = trained();
        training.selection.alternatives = vec![crate::record::Alternative {
            policy: "last".into(),
            step: seed,
            value: value - 0.1,
        }];
        (cell.inputs.fine_tune, cell.training) = (Some(inputs), Some(training));
        cell.inputs.key.seed = Some(seed);
        cell.inputs.key.recipe = Some("a".into());
        if let Some(metric) = cell.metrics.get_mut("accuracy") {
            (metric.value, metric.ci_low, metric.ci_high) = (value, value - 0.02, value + 0.02);
        }
        cell.id = cell.inputs.id();
        cell
    }

    #[test]
    fn cells_that_differ_in_their_seed_alone_are_one() {
        let mut other = seeded(7, 0.5);
        other.inputs.key.recipe = Some("b".into());
        let mut late = seeded(2, 0.84);
        late.finished_at = "2099-01-01T00:00:00Z".into();
        let cells =
            [seeded(1, 0.80), other.clone(), seeded(2, 0.99), failed(), late, seeded(3, 0.88)];
        let pooled = pool_seeds(&cells);
        assert_eq!(pooled.len(), 3);
        assert_eq!((&pooled[1], &pooled[2]), (&other, &failed()));
        let metric = &pooled[0].metrics["accuracy"];
        let spread = metric.seeds.as_ref().expect("of several seeds");
        assert_eq!(spread.seeds, [1, 2, 3]);
        assert_eq!(spread.values, [0.80, 0.84, 0.88]);
        assert!((metric.value - 0.84).abs() < 1e-12 && (spread.deviation - 0.04).abs() < 1e-12);
        assert!((spread.half_width_examples - 0.02).abs() < 1e-12);
        let half = spread.half_width_seeds.hypot(0.02);
        assert!((metric.ci_low - (0.84 - half)).abs() < 1e-12);
        assert_eq!((pooled[0].inputs.key.seed, metric.method.as_str()), (None, SEEDS));
        let training = pooled[0].training.as_ref().expect("trained");
        assert!((training.selection.alternatives[0].value - 0.74).abs() < 1e-12);
    }

    #[test]
    fn one_seed_stays_what_it_is() {
        let cells = [seeded(1, 0.8)];
        assert_eq!(pool_seeds(&cells), cells);
        // Neither are cells joined that were never trained, and have no seed.
        let mut plain = done();
        plain.inputs.key.seed = None;
        assert_eq!(pool_seeds(&[plain.clone(), plain.clone()]).len(), 2);
    }

    #[test]
    fn no_interval_reaches_beyond_a_perfect_score() {
        let pooled = pool_seeds(&[seeded(1, 0.97), seeded(2, 0.99)]);
        assert_eq!(pooled[0].metrics["accuracy"].ci_high, 1.0);
    }
}
