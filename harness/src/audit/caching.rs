//! Are answers remembered? Texts that were answered before must not be answered faster.

use super::CACHING_FACTOR;
use super::outcome::{Check, Outcome};
use super::session::Session;
use crate::run::Progress;
use crate::stats::median;
use crate::worker::{Failure, RowInput};

pub(super) const NAME: &str = "caching";
/// Groups of rows that are each answered for the first time and then again. The first one warms everything up.
const GROUPS: usize = 9;
/// Fewer rows than this in a group say nothing.
const LEAST: usize = 4;
/// How often a group is answered again.
const AGAIN: usize = 3;
/// How often the check is made before it fails: a disturbed machine does not disturb the same half three times.
pub(super) const ATTEMPTS: usize = 3;

/// How many times faster rows are the second time: the median over groups, of which no row was asked before in this
/// session. None where there are too few rows.
pub(super) fn speedup(
    session: &mut Session,
    rows: &[RowInput],
    progress: &Progress,
) -> Result<Option<f64>, Failure> {
    let size = rows.len() / GROUPS;
    if size < LEAST {
        return Ok(None);
    }
    let mut speedups = Vec::new();
    for group in rows.chunks_exact(size).take(GROUPS) {
        let queries = group.len() as u64;
        session.give(group.to_vec(), progress)?;
        let first = session.time(queries, progress)?;
        let mut again = Vec::new();
        for _ in 0..AGAIN {
            again.push(session.time(queries, progress)?);
        }
        speedups.push(first / median(&again));
    }
    // Where everything was cold.
    speedups.remove(0);
    Ok(Some(median(&speedups)))
}

/// What speedups of all attempts come to: it takes all of them to fail.
pub(super) fn judge(speedups: &[f64]) -> Check {
    let least = speedups.iter().copied().fold(f64::INFINITY, f64::min);
    let passes = least <= CACHING_FACTOR;
    let (outcome, message) = if passes {
        (Outcome::Passed, format!("texts that came again were {least:.2} times as fast"))
    } else {
        let message = format!(
            "texts that came again were {least:.2} times as fast: answers seem to be remembered, so that speeds are not those of \
             new texts"
        );
        (Outcome::Failed, message)
    };
    Check {
        tolerance: Some(CACHING_FACTOR),
        speedup: Some(least),
        ..Check::bare(NAME, outcome, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_within_the_factor_is_enough() {
        assert_eq!(judge(&[1.4, 1.1]).outcome, Outcome::Passed);
        let failed = judge(&[9.0, 8.0, 7.0]);
        assert_eq!((failed.outcome, failed.speedup), (Outcome::Failed, Some(7.0)));
        assert!(failed.message.contains("7.00 times as fast"));
    }
}
