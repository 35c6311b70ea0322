//! Whether the machine was quiet while something was measured: what the kernel counts of others, and of clocks that are
//! held down.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Shares of the machine's CPU time above which others are named.
const OTHERS: f64 = 0.05;
const STEAL: f64 = 0.01;
/// The share of the time in which something waited for a CPU, above which that is named.
const PRESSURE: f64 = 0.1;

/// What the kernel has counted at some moment. Times are in ticks of all CPUs together, but for the last two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot {
    total: u64,
    idle: u64,
    steal: u64,
    /// Of this process and its workers.
    own: u64,
    /// Microseconds in which at least one task waited for a CPU.
    waited: Option<u64>,
    at: Instant,
}

impl Snapshot {
    /// Looks now. `workers` are the processes whose work is measured.
    pub(super) fn take(workers: &[u32]) -> Option<Self> {
        let [total, idle, steal] = cpu_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let ticks = |process: String| {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok();
            stat.and_then(|stat| process_ticks(&stat)).unwrap_or_default()
        };
        let own =
            workers.iter().map(|id| ticks(id.to_string())).sum::<u64>() + ticks("self".into());
        let pressure = fs::read_to_string("/proc/pressure/cpu").ok();
        let waited = pressure.and_then(|text| waited(&text));
        Some(Self { total, idle, steal, own, waited, at: Instant::now() })
    }
}

/// What happened between snapshots, added up.
#[derive(Debug, Clone, Default)]
pub(super) struct Noise {
    total: u64,
    others: u64,
    steal: u64,
    waited: f64,
    seconds: f64,
    throttled: u64,
}

impl Noise {
    /// Adds the time between two snapshots.
    pub(super) fn add(&mut self, before: Option<Snapshot>, after: Option<Snapshot>) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let total = after.total.saturating_sub(before.total);
        let idle = after.idle.saturating_sub(before.idle);
        let steal = after.steal.saturating_sub(before.steal);
        let own = after.own.saturating_sub(before.own);
        self.total += total;
        self.steal += steal;
        self.others += total.saturating_sub(idle + steal + own);
        if let (Some(before), Some(after)) = (before.waited, after.waited) {
            self.waited += after.saturating_sub(before) as f64 / 1e6;
        }
        self.seconds += after.at.duration_since(before.at).as_secs_f64();
    }

    /// Adds events in which a CPU slowed down for its heat.
    pub(super) fn add_throttling(&mut self, events: u64) {
        self.throttled += events;
    }

    /// What is worth knowing, one sentence each.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut said = Vec::new();
        let share = |ticks: u64| ticks as f64 / self.total.max(1) as f64;
        let percent = |share: f64| format!("{:.0}%", 100.0 * share);
        if share(self.others) > OTHERS {
            let used = percent(share(self.others));
            said.push(format!(
                "the machine was not quiet: other processes used {used} of its CPU time while this was measured"
            ));
        }
        if share(self.steal) > STEAL {
            let taken = percent(share(self.steal));
            said.push(format!("the hypervisor kept {taken} of the CPU time for others (steal)"));
        }
        let waited = self.waited / self.seconds.max(1e-9);
        if waited > PRESSURE {
            said.push(format!(
                "for {} of the time something waited for a CPU: fewer --threads, or a machine with less to do",
                percent(waited.min(1.0))
            ));
        }
        if self.throttled > 0 {
            said.push(format!("a CPU slowed down for its heat ({} events)", self.throttled));
        }
        said
    }
}

/// How much values spread: the deviation of the sample as a part of its mean (the coefficient of variation); none of
/// fewer than three.
pub(super) fn spread(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = crate::stats::mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 2 && mean > 0.0).then(|| (squares / (n - 1.0)).sqrt() / mean)
}

/// The folder of the kernel's files on CPUs.
const CPUS: &str = "/sys/devices/system/cpu";

/// How often CPUs slowed down for their heat since the machine started; 0 where the kernel does not say.
pub(super) fn throttle_events() -> u64 {
    let files = ["core_throttle_count", "package_throttle_count"];
    let folders = cpu_folders(Path::new(CPUS));
    let counts =
        folders.iter().flat_map(|cpu| files.map(|file| cpu.join("thermal_throttle").join(file)));
    counts.filter_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok()).sum()
}

/// A sentence on who governs the CPUs' clocks, where that is not `performance`.
pub(super) fn governor() -> Option<String> {
    let governor = |cpu: PathBuf| fs::read_to_string(cpu.join("cpufreq/scaling_governor")).ok();
    let governors = cpu_folders(Path::new(CPUS)).into_iter().filter_map(governor);
    governor_warning(&governors.map(|text| text.trim().to_owned()).collect())
}

