//! Helpers that several test binaries share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]
#![allow(
    clippy::allow_attributes,
    reason = "whether dead_code fires differs from binary to binary"
)]

pub mod fine_tuning;
pub mod parity;
pub mod spm;

use std::path::PathBuf;

use kobench_engine::config::Architecture;
use kobench_engine::rng::Stream;
use kobench_engine::{Context, Device, Precision};

/// The device that models are tested on: the CPU, or what `KOBENCH_TEST_DEVICE` names (`cuda:0`, with the feature `cuda`).
pub fn device() -> Device {
    let name = std::env::var("KOBENCH_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    Device::named(&name).unwrap_or_else(|error| panic!("KOBENCH_TEST_DEVICE={name}: {error}"))
}

/// A context on that device.
pub fn context(precision: Precision, threads: usize) -> Context {
    Context::new(device(), precision, threads).unwrap()
}

/// tests/goldens of the repository.
pub fn goldens(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/goldens").join(name)
}

/// Normal numbers that follow from a seed.
pub fn normal(seed: u64, len: usize, std: f32) -> Vec<f32> {
    let mut values = vec![0.0; len];
    Stream::new(seed, [0, 0]).fill_normal(&mut values, std);
    values
}

pub fn f64s(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Largest absolute difference.
pub fn distance(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max)
}

/// Gradient by central differences of sum(weights * f(x)) with respect to x.
pub fn finite_differences(x: &[f64], weights: &[f32], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let h = 1e-5;
    let value =
        |x: &[f64]| -> f64 { f(x).iter().zip(weights).map(|(y, w)| y * f64::from(*w)).sum() };
    (0..x.len())
        .map(|i| {
            let mut moved = x.to_vec();
            moved[i] = x[i] + h;
            let up = value(&moved);
            moved[i] = x[i] - h;
            (up - value(&moved)) / (2.0 * h)
        })
        .collect()
}

/// Runs `f` on a pool of `threads` threads.
pub fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

/// A line of this process's status in bytes: `VmRSS` (memory now) or `VmHWM` (its peak).
pub fn memory(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':')).unwrap();
    value.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// Makes the peak of memory the memory now.
pub fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The architecture of a `model_type` in config.json.
pub fn architecture(name: &str) -> Architecture {
    [
        Architecture::Bert,
        Architecture::Electra,
        Architecture::DistilBert,
        Architecture::Roberta,
        Architecture::DebertaV2,
        Architecture::Gemma2,
    ]
    .into_iter()
    .find(|a| a.model_types().contains(&name))
    .unwrap()
}
