//! From what a side has done to its record.

use super::machine::{governor, spread};
use super::measures::{collect, main_measure};
use super::side::{Done, Side};
use super::telemetry::merge;
use super::{BenchOptions, Scenario};
use crate::record::{
    BenchRecord, BenchSide, BenchVolume, Measure, SCHEMA_VERSION, Telemetry, rfc3339,
};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A spread of repetitions above which it is named: deviation over mean.
const SPREAD: f64 = 0.05;

/// Where a measurement stands among others.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) scenario: Scenario,
    /// Queries a second of a server.
    pub(super) rate: Option<f64>,
    /// The pair and the side of it, where there is one.
    pub(super) pair: Option<(String, BenchSide)>,
    pub(super) started: SystemTime,
}

/// The record of what a side has done.
pub(super) fn record(
    side: &Side<'_>,
    done: &Done,
    place: &Place,
    options: &BenchOptions,
) -> BenchRecord {
    let (scenario, inputs) = (place.scenario, &side.cell.inputs);
    let settings = options.settings(scenario);
    let measures = collect(&done.measures);
    let telemetry = merge(&done.telemetry);
    let of_pair = place.pair.as_ref().map(|(_, side)| *side);
    let mut warnings = side.cell.warnings.clone();
    warnings.extend(done.noise.warnings());
    warnings.extend(unsteady(&measures, scenario));
    warnings.extend(throttled(telemetry.as_ref()));
    warnings.extend(volume(side, done, options, scenario));
    if !side.cell.on_gpu() {
        warnings.extend(governor());
    }
    BenchRecord {
        schema_version: SCHEMA_VERSION,
        id: BenchRecord::id_of(inputs, scenario.name(), &settings, of_pair),
        inputs: inputs.clone(),
        scenario: scenario.name().into(),
        settings,
        measures,
        volume: BenchVolume {
            rows: side.cell.dataset.len() as u64,
            queries: done.queries.clone(),
            times_through: done.times_through,
            rate: place.rate,
            batch_tokens: done.budget,
        },
        pair: place.pair.as_ref().map(|(pair, _)| pair.clone()),
        side: of_pair,
        backend: side.backend(),
        telemetry,
        warnings,
        started_at: rfc3339(place.started),
        finished_at: rfc3339(SystemTime::now()),
    }
}

fn unsteady(measures: &BTreeMap<String, Measure>, scenario: Scenario) -> Option<String> {
    let name = main_measure(scenario);
    let values = &measures.get(name)?.values;
    let spread = spread(values).filter(|spread| *spread > SPREAD)?;
    Some(format!(
        "{name} varied by {:.0}% over {} repetitions (deviation over mean): the machine was not steady; longer or more \
         repetitions help (--duration, --repetitions)",
        100.0 * spread,
        values.len()
    ))
}

fn throttled(telemetry: Option<&Telemetry>) -> Option<String> {
    let why = telemetry?.throttled()?;
    Some(format!("the GPU's clocks were held down: {why}"))
}

/// What is worth knowing of how much was asked.
fn volume(side: &Side<'_>, done: &Done, options: &BenchOptions, scenario: Scenario) -> Vec<String> {
    let mut said = Vec::new();
    if done.times_through > 1 {
        said.push(format!(
            "{} rows are fewer than a repetition needs: the same texts came up to {} times in one",
            side.cell.dataset.len(),
            done.times_through
        ));
    }
    if done.budget_halvings > 0 {
        said.push(format!(
            "device memory ran out: a batch had at most {} tokens in the end, in place of {}",
            done.budget, side.how.batch_tokens
        ));
    }
    if scenario == Scenario::Server
        && let Some(bound) = options.latency_bound
    {
        let late = done.measures.iter().filter_map(|m| m.get("latency_p99_seconds"));
        let (late, all) = (late.filter(|p99| **p99 > bound).count(), done.measures.len());
        if late > 0 {
            said.push(format!(
                "the 99th percentile of the latency was above the bound of {bound} s in {late} of {all} repetitions"
            ));
        }
    }
    said
}
