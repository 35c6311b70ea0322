//! Series made of runs.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::inputs::{Lane, Setup, changed};
use super::read::RunRecords;
use super::{Change, HistoryOptions, Observed, Point, Series, changes, trend};
use crate::metrics::Metric;
use crate::record::{Backend, CellInputs, CellKey};
use crate::stats::quantile;

/// What has numbers in one run: a cell, or a measurement of speed.
#[derive(Debug, Clone)]
struct Measured<'a> {
    run: usize,
    id: &'a str,
    finished_at: &'a str,
    inputs: &'a CellInputs,
    backend: &'a Backend,
    values: Vec<Value<'a>>,
}

/// A number, and what it is called.
#[derive(Debug, Clone)]
struct Value<'a> {
    name: &'a str,
    value: f64,
    interval: Option<(f64, f64)>,
    higher_is_better: bool,
    is_fraction: bool,
}

/// A key with the scenario, where it is a measurement of speed.
type Subject<'a> = (&'a CellKey, Option<&'a str>);

/// The series of these runs in the order of their keys, and what a reader should know of them.
pub(super) fn series(runs: &[RunRecords], options: &HistoryOptions) -> (Vec<Series>, Vec<String>) {
    let mut notes = Vec::new();
    let mut subjects: BTreeMap<Subject<'_>, BTreeMap<Lane, Vec<Measured<'_>>>> = BTreeMap::new();
    let (mut failed, mut doubles) = (0_usize, 0_usize);
    for (run, records) in runs.iter().enumerate() {
        for cell in records.cells.iter().filter(|cell| options.takes(&cell.inputs.key)) {
            if !cell.is_done() {
                failed += 1;
                continue;
            }
            let metrics = cell.metrics.iter().filter(|(name, _)| options.takes_metric(cell, name));
            let values = metrics.map(|(name, metric)| Value {
                name,
                value: metric.value,
                interval: Some((metric.ci_low, metric.ci_high)),
                higher_is_better: Metric::named(name).is_none_or(Metric::higher_is_better),
                is_fraction: Metric::named(name).is_none_or(Metric::is_fraction),
            });
            let measured = Measured {
                run,
                id: &cell.id,
                finished_at: &cell.finished_at,
                inputs: &cell.inputs,
                backend: &cell.backend,
                values: values.collect(),
            };
            let lane = Lane::new(&cell.inputs, String::new(), None);
            let lanes = subjects.entry((&cell.inputs.key, None)).or_default();
            lanes.entry(lane).or_default().push(measured);
        }
        for bench in records.benches.iter().filter(|bench| options.takes(&bench.inputs.key)) {
            let measures = bench.measures.iter().filter(|(name, _)| options.takes_measure(name));
            let values = measures.map(|(name, measure)| Value {
                name,
                value: measure.median,
                interval: measure.ci_low.zip(measure.ci_high),
                higher_is_better: measure.higher_is_better,
                is_fraction: false,
            });
            let measured = Measured {
                run,
                id: &bench.id,
                finished_at: &bench.finished_at,
                inputs: &bench.inputs,
                backend: &bench.backend,
                values: values.collect(),
            };
            let setup = Setup::new(&bench.inputs, bench.backend.device_name.as_deref());
            let lane = Lane::new(&bench.inputs, bench.settings.to_string(), Some(setup));
            let lanes =
                subjects.entry((&bench.inputs.key, Some(bench.scenario.as_str()))).or_default();
            lanes.entry(lane).or_default().push(measured);
        }
    }
    let mut parted = Vec::new();
    let mut asked = Vec::new();
    for (subject, lanes) in subjects {
        let lanes = told_apart(lanes);
        let all: Vec<&Lane> = lanes.keys().collect();
        if all.len() > 1 {
            parted.push(subject.0.label());
        }
        for (lane, measured) in &lanes {
            let latest = latest(measured);
            doubles += measured.len() - latest.len();
            asked.push((subject, lane.variant(&all), latest));
        }
    }
    parted.dedup();
    let series: Vec<Series> = asked
        .par_iter()
        .flat_map_iter(|(subject, variant, measured)| {
            of_lane(*subject, variant.as_deref(), measured)
        })
        .collect();
    if !parted.is_empty() {
        notes.push(format!(
            "several series of one metric, which are not comparable with each other (other data, limits, lengths or \
             devices): {}",
            parted.join("; ")
        ));
    }
    if failed > 0 {
        let cells = if failed == 1 { "cell that failed has" } else { "cells that failed have" };
        notes.push(format!("{failed} {cells} no value"));
    }
    if doubles > 0 {
        notes.push(format!(
            "where a run holds several cells or measurements of one series, the latest counts; {doubles} are left out"
        ));
    }
    (series, notes)
}

