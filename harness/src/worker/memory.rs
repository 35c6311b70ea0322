//! The worker's memory, as the kernel counts it.

/// Lets the kernel count the highest resident set anew. Where it does not, the peak is the process's.
pub(super) fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The highest resident set in bytes (`VmHWM`).
pub(super) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_peak_of_this_process_is_known_on_linux() {
        if cfg!(target_os = "linux") {
            assert!(super::peak().unwrap() > 1 << 20);
        }
    }
}
