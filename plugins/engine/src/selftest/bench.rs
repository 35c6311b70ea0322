//! What checks work with: the device, its precision, and the goldens.

use super::golden::Goldens;
use crate::context::{Context, Precision};
use crate::device::Device;
use crate::error::Result;

/// A device that was opened.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    device: Device,
    /// The name in requests.
    pub(super) name: String,
    /// What it is, for people.
    pub(super) what: String,
}

impl Opened {
    /// Opens the device that a request names; `auto` is the first GPU where this build can use one, else the CPU.
    ///
    /// # Errors
    /// As [`Device::named`].
    pub(super) fn new(name: &str) -> Result<Self> {
        let device = match name {
            "auto" => Device::named("cuda:0").unwrap_or(Device::Cpu),
            name => Device::named(name)?,
        };
        let what = match &device {
            Device::Cpu => cpu(),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => {
                let facts = gpu.facts();
                let (major, minor) = facts.compute_capability;
                let gib = facts.memory_bytes as f64 / f64::from(1 << 30);
                let driver = facts.driver;
                format!(
                    "{}, compute capability {major}.{minor}, {gib:.1} GiB of memory, a driver for CUDA {}.{}",
                    facts.name, driver.0, driver.1
                )
            }
        };
        Ok(Self { name: device.name(), device, what })
    }

    /// Whether it is the processor.
    pub(super) fn is_cpu(&self) -> bool {
        self.device.is_cpu()
    }

    /// Waits until the device has done everything that it was given.
    ///
    /// # Errors
    /// What went wrong there.
    pub(super) fn wait(&self) -> Result<()> {
        match &self.device {
            Device::Cpu => Ok(()),
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => Ok(gpu.synchronize()?),
        }
    }

    /// Bytes of the device's own memory at their highest; none for the CPU.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        match &self.device {
            Device::Cpu => None,
            #[cfg(feature = "cuda")]
            Device::Cuda(gpu) => Some(gpu.peak_bytes()),
        }
    }

    /// A context on it, with so many threads on the CPU (0: all).
    ///
    /// # Errors
    /// As [`Context::new`].
    pub(super) fn context(&self, precision: Precision, threads: usize) -> Result<Context> {
        Context::new(self.device.clone(), precision, threads)
    }
}

/// The processor's name, its threads, and this machine's memory.
fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.trim_start().strip_prefix(':'))
        .map_or(std::env::consts::ARCH, str::trim);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse::<f64>().ok())
        .map_or(String::new(), |kib| format!(", {:.1} GiB of memory", kib / f64::from(1 << 20)));
    format!("{name}, {threads} threads{memory}")
}

/// What one check is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bench<'a> {
    pub(super) opened: &'a Opened,
    pub(super) precision: Precision,
    pub(super) goldens: &'a Goldens,
    pub(super) seed: u64,
}

impl Bench<'_> {
    /// A context on the device.
    pub(super) fn context(&self) -> Result<Context> {
        self.opened.context(self.precision, 0)
    }

    /// A context on the CPU in f32: what the device is compared with.
    pub(super) fn reference(&self) -> Result<Context> {
        Context::cpu(0)
    }

    /// One of two values, by precision.
    pub(super) fn by_precision<T>(&self, f32: T, bf16: T) -> T {
        match self.precision {
            Precision::F32 => f32,
            Precision::Bf16 => bf16,
        }
    }
}
