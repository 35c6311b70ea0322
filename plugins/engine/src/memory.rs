//! How much memory there is, so that a model that cannot fit is refused before it is loaded:
//! Linux grants more than there is, and kills the process later, without a word. And memory of zeros.
#![expect(unsafe_code, reason = "only the allocator knows memory that is zero already")]

use std::alloc::{Layout, alloc_zeroed};

use crate::error::{EngineError, Result};

/// A zeroed vector, or an error instead of an abort when memory is short.
///
/// The system gives pages of zeros when they are written to first. What is never written, as the moments of a
/// vocabulary's rows that no text has, takes no memory.
pub(crate) fn zeroed(len: usize, what: &str) -> Result<Vec<f32>> {
    if len == 0 {
        return Ok(Vec::new());
    }
    let too_large = || EngineError::OutOfMemory {
        what: what.to_owned(),
        bytes: len.saturating_mul(size_of::<f32>()),
    };
    let layout = Layout::array::<f32>(len).map_err(|_| too_large())?;
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc_zeroed(layout) }.cast::<f32>();
    if memory.is_null() {
        return Err(too_large());
    }
    // SAFETY: the global allocator has just given this memory, with the layout of a vector of `len` f32, and all of
    // it is zeros, which are f32.
    Ok(unsafe { Vec::from_raw_parts(memory, len, len) })
}

/// Refuses weights of `needed` bytes where that many cannot be had at all: more than the memory of
/// the machine (swap included), or than the limit of this process's control group.
///
/// Where the system does not tell, nothing is refused.
///
/// # Errors
/// [`EngineError::ModelTooLarge`].
pub(crate) fn fits(needed: usize) -> Result<()> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = field(&meminfo, "MemTotal")
        .map(|ram| ram.saturating_add(field(&meminfo, "SwapTotal").unwrap_or(0)));
    let limits = [total, group_limit()].into_iter().flatten();
    match limits.min().filter(|&limit| needed > limit) {
        Some(limit) => {
            let available = field(&meminfo, "MemAvailable").map_or(limit, |now| now.min(limit));
            Err(EngineError::ModelTooLarge { needed, limit, available })
        }
        None => Ok(()),
    }
}

/// A line of /proc/meminfo, in bytes.
fn field(meminfo: &str, name: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The memory limit of this process's control group (version 2), in bytes.
fn group_limit() -> Option<usize> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let path = std::path::Path::new("/sys/fs/cgroup").join(group).join("memory.max");
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_refused_with_its_sizes() {
        let text = "MemTotal:       24608832 kB\nMemFree: 5 kB\nMemAvailable:      7 kB\n";
        assert_eq!(field(text, "MemTotal"), Some(24_608_832 * 1024));
        assert_eq!((field(text, "MemAvailable"), field(text, "Mem")), (Some(7168), None));
        assert!(fits(1 << 20).is_ok());
        if cfg!(target_os = "linux") {
            let message = fits(1 << 60).unwrap_err().to_string();
            assert!(message.contains("1073741824.0 GiB"), "{message}");
        }
    }
}
