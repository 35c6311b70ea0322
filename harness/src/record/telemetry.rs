//! What a record says of the GPU while its cell ran.

use serde::{Deserialize, Serialize};

/// What NVML told of a GPU from the moment that the model was open until all rows were answered (where the cell trained its
/// model, until they were scored). What the GPU, its driver or
/// the user's rights do not tell is not there, and `notes` says why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Telemetry {
    /// The GPU, as the driver tells it from all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_uuid: Option<String>,
    /// Version of the driver, for instance `580.65.06`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_version: Option<String>,
    /// How often the GPU was looked at.
    pub samples: u64,
    /// Seconds from the first look to the last.
    pub seconds: f64,
    /// Clock of the multiprocessors in MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sm_clock_mhz: Option<Range>,
    /// Clock of the memory in MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_clock_mhz: Option<Range>,
    /// The highest temperature in degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_max_celsius: Option<u32>,
    /// Power in watts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_watts: Option<MeanMax>,
    /// Energy in joules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_joules: Option<f64>,
    /// Where the energy is from: the GPU's `counter`, or the `power` of all looks, integrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_source: Option<EnergySource>,
    /// The share of the time in which a kernel ran, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<MeanMax>,
    /// The most memory of the GPU that was in use, by all processes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak_bytes: Option<u64>,
    /// Why the clocks were held down, if they were.
    pub throttling: Vec<Throttling>,
    /// Why something is missing.
    pub notes: Vec<String>,
}

/// The least, the mean and the largest of all looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// The mean and the largest of all looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct MeanMax {
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

/// Where energy is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergySource {
    /// The GPU's counter.
    Counter,
    /// Power, integrated over time.
    Power,
}

/// A reason for lower clocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Throttling {
    /// For instance `power cap`.
    pub reason: String,
    /// The share of all looks in which it held, from 0 to 1.
    pub share: f64,
}

impl Telemetry {
    /// The throttling in words, if there was any: `power cap (25% of the time)`.
    pub fn throttled(&self) -> Option<String> {
        let parts: Vec<String> = self
            .throttling
            .iter()
            .map(|t| format!("{} ({:.0}% of the time)", t.reason, (100.0 * t.share).max(1.0)))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}
