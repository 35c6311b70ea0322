//! What a plugin's `model_stats` says of its device and of its model's arithmetic. All of it is optional.

use serde_json::Value;

/// The device's part of a plugin's statistics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeviceStats {
    /// For instance `cuda:0`.
    pub device: Option<String>,
    /// Its full name.
    pub name: Option<String>,
    /// What tells it from every other one: `GPU-...`. Ordinals depend on `CUDA_VISIBLE_DEVICES`, this does not.
    pub uuid: Option<String>,
    /// For instance `9.0`.
    pub compute_capability: Option<String>,
    /// The version of CUDA that its driver speaks, for instance `13.0`.
    pub cuda_driver_version: Option<String>,
    /// The most memory of the device that was in use since the last statistics, in bytes.
    pub peak_bytes: Option<u64>,
    /// All of its memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Tokens a batch that fill it.
    pub batch_tokens: Option<u64>,
    /// What multiplies matrices: an instruction set on a CPU, for instance `cuda-bf16` on a GPU.
    pub isa: Option<String>,
    /// What a forward pass computes.
    pub flops: Option<Flops>,
}

/// Operations of one forward pass over a sequence of `L` tokens, a multiplication with its addition counted as two:
/// `per_token * L + per_pair * L^2 + per_sequence`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Flops {
    /// Matrix products of weights.
    pub per_token: f64,
    /// Attention: each token with each.
    pub per_pair: f64,
    /// Poolers and heads of whole sequences.
    pub per_sequence: f64,
}

impl DeviceStats {
    /// Reads statistics; what is not there, or is of another type, counts as not said.
    pub fn read(json: &str) -> Self {
        let stats: Value = serde_json::from_str(json).unwrap_or(Value::Null);
        let text = |key: &str| stats.get(key).and_then(Value::as_str).map(str::to_owned);
        let count = |key: &str| stats.get(key).and_then(Value::as_u64);
        let flops = stats.get("flops").and_then(|flops| {
            let of = |key: &str| {
                let value = flops.get(key).and_then(Value::as_f64);
                value.filter(|value| value.is_finite() && *value >= 0.0)
            };
            Some(Flops {
                per_token: of("per_token")?,
                per_pair: of("per_pair").unwrap_or_default(),
                per_sequence: of("per_sequence").unwrap_or_default(),
            })
        });
        Self {
            device: text("device"),
            name: text("device_name"),
            uuid: text("device_uuid"),
            compute_capability: text("compute_capability"),
            cuda_driver_version: text("driver_version"),
            peak_bytes: count("peak_device_bytes"),
            memory_bytes: count("device_memory_bytes"),
            batch_tokens: count("batch_tokens").filter(|&tokens| tokens > 0),
            isa: text("isa"),
            flops,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read_and_the_rest_is_not_there() {
        let read = DeviceStats::read(
            r#"{"device": "cuda:1", "device_name": "NVIDIA H200", "device_uuid": "GPU-1", "compute_capability": "9.0",
                "driver_version": "13.0", "peak_device_bytes": 5, "device_memory_bytes": 9, "batch_tokens": 70000,
                "flops": {"per_token": 2e8, "per_pair": 3.5e4, "per_sequence": 7}, "parameters": 12}"#,
        );
        assert_eq!(read.uuid.as_deref(), Some("GPU-1"));
        assert_eq!((read.peak_bytes, read.memory_bytes), (Some(5), Some(9)));
        assert_eq!((read.batch_tokens, read.isa), (Some(70_000), None));
        let flops = Flops { per_token: 2e8, per_pair: 3.5e4, per_sequence: 7.0 };
        assert_eq!(read.flops, Some(flops));
        for odd in ["null", "", "[]", r#"{"batch_tokens": 0, "flops": {"per_token": -1}}"#] {
            assert_eq!(DeviceStats::read(odd), DeviceStats::default(), "{odd}");
        }
    }
}
