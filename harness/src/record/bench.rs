//! The record of a measurement of speed: one model on one task's rows in one scenario, several times.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inputs::digest;
use super::{Backend, CellInputs, Telemetry};
use crate::stats::{median, median_interval};

/// One measurement, as `bench/ID.json` holds it. The inputs are flattened into it, as in a cell's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchRecord {
    /// [`super::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// A hash of the inputs, the scenario and its settings.
    pub id: String,
    /// What was run.
    #[serde(flatten)]
    pub inputs: CellInputs,
    /// `offline`, `single-stream` or `server`.
    pub scenario: String,
    /// The scenario's settings that decide the numbers (durations, rate, batch tokens), as a JSON object.
    pub settings: Value,
    /// Measures by name, for instance `rows_per_second`, `latency_p99_seconds`, `peak_rss_bytes`.
    pub measures: BTreeMap<String, Measure>,
    /// How much was asked.
    #[serde(default)]
    pub volume: BenchVolume,
    /// Where this was measured in turns with another side: what both records of the pair, and no other, have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// Which side of the pair it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<BenchSide>,
    /// What the numbers were computed on.
    #[serde(default)]
    pub backend: Backend,
    /// What the GPU did meanwhile, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,
    /// What a reader should know, one sentence each: a noisy machine, clocks held down.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Start, RFC 3339 UTC.
    pub started_at: String,
    /// End, RFC 3339 UTC.
    pub finished_at: String,
}

impl BenchRecord {
    /// The id of a measurement: measurements of the same thing have the same, and replace each other.
    pub fn id_of(
        inputs: &CellInputs,
        scenario: &str,
        settings: &Value,
        side: Option<BenchSide>,
    ) -> String {
        digest(&json!({
            "inputs": inputs.deciding(), "scenario": scenario, "settings": settings, "side": side
        }))
    }
}

/// How much a model was asked in a measurement. A query is one row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BenchVolume {
    /// Rows that queries were drawn from.
    pub rows: u64,
    /// Queries of each repetition.
    pub queries: Vec<u64>,
    /// How often the rows were gone through within one repetition, at most; 1: no text came twice.
    pub times_through: u64,
    /// Queries a second that arrived on average, of a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Tokens a batch at most.
    pub batch_tokens: u64,
}

/// A side of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchSide {
    /// What is compared with.
    Base,
    /// What is judged.
    New,
}

/// One quantity over all repetitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// One a repetition, in order. Repetition `i` of a side was measured next to repetition `i` of the other.
    pub values: Vec<f64>,
    /// Their median.
    pub median: f64,
    /// Lower end of the 95% interval of the median; none of fewer than six repetitions.
    #[serde(default)]
    pub ci_low: Option<f64>,
    /// Upper end.
    #[serde(default)]
    pub ci_high: Option<f64>,
    /// Whether a larger value is a better one.
    pub higher_is_better: bool,
}

impl Measure {
    /// The confidence of its interval.
    pub const CONFIDENCE: f64 = 0.95;

    /// Values, with their median and the interval of it between order statistics ([`median_interval`]).
    pub fn new(values: Vec<f64>, higher_is_better: bool) -> Self {
        let interval = median_interval(&values, Self::CONFIDENCE);
        Self {
            median: median(&values),
            ci_low: interval.map(|(low, _)| low),
            ci_high: interval.map(|(_, high)| high),
            values,
            higher_is_better,
        }
    }
}
