//! The machine that a run ran on.

use std::fs;
use std::thread;

use serde::{Deserialize, Serialize};

/// What is known about the machine. Fields that the system does not tell are null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Operating system, for instance `linux`.
    pub os: String,
    /// Architecture, for instance `x86_64`.
    pub arch: String,
    /// Model of the CPU.
    pub cpu_model: Option<String>,
    /// Logical CPUs that this process may use.
    pub logical_cpus: u32,
    /// Memory of the machine in bytes.
    pub memory_bytes: Option<u64>,
    /// Release of the kernel.
    pub kernel: Option<String>,
}

impl Host {
    /// Looks at the machine that this process runs on.
    pub fn detect() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpu_model: fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|text| field(&text, "model name")),
            logical_cpus: thread::available_parallelism()
                .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(1)),
            memory_bytes: fs::read_to_string("/proc/meminfo")
                .ok()
                .and_then(|text| memory_bytes(&text)),
            kernel: Some(rustix::system::uname().release().to_string_lossy().into_owned()),
        }
    }
}

/// The first value of `name` in the `name : value` lines of a file under /proc.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

/// `MemTotal` is given in kibibytes under the unit `kB`.
fn memory_bytes(meminfo: &str) -> Option<u64> {
    field(meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_files_of_proc() {
        assert_eq!(
            field("processor\t: 0\nmodel name\t: A CPU @ 2GHz\n", "model name"),
            Some("A CPU @ 2GHz".into())
        );
        assert_eq!(memory_bytes("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16384 * 1024));
        assert_eq!(memory_bytes("MemTotal: many"), None);
        assert!(Host::detect().logical_cpus > 0);
    }
}
