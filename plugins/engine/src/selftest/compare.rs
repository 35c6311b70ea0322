//! How far numbers are apart, and which of them the most.

use crate::error::{EngineError, Result};

/// What a check came to: its part that is closest to its tolerance, or furthest beyond it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Worst {
    /// The error; not finite where a number was not.
    pub(super) error: f64,
    /// The largest error that passes.
    pub(super) tolerance: f64,
    /// Where it was seen, what was expected and what was there.
    pub(super) message: String,
    parts: usize,
}

impl Default for Worst {
    fn default() -> Self {
        Self { error: 0.0, tolerance: f64::MIN_POSITIVE, message: String::new(), parts: 0 }
    }
}

impl Worst {
    /// How many parts it stands for.
    pub(super) fn parts(&self) -> usize {
        self.parts
    }

    /// Whether every part is within its tolerance.
    pub(super) fn passed(&self) -> bool {
        self.error <= self.tolerance
    }

    /// Adds a part.
    pub(super) fn part(&mut self, error: f64, tolerance: f64, message: impl FnOnce() -> String) {
        self.parts += 1;
        if self.parts == 1 || ratio(error, tolerance) > ratio(self.error, self.tolerance) {
            (self.error, self.tolerance, self.message) = (error, tolerance, message());
        }
    }

    /// Adds numbers: the error is the largest difference, in parts of `scale`.
    ///
    /// # Errors
    /// [`EngineError::Internal`] where there are more or fewer than expected.
    pub(super) fn numbers(
        &mut self,
        what: &str,
        expected: &[f64],
        seen: &[f32],
        (scale, tolerance): (f64, f64),
    ) -> Result<()> {
        if expected.len() != seen.len() {
            return Err(EngineError::Internal(format!(
                "{what}: {} numbers, expected {}",
                seen.len(),
                expected.len()
            )));
        }
        let off = |at: usize| (f64::from(seen[at]) - expected[at]).abs();
        let odd = seen.iter().position(|value| !value.is_finite());
        let at = odd.or_else(|| (0..seen.len()).max_by(|&a, &b| off(a).total_cmp(&off(b))));
        let Some(at) = at else { return Ok(()) };
        self.part(off(at) / scale, tolerance, || {
            format!(
                "{what}, number {at} of {}: expected {}, saw {}",
                seen.len(),
                expected[at],
                seen[at]
            )
        });
        Ok(())
    }

    /// Adds numbers that are to have the same bits.
    pub(super) fn bits(&mut self, what: &str, first: &[f32], second: &[f32]) {
        let differs = |at: &usize| first[*at].to_bits() != second[*at].to_bits();
        let same_length = first.len() == second.len();
        let count =
            if same_length { (0..first.len()).filter(differs).count() } else { first.len() };
        self.part(count as f64, 0.0, || match (0..first.len()).find(differs) {
            Some(at) if same_length => format!(
                "{what}: {count} of {} numbers differ from the first time; number {at} was {:e}, then {:e}",
                first.len(),
                first[at],
                second[at]
            ),
            _ => format!("{what}: {} numbers", first.len()),
        });
    }
}

/// How much of its tolerance an error takes.
fn ratio(error: f64, tolerance: f64) -> f64 {
    match error {
        0.0 => 0.0,
        error if error.is_finite() => error / tolerance,
        _ => f64::INFINITY,
    }
}

/// The largest absolute value, at least `least`.
pub(super) fn largest<'a>(values: impl IntoIterator<Item = &'a f64>, least: f64) -> f64 {
    values.into_iter().fold(least, |largest, value| largest.max(value.abs()))
}

/// In f64.
pub(super) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Euclidean length of the difference, or of the first alone.
pub(super) fn distance(a: &[f32], b: Option<&[f32]>) -> f64 {
    let square = |x: f64| x * x;
    let sum: f64 = match b {
        Some(b) => a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum(),
        None => a.iter().map(|a| square(f64::from(*a))).sum(),
    };
    sum.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_part_is_by_its_own_tolerance() {
        let mut worst = Worst::default();
        worst.part(1e-3, 1e-2, || "a".into());
        worst.part(1e-4, 2e-4, || "b".into());
        worst.part(0.5, 10.0, || "c".into());
        assert_eq!((worst.message.as_str(), worst.parts(), worst.passed()), ("b", 3, true));
        worst.numbers("d", &[1.0, 2.0, 4.0], &[1.0, 2.5, 4.0], (4.0, 1e-1)).unwrap();
        assert_eq!(worst.error, 0.125);
        assert!(!worst.passed());
        assert!(worst.message.contains("number 1 of 3: expected 2, saw 2.5"), "{}", worst.message);
    }

    #[test]
    fn what_is_no_number_never_passes() {
        let mut worst = Worst::default();
        worst.numbers("a", &[1.0, 2.0], &[9.0, f32::NAN], (1.0, 1e9)).unwrap();
        assert!(!worst.passed() && worst.message.contains("saw NaN"), "{worst:?}");
        worst.part(1.0, 1e9, || "b".into());
        assert!(!worst.passed(), "it stays the worst");
    }

    #[test]
    fn bits_are_counted() {
        let mut worst = Worst::default();
        worst.bits("a", &[1.0, 0.0], &[1.0, 0.0]);
        assert!(worst.passed());
        worst.bits("b", &[1.0, 0.0], &[1.0, -0.0]);
        assert_eq!((worst.error, worst.passed()), (1.0, false));
    }
}