/// Lanes in which a run has several cells that were computed with different things, parted by those.
fn told_apart(lanes: BTreeMap<Lane, Vec<Measured<'_>>>) -> BTreeMap<Lane, Vec<Measured<'_>>> {
    let mut parted: BTreeMap<Lane, Vec<Measured<'_>>> = BTreeMap::new();
    for (lane, measured) in lanes {
        let setups: Vec<Setup> = measured.iter().map(|one| Setup::new(one.inputs, None)).collect();
        // Of one run they stand next to each other.
        let several = (1..measured.len())
            .any(|i| measured[i].run == measured[i - 1].run && setups[i] != setups[i - 1]);
        if !several || lane.has_setup() {
            parted.insert(lane, measured);
            continue;
        }
        for (one, setup) in measured.into_iter().zip(setups) {
            parted.entry(lane.clone().with_setup(setup)).or_default().push(one);
        }
    }
    parted
}

/// Of each run the one that ended last, in the order of the runs.
fn latest<'a>(measured: &[Measured<'a>]) -> Vec<Measured<'a>> {
    let mut by_run: BTreeMap<usize, &Measured<'a>> = BTreeMap::new();
    for one in measured {
        let known = by_run.entry(one.run).or_insert(one);
        if (known.finished_at, known.id) < (one.finished_at, one.id) {
            *known = one;
        }
    }
    by_run.into_values().cloned().collect()
}

/// A series for each name that any of the measured has.
fn of_lane(
    (key, scenario): Subject<'_>,
    variant: Option<&str>,
    measured: &[Measured<'_>],
) -> Vec<Series> {
    let mut names: BTreeMap<&str, Vec<(&Measured<'_>, &Value<'_>)>> = BTreeMap::new();
    for one in measured {
        for value in &one.values {
            names.entry(value.name).or_default().push((one, value));
        }
    }
    let series = |(name, points): (&str, Vec<(&Measured<'_>, &Value<'_>)>)| {
        let observed: Vec<Observed> = (points.iter())
            .map(|(_, value)| Observed { value: value.value, interval: value.interval })
            .collect();
        let (_, kind) = points.first()?;
        let changes = described(&points, &observed, kind.higher_is_better);
        let last = changes.last().map_or(0, |change| change.at);
        let values: Vec<f64> = observed[last..].iter().map(|observed| observed.value).collect();
        Some(Series {
            key: key.clone(),
            label: key.label(),
            variant: variant.map(str::to_owned),
            scenario: scenario.map(str::to_owned),
            metric: name.to_owned(),
            higher_is_better: kind.higher_is_better,
            is_fraction: kind.is_fraction,
            changes,
            trend: trend(&values),
            points: (points.iter())
                .map(|(measured, value)| Point {
                    run: measured.run,
                    value: value.value,
                    ci_low: value.interval.map(|(low, _)| low),
                    ci_high: value.interval.map(|(_, high)| high),
                    id: measured.id.to_owned(),
                })
                .collect(),
        })
    };
    names.into_iter().filter_map(series).collect()
}

/// The changes of a series, each with what was before, what is after, and what else became other there.
fn described(
    points: &[(&Measured<'_>, &Value<'_>)],
    observed: &[Observed],
    higher_is_better: bool,
) -> Vec<Change> {
    let breaks = changes(observed);
    let edge = |index: usize| breaks.get(index).map_or(observed.len(), |found| found.at);
    let mut from = 0;
    let mut described = Vec::new();
    for (index, found) in breaks.iter().enumerate() {
        let (before, after) =
            (median(&observed[from..found.at]), median(&observed[found.at..edge(index + 1)]));
        let side = |at: usize| (points[at].0.inputs, points[at].0.backend);
        described.push(Change {
            at: found.at,
            before,
            after,
            p_value: found.p_value,
            is_better: (after > before) == higher_is_better,
            changed_inputs: changed(side(found.at - 1), side(found.at)),
        });
        from = found.at;
    }
    described
}

fn median(observed: &[Observed]) -> f64 {
    let mut values: Vec<f64> = observed.iter().map(|observed| observed.value).collect();
    values.sort_unstable_by(f64::total_cmp);
    quantile(&values, 0.5)
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
