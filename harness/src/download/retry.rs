//! How often and how soon a download is tried again.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

/// The wait after the first failure; it doubles with each further one.
const FIRST: Duration = Duration::from_millis(500);

/// The longest wait of our own.
const LONGEST: Duration = Duration::from_secs(30);

/// The longest wait that a server may ask for; it is tried again then, however long it asked for.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// Bytes that a try must have gained for the failures before it to be forgotten: a large file over a bad
/// line gets there, and a server that gives a byte at a time does not keep us for ever.
const PROGRESS: u64 = 1 << 20;

/// The failures of one download so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    allowed: u32,
    failures: u32,
    furthest: u64,
}

impl Retries {
    /// At most `allowed` tries after the first, counted from the last one that made progress.
    pub fn new(allowed: u32) -> Self {
        Self { allowed, failures: 0, furthest: 0 }
    }

    /// Counts a failure with `len` bytes here; how long to wait before the next try, or `None` when there
    /// is to be none. `asked` is what the server asked for.
    pub(super) fn failed(&mut self, len: u64, asked: Option<Duration>) -> Option<Duration> {
        if len >= self.furthest.saturating_add(PROGRESS) {
            self.furthest = len;
            self.failures = 0;
        }
        self.failures += 1;
        if self.failures > self.allowed {
            return None;
        }
        let own = delay(self.failures - 1, random_fraction());
        Some(asked.map_or(own, |asked| asked.min(LONGEST_ASKED).max(own)))
    }

    /// Failures since there was progress.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Tries that are allowed after the first.
    pub fn allowed(&self) -> u32 {
        self.allowed
    }
}

/// Exponential, half of it at random, so that many clients do not come back at once.
fn delay(earlier: u32, fraction: f64) -> Duration {
    let full = FIRST.saturating_mul(1 << earlier.min(16)).min(LONGEST);
    full.mul_f64(0.5 + 0.5 * fraction)
}

/// A number from 0 to 1. The keys of the standard library's hash maps are random; nothing better is needed.
fn random_fraction() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_vary() {
        let millis = |earlier, fraction| delay(earlier, fraction).as_millis();
        assert_eq!([millis(0, 0.0), millis(0, 1.0)], [250, 500]);
        assert_eq!([millis(3, 0.0), millis(3, 1.0)], [2000, 4000]);
        assert_eq!([millis(40, 0.0), millis(40, 1.0)], [15_000, 30_000]);
        let fractions: Vec<f64> = (0..100).map(|_| random_fraction()).collect();
        assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        assert!(fractions.iter().any(|fraction| *fraction != fractions[0]));
    }

    #[test]
    fn failures_are_counted_from_the_last_progress() {
        let mut retries = Retries::new(2);
        assert!(retries.failed(10, None).is_some());
        assert!(retries.failed(20, None).is_some());
        // Gained enough: counted anew.
        assert!(retries.failed(PROGRESS + 20, None).is_some());
        assert_eq!(retries.failures(), 1);
        // Begun again from nothing and got less far than before: no progress.
        assert!(retries.failed(PROGRESS, None).is_some());
        assert!(retries.failed(PROGRESS + 30, None).is_none());
        assert!(Retries::new(0).failed(0, None).is_none());
    }

    #[test]
    fn a_server_may_ask_for_a_wait_within_reason() {
        let wait = |seconds| Retries::new(1).failed(0, Some(Duration::from_secs(seconds)));
        assert_eq!(wait(7), Some(Duration::from_secs(7)));
        assert_eq!(wait(86_400), Some(LONGEST_ASKED));
        assert!(wait(0).is_some_and(|wait| wait >= FIRST / 2), "never at once");
    }
}