fn governor_warning(governors: &BTreeSet<String>) -> Option<String> {
    let others: Vec<&str> =
        governors.iter().map(String::as_str).filter(|name| *name != "performance").collect();
    (!others.is_empty()).then(|| {
        format!(
            "the CPU's clock changes with the load (governor {}); `performance` keeps it where it is",
            others.join(", ")
        )
    })
}

fn cpu_folders(cpus: &Path) -> Vec<PathBuf> {
    let is_cpu = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.strip_prefix("cpu")
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let Ok(entries) = fs::read_dir(cpus) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(is_cpu).collect()
}

/// All ticks of all CPUs, those that were idle (or waited for a disk), and those that the hypervisor took (proc(5),
/// `/proc/stat`).
fn cpu_ticks(stat: &str) -> Option<[u64; 3]> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|number| number.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user and nice already.
    let [_, _, _, idle, iowait, _, _, steal] = *ticks.first_chunk::<8>()?;
    Some([ticks[..8].iter().sum(), idle + iowait, steal])
}

/// Ticks of a process with all its threads: the fields utime and stime (proc(5), `/proc/PID/stat`).
fn process_ticks(stat: &str) -> Option<u64> {
    // The second field is a name in parentheses, which may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Microseconds in which at least one task waited for a CPU (the kernel's Documentation/accounting/psi.rst).
fn waited(pressure: &str) -> Option<u64> {
    let line = pressure.lines().find(|line| line.starts_with("some "))?;
    line.split_once("total=")?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "cpu  100 5 50 800 20 1 4 20 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(cpu_ticks(stat), Some([1000, 820, 20]));
        assert_eq!(cpu_ticks("cpu 1 2 3\n"), None);
        let stat = "42 (a ) name) S 1 2 3 4 5 6 7 8 9 10 70 30 1 2";
        assert_eq!(process_ticks(stat), Some(100));
        assert_eq!(process_ticks("42 (x"), None);
        let pressure =
            "some avg10=0.00 avg60=1.00 avg300=2.00 total=1234567\nfull avg10=0 total=9\n";
        assert_eq!(waited(pressure), Some(1_234_567));
    }

    #[test]
    fn this_process_is_seen_to_work() {
        let before = Snapshot::take(&[]).expect("Linux has /proc");
        let until = Instant::now() + Duration::from_millis(300);
        let mut sum = 0_u64;
        while Instant::now() < until {
            sum = std::hint::black_box(sum.wrapping_mul(31) + 1);
        }
        let after = Snapshot::take(&[]).expect("Linux has /proc");
        assert!(after.own > before.own && after.total > before.total);
    }

    fn snapshot(total: u64, idle: u64, steal: u64, own: u64, waited: u64, at: Instant) -> Snapshot {
        Snapshot { total, idle, steal, own, waited: Some(waited), at }
    }

    #[test]
    fn others_are_named() {
        let start = Instant::now();
        let later = start + Duration::from_secs(10);
        let mut noise = Noise::default();
        let before = snapshot(0, 0, 0, 0, 0, start);
        noise.add(Some(before), Some(snapshot(2000, 1000, 0, 990, 100_000, later)));
        assert!(noise.warnings().is_empty(), "ten ticks of others are none");
        noise.add(Some(before), Some(snapshot(2000, 200, 200, 800, 9_900_000, later)));
        noise.add_throttling(3);
        let said = noise.warnings();
        // (10 + 800) / 4000, 200 / 4000, 10 s / 20 s.
        assert!(said[0].contains("used 20% of its CPU time"), "{said:?}");
        assert!(said[1].contains("kept 5%") && said[2].contains("for 50%"), "{said:?}");
        assert!(said[3].contains("3 events"), "{said:?}");
        noise.add(None, Some(before));
        assert_eq!(noise.warnings(), said);
    }

    #[test]
    fn spreads_and_governors() {
        assert_eq!(spread(&[1.0, 2.0]), None);
        assert_eq!(spread(&[2.0, 2.0, 2.0]), Some(0.0));
        assert_eq!(spread(&[1.0, 2.0, 3.0]), Some(0.5));
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!(governor_warning(&set(&[])), None);
        assert_eq!(governor_warning(&set(&["performance"])), None);
        let said = governor_warning(&set(&["performance", "powersave"])).expect("a warning");
        assert!(said.contains("governor powersave"), "{said}");
    }
}
